// SPDX-License-Identifier: MIT
/*
 * oneDNN: Intel's library, on which PyTorch and OpenVINO build
 *
 * Version 2 (Debian 12) bakes scales and zero points into the operator, version
 * 3 (Debian 13) takes them as arguments. Without AVX512-VNNI its int8 results
 * are wrong: vpmaddubsw saturates.
 */
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

#if DNNL_VERSION_MAJOR >= 3
#define REF(md) (md)
typedef const_dnnl_memory_desc_t md_ref;
#else
#define REF(md) (&(md))
typedef const dnnl_memory_desc_t *md_ref;
#endif

#define MAX_ARGS	10

static const struct peer_op ops[] = {
	{ "s8s8s8_zp", FORM_S8 },
	{ "u8s8u8_nozp", FORM_U8S8 },
	{ "f32", FORM_F32 },
	{ 0 }
};

/* struct op - an operator with its arguments, which it owns */
struct op {
	dnnl_primitive_t primitive;
	dnnl_exec_arg_t args[MAX_ARGS];
	int count;
};

/* struct descs - shapes; those of users are plain */
struct descs {
	dnnl_memory_desc_t user_src, user_weights, src, weights, bias, dst;
	dnnl_data_type_t type, weight_type, bias_type;
};

static dnnl_engine_t engine;
static dnnl_stream_t stream;

static const char *version(void)
{
	static char text[32];
	const dnnl_version_t *v = dnnl_version();

	snprintf(text, sizeof(text), "%d.%d.%d", v->major, v->minor, v->patch);
	return text;
}

static bool start(uint32_t threads)
{
	omp_set_num_threads((int)threads);
	return stream || (!dnnl_engine_create(&engine, dnnl_cpu, 0) &&
			  !dnnl_stream_create(&stream, engine,
					      dnnl_stream_default_flags));
}

/* --------------------------------------------------------------- memory -- */

static bool describe(dnnl_memory_desc_t *md, int rank, const dnnl_dims_t dims,
		     dnnl_data_type_t type, dnnl_format_tag_t tag)
{
#if DNNL_VERSION_MAJOR >= 3
	return !dnnl_memory_desc_create_with_tag(md, rank, dims, type, tag);
#else
	return !dnnl_memory_desc_init_by_tag(md, rank, dims, type, tag);
#endif
}

static bool add_arg(struct op *o, int arg, dnnl_memory_t memory)
{
	if (!memory || o->count == MAX_ARGS)
		return false;
	o->args[o->count].arg = arg;
	o->args[o->count++].memory = memory;
	return true;
}

static dnnl_memory_t new_memory(md_ref md, void *data)
{
	dnnl_memory_t memory = NULL;

	if (dnnl_memory_create(&memory, md, engine,
			       data ? data : DNNL_MEMORY_ALLOCATE))
		return NULL;
	return memory;
}

static bool reorder(md_ref from, dnnl_memory_t source, md_ref to,
		    dnnl_memory_t result)
{
	dnnl_primitive_desc_t desc;
	dnnl_primitive_t primitive;
	dnnl_exec_arg_t args[] = {
		{ DNNL_ARG_SRC, source }, { DNNL_ARG_DST, result },
	};
	bool ok;

	if (dnnl_reorder_primitive_desc_create(&desc, from, engine, to, engine,
					       NULL))
		return false;
	ok = !dnnl_primitive_create(&primitive, desc);
	if (ok) {
		ok = !dnnl_primitive_execute(primitive, stream, 2, args) &&
		     !dnnl_stream_wait(stream);
		dnnl_primitive_destroy(primitive);
	}
	dnnl_primitive_desc_destroy(desc);
	return ok;
}

/* An argument in the operator's own layout, with what the user has. */
static bool add_data(struct op *o, int arg, md_ref md, md_ref user, void *data)
{
	dnnl_memory_t source = new_memory(user, data);
	bool ok = source && add_arg(o, arg, new_memory(md, NULL)) &&
		  reorder(user, source, md, o->args[o->count - 1].memory);

	dnnl_memory_destroy(source);
	return ok;
}

/* ------------------------------------------------------------- operator -- */

