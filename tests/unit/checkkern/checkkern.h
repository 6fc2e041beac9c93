/* SPDX-License-Identifier: MIT */
/*
 * checkkern: every kernel of every ISA against an independent model
 *
 * A check makes a random command with its operands, computes the expected
 * output by a naive model, and runs the kernel of each ISA on a random
 * partition of the output. Operands stand in buffers of their own between
 * inaccessible pages; inputs are write-protected while a kernel runs.
 */
#ifndef CHECKKERN_H
#define CHECKKERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qk.h"

/* ---------------------------------------------------------------- random -- */

uint64_t rnd64(void);
/* In [lo, hi]. */
int64_t rnd_range(int64_t lo, int64_t hi);
/* True once in n times. */
bool rnd_once(uint32_t n);
/* One of the values given, int64_t. */
#define RND_OF(...)							\
	(((const int64_t[]){ __VA_ARGS__ })[rnd_range(0,		\
		(int64_t)(sizeof((const int64_t[]){ __VA_ARGS__ }) /	\
			  sizeof(int64_t)) - 1)])

/* Bytes of one of several characters: random, all alike, extremes mixed. */
void rnd_fill(void *p, size_t size);

/* --------------------------------------------------------------- buffers -- */

/* struct buf - size bytes at p, guarded on both sides */
struct buf {
	uint8_t *p;
	size_t size;
	uint8_t *map;
	size_t map_size;
};

/* Aligned to align exactly where it is more than 1, else to anything. */
struct buf buf_new(size_t size, size_t align);
void buf_free(struct buf *b);
/* Reports a write around the buffer. */
bool buf_intact(const struct buf *b);
/* Makes it read-only, with its contents as they are. */
void buf_seal(struct buf *b);

/* ---------------------------------------------------------------- checks -- */

/* The case that is being checked, in words: for reports of failures. */
void describe(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Reports a failure of the case. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Like qk_enumerate(), with what is built for checks alone behind. */
const struct qk_table *isa_at(unsigned int index);
/* Scratch that any of them needs. */
size_t isa_scratch_size(const union qaccel_cmd *cmd);

/*
 * The ISAs to check a function of, with a table each; NULL past the last.
 * Those whose slot is that of the ISA below are left out. slot is
 * offsetof(struct qk_table, ...), *i counts from 0.
 */
const struct qk_table *next_isa(size_t slot, unsigned int *i);
#define FOR_EACH_ISA(t, member)						\
	for (unsigned int isa_ = 0;					\
	     (t = next_isa(offsetof(struct qk_table, member), &isa_));)

/* Compares an output with what is expected and checks its surroundings. */
void expect(const struct buf *out, const uint8_t *expected);

/*
 * Calls run(arg, tile) on a random partition of rows x channels, in random
 * order. channels of 0: the operation has no channel ranges.
 */
void run_tiles(uint32_t rows, uint32_t channels,
	       void (*run)(void *arg, const struct qk_tile *tile), void *arg);

/* ---------------------------------------------------------- naive models -- */

/* scale() from its definition in docs/numerics.md, on 128-bit integers. */
int32_t naive_scale(int32_t x, int32_t multiplier, int32_t shift, int single);
int32_t naive_clamp(int64_t x, int32_t lo, int32_t hi);
/* Modulo 2^32. */
int32_t wrap(int64_t x);
/* Element i of a tensor of U8, S8, S16 or S32. */
int32_t element(const void *p, size_t i, unsigned int dtype);
size_t element_count(const struct qaccel_tensor *t);

/* A random header, with or without single rounding. */
struct qaccel_cmd_header rnd_header(unsigned int opcode, bool rounding);
struct qaccel_tensor rnd_tensor(uint32_t n, uint32_t h, uint32_t w, uint32_t c,
				unsigned int dtype);
int32_t type_min(unsigned int dtype);
int32_t type_max(unsigned int dtype);
/* The type's range, or a part of it. */
void rnd_activation(unsigned int dtype, int32_t *lo, int32_t *hi);
/* A normalised multiplier, now and then an extreme one. */
int32_t rnd_multiplier(void);

/* The functions of --func: one random case each. */
void check_conv2d(void);
void check_dwconv2d(void);
void check_add(void);
void check_mul(void);
void check_avgpool(void);
void check_maxpool(void);
void check_mean(void);
void check_pad(void);
void check_softmax(void);
void check_lut(void);
void check_requantize(void);
void check_quantize(void);
void check_dequantize(void);
void check_pack(void);
void check_cpu(void);

/* --bench, of one ISA or (NULL) of all; func NULL: all. */
void bench(const char *isa, const char *func);

#endif /* CHECKKERN_H */
