/* SPDX-License-Identifier: GPL-2.0 */
/* Page tables of the device: qaccel_hw.h has the format. */
#ifndef _QACCEL_MMU_H_
#define _QACCEL_MMU_H_

#include <linux/types.h>

struct dma_pool;
struct qaccel_pt;

/** struct qaccel_mmu - the page tables of one address space; the caller locks */
struct qaccel_mmu {
	struct dma_pool *pool;
	struct qaccel_pt *root;
};

int qaccel_mmu_init(struct qaccel_mmu *mmu, struct dma_pool *pool);
void qaccel_mmu_fini(struct qaccel_mmu *mmu);
dma_addr_t qaccel_mmu_root(const struct qaccel_mmu *mmu);
int qaccel_mmu_map(struct qaccel_mmu *mmu, u64 va, dma_addr_t addr, u64 size,
		   bool writable);
void qaccel_mmu_unmap(struct qaccel_mmu *mmu, u64 va, u64 size);

#endif /* _QACCEL_MMU_H_ */
