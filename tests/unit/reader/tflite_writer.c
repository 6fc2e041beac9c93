// SPDX-License-Identifier: MIT
#include <assert.h>
#include <string.h>

#include "tflite_writer.h"

/*
 * Offsets of a flatbuffer point forward, so parents are written before their
 * children: a table is laid out with its fields at zero, then they are filled.
 */
struct writer {
	uint8_t *data;
	size_t size;
};

static void put(struct writer *w, const void *data, size_t size)
{
	assert(w->size + size <= MAX_FILE);
	memcpy(w->data + w->size, data, size);
	w->size += size;
}

static void put16(struct writer *w, uint16_t value)
{
	put(w, &value, sizeof(value));
}

static void put32(struct writer *w, uint32_t value)
{
	put(w, &value, sizeof(value));
}

/* Until (size + ahead) is a multiple of to. */
static void align(struct writer *w, size_t to, size_t ahead)
{
	while ((w->size + ahead) % to)
		put(w, "", 1);
}

/* A table of count fields of these sizes, 0: left out; returns where it is. */
static size_t put_table(struct writer *w, unsigned int count,
			const uint8_t *sizes)
{
	uint16_t offsets[16] = { 0 }, size = 4;
	size_t vtable, table;

	/* Fields start 8-byte aligned, at 4 behind a table at 4 modulo 8. */
	for (unsigned int i = 0; i < count; i++) {
		if (!sizes[i])
			continue;
		while ((size + 4) % sizes[i])
			size++;
		offsets[i] = size;
		size = (uint16_t)(size + sizes[i]);
	}
	align(w, 2, 0);
	vtable = w->size;
	put16(w, (uint16_t)(4 + 2 * count));
	put16(w, size);
	for (unsigned int i = 0; i < count; i++)
		put16(w, offsets[i]);
	align(w, 8, 4);
	table = w->size;
	put32(w, (uint32_t)(table - vtable));
	for (unsigned int i = 4; i < size; i++)
		put(w, "", 1);
	return table;
}

static uint8_t *field(struct writer *w, size_t table, unsigned int id)
{
	int32_t back;
	uint16_t offset;

	memcpy(&back, w->data + table, sizeof(back));
	memcpy(&offset, w->data + (table - (size_t)back) + 4 + 2 * id,
	       sizeof(offset));
	assert(offset);
	return w->data + table + offset;
}

static void set8(struct writer *w, size_t table, unsigned int id, uint8_t value)
{
	*field(w, table, id) = value;
}

static void set32(struct writer *w, size_t table, unsigned int id,
		  uint32_t value)
{
	memcpy(field(w, table, id), &value, sizeof(value));
}

static void set64(struct writer *w, size_t table, unsigned int id,
		  uint64_t value)
{
	memcpy(field(w, table, id), &value, sizeof(value));
}

static void point(struct writer *w, size_t from, size_t to)
{
	uint32_t offset = (uint32_t)(to - from);

	memcpy(w->data + from, &offset, sizeof(offset));
}

static void link_to(struct writer *w, size_t table, unsigned int id, size_t to)
{
	point(w, (size_t)(field(w, table, id) - w->data), to);
}

/* A vector into a field; returns where its elements are. */
static size_t put_vector(struct writer *w, size_t table, unsigned int id,
			 const void *data, uint32_t count, size_t size,
			 size_t alignment)
{
	align(w, 4, 0);
	align(w, alignment > 4 ? alignment : 4, 4);
	link_to(w, table, id, w->size);
	put32(w, count);
	put(w, data, count * size);
	return w->size - count * size;
}

static void put_string(struct writer *w, size_t table, unsigned int id,
		       const char *text)
{
	put_vector(w, table, id, text, (uint32_t)strlen(text), 1, 4);
	put(w, "", 1);
}

/* A vector of count offsets, to be pointed. */
static size_t put_offsets(struct writer *w, size_t table, unsigned int id,
			  uint32_t count)
{
	static const uint32_t zeros[MAX_TENSORS + 1];

	return put_vector(w, table, id, zeros, count, 4, 4);
}

