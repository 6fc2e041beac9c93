// SPDX-License-Identifier: MIT
/*
 * Register accesses
 *
 * What an access does to a register is data: which bits it stores, which it
 * clears where they are written as one, and a function for what else happens.
 * Registers without `read` give what is stored; those without any mask are
 * read-only.
 */
#include <stddef.h>

#include "device.h"

enum {
	PAIR = 1 << 0,		/* low half of 64 bits */
	LOCKED = 1 << 1,	/* of a queue: fixed while it is enabled */
};

struct reg {
	uint16_t offset;
	uint16_t flags;
	uint32_t rw;		/* bits that a write stores */
	uint32_t w1c;		/* bits that a write of one clears */
	uint32_t (*read)(struct qaccel_device *dev, unsigned int index);
	/* After the store; old: the register before. */
	void (*written)(struct qaccel_device *dev, unsigned int index,
			uint32_t old, uint32_t value);
};

struct block {
	const struct reg *regs;
	size_t count;
	unsigned int index;	/* of the engine or queue */
	uint32_t *stored;
};

#define ALL		UINT32_MAX
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define READ_ONLY(at)	{ .offset = at }
#define READ_ONLY_PAIR(at)	{ .offset = at, .flags = PAIR },	\
				{ .offset = (at) + 4 }

/* -------------------------------------------------------------- global -- */

static uint32_t read_status(struct qaccel_device *dev, unsigned int index)
{
	uint32_t ctrl = *qaccel_reg(dev->regs, QACCEL_REG_CTRL);

	(void)index;
	return (qaccel_reset_busy(dev) ? QACCEL_STATUS_RESET_BUSY : 0) |
	       (ctrl & QACCEL_CTRL_ENABLE ? QACCEL_STATUS_ENABLED : 0);
}

static void ctrl_written(struct qaccel_device *dev, unsigned int index,
			 uint32_t old, uint32_t value)
{
	(void)index;
	(void)old;
	if (value & QACCEL_CTRL_RESET)
		qaccel_reset_start(dev);
	else
		qaccel_wake_engines(dev);
}

static void irq_written(struct qaccel_device *dev, unsigned int index,
			uint32_t old, uint32_t value)
{
	(void)index;
	(void)old;
	(void)value;
	qaccel_irq_update(dev);
}

static uint32_t read_tlb_ctrl(struct qaccel_device *dev, unsigned int index)
{
	(void)index;
	return qaccel_tlb_busy(dev) ? QACCEL_TLB_BUSY : 0;
}

static void tlb_ctrl_written(struct qaccel_device *dev, unsigned int index,
			     uint32_t old, uint32_t value)
{
	(void)index;
	(void)old;
	qaccel_tlb_ctrl_written(dev, value);
}

static const struct reg global_regs[] = {
	READ_ONLY(QACCEL_REG_ID),
	READ_ONLY(QACCEL_REG_VERSION),
	READ_ONLY(QACCEL_REG_CAPS),
	READ_ONLY_PAIR(QACCEL_REG_OPCODES),
	READ_ONLY(QACCEL_REG_LAYOUTS),
	READ_ONLY(QACCEL_REG_LAYOUT_PREFERRED),
	READ_ONLY(QACCEL_REG_LOCAL_MEM),
	READ_ONLY(QACCEL_REG_MAX_STREAM),
	READ_ONLY(QACCEL_REG_MAC_ARRAY),
	READ_ONLY(QACCEL_REG_CLOCK_KHZ),
	READ_ONLY(QACCEL_REG_DMA_BYTES),
	{ .offset = QACCEL_REG_CTRL, .rw = QACCEL_CTRL_ENABLE,
	  .written = ctrl_written },
	{ .offset = QACCEL_REG_STATUS, .read = read_status },
	{ .offset = QACCEL_REG_IRQ_DONE, .w1c = ALL, .written = irq_written },
	{ .offset = QACCEL_REG_IRQ_ERROR, .w1c = ALL, .written = irq_written },
	{ .offset = QACCEL_REG_IRQ_DONE_ENABLE, .rw = ALL,
	  .written = irq_written },
	{ .offset = QACCEL_REG_IRQ_ERROR_ENABLE, .rw = ALL,
	  .written = irq_written },
	{ .offset = QACCEL_REG_TLB_ROOT_LO, .flags = PAIR, .rw = ALL },
	{ .offset = QACCEL_REG_TLB_ROOT_HI, .rw = ALL },
	{ .offset = QACCEL_REG_TLB_CTRL, .read = read_tlb_ctrl,
	  .written = tlb_ctrl_written },
	READ_ONLY_PAIR(QACCEL_REG_CNT_DOORBELLS),
	READ_ONLY_PAIR(QACCEL_REG_CNT_JOBS),
	READ_ONLY_PAIR(QACCEL_REG_CNT_COMMANDS),
	READ_ONLY_PAIR(QACCEL_REG_CNT_FAULTS),
	READ_ONLY_PAIR(QACCEL_REG_CNT_IRQS),
	READ_ONLY_PAIR(QACCEL_REG_CNT_CYCLES),
	READ_ONLY_PAIR(QACCEL_REG_CNT_MACS),
	READ_ONLY_PAIR(QACCEL_REG_CNT_BYTES_READ),
	READ_ONLY_PAIR(QACCEL_REG_CNT_BYTES_WRITTEN),
	READ_ONLY_PAIR(QACCEL_REG_CNT_TLB_HITS),
	READ_ONLY_PAIR(QACCEL_REG_CNT_TLB_MISSES),
};

