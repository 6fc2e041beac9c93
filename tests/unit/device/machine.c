// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"

#define WAIT_US		100
#define WAIT_ROUNDS	100000		/* 10 s and more */

/* ----------------------------------------------------------------- bus -- */

static bool in_ram(uint64_t addr, uint64_t size)
{
	return addr >= RAM_BASE && addr - RAM_BASE <= RAM_SIZE &&
	       size <= RAM_SIZE - (addr - RAM_BASE);
}

static void pass_gate(struct machine *m, uint64_t addr)
{
	uint64_t gate = atomic_load(&m->gate_addr);

	if (!gate || addr != gate || atomic_load(&m->gate_open))
		return;
	atomic_store(&m->gate_waiting, true);
	while (!atomic_load(&m->gate_open))
		usleep(WAIT_US);
}

static bool access_ok(struct machine *m, uint64_t addr, uint64_t size)
{
	long number = atomic_fetch_add(&m->accesses, 1) + 1;

	pass_gate(m, addr);
	return in_ram(addr, size) && number != atomic_load(&m->fail_at);
}

static void *bus_map(void *opaque, uint64_t addr, uint64_t *size, bool write)
{
	struct machine *m = opaque;

	(void)write;
	if (atomic_load(&m->no_map) || !in_ram(addr, 1))
		return NULL;
	pass_gate(m, addr);
	if (!in_ram(addr, *size))
		*size = RAM_BASE + RAM_SIZE - addr;
	atomic_fetch_add(&m->mapped, 1);
	return m->ram + (addr - RAM_BASE);
}

static void bus_unmap(void *opaque, void *host, uint64_t size, bool written)
{
	struct machine *m = opaque;

	(void)host;
	(void)size;
	(void)written;
	atomic_fetch_sub(&m->mapped, 1);
}

static bool bus_read(void *opaque, uint64_t addr, void *data, uint64_t size)
{
	struct machine *m = opaque;

	if (!access_ok(m, addr, size))
		return false;
	if (size == 8)
		*(uint64_t *)data = atomic_load(
			(_Atomic uint64_t *)ram_at(m, addr));
	else
		memcpy(data, ram_at(m, addr), size);
	return true;
}

static bool bus_write(void *opaque, uint64_t addr, const void *data,
		      uint64_t size)
{
	struct machine *m = opaque;

	if (!access_ok(m, addr, size))
		return false;
	if (size == 8)
		atomic_store((_Atomic uint64_t *)ram_at(m, addr),
			     *(const uint64_t *)data);
	else
		memcpy(ram_at(m, addr), data, size);
	return true;
}

static void bus_interrupt(void *opaque, unsigned int vector)
{
	struct machine *m = opaque;

	atomic_fetch_add(&m->irqs[vector], 1);
}

static void bus_event(void *opaque, enum qaccel_event event, uint64_t a,
		      uint64_t b)
{
	struct machine *m = opaque;

	(void)a;
	(void)b;
	atomic_fetch_add(&m->events[event], 1);
}

/* ------------------------------------------------------------- machine -- */

struct qaccel_device_config machine_config(void)
{
	struct qaccel_device_config config = {
		.queues = QUEUES,
		.engines = ENGINES,
		.vectors = VECTORS,
		.local_mem = MACHINE_LOCAL_MEM,
		.timing = QACCEL_TIMING_DEFAULT,
	};

	return config;
}

struct machine *machine_create_with(const struct qaccel_device_config *config)
{
	struct qaccel_device_config c = *config;
	struct machine *m = calloc(1, sizeof(*m));
	const char *error;

	assert_non_null(m);
	m->ram = aligned_alloc(QACCEL_BLOCK_SIZE, RAM_SIZE);
	assert_non_null(m->ram);
	memset(m->ram, 0, RAM_SIZE);
	m->next_free = RAM_BASE;
	c.bus = (struct qaccel_bus){
		.map = bus_map,
		.unmap = bus_unmap,
		.read = bus_read,
		.write = bus_write,
		.interrupt = bus_interrupt,
		.event = bus_event,
		.opaque = m,
	};
	m->dev = qaccel_device_create(&c, &error);
	assert_non_null(m->dev);
	return m;
}

struct machine *machine_create(void)
{
	struct qaccel_device_config config = machine_config();

	return machine_create_with(&config);
}

void machine_destroy(struct machine *m)
{
	atomic_store(&m->gate_open, true);
	qaccel_device_destroy(m->dev);
	assert_int_equal(atomic_load(&m->mapped), 0);
	free(m->ram);
	free(m);
}

uint32_t reg_read(struct machine *m, uint64_t offset)
{
	return (uint32_t)qaccel_device_read(m->dev, offset, 4);
}

uint64_t reg_read64(struct machine *m, uint64_t offset)
{
	return qaccel_device_read(m->dev, offset, 8);
}

void reg_write(struct machine *m, uint64_t offset, uint32_t value)
{
	qaccel_device_write(m->dev, offset, value, 4);
}

