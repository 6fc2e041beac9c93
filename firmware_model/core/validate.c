// SPDX-License-Identifier: MIT
/*
 * The complete check of a command
 *
 * Works on a copy that nobody else can change. After it, the executor and the
 * kernels trust every field. Checks go from the narrow to the wide: header,
 * fields, shapes, reductions, addresses, overlap, local memory; the first one
 * that fails names the status.
 */
#include <stddef.h>

#include "checked.h"
#include "interp_priv.h"
#include "qk.h"

#define VA_END		(UINT64_C(1) << QACCEL_VA_BITS)
#define MULTIPLIER_NORMAL	(1 << 30)

/* Most elements that MEAN sums: |sum - count * Z| < 2^22 * 2^9. */
#define MAX_MEAN	(UINT64_C(1) << 22)

/* Types as a set, for REQUIRE_TYPE(). */
#define TYPE(t)		(1u << QACCEL_DTYPE_##t)
#define TYPES_8		(TYPE(U8) | TYPE(S8))
#define TYPES_16	(TYPES_8 | TYPE(S16))
#define TYPES_32	(TYPES_16 | TYPE(S32))
#define TYPES_ALL	(TYPES_32 | TYPE(F32))

#define REQUIRE(condition, status)					\
	do {								\
		if (!(condition))					\
			return QACCEL_ERR_##status;			\
	} while (0)

#define FORWARD(call)							\
	do {								\
		enum qaccel_status status_ = (call);			\
									\
		if (status_ != QACCEL_OK)				\
			return status_;					\
	} while (0)

/* ------------------------------------------------------------- fields -- */

static bool all_zero(const void *data, size_t size)
{
	const uint8_t *byte = data;
	uint8_t bits = 0;

	for (size_t i = 0; i < size; i++)
		bits |= byte[i];
	return bits == 0;
}

#define RESERVED_ZERO(field)	all_zero(field, sizeof(field))

static bool in_range(int32_t value, int32_t low, int32_t high)
{
	return value >= low && value <= high;
}

static bool normalised(int32_t multiplier)
{
	return multiplier == 0 || multiplier >= MULTIPLIER_NORMAL;
}

static bool shift_valid(int32_t shift)
{
	return in_range(shift, QACCEL_SHIFT_MIN, QACCEL_SHIFT_MAX);
}

static bool filter_valid(uint32_t size)
{
	return size >= 1 && size <= QACCEL_MAX_FILTER;
}

static bool stride_valid(uint32_t stride)
{
	return stride >= 1 && stride <= QACCEL_MAX_STRIDE;
}

/* Values of a type; S32 and F32 have no zero point, so their range is zero. */
static void zero_point_range(uint8_t dtype, int32_t *low, int32_t *high)
{
	static const int32_t range[][2] = {
		[QACCEL_DTYPE_U8] = { 0, UINT8_MAX },
		[QACCEL_DTYPE_S8] = { INT8_MIN, INT8_MAX },
		[QACCEL_DTYPE_S16] = { INT16_MIN, INT16_MAX },
		[QACCEL_DTYPE_S32] = { 0, 0 },
		[QACCEL_DTYPE_F32] = { 0, 0 },
	};

	*low = range[dtype][0];
	*high = range[dtype][1];
}

/* A clamp of a U8, S8 or S16 output. */
static bool clamp_valid(const struct qaccel_tensor *out, int32_t min,
			int32_t max)
{
	int32_t low, high;

	zero_point_range(out->dtype, &low, &high);
	return min >= low && max <= high && min <= max;
}

static bool dim_valid(uint32_t dim)
{
	return dim >= 1 && dim <= QACCEL_MAX_DIM;
}

static enum qaccel_status check_tensor(const struct qaccel_tensor *t,
				       unsigned int types)
{
	const uint32_t dims[] = { t->n, t->h, t->w, t->c };
	uint64_t size = 1;
	int32_t low, high;

	REQUIRE(RESERVED_ZERO(t->reserved), FIELD);
	REQUIRE(t->dtype < 32 && (types & (1u << t->dtype)), FIELD);
	zero_point_range(t->dtype, &low, &high);
	REQUIRE(in_range(t->zero_point, low, high), FIELD);
	size = qaccel_dtype_size(t->dtype);
	for (unsigned int i = 0; i < 4; i++) {
		REQUIRE(dim_valid(dims[i]), FIELD);
		size *= dims[i];	/* at most 2^30 * 2^24 */
		REQUIRE(size <= QACCEL_MAX_TENSOR, FIELD);
	}
	return QACCEL_OK;
}

