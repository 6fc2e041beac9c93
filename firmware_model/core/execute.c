// SPDX-License-Identifier: MIT
/*
 * Runs one command: maps the operands, cuts the output into tiles, and gives
 * the tiles to the kernels.
 *
 * Tiles keep all workers busy and end soon, because a reset waits for the tile
 * that an engine is in. Where an operation works on each pixel or element alone
 * its shape does not matter, and tiles are runs of pixels or elements: the
 * kernel gets a copy of the command with the shape of the run.
 */
#include <string.h>

#include "checked.h"
#include "interp_priv.h"
#include "qk.h"

/*
 * Work of a tile, in multiply-accumulates or elements: from some microseconds to
 * a millisecond. Smaller ones read the weights more often than need be.
 */
#define TILE_WORK_MIN	(UINT64_C(1) << 17)
#define TILE_WORK_MAX	(UINT64_C(1) << 26)
/* For each worker, so that they end at about the same time. */
#define TILES_PER_WORKER	4
/* Runs of pixels are whole kernel blocks. */
#define RUN_ALIGN	64
#define CHANNEL_BLOCK	16
/*
 * Depthwise kernels do up to 64 channels and two rows at a time, and take about
 * as long for one product as others for eight.
 */
#define DEPTHWISE_BLOCKS	4
#define DEPTHWISE_ROWS		2
#define DEPTHWISE_COST		8

/* How an output of rows x blocks is cut; blocks of channels, or one. */
struct grid {
	uint64_t rows, rows_per_tile;
	uint64_t blocks, blocks_per_tile;
	uint64_t tiles_down, tiles_across;
};

struct job {
	struct qaccel_interp *interp;
	const union qaccel_cmd *cmd;
	const struct qk_table *kernels;
	struct grid grid;
	struct qaccel_operand operands[QACCEL_MAX_OPERANDS];
	uint8_t *host[QACCEL_MAX_OPERANDS];
	unsigned int count;
};

typedef void (*tile_fn)(void *job, size_t index, unsigned int worker);

/* --------------------------------------------------------------- tiles -- */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* How many tiles a command is worth, whatever its shape allows. */
static uint64_t tiles_wanted(uint64_t work, unsigned int workers)
{
	uint64_t wanted = workers > 1 ? workers * TILES_PER_WORKER : 1;

	wanted = min_u64(wanted, work / TILE_WORK_MIN);
	wanted = max_u64(wanted, qaccel_div_up(work, TILE_WORK_MAX));
	return max_u64(wanted, 1);
}

/* Rows first: a tile of all channels reads its input once. */
static struct grid make_grid(uint64_t rows, uint64_t align, uint64_t blocks,
			     uint64_t work, unsigned int workers)
{
	struct grid g = { .rows = rows, .blocks = blocks };
	uint64_t wanted = tiles_wanted(work, workers);

	g.rows_per_tile = max_u64(rows / wanted, 1);
	g.rows_per_tile = qaccel_div_up(g.rows_per_tile, align) * align;
	g.tiles_down = qaccel_div_up(rows, g.rows_per_tile);
	g.blocks_per_tile = max_u64(blocks * g.tiles_down / wanted, 1);
	g.blocks_per_tile = min_u64(g.blocks_per_tile, blocks);
	g.tiles_across = qaccel_div_up(blocks, g.blocks_per_tile);
	return g;
}

/* Rows or elements [*begin, *end) of a tile; returns its column. */
static uint64_t tile_rows(const struct grid *g, size_t index, uint64_t *begin,
			  uint64_t *end)
{
	*begin = index / g->tiles_across * g->rows_per_tile;
	*end = min_u64(*begin + g->rows_per_tile, g->rows);
	return index % g->tiles_across;
}

static struct qk_tile tile_at(const struct grid *g, size_t index,
			      uint32_t channels)
{
	uint64_t begin, end;
	uint64_t column = tile_rows(g, index, &begin, &end);
	uint64_t c0 = column * g->blocks_per_tile * CHANNEL_BLOCK;
	uint64_t c1 = c0 + g->blocks_per_tile * CHANNEL_BLOCK;
	bool last = column + 1 == g->tiles_across;
	struct qk_tile tile = {
		.y0 = (uint32_t)begin,
		.y1 = (uint32_t)end,
		.c0 = (uint32_t)c0,
		.c1 = last ? channels : (uint32_t)c1,
	};

	return tile;
}