void reg_write64(struct machine *m, uint64_t offset, uint64_t value)
{
	qaccel_device_write(m->dev, offset, value, 8);
}

void reg_wait(struct machine *m, uint64_t offset, uint32_t mask, uint32_t value)
{
	for (int i = 0; i < WAIT_ROUNDS; i++) {
		if ((reg_read(m, offset) & mask) == value)
			return;
		usleep(WAIT_US);
	}
	fail_msg("register 0x%x never became 0x%x", (unsigned int)offset,
		 value);
}

void wait_true(const atomic_bool *flag)
{
	for (int i = 0; i < WAIT_ROUNDS && !atomic_load(flag); i++)
		usleep(WAIT_US);
	assert_true(atomic_load(flag));
}

void wait_count(const atomic_uint *counter, unsigned int at_least)
{
	for (int i = 0; i < WAIT_ROUNDS && atomic_load(counter) < at_least; i++)
		usleep(WAIT_US);
	assert_true(atomic_load(counter) >= at_least);
}

/* -------------------------------------------------------------- memory -- */

uint64_t ram_alloc(struct machine *m, uint64_t size, uint64_t align)
{
	uint64_t addr = (m->next_free + align - 1) & ~(align - 1);

	m->next_free = addr + size;
	assert_true(m->next_free <= RAM_BASE + RAM_SIZE);
	return addr;
}

void *ram_at(struct machine *m, uint64_t addr)
{
	assert_true(in_ram(addr, 1));
	return m->ram + (addr - RAM_BASE);
}

uint64_t vm_create(struct machine *m)
{
	return ram_alloc(m, QACCEL_PAGE_SIZE, QACCEL_PAGE_SIZE);
}

_Atomic uint64_t *vm_entry(struct machine *m, uint64_t root, uint64_t va,
			   unsigned int level)
{
	uint64_t table = root;

	for (unsigned int l = 0;; l++) {
		_Atomic uint64_t *entry = (_Atomic uint64_t *)ram_at(m, table) +
					  QACCEL_PT_INDEX(va, l);

		if (l == level)
			return entry;
		if (!(*entry & QACCEL_PTE_VALID))
			*entry = vm_create(m) | QACCEL_PTE_VALID;
		table = *entry & QACCEL_PTE_ADDR_MASK;
	}
}

void vm_map(struct machine *m, uint64_t root, uint64_t va, uint64_t addr,
	    uint64_t size, uint64_t flags)
{
	for (uint64_t at = 0; at < size; at += QACCEL_PAGE_SIZE)
		*vm_entry(m, root, va + at, 2) = (addr + at) | flags |
			QACCEL_PTE_VALID | QACCEL_PTE_LEAF;
}

void vm_map_block(struct machine *m, uint64_t root, uint64_t va, uint64_t addr,
		  uint64_t flags)
{
	*vm_entry(m, root, va, 1) = addr | flags | QACCEL_PTE_VALID |
				    QACCEL_PTE_LEAF;
}

void vm_unmap(struct machine *m, uint64_t root, uint64_t va, uint64_t size)
{
	for (uint64_t at = 0; at < size; at += QACCEL_PAGE_SIZE)
		*vm_entry(m, root, va + at, 2) = 0;
}

uint64_t vm_alloc(struct machine *m, uint64_t root, uint64_t va, uint64_t size,
		  uint64_t flags, bool scattered)
{
	uint64_t pages = (size + QACCEL_PAGE_SIZE - 1) / QACCEL_PAGE_SIZE;
	uint64_t base = ram_alloc(m, pages * QACCEL_PAGE_SIZE,
				  QACCEL_PAGE_SIZE);

	for (uint64_t i = 0; i < pages; i++) {
		uint64_t page = scattered ? pages - 1 - i : i;

		vm_map(m, root, va + i * QACCEL_PAGE_SIZE,
		       base + page * QACCEL_PAGE_SIZE, QACCEL_PAGE_SIZE,
		       flags);
	}
	return base;
}

/* The byte at va, and how many from there lie on its page. */
static uint8_t *vm_page(struct machine *m, uint64_t root, uint64_t va,
			uint64_t *size)
{
	uint64_t pte = *vm_entry(m, root, va, 1);
	uint64_t length = QACCEL_BLOCK_SIZE;

	if (!(pte & QACCEL_PTE_LEAF)) {
		pte = *vm_entry(m, root, va, 2);
		length = QACCEL_PAGE_SIZE;
	}
	assert_true(pte & QACCEL_PTE_VALID);
	va &= length - 1;
	*size = *size < length - va ? *size : length - va;
	return ram_at(m, (pte & QACCEL_PTE_ADDR_MASK) + va);
}

void vm_write(struct machine *m, uint64_t root, uint64_t va, const void *data,
	      uint64_t size)
{
	const uint8_t *from = data;
	uint64_t part;

	for (; size; size -= part, va += part, from += part) {
		uint8_t *to;

		part = size;
		to = vm_page(m, root, va, &part);
		memcpy(to, from, part);
	}
}

