/* SPDX-License-Identifier: MIT */
/*
 * qaccel hardware interface
 *
 * The one definition of what software and the accelerator share: PCI identity,
 * registers, page tables, ring entries, result records, and the encoding of
 * every command. The kernel driver, the device model and libqaccel all include
 * this file; docs/hardware.md explains it. Changing a value here changes the
 * hardware: bump QACCEL_HW_VERSION_MINOR for additions, _MAJOR for the rest.
 *
 * All multi-byte values are little endian. Structures hold no implicit padding
 * and have the same layout for 32- and 64-bit users. Reserved fields are
 * written as zero by software and checked by the device, so that a later
 * version can give them a meaning.
 */
#ifndef _QACCEL_HW_H_
#define _QACCEL_HW_H_

#include <linux/types.h>

#define QACCEL_HW_VERSION_MAJOR		1
#define QACCEL_HW_VERSION_MINOR		0

/* ------------------------------------------------------------------ PCI -- */

#define QACCEL_PCI_VENDOR_ID		0x1af4	/* Red Hat, range for experiments */
#define QACCEL_PCI_DEVICE_ID		0x10f0
#define QACCEL_PCI_CLASS		0x1200	/* processing accelerator */
#define QACCEL_PCI_BAR_REGS		0	/* 64-bit, non-prefetchable */
#define QACCEL_PCI_BAR_MSIX		4	/* MSI-X table and PBA only */

#define QACCEL_MAX_QUEUES		32
#define QACCEL_MAX_ENGINES		16

/*
 * BAR0 map. Registers take aligned 32-bit accesses, and aligned 64-bit ones
 * (the counters, and each _LO/_HI pair). Anything else reads as zero and is
 * not written.
 */
#define QACCEL_REGS_GLOBAL		0x00000
#define QACCEL_REGS_ENGINE(e)		(0x01000 + (e) * 0x100)
#define QACCEL_REGS_QUEUE(q)		(0x04000 + (q) * 0x100)
#define QACCEL_DOORBELL(q)		(0x10000 + (q) * 0x1000)
#define QACCEL_BAR_REGS_SIZE		0x40000

/* ----------------------------------------------------- global registers -- */

#define QACCEL_REG_ID			0x000	/* RO */
#define   QACCEL_ID_MAGIC		0x43434151	/* "QACC" */
#define QACCEL_REG_VERSION		0x004	/* RO: major << 16 | minor */
#define QACCEL_REG_CAPS			0x008	/* RO */
#define   QACCEL_CAPS_QUEUES(v)		((v) & 0xff)
#define   QACCEL_CAPS_ENGINES(v)	(((v) >> 8) & 0xff)
#define   QACCEL_CAPS_VA_BITS(v)	(((v) >> 16) & 0xff)
#define QACCEL_REG_OPCODES		0x010	/* RO: bit n: opcode n is implemented (LO, HI) */
#define QACCEL_REG_LAYOUTS		0x018	/* RO: bit n: weight layout n is accepted */
#define QACCEL_REG_LAYOUT_PREFERRED	0x01c	/* RO: [7:0] convolution, [15:8] depthwise */
#define QACCEL_REG_LOCAL_MEM		0x020	/* RO: on-chip buffer of an engine, KiB */
#define QACCEL_REG_MAX_STREAM		0x024	/* RO: longest command stream, bytes */
#define QACCEL_REG_MAC_ARRAY		0x028	/* RO: timing model: rows | columns << 16 */
#define QACCEL_REG_CLOCK_KHZ		0x02c	/* RO: timing model */
#define QACCEL_REG_DMA_BYTES		0x030	/* RO: timing model: bytes per cycle */

#define QACCEL_REG_CTRL			0x040	/* RW */
#define   QACCEL_CTRL_ENABLE		(1u << 0)	/* engines take work */
#define   QACCEL_CTRL_RESET		(1u << 1)	/* write 1: reset all but PCI state; reads 0 */
#define QACCEL_REG_STATUS		0x044	/* RO */
#define   QACCEL_STATUS_RESET_BUSY	(1u << 0)	/* an engine still winds down; no DMA once clear */
#define   QACCEL_STATUS_ENABLED		(1u << 1)

/*
 * Interrupts. A completion sets bit q of IRQ_DONE, a queue error bit q of
 * IRQ_ERROR. A bit that is set and enabled sends the MSI-X message of the
 * queue's vector (done) or of vector 0 (error) when it becomes so. A message
 * is sent again only after the bit was cleared, so clear first, then look at
 * the memory: nothing is lost.
 */