static void *scratch_of(const struct job *job, unsigned int worker)
{
	return job->interp->scratch[worker].data;
}

static void run_tiles(struct job *job, tile_fn task)
{
	const struct qaccel_parallel *parallel = &job->interp->parallel;
	const struct grid *g = &job->grid;

	parallel->run(parallel->opaque, task, job,
		      (size_t)(g->tiles_down * g->tiles_across));
}

static bool no_memory(struct qaccel_fault *fault)
{
	fault->status = QACCEL_ERR_LOCAL_MEM;
	fault->va = 0;
	fault->access = 0;
	return false;
}

static bool get_scratch(struct job *job, const union qaccel_cmd *cmd,
			struct qaccel_fault *fault)
{
	struct qaccel_interp *interp = job->interp;
	size_t size = qk_scratch_size(cmd);

	for (unsigned int i = 0; i < interp->parallel.workers; i++)
		if (!qaccel_scratch_grow(&interp->scratch[i], size))
			return no_memory(fault);
	return true;
}

/* A shape of count pixels in a row, or of count elements. */
static void set_run(struct qaccel_tensor *t, uint64_t pixels, uint32_t channels)
{
	t->n = 1;
	t->h = 1;
	t->w = (uint32_t)pixels;
	t->c = channels;
}

/* ------------------------------------------------------- convolutions -- */

enum { CONV_IN, CONV_WEIGHTS, CONV_CHANNELS, CONV_OUT };

static qk_conv_fn conv_kernel(const struct job *job)
{
	return job->cmd->hdr.opcode == QACCEL_OP_CONV2D ?
	       job->kernels->conv2d : job->kernels->dwconv2d;
}

static void conv_tile(void *arg, size_t index, unsigned int worker)
{
	const struct job *job = arg;
	const struct qaccel_cmd_conv *cmd = &job->cmd->conv;
	struct qk_tile tile = tile_at(&job->grid, index, cmd->out.c);

	tile.cold = job->interp->cold;
	conv_kernel(job)(cmd, job->host[CONV_IN],
			 (const int8_t *)job->host[CONV_WEIGHTS],
			 (const struct qaccel_channel *)
				(const void *)job->host[CONV_CHANNELS],
			 job->host[CONV_OUT], &tile, scratch_of(job, worker));
}

/* Pixels [y0, y1) of a pointwise convolution. */
static void pointwise_tile(void *arg, size_t index, unsigned int worker)
{
	const struct job *job = arg;
	struct qaccel_cmd_conv cmd = job->cmd->conv;
	struct qk_tile tile = tile_at(&job->grid, index, cmd.out.c);
	const uint8_t *in = job->host[CONV_IN] + (size_t)tile.y0 * cmd.in.c;
	uint8_t *out = job->host[CONV_OUT] + (size_t)tile.y0 * cmd.out.c;

	set_run(&cmd.in, tile.y1 - tile.y0, cmd.in.c);
	set_run(&cmd.out, tile.y1 - tile.y0, cmd.out.c);
	tile.y0 = 0;
	tile.y1 = 1;
	tile.cold = job->interp->cold;
	conv_kernel(job)(&cmd, in, (const int8_t *)job->host[CONV_WEIGHTS],
			 (const struct qaccel_channel *)
				(const void *)job->host[CONV_CHANNELS],
			 out, &tile, scratch_of(job, worker));
}

static uint64_t conv_work(const struct qaccel_cmd_conv *cmd)
{
	uint64_t k = (uint64_t)cmd->kh * cmd->kw;

	k *= cmd->hdr.opcode == QACCEL_OP_CONV2D ? cmd->in.c : DEPTHWISE_COST;
	return qaccel_tensor_elements(&cmd->out) * k;	/* < 2^30 * 2^20 */
}

/*
 * Channels first, if there are enough: a tile of all rows prepares its weights
 * once and reads no row that another one reads.
 */