static bool same_shape(const struct qaccel_tensor *a,
		       const struct qaccel_tensor *b)
{
	return a->n == b->n && a->h == b->h && a->w == b->w && a->c == b->c;
}

static bool same_count(const struct qaccel_tensor *a,
		       const struct qaccel_tensor *b)
{
	return qaccel_tensor_elements(a) == qaccel_tensor_elements(b);
}

/* ------------------------------------------------------- convolutions -- */

static enum qaccel_status check_conv_fields(const struct qaccel_cmd_conv *cmd)
{
	REQUIRE(!cmd->reserved0 && !cmd->reserved1, FIELD);
	REQUIRE(RESERVED_ZERO(cmd->reserved), FIELD);
	FORWARD(check_tensor(&cmd->in, TYPES_8));
	FORWARD(check_tensor(&cmd->out, TYPES_8));
	REQUIRE(in_range(cmd->weight_zero_point, INT8_MIN, INT8_MAX), FIELD);
	REQUIRE(clamp_valid(&cmd->out, cmd->act_min, cmd->act_max), FIELD);
	REQUIRE(filter_valid(cmd->kh) && filter_valid(cmd->kw), FIELD);
	REQUIRE(stride_valid(cmd->stride_h) && stride_valid(cmd->stride_w),
		FIELD);
	REQUIRE(stride_valid(cmd->dilation_h) && stride_valid(cmd->dilation_w),
		FIELD);
	REQUIRE(cmd->pad_top <= QACCEL_MAX_FILTER &&
		cmd->pad_left <= QACCEL_MAX_FILTER, FIELD);
	return QACCEL_OK;
}

static enum qaccel_status check_conv_shape(const struct qaccel_cmd_conv *cmd)
{
	REQUIRE(cmd->in.n == cmd->out.n, SHAPE);
	if (cmd->hdr.opcode == QACCEL_OP_CONV2D) {
		REQUIRE(cmd->layout == QACCEL_LAYOUT_O16K4, FIELD);
		REQUIRE(cmd->depth_multiplier == 1, FIELD);
		return QACCEL_OK;
	}
	REQUIRE(cmd->layout == QACCEL_LAYOUT_C16, FIELD);
	REQUIRE(cmd->depth_multiplier >= 1, FIELD);
	REQUIRE((uint64_t)cmd->in.c * cmd->depth_multiplier == cmd->out.c,
		SHAPE);
	return QACCEL_OK;
}

/* k is at most 2^24, a row of channels at most 2^30. */
static enum qaccel_status check_row_work(uint64_t k,
					 const struct qaccel_tensor *out,
					 uint32_t channels)
{
	REQUIRE(k * out->w * channels <= QACCEL_MAX_ROW_WORK, REDUCTION);
	return QACCEL_OK;
}

static enum qaccel_status check_conv_k(const struct qaccel_cmd_conv *cmd)
{
	uint64_t k = (uint64_t)cmd->kh * cmd->kw;
	uint64_t limit = cmd->weight_zero_point ? QACCEL_MAX_K_ASYMMETRIC :
						  QACCEL_MAX_K_SYMMETRIC;

	if (cmd->hdr.opcode == QACCEL_OP_CONV2D)
		k *= cmd->in.c;		/* at most 2^48 */
	REQUIRE(k <= limit, REDUCTION);
	/* A row of CONV2D is cut by blocks of 16 channels, others not at all. */
	if (cmd->hdr.opcode == QACCEL_OP_DWCONV2D)
		return check_row_work(k, &cmd->out, cmd->out.c);
	return qk_is_pointwise(cmd) ? QACCEL_OK :
				      check_row_work(k, &cmd->out, 16);
}

static enum qaccel_status check_conv(const union qaccel_cmd *cmd)
{
	FORWARD(check_conv_fields(&cmd->conv));
	FORWARD(check_conv_shape(&cmd->conv));
	FORWARD(check_conv_k(&cmd->conv));
	REQUIRE(cmd->conv.weights_size == qk_weights_size(&cmd->conv), SHAPE);
	return QACCEL_OK;
}

/* -------------------------------------------------------- other layers -- */

static enum qaccel_status check_end(const union qaccel_cmd *cmd)
{
	REQUIRE(RESERVED_ZERO(cmd->end.reserved), FIELD);
	return QACCEL_OK;
}