#define QACCEL_REG_IRQ_DONE		0x050	/* RW1C */
#define QACCEL_REG_IRQ_ERROR		0x054	/* RW1C */
#define QACCEL_REG_IRQ_DONE_ENABLE	0x058	/* RW */
#define QACCEL_REG_IRQ_ERROR_ENABLE	0x05c	/* RW */

/*
 * Address translation cache. Write TLB_ROOT, then a command to TLB_CTRL, then
 * poll TLB_CTRL until BUSY is clear: from then on no engine uses a translation
 * (of that root, or any) that it read before the command was written, and no
 * command that did is still running. BUSY lasts at most as long as the command
 * that an engine is in.
 */
#define QACCEL_REG_TLB_ROOT_LO		0x060	/* RW */
#define QACCEL_REG_TLB_ROOT_HI		0x064	/* RW */
#define QACCEL_REG_TLB_CTRL		0x068
#define   QACCEL_TLB_INVALIDATE_ROOT	1u	/* W */
#define   QACCEL_TLB_INVALIDATE_ALL	2u	/* W */
#define   QACCEL_TLB_BUSY		(1u << 31)	/* R */

/* Counters since power-on or reset, 64 bit, RO, readable as one 64-bit access. */
#define QACCEL_REG_CNT_DOORBELLS	0x080	/* valid doorbell writes */
#define QACCEL_REG_CNT_JOBS		0x088	/* ring entries completed, well or not */
#define QACCEL_REG_CNT_COMMANDS		0x090	/* commands retired */
#define QACCEL_REG_CNT_FAULTS		0x098	/* jobs that ended with an error */
#define QACCEL_REG_CNT_IRQS		0x0a0	/* MSI-X messages sent */
#define QACCEL_REG_CNT_CYCLES		0x0a8	/* busy cycles, all engines, timing model */
#define QACCEL_REG_CNT_MACS		0x0b0
#define QACCEL_REG_CNT_BYTES_READ	0x0b8
#define QACCEL_REG_CNT_BYTES_WRITTEN	0x0c0
#define QACCEL_REG_CNT_TLB_HITS		0x0c8
#define QACCEL_REG_CNT_TLB_MISSES	0x0d0

/* ----------------------------------------------------- engine registers -- */

#define QACCEL_REG_ENGINE_STATUS	0x00	/* RO */
#define   QACCEL_ENGINE_BUSY		(1u << 0)
#define   QACCEL_ENGINE_RESET_BUSY	(1u << 1)
#define   QACCEL_ENGINE_QUEUE(v)	(((v) >> 8) & 0xff)	/* while BUSY */
#define QACCEL_REG_ENGINE_CTRL		0x04	/* WO */
/*
 * Drops the job that the engine is in: no result record, no fence, no
 * interrupt. Once RESET_BUSY is clear the engine has stopped all DMA for that
 * job. Its queues stay enabled and go on with their next entry.
 */
#define   QACCEL_ENGINE_RESET		(1u << 0)
#define QACCEL_REG_ENGINE_PROGRESS	0x08	/* RO: commands retired by this engine, wraps */
#define QACCEL_REG_ENGINE_CMD		0x0c	/* RO: index of the command it is in */
#define QACCEL_REG_ENGINE_SEQNO_LO	0x10	/* RO: seqno of the job it is in */
#define QACCEL_REG_ENGINE_SEQNO_HI	0x14

/* ------------------------------------------------------ queue registers -- */

/*
 * The addresses and RING_ORDER are writable while ENABLE is clear. Clearing
 * ENABLE stops the queue before its next entry; a job already in an engine goes
 * on (reset the engine to stop it).
 */