static struct grid depthwise_grid(const struct qaccel_cmd_conv *cmd,
				  unsigned int workers)
{
	uint64_t work = conv_work(cmd), wanted = tiles_wanted(work, workers);
	struct grid g = {
		.rows = (uint64_t)cmd->out.n * cmd->out.h,
		.blocks = qaccel_div_up(cmd->out.c, CHANNEL_BLOCK),
	};
	uint64_t groups = g.blocks / DEPTHWISE_BLOCKS;

	g.rows_per_tile = g.rows;
	g.blocks_per_tile = g.blocks;
	if (wanted > 1 && groups >= 2 * workers)
		g.blocks_per_tile = max_u64(groups / wanted, 1) *
				    DEPTHWISE_BLOCKS;
	else if (wanted > 1)
		g.rows_per_tile = max_u64(g.rows / wanted / DEPTHWISE_ROWS, 1) *
				  DEPTHWISE_ROWS;
	g.tiles_down = qaccel_div_up(g.rows, g.rows_per_tile);
	g.tiles_across = qaccel_div_up(g.blocks, g.blocks_per_tile);
	return g;
}

static bool run_pointwise(struct job *job, struct qaccel_fault *fault)
{
	union qaccel_cmd run = *job->cmd;
	const struct qaccel_cmd_conv *cmd = &job->cmd->conv;

	job->grid = make_grid(qaccel_tensor_pixels(&cmd->out), RUN_ALIGN,
			      qaccel_div_up(cmd->out.c, CHANNEL_BLOCK),
			      conv_work(cmd), job->interp->parallel.workers);
	set_run(&run.conv.in, min_u64(job->grid.rows, job->grid.rows_per_tile),
		cmd->in.c);
	set_run(&run.conv.out, run.conv.in.w, cmd->out.c);
	if (!get_scratch(job, &run, fault))
		return false;
	run_tiles(job, pointwise_tile);
	return true;
}

static bool run_conv(struct job *job, struct qaccel_fault *fault)
{
	const struct qaccel_cmd_conv *cmd = &job->cmd->conv;

	if (qk_is_pointwise(cmd))
		return run_pointwise(job, fault);
	if (cmd->hdr.opcode == QACCEL_OP_DWCONV2D)
		job->grid = depthwise_grid(cmd, job->interp->parallel.workers);
	else
		job->grid = make_grid((uint64_t)cmd->out.n * cmd->out.h, 1,
				      qaccel_div_up(cmd->out.c, CHANNEL_BLOCK),
				      conv_work(cmd),
				      job->interp->parallel.workers);
	if (!get_scratch(job, job->cmd, fault))
		return false;
	run_tiles(job, conv_tile);
	return true;
}

/* ---------------------------------------------------- rows of outputs -- */

static void binary_kernel(const struct job *job,
			  const struct qaccel_cmd_binary *cmd,
			  const uint8_t *in0, const uint8_t *in1, uint8_t *out,
			  const struct qk_tile *tile)
{
	if (cmd->hdr.opcode == QACCEL_OP_ADD)
		job->kernels->add(cmd, in0, in1, out, tile);
	else
		job->kernels->mul(cmd, in0, in1, out, tile);
}

static void binary_tile(void *arg, size_t index, unsigned int worker)
{
	const struct job *job = arg;
	const struct qaccel_cmd_binary *cmd = &job->cmd->binary;
	struct qk_tile tile = tile_at(&job->grid, index, cmd->out.c);

	(void)worker;
	binary_kernel(job, cmd, job->host[0], job->host[1], job->host[2],
		      &tile);
}

/* Elements of a run: the shapes are equal, so nothing is broadcast. */
static void elements_tile(void *arg, size_t index, unsigned int worker)
{
	const struct job *job = arg;
	struct qaccel_cmd_binary cmd = job->cmd->binary;
	struct qk_tile tile = { .y0 = 0, .y1 = 1 };
	uint64_t begin, end;

	(void)worker;
	tile_rows(&job->grid, index, &begin, &end);
	set_run(&cmd.in0, 1, (uint32_t)(end - begin));
	set_run(&cmd.in1, 1, (uint32_t)(end - begin));
	set_run(&cmd.out, 1, (uint32_t)(end - begin));
	tile.c1 = cmd.out.c;
	binary_kernel(job, &cmd, job->host[0] + begin, job->host[1] + begin,
		      job->host[2] + begin, &tile);
}

