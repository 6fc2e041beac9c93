// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#ifdef __x86_64__
#define ROUNDS 100000L

/* Twelve chains hide the latency of each. */
#define TWELVE(I) I(0) I(1) I(2) I(3) I(4) I(5) I(6) I(7) I(8) I(9) I(10) I(11)
#define LOOP(I)								\
	do {								\
		long n = ROUNDS;					\
									\
		__asm__ volatile("1:\n" TWELVE(I) "dec %0\njnz 1b\nvzeroupper" \
				 : "+r"(n) : : "cc", "xmm0", "xmm1", "xmm2", \
				 "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
				 "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
				 "xmm14");				\
	} while (0)
#define DPBUSD(i) "vpdpbusd %%zmm12, %%zmm13, %%zmm" #i "\n"
#define DPBUSD_VEX(i) "%{vex%} vpdpbusd %%ymm12, %%ymm13, %%ymm" #i "\n"
/* Exact without VNNI: operands widened to 16 bits. */
#define MADDWD(i)							\
	"vpmaddwd %%ymm12, %%ymm13, %%ymm14\n"				\
	"vpaddd %%ymm14, %%ymm" #i ", %%ymm" #i "\n"

const char *peak_isa(void)
{
	return __builtin_cpu_supports("avx512vnni") ? "avx512vnni" : "avx2";
}

static int run_dpbusd(void *arg)
{
	(void)arg;
	LOOP(DPBUSD);
	return 0;
}

static int run_dpbusd_vex(void *arg)
{
	(void)arg;
	LOOP(DPBUSD_VEX);
	return 0;
}

static int run_maddwd(void *arg)
{
	(void)arg;
	LOOP(MADDWD);
	return 0;
}

/* 64 or 32 bytes of each operand, or 16 words. */
double peak_macs(const char *isa)
{
	int (*run)(void *arg) = run_maddwd;
	int lanes = 16;

	if (!strcmp(isa, "avx512vnni")) {
		run = run_dpbusd;
		lanes = 64;
	} else if (!strcmp(isa, "avxvnni")) {
		run = run_dpbusd_vex;
		lanes = 32;
	}
	return 12.0 * ROUNDS * lanes / time_run(run, NULL, 1, 0.1);
}
#else
const char *peak_isa(void)
{
	return "";
}

double peak_macs(const char *isa)
{
	(void)isa;
	return 0;
}
#endif

/* struct area - what is read */
struct area {
	uint64_t *words;
	size_t count;
	volatile uint64_t sum;
};

#ifdef __x86_64__
__attribute__((target("avx2")))
#endif
static int read_area(void *arg)
{
	typedef uint64_t vector __attribute__((vector_size(32), aligned(8)));
	struct area *area = arg;
	vector sums[8] = { 0 };

	for (size_t i = 0; i + 32 <= area->count; i += 32) {
#pragma GCC unroll 8
		for (size_t j = 0; j < 8; j++)
			sums[j] += *(const vector *)(area->words + i + 4 * j);
	}
#pragma GCC unroll 8
	for (size_t j = 1; j < 8; j++)
		sums[0] += sums[j];
	area->sum = sums[0][0] + sums[0][1] + sums[0][2] + sums[0][3];
	return 0;
}

double peak_read(size_t size)
{
	struct area area = { malloc(size), size / sizeof(uint64_t), 0 };
	double seconds = 0;

	if (area.words) {
		memset(area.words, 1, size);
		seconds = time_run(read_area, &area, 1, 0.3);
	}
	free(area.words);
	return seconds > 0 ? (double)size / seconds : 0;
}