#define QACCEL_REG_QUEUE_CTRL		0x00	/* RW */
#define   QACCEL_QUEUE_ENABLE		(1u << 0)	/* 0 to 1: head, tail and error become 0 */
#define   QACCEL_QUEUE_ENGINE(e)	((__u32)(e) << 8)	/* served by engine e; [15:8] */
#define QACCEL_REG_QUEUE_STATUS		0x04	/* RO */
#define   QACCEL_QUEUE_ENABLED		(1u << 0)
#define   QACCEL_QUEUE_HALTED		(1u << 1)	/* takes no more entries until re-enabled */
#define   QACCEL_QUEUE_ERROR(v)		(((v) >> 8) & 0xff)	/* enum qaccel_status, why halted */
#define QACCEL_REG_QUEUE_RING_LO	0x08	/* RW: DMA address of the ring, 4 KiB aligned */
#define QACCEL_REG_QUEUE_RING_HI	0x0c
#define QACCEL_REG_QUEUE_RING_ORDER	0x10	/* RW: log2 of the entries, 1 to 12 */
#define QACCEL_REG_QUEUE_HEAD		0x14	/* RO: entries taken, free running */
#define QACCEL_REG_QUEUE_TAIL		0x18	/* RO: last doorbell value */
#define QACCEL_REG_QUEUE_RESULT_LO	0x20	/* RW: DMA address of the result records, 4 KiB aligned */
#define QACCEL_REG_QUEUE_RESULT_HI	0x24
#define QACCEL_REG_QUEUE_FENCE_LO	0x28	/* RW: DMA address of the 64-bit fence, 8-byte aligned */
#define QACCEL_REG_QUEUE_FENCE_HI	0x2c
#define QACCEL_REG_QUEUE_VECTOR		0x30	/* RW: MSI-X vector of completions; one past the table: vector 0 */
/*
 * [15:0] completions and [31:16] microseconds: a completion interrupt is sent
 * when that many completions wait for one or the oldest has waited that long,
 * whichever is first. 0 or 1 completions: each sends its own. Errors are never
 * held back.
 */
#define QACCEL_REG_QUEUE_COALESCE	0x34	/* RW */
#define   QACCEL_QUEUE_COALESCE(n, us)	((__u32)(n) | (__u32)(us) << 16)

/*
 * Doorbell: write the number of entries ever put in the ring (free running,
 * 32 bit). More than the ring holds beyond HEAD halts the queue.
 */

/* ---------------------------------------------------------- page tables -- */

/*
 * Three levels of 4 KiB tables of 512 entries over a 39-bit address space. A
 * root is the DMA address of the top table; entries hold DMA addresses. A leaf
 * at level 1 maps 2 MiB (address 2 MiB aligned), at level 2 it maps 4 KiB. The
 * permissions of the leaf alone count.
 */
#define QACCEL_VA_BITS			39
#define QACCEL_PAGE_SHIFT		12
#define QACCEL_PAGE_SIZE		(1u << QACCEL_PAGE_SHIFT)
#define QACCEL_BLOCK_SHIFT		21
#define QACCEL_BLOCK_SIZE		(1u << QACCEL_BLOCK_SHIFT)
#define QACCEL_PT_LEVELS		3
#define QACCEL_PT_ENTRIES		512
#define QACCEL_PT_SHIFT(level)		(30 - 9 * (level))	/* level 0 is the root */
#define QACCEL_PT_INDEX(va, level)	(((va) >> QACCEL_PT_SHIFT(level)) & 0x1ff)

#define QACCEL_PTE_VALID		(1ull << 0)
#define QACCEL_PTE_LEAF			(1ull << 1)
#define QACCEL_PTE_READ			(1ull << 2)	/* leaf only */
#define QACCEL_PTE_WRITE		(1ull << 3)	/* leaf only */
#define QACCEL_PTE_ADDR_MASK		0x000ffffffffff000ull
#define QACCEL_PTE_RESERVED		0xfff0000000000ff0ull	/* zero, or the entry faults */

/* ------------------------------------------------- rings and completion -- */

/**
 * enum qaccel_status - how a job, or a queue, ended
 *
 * Place new codes at the end; never reuse one.
 */
enum qaccel_status {
	QACCEL_OK = 0,
	/** A page is not mapped, or a page-table entry is malformed. */
	QACCEL_ERR_TRANSLATION = 1,
	/** The page is mapped but the access (read or write) is not allowed. */
	QACCEL_ERR_PERMISSION = 2,
	/** A virtual address is outside of the 39-bit space or not aligned as the field asks. */
	QACCEL_ERR_ADDRESS = 3,
	/** The bus refused a DMA access (bad DMA address, bus master off, IOMMU fault). */
	QACCEL_ERR_BUS = 4,
	/** Unknown opcode, or one that this device does not implement. */
	QACCEL_ERR_OPCODE = 5,
	/** A command's version is newer than the device. */
	QACCEL_ERR_VERSION = 6,
	/** A field of a command is outside of its range, or a reserved one is not zero. */
	QACCEL_ERR_FIELD = 7,
	/** The tensors of a command do not fit each other. */
	QACCEL_ERR_SHAPE = 8,
	/** The operands of a command need more than LOCAL_MEM. */
	QACCEL_ERR_LOCAL_MEM = 9,
	/** A reduction is so long that an accumulator could overflow, or a row's work that a reset waits. */
	QACCEL_ERR_REDUCTION = 10,
	/** The stream is empty, too long, not whole commands, or has no END as its last one. */
	QACCEL_ERR_STREAM = 11,
	/** A reserved field of the ring entry is not zero, or a flag is unknown. */
	QACCEL_ERR_ENTRY = 12,
	/** Queue only: a doorbell value claims more entries than the ring holds. */
	QACCEL_ERR_DOORBELL = 13,
	/** Queue only: registers of the queue hold impossible values. */
	QACCEL_ERR_QUEUE = 14,
	/** The job was dropped by a reset (never written by the device; for software's use). */
	QACCEL_ERR_ABORTED = 15,
};