static bool same_size(const struct job *job, unsigned int a, unsigned int b)
{
	return job->operands[a].size == job->operands[b].size;
}

static bool run_binary(struct job *job, struct qaccel_fault *fault)
{
	const struct qaccel_tensor *out = &job->cmd->binary.out;
	uint64_t elements = qaccel_tensor_elements(out);
	unsigned int workers = job->interp->parallel.workers;

	(void)fault;
	if (same_size(job, 0, 2) && same_size(job, 1, 2)) {
		job->grid = make_grid(elements, RUN_ALIGN, 1, elements,
				      workers);
		run_tiles(job, elements_tile);
		return true;
	}
	job->grid = make_grid((uint64_t)out->n * out->h, 1, 1, elements,
			      workers);
	run_tiles(job, binary_tile);
	return true;
}

static void pool_tile(void *arg, size_t index, unsigned int worker)
{
	const struct job *job = arg;
	const struct qaccel_cmd_pool *cmd = &job->cmd->pool;
	struct qk_tile tile = tile_at(&job->grid, index, cmd->out.c);
	qk_pool_fn kernel = cmd->hdr.opcode == QACCEL_OP_AVGPOOL ?
			    job->kernels->avgpool : job->kernels->maxpool;

	kernel(cmd, job->host[0], job->host[1], &tile,
	       scratch_of(job, worker));
}

static bool run_pool(struct job *job, struct qaccel_fault *fault)
{
	const struct qaccel_cmd_pool *cmd = &job->cmd->pool;
	uint64_t taps = (uint64_t)cmd->kh * cmd->kw;
	uint64_t work = qaccel_tensor_elements(&cmd->out) * taps; /* < 2^54 */

	job->grid = make_grid((uint64_t)cmd->out.n * cmd->out.h, 1, 1, work,
			      job->interp->parallel.workers);
	if (!get_scratch(job, job->cmd, fault))
		return false;
	run_tiles(job, pool_tile);
	return true;
}

static void mean_tile(void *arg, size_t index, unsigned int worker)
{
	const struct job *job = arg;
	const struct qaccel_cmd_mean *cmd = &job->cmd->mean;
	struct qk_tile tile = tile_at(&job->grid, index, cmd->out.c);

	job->kernels->mean(cmd, job->host[0], job->host[1], &tile,
			   scratch_of(job, worker));
}

static bool run_mean(struct job *job, struct qaccel_fault *fault)
{
	const struct qaccel_cmd_mean *cmd = &job->cmd->mean;

	job->grid = make_grid(cmd->out.n, 1, 1,
			      qaccel_tensor_elements(&cmd->in),
			      job->interp->parallel.workers);
	if (!get_scratch(job, job->cmd, fault))
		return false;
	run_tiles(job, mean_tile);
	return true;
}

static void pad_tile(void *arg, size_t index, unsigned int worker)
{
	const struct job *job = arg;
	const struct qaccel_cmd_pad *cmd = &job->cmd->pad;
	struct qk_tile tile = tile_at(&job->grid, index, cmd->out.c);

	(void)worker;
	job->kernels->pad(cmd, job->host[0], job->host[1], &tile);
}

static bool run_pad(struct job *job, struct qaccel_fault *fault)
{
	const struct qaccel_tensor *out = &job->cmd->pad.out;

	(void)fault;
	job->grid = make_grid((uint64_t)out->n * out->h, 1, 1,
			      qaccel_tensor_elements(out),
			      job->interp->parallel.workers);
	run_tiles(job, pad_tile);
	return true;
}

/* ------------------------------------------------ runs of an operation -- */

static void softmax_tile(void *arg, size_t index, unsigned int worker)
{
	const struct job *job = arg;
	struct qaccel_cmd_softmax cmd = job->cmd->softmax;
	struct qk_tile tile = { .y0 = 0, .y1 = 1, .c1 = cmd.out.c };
	uint64_t begin, end;

	tile_rows(&job->grid, index, &begin, &end);
	set_run(&cmd.in, end - begin, cmd.in.c);
	set_run(&cmd.out, end - begin, cmd.out.c);
	job->kernels->softmax(&cmd, job->host[0] + begin * cmd.in.c,
			      job->host[1] + begin * cmd.out.c, &tile,
			      scratch_of(job, worker));
}

