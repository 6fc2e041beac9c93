// SPDX-License-Identifier: MIT
#include "convtile_avx512vnni.h"

/* Tile sizes must be constants where registers are given out. */
#define ALWAYS_INLINE	inline __attribute__((always_inline))

/* Bytes in a cache line. */
#define LINE		64u
/* Pixels from the one that is computed to the one whose line is fetched. */
#define OUTPUT_AHEAD	24u
#define MAX_PIXELS	8u
/* Groups of 4 before a batch is finished, at most: products to mix with. */
#define STEPS_BESIDE	8u
/* Steps in a window beside which lines are fetched one by one, at least. */
#define MIN_STEPS	32u
/* Otherwise lines at a time. */
#define BURST		8u

/*
 * Values too close to call are rare; their batches are collected. Between two
 * looks at how many there are come at most 15: two halves and the rest, of 3
 * blocks.
 */
#define MAX_LATE	32u
#define LATE_ENOUGH	8u

/* struct late - a batch that single precision cannot decide */
struct late {
	__m512i acc[QK_GROUP_BLOCKS];
	uint8_t *out[4];
	uint32_t pixels;
};

/* struct call - what the loops share */
struct call {
	const struct qk_convgroup *group;
	const struct qk_convpixels *px;
	const __m512i *init;
	struct qk_ahead *ahead;
	__m512i flip;			/* of input that is read in place */
	bool adjacent;			/* a batch is 64 bytes in a row */
	bool half_block;		/* 8 channels in the last one, not 16 */
	uint32_t late_count;
	struct late late[MAX_LATE];
};

void qk_convgroup_init(struct qk_convgroup *g, const struct qk_finish *finish,
		       const int8_t *weights, size_t block_bytes,
		       const struct qaccel_channel *channels, uint32_t c0,
		       uint32_t c1)
{
	const struct qaccel_cmd_conv *cmd = finish->cmd;
	uint8_t flip = cmd->out.dtype == QACCEL_DTYPE_U8 ? 0x80 : 0;

	g->finish = finish;
	g->count = c1 - c0 < QK_GROUP ? c1 - c0 : QK_GROUP;
	g->blocks = (g->count + QK_BLOCK - 1) / QK_BLOCK;
	g->weights = weights + c0 / QK_BLOCK * block_bytes;
	g->block_bytes = block_bytes;
	g->bounds = (struct qk_bounds){ .fast = true };
	for (uint32_t b = 0; b < g->blocks; b++) {
		struct qk_records r = qk_records_load(channels + c0 +
						      b * QK_BLOCK);

		qk_lanes_set(&g->lanes[b], &g->bounds, finish, &r);
	}
	for (uint32_t b = g->blocks; b < QK_GROUP_BLOCKS; b++)
		g->lanes[b] = g->lanes[g->blocks == 3 ? 2 : b % g->blocks];
	g->addend = qk_addend(finish);
	/* Without a bit to test all is close. */
	g->fraction = _mm512_set1_epi32(g->bounds.fast ? QK_NOT_CLOSE : 0);
	g->least = _mm512_set1_epi8((char)(cmd->act_min - flip));
	g->most = _mm512_set1_epi8((char)(cmd->act_max - flip));
	g->flip = _mm512_set1_epi8((char)flip);
}

/* ------------------------------------------------------------ epilogue -- */

/* The integer parts, 32 words in order. */
static inline __m512i high_words(__m512i u0, __m512i u1)
{
	const __m512i odd = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49,
					     47, 45, 43, 41, 39, 37, 35, 33,
					     31, 29, 27, 25, 23, 21, 19, 17,
					     15, 13, 11, 9, 7, 5, 3, 1);

	return _mm512_permutex2var_epi16(u0, odd, u1);
}

/* Words, packed by 128 bits, to bytes in order. */
static inline __m512i clamp(const struct qk_convgroup *g, __m512i lo,
			    __m512i hi)
{
	const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
	__m512i v = _mm512_packs_epi16(lo, hi);

	v = _mm512_min_epi8(_mm512_max_epi8(v, g->least), g->most);
	return _mm512_permutexvar_epi64(order, _mm512_xor_si512(v, g->flip));
}

/* Pixels that are finished together, n blocks of channels each. */
static ALWAYS_INLINE uint32_t batch_pixels(const uint32_t n)
{
	return n == 1 ? 4 : n == 2 ? 2 : 1;
}

