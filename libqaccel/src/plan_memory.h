/* SPDX-License-Identifier: MIT */
/* Placing buffers in one arena: those that are never needed together share. */
#ifndef QACCEL_PLAN_MEMORY_H
#define QACCEL_PLAN_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* struct qaccel_buffer - one to place */
struct qaccel_buffer {
	uint64_t size;		/* bytes; 0: it takes no memory */
	uint32_t first, last;	/* operators between which it is needed, inclusive */
	uint64_t offset;	/* found: its place */
};

/*
 * Gives each buffer an offset, aligned to QACCEL_SEGMENT_ALIGN, such that
 * buffers whose lifetimes meet don't overlap. Returns in *size what all take.
 * share false: none share memory. -EFBIG: over QACCEL_SEGMENT_MAX.
 */
int qaccel_place_buffers(struct qaccel_buffer *buffers, uint32_t count,
			 bool share, uint64_t *size);

#endif /* QACCEL_PLAN_MEMORY_H */