static bool run_softmax(struct job *job, struct qaccel_fault *fault)
{
	union qaccel_cmd run = *job->cmd;
	struct qaccel_cmd_softmax *cmd = &run.softmax;

	/* Two exponentials for each element. */
	job->grid = make_grid(qaccel_tensor_pixels(&cmd->in), 1, 1,
			      qaccel_tensor_elements(&cmd->in) * 32,
			      job->interp->parallel.workers);
	set_run(&cmd->in, job->grid.rows_per_tile, cmd->in.c);
	set_run(&cmd->out, job->grid.rows_per_tile, cmd->out.c);
	if (!get_scratch(job, &run, fault))
		return false;
	run_tiles(job, softmax_tile);
	return true;
}

static void lut_tile(void *arg, size_t index, unsigned int worker)
{
	const struct job *job = arg;
	uint64_t begin, end;

	(void)worker;
	tile_rows(&job->grid, index, &begin, &end);
	job->kernels->lut(job->host[1], job->host[0] + begin,
			  job->host[2] + begin, end - begin);
}

static void convert_tile(void *arg, size_t index, unsigned int worker)
{
	const struct job *job = arg;
	const union qaccel_cmd *cmd = job->cmd;
	uint64_t begin, end;
	const uint8_t *in;
	uint8_t *out;

	(void)worker;
	tile_rows(&job->grid, index, &begin, &end);
	/* REQUANTIZE and QUANTIZE have their tensors at the same place. */
	in = job->host[0] + begin * qaccel_dtype_size(cmd->quantize.in.dtype);
	out = job->host[1] + begin * qaccel_dtype_size(cmd->quantize.out.dtype);
	if (cmd->hdr.opcode == QACCEL_OP_REQUANTIZE)
		job->kernels->requantize(&cmd->requantize, in, out,
					 end - begin);
	else if (cmd->hdr.opcode == QACCEL_OP_QUANTIZE)
		job->kernels->quantize(&cmd->quantize, in, out, end - begin);
	else
		job->kernels->dequantize(&cmd->quantize, in, out, end - begin);
}

static bool run_elements(struct job *job, const struct qaccel_tensor *out,
			 tile_fn task)
{
	uint64_t elements = qaccel_tensor_elements(out);

	job->grid = make_grid(elements, RUN_ALIGN, 1, elements,
			      job->interp->parallel.workers);
	run_tiles(job, task);
	return true;
}

static bool run_lut(struct job *job, struct qaccel_fault *fault)
{
	(void)fault;
	return run_elements(job, &job->cmd->lut.out, lut_tile);
}

static bool run_convert(struct job *job, struct qaccel_fault *fault)
{
	(void)fault;
	return run_elements(job, &job->cmd->quantize.out, convert_tile);
}

/* ---------------------------------------------------------------- copy -- */

/* Without gaps on either side: one run of bytes. */
static bool copy_dense(const struct qaccel_cmd_copy *cmd)
{
	return cmd->rows == 1 || (cmd->src_stride == cmd->row_bytes &&
				  cmd->dst_stride == cmd->row_bytes);
}

static void copy_run(void *arg, size_t index, unsigned int worker)
{
	const struct job *job = arg;
	uint64_t begin, end;

	(void)worker;
	tile_rows(&job->grid, index, &begin, &end);
	memcpy(job->host[1] + begin, job->host[0] + begin, end - begin);
}

static void copy_tile(void *arg, size_t index, unsigned int worker)
{
	const struct job *job = arg;
	const struct qaccel_cmd_copy *cmd = &job->cmd->copy;
	uint64_t begin, end;

	(void)worker;
	tile_rows(&job->grid, index, &begin, &end);
	for (uint64_t row = begin; row < end; row++)
		memcpy(job->host[1] + row * cmd->dst_stride,
		       job->host[0] + row * cmd->src_stride, cmd->row_bytes);
}

