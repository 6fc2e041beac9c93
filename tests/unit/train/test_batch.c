// SPDX-License-Identifier: MIT
/* Data sets, and what augmentation makes of their pictures. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "batch.h"

#define SIDE	6
#define COUNT	40
#define PIXELS	(SIDE * SIDE * 2)

/* Every value of a picture is another one, and none is 0. */
static struct qaccel_dataset *make_data(void)
{
	uint8_t images[COUNT * PIXELS], labels[COUNT];
	struct qaccel_dataset *d;

	for (size_t i = 0; i < COUNT; i++) {
		labels[i] = (uint8_t)(i % 7);
		for (size_t j = 0; j < PIXELS; j++)
			images[i * PIXELS + j] = (uint8_t)(j + 1 + i);
	}
	assert_int_equal(qaccel_dataset_create(images, labels, COUNT, SIDE, SIDE,
					       2, &d), 0);
	return d;
}

static void test_dataset(void **state)
{
	struct qaccel_dataset *d = make_data(), *part, *same;
	float picture[2 * PIXELS];

	(void)state;
	assert_int_equal(qaccel_dataset_count(d), COUNT);
	assert_int_equal(d->max_label, 6);
	assert_int_equal(qaccel_dataset_slice(d, 38, 2, &part), 0);
	assert_int_equal(qaccel_dataset_slice(d, 38, 2, &same), 0);
	assert_int_equal(part->crc, same->crc);
	assert_int_not_equal(part->crc, d->crc);
	assert_int_equal(qaccel_dataset_slice(d, 38, 3, &same), -ERANGE);
	assert_int_equal(qaccel_dataset_slice(d, 41, 0, &same), -ERANGE);
	assert_int_equal(qaccel_dataset_slice(d, SIZE_MAX, 2, &same), -ERANGE);
	qaccel_dataset_destroy(d);
	dataset_pictures(part, 1, 1, picture);
	assert_true(picture[0] == 40.0f / 255);
	assert_int_equal(part->labels[1], 39 % 7);
	qaccel_dataset_destroy(part);
	qaccel_dataset_destroy(same);
	assert_int_equal(qaccel_dataset_create(NULL, NULL, 0, 1, 1, 1, &d),
			 -EINVAL);
	assert_int_equal(qaccel_dataset_create(NULL, NULL, 1, 1, 0, 1, &d),
			 -EINVAL);
}

/* A pair of files; sizes: of the labels' and pictures' dimensions. */
static void write_idx(const char *path, unsigned int rank, const uint8_t *sizes,
		      size_t values)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	fwrite((uint8_t[4]){0, 0, 8, (uint8_t)rank}, 1, 4, file);
	for (unsigned int i = 0; i < rank; i++)
		fwrite((uint8_t[4]){0, 0, 0, sizes[i]}, 1, 4, file);
	for (size_t i = 0; i < values; i++)
		fputc((int)i, file);
	fclose(file);
}

static void test_files(void **state)
{
	char images[] = "imagesXXXXXX", labels[] = "labelsXXXXXX";
	struct qaccel_dataset *d;

	(void)state;
	close(mkstemp(images));
	close(mkstemp(labels));
	write_idx(images, 3, (uint8_t[]){5, 3, 4}, 60);
	write_idx(labels, 1, (uint8_t[]){5}, 5);
	assert_int_equal(qaccel_dataset_load(images, labels, &d), 0);
	assert_int_equal(d->count, 5);
	assert_int_equal(d->shape.h, 3);
	assert_int_equal(d->shape.w, 4);
	assert_int_equal(d->shape.c, 1);
	assert_int_equal(d->images[59], 59);
	assert_int_equal(d->labels[4], 4);
	qaccel_dataset_destroy(d);

	assert_int_equal(qaccel_dataset_load(labels, labels, &d), -EINVAL);
	assert_int_equal(qaccel_dataset_load(images, images, &d), -EINVAL);
	write_idx(labels, 1, (uint8_t[]){6}, 6);
	assert_int_equal(qaccel_dataset_load(images, labels, &d), -EINVAL);
	assert_non_null(strstr(qaccel_last_error(), "5 pictures"));
	write_idx(labels, 1, (uint8_t[]){6}, 5);
	assert_int_equal(qaccel_dataset_load(images, labels, &d), -EBADMSG);
	unlink(labels);
	assert_int_equal(qaccel_dataset_load(images, labels, &d), -ENOENT);
	unlink(images);
}

