// SPDX-License-Identifier: MIT
/* Reset of the device and of one engine. */
#include <string.h>

#include "device.h"
#include "qk.h"

#define ALL_OPCODES	(((1u << QACCEL_OP_COUNT) - 1) & ~1u)
#define ALL_LAYOUTS	(1u << QACCEL_LAYOUT_O16K4 | 1u << QACCEL_LAYOUT_C16)

void qaccel_reset_registers(struct qaccel_device *dev)
{
	const struct qaccel_device_config *config = &dev->config;
	const struct { unsigned int offset; uint32_t value; } values[] = {
		{ QACCEL_REG_ID, QACCEL_ID_MAGIC },
		{ QACCEL_REG_VERSION, QACCEL_HW_VERSION_MAJOR << 16 |
				      QACCEL_HW_VERSION_MINOR },
		{ QACCEL_REG_CAPS, config->queues | config->engines << 8 |
				   QACCEL_VA_BITS << 16 },
		{ QACCEL_REG_OPCODES, ALL_OPCODES },
		{ QACCEL_REG_LAYOUTS, ALL_LAYOUTS },
		{ QACCEL_REG_LAYOUT_PREFERRED, QACCEL_LAYOUT_O16K4 |
					       QACCEL_LAYOUT_C16 << 8 },
		{ QACCEL_REG_LOCAL_MEM, (uint32_t)(config->local_mem >> 10) },
		{ QACCEL_REG_MAX_STREAM, QACCEL_MAX_STREAM },
		{ QACCEL_REG_MAC_ARRAY, config->timing.mac_rows |
					config->timing.mac_columns << 16 },
		{ QACCEL_REG_CLOCK_KHZ, config->timing.clock_khz },
		{ QACCEL_REG_DMA_BYTES, config->timing.dma_bytes_per_cycle },
	};

	memset(dev->regs, 0, sizeof(dev->regs));
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		*qaccel_reg(dev->regs, values[i].offset) = values[i].value;
}

static void reset_queue(struct qaccel_queue *queue)
{
	uint32_t generation = queue->generation + 1;

	memset(queue, 0, sizeof(*queue));
	queue->generation = generation;
}

/* The job in it, if any, is dropped at the next tile or access. */
static void reset_engine(struct qaccel_engine *engine)
{
	engine->device_resetting = engine->busy;
	engine->resetting = false;
	engine->stuck = false;
	engine->progress = 0;
	engine->next_queue = 0;
	qaccel_engine_abort(engine);
	if (engine->busy)
		engine->flush = true;
	else
		qaccel_mmu_flush(&engine->dma.mmu);
	engine->flush_busy = false;
}

void qaccel_reset_start(struct qaccel_device *dev)
{
	qaccel_event(dev, QACCEL_EVENT_RESET, 0, 0);
	qaccel_reset_registers(dev);
	dev->irq_done_sent = 0;
	dev->irq_error_sent = 0;
	for (unsigned int q = 0; q < dev->config.queues; q++)
		reset_queue(&dev->queues[q]);
	for (unsigned int e = 0; e < dev->config.engines; e++)
		reset_engine(&dev->engines[e]);
}

bool qaccel_reset_busy(struct qaccel_device *dev)
{
	for (unsigned int e = 0; e < dev->config.engines; e++)
		if (dev->engines[e].device_resetting)
			return true;
	return false;
}

void qaccel_device_reset(struct qaccel_device *dev)
{
	pthread_mutex_lock(&dev->lock);
	qaccel_reset_start(dev);
	while (qaccel_reset_busy(dev))
		pthread_cond_wait(&dev->idle, &dev->lock);
	pthread_mutex_unlock(&dev->lock);
}

void qaccel_engine_ctrl_written(struct qaccel_device *dev, unsigned int e,
				uint32_t value)
{
	struct qaccel_engine *engine = &dev->engines[e];

	if (!(value & QACCEL_ENGINE_RESET))
		return;
	qaccel_event(dev, QACCEL_EVENT_ENGINE_RESET, e, 0);
	if (dev->knobs.reset_stuck) {
		dev->knobs.reset_stuck--;
		engine->stuck = true;
	}
	engine->resetting = engine->busy;
	qaccel_engine_abort(engine);
}