/* The last block of a pixel. */
static ALWAYS_INLINE void store_block(__m128i v, uint8_t *out, bool half_block)
{
	if (half_block)
		_mm_storel_epi64((__m128i *)(void *)out, v);
	else
		_mm_storeu_si128((__m128i *)(void *)out, v);
}

/* A pixel of one or two blocks. */
static ALWAYS_INLINE void store_pixel(__m256i v, uint8_t *out, bool half_block,
				      const uint32_t n)
{
	if (n == 2 && !half_block) {
		_mm256_storeu_si256((__m256i *)(void *)out, v);
		return;
	}
	if (n == 2)
		_mm_storeu_si128((__m128i *)(void *)out,
				 _mm256_castsi256_si128(v));
	store_block(n == 2 ? _mm256_extracti128_si256(v, 1) :
			     _mm256_castsi256_si128(v),
		    out + (n - 1) * QK_BLOCK, half_block);
}

/* A pixel of three or four blocks. */
static ALWAYS_INLINE void store_wide(__m512i v, uint8_t *out, bool half_block,
				     const uint32_t n)
{
	if (n == 4 && !half_block) {
		_mm512_storeu_si512(out, v);
		return;
	}
	_mm256_storeu_si256((__m256i *)(void *)out, _mm512_castsi512_si256(v));
	if (n == 4)
		_mm_storeu_si128((__m128i *)(void *)(out + 2 * QK_BLOCK),
				 _mm512_extracti32x4_epi32(v, 2));
	store_block(n == 4 ? _mm512_extracti32x4_epi32(v, 3) :
			     _mm512_extracti32x4_epi32(v, 2),
		    out + (n - 1) * QK_BLOCK, half_block);
}

/* 64 results of that many pixels. */
static ALWAYS_INLINE void store(const struct call *c, __m512i v,
				uint8_t *const out[4], uint32_t pixels,
				const uint32_t n)
{
	bool half_block = c->half_block;

	if (n > 2) {
		store_wide(v, out[0], half_block, n);
	} else if (c->adjacent && pixels == batch_pixels(n)) {
		_mm512_storeu_si512(out[0], v);
	} else if (n == 2) {
		store_pixel(_mm512_castsi512_si256(v), out[0], half_block, 2);
		if (pixels > 1)
			store_pixel(_mm512_extracti64x4_epi64(v, 1), out[1],
				    half_block, 2);
	} else {
		store_block(_mm512_castsi512_si128(v), out[0], half_block);
		if (pixels > 1)
			store_block(_mm512_extracti32x4_epi32(v, 1), out[1],
				    half_block);
		if (pixels > 2)
			store_block(_mm512_extracti32x4_epi32(v, 2), out[2],
				    half_block);
		if (pixels > 3)
			store_block(_mm512_extracti32x4_epi32(v, 3), out[3],
				    half_block);
	}
}

/* Once more, in integers. */
static __attribute__((noinline)) void finish_late(struct call *c)
{
	const struct qk_convgroup *g = c->group;
	__m512i flip = _mm512_and_si512(g->flip, _mm512_set1_epi32(0xff));

	for (uint32_t i = 0; i < c->late_count; i++) {
		const struct late *late = &c->late[i];
		__m512i v[QK_GROUP_BLOCKS];

		for (uint32_t b = 0; b < 4; b++) {
			v[b] = qk_finish_exact(late->acc[b], &g->lanes[b],
					       &g->bounds, g->finish);
			v[b] = _mm512_slli_epi32(_mm512_sub_epi32(v[b], flip),
						 16);
		}
		v[0] = clamp(g, high_words(v[0], v[1]), high_words(v[2], v[3]));
		if (g->blocks == 1)
			store(c, v[0], late->out, late->pixels, 1);
		else if (g->blocks == 2)
			store(c, v[0], late->out, late->pixels, 2);
		else if (g->blocks == 3)
			store(c, v[0], late->out, late->pixels, 3);
		else
			store(c, v[0], late->out, late->pixels, 4);
	}
	c->late_count = 0;
}

/* --------------------------------------------------------- micro-kernel -- */

static ALWAYS_INLINE __m512i broadcast4(const uint8_t *p)
{
	int32_t word;

	memcpy(&word, p, 4);
	return _mm512_set1_epi32(word);
}