/* ------------------------------------------------------- the schema -- */

static void put_quantization(struct writer *w, size_t tensor,
			     const struct test_tensor *t)
{
	static const uint8_t sizes[] = { 0, 0, 4, 4, 1, 0, 4 };
	size_t table = put_table(w, 7, sizes);

	link_to(w, tensor, 4, table);
	set8(w, table, 4, t->details_type);
	set32(w, table, 6, (uint32_t)t->quantized_dim);
	put_vector(w, table, 2, t->scales, t->num_scales, 4, 4);
	put_vector(w, table, 3, t->zero_points, t->num_zero_points, 8, 8);
}

static size_t put_tensor(struct writer *w, const struct test_tensor *t,
			 uint32_t buffer)
{
	uint8_t sizes[] = { 4, 1, 4, 4, 4, 1, 0 };
	static const uint8_t none[1];
	size_t table;

	sizes[4] = t->num_scales || t->num_zero_points ? 4 : 0;
	sizes[6] = t->sparse ? 4 : 0;
	table = put_table(w, 7, sizes);
	set8(w, table, 1, t->type);
	set32(w, table, 2, t->buffer ? (uint32_t)t->buffer : buffer);
	set8(w, table, 5, t->is_variable);
	put_vector(w, table, 0, t->dims, t->rank, 4, 4);
	put_string(w, table, 3, t->name ? t->name : "t");
	if (sizes[4])
		put_quantization(w, table, t);
	if (t->sparse)
		link_to(w, table, 6, put_table(w, 1, none));
	return table;
}

static void put_options(struct writer *w, size_t op, const struct test_op *o)
{
	uint8_t sizes[MAX_OPTIONS];
	size_t table;

	for (unsigned int i = 0; i < MAX_OPTIONS; i++)
		sizes[i] = o->options[i].size < 0 ? 4 :
			   (uint8_t)o->options[i].size;
	table = put_table(w, MAX_OPTIONS, sizes);
	link_to(w, op, 4, table);
	for (unsigned int i = 0; i < MAX_OPTIONS; i++) {
		const struct test_option *f = &o->options[i];
		uint32_t bits;

		memcpy(&bits, &f->real, sizeof(bits));
		if (f->size < 0)
			put_vector(w, table, i, f->vector, f->count, 4, 4);
		else if (f->size == 1)
			set8(w, table, i, (uint8_t)f->value);
		else if (f->size == 4)
			set32(w, table, i, bits ? bits : (uint32_t)f->value);
	}
}

static size_t put_op(struct writer *w, const struct test_op *o, uint32_t code)
{
	uint8_t sizes[] = { 4, 4, 4, 1, 4 };
	size_t table;

	sizes[4] = o->options_type ? 4 : 0;
	table = put_table(w, 5, sizes);
	set32(w, table, 0, o->code_index ? (uint32_t)o->code_index : code);
	set8(w, table, 3, o->options_type);
	put_vector(w, table, 1, o->inputs, o->num_inputs, 4, 4);
	put_vector(w, table, 2, o->outputs, o->num_outputs, 4, 4);
	if (o->options_type)
		put_options(w, table, o);
	return table;
}

static size_t put_code(struct writer *w, const struct test_op *o)
{
	uint8_t sizes[] = { 1, 0, 4, 4 };
	size_t table;

	sizes[1] = o->custom ? 4 : 0;
	sizes[3] = o->old_code_only ? 0 : 4;
	table = put_table(w, 4, sizes);
	set8(w, table, 0, (uint8_t)(o->code < 127 ? o->code : 127));
	set32(w, table, 2, o->version ? (uint32_t)o->version : 1);
	if (!o->old_code_only)
		set32(w, table, 3, (uint32_t)o->code);
	if (o->custom)
		put_string(w, table, 1, o->custom);
	return table;
}

