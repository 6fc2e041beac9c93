/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "checkkern.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)		((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n)	((void)(p), (void)(n))
#endif

static const struct func {
	const char *name;
	void (*check)(void);
	unsigned int cases;		/* random cases in a normal run */
} funcs[] = {
	{ "cpu", check_cpu, 1 },
	{ "pack", check_pack, 200 },
	{ "conv2d", check_conv2d, 2000 },
	{ "dwconv2d", check_dwconv2d, 2000 },
	{ "add", check_add, 800 },
	{ "mul", check_mul, 800 },
	{ "avgpool", check_avgpool, 800 },
	{ "maxpool", check_maxpool, 800 },
	{ "mean", check_mean, 800 },
	{ "pad", check_pad, 500 },
	{ "softmax", check_softmax, 500 },
	{ "lut", check_lut, 100 },
	{ "requantize", check_requantize, 800 },
	{ "quantize", check_quantize, 500 },
	{ "dequantize", check_dequantize, 500 },
};

#define FUNC_COUNT	(sizeof(funcs) / sizeof(funcs[0]))

/* What is being checked, for reports. */
static struct {
	const char *func, *isa, *only_isa;
	uint64_t seed;
	unsigned int index, failures, runs;
	char text[1024];
} now = { .isa = "none" };

/* ---------------------------------------------------------------- random -- */

static uint64_t state;

/* splitmix64 */
uint64_t rnd64(void)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

int64_t rnd_range(int64_t lo, int64_t hi)
{
	return lo + (int64_t)(rnd64() % (uint64_t)(hi - lo + 1));
}

bool rnd_once(uint32_t n)
{
	return rnd64() % n == 0;
}

/* The extremes of both signednesses are 0x00, 0x7f, 0x80 and 0xff. */
void rnd_fill(void *p, size_t size)
{
	static const uint8_t extremes[] = { 0x00, 0x7f, 0x80, 0xff };
	unsigned int mode = (unsigned int)rnd_range(0, 7);
	uint8_t alike = extremes[rnd64() & 3];
	uint8_t *bytes = p;

	if (mode < 4)
		mode = 7;	/* mostly random */
	for (size_t i = 0; i < size; i++) {
		if (mode < 6)
			bytes[i] = alike;
		else if (mode == 6)
			bytes[i] = extremes[rnd64() & 3];
		else
			bytes[i] = (uint8_t)rnd64();
	}
}

/* --------------------------------------------------------------- buffers -- */

#define CANARY	0xc5

void fail(const char *format, ...)
{
	va_list args;

	now.failures++;
	printf("FAIL %s %s, case %u, seed %" PRIu64 ": ", now.func, now.isa,
	       now.index, now.seed);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n     %s\n", now.text);
}

/*
 * Between two inaccessible pages, at the end of the space for most buffers, so
 * that a read just past the end faults, or else at its begin.
 */
struct buf buf_new(size_t size, size_t align)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t space = (size + align - 1) / page * page + page;
	struct buf b = { .size = size, .map_size = space + 2 * page };
	size_t at;

	b.map = mmap(NULL, b.map_size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b.map == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	memset(b.map + page, CANARY, space);
	mprotect(b.map, page, PROT_NONE);
	mprotect(b.map + page + space, page, PROT_NONE);
	at = rnd_once(4) ? 0 : (space - size) / align * align;
	b.p = b.map + page + at;
	ASAN_POISON_MEMORY_REGION(b.map + page, at);
	ASAN_POISON_MEMORY_REGION(b.p + size, space - at - size);
	return b;
}

void buf_free(struct buf *b)
{
	ASAN_UNPOISON_MEMORY_REGION(b->map, b->map_size);
	munmap(b->map, b->map_size);
}

void buf_seal(struct buf *b)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	mprotect(b->map + page, b->map_size - 2 * page, PROT_READ);
}

__attribute__((no_sanitize("address")))
static bool all_canary(const uint8_t *p, const uint8_t *end)
{
	const volatile uint8_t *v = p;

	for (; v < end; v++)
		if (*v != CANARY)
			return false;
	return true;
}

bool buf_intact(const struct buf *b)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return all_canary(b->map + page, b->p) &&
	       all_canary(b->p + b->size, b->map + b->map_size - page);
}

/* ---------------------------------------------------------------- checks -- */

void describe(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(now.text, sizeof(now.text), format, args);
	va_end(args);
}

/* Function pointers of one slot, compared as bytes whatever their type. */
static bool same_slot(const struct qk_table *a, const struct qk_table *b,
		      size_t slot)
{
	return !memcmp((const char *)a + slot, (const char *)b + slot,
		       sizeof(void (*)(void)));
}

const struct qk_table *next_isa(size_t slot, unsigned int *i)
{
	const struct qk_table *t;

	while ((t = isa_at(*i))) {
		unsigned int at = (*i)++;

		if (at && same_slot(t, isa_at(at - 1), slot))
			continue;
		if (now.only_isa && strcmp(now.only_isa, t->name))
			continue;
		now.isa = t->name;
		now.runs++;
		return t;
	}
	now.isa = "none";
	return NULL;
}

