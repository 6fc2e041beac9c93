/* SPDX-License-Identifier: MIT */
#include "cpu.h"

#define LEAF1_ECX_OSXSAVE	(1u << 27)
#define LEAF1_ECX_AVX		(1u << 28)
#define LEAF7_EBX_AVX2		(1u << 5)
#define XCR0_SSE		(1u << 1)
#define XCR0_YMM		(1u << 2)

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

/* By opcode bytes: the intrinsic needs -mxsave. */
static uint64_t read_xcr0(void)
{
	uint32_t lo, hi;

	__asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(lo), "=d"(hi)
			 : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

void qk_cpuid_read(struct qk_cpuid *id)
{
	uint32_t eax, ebx, ecx, edx;

	*id = (struct qk_cpuid){ 0 };
	id->max_leaf = (uint32_t)__get_cpuid_max(0, 0);
	if (id->max_leaf < 1)
		return;
	__cpuid(1, eax, ebx, ecx, edx);
	id->leaf1_ecx = ecx;
	if (ecx & LEAF1_ECX_OSXSAVE)
		id->xcr0 = read_xcr0();
	if (id->max_leaf < 7)
		return;
	__cpuid_count(7, 0, eax, ebx, ecx, edx);
	id->leaf7_ebx = ebx;
}
#else
void qk_cpuid_read(struct qk_cpuid *id)
{
	*id = (struct qk_cpuid){ 0 };
}
#endif

static int os_saves_ymm(const struct qk_cpuid *id)
{
	const uint64_t needed = XCR0_SSE | XCR0_YMM;

	return (id->leaf1_ecx & LEAF1_ECX_OSXSAVE) &&
	       (id->xcr0 & needed) == needed;
}

static int has_avx2(const struct qk_cpuid *id)
{
	return id->max_leaf >= 7 && (id->leaf1_ecx & LEAF1_ECX_AVX) &&
	       (id->leaf7_ebx & LEAF7_EBX_AVX2);
}

unsigned int qk_cpu_flags(const struct qk_cpuid *id)
{
	unsigned int flags = 0;

	if (!os_saves_ymm(id))
		return flags;
	if (has_avx2(id))
		flags |= QK_CPU_AVX2;
	return flags;
}