static bool broadcasts(const struct qaccel_tensor *in,
		       const struct qaccel_tensor *out)
{
	return (in->n == out->n || in->n == 1) &&
	       (in->h == out->h || in->h == 1) &&
	       (in->w == out->w || in->w == 1) &&
	       (in->c == out->c || in->c == 1);
}

static enum qaccel_status check_add(const struct qaccel_cmd_binary *cmd)
{
	REQUIRE(normalised(cmd->in0_multiplier) &&
		normalised(cmd->in1_multiplier), FIELD);
	REQUIRE(in_range(cmd->in0_shift, QACCEL_SHIFT_MIN, 0) &&
		in_range(cmd->in1_shift, QACCEL_SHIFT_MIN, 0), FIELD);
	REQUIRE(in_range(cmd->left_shift, 0, 22), FIELD);
	return QACCEL_OK;
}

static enum qaccel_status check_mul(const struct qaccel_cmd_binary *cmd)
{
	REQUIRE(!cmd->in0_multiplier && !cmd->in0_shift &&
		!cmd->in1_multiplier && !cmd->in1_shift && !cmd->left_shift,
		FIELD);
	return QACCEL_OK;
}

static enum qaccel_status check_binary(const union qaccel_cmd *any)
{
	const struct qaccel_cmd_binary *cmd = &any->binary;

	REQUIRE(RESERVED_ZERO(cmd->reserved), FIELD);
	FORWARD(check_tensor(&cmd->in0, TYPES_8));
	FORWARD(check_tensor(&cmd->in1, TYPES_8));
	FORWARD(check_tensor(&cmd->out, TYPES_8));
	REQUIRE(clamp_valid(&cmd->out, cmd->act_min, cmd->act_max), FIELD);
	REQUIRE(normalised(cmd->out_multiplier) && shift_valid(cmd->out_shift),
		FIELD);
	if (cmd->hdr.opcode == QACCEL_OP_ADD)
		FORWARD(check_add(cmd));
	else
		FORWARD(check_mul(cmd));
	REQUIRE(cmd->in0.dtype == cmd->out.dtype &&
		cmd->in1.dtype == cmd->out.dtype, SHAPE);
	REQUIRE(broadcasts(&cmd->in0, &cmd->out) &&
		broadcasts(&cmd->in1, &cmd->out), SHAPE);
	return QACCEL_OK;
}

/* First and last window hold an element of the input; so do those between. */
static bool windows_touch(uint32_t in, uint32_t out, uint32_t filter,
			  uint32_t stride, uint32_t pad)
{
	return pad < filter &&
	       (uint64_t)(out - 1) * stride < (uint64_t)in + pad;
}

static enum qaccel_status check_pool_shape(const struct qaccel_cmd_pool *cmd)
{
	REQUIRE(cmd->in.n == cmd->out.n && cmd->in.c == cmd->out.c, SHAPE);
	REQUIRE(cmd->in.dtype == cmd->out.dtype &&
		cmd->in.zero_point == cmd->out.zero_point, SHAPE);
	REQUIRE(windows_touch(cmd->in.h, cmd->out.h, cmd->kh, cmd->stride_h,
			      cmd->pad_top), SHAPE);
	REQUIRE(windows_touch(cmd->in.w, cmd->out.w, cmd->kw, cmd->stride_w,
			      cmd->pad_left), SHAPE);
	return check_row_work((uint64_t)cmd->kh * cmd->kw, &cmd->out,
			      cmd->out.c);
}

static enum qaccel_status check_pool(const union qaccel_cmd *any)
{
	const struct qaccel_cmd_pool *cmd = &any->pool;

	REQUIRE(!cmd->reserved0 && RESERVED_ZERO(cmd->reserved), FIELD);
	FORWARD(check_tensor(&cmd->in, TYPES_8));
	FORWARD(check_tensor(&cmd->out, TYPES_8));
	REQUIRE(clamp_valid(&cmd->out, cmd->act_min, cmd->act_max), FIELD);
	REQUIRE(filter_valid(cmd->kh) && filter_valid(cmd->kw), FIELD);
	REQUIRE(stride_valid(cmd->stride_h) && stride_valid(cmd->stride_w),
		FIELD);
	return check_pool_shape(cmd);
}