static size_t put_buffer(struct writer *w, const struct test_tensor *t)
{
	static const uint8_t empty[1], inside[] = { 4 }, outside[] = { 0, 8, 8 };
	size_t table;

	if (!t->data)
		return put_table(w, 1, empty);
	if (t->data_outside)
		return put_table(w, 3, outside);
	table = put_table(w, 1, inside);
	put_vector(w, table, 0, t->data, t->data_size, 1, 16);
	return table;
}

static size_t put_subgraph(struct writer *w, const struct test_model *m)
{
	static const uint8_t sizes[] = { 4, 4, 4, 4 };
	size_t table = put_table(w, 4, sizes), v;

	v = put_offsets(w, table, 0, m->num_tensors);
	for (uint32_t i = 0; i < m->num_tensors; i++)
		point(w, v + 4 * i, put_tensor(w, &m->tensors[i], i + 1));
	put_vector(w, table, 1, m->inputs, m->num_inputs, 4, 4);
	put_vector(w, table, 2, m->outputs, m->num_outputs, 4, 4);
	v = put_offsets(w, table, 3, m->num_ops);
	for (uint32_t i = 0; i < m->num_ops; i++)
		point(w, v + 4 * i, put_op(w, &m->ops[i], i));
	return table;
}

/* Buffer 0 is empty, tensor i has buffer i + 1. */
static void put_buffers(struct writer *w, size_t model,
			const struct test_model *m)
{
	static const struct test_tensor none;
	size_t v, tables[MAX_TENSORS];

	v = put_offsets(w, model, 4, m->num_tensors + 1);
	point(w, v, put_buffer(w, &none));
	for (uint32_t i = 0; i < m->num_tensors; i++) {
		tables[i] = put_buffer(w, &m->tensors[i]);
		point(w, v + 4 * (i + 1), tables[i]);
	}
	for (uint32_t i = 0; i < m->num_tensors; i++) {
		const struct test_tensor *t = &m->tensors[i];

		if (!t->data || !t->data_outside)
			continue;
		align(w, 16, 0);
		put(w, "", t->data_unaligned);
		set64(w, tables[i], 1, w->size);
		set64(w, tables[i], 2, t->data_size);
		put(w, t->data, t->data_size);
	}
}

size_t write_model(const struct test_model *m, uint8_t file[MAX_FILE])
{
	uint8_t sizes[] = { 4, 4, 4, 4, 4 };
	uint32_t subgraphs = m->num_subgraphs ? m->num_subgraphs : 1;
	struct writer w = { .data = file };
	size_t model, v;

	sizes[2] = m->no_subgraphs ? 0 : 4;
	put32(&w, 0);
	put(&w, m->identifier ? m->identifier : "TFL3", 4);
	model = put_table(&w, 5, sizes);
	point(&w, 0, model);
	set32(&w, model, 0, m->version ? m->version : 3);
	v = put_offsets(&w, model, 1, m->num_ops);
	for (uint32_t i = 0; i < m->num_ops; i++)
		point(&w, v + 4 * i, put_code(&w, &m->ops[i]));
	if (!m->no_subgraphs) {
		v = put_offsets(&w, model, 2, subgraphs);
		for (uint32_t i = 0; i < subgraphs; i++)
			point(&w, v + 4 * i, put_subgraph(&w, m));
	}
	put_string(&w, model, 3, m->description ? m->description : "test");
	put_buffers(&w, model, m);
	return w.size;
}

/* ------------------------------------------------------ a whole model -- */

static const int8_t conv_weights[4 * 3 * 3 * 2] = { 1, -2, 3, 127, -127, 5 };
static const int8_t depthwise_weights[3 * 3 * 4] = { 4, -4, 9 };
static const int8_t dense_weights[3 * 4] = { 1, 2, 3, 4, 5, -6, 7, -8 };
static const int32_t biases[4] = { 100, -100, 7, 0 };
static const int64_t paddings[4][2] = { { 0, 0 }, { 1, 1 }, { 1, 1 }, { 0, 0 } };
static const int32_t axes[2] = { 1, 2 };
static const int32_t shape[2] = { 1, -1 };