void expect(const struct buf *out, const uint8_t *expected)
{
	if (!buf_intact(out))
		fail("wrote outside of the output");
	for (size_t i = 0; i < out->size; i++) {
		if (out->p[i] == expected[i])
			continue;
		fail("byte %zu of %zu is %u, expected %u", i, out->size,
		     out->p[i], expected[i]);
		return;
	}
}

/* Cuts [0, n) at random multiples of step; at most 8 parts. */
static unsigned int cut(uint32_t n, uint32_t step, uint32_t edges[9])
{
	unsigned int parts = 0;

	edges[0] = 0;
	while (edges[parts] < n) {
		uint32_t left = (n - edges[parts] + step - 1) / step;
		uint32_t take = parts == 7 || rnd_once(2) ? left :
				(uint32_t)rnd_range(1, left);
		uint64_t end = edges[parts] + (uint64_t)take * step;

		edges[++parts] = end > n ? n : (uint32_t)end;
	}
	return parts;
}

void run_tiles(uint32_t rows, uint32_t channels,
	       void (*run)(void *arg, const struct qk_tile *tile), void *arg)
{
	uint32_t y[9], c[9] = { 0 };
	unsigned int ny = cut(rows, 1, y);
	unsigned int nc = channels ? cut(channels, 16, c) : 1;
	unsigned int parts = ny * nc;
	unsigned int order[64];

	for (unsigned int i = 0; i < parts; i++) {
		unsigned int j = (unsigned int)rnd_range(0, i);

		order[i] = order[j];
		order[j] = i;
	}
	for (unsigned int i = 0; i < parts; i++) {
		unsigned int iy = order[i] / nc, ic = order[i] % nc;
		struct qk_tile tile = {
			.y0 = y[iy], .y1 = y[iy + 1],
			.c0 = c[ic], .c1 = c[ic + 1],
		};

		run(arg, &tile);
	}
}

/* ---------------------------------------------------------- naive models -- */

int32_t wrap(int64_t x)
{
	return (int32_t)(uint32_t)(uint64_t)x;
}

static __int128 floor_div(__int128 a, __int128 b)
{
	__int128 q = a / b;

	return a % b && (a < 0) != (b < 0) ? q - 1 : q;
}

int32_t naive_scale(int32_t x, int32_t multiplier, int32_t shift, int single)
{
	const __int128 one = 1;
	__int128 high, twice;
	int right = shift > 0 ? 0 : -shift;

	if (single)
		return wrap((int64_t)floor_div(
			(__int128)x * multiplier + (one << (30 - shift)),
			one << (31 - shift)));
	if (shift > 0)
		x = wrap((int64_t)((__int128)x * (one << shift)));
	/* ties towards +inf */
	high = floor_div((__int128)x * multiplier + (one << 30), one << 31);
	/* ties away from zero: round the absolute value half up */
	twice = 2 * (high < 0 ? -high : high) + (one << right);
	twice = floor_div(twice, one << (right + 1));
	return (int32_t)(high < 0 ? -twice : twice);
}

int32_t naive_clamp(int64_t x, int32_t lo, int32_t hi)
{
	return (int32_t)(x < lo ? lo : x > hi ? hi : x);
}

int32_t element(const void *p, size_t i, unsigned int dtype)
{
	const uint8_t *bytes = p;
	int16_t s16;
	int32_t s32;

	switch (dtype) {
	case QACCEL_DTYPE_U8:
		return bytes[i];
	case QACCEL_DTYPE_S8:
		return (int8_t)bytes[i];
	case QACCEL_DTYPE_S16:
		memcpy(&s16, bytes + 2 * i, 2);
		return s16;
	default:
		memcpy(&s32, bytes + 4 * i, 4);
		return s32;
	}
}

size_t element_count(const struct qaccel_tensor *t)
{
	return (size_t)t->n * t->h * t->w * t->c;
}

int32_t type_min(unsigned int dtype)
{
	return dtype == QACCEL_DTYPE_U8 ? 0 :
	       dtype == QACCEL_DTYPE_S8 ? -128 : -32768;
}

int32_t type_max(unsigned int dtype)
{
	return dtype == QACCEL_DTYPE_U8 ? 255 :
	       dtype == QACCEL_DTYPE_S8 ? 127 : 32767;
}

struct qaccel_cmd_header rnd_header(unsigned int opcode, bool rounding)
{
	struct qaccel_cmd_header hdr = {
		.opcode = (uint16_t)opcode,
		.version = QACCEL_CMD_VERSION,
		.flags = rounding && rnd_once(4) ? QACCEL_CMD_SINGLE_ROUNDING
						 : 0,
	};

	return hdr;
}