/** enum qaccel_access - what a faulting access was for, a bit each */
enum qaccel_access {
	QACCEL_ACCESS_READ = 1,
	QACCEL_ACCESS_WRITE = 2,
};

/* struct qaccel_ring_entry.flags */
#define QACCEL_ENTRY_IRQ		(1u << 0)	/* completion sets IRQ_DONE */
#define QACCEL_ENTRY_PERF_JOB		(1u << 1)	/* write one qaccel_perf at perf_va */
#define QACCEL_ENTRY_PERF_CMDS		(1u << 2)	/* and one more behind it for each command */
#define QACCEL_ENTRY_FLAGS		0x7u

/** struct qaccel_ring_entry - one job, 64 bytes, read once by DMA */
struct qaccel_ring_entry {
	/** @root: DMA address of the root page table, 4 KiB aligned. */
	__u64 root;
	/** @stream_va: address of the first command, %QACCEL_CMD_SIZE aligned. */
	__u64 stream_va;
	/** @seqno: written to the result record and then to the queue's fence. */
	__u64 seqno;
	/** @perf_va: 64-byte aligned address for the PERF flags, else zero. */
	__u64 perf_va;
	/** @stream_size: bytes, a multiple of %QACCEL_CMD_SIZE. */
	__u32 stream_size;
	/** @flags: QACCEL_ENTRY_* */
	__u32 flags;
	/** @reserved: zero. */
	__u64 reserved[3];
};

/**
 * struct qaccel_result - what became of a job, 64 bytes
 *
 * Written by DMA to slot (entry index mod ring entries) of the result area,
 * before the fence.
 */
struct qaccel_result {
	/** @seqno: of the ring entry. */
	__u64 seqno;
	/** @status: enum qaccel_status. */
	__u32 status;
	/** @cmd_index: on error the index of the failing command, else how many were retired. */
	__u32 cmd_index;
	/** @fault_va: first bad address, for the address errors (1 to 4), else zero. */
	__u64 fault_va;
	/** @fault_access: enum qaccel_access, for the address errors, else zero. */
	__u32 fault_access;
	/** @engine: number of the engine that ran the job. */
	__u32 engine;
	/** @cycles: busy cycles by the timing model. */
	__u64 cycles;
	/** @macs: multiply-accumulates, padding taps included. */
	__u64 macs;
	/** @bytes_read: operand and command bytes. */
	__u64 bytes_read;
	/** @bytes_written: operand bytes. */
	__u64 bytes_written;
};

/** struct qaccel_perf - counters of a job or of one command, 64 bytes, at perf_va */
struct qaccel_perf {
	/** @cmd_index: index of the command; of a job: how many were retired. */
	__u32 cmd_index;
	/** @opcode: of the command; of a job: zero. */
	__u16 opcode;
	/** @engine: number of the engine. */
	__u16 engine;
	/** @tag: of the command; of a job: zero. */
	__u32 tag;
	/** @reserved: zero. */
	__u32 reserved;
	/** @cycles: busy cycles by the timing model. */
	__u64 cycles;
	/** @compute_cycles: cycles that the arithmetic alone takes. */
	__u64 compute_cycles;
	/** @dma_cycles: cycles that the transfers alone take. */
	__u64 dma_cycles;
	/** @macs: multiply-accumulates, padding taps included. */
	__u64 macs;
	/** @bytes_read: operand and command bytes. */
	__u64 bytes_read;
	/** @bytes_written: operand bytes. */
	__u64 bytes_written;
};

/* ------------------------------------------------------------- commands -- */

/*
 * A command stream is an array of fixed-size commands, executed in order. Each
 * one is a whole, fused layer and sees everything that the ones before it
 * wrote. The last one is END. The device copies a command once and checks the
 * copy completely before it touches an operand.
 *
 * Tensors are dense, NHWC, without padding between elements. Quantized values
 * follow r = S (q - Z) (Jacob et al. 2017, eq. 1); the scales S appear only
 * as multipliers and shifts (docs/numerics.md). The output of a command must
 * not overlap any of its inputs, except where a command says otherwise.
 */
