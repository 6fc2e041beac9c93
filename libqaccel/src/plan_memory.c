// SPDX-License-Identifier: MIT
/*
 * Greedy by size: the largest buffer first, each into the smallest gap between
 * those already placed that live at the same time (Pisarchyk and Lee 2020,
 * "Efficient memory management for deep neural net inference").
 */
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "plan.h"
#include "plan_memory.h"

static uint64_t aligned(uint64_t size)
{
	return (size + QACCEL_SEGMENT_ALIGN - 1) &
	       ~(uint64_t)(QACCEL_SEGMENT_ALIGN - 1);
}

static int too_large(void)
{
	return qaccel_error(EFBIG, "the tensors take more than %llu GiB",
			    (unsigned long long)(QACCEL_SEGMENT_MAX >> 30));
}

static int place_apart(struct qaccel_buffer *buffers, uint32_t count,
		       uint64_t *size)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < count; i++) {
		buffers[i].offset = end;
		if (buffers[i].size > QACCEL_SEGMENT_MAX)
			return too_large();
		end += aligned(buffers[i].size);
		if (end > QACCEL_SEGMENT_MAX)
			return too_large();
	}
	*size = end;
	return 0;
}

static bool meet(const struct qaccel_buffer *a, const struct qaccel_buffer *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* placed: by offset. The start of the smallest gap that holds the buffer. */
static uint64_t find_gap(struct qaccel_buffer *const *placed, uint32_t count,
			 const struct qaccel_buffer *buffer)
{
	uint64_t size = aligned(buffer->size);
	uint64_t end = 0, best = UINT64_MAX, best_size = UINT64_MAX;

	for (uint32_t i = 0; i < count; i++) {
		const struct qaccel_buffer *b = placed[i];

		if (!meet(b, buffer))
			continue;
		if (b->offset > end && b->offset - end >= size &&
		    b->offset - end < best_size) {
			best = end;
			best_size = b->offset - end;
		}
		if (b->offset + aligned(b->size) > end)
			end = b->offset + aligned(b->size);
	}
	return best == UINT64_MAX ? end : best;
}

/* Keeps placed in order of offset. */
static void insert(struct qaccel_buffer **placed, uint32_t count,
		   struct qaccel_buffer *buffer)
{
	uint32_t i = count;

	for (; i && placed[i - 1]->offset > buffer->offset; i--)
		placed[i] = placed[i - 1];
	placed[i] = buffer;
}

/* Largest first; then in the order given, so that plans are repeatable. */
static int compare(const void *a, const void *b)
{
	const struct qaccel_buffer *x = *(struct qaccel_buffer *const *)a;
	const struct qaccel_buffer *y = *(struct qaccel_buffer *const *)b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return x < y ? -1 : x > y;
}

static int place_shared(struct qaccel_buffer **order, uint32_t count,
			uint64_t *size)
{
	struct qaccel_buffer **placed = order + count;
	uint64_t end = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct qaccel_buffer *b = order[i];

		if (b->size > QACCEL_SEGMENT_MAX)
			return too_large();
		b->offset = find_gap(placed, i, b);
		if (b->offset + aligned(b->size) > QACCEL_SEGMENT_MAX)
			return too_large();
		insert(placed, i, b);
		if (b->offset + aligned(b->size) > end)
			end = b->offset + aligned(b->size);
	}
	*size = end;
	return 0;
}

int qaccel_place_buffers(struct qaccel_buffer *buffers, uint32_t count,
			 bool share, uint64_t *size)
{
	struct qaccel_buffer **order;
	uint32_t used = 0;
	int ret;

	if (!share)
		return place_apart(buffers, count, size);
	order = calloc((size_t)count * 2 + 1, sizeof(*order));
	if (!order)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		if (buffers[i].size)
			order[used++] = &buffers[i];
	qsort(order, used, sizeof(*order), compare);
	ret = place_shared(order, used, size);
	free(order);
	return ret;
}
