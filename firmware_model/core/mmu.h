/* SPDX-License-Identifier: MIT */
/* Address translation, with the cache of one engine. */
#ifndef QACCEL_MMU_H
#define QACCEL_MMU_H

#include "qaccel_device.h"

#define QACCEL_TLB_PAGES	1024	/* powers of two */
#define QACCEL_TLB_BLOCKS	128

enum qaccel_tlb_kind {
	QACCEL_TLB_EMPTY = 0,
	QACCEL_TLB_LEAF,
	QACCEL_TLB_TABLE,	/* addr: the level 2 table of a 2 MiB region */
};

/* One translation. Invalid page-table entries are never kept. */
struct qaccel_tlb_entry {
	uint64_t root;
	uint64_t number;	/* of the page, or of the 2 MiB region */
	uint64_t addr;
	uint8_t access;		/* enum qaccel_access, of a leaf */
	uint8_t kind;		/* enum qaccel_tlb_kind */
};

struct qaccel_mmu {
	const struct qaccel_bus *bus;
	struct qaccel_tlb_entry pages[QACCEL_TLB_PAGES];
	struct qaccel_tlb_entry blocks[QACCEL_TLB_BLOCKS];
	uint64_t hits, misses;
};

void qaccel_mmu_flush(struct qaccel_mmu *mmu);

/*
 * Translates va: *addr is the DMA address, *size how many bytes from va on the
 * same page holds. False with *fault filled in.
 */
bool qaccel_mmu_translate(struct qaccel_mmu *mmu, uint64_t root, uint64_t va,
			  enum qaccel_access access, uint64_t *addr,
			  uint64_t *size, struct qaccel_fault *fault);

#endif /* QACCEL_MMU_H */
