// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "dma.h"

/* Spans in local memory start at multiples of this. */
#define LOCAL_ALIGN	UINT64_C(64)

static bool fail(struct qaccel_fault *fault, enum qaccel_status status,
		 uint64_t va, enum qaccel_access access)
{
	fault->status = status;
	fault->va = va;
	fault->access = access;
	return false;
}

static bool aborted(const struct qaccel_dma *dma, struct qaccel_fault *fault)
{
	if (!atomic_load_explicit(dma->abort, memory_order_relaxed))
		return false;
	fail(fault, QACCEL_ERR_ABORTED, 0, 0);
	return true;
}

void qaccel_dma_init(struct qaccel_dma *dma, const struct qaccel_bus *bus,
		     uint64_t local_mem, const atomic_bool *abort)
{
	dma->bus = bus;
	dma->mmu.bus = bus;
	dma->local_mem = local_mem;
	dma->abort = abort;
}

void qaccel_dma_finish(struct qaccel_dma *dma)
{
	free(dma->local);
	dma->local = NULL;
}

/* -------------------------------------------------------------- pieces -- */

static bool transfer(struct qaccel_dma *dma, uint64_t addr, uint8_t *data,
		     uint64_t size, enum qaccel_access access)
{
	const struct qaccel_bus *bus = dma->bus;

	return access == QACCEL_ACCESS_READ ?
	       bus->read(bus->opaque, addr, data, size) :
	       bus->write(bus->opaque, addr, data, size);
}

/*
 * Copies between a span and local memory, page by page: the address of a
 * refused access is the page's.
 */
static bool copy(struct qaccel_dma *dma, uint64_t va, uint8_t *data,
		 uint64_t size, enum qaccel_access access,
		 struct qaccel_fault *fault)
{
	while (size) {
		uint64_t addr, part;

		if (aborted(dma, fault) ||
		    !qaccel_mmu_translate(&dma->mmu, dma->root, va, access,
					  &addr, &part, fault))
			return false;
		if (part > size)
			part = size;
		if (!transfer(dma, addr, data, part, access))
			return fail(fault, QACCEL_ERR_BUS, va, access);
		va += part;
		data += part;
		size -= part;
	}
	return true;
}

bool qaccel_dma_write(struct qaccel_dma *dma, uint64_t va, const void *data,
		      uint64_t size, struct qaccel_fault *fault)
{
	return copy(dma, va, (uint8_t *)(uintptr_t)data, size,
		    QACCEL_ACCESS_WRITE, fault);
}

/* Translates all of a span; *contiguous: its pages follow each other. */
static bool probe(struct qaccel_dma *dma, uint64_t va, uint64_t size,
		  enum qaccel_access access, uint64_t *start, bool *contiguous,
		  struct qaccel_fault *fault)
{
	uint64_t next = 0, end = va + size;
	bool first = true;

	*contiguous = true;
	while (va < end) {
		uint64_t addr, part;

		if (aborted(dma, fault) ||
		    !qaccel_mmu_translate(&dma->mmu, dma->root, va, access,
					  &addr, &part, fault))
			return false;
		if (first)
			*start = addr;
		else if (addr != next)
			*contiguous = false;
		first = false;
		next = addr + part;
		va += part;
	}
	return true;
}

/* --------------------------------------------------------------- spans -- */

static struct qaccel_dma_span *add_span(struct qaccel_dma *dma, uint64_t va,
					uint64_t size, bool write)
{
	struct qaccel_dma_span *span = &dma->spans[dma->span_count++];

	span->va = va;
	span->size = size;
	span->write = write;
	span->mapped = 0;
	return span;
}

/* NULL: not one piece of host memory. */
static void *map_in_place(struct qaccel_dma *dma, uint64_t va, uint64_t size,
			  uint64_t addr, bool write)
{
	const struct qaccel_bus *bus = dma->bus;
	struct qaccel_dma_span *span;
	uint64_t mapped = size;
	void *host = bus->map(bus->opaque, addr, &mapped, write);

	if (!host)
		return NULL;
	if (mapped < size) {
		bus->unmap(bus->opaque, host, mapped, false);
		return NULL;
	}
	span = add_span(dma, va, size, write);
	span->host = host;
	span->mapped = mapped;
	return host;
}

