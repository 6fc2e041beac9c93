// SPDX-License-Identifier: MIT
/*
 * make_convert_files DIR: models and examples for the test of qaccel quantize
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <qaccel/graph.h>

#include "models.h"

static const char *folder;

static void write_bytes(const char *name, const void *data, size_t size)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "wb");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file)) {
		perror(path);
		exit(1);
	}
}

static void write_model(const char *name, struct qaccel_model *model)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (qaccel_model_write(model, path)) {
		fprintf(stderr, "%s\n", qaccel_last_error());
		exit(1);
	}
	qaccel_model_destroy(model);
}

/* Pictures of the float model's shape, with a bright half each, and labels. */
static void write_idx(void)
{
	enum { COUNT = 64, PICTURE = 12 * 10 * 3 };
	static uint8_t images[20 + COUNT * PICTURE] = {
		0, 0, 8, 4, 0, 0, 0, COUNT, 0, 0, 0, 12, 0, 0, 0, 10, 0, 0, 0, 3,
	};
	static uint8_t labels[8 + COUNT] = { 0, 0, 8, 1, 0, 0, 0, COUNT };
	float noise[PICTURE];

	for (uint32_t i = 0; i < COUNT; i++) {
		make_floats(i, 0, 100, noise, PICTURE);
		for (int j = 0; j < PICTURE; j++)
			images[20 + i * PICTURE + (uint32_t)j] = (uint8_t)(noise[j] +
				((j >= PICTURE / 2) == i % 2 ? 150 : 0));
		labels[8 + i] = i % 2;
	}
	write_bytes("images", images, sizeof(images));
	write_bytes("labels", labels, sizeof(labels));
}

/* 24 bits, the last row first, blue first; of another size than the model's. */
static void write_bmp(const char *name, uint32_t seed)
{
	enum { WIDTH = 20, HEIGHT = 15, SIZE = 54 + WIDTH * HEIGHT * 3 };
	uint8_t bmp[SIZE] = {
		'B', 'M', SIZE & 0xff, SIZE >> 8, [10] = 54, [14] = 40,
		[18] = WIDTH, [22] = HEIGHT, [26] = 1, [28] = 24,
	};
	float noise[WIDTH * HEIGHT * 3];

	make_floats(seed, 0, 255, noise, WIDTH * HEIGHT * 3);
	for (int i = 0; i < WIDTH * HEIGHT * 3; i++)
		bmp[54 + i] = (uint8_t)noise[i];
	write_bytes(name, bmp, sizeof(bmp));
}

int main(int argc, char **argv)
{
	float examples[6][12 * 10 * 3];
	char name[32];

	if (argc != 2)
		return 2;
	folder = argv[1];
	write_model("float.tflite", build_float_model());
	write_model("integer.tflite", build_integer_model(QACCEL_TYPE_INT8));
	write_idx();
	for (uint32_t i = 0; i < 6; i++) {
		make_floats(i, -1, 1, examples[i], 360);
		snprintf(name, sizeof(name), "examples/%u.bin", i);
		write_bytes(name, examples[i], sizeof(examples[i]));
	}
	write_bytes("examples.bin", examples, sizeof(examples));
	write_bytes("short.bin", examples, 100);
	write_bmp("pictures/a.bmp", 1);
	write_bmp("pictures/b.bmp", 2);
	return 0;
}
