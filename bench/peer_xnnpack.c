// SPDX-License-Identifier: MIT
/*
 * XNNPACK: the kernels of TensorFlow Lite on CPUs
 *
 * Two interfaces: that of 2022 (Debian 12) and, with XNN_RESHAPE, that of 2024
 * (Debian 13), whose operators take caches and learn sizes and pointers apart.
 */
#include <pthreadpool.h>
#include <stdio.h>
#include <stdlib.h>
#include <xnnpack.h>

#include "peer.h"

#ifndef XNN_VERSION
#define XNN_VERSION "unknown"
#endif
#ifdef XNN_RESHAPE
#define CACHES		NULL, NULL,
#define QC8(name)	name##qs8_qc8w
#else
#define CACHES
#define QC8(name)	name##qc8
#endif

static const struct peer_op ops[] = {
	{ "qs8_qc8w", FORM_S8 }, { "qu8", FORM_U8 }, { "f32", FORM_F32 }, { 0 }
};

/* struct op - an operator and its workspace */
struct op {
	xnn_operator_t op;
	pthreadpool_t pool;
	void *workspace;
};

static const char *version(void)
{
	return XNN_VERSION;
}

/* One for all: they don't run at the same time. NULL: the caller's thread. */
static pthreadpool_t pool_of(uint32_t threads)
{
	static pthreadpool_t pool;

	if (threads > 1 && !pool)
		pool = pthreadpool_create(threads);
	return pool;
}

/* ---------------------------------------------------------- convolution -- */

#define GEOMETRY(p, l)							\
	(uint32_t)(p)->top, (uint32_t)(p)->right, (uint32_t)(p)->bottom, \
	(uint32_t)(p)->left, (uint32_t)(l)->filter, (uint32_t)(l)->filter, \
	(uint32_t)(l)->stride, (uint32_t)(l)->stride, 1, 1,		\
	(l)->kind == DEPTHWISE ? (uint32_t)(l)->in_channels : 1,	\
	(l)->kind == DEPTHWISE ? 1 : (size_t)(l)->in_channels,		\
	(l)->kind == DEPTHWISE ? 1 : (size_t)(l)->out_channels,		\
	(size_t)(l)->in_channels, (size_t)(l)->out_channels
#define FLAGS(l)							\
	((l)->kind == DEPTHWISE ? XNN_FLAG_DEPTHWISE_CONVOLUTION : 0)

static enum xnn_status create_conv(const struct problem *p, struct op *o)
{
	const struct layer *l = p->layer;
	const struct layer_parts *w = &p->parts;

	if (p->form == FORM_S8)
		return QC8(xnn_create_convolution2d_nhwc_)(
			GEOMETRY(p, l), (int8_t)p->in_zero, IN_SCALE, w->scales,
			w->weights, w->bias, (int8_t)p->out_zero, OUT_SCALE,
			(int8_t)p->min, (int8_t)p->max, FLAGS(l), CACHES &o->op);
	if (p->form == FORM_U8)
		return xnn_create_convolution2d_nhwc_qu8(
			GEOMETRY(p, l), (uint8_t)p->in_zero, IN_SCALE,
			(uint8_t)p->weight_zero, w->scales[0],
			(const uint8_t *)w->weights, w->bias,
			(uint8_t)p->out_zero, OUT_SCALE, (uint8_t)p->min,
			(uint8_t)p->max, FLAGS(l), CACHES &o->op);
	return xnn_create_convolution2d_nhwc_f32(
		GEOMETRY(p, l), p->f32_weights, p->f32_bias, -1e30f, 1e30f,
		FLAGS(l), CACHES &o->op);
}

#ifdef XNN_RESHAPE
#define SETUP_CONV(type, p, l, o)					\
	({								\
		size_t size = 0, align = 0, h, w;			\
		enum xnn_status ret = type(xnn_reshape_convolution2d_nhwc_)( \
			(o)->op, 1, (size_t)(l)->h, (size_t)(l)->w, &size, \
			&align, &h, &w, (o)->pool);			\
									\
		(o)->workspace = aligned_alloc(64, (size + 127) & ~(size_t)63); \
		ret ? ret : type(xnn_setup_convolution2d_nhwc_)(	\
			(o)->op, (o)->workspace, (p)->in, (p)->out);	\
	})