static enum qaccel_status check_mean_mode(const struct qaccel_cmd_mean *cmd)
{
	switch (cmd->mode) {
	case QACCEL_MEAN_SCALE:
		REQUIRE(cmd->multiplier >= 0 && shift_valid(cmd->shift), FIELD);
		return QACCEL_OK;
	case QACCEL_MEAN_TRUNCATE:
		REQUIRE(!cmd->multiplier && !cmd->shift, FIELD);
		REQUIRE(cmd->in.zero_point == cmd->out.zero_point, SHAPE);
		return QACCEL_OK;
	default:
		return QACCEL_ERR_FIELD;
	}
}

static enum qaccel_status check_mean(const union qaccel_cmd *any)
{
	const struct qaccel_cmd_mean *cmd = &any->mean;

	REQUIRE(RESERVED_ZERO(cmd->reserved), FIELD);
	FORWARD(check_tensor(&cmd->in, TYPES_8));
	FORWARD(check_tensor(&cmd->out, TYPES_8));
	REQUIRE(clamp_valid(&cmd->out, cmd->act_min, cmd->act_max), FIELD);
	FORWARD(check_mean_mode(cmd));
	REQUIRE(cmd->in.dtype == cmd->out.dtype, SHAPE);
	REQUIRE(cmd->in.n == cmd->out.n && cmd->in.c == cmd->out.c, SHAPE);
	REQUIRE(cmd->out.h == 1 && cmd->out.w == 1, SHAPE);
	REQUIRE((uint64_t)cmd->in.h * cmd->in.w <= MAX_MEAN, REDUCTION);
	return QACCEL_OK;
}

static bool pads(uint32_t in, uint32_t before, uint32_t out)
{
	return (uint64_t)in + before <= out;
}

static enum qaccel_status check_pad(const union qaccel_cmd *any)
{
	const struct qaccel_cmd_pad *cmd = &any->pad;

	REQUIRE(RESERVED_ZERO(cmd->reserved), FIELD);
	FORWARD(check_tensor(&cmd->in, TYPES_ALL));
	FORWARD(check_tensor(&cmd->out, TYPES_ALL));
	REQUIRE(cmd->in.dtype == cmd->out.dtype, SHAPE);
	REQUIRE(pads(cmd->in.n, cmd->before[0], cmd->out.n) &&
		pads(cmd->in.h, cmd->before[1], cmd->out.h) &&
		pads(cmd->in.w, cmd->before[2], cmd->out.w) &&
		pads(cmd->in.c, cmd->before[3], cmd->out.c), SHAPE);
	return QACCEL_OK;
}

static bool stride_fits(uint32_t rows, uint32_t row_bytes, uint32_t stride)
{
	return stride >= row_bytes &&
	       (uint64_t)rows * stride <= QACCEL_MAX_TENSOR;
}

static enum qaccel_status check_copy(const union qaccel_cmd *any)
{
	const struct qaccel_cmd_copy *cmd = &any->copy;

	REQUIRE(RESERVED_ZERO(cmd->reserved), FIELD);
	REQUIRE(cmd->rows >= 1 && cmd->row_bytes >= 1, FIELD);
	REQUIRE(stride_fits(cmd->rows, cmd->row_bytes, cmd->src_stride), FIELD);
	REQUIRE(stride_fits(cmd->rows, cmd->row_bytes, cmd->dst_stride), FIELD);
	return QACCEL_OK;
}

static enum qaccel_status check_lut(const union qaccel_cmd *any)
{
	const struct qaccel_cmd_lut *cmd = &any->lut;

	REQUIRE(RESERVED_ZERO(cmd->reserved), FIELD);
	FORWARD(check_tensor(&cmd->in, TYPES_8));
	FORWARD(check_tensor(&cmd->out, TYPES_8));
	REQUIRE(same_count(&cmd->in, &cmd->out), SHAPE);
	return QACCEL_OK;
}

static enum qaccel_status check_softmax(const union qaccel_cmd *any)
{
	const struct qaccel_cmd_softmax *cmd = &any->softmax;
	int32_t low, high;

	REQUIRE(RESERVED_ZERO(cmd->reserved), FIELD);
	FORWARD(check_tensor(&cmd->in, TYPES_8));
	FORWARD(check_tensor(&cmd->out, TYPES_8));
	zero_point_range(cmd->out.dtype, &low, &high);
	REQUIRE(cmd->out.zero_point == low, FIELD);
	REQUIRE(normalised(cmd->multiplier), FIELD);
	REQUIRE(in_range(cmd->left_shift, 0, QACCEL_SHIFT_MAX), FIELD);
	REQUIRE(cmd->diff_min <= -1, FIELD);
	REQUIRE(same_shape(&cmd->in, &cmd->out), SHAPE);
	return QACCEL_OK;
}

