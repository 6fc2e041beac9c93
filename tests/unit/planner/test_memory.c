// SPDX-License-Identifier: MIT
/* Placing buffers: those that live at the same time never overlap. */
#include <errno.h>

#include "graphs.h"
#include "plan_memory.h"

#define MAX_BUFFERS	60
#define TIMES		40

static uint32_t make_buffers(struct random *r, struct qaccel_buffer *buffers)
{
	uint32_t count = 1 + random_below(r, MAX_BUFFERS);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t a = random_below(r, TIMES), b = random_below(r, TIMES);

		buffers[i] = (struct qaccel_buffer) {
			.size = random_below(r, 4) ? random_below(r, 5000) : 0,
			.first = a < b ? a : b,
			.last = a < b ? b : a,
		};
	}
	return count;
}

static bool overlap(const struct qaccel_buffer *a, const struct qaccel_buffer *b)
{
	return a->size && b->size && a->offset < b->offset + b->size &&
	       b->offset < a->offset + a->size;
}

static bool meet(const struct qaccel_buffer *a, const struct qaccel_buffer *b)
{
	return a->first <= b->last && b->first <= a->last;
}

static void check(const struct qaccel_buffer *buffers, uint32_t count,
		  bool share, uint64_t size)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!buffers[i].size)
			continue;
		assert_int_equal(buffers[i].offset % QACCEL_SEGMENT_ALIGN, 0);
		assert_true(buffers[i].offset + buffers[i].size <= size);
		for (uint32_t j = 0; j < i; j++)
			assert_false((!share || meet(&buffers[i], &buffers[j])) &&
				     overlap(&buffers[i], &buffers[j]));
	}
}

/* What must be there at the busiest time. */
static uint64_t lower_bound(const struct qaccel_buffer *buffers, uint32_t count)
{
	uint64_t most = 0;

	for (uint32_t t = 0; t < TIMES; t++) {
		uint64_t sum = 0;

		for (uint32_t i = 0; i < count; i++)
			if (buffers[i].first <= t && t <= buffers[i].last)
				sum += buffers[i].size;
		most = sum > most ? sum : most;
	}
	return most;
}

static void test_never_overlap(void **state)
{
	struct qaccel_buffer buffers[MAX_BUFFERS];
	struct random r = { 1 };

	(void)state;
	for (int round = 0; round < 2000; round++) {
		uint32_t count = make_buffers(&r, buffers);
		uint64_t apart = 0, shared = 0;

		assert_int_equal(qaccel_place_buffers(buffers, count, false,
						      &apart), 0);
		check(buffers, count, false, apart);
		assert_int_equal(qaccel_place_buffers(buffers, count, true,
						      &shared), 0);
		check(buffers, count, true, shared);
		assert_true(shared <= apart);
		assert_true(shared >= lower_bound(buffers, count));
	}
}

/* A chain needs its two largest neighbours, however long it is. */
static void test_chain(void **state)
{
	struct qaccel_buffer buffers[50];
	uint64_t size;

	(void)state;
	for (uint32_t i = 0; i < 50; i++)
		buffers[i] = (struct qaccel_buffer) {
			.size = 64 * (1 + i % 7),
			.first = i,
			.last = i + 1,
		};
	assert_int_equal(qaccel_place_buffers(buffers, 50, true, &size), 0);
	assert_int_equal(size, 64 * (6 + 7));
}

static void test_too_large(void **state)
{
	struct qaccel_buffer buffers[] = {
		{ .size = QACCEL_SEGMENT_MAX },
		{ .size = 1 },
	};
	uint64_t size = 0;

	(void)state;
	assert_int_equal(qaccel_place_buffers(buffers, 1, true, &size), 0);
	assert_int_equal(qaccel_place_buffers(buffers, 2, true, &size), -EFBIG);
	assert_int_equal(qaccel_place_buffers(buffers, 2, false, &size),
			 -EFBIG);
	buffers[1].size = UINT64_MAX - 10;
	assert_int_equal(qaccel_place_buffers(buffers, 2, true, &size), -EFBIG);
	assert_int_equal(qaccel_place_buffers(buffers, 2, false, &size),
			 -EFBIG);
}

static void test_nothing(void **state)
{
	uint64_t size = 1;

	(void)state;
	assert_int_equal(qaccel_place_buffers(NULL, 0, true, &size), 0);
	assert_int_equal(size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_overlap),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