/* -------------------------------------------------------------- engine -- */

static void engine_ctrl_written(struct qaccel_device *dev, unsigned int index,
				uint32_t old, uint32_t value)
{
	(void)old;
	qaccel_engine_ctrl_written(dev, index, value);
}

static uint32_t read_progress(struct qaccel_device *dev, unsigned int index)
{
	return dev->engines[index].progress;
}

static uint32_t read_cmd(struct qaccel_device *dev, unsigned int index)
{
	return dev->engines[index].cmd;
}

static uint32_t read_seqno_lo(struct qaccel_device *dev, unsigned int index)
{
	return (uint32_t)dev->engines[index].seqno;
}

static uint32_t read_seqno_hi(struct qaccel_device *dev, unsigned int index)
{
	return (uint32_t)(dev->engines[index].seqno >> 32);
}

static const struct reg engine_regs[] = {
	{ .offset = QACCEL_REG_ENGINE_STATUS, .read = qaccel_engine_status },
	{ .offset = QACCEL_REG_ENGINE_CTRL, .written = engine_ctrl_written },
	{ .offset = QACCEL_REG_ENGINE_PROGRESS, .read = read_progress },
	{ .offset = QACCEL_REG_ENGINE_CMD, .read = read_cmd },
	{ .offset = QACCEL_REG_ENGINE_SEQNO_LO, .flags = PAIR,
	  .read = read_seqno_lo },
	{ .offset = QACCEL_REG_ENGINE_SEQNO_HI, .read = read_seqno_hi },
};

/* --------------------------------------------------------------- queue -- */

static void queue_ctrl_written(struct qaccel_device *dev, unsigned int index,
			       uint32_t old, uint32_t value)
{
	(void)value;
	qaccel_queue_ctrl_written(dev, index, old);
}

static uint32_t read_head(struct qaccel_device *dev, unsigned int index)
{
	return dev->queues[index].head;
}

static uint32_t read_tail(struct qaccel_device *dev, unsigned int index)
{
	return dev->queues[index].tail;
}

static void coalesce_written(struct qaccel_device *dev, unsigned int index,
			     uint32_t old, uint32_t value)
{
	(void)index;
	(void)old;
	(void)value;
	qaccel_irq_coalesce_written(dev);
}

static const struct reg queue_regs[] = {
	{ .offset = QACCEL_REG_QUEUE_CTRL,
	  .rw = QACCEL_QUEUE_ENABLE | 0xff00,
	  .written = queue_ctrl_written },
	{ .offset = QACCEL_REG_QUEUE_STATUS, .read = qaccel_queue_status },
	{ .offset = QACCEL_REG_QUEUE_RING_LO, .flags = PAIR | LOCKED,
	  .rw = ALL },
	{ .offset = QACCEL_REG_QUEUE_RING_HI, .flags = LOCKED,
	  .rw = ALL },
	{ .offset = QACCEL_REG_QUEUE_RING_ORDER, .flags = LOCKED,
	  .rw = ALL },
	{ .offset = QACCEL_REG_QUEUE_HEAD, .read = read_head },
	{ .offset = QACCEL_REG_QUEUE_TAIL, .read = read_tail },
	{ .offset = QACCEL_REG_QUEUE_RESULT_LO, .flags = PAIR | LOCKED,
	  .rw = ALL },
	{ .offset = QACCEL_REG_QUEUE_RESULT_HI, .flags = LOCKED,
	  .rw = ALL },
	{ .offset = QACCEL_REG_QUEUE_FENCE_LO, .flags = PAIR | LOCKED,
	  .rw = ALL },
	{ .offset = QACCEL_REG_QUEUE_FENCE_HI, .flags = LOCKED,
	  .rw = ALL },
	{ .offset = QACCEL_REG_QUEUE_VECTOR, .rw = ALL },
	{ .offset = QACCEL_REG_QUEUE_COALESCE, .rw = ALL,
	  .written = coalesce_written },
};

/* -------------------------------------------------------------- access -- */

