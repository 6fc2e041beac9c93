/* SPDX-License-Identifier: MIT */
/*
 * The accelerator, without a bus
 *
 * Registers, queues, MMU and engines of docs/hardware.md as a plain library. A
 * bus glue (QEMU's PCI device, or a unit test) creates a device, forwards
 * register accesses, and supplies DMA and interrupts through qaccel_bus.
 *
 * Threads: each engine is a thread, another one sends interrupts that were held
 * back. qaccel_device_read() and _write() may be called from any thread and
 * return at once, whatever the engines do. The bus functions are called from
 * those threads with no lock held, except where said.
 */
#ifndef QACCEL_DEVICE_H
#define QACCEL_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qaccel_hw.h"
#include "qaccel_interp.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * enum qaccel_event - what the bus glue may trace
 *
 * BAD_ACCESS and BAD_DOORBELL are guest errors, the others normal life.
 */
enum qaccel_event {
	QACCEL_EVENT_BAD_ACCESS,	/* a: register offset, b: size */
	QACCEL_EVENT_BAD_DOORBELL,	/* a: queue, b: value */
	QACCEL_EVENT_QUEUE_HALT,	/* a: queue, b: enum qaccel_status */
	QACCEL_EVENT_JOB_START,		/* a: engine << 32 | queue, b: seqno */
	QACCEL_EVENT_JOB_DONE,		/* a: engine << 32 | status, b: seqno */
	QACCEL_EVENT_FAULT,		/* a: status << 32 | command index, b: address */
	QACCEL_EVENT_COMMAND,		/* a: engine << 32 | command index, b: opcode */
	QACCEL_EVENT_TLB_INVALIDATE,	/* a: QACCEL_TLB_*, b: root */
	QACCEL_EVENT_ENGINE_RESET,	/* a: engine, b: 0 */
	QACCEL_EVENT_RESET,		/* a, b: 0 */
};

/* struct qaccel_bus - what the device sees of the machine; addresses are DMA addresses */
struct qaccel_bus {
	/*
	 * Maps memory for direct access: returns a host pointer to addr and in
	 * *size (wanted size on entry) how many bytes from there are contiguous,
	 * at least 1. NULL: not RAM, use read() and write().
	 */
	void *(*map)(void *opaque, uint64_t addr, uint64_t *size, bool write);
	/* Ends a map(); size is what map() returned, written: bytes were stored. */
	void (*unmap)(void *opaque, void *host, uint64_t size, bool written);
	/* Copies; false when the bus refuses. Aligned 8-byte copies are atomic. */
	bool (*read)(void *opaque, uint64_t addr, void *data, uint64_t size);
	bool (*write)(void *opaque, uint64_t addr, const void *data,
		      uint64_t size);
	/*
	 * Sends the MSI-X message of a vector. Called with the device's lock
	 * held: must not call back, and must not wait for a thread that does.
	 */
	void (*interrupt)(void *opaque, unsigned int vector);
	/* May be NULL. Same rule as interrupt(). */
	void (*event)(void *opaque, enum qaccel_event event, uint64_t a,
		      uint64_t b);
	void *opaque;
};

/*
 * struct qaccel_fault_knobs - faults on demand, for tests of software
 *
 * Zero: off. Tags are those of command headers, so that a test hits its own
 * commands and nobody else's.
 */
struct qaccel_fault_knobs {
	uint32_t hang_tag;		/* commands with this tag never end; only a reset helps */
	uint32_t slow_tag;		/* commands with this tag take slow_us longer */
	uint32_t slow_us;
	uint32_t corrupt_tag;		/* a job with such a command reports status 0xff */
	uint32_t dma_error_tag;		/* operands of such commands: QACCEL_ERR_BUS */
	uint32_t drop_irq;		/* swallow the next n interrupt messages */
	uint32_t reset_stuck;		/* the next n engine resets stay busy until a device reset */
	bool gone;			/* surprise removal: reads are all ones, writes do nothing */
};

struct qaccel_device_config {
	unsigned int queues;		/* 1 to QACCEL_MAX_QUEUES */
	unsigned int engines;		/* 1 to QACCEL_MAX_ENGINES */
	unsigned int vectors;		/* 1 or more */
	uint64_t local_mem;		/* bytes, per engine; 1 MiB to 1 GiB */
	struct qaccel_timing timing;
	const char *isa;		/* for qk_select(); NULL: the best */
	struct qaccel_bus bus;
};

#define QACCEL_DEFAULT_QUEUES		8
#define QACCEL_DEFAULT_ENGINES		2
#define QACCEL_DEFAULT_LOCAL_MEM	(64u << 20)

struct qaccel_device;

/*
 * NULL with *error (static text) if the config is impossible, memory or threads
 * are short.
 */
struct qaccel_device *qaccel_device_create(const struct qaccel_device_config *config,
					   const char **error);
/* Stops and joins the threads first; no bus function is called after. NULL is fine. */
void qaccel_device_destroy(struct qaccel_device *dev);

/* Register accesses: offset in BAR0, size 4 or 8, aligned. Others: zero, ignored. */
uint64_t qaccel_device_read(struct qaccel_device *dev, uint64_t offset,
			    unsigned int size);
void qaccel_device_write(struct qaccel_device *dev, uint64_t offset,
			 uint64_t value, unsigned int size);

/*
 * Power-on state, at any moment. Returns when no engine touches the bus any
 * more (an engine in a kernel gets to the end of its tile first).
 */
void qaccel_device_reset(struct qaccel_device *dev);

/*
 * Stops the engines between commands, without losing anything, and lets them go
 * on: for a machine that pauses. Returns when they have stopped.
 */
void qaccel_device_pause(struct qaccel_device *dev);
void qaccel_device_resume(struct qaccel_device *dev);

void qaccel_device_get_knobs(struct qaccel_device *dev,
			     struct qaccel_fault_knobs *knobs);
void qaccel_device_set_knobs(struct qaccel_device *dev,
			     const struct qaccel_fault_knobs *knobs);

#ifdef __cplusplus
}
#endif

#endif /* QACCEL_DEVICE_H */