static uint64_t align(uint64_t size)
{
	return (size + LOCAL_ALIGN - 1) & ~(LOCAL_ALIGN - 1);
}

/* Room for all operands of a command, which together fit in local_mem. */
static bool allocate(struct qaccel_dma *dma, uint64_t size, uint8_t **data)
{
	uint64_t room = align(dma->local_mem) + QACCEL_DMA_SPANS * LOCAL_ALIGN;
	uint64_t used = align(dma->local_used);

	if (used > room || size > room - used)
		return false;
	if (!dma->local)
		dma->local = aligned_alloc(LOCAL_ALIGN, (size_t)room);
	if (!dma->local)
		return false;
	*data = dma->local + used;
	dma->local_used = used + size;
	return true;
}

static void *map_local(struct qaccel_dma *dma, uint64_t va, uint64_t size,
		       enum qaccel_access access, struct qaccel_fault *fault)
{
	struct qaccel_dma_span *span;
	uint8_t *data;

	if (!allocate(dma, size, &data)) {
		fail(fault, QACCEL_ERR_LOCAL_MEM, 0, 0);
		return NULL;
	}
	if (access == QACCEL_ACCESS_READ &&
	    !copy(dma, va, data, size, access, fault))
		return NULL;
	span = add_span(dma, va, size, access == QACCEL_ACCESS_WRITE);
	span->host = data;
	return data;
}

static bool dma_map(void *opaque, uint64_t va, uint64_t size,
		    enum qaccel_access access, void **host,
		    struct qaccel_fault *fault)
{
	struct qaccel_dma *dma = opaque;
	bool in_place_only = access == (QACCEL_ACCESS_READ |
					QACCEL_ACCESS_WRITE);
	enum qaccel_access need = in_place_only ? QACCEL_ACCESS_WRITE : access;
	uint64_t addr = 0;
	bool contiguous;

	*host = NULL;
	if (aborted(dma, fault))
		return false;
	if (dma->refuse)
		return fail(fault, QACCEL_ERR_BUS, va, need);
	if (dma->span_count == QACCEL_DMA_SPANS)
		return fail(fault, QACCEL_ERR_LOCAL_MEM, 0, 0);
	if (!probe(dma, va, size, need, &addr, &contiguous, fault))
		return false;
	if (contiguous)
		*host = map_in_place(dma, va, size, addr,
				     need == QACCEL_ACCESS_WRITE);
	if (*host || in_place_only)
		return true;
	*host = map_local(dma, va, size, access, fault);
	return *host != NULL;
}

/* In place, bytes may have been stored whatever became of the command. */
static bool end_span(struct qaccel_dma *dma, const struct qaccel_dma_span *span,
		     bool commit, struct qaccel_fault *fault)
{
	const struct qaccel_bus *bus = dma->bus;

	if (span->mapped) {
		bus->unmap(bus->opaque, span->host, span->mapped, span->write);
		return true;
	}
	if (!span->write || !commit)
		return true;
	return copy(dma, span->va, span->host, span->size, QACCEL_ACCESS_WRITE,
		    fault);
}

/* After an abort the output is incomplete: a commit fails. */
static bool dma_release(void *opaque, bool commit, struct qaccel_fault *fault)
{
	struct qaccel_dma *dma = opaque;
	bool ok = !commit || !aborted(dma, fault);

	for (unsigned int i = 0; i < dma->span_count; i++)
		ok = end_span(dma, &dma->spans[i], commit && ok, fault) && ok;
	dma->span_count = 0;
	dma->local_used = 0;
	return ok;
}

const struct qaccel_mem_ops qaccel_dma_ops = {
	.map = dma_map,
	.release = dma_release,
};
