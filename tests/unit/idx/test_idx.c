// SPDX-License-Identifier: MIT
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
#include <zlib.h>

#include <qaccel/qaccel.h>

#include "idx.h"

static char path[4096];

static int make_path(void **state)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/idxXXXXXX", dir ? dir : "/tmp");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
	(void)state;
	return unlink(path);
}

static void put(const void *data, size_t size)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

/* As gzip(1) does it; returns the compressed size, with the bytes in out. */
static size_t compress_gzip(const void *data, size_t size, uint8_t *out,
			    size_t room)
{
	z_stream z = { .next_in = (void *)(uintptr_t)data,
		       .avail_in = (uInt)size, .next_out = out,
		       .avail_out = (uInt)room };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8,
				      Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

static void expect_error(int code, const char *text)
{
	struct idx idx = { .rank = 77 };

	assert_int_equal(idx_open(path, &idx), -code);
	if (!strstr(qaccel_last_error(), text))
		fail_msg("\"%s\" instead of \"%s\"", qaccel_last_error(), text);
	assert_non_null(strstr(qaccel_last_error(), path));
	assert_int_equal(idx.rank, 77);
}

/* 2 x 3 x 4 bytes 0, 1, ... */
#define SMALL (16 + 24)
static void small(uint8_t file[SMALL])
{
	static const uint8_t head[16] = { 0, 0, 8, 3, 0, 0, 0, 2,
					  0, 0, 0, 3, 0, 0, 0, 4 };

	memcpy(file, head, sizeof(head));
	for (int i = 0; i < 24; i++)
		file[16 + i] = (uint8_t)i;
}

static void check_small(void)
{
	struct idx idx;

	assert_int_equal(idx_open(path, &idx), 0);
	assert_int_equal(idx.rank, 3);
	assert_int_equal(idx.dims[0], 2);
	assert_int_equal(idx.dims[1], 3);
	assert_int_equal(idx.dims[2], 4);
	assert_int_equal(idx.dims[3], 1);
	assert_int_equal(idx.size, 24);
	for (int i = 0; i < 24; i++)
		assert_int_equal(idx.values[i], i);
	idx_close(&idx);
	assert_null(idx.values);
	idx_close(&idx);
	idx_close(NULL);
}

static void test_small(void **state)
{
	uint8_t file[SMALL], gz[256];

	(void)state;
	small(file);
	put(file, sizeof(file));
	check_small();
	put(gz, compress_gzip(file, sizeof(file), gz, sizeof(gz)));
	check_small();
}

/* Several buffers' worth, of what deflates well and of what does not. */
static void test_large(void **state)
{
	const size_t n = 300000;
	uint8_t *file = calloc(1, 8 + n), *gz = malloc(2 * n);
	struct idx idx;

	(void)state;
	memcpy(file, (uint8_t[]){ 0, 0, 8, 1, 0, 4, 0x93, 0xe0 }, 8);
	for (int noise = 0; noise < 2; noise++) {
		for (size_t i = 0; noise && i < n; i++)
			file[8 + i] = (uint8_t)(i * i * 2654435761u >> 13);
		for (int zipped = 0; zipped < 2; zipped++) {
			if (zipped)
				put(gz, compress_gzip(file, 8 + n, gz, 2 * n));
			else
				put(file, 8 + n);
			assert_int_equal(idx_open(path, &idx), 0);
			assert_int_equal(idx.size, n);
			assert_memory_equal(idx.values, file + 8, n);
			idx_close(&idx);
		}
	}
	free(file);
	free(gz);
}

/* Cut at every byte; one byte more; plain and compressed. */
static void test_lengths(void **state)
{
	uint8_t file[SMALL + 1], gz[256];
	size_t zipped;

	(void)state;
	small(file);
	file[SMALL] = 7;
	for (size_t size = 0; size < SMALL; size++) {
		put(file, size);
		/* Two elements fewer than the file's head would do already. */
		expect_error(EBADMSG, size < 16 ? "cut off within the" :
				      size < 24 ? "elements, but only" :
						  "cut off within the elements");
	}
	put(file, SMALL + 1);
	expect_error(EBADMSG, "after the last element");
	put(gz, compress_gzip(file, SMALL + 1, gz, sizeof(gz)));
	expect_error(EBADMSG, "after the last element");
	put(gz, compress_gzip(file, SMALL - 1, gz, sizeof(gz)));
	expect_error(EBADMSG, "cut off within the elements");

	zipped = compress_gzip(file, SMALL, gz, sizeof(gz));
	for (size_t size = 2; size < zipped; size++) {
		put(gz, size);
		expect_error(EBADMSG, "the gzip data are cut off");
	}
	gz[zipped] = 0;
	put(gz, zipped + 1);
	expect_error(EBADMSG, "after the last element");
}

/*
 * A flipped bit anywhere in gzip data: the checksum finds it, unless it doesn't
 * matter, as in the time stamp or the padding before the checksum.
 */
static void test_broken_gzip(void **state)
{
	uint8_t file[SMALL], gz[256];
	struct idx idx;
	size_t size, refused = 0;

	(void)state;
	small(file);
	size = compress_gzip(file, SMALL, gz, sizeof(gz));
	for (size_t i = 0; i < 8 * size; i++) {
		gz[i / 8] ^= (uint8_t)(1 << i % 8);
		put(gz, size);
		if (!idx_open(path, &idx)) {
			assert_int_equal(idx.size, 24);
			assert_memory_equal(idx.values, file + 16, 24);
			idx_close(&idx);
		} else {
			refused++;
		}
		gz[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_true(refused >= 8 * (size - 11));
	gz[size - 8] ^= 1;
	put(gz, size);
	expect_error(EBADMSG, "broken gzip data");
}

static void test_heads(void **state)
{
	static const struct {
		uint8_t head[20];
		int code;
		const char *text;
	} cases[] = {
		{ { 1, 0, 8, 1, 0, 0, 0, 1 }, EBADMSG, "not an idx file" },
		{ { 0, 1, 8, 1, 0, 0, 0, 1 }, EBADMSG, "not an idx file" },
		{ { 0, 0, 7, 1, 0, 0, 0, 1 }, EBADMSG, "not an idx file" },
		{ { 0, 0, 0xd, 1, 0, 0, 0, 1 }, EOPNOTSUPP, "type 13" },
		{ { 0, 0, 8, 0, 0, 0, 0, 1 }, EOPNOTSUPP, "rank 0" },
		{ { 0, 0, 8, 5, 0, 0, 0, 1 }, EOPNOTSUPP, "rank 5" },
		{ { 0, 0, 8, 255, 0, 0, 0, 1 }, EOPNOTSUPP, "rank 255" },
		{ { 0, 0, 8, 1, 0, 0, 0, 0 }, EBADMSG, "dimension 0 is 0" },
		{ { 0, 0, 8, 2, 0, 0, 0, 1 }, EBADMSG, "dimension 1 is 0" },
		{ { 0, 0, 8, 1, 0x40, 0, 0, 1 }, EFBIG, "more than" },
		/* A product that is 0, modulo 2^64. */
		{ { 0, 0, 8, 4, 0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 4,
		    0, 0, 0, 1 }, EFBIG, "more than" },
		{ { 0, 0, 8, 2, 0, 0x80, 0, 0, 0, 0, 1, 0 }, EFBIG,
		  "more than" },
		/* The most there may be, claimed by a file of 20 bytes. */
		{ { 0, 0, 8, 1, 0x40, 0, 0, 0 }, EBADMSG, "only 20 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(cases[i].head, sizeof(cases[i].head));
		expect_error(cases[i].code, cases[i].text);
	}
}

static void test_files(void **state)
{
	struct idx idx;

	(void)state;
	assert_int_equal(idx_open("/nowhere/at/all", &idx), -ENOENT);
	assert_int_equal(idx_open("/", &idx), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_broken_gzip),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}
