/* SPDX-License-Identifier: MIT */
/*
 * A machine around a device, for tests
 *
 * RAM at a DMA address, an interrupt counter for each vector, page tables, and
 * a ring with its result records and fence for each queue. The bus can be told
 * to fail, and to hand out memory in small pieces.
 */
#ifndef TEST_MACHINE_H
#define TEST_MACHINE_H

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "qaccel_device.h"

#define RAM_BASE	UINT64_C(0x140000000)
#define RAM_SIZE	(UINT64_C(24) << 20)
#define QUEUES		4
#define ENGINES		2
#define VECTORS		3
#define MACHINE_LOCAL_MEM	(UINT64_C(2) << 20)
#define RING_ORDER	4
#define RING_ENTRIES	(1u << RING_ORDER)

struct machine {
	struct qaccel_device *dev;
	uint8_t *ram;
	uint64_t next_free;		/* bump allocator over the RAM */
	uint64_t ring[QUEUES];		/* DMA addresses */
	uint64_t result[QUEUES];
	uint64_t fence[QUEUES];
	uint32_t tail[QUEUES];

	atomic_bool no_map;		/* map() gives nothing */
	atomic_long mapped;		/* maps not ended yet */
	atomic_long accesses;		/* reads and writes */
	atomic_long fail_at;		/* the access of this number fails; 0: none */
	atomic_uint irqs[VECTORS];
	atomic_uint events[16];

	/* An access to this address waits until `gate` opens. */
	atomic_ullong gate_addr;
	atomic_bool gate_waiting;
	atomic_bool gate_open;
};

struct machine *machine_create(void);
struct machine *machine_create_with(const struct qaccel_device_config *config);
void machine_destroy(struct machine *m);

/* The config that machine_create() takes. */
struct qaccel_device_config machine_config(void);

uint32_t reg_read(struct machine *m, uint64_t offset);
uint64_t reg_read64(struct machine *m, uint64_t offset);
void reg_write(struct machine *m, uint64_t offset, uint32_t value);
void reg_write64(struct machine *m, uint64_t offset, uint64_t value);

/* Zeroed memory; returns its DMA address. */
uint64_t ram_alloc(struct machine *m, uint64_t size, uint64_t align);
void *ram_at(struct machine *m, uint64_t addr);

/* Page tables. flags: QACCEL_PTE_READ, QACCEL_PTE_WRITE. */
#define RW	(QACCEL_PTE_READ | QACCEL_PTE_WRITE)
#define RO	QACCEL_PTE_READ
#define WO	QACCEL_PTE_WRITE
uint64_t vm_create(struct machine *m);
/* The entry of va at a level; tables down to there are made. */
_Atomic uint64_t *vm_entry(struct machine *m, uint64_t root, uint64_t va,
			   unsigned int level);
void vm_map(struct machine *m, uint64_t root, uint64_t va, uint64_t addr,
	    uint64_t size, uint64_t flags);
void vm_map_block(struct machine *m, uint64_t root, uint64_t va, uint64_t addr,
		  uint64_t flags);
void vm_unmap(struct machine *m, uint64_t root, uint64_t va, uint64_t size);
/* Maps new memory; scattered: pages in reverse order. Returns the first page. */
uint64_t vm_alloc(struct machine *m, uint64_t root, uint64_t va, uint64_t size,
		  uint64_t flags, bool scattered);
/* Copies through the tables, whatever the flags. */
void vm_write(struct machine *m, uint64_t root, uint64_t va, const void *data,
	      uint64_t size);
void vm_read(struct machine *m, uint64_t root, uint64_t va, void *data,
	     uint64_t size);
void tlb_invalidate(struct machine *m, uint64_t root);

/* Queues. */
void queue_setup(struct machine *m, unsigned int q, unsigned int engine);
void device_enable(struct machine *m);
/* Puts an entry in the ring, without the doorbell. */
void queue_put(struct machine *m, unsigned int q,
	       const struct qaccel_ring_entry *entry);
void queue_ring(struct machine *m, unsigned int q);
uint64_t queue_fence(struct machine *m, unsigned int q);
/* Fails the test after 10 s. */
void queue_wait(struct machine *m, unsigned int q, uint64_t seqno);
struct qaccel_result *queue_result(struct machine *m, unsigned int q,
				   uint32_t index);
/* Waits until (reg & mask) == value. */
void reg_wait(struct machine *m, uint64_t offset, uint32_t mask, uint32_t value);
void wait_true(const atomic_bool *flag);
void wait_count(const atomic_uint *counter, unsigned int at_least);

/* Commands. */
union qaccel_cmd cmd_end(void);
union qaccel_cmd cmd_copy(uint64_t dst, uint64_t src, uint32_t size);
struct qaccel_ring_entry entry_of(uint64_t root, uint64_t stream_va,
				  uint32_t commands, uint64_t seqno);
/* Runs one entry on queue q and returns its result; index counts from 0. */
struct qaccel_result run_entry(struct machine *m, unsigned int q,
			       const struct qaccel_ring_entry *entry);

#endif /* TEST_MACHINE_H */
