// SPDX-License-Identifier: MIT
/*
 * The PCI glue of the device in QEMU: registers, a job, interrupts, reset, power,
 * faults, and the same behind a vIOMMU
 *
 *   qaccel-qtest QEMU
 *
 * What a job computes is not tested here; it is the minimal one of
 * docs/hardware.md, at the same addresses.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"
#include "qaccel_hw.h"

#define DEVFN		(4 << 3)
#define BAR_REGS	0xe0000000ull
#define BAR_MSIX	0xe0100000ull

/* Guest memory. */
#define RING		0x10000ull
#define RESULT		0x11000ull
#define FENCE		0x12000ull
#define ROOT		0x13000ull
#define LEVEL1		0x14000ull
#define LEVEL2		0x15000ull
#define PAGE		0x16000ull
#define PAGE_VA		0x1000ull
#define MESSAGES	0x18000ull	/* MSI-X messages are writes to here */
#define IOMMU_TABLES	0x100000ull
#define NOT_RAM		BAR_REGS	/* as a DMA address */

#define TAG		7

#define CHECK(condition)						\
	do {								\
		if (!(condition))					\
			machine_fail("%s:%d: %s: failed: %s", __FILE__,	\
				     __LINE__, __func__, #condition);	\
	} while (0)

static const char *qemu;

/* ------------------------------------------------------- configuration -- */

/* Bus, device and function that config_*() are about. */
static uint32_t function = DEVFN;

static void select_config(unsigned int offset)
{
	machine_out32(0xcf8, 0x80000000u | function << 8 | (offset & 0xfc));
}

static uint32_t config_read(unsigned int offset)
{
	select_config(offset);
	return machine_in32(0xcfc);
}

static void config_write(unsigned int offset, uint32_t value)
{
	select_config(offset);
	machine_out32(0xcfc, value);
}

static unsigned int find_capability(uint8_t id)
{
	unsigned int at = config_read(0x34) & 0xff;

	while (at) {
		uint32_t header = config_read(at);

		if ((header & 0xff) == id)
			return at;
		at = header >> 8 & 0xff;
	}
	machine_fail("no PCI capability 0x%x", id);
}

#define COMMAND_MEMORY	0x2u
#define COMMAND_MASTER	0x4u

static void enable_function(uint32_t command)
{
	config_write(0x10, BAR_REGS);
	config_write(0x14, 0);
	config_write(0x20, BAR_MSIX);
	config_write(0x04, command);
	config_write(find_capability(0x11), 0x80000000u); /* MSI-X enable */
}

/* Each vector v writes v + 1 to its own word. */
static void program_msix(unsigned int vectors)
{
	for (unsigned int v = 0; v < vectors; v++) {
		uint64_t entry = BAR_MSIX + v * 16;

		machine_write(entry, MESSAGES + v * 4, 8);
		machine_write(entry + 8, v + 1, 4);
		machine_write(entry + 12, 0, 4);
		machine_write(MESSAGES + v * 4, 0, 4);
	}
}

static void function_level_reset(void)
{
	unsigned int control = find_capability(0x10) + 8;

	config_write(control, config_read(control) | 1u << 15);
}

/* ----------------------------------------------------------- registers -- */

static uint32_t reg_read(uint64_t offset)
{
	return (uint32_t)machine_read(BAR_REGS + offset, 4);
}

static void reg_write(uint64_t offset, uint32_t value)
{
	machine_write(BAR_REGS + offset, value, 4);
}

static bool eventually(bool (*condition)(uint64_t arg), uint64_t arg)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < 20000; i++) {
		if (condition(arg))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static bool fence_is(uint64_t seqno)
{
	return machine_read(FENCE, 8) == seqno;
}

static bool word_is_set(uint64_t addr)
{
	return machine_read(addr, 4) != 0;
}

static bool queue_is_halted(uint64_t q)
{
	return reg_read(QACCEL_REGS_QUEUE(q) + QACCEL_REG_QUEUE_STATUS) &
	       QACCEL_QUEUE_HALTED;
}

static bool tlb_is_idle(uint64_t unused)
{
	(void)unused;
	return !reg_read(QACCEL_REG_TLB_CTRL);
}

static bool engine_is_idle(uint64_t e)
{
	return !reg_read(QACCEL_REGS_ENGINE(e) + QACCEL_REG_ENGINE_STATUS);
}

static bool engine_is_busy(uint64_t e)
{
	return reg_read(QACCEL_REGS_ENGINE(e) + QACCEL_REG_ENGINE_STATUS) &
	       QACCEL_ENGINE_BUSY;
}

/* ---------------------------------------------------------------- jobs -- */

static uint64_t pte(uint64_t addr, uint64_t bits)
{
	return addr | QACCEL_PTE_VALID | bits;
}

static void build_job(uint64_t page, uint32_t tag)
{
	struct qaccel_cmd_copy copy = {
		.hdr = { .opcode = QACCEL_OP_COPY, .version = 1, .tag = tag },
		.src_va = PAGE_VA + 0x800,
		.dst_va = PAGE_VA + 0x900,
		.rows = 1,
		.row_bytes = 64,
		.src_stride = 64,
		.dst_stride = 64,
	};
	struct qaccel_cmd_end end = {
		.hdr = { .opcode = QACCEL_OP_END, .version = 1 },
	};
	struct qaccel_ring_entry entry = {
		.root = ROOT,
		.stream_va = PAGE_VA,
		.seqno = 1,
		.stream_size = 2 * QACCEL_CMD_SIZE,
		.flags = QACCEL_ENTRY_IRQ,
	};
	uint8_t source[64];

	for (unsigned int i = 0; i < sizeof(source); i++)
		source[i] = (uint8_t)(i + 1);
	machine_write(ROOT, pte(LEVEL1, 0), 8);
	machine_write(LEVEL1, pte(LEVEL2, 0), 8);
	machine_write(LEVEL2 + 8, pte(page, QACCEL_PTE_LEAF | QACCEL_PTE_READ |
					    QACCEL_PTE_WRITE), 8);
	reg_write(QACCEL_REG_TLB_CTRL, QACCEL_TLB_INVALIDATE_ALL);
	CHECK(eventually(tlb_is_idle, 0));
	machine_load(PAGE, &copy, sizeof(copy));
	machine_load(PAGE + 0x100, &end, sizeof(end));
	machine_load(PAGE + 0x800, source, sizeof(source));
	memset(source, 0, sizeof(source));
	machine_load(PAGE + 0x900, source, sizeof(source));
	machine_load(RESULT, source, sizeof(source));
	machine_load(RING, &entry, sizeof(entry));
	machine_write(FENCE, 0, 8);
}

static void enable_queue(uint64_t ring)
{
	uint64_t queue = BAR_REGS + QACCEL_REGS_QUEUE(0);

	machine_write(queue + QACCEL_REG_QUEUE_CTRL, 0, 4);
	machine_write(queue + QACCEL_REG_QUEUE_RING_LO, ring, 8);
	machine_write(queue + QACCEL_REG_QUEUE_RING_ORDER, 1, 4);
	machine_write(queue + QACCEL_REG_QUEUE_RESULT_LO, RESULT, 8);
	machine_write(queue + QACCEL_REG_QUEUE_FENCE_LO, FENCE, 8);
	machine_write(queue + QACCEL_REG_QUEUE_VECTOR, 1, 4);
	machine_write(queue + QACCEL_REG_QUEUE_CTRL, QACCEL_QUEUE_ENABLE, 4);
	reg_write(QACCEL_REG_IRQ_DONE, 1);
	reg_write(QACCEL_REG_IRQ_ERROR, 1);
	reg_write(QACCEL_REG_IRQ_DONE_ENABLE, 1);
	reg_write(QACCEL_REG_IRQ_ERROR_ENABLE, 1);
	reg_write(QACCEL_REG_CTRL, QACCEL_CTRL_ENABLE);
}

static void start_job(uint32_t tag)
{
	build_job(PAGE, tag);
	enable_queue(RING);
	reg_write(QACCEL_DOORBELL(0), 1);
}

static struct qaccel_result job_result(void)
{
	struct qaccel_result result;

	CHECK(eventually(fence_is, 1));
	machine_store(RESULT, &result, sizeof(result));
	return result;
}

static void check_job(unsigned int vector)
{
	struct qaccel_result result;
	uint8_t copied[64];

	program_msix(1 + vector);
	start_job(0);
	result = job_result();
	CHECK(result.seqno == 1 && result.status == QACCEL_OK);
	CHECK(result.cmd_index == 2 && result.cycles == 168);
	CHECK(result.bytes_read == 576 && result.bytes_written == 64);
	machine_store(PAGE + 0x900, copied, sizeof(copied));
	for (unsigned int i = 0; i < sizeof(copied); i++)
		CHECK(copied[i] == i + 1);
	CHECK(eventually(word_is_set, MESSAGES + vector * 4));
	CHECK(machine_read(MESSAGES + vector * 4, 4) == vector + 1);
	CHECK(reg_read(QACCEL_REG_IRQ_DONE) == 1);
}

/* --------------------------------------------------------------- knobs -- */

static void set_knob(const char *name, const char *value)
{
	char json[256];

	snprintf(json, sizeof(json), "{\"execute\":\"qom-set\",\"arguments\":"
		 "{\"path\":\"/machine/peripheral/acc0\",\"property\":\"%s\","
		 "\"value\":%s}}", name, value);
	CHECK(!strncmp(machine_qmp(json), "{\"return\"", 9));
}

static bool knob_is(const char *name, const char *value)
{
	char json[256], expected[64];

	snprintf(json, sizeof(json), "{\"execute\":\"qom-get\",\"arguments\":"
		 "{\"path\":\"/machine/peripheral/acc0\",\"property\":\"%s\"}}",
		 name);
	snprintf(expected, sizeof(expected), "{\"return\": %s}", value);
	return !strncmp(machine_qmp(json), expected, strlen(expected));
}

/* An engine is in a command that does not end. */
static void start_hang(void)
{
	set_knob("x-hang-tag", "7");
	start_job(TAG);
	CHECK(eventually(engine_is_busy, 0));
}

static void end_hang(void)
{
	set_knob("x-hang-tag", "0");
}

/* --------------------------------------------------------------- tests -- */

static void test_identity(void)
{
	CHECK(config_read(0x00) == (QACCEL_PCI_DEVICE_ID << 16 |
				    QACCEL_PCI_VENDOR_ID));
	CHECK(config_read(0x08) == (QACCEL_PCI_CLASS << 16 |
				    QACCEL_HW_VERSION_MAJOR << 4 |
				    QACCEL_HW_VERSION_MINOR));
	CHECK((config_read(0x10) & 0xf) == 0x4);
	CHECK((config_read(0x20) & 0xf) == 0x0);
	CHECK((config_read(find_capability(0x11)) >> 16 & 0x7ff) == 8);
	CHECK(config_read(find_capability(0x10) + 4) & 1u << 28); /* FLR */
	CHECK(find_capability(0x01));
}

static void check_reset_values(void)
{
	static const struct {
		uint32_t offset, value;
	} global[] = {
		{ QACCEL_REG_ID, QACCEL_ID_MAGIC },
		{ QACCEL_REG_VERSION, 0x00010000 },
		{ QACCEL_REG_CAPS, 0x00270208 },
		{ QACCEL_REG_OPCODES, 0xfffe },
		{ QACCEL_REG_LAYOUTS, 0x6 },
		{ QACCEL_REG_LAYOUT_PREFERRED, 0x201 },
		{ QACCEL_REG_LOCAL_MEM, 65536 },
		{ QACCEL_REG_MAX_STREAM, 0x400000 },
		{ QACCEL_REG_MAC_ARRAY, 0x00200020 },
		{ QACCEL_REG_CLOCK_KHZ, 1000000 },
		{ QACCEL_REG_DMA_BYTES, 16 },
	};
	size_t next = 0;

	for (uint32_t offset = 0; offset < 0x100; offset += 4) {
		uint32_t value = 0;

		if (next < sizeof(global) / sizeof(global[0]) &&
		    global[next].offset == offset)
			value = global[next++].value;
		CHECK(reg_read(offset) == value);
	}
	/* The rest of an engine's registers speak of the job it is in. */
	for (uint32_t e = 0; e < 2; e++) {
		CHECK(engine_is_idle(e));
		CHECK(!reg_read(QACCEL_REGS_ENGINE(e) +
				QACCEL_REG_ENGINE_PROGRESS));
	}
	for (uint32_t offset = 0; offset < 0x100; offset += 4) {
		CHECK(!reg_read(QACCEL_REGS_QUEUE(0) + offset));
		CHECK(!reg_read(QACCEL_REGS_QUEUE(7) + offset));
	}
}

static void test_bad_accesses(void)
{
	static const uint32_t holes[] = { 0x00c, 0x03c, 0x0fc, 0x00100,
		0x01200, 0x04800, 0x0fffc, 0x10004, 0x18000, 0x3fff8 };

	for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
		reg_write(holes[i], ~0u);
		CHECK(!reg_read(holes[i]));
		machine_write(BAR_REGS + holes[i], ~0ull, 8);
	}
	for (unsigned int size = 1; size <= 2; size++) {
		CHECK(!machine_read(BAR_REGS + QACCEL_REG_ID, size));
		machine_write(BAR_REGS + QACCEL_REG_CTRL, 1, size);
	}
	CHECK(!machine_read(BAR_REGS + QACCEL_REG_ID + 2, 4));
	CHECK(!machine_read(BAR_REGS + QACCEL_REG_CNT_JOBS + 4, 8));
	machine_write(BAR_REGS + QACCEL_REG_CTRL - 4, ~0ull, 8);
	CHECK(machine_read(BAR_REGS + QACCEL_REG_OPCODES, 8) == 0xfffe);
	check_reset_values();
}