#define QACCEL_CMD_SIZE			256
#define QACCEL_CMD_VERSION		1
#define QACCEL_MAX_STREAM		(4u << 20)	/* bytes */

/** enum qaccel_opcode - values are bit numbers in REG_OPCODES; place new ones at the end */
enum qaccel_opcode {
	QACCEL_OP_INVALID = 0,		/* so that zeroed memory is not a command */
	QACCEL_OP_END = 1,		/* struct qaccel_cmd_end */
	QACCEL_OP_CONV2D = 2,		/* struct qaccel_cmd_conv; also fully connected */
	QACCEL_OP_DWCONV2D = 3,		/* struct qaccel_cmd_conv */
	QACCEL_OP_ADD = 4,		/* struct qaccel_cmd_binary */
	QACCEL_OP_MUL = 5,		/* struct qaccel_cmd_binary */
	QACCEL_OP_AVGPOOL = 6,		/* struct qaccel_cmd_pool */
	QACCEL_OP_MAXPOOL = 7,		/* struct qaccel_cmd_pool */
	QACCEL_OP_MEAN = 8,		/* struct qaccel_cmd_mean */
	QACCEL_OP_PAD = 9,		/* struct qaccel_cmd_pad */
	QACCEL_OP_COPY = 10,		/* struct qaccel_cmd_copy */
	QACCEL_OP_LUT = 11,		/* struct qaccel_cmd_lut */
	QACCEL_OP_SOFTMAX = 12,		/* struct qaccel_cmd_softmax */
	QACCEL_OP_REQUANTIZE = 13,	/* struct qaccel_cmd_requantize */
	QACCEL_OP_QUANTIZE = 14,	/* struct qaccel_cmd_quantize, float to integer */
	QACCEL_OP_DEQUANTIZE = 15,	/* struct qaccel_cmd_quantize, integer to float */
	QACCEL_OP_COUNT
};

/** enum qaccel_dtype - element types of tensors */
enum qaccel_dtype {
	QACCEL_DTYPE_INVALID = 0,
	QACCEL_DTYPE_U8 = 1,
	QACCEL_DTYPE_S8 = 2,
	QACCEL_DTYPE_S16 = 3,
	QACCEL_DTYPE_S32 = 4,
	QACCEL_DTYPE_F32 = 5,		/* IEEE 754 binary32 */
};

/* A dimension is 1 to QACCEL_MAX_DIM, a tensor at most QACCEL_MAX_TENSOR bytes. */
#define QACCEL_MAX_DIM			(1u << 24)
#define QACCEL_MAX_TENSOR		(1u << 30)

/** struct qaccel_tensor - an operand, 32 bytes */
struct qaccel_tensor {
	/** @va: address of the first element, aligned to the element size. */
	__u64 va;
	/** @n: batch. */
	__u32 n;
	/** @h: height. */
	__u32 h;
	/** @w: width. */
	__u32 w;
	/** @c: channels, innermost. */
	__u32 c;
	/** @zero_point: Z; within the range of @dtype, zero for S32 and F32. */
	__s32 zero_point;
	/** @dtype: enum qaccel_dtype. */
	__u8 dtype;
	/** @reserved: zero. */
	__u8 reserved[3];
};

/* struct qaccel_cmd_header.flags */
/*
 * Scale with one rounding, round(x * M0 * 2^(shift - 31)) with ties up, as
 * TFLite does with TFLITE_SINGLE_ROUNDING, instead of its default, doubling
 * high multiply and rounding shift (two roundings, ties away from zero).
 */
#define QACCEL_CMD_SINGLE_ROUNDING	(1u << 0)
#define QACCEL_CMD_FLAGS		0x1u

/** struct qaccel_cmd_header - first 16 bytes of each command */
struct qaccel_cmd_header {
	/** @opcode: enum qaccel_opcode. */
	__u16 opcode;
	/** @version: %QACCEL_CMD_VERSION. */
	__u8 version;
	/** @flags: QACCEL_CMD_*; only what the opcode knows. */
	__u8 flags;
	/** @tag: software's own, shown in perf records; libqaccel puts the operator's index here. */
	__u32 tag;
	/** @reserved: zero. */
	__u64 reserved;
};

/** struct qaccel_cmd_end - ends the stream */
struct qaccel_cmd_end {
	struct qaccel_cmd_header hdr;
	__u8 reserved[240];
};