static bool describe_gemm(const struct problem *p, struct descs *d)
{
	const struct layer *l = p->layer;
	dnnl_dims_t in = { l->h, l->in_channels };
	dnnl_dims_t weights = { l->in_channels, l->out_channels };
	dnnl_dims_t out = { l->h, l->out_channels };
	dnnl_dims_t bias = { 1, l->out_channels };

	return describe(&d->user_src, 2, in, d->type, dnnl_ab) &&
	       describe(&d->src, 2, in, d->type, dnnl_ab) &&
	       describe(&d->user_weights, 2, weights, d->weight_type, dnnl_ba) &&
	       describe(&d->weights, 2, weights, d->weight_type,
			dnnl_format_tag_any) &&
	       describe(&d->bias, 2, bias, d->bias_type, dnnl_ab) &&
	       describe(&d->dst, 2, out, d->type, dnnl_ab);
}

static bool describe_conv(const struct problem *p, struct descs *d)
{
	const struct layer *l = p->layer;
	bool dw = l->kind == DEPTHWISE;
	dnnl_dims_t in = { 1, l->in_channels, l->h, l->w };
	dnnl_dims_t out = { 1, l->out_channels, p->out_h, p->out_w };
	dnnl_dims_t full = { l->out_channels, l->in_channels, l->filter,
			     l->filter };
	dnnl_dims_t single = { l->out_channels, 1, 1, l->filter, l->filter };
	dnnl_dims_t bias = { l->out_channels };
	/* Integers stay in the layout of the network. */
	dnnl_format_tag_t tag = p->form == FORM_F32 ? dnnl_format_tag_any :
				dnnl_nhwc;

	return describe(&d->user_src, 4, in, d->type, dnnl_nhwc) &&
	       describe(&d->src, 4, in, d->type, tag) &&
	       describe(&d->user_weights, dw ? 5 : 4, dw ? single : full,
			d->weight_type, dw ? dnnl_hwigo : dnnl_ohwi) &&
	       describe(&d->weights, dw ? 5 : 4, dw ? single : full,
			d->weight_type, dnnl_format_tag_any) &&
	       describe(&d->bias, 1, bias, d->bias_type, dnnl_a) &&
	       describe(&d->dst, 4, out, d->type, tag);
}

#if DNNL_VERSION_MAJOR >= 3
/* A row of 4-byte values, copied. */
static bool add_values(struct op *o, int arg, dnnl_data_type_t type,
		       const void *values, int32_t count)
{
	dnnl_dims_t dims = { count };
	dnnl_memory_desc_t md;
	void *to;
	bool ok;

	if (!describe(&md, 1, dims, type, dnnl_a))
		return false;
	ok = add_arg(o, arg, new_memory(md, NULL)) &&
	     !dnnl_memory_get_data_handle(o->args[o->count - 1].memory, &to) &&
	     memcpy(to, values, (size_t)count * 4);
	dnnl_memory_desc_destroy(md);
	return ok;
}

static bool set_scales(const struct problem *p, dnnl_primitive_attr_t attr)
{
	enum layer_kind kind = p->layer->kind;
	int mask = kind == GEMM ? 0 : kind == CONV ? 1 : 3;

	return !dnnl_primitive_attr_set_scales_mask(attr, DNNL_ARG_SRC, 0) &&
	       !dnnl_primitive_attr_set_scales_mask(attr, DNNL_ARG_WEIGHTS,
						    mask) &&
	       !dnnl_primitive_attr_set_scales_mask(attr, DNNL_ARG_DST, 0);
}

static bool set_zeros(dnnl_primitive_attr_t attr)
{
	return !dnnl_primitive_attr_set_zero_points_mask(attr, DNNL_ARG_SRC, 0) &&
	       !dnnl_primitive_attr_set_zero_points_mask(attr, DNNL_ARG_DST, 0);
}

static bool set_attr(const struct problem *p, dnnl_primitive_attr_t attr)
{
	return p->form == FORM_F32 ||
	       (set_scales(p, attr) && (p->form != FORM_S8 || set_zeros(attr)));
}