/* struct half - accumulators of some pixels; registers, once it is inlined */
struct half {
	__m512i acc[MAX_PIXELS][QK_GROUP_BLOCKS];
	const uint8_t *p[MAX_PIXELS];
	uint32_t first;			/* pixel */
};

/* struct place - in the windows, in the weights and in what is fetched */
struct place {
	const int8_t *w;
	const int32_t *step;
	uintptr_t fetch;
	size_t fetch_step;		/* bytes to the next line, or 0 */
};

/*
 * Is a line fetched with each step? Where there are so many of them that it is not
 * in the way, and more to do than to load.
 */
static ALWAYS_INLINE bool fetches_beside(const uint32_t m, const uint32_t n)
{
	return m > 2 && n > 2;
}

/* The next group of 4 values of each window; flip: of the input's sign. */
static ALWAYS_INLINE void step(struct half *h, struct place *at, size_t block,
			       const __m512i *flip, const bool fetch,
			       const uint32_t m, const uint32_t n)
{
	ptrdiff_t offset = *at->step++;
	__m512i w[QK_GROUP_BLOCKS];

#pragma GCC unroll 4
	for (uint32_t b = 0; b < n; b++) {
		w[b] = _mm512_loadu_si512(at->w + b * block);
		/* Into a register: a load beside each product is too much. */
		if (m > 1)
			__asm__("" : "+v"(w[b]));
	}
	at->w += 64;
	if (fetch) {
		_mm_prefetch((const void *)at->fetch, _MM_HINT_T1);
		at->fetch += at->fetch_step;
	}
#pragma GCC unroll 8
	for (uint32_t i = 0; i < m; i++) {
		__m512i x = broadcast4(h->p[i] + offset);

		if (flip)
			x = _mm512_xor_si512(x, *flip);
#pragma GCC unroll 4
		for (uint32_t b = 0; b < n; b++)
			h->acc[i][b] = _mm512_dpbusd_epi32(h->acc[i][b], x,
							   w[b]);
	}
}

static ALWAYS_INLINE void steps(struct half *h, struct place *at, size_t block,
				uint32_t count, const __m512i *flip,
				const bool fetch, const uint32_t m,
				const uint32_t n)
{
	for (const int32_t *end = at->step + count; at->step != end;)
		step(h, at, block, flip, fetch, m, n);
}

static ALWAYS_INLINE void go_to(struct place *at, const struct call *c,
				uint32_t run)
{
	uint32_t first = c->px->runs[run].first;

	at->w = c->group->weights + (size_t)first * 64;
	at->step = c->px->step + first;
}

/* The next lines, if there are so many; returns their bytes. */
static ALWAYS_INLINE size_t take(struct qk_ahead *a, uint32_t lines)
{
	size_t size = (size_t)lines * LINE;

	size = size < a->left ? size : a->left;
	if (size)
		a->at += size;
	a->left -= size;
	return size;
}

/* What so many lines are taken from; a line that is there when all are. */
static ALWAYS_INLINE void fetch_from(struct place *at, struct qk_ahead *a,
				     uint32_t lines)
{
	uintptr_t from = (uintptr_t)a->at;
	bool some = take(a, lines) != 0;

	at->fetch = some ? from : (uintptr_t)at->w;
	at->fetch_step = some ? LINE : 0;
}

/* Where accumulators begin. */
static ALWAYS_INLINE void begin(struct half *h, const struct call *c,
				uint32_t first, const uint32_t m,
				const uint32_t n)
{
	const struct qk_convpixels *px = c->px;

	h->first = first;
#pragma GCC unroll 8
	for (uint32_t i = 0; i < m; i++)
		h->p[i] = px->base + px->offset[first + i];
#pragma GCC unroll 8
	for (uint32_t i = 0; i < m; i++)
#pragma GCC unroll 4
		for (uint32_t b = 0; b < n; b++)
			h->acc[i][b] = c->init[b];
	if (!px->correction)
		return;
#pragma GCC unroll 8
	for (uint32_t i = 0; i < m; i++)
#pragma GCC unroll 4
		for (uint32_t b = 0; b < n; b++)
			h->acc[i][b] = _mm512_add_epi32(h->acc[i][b],
				_mm512_set1_epi32(px->correction[first + i]));
}