/* Row by row, where the whole destination is not one span of host memory. */
static bool copy_rows(struct job *job, struct qaccel_fault *fault)
{
	const struct qaccel_interp_config *config = &job->interp->config;
	const struct qaccel_cmd_copy *cmd = &job->cmd->copy;

	for (uint32_t row = 0; row < cmd->rows; row++) {
		void *src, *dst;

		if (!config->mem->map(config->mem_opaque, cmd->src_va +
				      (uint64_t)row * cmd->src_stride,
				      cmd->row_bytes, QACCEL_ACCESS_READ, &src,
				      fault) ||
		    !config->mem->map(config->mem_opaque, cmd->dst_va +
				      (uint64_t)row * cmd->dst_stride,
				      cmd->row_bytes, QACCEL_ACCESS_WRITE,
				      &dst, fault))
			return false;
		memcpy(dst, src, cmd->row_bytes);
		if (!config->mem->release(config->mem_opaque, true, fault))
			return false;
	}
	return true;
}

static bool run_copy(struct job *job, struct qaccel_fault *fault)
{
	const struct qaccel_interp_config *config = &job->interp->config;
	const struct qaccel_cmd_copy *cmd = &job->cmd->copy;
	uint64_t bytes = (uint64_t)cmd->rows * cmd->row_bytes;
	bool dense = copy_dense(cmd);

	if (!job->host[1])
		return config->mem->release(config->mem_opaque, true, fault) &&
		       copy_rows(job, fault);
	job->grid = make_grid(dense ? bytes : cmd->rows, 1, 1, bytes,
			      job->interp->parallel.workers);
	run_tiles(job, dense ? copy_run : copy_tile);
	return true;
}

/* ------------------------------------------------------------ operands -- */

/* The gaps of a strided destination belong to somebody else. */
static unsigned int map_access(const struct job *job, unsigned int i)
{
	const struct qaccel_cmd_copy *cmd = &job->cmd->copy;

	if (cmd->hdr.opcode == QACCEL_OP_COPY && i == 1 &&
	    cmd->rows > 1 && cmd->dst_stride != cmd->row_bytes)
		return QACCEL_ACCESS_READ | QACCEL_ACCESS_WRITE;
	return job->operands[i].access;
}

static bool map_operands(struct job *job, struct qaccel_fault *fault)
{
	const struct qaccel_interp_config *config = &job->interp->config;

	job->count = qaccel_cmd_operands(job->cmd, job->operands);
	for (unsigned int i = 0; i < job->count; i++) {
		void *host;

		if (!config->mem->map(config->mem_opaque, job->operands[i].va,
				      job->operands[i].size,
				      map_access(job, i), &host, fault))
			return false;
		job->host[i] = host;
	}
	return true;
}

static bool run_mapped(struct job *job, struct qaccel_fault *fault)
{
	switch (job->cmd->hdr.opcode) {
	case QACCEL_OP_CONV2D:
	case QACCEL_OP_DWCONV2D:
		return run_conv(job, fault);
	case QACCEL_OP_ADD:
	case QACCEL_OP_MUL:
		return run_binary(job, fault);
	case QACCEL_OP_AVGPOOL:
	case QACCEL_OP_MAXPOOL:
		return run_pool(job, fault);
	case QACCEL_OP_MEAN:
		return run_mean(job, fault);
	case QACCEL_OP_PAD:
		return run_pad(job, fault);
	case QACCEL_OP_COPY:
		return run_copy(job, fault);
	case QACCEL_OP_LUT:
		return run_lut(job, fault);
	case QACCEL_OP_SOFTMAX:
		return run_softmax(job, fault);
	case QACCEL_OP_REQUANTIZE:
	case QACCEL_OP_QUANTIZE:
	case QACCEL_OP_DEQUANTIZE:
		return run_convert(job, fault);
	default:
		return true;	/* END */
	}
}

bool qaccel_cmd_execute(struct qaccel_interp *interp,
			const union qaccel_cmd *cmd,
			struct qaccel_fault *fault)
{
	const struct qaccel_interp_config *config = &interp->config;
	struct job job = {
		.interp = interp,
		.cmd = cmd,
		.kernels = config->kernels,
	};
	struct qaccel_fault ignored;

	if (map_operands(&job, fault) && run_mapped(&job, fault))
		return config->mem->release(config->mem_opaque, true, fault);
	config->mem->release(config->mem_opaque, false, &ignored);
	return false;
}