static uint32_t add_tensor(struct test_model *m, struct test_tensor t)
{
	m->tensors[m->num_tensors] = t;
	return m->num_tensors++;
}

static struct test_tensor activations(int32_t h, int32_t w, int32_t c,
				      float scale)
{
	return (struct test_tensor){
		.type = T_INT8, .rank = 4, .dims = { 1, h, w, c },
		.num_scales = 1, .scales = { scale },
		.num_zero_points = 1, .zero_points = { -3 },
	};
}

static struct test_tensor constant(uint8_t type, uint32_t rank,
				   const int32_t *dims, const void *data,
				   uint32_t size)
{
	struct test_tensor t = {
		.type = type, .rank = rank, .data = data, .data_size = size,
	};

	memcpy(t.dims, dims, rank * sizeof(*dims));
	return t;
}

#define DIMS(...)	((const int32_t[]){ __VA_ARGS__ })

static void set_scales(struct test_tensor *t, uint32_t count, float scale)
{
	t->num_scales = count;
	t->num_zero_points = count;
	for (uint32_t i = 0; i < count; i++)
		t->scales[i] = scale * (float)(i + 1);
}

/* Adds an operator of one activation input, others may follow, and its output. */
static struct test_op *add_op(struct test_model *m, int32_t code, uint32_t in,
			      struct test_tensor out)
{
	struct test_op *op = &m->ops[m->num_ops++];

	*op = (struct test_op){ .code = code, .num_inputs = 1, .num_outputs = 1 };
	op->inputs[0] = (int32_t)in;
	op->outputs[0] = (int32_t)add_tensor(m, out);
	return op;
}

static void add_input(struct test_op *op, uint32_t tensor)
{
	op->inputs[op->num_inputs++] = (int32_t)tensor;
}

static void set_option(struct test_op *op, unsigned int id, int size,
		       int32_t value)
{
	op->options[id] = (struct test_option){ .size = size, .value = value };
}

/* 8x8x2 to 8x8x4 to 4x4x4, with a bias, per channel. */
static uint32_t add_convolutions(struct test_model *m, uint32_t x)
{
	struct test_tensor w, b;
	struct test_op *op;

	op = add_op(m, 3, x, activations(8, 8, 4, 0.25f));
	w = constant(T_INT8, 4, DIMS(4, 3, 3, 2), conv_weights,
		     sizeof(conv_weights));
	set_scales(&w, 4, 0.01f);
	b = constant(T_INT32, 1, DIMS(4), biases, sizeof(biases));
	set_scales(&b, 4, 0.005f);
	add_input(op, add_tensor(m, w));
	add_input(op, add_tensor(m, b));
	op->options_type = 1;
	set_option(op, 1, 4, 1);
	set_option(op, 2, 4, 1);
	set_option(op, 3, 1, 3);
	x = (uint32_t)op->outputs[0];

	op = add_op(m, 4, x, activations(4, 4, 4, 0.25f));
	w = constant(T_INT8, 4, DIMS(1, 3, 3, 4), depthwise_weights,
		     sizeof(depthwise_weights));
	set_scales(&w, 4, 0.02f);
	w.quantized_dim = 3;
	add_input(op, add_tensor(m, w));
	op->options_type = 2;
	set_option(op, 0, 1, 0);
	set_option(op, 1, 4, 2);
	set_option(op, 2, 4, 2);
	set_option(op, 3, 4, 1);
	return (uint32_t)op->outputs[0];
}