static enum qaccel_status check_requantize(const union qaccel_cmd *any)
{
	const struct qaccel_cmd_requantize *cmd = &any->requantize;

	REQUIRE(RESERVED_ZERO(cmd->reserved), FIELD);
	FORWARD(check_tensor(&cmd->in, TYPES_32));
	FORWARD(check_tensor(&cmd->out, TYPES_16));
	REQUIRE(clamp_valid(&cmd->out, cmd->act_min, cmd->act_max), FIELD);
	REQUIRE(normalised(cmd->multiplier) && shift_valid(cmd->shift), FIELD);
	REQUIRE(same_count(&cmd->in, &cmd->out), SHAPE);
	return QACCEL_OK;
}

/* Sign clear, exponent neither zero nor all ones. */
static bool positive_normal(uint32_t bits)
{
	return bits >= 0x00800000 && bits < 0x7f800000;
}

static enum qaccel_status check_quantize(const union qaccel_cmd *any)
{
	const struct qaccel_cmd_quantize *cmd = &any->quantize;
	bool forward = cmd->hdr.opcode == QACCEL_OP_QUANTIZE;

	REQUIRE(RESERVED_ZERO(cmd->reserved), FIELD);
	FORWARD(check_tensor(&cmd->in, forward ? TYPE(F32) : TYPES_16));
	FORWARD(check_tensor(&cmd->out, forward ? TYPES_16 : TYPE(F32)));
	REQUIRE(positive_normal(cmd->scale), FIELD);
	REQUIRE(same_count(&cmd->in, &cmd->out), SHAPE);
	return QACCEL_OK;
}

/* ------------------------------------------------------------ opcodes -- */

static const struct opcode {
	enum qaccel_status (*check)(const union qaccel_cmd *cmd);
	uint8_t flags;		/* known to the opcode */
} opcodes[QACCEL_OP_COUNT] = {
	[QACCEL_OP_END] = { check_end, 0 },
	[QACCEL_OP_CONV2D] = { check_conv, QACCEL_CMD_SINGLE_ROUNDING },
	[QACCEL_OP_DWCONV2D] = { check_conv, QACCEL_CMD_SINGLE_ROUNDING },
	[QACCEL_OP_ADD] = { check_binary, QACCEL_CMD_SINGLE_ROUNDING },
	[QACCEL_OP_MUL] = { check_binary, QACCEL_CMD_SINGLE_ROUNDING },
	[QACCEL_OP_AVGPOOL] = { check_pool, 0 },
	[QACCEL_OP_MAXPOOL] = { check_pool, 0 },
	[QACCEL_OP_MEAN] = { check_mean, QACCEL_CMD_SINGLE_ROUNDING },
	[QACCEL_OP_PAD] = { check_pad, 0 },
	[QACCEL_OP_COPY] = { check_copy, 0 },
	[QACCEL_OP_LUT] = { check_lut, 0 },
	[QACCEL_OP_SOFTMAX] = { check_softmax, QACCEL_CMD_SINGLE_ROUNDING },
	[QACCEL_OP_REQUANTIZE] = { check_requantize,
				   QACCEL_CMD_SINGLE_ROUNDING },
	[QACCEL_OP_QUANTIZE] = { check_quantize, 0 },
	[QACCEL_OP_DEQUANTIZE] = { check_quantize, 0 },
};

static enum qaccel_status check_header(const struct qaccel_cmd_header *hdr)
{
	REQUIRE(hdr->version <= QACCEL_CMD_VERSION, VERSION);
	REQUIRE(hdr->opcode < QACCEL_OP_COUNT && opcodes[hdr->opcode].check,
		OPCODE);
	REQUIRE(hdr->version == QACCEL_CMD_VERSION, FIELD);
	REQUIRE(!(hdr->flags & ~opcodes[hdr->opcode].flags), FIELD);
	REQUIRE(!hdr->reserved, FIELD);
	return QACCEL_OK;
}

/* ---------------------------------------------------------- addresses -- */

