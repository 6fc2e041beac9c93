/* SPDX-License-Identifier: MIT */
/*
 * How an engine reaches memory: qaccel_mem_ops over the MMU and the bus
 *
 * A span that is contiguous in host memory is used in place. Any other is
 * gathered into the engine's local memory, and scattered from there when it was
 * written. The checks of a whole span come before its first use.
 */
#ifndef QACCEL_DMA_H
#define QACCEL_DMA_H

#include <stdatomic.h>

#include "mmu.h"

#define QACCEL_DMA_SPANS	QACCEL_MAX_OPERANDS

struct qaccel_dma_span {
	uint8_t *host;
	uint64_t va;
	uint64_t size;		/* asked for */
	uint64_t mapped;	/* what the bus gave; 0: in local memory */
	bool write;
};

struct qaccel_dma {
	struct qaccel_mmu mmu;
	const struct qaccel_bus *bus;
	uint64_t root;		/* of the job */
	uint64_t local_mem;
	uint8_t *local;		/* allocated when first needed */
	uint64_t local_used;
	struct qaccel_dma_span spans[QACCEL_DMA_SPANS];
	unsigned int span_count;
	bool refuse;		/* fault knob: the bus refuses operands */
	const atomic_bool *abort;	/* give up: a reset */
};

extern const struct qaccel_mem_ops qaccel_dma_ops;

void qaccel_dma_init(struct qaccel_dma *dma, const struct qaccel_bus *bus,
		     uint64_t local_mem, const atomic_bool *abort);
void qaccel_dma_finish(struct qaccel_dma *dma);

/* Stores a few bytes through the MMU. */
bool qaccel_dma_write(struct qaccel_dma *dma, uint64_t va, const void *data,
		      uint64_t size, struct qaccel_fault *fault);

#endif /* QACCEL_DMA_H */