void vm_read(struct machine *m, uint64_t root, uint64_t va, void *data,
	     uint64_t size)
{
	uint8_t *to = data;
	uint64_t part;

	for (; size; size -= part, va += part, to += part) {
		const uint8_t *from;

		part = size;
		from = vm_page(m, root, va, &part);
		memcpy(to, from, part);
	}
}

void tlb_invalidate(struct machine *m, uint64_t root)
{
	reg_write64(m, QACCEL_REG_TLB_ROOT_LO, root);
	reg_write(m, QACCEL_REG_TLB_CTRL, QACCEL_TLB_INVALIDATE_ROOT);
	reg_wait(m, QACCEL_REG_TLB_CTRL, QACCEL_TLB_BUSY, 0);
}

/* -------------------------------------------------------------- queues -- */

void queue_setup(struct machine *m, unsigned int q, unsigned int engine)
{
	uint64_t regs = QACCEL_REGS_QUEUE(q);

	if (!m->ring[q]) {
		m->ring[q] = ram_alloc(m, RING_ENTRIES * 64, QACCEL_PAGE_SIZE);
		m->result[q] = ram_alloc(m, RING_ENTRIES * 64,
					 QACCEL_PAGE_SIZE);
		m->fence[q] = ram_alloc(m, 8, 8);
	}
	m->tail[q] = 0;
	reg_write(m, regs + QACCEL_REG_QUEUE_CTRL, 0);
	reg_write64(m, regs + QACCEL_REG_QUEUE_RING_LO, m->ring[q]);
	reg_write64(m, regs + QACCEL_REG_QUEUE_RESULT_LO, m->result[q]);
	reg_write64(m, regs + QACCEL_REG_QUEUE_FENCE_LO, m->fence[q]);
	reg_write(m, regs + QACCEL_REG_QUEUE_RING_ORDER, RING_ORDER);
	reg_write(m, regs + QACCEL_REG_QUEUE_CTRL,
		  QACCEL_QUEUE_ENABLE | QACCEL_QUEUE_ENGINE(engine));
}

void device_enable(struct machine *m)
{
	reg_write(m, QACCEL_REG_IRQ_DONE_ENABLE, ~0u);
	reg_write(m, QACCEL_REG_IRQ_ERROR_ENABLE, ~0u);
	reg_write(m, QACCEL_REG_CTRL, QACCEL_CTRL_ENABLE);
}

void queue_put(struct machine *m, unsigned int q,
	       const struct qaccel_ring_entry *entry)
{
	uint64_t slot = m->tail[q]++ % RING_ENTRIES;

	memcpy(ram_at(m, m->ring[q] + slot * sizeof(*entry)), entry,
	       sizeof(*entry));
}

void queue_ring(struct machine *m, unsigned int q)
{
	reg_write(m, QACCEL_DOORBELL(q), m->tail[q]);
}

uint64_t queue_fence(struct machine *m, unsigned int q)
{
	return atomic_load((_Atomic uint64_t *)ram_at(m, m->fence[q]));
}

void queue_wait(struct machine *m, unsigned int q, uint64_t seqno)
{
	for (int i = 0; i < WAIT_ROUNDS; i++) {
		if (queue_fence(m, q) == seqno)
			return;
		usleep(WAIT_US);
	}
	fail_msg("queue %u never completed %u", q, (unsigned int)seqno);
}

struct qaccel_result *queue_result(struct machine *m, unsigned int q,
				   uint32_t index)
{
	return ram_at(m, m->result[q] + index % RING_ENTRIES *
			 sizeof(struct qaccel_result));
}

/* ------------------------------------------------------------ commands -- */

union qaccel_cmd cmd_end(void)
{
	union qaccel_cmd cmd;

	memset(&cmd, 0, sizeof(cmd));
	cmd.hdr.opcode = QACCEL_OP_END;
	cmd.hdr.version = QACCEL_CMD_VERSION;
	return cmd;
}

union qaccel_cmd cmd_copy(uint64_t dst, uint64_t src, uint32_t size)
{
	union qaccel_cmd cmd = cmd_end();

	cmd.hdr.opcode = QACCEL_OP_COPY;
	cmd.copy.src_va = src;
	cmd.copy.dst_va = dst;
	cmd.copy.rows = 1;
	cmd.copy.row_bytes = size;
	cmd.copy.src_stride = size;
	cmd.copy.dst_stride = size;
	return cmd;
}

struct qaccel_ring_entry entry_of(uint64_t root, uint64_t stream_va,
				  uint32_t commands, uint64_t seqno)
{
	struct qaccel_ring_entry entry = {
		.root = root,
		.stream_va = stream_va,
		.seqno = seqno,
		.stream_size = commands * QACCEL_CMD_SIZE,
		.flags = QACCEL_ENTRY_IRQ,
	};

	return entry;
}

struct qaccel_result run_entry(struct machine *m, unsigned int q,
			       const struct qaccel_ring_entry *entry)
{
	uint32_t index = m->tail[q];

	queue_put(m, q, entry);
	queue_ring(m, q);
	queue_wait(m, q, entry->seqno);
	return *queue_result(m, q, index);
}