/* A batch of results, the one at pixel i of the half. */
static ALWAYS_INLINE void finish(const struct half *h, struct call *c,
				 const uint32_t i, const uint32_t m,
				 const uint32_t n)
{
	const uint32_t pixels = m - i < batch_pixels(n) ? m - i :
				batch_pixels(n);
	const struct qk_convgroup *g = c->group;
	__m512i acc[QK_GROUP_BLOCKS], u[QK_GROUP_BLOCKS], lowest, v;
	uint8_t *out[4];

	/* Where nothing is left, something that does no harm. */
#pragma GCC unroll 4
	for (uint32_t b = 0; b < 4; b++)
		acc[b] = b < pixels * n ? h->acc[i + b / n][b % n] :
					  h->acc[i][n - 1];
#pragma GCC unroll 4
	for (uint32_t j = 0; j < pixels; j++) {
		uint32_t at = h->first + i + j;

		out[j] = c->px->out + c->px->pixel * (c->px->index ?
						      c->px->index[at] : at);
	}
#pragma GCC unroll 4
	for (uint32_t b = 0; b < 4; b++)
		u[b] = qk_scale_units(acc[b], &g->lanes[b], g->addend, false);
	lowest = _mm512_min_epu16(_mm512_min_epu16(u[0], u[1]),
				  _mm512_min_epu16(u[2], u[3]));
	v = clamp(g, high_words(u[0], u[1]), high_words(u[2], u[3]));
	store(c, v, out, pixels, n);
	if (__builtin_expect(_mm512_testn_epi32_mask(lowest, g->fraction), 0)) {
		struct late *late = &c->late[c->late_count++];

#pragma GCC unroll 4
		for (uint32_t b = 0; b < 4; b++)
			late->acc[b] = acc[b];
		for (uint32_t j = 0; j < pixels; j++)
			late->out[j] = out[j];
		late->pixels = pixels;
	}
}

/* The products of a half, beside which another half is finished, if any. */
static ALWAYS_INLINE void advance(struct half *h, const struct half *other,
				  struct call *c, uint32_t first,
				  const bool flipped, const uint32_t m,
				  const uint32_t n)
{
	const __m512i *flip = flipped ? &c->flip : NULL;
	const uint32_t batches = (m + batch_pixels(n) - 1) / batch_pixels(n);
	const struct qk_convrun *runs = c->px->runs;
	const bool fetch = fetches_beside(m, n);
	size_t block = c->group->block_bytes;
	uint32_t left = runs->end - runs->first;
	struct place at;

	go_to(&at, c, 0);
	begin(h, c, first, m, n);
	if (other) {
		uint32_t between = left / batches;

		between = between < STEPS_BESIDE ? between : STEPS_BESIDE;
#pragma GCC unroll 8
		for (uint32_t i = 0; i < m; i += batch_pixels(n)) {
			steps(h, &at, block, between, flip, false, m, n);
			finish(other, c, i, m, n);
		}
		left -= batches * between;
	}
	fetch_from(&at, c->ahead, fetch ? left : 0);
	steps(h, &at, block, left, flip, fetch, m, n);
	for (uint32_t r = 1; r < c->px->run_count; r++) {
		go_to(&at, c, r);
		steps(h, &at, block, runs[r].end - runs[r].first, flip, fetch,
		      m, n);
	}
}

static ALWAYS_INLINE void finish_all(const struct half *h, struct call *c,
				     const uint32_t m, const uint32_t n)
{
#pragma GCC unroll 8
	for (uint32_t i = 0; i < m; i += batch_pixels(n))
		finish(h, c, i, m, n);
}

/* The same before few steps, in one go. */
static ALWAYS_INLINE void fetch_lines(struct qk_ahead *a, uint32_t lines)
{
	const char *from = (const char *)a->at;
	size_t size = take(a, lines);

	for (size_t i = 0; i < size; i += LINE)
		_mm_prefetch(from + i, _MM_HINT_T1);
}

/* Lines that are stored to soon, or the stores would wait for them. */
static ALWAYS_INLINE void fetch_output(const struct qk_convpixels *px,
				       uint32_t first, uint32_t m)
{
	const uint8_t *out = px->out + first * px->pixel;

	/* Pixels that are not neighbours have long windows, and time. */
	if (px->index ||
	    (size_t)(px->out_end - out) < (OUTPUT_AHEAD + m) * px->pixel)
		return;
	for (uint32_t i = 0; i < m; i++)
		__builtin_prefetch(out + (OUTPUT_AHEAD + i) * px->pixel, 1);
}