static void operand_alignment(const union qaccel_cmd *cmd,
			      uint32_t align[QACCEL_MAX_OPERANDS])
{
	for (unsigned int i = 0; i < QACCEL_MAX_OPERANDS; i++)
		align[i] = 1;
	switch (cmd->hdr.opcode) {
	case QACCEL_OP_CONV2D:
	case QACCEL_OP_DWCONV2D:
		align[1] = align[2] = QACCEL_WEIGHT_ALIGN;
		break;
	case QACCEL_OP_LUT:
		align[1] = 64;
		break;
	case QACCEL_OP_PAD:
	case QACCEL_OP_REQUANTIZE:
	case QACCEL_OP_QUANTIZE:
	case QACCEL_OP_DEQUANTIZE:
		/* All begin with the header, in and out. */
		align[0] = qaccel_dtype_size(cmd->requantize.in.dtype);
		align[1] = qaccel_dtype_size(cmd->requantize.out.dtype);
		break;
	}
}

static enum qaccel_status address_error(struct qaccel_fault *fault, uint64_t va,
					enum qaccel_access access)
{
	fault->va = va;
	fault->access = access;
	return QACCEL_ERR_ADDRESS;
}

static enum qaccel_status check_address(const struct qaccel_operand *operand,
					uint32_t align,
					struct qaccel_fault *fault)
{
	uint64_t va = operand->va;

	if (va % align || va >= VA_END)
		return address_error(fault, va, operand->access);
	if (operand->size > VA_END - va)
		return address_error(fault, VA_END, operand->access);
	return QACCEL_OK;
}

static bool overlap(const struct qaccel_operand *a,
		    const struct qaccel_operand *b)
{
	return a->va < b->va + b->size && b->va < a->va + a->size;
}

/* Inputs that the output may exactly be, as a set of operand indices. */
static unsigned int in_place_operands(uint16_t opcode)
{
	switch (opcode) {
	case QACCEL_OP_ADD:
	case QACCEL_OP_MUL:
		return 1u << 0 | 1u << 1;
	case QACCEL_OP_LUT:
	case QACCEL_OP_REQUANTIZE:
		return 1u << 0;
	default:
		return 0;
	}
}

/* The same size: the same shape and element size, as the counts are checked. */
static bool in_place(const struct qaccel_operand *in,
		     const struct qaccel_operand *out)
{
	return in->va == out->va && in->size == out->size;
}

static enum qaccel_status check_overlap(const union qaccel_cmd *cmd,
					const struct qaccel_operand *list,
					unsigned int count)
{
	unsigned int allowed = in_place_operands(cmd->hdr.opcode);
	const struct qaccel_operand *out = &list[count - 1];

	for (unsigned int i = 0; i + 1 < count; i++) {
		if ((allowed & (1u << i)) && in_place(&list[i], out))
			continue;
		REQUIRE(!overlap(&list[i], out), SHAPE);
	}
	return QACCEL_OK;
}

static enum qaccel_status check_operands(const union qaccel_cmd *cmd,
					 uint64_t local_mem,
					 struct qaccel_fault *fault)
{
	struct qaccel_operand list[QACCEL_MAX_OPERANDS];
	uint32_t align[QACCEL_MAX_OPERANDS];
	unsigned int count = qaccel_cmd_operands(cmd, list);
	uint64_t total = 0;

	if (!count)
		return QACCEL_OK;
	operand_alignment(cmd, align);
	for (unsigned int i = 0; i < count; i++) {
		FORWARD(check_address(&list[i], align[i], fault));
		total += list[i].size;
	}
	FORWARD(check_overlap(cmd, list, count));
	REQUIRE(total <= local_mem, LOCAL_MEM);
	return QACCEL_OK;
}

/* --------------------------------------------------------------- entry -- */

static enum qaccel_status check_all(const union qaccel_cmd *cmd,
				    uint64_t local_mem,
				    struct qaccel_fault *fault)
{
	FORWARD(check_header(&cmd->hdr));
	FORWARD(opcodes[cmd->hdr.opcode].check(cmd));
	return check_operands(cmd, local_mem, fault);
}

enum qaccel_status qaccel_cmd_check(const union qaccel_cmd *cmd,
				    uint64_t local_mem,
				    struct qaccel_fault *fault)
{
	fault->va = 0;
	fault->access = 0;
	fault->status = check_all(cmd, local_mem, fault);
	return fault->status;
}

enum qaccel_status qaccel_cmd_validate(const union qaccel_cmd *cmd,
				       uint64_t local_mem)
{
	struct qaccel_fault fault;

	return qaccel_cmd_check(cmd, local_mem, &fault);
}