/*
 * Scaling by a real multiplier M = multiplier * 2^(shift - 31), shift in
 * [-31, 30], positive to the left: TFLite's QuantizeMultiplier(). multiplier is
 * in [0, 2^31); normalised ones, all but those of MEAN, are zero or at least
 * 2^30. docs/numerics.md defines scale() for every int32.
 */
#define QACCEL_SHIFT_MIN		(-31)
#define QACCEL_SHIFT_MAX		30

/**
 * struct qaccel_channel - per output channel of a convolution, 16 bytes
 *
 * The array holds the channels rounded up to a multiple of 16; what stands in
 * the extra records is not used but must be readable.
 */
struct qaccel_channel {
	/**
	 * @bias: b - Zx sum(w) + K Zx Zw: the layer's bias with the input's zero
	 * point folded in (eq. 7), modulo 2^32; w and Zw as packed, K and the sum
	 * over all taps of the filter, those that fall into padding included.
	 */
	__s32 bias;
	/** @multiplier: M0 of S_in S_w / S_out. */
	__s32 multiplier;
	/** @shift: of @multiplier. */
	__s32 shift;
	/**
	 * @weight_sum: sum(w) over the packed weights of this channel. Kernels
	 * that move the input to another signedness need it; with another value
	 * the results of the channel are unspecified.
	 */
	__s32 weight_sum;
};

/**
 * enum qaccel_layout - how weights are packed; bit numbers in REG_LAYOUTS
 *
 * Packed weights are always signed: uint8 weights w of a legacy model are
 * packed as w - 128, with weight_zero_point Zw - 128.
 */
enum qaccel_layout {
	QACCEL_LAYOUT_INVALID = 0,
	/**
	 * Convolution: [ceil(OC/16)][KP/4][16][4]: blocks of 16 output channels;
	 * in a block, groups of 4 consecutive k of each of the 16 channels (one
	 * dot-product operand of 64 bytes). k runs over segments, each padded
	 * with zeros to a multiple of 4; KP is the sum of the padded lengths.
	 * With dilation_w == 1 a segment is one filter row: kw * IC values in
	 * (kx, ic) order, contiguous in the input too, and there are kh of them.
	 * Otherwise a segment is one tap: IC values, kh * kw of them in (ky, kx)
	 * order. Channels past OC are zeros.
	 */
	QACCEL_LAYOUT_O16K4 = 1,
	/**
	 * Depthwise: [ceil(OC/16)][kh * kw][16]: blocks of 16 output channels; in
	 * a block, the 16 weights of each tap in (ky, kx) order. Channels past OC
	 * are zeros.
	 */
	QACCEL_LAYOUT_C16 = 2,
};

/* Weights start and blocks are aligned to this. */
#define QACCEL_WEIGHT_ALIGN		64

/*
 * Longest reduction kh * kw * IC whose int32 accumulator cannot overflow:
 * |x| <= 255 and |w| <= 128, or |x - Zx| and |w - Zw| <= 255 where the weights
 * have a zero point.
 */
#define QACCEL_MAX_K_SYMMETRIC		65793	/* 65793 * 255 * 128 < 2^31 */
#define QACCEL_MAX_K_ASYMMETRIC		33025	/* 33025 * 255 * 255 < 2^31 */

/* Largest filter, stride, dilation and padding. */
#define QACCEL_MAX_FILTER		4096
#define QACCEL_MAX_STRIDE		4096

/*
 * Most work in one output row, so that an engine gets to a point where a reset
 * can stop it: kh * kw * IC * 16 * out.w of CONV2D (a matrix product, 1x1 with
 * stride 1 and no padding, has no such limit), kh * kw * out.c * out.w of
 * DWCONV2D and the pools. More is QACCEL_ERR_REDUCTION.
 */
#define QACCEL_MAX_ROW_WORK		(1ull << 31)

/**
 * struct qaccel_cmd_conv - CONV2D, DWCONV2D
 *
 *   acc[o]  = bias[o] + sum over taps, ic of x * w - Zw * sum of x
 *   out[o]  = clamp(Zout + scale(acc[o], multiplier[o], shift[o]), act_min, act_max)
 *
 * x is the input in its own type; taps outside of it count as x = Zx. Output
 * (oy, ox) reads input row oy * stride_h - pad_top + ky * dilation_h, and
 * columns alike; there is no limit on how far the last window reaches out.
 * Accumulators wrap modulo 2^32, which valid parameters never reach.
 *
 * CONV2D: weights of OC x kh x kw x IC in %QACCEL_LAYOUT_O16K4. A fully
 * connected layer of M x K inputs is a 1x1 convolution over {1, 1, M, K}.
 * DWCONV2D: output channel o reads input channel o / depth_multiplier; OC is
 * IC * depth_multiplier; weights in %QACCEL_LAYOUT_C16.
 * in and out are U8 or S8, not necessarily the same one.
 */