static void test_bad_doorbell(void)
{
	program_msix(1);
	enable_queue(RING);
	reg_write(QACCEL_DOORBELL(0), 3);	/* the ring holds 2 */
	CHECK(eventually(queue_is_halted, 0));
	CHECK(QACCEL_QUEUE_ERROR(reg_read(QACCEL_REGS_QUEUE(0) +
					  QACCEL_REG_QUEUE_STATUS)) ==
	      QACCEL_ERR_DOORBELL);
	CHECK(reg_read(QACCEL_REG_IRQ_ERROR) == 1);
	CHECK(eventually(word_is_set, MESSAGES));
	check_job(1);
}

/* DMA must neither reach registers nor deadlock with who reads them. */
static void test_only_ram(void)
{
	struct qaccel_result result;

	build_job(NOT_RAM, 0);
	enable_queue(RING);
	reg_write(QACCEL_DOORBELL(0), 1);
	result = job_result();
	CHECK(result.status == QACCEL_ERR_BUS && result.fault_va == PAGE_VA);

	build_job(PAGE, 0);
	enable_queue(NOT_RAM);
	reg_write(QACCEL_DOORBELL(0), 1);
	CHECK(eventually(queue_is_halted, 0));
	CHECK(QACCEL_QUEUE_ERROR(reg_read(QACCEL_REGS_QUEUE(0) +
					  QACCEL_REG_QUEUE_STATUS)) ==
	      QACCEL_ERR_BUS);

	config_write(0x04, COMMAND_MEMORY);
	build_job(PAGE, 0);
	enable_queue(RING);
	reg_write(QACCEL_DOORBELL(0), 1);
	CHECK(eventually(queue_is_halted, 0));
	config_write(0x04, COMMAND_MEMORY | COMMAND_MASTER);
	check_job(1);
}

