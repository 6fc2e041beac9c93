// SPDX-License-Identifier: MIT
/*
 * Invalidation of the engines' translation caches
 *
 * An idle engine's cache is flushed at once. A busy one does it itself when it
 * is between commands, and TLB_BUSY stays set as long as that takes, if its job
 * uses the root. A parked engine has nothing but its private copy of a command
 * and counts as idle: a hung command must not hold up others.
 */
#include "device.h"

static bool uses_memory(const struct qaccel_engine *engine)
{
	return engine->busy && !engine->parked;
}

static void invalidate(struct qaccel_engine *engine, bool all, uint64_t root)
{
	if (!uses_memory(engine)) {
		qaccel_mmu_flush(&engine->dma.mmu);
		return;
	}
	engine->flush = true;
	if (all || engine->root == root)
		engine->flush_busy = true;
}

void qaccel_tlb_ctrl_written(struct qaccel_device *dev, uint32_t value)
{
	uint64_t root = qaccel_reg_pair(dev->regs, QACCEL_REG_TLB_ROOT_LO);

	if (value != QACCEL_TLB_INVALIDATE_ROOT &&
	    value != QACCEL_TLB_INVALIDATE_ALL)
		return;
	qaccel_event(dev, QACCEL_EVENT_TLB_INVALIDATE, value, root);
	for (unsigned int e = 0; e < dev->config.engines; e++)
		invalidate(&dev->engines[e],
			   value == QACCEL_TLB_INVALIDATE_ALL, root);
}

bool qaccel_tlb_busy(struct qaccel_device *dev)
{
	for (unsigned int e = 0; e < dev->config.engines; e++)
		if (dev->engines[e].flush_busy)
			return true;
	return false;
}

void qaccel_tlb_boundary(struct qaccel_engine *engine)
{
	if (engine->flush)
		qaccel_mmu_flush(&engine->dma.mmu);
	engine->flush = false;
	engine->flush_busy = false;
}
