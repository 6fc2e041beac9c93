// SPDX-License-Identifier: MIT
#include <string.h>

#include "mmu.h"

/* Where a walk stands: the entry it reads next. */
struct walk {
	uint64_t root;
	uint64_t va;
	uint64_t table;
	unsigned int level;
};

void qaccel_mmu_flush(struct qaccel_mmu *mmu)
{
	memset(mmu->pages, 0, sizeof(mmu->pages));
	memset(mmu->blocks, 0, sizeof(mmu->blocks));
}

static bool fail(struct qaccel_fault *fault, enum qaccel_status status,
		 uint64_t va, enum qaccel_access access)
{
	fault->status = status;
	fault->va = va;
	fault->access = access;
	return false;
}

/*
 * Address spaces use the same addresses, and buffers start at round ones: the
 * root and the upper bits spread them.
 */
static struct qaccel_tlb_entry *slot(struct qaccel_tlb_entry *entries,
				     unsigned int count, uint64_t root,
				     uint64_t number)
{
	uint64_t hash = number ^ (number >> 10) ^ (number >> 20) ^
			(root >> QACCEL_PAGE_SHIFT);

	return &entries[hash & (count - 1)];
}

static struct qaccel_tlb_entry *page_slot(struct qaccel_mmu *mmu, uint64_t root,
					  uint64_t va)
{
	return slot(mmu->pages, QACCEL_TLB_PAGES, root,
		    va >> QACCEL_PAGE_SHIFT);
}

static struct qaccel_tlb_entry *block_slot(struct qaccel_mmu *mmu,
					   uint64_t root, uint64_t va)
{
	return slot(mmu->blocks, QACCEL_TLB_BLOCKS, root,
		    va >> QACCEL_BLOCK_SHIFT);
}

static bool matches(const struct qaccel_tlb_entry *e, enum qaccel_tlb_kind kind,
		    uint64_t root, uint64_t number)
{
	return e->kind == kind && e->root == root && e->number == number;
}

/* Address of va behind a leaf, and what is left of its page or block. */
static void inside(uint64_t leaf, unsigned int shift, uint64_t va,
		   uint64_t *addr, uint64_t *size)
{
	uint64_t length = UINT64_C(1) << shift;
	uint64_t offset = va & (length - 1);

	*addr = leaf + offset;
	*size = length - offset;
}

/*
 * An entry without the permission counts as a miss: the walk then sees what
 * the tables say now, and a fault is never due to an old entry.
 */
static bool lookup(struct qaccel_mmu *mmu, uint64_t root, uint64_t va,
		   enum qaccel_access access, uint64_t *addr, uint64_t *size)
{
	const struct qaccel_tlb_entry *page = page_slot(mmu, root, va);
	const struct qaccel_tlb_entry *block = block_slot(mmu, root, va);

	if (matches(page, QACCEL_TLB_LEAF, root, va >> QACCEL_PAGE_SHIFT) &&
	    (page->access & access)) {
		inside(page->addr, QACCEL_PAGE_SHIFT, va, addr, size);
		return true;
	}
	if (matches(block, QACCEL_TLB_LEAF, root, va >> QACCEL_BLOCK_SHIFT) &&
	    (block->access & access)) {
		inside(block->addr, QACCEL_BLOCK_SHIFT, va, addr, size);
		return true;
	}
	return false;
}

static void keep(struct qaccel_tlb_entry *e, enum qaccel_tlb_kind kind,
		 uint64_t root, uint64_t number, uint64_t pte)
{
	e->kind = (uint8_t)kind;
	e->root = root;
	e->number = number;
	e->addr = pte & QACCEL_PTE_ADDR_MASK;
	e->access = (pte & QACCEL_PTE_READ ? QACCEL_ACCESS_READ : 0) |
		    (pte & QACCEL_PTE_WRITE ? QACCEL_ACCESS_WRITE : 0);
}

static bool malformed(uint64_t pte, unsigned int level)
{
	bool leaf = pte & QACCEL_PTE_LEAF;
	uint64_t block_low = QACCEL_BLOCK_SIZE - QACCEL_PAGE_SIZE;

	if (!(pte & QACCEL_PTE_VALID) || (pte & QACCEL_PTE_RESERVED))
		return true;
	switch (level) {
	case 0:
		return leaf;
	case 1:
		return leaf && (pte & block_low);
	default:
		return !leaf;
	}
}

static struct walk begin(struct qaccel_mmu *mmu, uint64_t root, uint64_t va)
{
	const struct qaccel_tlb_entry *e = block_slot(mmu, root, va);
	struct walk walk = { .root = root, .va = va, .table = root };

	if (matches(e, QACCEL_TLB_TABLE, root, va >> QACCEL_BLOCK_SHIFT)) {
		walk.table = e->addr;
		walk.level = 2;
	}
	return walk;
}

/* Reads tables down to the leaf. */
static enum qaccel_status descend(struct qaccel_mmu *mmu, struct walk *walk,
				  uint64_t *pte)
{
	for (;; walk->level++) {
		uint64_t index = QACCEL_PT_INDEX(walk->va, walk->level);

		if (!mmu->bus->read(mmu->bus->opaque, walk->table + index * 8,
				    pte, sizeof(*pte)))
			return QACCEL_ERR_BUS;
		if (malformed(*pte, walk->level))
			return QACCEL_ERR_TRANSLATION;
		if (*pte & QACCEL_PTE_LEAF)
			return QACCEL_OK;
		walk->table = *pte & QACCEL_PTE_ADDR_MASK;
		if (walk->level == 1)
			keep(block_slot(mmu, walk->root, walk->va),
			     QACCEL_TLB_TABLE, walk->root,
			     walk->va >> QACCEL_BLOCK_SHIFT, *pte);
	}
}

static void keep_leaf(struct qaccel_mmu *mmu, const struct walk *walk,
		      uint64_t pte)
{
	if (walk->level == 1)
		keep(block_slot(mmu, walk->root, walk->va), QACCEL_TLB_LEAF,
		     walk->root, walk->va >> QACCEL_BLOCK_SHIFT, pte);
	else
		keep(page_slot(mmu, walk->root, walk->va), QACCEL_TLB_LEAF,
		     walk->root, walk->va >> QACCEL_PAGE_SHIFT, pte);
}

bool qaccel_mmu_translate(struct qaccel_mmu *mmu, uint64_t root, uint64_t va,
			  enum qaccel_access access, uint64_t *addr,
			  uint64_t *size, struct qaccel_fault *fault)
{
	enum qaccel_status status;
	struct walk walk;
	uint64_t pte;

	if (va >> QACCEL_VA_BITS)
		return fail(fault, QACCEL_ERR_ADDRESS, va, access);
	if (lookup(mmu, root, va, access, addr, size)) {
		mmu->hits++;
		return true;
	}
	mmu->misses++;
	walk = begin(mmu, root, va);
	status = descend(mmu, &walk, &pte);
	if (status != QACCEL_OK)
		return fail(fault, status, va, access);
	keep_leaf(mmu, &walk, pte);
	if (!lookup(mmu, root, va, access, addr, size))
		return fail(fault, QACCEL_ERR_PERMISSION, va, access);
	return true;
}