/*
 * Times m pixels by n blocks, both constant where it is inlined; an even number
 * of times. Returns how many pixels that were.
 */
static ALWAYS_INLINE uint32_t run_halves(struct call *c, const bool flipped,
					 const uint32_t m, const uint32_t n)
{
	uint32_t end = c->px->count / (2 * m) * (2 * m), i = 0;
	uint32_t steps = c->px->runs->end - c->px->runs->first;
	uint32_t burst = n <= 2 || steps < MIN_STEPS ? BURST : 0;
	struct half a, b;

	/* Weights for a single pixel come slower than they are used: better 7. */
	if (n == 4 && end && c->px->count - end == 1)
		end -= 2 * m;
	if (!end)
		return 0;
	advance(&a, NULL, c, 0, flipped, m, n);
	for (;;) {
		if (burst)
			fetch_lines(c->ahead, burst);
		fetch_output(c->px, i, 2 * m);
		advance(&b, &a, c, i + m, flipped, m, n);
		i += 2 * m;
		if (i == end)
			break;
		advance(&a, &b, c, i, flipped, m, n);
		if (__builtin_expect(c->late_count > LATE_ENOUGH, 0))
			finish_late(c);
	}
	finish_all(&b, c, m, n);
	return end;
}

/* The next m pixels, if that many are left. */
static ALWAYS_INLINE uint32_t run_rest(struct call *c, uint32_t first,
				       const uint32_t m, const uint32_t n)
{
	struct half h;

	if (c->px->count - first < m)
		return first;
	advance(&h, NULL, c, first, true, m, n);
	finish_all(&h, c, m, n);
	return first + m;
}

static uint32_t rest_1(struct call *c, uint32_t i)
{
	i = run_rest(c, i, 8, 1);
	i = run_rest(c, i, 4, 1);
	i = run_rest(c, i, 2, 1);
	return run_rest(c, i, 1, 1);
}

static uint32_t rest_2(struct call *c, uint32_t i)
{
	i = run_rest(c, i, 6, 2);
	i = run_rest(c, i, 4, 2);
	i = run_rest(c, i, 2, 2);
	return run_rest(c, i, 1, 2);
}

static uint32_t rest_3(struct call *c, uint32_t i)
{
	i = run_rest(c, i, 4, 3);
	i = run_rest(c, i, 2, 3);
	return run_rest(c, i, 1, 3);
}

static uint32_t rest_4(struct call *c, uint32_t i)
{
	if (c->px->count - i < 7)
		i = run_rest(c, i, 5, 4);
	i = run_rest(c, i, 4, 4);
	i = run_rest(c, i, 3, 4);
	i = run_rest(c, i, 2, 4);
	return run_rest(c, i, 1, 4);
}

#define RUN(n, m)							\
	static void run_##n(struct call *c)				\
	{								\
		rest_##n(c, run_halves(c, false, m, n));		\
	}								\
	static void run_flipped_##n(struct call *c)			\
	{								\
		rest_##n(c, run_halves(c, true, m, n));			\
	}

/* The pixels of a half: with weights and input, 13 to 29 of 32 registers. */
RUN(1, 8)
RUN(2, 6)
RUN(3, 4)
RUN(4, 3)

void qk_conv_pixels(const struct qk_convgroup *group,
		    const struct qk_convpixels *pixels,
		    const __m512i init[QK_GROUP_BLOCKS],
		    struct qk_ahead *ahead)
{
	static void (*const run[2][QK_GROUP_BLOCKS])(struct call *) = {
		{ run_1, run_2, run_3, run_4 },
		{ run_flipped_1, run_flipped_2, run_flipped_3, run_flipped_4 },
	};
	struct call c;

	/* One by one, for the list of late ones is large. */
	c.group = group;
	c.px = pixels;
	c.init = init;
	c.ahead = ahead;
	c.flip = _mm512_set1_epi8((char)pixels->flip);
	c.half_block = group->count % QK_BLOCK != 0;
	c.adjacent = !pixels->index && !c.half_block &&
		     pixels->pixel == group->count;
	c.late_count = 0;
	run[pixels->flip != 0][group->blocks - 1](&c);
	finish_late(&c);
}
