// SPDX-License-Identifier: MIT
/*
 * eval_files DIR: pictures, labels, small classifiers of them, and what those
 * must predict: the class whose pixel, of the first three, is the largest.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qaccel/graph.h>
#include <qaccel/qaccel.h>

#define COUNT	103	/* not a multiple of the batch */
#define HEIGHT	4
#define WIDTH	5
#define PIXELS	(HEIGHT * WIDTH)
#define CLASSES	3

static uint8_t pictures[COUNT][PIXELS];
static uint8_t labels[COUNT];
static const char *folder;

static int fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, qaccel_last_error());
	exit(1);
}

static FILE *create(const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "wb");
	if (!file) {
		perror(path);
		exit(1);
	}
	return file;
}

static void write_idx(const char *name, uint32_t rank, const uint32_t *dims,
		      const void *data)
{
	FILE *file = create(name);
	size_t size = 1;

	fprintf(file, "%c%c%c%c", 0, 0, 8, (int)rank);
	for (uint32_t d = 0; d < rank; d++) {
		size *= dims[d];
		fprintf(file, "%c%c%c%c", (int)(dims[d] >> 24),
			(int)(dims[d] >> 16 & 255), (int)(dims[d] >> 8 & 255),
			(int)(dims[d] & 255));
	}
	fwrite(data, 1, size, file);
	if (fclose(file))
		exit(1);
}

/* Few different values, so that there are many ties. */
static void make_pictures(void)
{
	uint32_t state = 1;

	for (int i = 0; i < COUNT; i++)
		for (int p = 0; p < PIXELS; p++) {
			state = state * 1664525 + 1013904223;
			pictures[i][p] = (uint8_t)((state >> 24) % 4 * 85);
		}
}

static int largest(const uint8_t *x)
{
	int best = 0;

	for (int c = 1; c < CLASSES; c++)
		if (x[c] > x[best])
			best = c;
	return best;
}

/* Every fifth label is wrong. */
static void make_labels(void)
{
	FILE *file = create("expected");

	for (int i = 0; i < COUNT; i++) {
		int class = largest(pictures[i]);

		fprintf(file, "%d\n", class);
		labels[i] = (uint8_t)((class + (i % 5 == 0)) % CLASSES);
	}
	if (fclose(file))
		exit(1);
}

/* A fully connected layer that lets the first three pixels through. */
static int32_t add_layer(struct qaccel_builder *b, int32_t x,
			 enum qaccel_type type)
{
	int zero = type == QACCEL_TYPE_UINT8 ? 0 : -128;
	/* Zero point 0 for INT8 weights, 128 for UINT8 ones. */
	uint8_t weights[CLASSES][PIXELS];
	uint8_t none = type == QACCEL_TYPE_UINT8 ? 128 : 0;
	int32_t w;

	memset(weights, none, sizeof(weights));
	for (int c = 0; c < CLASSES; c++)
		weights[c][c] = (uint8_t)(none + 1);
	w = qaccel_builder_constant(b, &(struct qaccel_tensor_desc){
		.type = type, .rank = 2, .dims = { CLASSES, PIXELS },
		.scale = 1, .zero_point = none }, weights);
	return qaccel_builder_fully_connected(b, x, w, QACCEL_NO_TENSOR, NULL,
		&(struct qaccel_tensor_desc){ .type = type, .scale = 1.f / 255,
					      .zero_point = zero });
}

static void make_model(const char *name, enum qaccel_type type, bool real,
		       int32_t batch, uint32_t rank)
{
	int zero = type == QACCEL_TYPE_UINT8 ? 0 : -128;
	struct qaccel_tensor_desc in = { .type = type, .rank = rank,
		.dims = { batch, HEIGHT, WIDTH, 1 }, .scale = 1.f / 255,
		.zero_point = zero };
	struct qaccel_tensor_desc quantized = in;
	struct qaccel_builder *b;
	struct qaccel_model *model;
	char path[4096];
	int32_t x;

	if (real) {
		in.type = QACCEL_TYPE_FLOAT32;
		in.scale = 0;
		in.zero_point = 0;
	}
	if (rank == 2)
		in.dims[1] = quantized.dims[1] = PIXELS;
	if (qaccel_builder_create(NULL, &b))
		fail(name);
	x = qaccel_builder_input(b, &in);
	if (real)
		x = qaccel_builder_quantize(b, x, &quantized);
	x = qaccel_builder_reshape(b, x, (int32_t[]){ batch, PIXELS }, 2, NULL);
	qaccel_builder_output(b, add_layer(b, x, type));
	snprintf(path, sizeof(path), "%s/%s.tflite", folder, name);
	if (qaccel_builder_finish(b, &model) || qaccel_model_write(model, path))
		fail(name);
	qaccel_model_destroy(model);
	qaccel_builder_destroy(b);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	folder = argv[1];
	make_pictures();
	make_labels();
	write_idx("images", 3, (uint32_t[]){ COUNT, HEIGHT, WIDTH }, pictures);
	write_idx("images4", 4, (uint32_t[]){ COUNT, HEIGHT, WIDTH, 1 }, pictures);
	write_idx("turned", 3, (uint32_t[]){ COUNT, WIDTH, HEIGHT }, pictures);
	write_idx("colour", 4, (uint32_t[]){ 1, HEIGHT, WIDTH, 3 }, pictures);
	write_idx("labels", 1, (uint32_t[]){ COUNT }, labels);
	write_idx("fewer", 1, (uint32_t[]){ COUNT - 1 }, labels);
	write_idx("one", 1, (uint32_t[]){ 1 }, labels);
	labels[77] = CLASSES;
	write_idx("wrong", 1, (uint32_t[]){ COUNT }, labels);
	make_model("int8", QACCEL_TYPE_INT8, false, 1, 4);
	make_model("uint8", QACCEL_TYPE_UINT8, false, 1, 4);
	make_model("real", QACCEL_TYPE_INT8, true, 1, 4);
	make_model("batch", QACCEL_TYPE_INT8, false, 4, 4);
	make_model("large_batch", QACCEL_TYPE_UINT8, false, 200, 3);
	make_model("rows", QACCEL_TYPE_INT8, false, 1, 2);
	return 0;
}
