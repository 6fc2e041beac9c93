/* SPDX-License-Identifier: MIT */
/*
 * What the machine can run. A flag is set when the processor has the
 * instructions *and* the operating system saves the registers they use.
 */
#ifndef QK_CPU_H
#define QK_CPU_H

#include <stdint.h>

/* AVX2 and FMA. */
#define QK_CPU_AVX2		(1u << 0)
/* AVX512 F, BW, DQ, VL and VNNI: what all processors with VNNI have. */
#define QK_CPU_AVX512VNNI	(1u << 1)
#define QK_CPU_AVXVNNI		(1u << 5)	/* VEX encoded */
#define QK_CPU_NEON		(1u << 2)	/* ARMv8-A */
#define QK_CPU_DOTPROD		(1u << 3)	/* signed and unsigned */
#define QK_CPU_I8MM		(1u << 4)

/* struct qk_cpuid - the words that the decision depends on; tests make them up */
struct qk_cpuid {
	uint32_t max_leaf;
	uint32_t leaf1_ecx;
	uint32_t leaf7_ebx;
	uint32_t leaf7_ecx;
	uint32_t leaf7_1_eax;	/* of the second part of leaf 7 */
	uint64_t xcr0;		/* 0 where XGETBV cannot be used */
	uint64_t hwcap, hwcap2;	/* of AArch64's auxiliary vector */
};

/* Of this machine; what its architecture does not have is zero. */
void qk_cpuid_read(struct qk_cpuid *id);

/* QK_CPU_* */
unsigned int qk_cpu_flags(const struct qk_cpuid *id);

#endif /* QK_CPU_H */