/* 4x4x4 to 4 by way of everything that isn't a convolution. */
static uint32_t add_middle(struct test_model *m, uint32_t x)
{
	struct test_op *op;
	uint32_t y;

	op = add_op(m, 0, x, activations(4, 4, 4, 0.5f));
	add_input(op, x);
	op->options_type = 11;
	set_option(op, 0, 1, 1);
	op = add_op(m, 18, x, activations(4, 4, 4, 0.5f));
	y = (uint32_t)m->ops[m->num_ops - 2].outputs[0];
	add_input(op, y);
	op->options_type = 21;
	set_option(op, 0, 1, 0);
	op = add_op(m, 34, (uint32_t)op->outputs[0], activations(6, 6, 4, 0.5f));
	y = add_tensor(m, constant(T_INT64, 2, DIMS(4, 2), paddings,
				   sizeof(paddings)));
	add_input(op, y);
	for (int i = 0; i < 2; i++) {
		int32_t code = i ? 17 : 1;

		op = add_op(m, code, (uint32_t)op->outputs[0],
			    activations(3 - i, 3 - i, 4, 0.5f));
		op->options_type = 5;
		set_option(op, 0, 1, 1);
		set_option(op, 1, 4, 2 - i);
		set_option(op, 2, 4, 2 - i);
		set_option(op, 3, 4, 2);
		set_option(op, 4, 4, 2);
	}
	op = add_op(m, 19, (uint32_t)op->outputs[0], activations(2, 2, 4, 0.5f));
	op = add_op(m, 40, (uint32_t)op->outputs[0], activations(1, 1, 4, 0.5f));
	y = add_tensor(m, constant(T_INT32, 1, DIMS(2), axes, sizeof(axes)));
	add_input(op, y);
	op->options_type = 27;
	set_option(op, 0, 1, 1);
	return (uint32_t)op->outputs[0];
}

static struct test_tensor row(int32_t count, float scale)
{
	struct test_tensor t = activations(1, 1, count, scale);

	t.rank = 2;
	t.dims[1] = count;
	return t;
}

/* 1x1x1x4 to 3 probabilities. */
static uint32_t add_end(struct test_model *m, uint32_t x)
{
	struct test_tensor w, b, out;
	struct test_op *op;

	op = add_op(m, 22, x, row(4, 0.5f));
	add_input(op, add_tensor(m, constant(T_INT32, 1, DIMS(2), shape,
					     sizeof(shape))));
	op = add_op(m, 9, (uint32_t)op->outputs[0], row(3, 0.5f));
	w = constant(T_INT8, 2, DIMS(3, 4), dense_weights,
		     sizeof(dense_weights));
	set_scales(&w, 1, 0.25f);
	b = constant(T_INT32, 1, DIMS(3), biases, 12);
	set_scales(&b, 1, 0.125f);
	add_input(op, add_tensor(m, w));
	add_input(op, add_tensor(m, b));
	op->options_type = 8;
	set_option(op, 0, 1, 0);
	out = row(3, 1.f / 256);
	out.zero_points[0] = -128;
	op = add_op(m, 25, (uint32_t)op->outputs[0], out);
	op->options_type = 9;
	op->options[0] = (struct test_option){ .size = 4, .real = 1 };
	out = row(3, 0);
	out.type = T_FLOAT32;
	out.num_scales = 0;
	out.num_zero_points = 0;
	op = add_op(m, 6, (uint32_t)op->outputs[0], out);
	return (uint32_t)op->outputs[0];
}

void make_model(struct test_model *m)
{
	struct test_tensor in = activations(8, 8, 2, 0.5f);
	struct test_op *op;
	uint32_t x;

	*m = (struct test_model){ .description = "one of each" };
	in.type = T_FLOAT32;
	in.num_scales = 0;
	in.num_zero_points = 0;
	x = add_tensor(m, in);
	m->num_inputs = 1;
	m->inputs[0] = (int32_t)x;
	op = add_op(m, 114, x, activations(8, 8, 2, 0.5f));
	x = add_convolutions(m, (uint32_t)op->outputs[0]);
	x = add_middle(m, x);
	m->num_outputs = 1;
	m->outputs[0] = (int32_t)add_end(m, x);
}