struct qaccel_cmd_conv {
	struct qaccel_cmd_header hdr;
	struct qaccel_tensor in;
	struct qaccel_tensor out;
	/** @weights_va: %QACCEL_WEIGHT_ALIGN aligned. */
	__u64 weights_va;
	/** @channels_va: struct qaccel_channel array, 64-byte aligned. */
	__u64 channels_va;
	/** @weights_size: bytes; must be what @layout gives for these shapes. */
	__u32 weights_size;
	/** @weight_zero_point: Zw of the packed weights, -128 to 127. */
	__s32 weight_zero_point;
	/** @act_min: lower clamp, within the output's type. */
	__s32 act_min;
	/** @act_max: upper clamp, at least @act_min. */
	__s32 act_max;
	__u16 kh;
	__u16 kw;
	__u16 stride_h;
	__u16 stride_w;
	__u16 dilation_h;
	__u16 dilation_w;
	/** @pad_top: rows of padding above the input; below is implied by the output's height. */
	__u16 pad_top;
	/** @pad_left: columns of padding left of the input. */
	__u16 pad_left;
	/** @depth_multiplier: DWCONV2D: 1 or more; CONV2D: 1. */
	__u16 depth_multiplier;
	/** @layout: enum qaccel_layout. */
	__u8 layout;
	__u8 reserved0;
	__u32 reserved1;
	__u8 reserved[120];
};

/**
 * struct qaccel_cmd_binary - ADD, MUL
 *
 * All three tensors are of one type, U8 or S8. A dimension of an input equals
 * the output's or is 1 (broadcast). @out may be exactly @in0 or @in1 where the
 * shapes are equal.
 *
 * ADD:  s_i = scale((x_i - Z_i) << left_shift, multiplier_i, shift_i)
 *       out = clamp(Zout + scale(s_0 + s_1, out_multiplier, out_shift))
 * MUL:  out = clamp(Zout + scale((x_0 - Z_0)(x_1 - Z_1), out_multiplier, out_shift))
 *       the other multipliers, shifts and left_shift are zero.
 */
struct qaccel_cmd_binary {
	struct qaccel_cmd_header hdr;
	struct qaccel_tensor in0;
	struct qaccel_tensor in1;
	struct qaccel_tensor out;
	__s32 in0_multiplier;
	/** @in0_shift: at most 0 (the scale is at most 1). */
	__s32 in0_shift;
	__s32 in1_multiplier;
	__s32 in1_shift;
	__s32 out_multiplier;
	__s32 out_shift;
	/** @left_shift: 0 to 22; TFLite uses 20. */
	__s32 left_shift;
	__s32 act_min;
	__s32 act_max;
	__u8 reserved[108];
};

/**
 * struct qaccel_cmd_pool - AVGPOOL, MAXPOOL
 *
 * Over the window's elements that lie inside the input, at least one; the
 * average is rounded half away from zero. in and out have the same type (U8
 * or S8), zero point and channels; the result is clamped.
 */
struct qaccel_cmd_pool {
	struct qaccel_cmd_header hdr;
	struct qaccel_tensor in;
	struct qaccel_tensor out;
	__u16 kh;
	__u16 kw;
	__u16 stride_h;
	__u16 stride_w;
	__u16 pad_top;
	__u16 pad_left;
	__u32 reserved0;
	__s32 act_min;
	__s32 act_max;
	__u8 reserved[152];
};

/**
 * enum qaccel_mean_mode - how MEAN divides
 */
enum qaccel_mean_mode {
	/** out = clamp(Zout + scale(sum(x) - count * Zin, multiplier, shift)), 1/count in the multiplier. */
	QACCEL_MEAN_SCALE = 0,
	/** out = clamp(sum(x) / count), truncated; Zin == Zout, multiplier and shift are zero. */
	QACCEL_MEAN_TRUNCATE = 1,
};

/**
 * struct qaccel_cmd_mean - mean over height and width, {n,h,w,c} to {n,1,1,c}
 *
 * One type, U8 or S8. h * w is at most 2^22, so that the sum fits.
 */
struct qaccel_cmd_mean {
	struct qaccel_cmd_header hdr;
	struct qaccel_tensor in;
	struct qaccel_tensor out;
	__s32 multiplier;
	__s32 shift;
	__s32 act_min;
	__s32 act_max;
	/** @mode: enum qaccel_mean_mode. */
	__u32 mode;
	__u8 reserved[156];
};

