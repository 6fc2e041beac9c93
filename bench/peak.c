// SPDX-License-Identifier: MIT
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
/* Exact without VNNI: operands widened to 16 bits. */
#define MADDWD(i)							\
	"vpmaddwd %%ymm12, %%ymm13, %%ymm14\n"				\
	"vpaddd %%ymm14, %%ymm" #i ", %%ymm" #i "\n"

static int run_dpbusd(void *arg)
{
	(void)arg;
	LOOP(DPBUSD);
	return 0;
}

static int run_maddwd(void *arg)
{
	(void)arg;
	LOOP(MADDWD);
	return 0;
}

double peak_macs(const char *isa)
{
	bool vnni = !strcmp(isa, "avx512vnni");
	double seconds = time_run(vnni ? run_dpbusd : run_maddwd, NULL, 1, 0.1);

	/* 64 bytes of each operand, or 16 words. */
	return 12.0 * ROUNDS * (vnni ? 64 : 16) / seconds;
}
#else
double peak_macs(const char *isa)
{
	(void)isa;
	return 0;
}
#endif