static void test_engine_reset(void)
{
	start_hang();
	CHECK(reg_read(QACCEL_REGS_ENGINE(0) + QACCEL_REG_ENGINE_SEQNO_LO) == 1);
	reg_write(QACCEL_REGS_ENGINE(0) + QACCEL_REG_ENGINE_CTRL,
		  QACCEL_ENGINE_RESET);
	CHECK(eventually(engine_is_idle, 0));
	end_hang();
	CHECK(fence_is(0));
	check_job(1);
}

/* The three ways in which the whole device is reset, with a job in it. */
static void test_device_reset(void)
{
	start_hang();
	reg_write(QACCEL_REG_CTRL, QACCEL_CTRL_RESET);
	CHECK(eventually(engine_is_idle, 0));
	CHECK(!reg_read(QACCEL_REG_STATUS));
	end_hang();
	check_reset_values();
	check_job(1);

	start_hang();
	function_level_reset();
	end_hang();
	CHECK(!(config_read(0x04) & COMMAND_MASTER));
	enable_function(COMMAND_MEMORY | COMMAND_MASTER);
	check_reset_values();
	check_job(1);

	start_hang();
	machine_qmp("system_reset");
	end_hang();
	while (config_read(0x04) & COMMAND_MASTER)
		continue;
	enable_function(COMMAND_MEMORY | COMMAND_MASTER);
	check_reset_values();
	CHECK(fence_is(0));
	check_job(1);
}