static bool add_scales(const struct problem *p, struct op *o)
{
	const float in = IN_SCALE, out = OUT_SCALE;

	return add_values(o, DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC, dnnl_f32, &in,
			  1) &&
	       add_values(o, DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, dnnl_f32,
			  p->parts.scales, p->layer->kind == GEMM ? 1 :
			  p->layer->out_channels) &&
	       add_values(o, DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST, dnnl_f32, &out,
			  1);
}

static bool add_attr(const struct problem *p, struct op *o)
{
	if (p->form == FORM_F32)
		return true;
	return add_scales(p, o) &&
	       (p->form != FORM_S8 ||
		(add_values(o, DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC,
			    dnnl_s32, &p->in_zero, 1) &&
		 add_values(o, DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_DST,
			    dnnl_s32, &p->out_zero, 1)));
}

static bool make_desc(const struct problem *p, const struct descs *d,
		      dnnl_primitive_attr_t attr, dnnl_primitive_desc_t *desc)
{
	const struct layer *l = p->layer;
	dnnl_dims_t strides = { l->stride, l->stride }, dilates = { 0 };
	dnnl_dims_t before = { p->top, p->left };
	dnnl_dims_t after = { p->bottom, p->right };

	if (l->kind == GEMM)
		return !dnnl_matmul_primitive_desc_create(
			desc, engine, d->src, d->weights, d->bias, d->dst, attr);
	return !dnnl_convolution_forward_primitive_desc_create(
		desc, engine, dnnl_forward_inference, dnnl_convolution_direct,
		d->src, d->weights, d->bias, d->dst, strides, dilates, before,
		after, attr);
}

static void free_descs(struct descs *d)
{
	dnnl_memory_desc_destroy(d->user_src);
	dnnl_memory_desc_destroy(d->user_weights);
	dnnl_memory_desc_destroy(d->src);
	dnnl_memory_desc_destroy(d->weights);
	dnnl_memory_desc_destroy(d->bias);
	dnnl_memory_desc_destroy(d->dst);
}

/* The bias comes after the scales. */
#define INT8_BIAS dnnl_f32
static bool add_bias(const struct problem *p, struct op *o, md_ref md)
{
	size_t count = (size_t)p->layer->out_channels;
	float *bias = calloc(count, sizeof(*bias));
	bool ok = bias;

	for (size_t i = 0; i < count && ok; i++)
		bias[i] = (float)p->parts.bias[i] * IN_SCALE *
			  p->parts.scales[i];
	ok = ok && add_data(o, DNNL_ARG_BIAS, md, md, bias);
	free(bias);
	return ok;
}
#else
static bool set_scales(const struct problem *p, dnnl_primitive_attr_t attr)
{
	int32_t count = p->layer->kind == GEMM ? 1 : p->layer->out_channels;
	float *scales = calloc((size_t)count, sizeof(*scales));
	bool ok = scales;

	for (int32_t i = 0; i < count && ok; i++)
		scales[i] = IN_SCALE * p->parts.scales[i] / OUT_SCALE;
	ok = ok && !dnnl_primitive_attr_set_output_scales(
			   attr, count, count > 1 ? 1 << 1 : 0, scales);
	free(scales);
	return ok;
}

static bool set_zeros(const struct problem *p, dnnl_primitive_attr_t attr)
{
	return !dnnl_primitive_attr_set_zero_points(attr, DNNL_ARG_SRC, 1, 0,
						    &p->in_zero) &&
	       !dnnl_primitive_attr_set_zero_points(attr, DNNL_ARG_DST, 1, 0,
						    &p->out_zero);
}

static bool set_attr(const struct problem *p, dnnl_primitive_attr_t attr)
{
	return p->form == FORM_F32 ||
	       (set_scales(p, attr) &&
		(p->form != FORM_S8 || set_zeros(p, attr)));
}

static bool add_attr(const struct problem *p, struct op *o)
{
	(void)p;
	(void)o;
	return true;
}