static bool find_block(struct qaccel_device *dev, uint64_t offset,
		       struct block *block)
{
	uint64_t engine = (offset - QACCEL_REGS_ENGINE(0)) >> 8;
	uint64_t queue = (offset - QACCEL_REGS_QUEUE(0)) >> 8;

	if (offset < 0x100) {
		*block = (struct block){ global_regs, COUNT(global_regs), 0,
					 dev->regs };
	} else if (offset >= QACCEL_REGS_ENGINE(0) &&
		   engine < dev->config.engines) {
		*block = (struct block){ engine_regs, COUNT(engine_regs),
					 (unsigned int)engine, NULL };
	} else if (offset >= QACCEL_REGS_QUEUE(0) &&
		   queue < dev->config.queues) {
		*block = (struct block){ queue_regs, COUNT(queue_regs),
					 (unsigned int)queue,
					 dev->queues[queue].regs };
	} else {
		return false;
	}
	return true;
}

/* NULL: there is no register of this size. */
static const struct reg *find_reg(struct qaccel_device *dev, uint64_t offset,
				  unsigned int size, struct block *block)
{
	if ((size != 4 && size != 8) || offset % size ||
	    !find_block(dev, offset, block))
		return NULL;
	for (size_t i = 0; i < block->count; i++) {
		const struct reg *reg = &block->regs[i];

		if (reg->offset == (offset & 0xff))
			return size == 4 || (reg->flags & PAIR) ? reg : NULL;
	}
	return NULL;
}

static uint32_t read_reg(struct qaccel_device *dev, const struct block *block,
			 const struct reg *reg)
{
	if (reg->read)
		return reg->read(dev, block->index);
	return block->stored ? block->stored[reg->offset / 4] : 0;
}

static bool is_locked(const struct block *block, const struct reg *reg)
{
	uint32_t ctrl = block->stored ?
			block->stored[QACCEL_REG_QUEUE_CTRL / 4] : 0;

	return (reg->flags & LOCKED) && (ctrl & QACCEL_QUEUE_ENABLE);
}

static void write_reg(struct qaccel_device *dev, const struct block *block,
		      const struct reg *reg, uint32_t value)
{
	uint32_t old = 0;

	if (is_locked(block, reg))
		return;
	if (reg->rw | reg->w1c) {
		uint32_t *stored = &block->stored[reg->offset / 4];

		old = *stored;
		*stored = (old & ~reg->rw & ~(reg->w1c & value)) |
			  (value & reg->rw);
	}
	if (reg->written)
		reg->written(dev, block->index, old, value);
}

static uint64_t all_ones(unsigned int size)
{
	return size >= 8 ? UINT64_MAX : (UINT64_C(1) << (size * 8)) - 1;
}

uint64_t qaccel_device_read(struct qaccel_device *dev, uint64_t offset,
			    unsigned int size)
{
	const struct reg *reg;
	struct block block;
	uint64_t value = 0;

	pthread_mutex_lock(&dev->lock);
	reg = find_reg(dev, offset, size, &block);
	if (dev->knobs.gone)
		value = all_ones(size);
	else if (!reg)
		qaccel_event(dev, QACCEL_EVENT_BAD_ACCESS, offset, size);
	else
		value = read_reg(dev, &block, reg);
	if (reg && size == 8 && !dev->knobs.gone)
		value |= (uint64_t)read_reg(dev, &block, reg + 1) << 32;
	pthread_mutex_unlock(&dev->lock);
	return value;
}

static bool is_doorbell(struct qaccel_device *dev, uint64_t offset,
			unsigned int size, unsigned int *q)
{
	uint64_t queue = (offset - QACCEL_DOORBELL(0)) / 0x1000;

	if (size != 4 || offset < QACCEL_DOORBELL(0) ||
	    offset % 0x1000 || queue >= dev->config.queues)
		return false;
	*q = (unsigned int)queue;
	return true;
}

static void write_registers(struct qaccel_device *dev, uint64_t offset,
			    uint64_t value, unsigned int size)
{
	const struct reg *reg;
	struct block block;
	unsigned int q;

	if (is_doorbell(dev, offset, size, &q)) {
		qaccel_queue_doorbell(dev, q, (uint32_t)value);
		return;
	}
	reg = find_reg(dev, offset, size, &block);
	if (!reg) {
		qaccel_event(dev, QACCEL_EVENT_BAD_ACCESS, offset, size);
		return;
	}
	write_reg(dev, &block, reg, (uint32_t)value);
	if (size == 8)
		write_reg(dev, &block, reg + 1, (uint32_t)(value >> 32));
}

void qaccel_device_write(struct qaccel_device *dev, uint64_t offset,
			 uint64_t value, unsigned int size)
{
	pthread_mutex_lock(&dev->lock);
	if (!dev->knobs.gone)
		write_registers(dev, offset, value, size);
	pthread_mutex_unlock(&dev->lock);
}