/* A stopped machine, or D3hot: nothing moves, nothing is lost. */
static void test_pause(void)
{
	unsigned int control = find_capability(0x01) + 4;

	CHECK(!strncmp(machine_qmp("stop"), "{\"return\"", 9));
	start_job(0);
	usleep(20000);
	CHECK(fence_is(0));
	machine_qmp("cont");
	CHECK(job_result().status == QACCEL_OK);

	config_write(control, config_read(control) | 3);
	start_job(0);
	usleep(20000);
	CHECK(fence_is(0));
	config_write(control, config_read(control) & ~3u);
	CHECK(job_result().status == QACCEL_OK);

	start_hang();
	machine_qmp("stop");
	end_hang();
	reg_write(QACCEL_REG_CTRL, QACCEL_CTRL_RESET);
	machine_qmp("cont");
	CHECK(eventually(engine_is_idle, 0));
	check_job(1);
}

static void test_knobs(void)
{
	set_knob("x-drop-irq", "1");
	CHECK(knob_is("x-drop-irq", "1"));
	program_msix(2);
	start_job(0);
	CHECK(job_result().status == QACCEL_OK);
	CHECK(eventually(engine_is_idle, 0));
	usleep(10000);
	CHECK(!word_is_set(MESSAGES + 4));
	CHECK(knob_is("x-drop-irq", "0"));

	set_knob("x-corrupt-tag", "7");
	start_job(TAG);
	CHECK(job_result().status == 0xff);
	set_knob("x-corrupt-tag", "0");

	set_knob("x-dma-error-tag", "7");
	start_job(TAG);
	CHECK(job_result().status == QACCEL_ERR_BUS);
	set_knob("x-dma-error-tag", "0");

	set_knob("x-gone", "true");
	CHECK(reg_read(QACCEL_REG_ID) == ~0u && config_read(0) == ~0u);
	set_knob("x-gone", "false");
	CHECK(reg_read(QACCEL_REG_ID) == QACCEL_ID_MAGIC);
	check_job(1);
}