static bool make_desc(const struct problem *p, const struct descs *d,
		      dnnl_primitive_attr_t attr, dnnl_primitive_desc_t *desc)
{
	const struct layer *l = p->layer;
	dnnl_dims_t strides = { l->stride, l->stride };
	dnnl_dims_t before = { p->top, p->left };
	dnnl_dims_t after = { p->bottom, p->right };
	dnnl_convolution_desc_t conv;
	dnnl_matmul_desc_t matmul;

	if (l->kind == GEMM)
		return !dnnl_matmul_desc_init(&matmul, &d->src, &d->weights,
					      &d->bias, &d->dst) &&
		       !dnnl_primitive_desc_create(desc, &matmul, attr, engine,
						   NULL);
	return !dnnl_convolution_forward_desc_init(
		       &conv, dnnl_forward_inference, dnnl_convolution_direct,
		       &d->src, &d->weights, &d->bias, &d->dst, strides, before,
		       after) &&
	       !dnnl_primitive_desc_create(desc, &conv, attr, engine, NULL);
}

static void free_descs(struct descs *d)
{
	(void)d;
}

#define INT8_BIAS dnnl_s32
static bool add_bias(const struct problem *p, struct op *o, md_ref md)
{
	return add_data(o, DNNL_ARG_BIAS, md, md, p->parts.bias);
}
#endif

static md_ref query(dnnl_primitive_desc_t desc, dnnl_query_t what)
{
	return dnnl_primitive_desc_query_md(desc, what, 0);
}

static bool add_args(const struct problem *p, const struct descs *d,
		     dnnl_primitive_desc_t desc, struct op *o)
{
	void *weights = p->form == FORM_F32 ? (void *)p->f32_weights :
			p->parts.weights;

	if (!add_data(o, DNNL_ARG_SRC, query(desc, dnnl_query_src_md),
		      REF(d->user_src), p->in) ||
	    !add_data(o, DNNL_ARG_WEIGHTS, query(desc, dnnl_query_weights_md),
		      REF(d->user_weights), weights) ||
	    !add_arg(o, DNNL_ARG_DST,
		     new_memory(query(desc, dnnl_query_dst_md), NULL)) ||
	    !add_attr(p, o))
		return false;
	if (p->form == FORM_F32)
		return add_data(o, DNNL_ARG_BIAS, REF(d->bias), REF(d->bias),
				p->f32_bias);
	return add_bias(p, o, REF(d->bias));
}

static bool make(const struct problem *p, struct op *o)
{
	struct descs d = {
		.type = p->form == FORM_F32 ? dnnl_f32 :
			p->form == FORM_S8 ? dnnl_s8 : dnnl_u8,
		.weight_type = p->form == FORM_F32 ? dnnl_f32 : dnnl_s8,
		.bias_type = p->form == FORM_F32 ? dnnl_f32 : INT8_BIAS,
	};
	dnnl_primitive_desc_t desc = NULL;
	dnnl_primitive_attr_t attr;
	bool ok;

	if (dnnl_primitive_attr_create(&attr))
		return false;
	ok = (p->layer->kind == GEMM ? describe_gemm(p, &d) :
	      describe_conv(p, &d)) &&
	     set_attr(p, attr) && make_desc(p, &d, attr, &desc) &&
	     add_args(p, &d, desc, o) &&
	     !dnnl_primitive_create(&o->primitive, desc);
	dnnl_primitive_desc_destroy(desc);
	dnnl_primitive_attr_destroy(attr);
	free_descs(&d);
	return ok;
}

/* ----------------------------------------------------------------- peer -- */

static void close_op(void *arg)
{
	struct op *o = arg;

	if (o->primitive)
		dnnl_primitive_destroy(o->primitive);
	for (int i = 0; i < o->count; i++)
		dnnl_memory_destroy(o->args[i].memory);
	free(o);
}

static void *open_op(const struct problem *p)
{
	struct op *o = calloc(1, sizeof(*o));

	if (!o || !start(p->threads)) {
		free(o);
		return NULL;
	}
	if (make(p, o))
		return o;
	close_op(o);
	return NULL;
}

static int run_op(void *arg)
{
	struct op *o = arg;

	if (dnnl_primitive_execute(o->primitive, stream, o->count, o->args))
		return -1;
	return dnnl_stream_wait(stream) ? -1 : 0;
}

const struct peer peer = {
	.name = "onednn",
	.ops = ops,
	.version = version,
	.open = open_op,
	.run = run_op,
	.close = close_op,
};