static void test_order(void **state)
{
	uint32_t a[1000], b[1000], fixed = 0;
	bool seen[1000] = {false};

	(void)state;
	batch_order(1, 0, a, 1000);
	for (size_t i = 0; i < 1000; i++) {
		assert_in_range(a[i], 0, 999);
		assert_false(seen[a[i]]);
		seen[a[i]] = true;
		fixed += a[i] == i;
	}
	assert_in_range(fixed, 0, 10);
	batch_order(1, 0, b, 1000);
	assert_memory_equal(a, b, sizeof(a));
	batch_order(1, 1, b, 1000);
	assert_memory_not_equal(a, b, sizeof(a));
	batch_order(2, 0, b, 1000);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void test_unchanged(void **state)
{
	struct qaccel_dataset *d = make_data();
	const struct batch_options none = {.seed = 1};
	float changed[PIXELS], as_is[PIXELS];

	(void)state;
	for (uint32_t i = 0; i < COUNT; i++) {
		batch_picture(&none, 3, d, i, changed);
		dataset_pictures(d, i, 1, as_is);
		assert_memory_equal(changed, as_is, sizeof(as_is));
	}
	qaccel_dataset_destroy(d);
}

/* What the picture is when moved by dy, dx, by the definition. */
static bool is_moved(const struct qaccel_dataset *d, uint32_t index,
		     const float *picture, bool flip, int dy, int dx)
{
	const uint8_t *in = d->images + index * PIXELS;

	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++)
			for (int c = 0; c < 2; c++) {
				int fy = y - dy, fx = x - dx;
				bool inside = fy >= 0 && fy < SIDE && fx >= 0 &&
					      fx < SIDE;
				int sx = flip ? SIDE - 1 - fx : fx;
				float v = inside ?
					  (float)in[(fy * SIDE + sx) * 2 + c] / 255 : 0;

				if (picture[(y * SIDE + x) * 2 + c] != v)
					return false;
			}
	return true;
}

/* All pictures are moved in one of the ways, and all ways occur. */
static void test_shift_and_flip(void **state)
{
	struct qaccel_dataset *d = make_data();
	const struct batch_options options = {.seed = 1, .flip = true, .shift = 2};
	unsigned int ways[2][5][5] = {{{0}}};
	float picture[PIXELS];

	(void)state;
	for (uint32_t n = 0; n < 40 * COUNT; n++) {
		bool found = false;

		batch_picture(&options, n / COUNT, d, n % COUNT, picture);
		for (int way = 0; way < 50 && !found; way++) {
			int dy = way / 5 % 5 - 2, dx = way % 5 - 2;

			found = is_moved(d, n % COUNT, picture, way / 25, dy, dx);
			ways[way / 25][dy + 2][dx + 2] += found;
		}
		assert_true(found);
	}
	/* 32 each on average */
	for (int way = 0; way < 50; way++)
		assert_in_range(ways[way / 25][way / 5 % 5][way % 5], 8, 80);
	qaccel_dataset_destroy(d);
}

static void test_erase(void **state)
{
	struct qaccel_dataset *d = make_data();
	struct batch_options options = {.seed = 1, .erase = 3};
	float picture[PIXELS];
	unsigned int corners = 0;

	(void)state;
	for (uint32_t i = 0; i < COUNT; i++) {
		unsigned int zeros = 0;

		batch_picture(&options, 0, d, i, picture);
		for (size_t j = 0; j < PIXELS; j++)
			zeros += picture[j] == 0;
		assert_int_equal(zeros, 3 * 3 * 2);
		corners += picture[0] == 0;
	}
	assert_in_range(corners, 0, 10);
	options.erase = 100;
	batch_picture(&options, 0, d, 0, picture);
	for (size_t j = 0; j < PIXELS; j++)
		assert_true(picture[j] == 0);
	qaccel_dataset_destroy(d);
}

/* Of seed, epoch and picture, and of nothing else. */
static void test_keys(void **state)
{
	struct qaccel_dataset *d = make_data();
	struct batch_options options = {.seed = 1, .shift = 2, .flip = true,
					.erase = 2};
	float a[PIXELS], b[PIXELS];
	unsigned int differ[2] = {0};

	(void)state;
	for (uint32_t i = 0; i < COUNT; i++) {
		options.seed = 1;
		batch_picture(&options, 5, d, i, a);
		batch_picture(&options, 4, d, COUNT - 1 - i, b);
		batch_picture(&options, 5, d, i, b);
		assert_memory_equal(a, b, sizeof(a));
		batch_picture(&options, 6, d, i, b);
		differ[0] += memcmp(a, b, sizeof(a)) != 0;
		options.seed = 2;
		batch_picture(&options, 5, d, i, b);
		differ[1] += memcmp(a, b, sizeof(a)) != 0;
	}
	assert_in_range(differ[0], COUNT * 3 / 4, COUNT);
	assert_in_range(differ[1], COUNT * 3 / 4, COUNT);
	qaccel_dataset_destroy(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dataset),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_unchanged),
		cmocka_unit_test(test_shift_and_flip),
		cmocka_unit_test(test_erase),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