static void test_unmigratable(void)
{
	const char *answer = machine_qmp("{\"execute\":\"migrate\",\"arguments\":"
					 "{\"uri\":\"exec:cat >/dev/null\"}}");

	CHECK(!strncmp(answer, "{\"error\"", 8));
	CHECK(strstr(answer, "qaccel"));
}

/* -------------------------------------------------------------- vIOMMU -- */

#define VTD		0xfed90000ull
#define VTD_COMMAND	(VTD + 0x18)
#define VTD_STATUS	(VTD + 0x1c)
#define VTD_ROOT	(VTD + 0x20)
#define VTD_FAULT	(VTD + 0x34)
#define VTD_FAULT_CTRL	(VTD + 0x38)
#define VTD_FAULT_DATA	(VTD + 0x3c)
#define VTD_FAULT_ADDR	(VTD + 0x40)

static bool vtd_status(uint64_t bit)
{
	return machine_read(VTD_STATUS, 4) & bit;
}

/* The first 2 MiB map to themselves, page by page, but for the first page. */
static void enable_iommu(void)
{
	uint64_t context = IOMMU_TABLES + 0x1000, table = context + 0x1000;

	machine_write(IOMMU_TABLES, context | 1, 8);
	machine_write(context + DEVFN * 16, table | 1, 8);
	machine_write(context + DEVFN * 16 + 8, 1 << 8 | 1, 8); /* 3 levels */
	machine_write(table, (table + 0x1000) | 3, 8);
	machine_write(table + 0x1000, (table + 0x2000) | 3, 8);
	for (uint64_t page = 1; page < 512; page++)
		machine_write(table + 0x2000 + page * 8, page << 12 | 3, 8);
	machine_write(VTD_ROOT, IOMMU_TABLES, 8);
	machine_write(VTD_COMMAND, 1u << 30, 4);
	CHECK(eventually(vtd_status, 1u << 30));
	machine_write(VTD_FAULT_ADDR, 0xfee00000, 4);
	machine_write(VTD_FAULT_DATA, 0x20, 4);
	machine_write(VTD_FAULT_CTRL, 0, 4);	/* faults send interrupts */
	machine_write(VTD_COMMAND, 1u << 31, 4);
	CHECK(eventually(vtd_status, 1u << 31));
}

static void test_iommu(void)
{
	struct qaccel_result result;

	check_job(1);
	enable_iommu();
	check_job(1);
	/* A hole of the IOMMU: a fault of its own, and an interrupt for that. */
	build_job(0, 0);
	enable_queue(RING);
	reg_write(QACCEL_DOORBELL(0), 1);
	result = job_result();
	CHECK(result.status == QACCEL_ERR_BUS && result.fault_va == PAGE_VA);
	CHECK(machine_read(VTD_FAULT, 4) & 2);
	check_job(1);
}

