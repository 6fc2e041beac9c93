/* SPDX-License-Identifier: MIT */
/*
 * qk: the integer kernels
 *
 * One prototype per operation, one table of them per instruction set. The
 * scalar reference ("ref") fills every slot and defines every result; the
 * tables of the other ISAs replace slots and must give the same bytes.
 *
 * Parameters are the hardware's own commands (qaccel_hw.h), already validated
 * by the caller: shapes fit each other, shifts and zero points are in range,
 * reductions are short enough. Their va fields are not used here: operands come
 * as host pointers beside the command. Kernels have no errors, allocate
 * nothing, and never touch a byte outside of their operands.
 *
 * All functions may be called from any number of threads at once.
 */
#ifndef QK_H
#define QK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qaccel_hw.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The part of an operation that one call does: output rows [y0, y1), counted
 * over the batch (n * out.h + oy), and for convolutions output channels
 * [c0, c1), c0 a multiple of 16, c1 one too or the number of channels.
 * Any partition of the output gives the same bytes, in any order and at any
 * time: calls share only their inputs. What a row is for operations without
 * height stands at the operation.
 */
struct qk_tile {
	uint32_t y0, y1;
	uint32_t c0, c1;
	/* A hint: the tensors are probably out of the cache. */
	bool cold;
};

/*
 * Scratch memory of a call: qk_scratch_size() bytes, 64-byte aligned, contents
 * undefined before and after, not shared between concurrent calls.
 */

/* in: n * h * w * c of in; weights and channels as the command's layout says. */
#define QK_DECL_CONV(name)						\
	void name(const struct qaccel_cmd_conv *cmd, const void *in,	\
		  const int8_t *weights,				\
		  const struct qaccel_channel *channels, void *out,	\
		  const struct qk_tile *tile, void *scratch)
typedef QK_DECL_CONV((*qk_conv_fn));

/* ADD, MUL; rows as of the output. */
#define QK_DECL_BINARY(name)						\
	void name(const struct qaccel_cmd_binary *cmd, const void *in0,	\
		  const void *in1, void *out, const struct qk_tile *tile)
typedef QK_DECL_BINARY((*qk_binary_fn));

/* AVGPOOL, MAXPOOL; rows as of the output. */
#define QK_DECL_POOL(name)						\
	void name(const struct qaccel_cmd_pool *cmd, const void *in,	\
		  void *out, const struct qk_tile *tile, void *scratch)
typedef QK_DECL_POOL((*qk_pool_fn));

/* MEAN; a row is a batch element. */
#define QK_DECL_MEAN(name)						\
	void name(const struct qaccel_cmd_mean *cmd, const void *in,	\
		  void *out, const struct qk_tile *tile, void *scratch)
typedef QK_DECL_MEAN((*qk_mean_fn));

/* PAD; rows as of the output. */
#define QK_DECL_PAD(name)						\
	void name(const struct qaccel_cmd_pad *cmd, const void *in,	\
		  void *out, const struct qk_tile *tile)
typedef QK_DECL_PAD((*qk_pad_fn));

/* SOFTMAX; a row is an (n, h) pair: w softmaxes over c. */
#define QK_DECL_SOFTMAX(name)						\
	void name(const struct qaccel_cmd_softmax *cmd, const void *in,	\
		  void *out, const struct qk_tile *tile, void *scratch)
typedef QK_DECL_SOFTMAX((*qk_softmax_fn));

/* Element by element: count elements from the given pointers, whatever their shape. */
#define QK_DECL_LUT(name)						\
	void name(const uint8_t table[256], const uint8_t *in,		\
		  uint8_t *out, size_t count)
typedef QK_DECL_LUT((*qk_lut_fn));

#define QK_DECL_REQUANTIZE(name)					\
	void name(const struct qaccel_cmd_requantize *cmd,		\
		  const void *in, void *out, size_t count)
typedef QK_DECL_REQUANTIZE((*qk_requantize_fn));

/* QUANTIZE and DEQUANTIZE, by the command's opcode. */
#define QK_DECL_QUANTIZE(name)						\
	void name(const struct qaccel_cmd_quantize *cmd, const void *in,\
		  void *out, size_t count)
typedef QK_DECL_QUANTIZE((*qk_quantize_fn));

/* struct qk_table - the functions of one ISA; no slot is NULL */
struct qk_table {
	const char *name;		/* of the ISA, as QACCEL_ISA names it */
	qk_conv_fn conv2d;		/* QACCEL_LAYOUT_O16K4 */
	qk_conv_fn dwconv2d;		/* QACCEL_LAYOUT_C16 */
	qk_binary_fn add;
	qk_binary_fn mul;
	qk_pool_fn avgpool;
	qk_pool_fn maxpool;
	qk_mean_fn mean;
	qk_pad_fn pad;
	qk_softmax_fn softmax;
	qk_lut_fn lut;
	qk_requantize_fn requantize;
	qk_quantize_fn quantize;
	qk_quantize_fn dequantize;
};

/* A matrix product: pixel i of the output reads pixel i of the input alone. */
static inline int qk_is_pointwise(const struct qaccel_cmd_conv *cmd)
{
	return cmd->kh == 1 && cmd->kw == 1 && cmd->stride_h == 1 &&
	       cmd->stride_w == 1 && !cmd->pad_top && !cmd->pad_left &&
	       cmd->in.h == cmd->out.h && cmd->in.w == cmd->out.w;
}

/*
 * The table of the best ISA that this machine has, or of the one named ("ref",
 * "avx2", ...). NULL if the name is unknown or the machine lacks it. The table
 * is constant and lives as long as the program.
 */
const struct qk_table *qk_select(const char *isa);

/* The ISAs that this machine can run, slowest ("ref") first; NULL past the last. */
const struct qk_table *qk_enumerate(unsigned int index);

/* Bytes of scratch that any of this machine's tables needs for a call on this command. */
size_t qk_scratch_size(const union qaccel_cmd *cmd);

/* ------------------------------------------------------------- packing -- */

/*
 * Length KP of one channel's packed weights in QACCEL_LAYOUT_O16K4: all
 * segments, each padded to a multiple of 4.
 */
uint64_t qk_packed_k(uint32_t kh, uint32_t kw, uint32_t ic, uint32_t dilation_w);

/*
 * Bytes of the packed weights of a convolution command, from its layout,
 * filter and channels; 0 for a layout that does not fit the opcode.
 */
uint64_t qk_weights_size(const struct qaccel_cmd_conv *cmd);

/*
 * Packs the weights of CONV2D from OHWI (OC, kh, kw, IC) and of DWCONV2D from
 * 1HWO (kh, kw, OC), TFLite's own orders. weights_unsigned: uint8 values, packed
 * as w - 128. packed holds qk_weights_size(cmd) bytes.
 */
void qk_pack_weights(const struct qaccel_cmd_conv *cmd, const void *weights,
		     int weights_unsigned, int8_t *packed);

/*
 * Fills the channel records from bias (NULL: zeros) and the packed weights:
 * folds the input's zero point as struct qaccel_channel says, and sets the
 * weight sums. multiplier and shift are copied from the arrays; step 0 repeats
 * element 0 for all channels (per tensor), 1 goes along (per channel). The
 * records past OC up to a multiple of 16 are zeroed.
 */
void qk_pack_channels(const struct qaccel_cmd_conv *cmd, const int8_t *packed,
		      const int32_t *bias, const int32_t *multiplier,
		      const int32_t *shift, unsigned int step,
		      struct qaccel_channel *channels);

#ifdef __cplusplus
}
#endif

#endif /* QK_H */