/**
 * struct qaccel_cmd_pad - out is in with elements of @value around it
 *
 * Dimension d of out (n, h, w, c) is before[d] + dimension d of in + what is
 * left for after. Any type.
 */
struct qaccel_cmd_pad {
	struct qaccel_cmd_header hdr;
	struct qaccel_tensor in;
	struct qaccel_tensor out;
	__u32 before[4];
	/** @value: bit pattern of the element; its low bytes for small types. */
	__u32 value;
	__u8 reserved[156];
};

/**
 * struct qaccel_cmd_copy - @rows times @row_bytes bytes, with strides
 *
 * Reshape and concatenation. rows * stride is at most %QACCEL_MAX_TENSOR;
 * a stride is at least row_bytes.
 */
struct qaccel_cmd_copy {
	struct qaccel_cmd_header hdr;
	__u64 src_va;
	__u64 dst_va;
	__u32 rows;
	__u32 row_bytes;
	__u32 src_stride;
	__u32 dst_stride;
	__u8 reserved[208];
};

/**
 * struct qaccel_cmd_lut - out[i] = table[in[i]]
 *
 * in and out: U8 or S8, of one size; an S8 value indexes by its bits, so the
 * table stands in the order of the unsigned byte. @out may be exactly @in.
 */
struct qaccel_cmd_lut {
	struct qaccel_cmd_header hdr;
	struct qaccel_tensor in;
	struct qaccel_tensor out;
	/** @table_va: 256 bytes, 64-byte aligned. */
	__u64 table_va;
	__u8 reserved[168];
};

/**
 * struct qaccel_cmd_softmax - over the channels of each (n, h, w)
 *
 * TFLite's integer softmax: with d = x - max, terms of d < diff_min are zero,
 * others exp(scale(d << input_left_shift, ...)) in fixed point with 5 integer
 * bits; the output's scale is 1/256 and its zero point the type's minimum.
 * docs/numerics.md has the steps.
 */
struct qaccel_cmd_softmax {
	struct qaccel_cmd_header hdr;
	struct qaccel_tensor in;
	struct qaccel_tensor out;
	/** @multiplier: of beta * S_in * 2^26. */
	__s32 multiplier;
	/** @left_shift: its shift, 0 to 30. */
	__s32 left_shift;
	/** @diff_min: -1 to -255 or less; smaller differences count as minus infinity. */
	__s32 diff_min;
	__u8 reserved[164];
};

/**
 * struct qaccel_cmd_requantize - integer to integer of another scale
 *
 * out = clamp(Zout + scale(x - Zin, multiplier, shift), act_min, act_max).
 * U8, S8, S16 (and S32 as input) in any combination. @out may be exactly @in
 * where the element sizes are equal.
 */
struct qaccel_cmd_requantize {
	struct qaccel_cmd_header hdr;
	struct qaccel_tensor in;
	struct qaccel_tensor out;
	__s32 multiplier;
	__s32 shift;
	__s32 act_min;
	__s32 act_max;
	__u8 reserved[160];
};

/**
 * struct qaccel_cmd_quantize - QUANTIZE (F32 to U8, S8, S16), DEQUANTIZE (back)
 *
 * QUANTIZE:   out = clamp(Zout + roundf(x / scale)); halves away from zero,
 *             NaN gives Zout, infinities the end of the range.
 * DEQUANTIZE: out = scale * (x - Zin), in binary32.
 */
struct qaccel_cmd_quantize {
	struct qaccel_cmd_header hdr;
	struct qaccel_tensor in;
	struct qaccel_tensor out;
	/** @scale: bit pattern of a positive, finite, normal binary32. */
	__u32 scale;
	__u8 reserved[172];
};

/** union qaccel_cmd - any command */
union qaccel_cmd {
	struct qaccel_cmd_header hdr;
	struct qaccel_cmd_end end;
	struct qaccel_cmd_conv conv;
	struct qaccel_cmd_binary binary;
	struct qaccel_cmd_pool pool;
	struct qaccel_cmd_mean mean;
	struct qaccel_cmd_pad pad;
	struct qaccel_cmd_copy copy;
	struct qaccel_cmd_lut lut;
	struct qaccel_cmd_softmax softmax;
	struct qaccel_cmd_requantize requantize;
	struct qaccel_cmd_quantize quantize;
	__u8 bytes[QACCEL_CMD_SIZE];
};

#endif /* _QACCEL_HW_H_ */