#else
#define SETUP_CONV(type, p, l, o)					\
	type(xnn_setup_convolution2d_nhwc_)((o)->op, 1, (size_t)(l)->h,	\
					    (size_t)(l)->w, (p)->in, (p)->out, \
					    (o)->pool)
#endif
#define QS8(name)	name##qs8
#define QU8(name)	name##qu8
#define F32(name)	name##f32

static enum xnn_status setup_conv(const struct problem *p, struct op *o)
{
	if (p->form == FORM_S8)
		return SETUP_CONV(QC8, p, p->layer, o);
	if (p->form == FORM_U8)
		return SETUP_CONV(QU8, p, p->layer, o);
	return SETUP_CONV(F32, p, p->layer, o);
}

/* ------------------------------------------------------- fully connected -- */

#define SIZES(l)							\
	(size_t)(l)->in_channels, (size_t)(l)->out_channels,		\
	(size_t)(l)->in_channels, (size_t)(l)->out_channels

static enum xnn_status create_fc(const struct problem *p, struct op *o)
{
	const struct layer *l = p->layer;
	const struct layer_parts *w = &p->parts;

	if (p->form == FORM_S8)
		return xnn_create_fully_connected_nc_qs8(
			SIZES(l), (int8_t)p->in_zero, IN_SCALE, w->scales[0],
			w->weights, w->bias, (int8_t)p->out_zero, OUT_SCALE,
			(int8_t)p->min, (int8_t)p->max, 0, CACHES &o->op);
	if (p->form == FORM_U8)
		return xnn_create_fully_connected_nc_qu8(
			SIZES(l), (uint8_t)p->in_zero, IN_SCALE,
			(uint8_t)p->weight_zero, w->scales[0],
			(const uint8_t *)w->weights, w->bias,
			(uint8_t)p->out_zero, OUT_SCALE, (uint8_t)p->min,
			(uint8_t)p->max, 0, CACHES &o->op);
	return xnn_create_fully_connected_nc_f32(SIZES(l), p->f32_weights,
						 p->f32_bias, -1e30f, 1e30f, 0,
						 CACHES &o->op);
}

#ifdef XNN_RESHAPE
#define SETUP_FC(type, p, o)						\
	({								\
		enum xnn_status ret = type(xnn_reshape_fully_connected_nc_)( \
			(o)->op, (size_t)(p)->layer->h, (o)->pool);	\
									\
		ret ? ret : type(xnn_setup_fully_connected_nc_)(	\
			(o)->op, (p)->in, (p)->out);			\
	})
#else
#define SETUP_FC(type, p, o)						\
	type(xnn_setup_fully_connected_nc_)((o)->op, (size_t)(p)->layer->h, \
					    (p)->in, (p)->out, (o)->pool)
#endif

static enum xnn_status setup_fc(const struct problem *p, struct op *o)
{
	if (p->form == FORM_S8)
		return SETUP_FC(QS8, p, o);
	if (p->form == FORM_U8)
		return SETUP_FC(QU8, p, o);
	return SETUP_FC(F32, p, o);
}

/* ---------------------------------------------------------------- peer --- */

static void close_op(void *arg)
{
	struct op *o = arg;

	xnn_delete_operator(o->op);
	free(o->workspace);
	free(o);
}

static enum xnn_status make(const struct problem *p, struct op *o)
{
	bool fc = p->layer->kind == GEMM;
	enum xnn_status ret = fc ? create_fc(p, o) : create_conv(p, o);

	if (ret)
		return ret;
	return fc ? setup_fc(p, o) : setup_conv(p, o);
}

static void *open_op(const struct problem *p)
{
	struct op *o = calloc(1, sizeof(*o));
	enum xnn_status ret;

	if (!o || xnn_initialize(NULL)) {
		free(o);
		return NULL;
	}
	o->pool = pool_of(p->threads);
	ret = make(p, o);
	if (!ret)
		return o;
	fprintf(stderr, "xnnpack: status %d\n", ret);
	close_op(o);
	return NULL;
}

static int run_op(void *arg)
{
	struct op *o = arg;

	return xnn_run_operator(o->op, o->pool);
}

const struct peer peer = {
	.name = "xnnpack",
	.ops = ops,
	.version = version,
	.open = open_op,
	.run = run_op,
	.close = close_op,
};
