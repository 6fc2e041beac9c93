// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables of the device.
 *
 * Entries hold DMA addresses, which the CPU cannot follow, so each table has a
 * shadow with pointers to the tables below. A table, once made, stays until
 * the address space goes: the device may cache a pointer to it. For the same
 * reason a 2 MiB block is only used where no table stands yet.
 *
 * The device never caches an invalid entry (docs/hardware.md), so making an
 * entry valid needs no invalidation; clearing one does, which is up to the
 * caller.
 */
#include <linux/dmapool.h>
#include <linux/slab.h>

#include <qaccel_hw.h>

#include "qaccel_mmu.h"

/* Levels: 0 is the root, 1 holds blocks or pointers, 2 holds pages. */
#define LEVEL_BLOCK	1
#define LEVEL_PAGE	2

struct qaccel_pt {
	dma_addr_t dma;
	u64 *entries;
	/* Tables below, NULL for those of LEVEL_PAGE. */
	struct qaccel_pt **child;
};

static u64 pte_table(dma_addr_t dma)
{
	return dma | QACCEL_PTE_VALID;
}

static u64 pte_leaf(dma_addr_t addr, bool writable)
{
	return addr | QACCEL_PTE_VALID | QACCEL_PTE_LEAF | QACCEL_PTE_READ |
		(writable ? QACCEL_PTE_WRITE : 0);
}

static bool block_fits(u64 va, dma_addr_t addr, u64 size)
{
	return IS_ALIGNED(va | addr, QACCEL_BLOCK_SIZE) && size >= QACCEL_BLOCK_SIZE;
}

/* Bytes from va to the end of the block, but not more than size. */
static u64 rest_of_block(u64 va, u64 size)
{
	return min_t(u64, size, QACCEL_BLOCK_SIZE - (va & (QACCEL_BLOCK_SIZE - 1)));
}

/* The device may read the entry at any time, but never half of it. */
static void pt_set(struct qaccel_pt *pt, unsigned int index, u64 entry)
{
	WRITE_ONCE(pt->entries[index], entry);
}

static void pt_free(struct dma_pool *pool, struct qaccel_pt *pt)
{
	dma_pool_free(pool, pt->entries, pt->dma);
	kfree(pt->child);
	kfree(pt);
}

static struct qaccel_pt *pt_alloc(struct dma_pool *pool, int level)
{
	struct qaccel_pt *pt = kzalloc(sizeof(*pt), GFP_KERNEL_ACCOUNT);

	if (!pt)
		return NULL;

	if (level < LEVEL_PAGE) {
		pt->child = kcalloc(QACCEL_PT_ENTRIES, sizeof(*pt->child),
				    GFP_KERNEL_ACCOUNT);
		if (!pt->child)
			goto err_free;
	}

	pt->entries = dma_pool_zalloc(pool, GFP_KERNEL, &pt->dma);
	if (!pt->entries)
		goto err_free;

	return pt;

err_free:
	kfree(pt->child);
	kfree(pt);
	return NULL;
}

static void pt_free_all(struct dma_pool *pool, struct qaccel_pt *pt)
{
	unsigned int i;

	/* At most three deep. */
	for (i = 0; pt->child && i < QACCEL_PT_ENTRIES; i++)
		if (pt->child[i])
			pt_free_all(pool, pt->child[i]);

	pt_free(pool, pt);
}

/* The table of the given level that va falls into, made if it is missing. */
static struct qaccel_pt *pt_get(struct qaccel_mmu *mmu, u64 va, int level)
{
	struct qaccel_pt *pt = mmu->root;
	int l;

	for (l = 0; l < level; l++) {
		unsigned int i = QACCEL_PT_INDEX(va, l);

		if (!pt->child[i]) {
			struct qaccel_pt *child = pt_alloc(mmu->pool, l + 1);

			if (!child)
				return NULL;
			pt->child[i] = child;
			/* The device must see zeros in the table, or no table. */
			dma_wmb();
			pt_set(pt, i, pte_table(child->dma));
		}
		pt = pt->child[i];
	}

	return pt;
}

/* The same, or NULL if it is missing. */
static struct qaccel_pt *pt_find(struct qaccel_mmu *mmu, u64 va, int level)
{
	struct qaccel_pt *pt = mmu->root;
	int l;

	for (l = 0; pt && l < level; l++)
		pt = pt->child[QACCEL_PT_INDEX(va, l)];

	return pt;
}

static int map_pages(struct qaccel_mmu *mmu, u64 va, dma_addr_t addr, u64 size,
		     bool writable)
{
	struct qaccel_pt *pt = pt_get(mmu, va, LEVEL_PAGE);
	u64 done;

	if (!pt)
		return -ENOMEM;

	for (done = 0; done < size; done += QACCEL_PAGE_SIZE)
		pt_set(pt, QACCEL_PT_INDEX(va + done, LEVEL_PAGE),
		       pte_leaf(addr + done, writable));

	return 0;
}

/**
 * qaccel_mmu_map() - map a contiguous piece
 * @mmu: address space
 * @va: where; the range must be unmapped
 * @addr: DMA address
 * @size: of the piece
 * @writable: whether commands may write
 *
 * All three are page aligned. Returns 0, or -ENOMEM with a part mapped.
 */
int qaccel_mmu_map(struct qaccel_mmu *mmu, u64 va, dma_addr_t addr, u64 size,
		   bool writable)
{
	while (size) {
		u64 step = rest_of_block(va, size);
		struct qaccel_pt *pt = pt_get(mmu, va, LEVEL_BLOCK);
		unsigned int i = QACCEL_PT_INDEX(va, LEVEL_BLOCK);

		if (!pt)
			return -ENOMEM;

		if (block_fits(va, addr, size) && !pt->child[i]) {
			pt_set(pt, i, pte_leaf(addr, writable));
		} else {
			int ret = map_pages(mmu, va, addr, step, writable);

			if (ret)
				return ret;
		}

		va += step;
		addr += step;
		size -= step;
	}

	return 0;
}

/**
 * qaccel_mmu_unmap() - clear the entries of a range
 * @mmu: address space
 * @va: start
 * @size: of the range, which holds whole mappings; holes are fine
 *
 * The device may use what was there until its translations are invalidated.
 */
void qaccel_mmu_unmap(struct qaccel_mmu *mmu, u64 va, u64 size)
{
	while (size) {
		u64 step = rest_of_block(va, size), done;
		struct qaccel_pt *pages = pt_find(mmu, va, LEVEL_PAGE);
		struct qaccel_pt *blocks = pt_find(mmu, va, LEVEL_BLOCK);

		if (pages) {
			for (done = 0; done < step; done += QACCEL_PAGE_SIZE)
				pt_set(pages, QACCEL_PT_INDEX(va + done, LEVEL_PAGE), 0);
		} else if (blocks) {
			pt_set(blocks, QACCEL_PT_INDEX(va, LEVEL_BLOCK), 0);
		}

		va += step;
		size -= step;
	}
}

dma_addr_t qaccel_mmu_root(const struct qaccel_mmu *mmu)
{
	return mmu->root->dma;
}

int qaccel_mmu_init(struct qaccel_mmu *mmu, struct dma_pool *pool)
{
	mmu->pool = pool;
	mmu->root = pt_alloc(pool, 0);

	return mmu->root ? 0 : -ENOMEM;
}

/* The device must not use the root any more. May be called twice. */
void qaccel_mmu_fini(struct qaccel_mmu *mmu)
{
	if (!mmu->root)
		return;

	pt_free_all(mmu->pool, mmu->root);
	mmu->root = NULL;
}