struct qaccel_tensor rnd_tensor(uint32_t n, uint32_t h, uint32_t w, uint32_t c,
				unsigned int dtype)
{
	struct qaccel_tensor t = {
		.n = n, .h = h, .w = w, .c = c, .dtype = (uint8_t)dtype,
	};

	if (dtype == QACCEL_DTYPE_S32 || dtype == QACCEL_DTYPE_F32)
		return t;
	t.zero_point = (int32_t)(rnd_once(4) ? type_min(dtype) :
				 rnd_once(4) ? type_max(dtype) :
				 rnd_range(type_min(dtype), type_max(dtype)));
	return t;
}

void rnd_activation(unsigned int dtype, int32_t *lo, int32_t *hi)
{
	*lo = type_min(dtype);
	*hi = type_max(dtype);
	if (rnd_once(2))
		return;
	*lo = (int32_t)rnd_range(*lo, *hi);
	*hi = (int32_t)rnd_range(*lo, *hi);
}

int32_t rnd_multiplier(void)
{
	switch (rnd_range(0, 15)) {
	case 0:
		return 0;
	case 1:
		return INT32_MAX;
	case 2:
	case 3:
		return 1 << 30;		/* ties are frequent */
	default:
		return (int32_t)rnd_range(1 << 30, INT32_MAX);
	}
}

/* ------------------------------------------------------------------ main -- */

/*
 * A fault in a kernel names itself. snprintf() is not made for handlers, but
 * kernels call nothing that it could meet halfway.
 */
static void on_signal(int number)
{
	char text[1400];
	int n = snprintf(text, sizeof(text),
			 "FAIL %s %s, case %u, seed %" PRIu64
			 ": signal %d\n     %s\n",
			 now.func, now.isa, now.index, now.seed, number,
			 now.text);

	if (n > 0 && write(STDOUT_FILENO, text, (size_t)n) < 0)
		_exit(2);
	_exit(1);
}

static void check(const struct func *f, unsigned int factor)
{
	unsigned int failures = now.failures;

	now.func = f->name;
	now.runs = 0;
	for (unsigned int i = 0; i < f->cases * factor; i++) {
		/* Each case by itself can be found again by its number. */
		state = now.seed + i * UINT64_C(0xd1342543de82ef95);
		now.index = i;
		now.text[0] = '\0';
		f->check();
		if (now.failures > failures + 5)
			break;
	}
	printf("%-4s %-11s %u runs\n",
	       now.failures == failures ? "ok" : "FAIL", f->name, now.runs);
	fflush(stdout);
}

static int usage(void)
{
	printf("usage: checkkern [--isa NAME] [--func NAME] [--seed N] "
	       "[--factor N] [--bench]\n"
	       "  --isa NAME   check or time this ISA only\n"
	       "  --func NAME  check or time this function only\n"
	       "  --seed N     repeat a run\n"
	       "  --factor N   N times as many cases\n"
	       "  --bench      time instead of check\n"
	       "ISAs here:");
	for (unsigned int i = 0; isa_at(i); i++)
		printf(" %s", isa_at(i)->name);
	printf("\nfunctions:");
	for (size_t i = 0; i < FUNC_COUNT; i++)
		printf(" %s", funcs[i].name);
	printf("\n");
	return 2;
}

static const char *func_name;
static unsigned int factor = 1;
static bool benchmark;

static bool parse(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *value = argv[i + 1];

		if (!strcmp(argv[i], "--bench")) {
			benchmark = true;
			continue;
		}
		if (!value)
			return false;
		if (!strcmp(argv[i], "--isa"))
			now.only_isa = value;
		else if (!strcmp(argv[i], "--func"))
			func_name = value;
		else if (!strcmp(argv[i], "--seed"))
			now.seed = strtoull(value, NULL, 0);
		else if (!strcmp(argv[i], "--factor"))
			factor = (unsigned int)strtoul(value, NULL, 0);
		else
			return false;
		i++;
	}
	for (unsigned int i = 0; now.only_isa && isa_at(i); i++)
		if (!strcmp(now.only_isa, isa_at(i)->name))
			return true;
	return !now.only_isa;
}

int main(int argc, char **argv)
{
	bool found = false;

	if (getrandom(&now.seed, sizeof(now.seed), 0) < 0)
		perror("getrandom");
	if (!parse(argc, argv))
		return usage();
	if (benchmark) {
		bench(now.only_isa, func_name);
		return 0;
	}
	signal(SIGSEGV, on_signal);
	signal(SIGBUS, on_signal);
	signal(SIGILL, on_signal);
	signal(SIGFPE, on_signal);
	printf("seed %" PRIu64 "\n", now.seed);
	for (size_t i = 0; i < FUNC_COUNT; i++) {
		if (func_name && strcmp(func_name, funcs[i].name))
			continue;
		found = true;
		check(&funcs[i], factor);
	}
	if (!found)
		return usage();
	return now.failures ? 1 : 0;
}