/*
 * Engines that wait for a translation while the thread that could make it waits
 * for the engines.
 */
static void test_iommu_reset(void)
{
	for (unsigned int i = 0; i < 200; i++) {
		start_job(0);
		if (i % 3 == 0) {
			machine_qmp("stop");
			machine_qmp("cont");
		} else if (i % 3 == 1) {
			function_level_reset();
			enable_function(COMMAND_MEMORY | COMMAND_MASTER);
		}
	}
	reg_write(QACCEL_REG_CTRL, QACCEL_CTRL_RESET);
	check_job(1);
}

/* ---------------------------------------------------------------- main -- */

struct test {
	const char *name;
	void (*run)(void);
};

struct machine {
	const char *options[8];
	struct test tests[16];
};

static void test_one_vector(void)
{
	CHECK((config_read(find_capability(0x11)) >> 16 & 0x7ff) == 0);
	check_job(0);	/* the queue asks for 1, which there is not */
}

#define PORT_DEVFN	(3 << 3)
#define ACPI_HOTPLUG	0x0cc0	/* of q35: eject at 8, bus at 16 */

static bool config_is_gone(uint64_t unused)
{
	(void)unused;
	return config_read(0) == ~0u;
}

/* Behind a root port, whose bus 1 gets the window of the BARs. */
static void test_unplug_busy(void)
{
	function = PORT_DEVFN;
	config_write(0x18, 0x00010100);
	config_write(0x20, 0xe010e000);
	config_write(0x04, COMMAND_MEMORY | COMMAND_MASTER);
	function = 1 << 8;
	enable_function(COMMAND_MEMORY | COMMAND_MASTER);
	check_job(1);
	start_hang();
	CHECK(!strncmp(machine_qmp("{\"execute\":\"device_del\",\"arguments\":"
				   "{\"id\":\"acc0\"}}"), "{\"return\"", 9));
	machine_out32(ACPI_HOTPLUG + 16, 0);
	machine_out32(ACPI_HOTPLUG + 8, 1);
	CHECK(eventually(config_is_gone, 0));
	function = DEVFN;
}

/* QEMU has to end with a job in the device, too. */
static void test_quit_busy(void)
{
	start_hang();
}

static const struct machine machines[] = {
	{ { "-device", "qaccel,id=acc0,addr=04.0", NULL }, {
		{ "identity", test_identity },
		{ "reset values", check_reset_values },
		{ "bad accesses", test_bad_accesses },
		{ "bad doorbell", test_bad_doorbell },
		{ "only RAM", test_only_ram },
		{ "engine reset", test_engine_reset },
		{ "device reset", test_device_reset },
		{ "pause", test_pause },
		{ "knobs", test_knobs },
		{ "unmigratable", test_unmigratable },
		{ "quit while busy", test_quit_busy },
	} },
	{ { "-device", "qaccel,id=acc0,addr=04.0,vectors=1", NULL }, {
		{ "one vector", test_one_vector },
	} },
	{ { "-device", "pcie-root-port,id=rp,addr=03.0,slot=1",
	    "-device", "qaccel,id=acc0,bus=rp", NULL }, {
		{ "unplug while busy", test_unplug_busy },
	} },
	{ { "-device", "intel-iommu,intremap=off,aw-bits=39",
	    "-device", "qaccel,id=acc0,addr=04.0", NULL }, {
		{ "vIOMMU", test_iommu },
		{ "vIOMMU and reset", test_iommu_reset },
	} },
};

static void run_machine(const struct machine *machine, unsigned int *count)
{
	machine_start(qemu, machine->options);
	if (!config_is_gone(0))
		enable_function(COMMAND_MEMORY | COMMAND_MASTER);
	for (const struct test *test = machine->tests; test->run; test++) {
		test->run();
		printf("ok %u - %s\n", ++*count, test->name);
	}
	machine_stop();
}

int main(int argc, char **argv)
{
	unsigned int count = 0;

	if (argc != 2 || access(argv[1], X_OK)) {
		printf("1..0 # SKIP no QEMU with the device; tests/vm/qemu.sh builds it\n");
		return 77;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	qemu = argv[1];
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		run_machine(&machines[i], &count);
	printf("1..%u\n", count);
	return 0;
}
