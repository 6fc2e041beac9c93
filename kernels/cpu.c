/* SPDX-License-Identifier: MIT */
#include "cpu.h"

#define LEAF1_ECX_FMA		(1u << 12)
#define LEAF1_ECX_OSXSAVE	(1u << 27)
#define LEAF1_ECX_AVX		(1u << 28)
#define LEAF7_EBX_AVX2		(1u << 5)
#define LEAF7_EBX_AVX512F	(1u << 16)
#define LEAF7_EBX_AVX512DQ	(1u << 17)
#define LEAF7_EBX_AVX512BW	(1u << 30)
#define LEAF7_EBX_AVX512VL	(1u << 31)
#define LEAF7_ECX_AVX512VNNI	(1u << 11)
#define LEAF7_1_EAX_AVXVNNI	(1u << 4)
#define XCR0_SSE		(1u << 1)
#define XCR0_YMM		(1u << 2)
#define XCR0_OPMASK		(1u << 5)
#define XCR0_ZMM_HIGH		(1u << 6)
#define XCR0_ZMM16_31		(1u << 7)
#define ARM_HWCAP_ASIMD		(1u << 1)
#define ARM_HWCAP_ASIMDDP	(1u << 20)
#define ARM_HWCAP2_I8MM		(1u << 13)

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
	id->leaf7_ecx = ecx;
	/* EAX counts the parts behind the first. */
	if (eax < 1)
		return;
	__cpuid_count(7, 1, eax, ebx, ecx, edx);
	id->leaf7_1_eax = eax;
}
#elif defined(__aarch64__)
#include <sys/auxv.h>

void qk_cpuid_read(struct qk_cpuid *id)
{
	*id = (struct qk_cpuid){
		.hwcap = getauxval(AT_HWCAP),
		.hwcap2 = getauxval(AT_HWCAP2),
	};
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
	const uint32_t needed = LEAF1_ECX_AVX | LEAF1_ECX_FMA;

	return id->max_leaf >= 7 && (id->leaf1_ecx & needed) == needed &&
	       (id->leaf7_ebx & LEAF7_EBX_AVX2);
}

static int os_saves_zmm(const struct qk_cpuid *id)
{
	const uint64_t needed = XCR0_OPMASK | XCR0_ZMM_HIGH | XCR0_ZMM16_31;

	return os_saves_ymm(id) && (id->xcr0 & needed) == needed;
}

static int has_avx512vnni(const struct qk_cpuid *id)
{
	const uint32_t needed = LEAF7_EBX_AVX512F | LEAF7_EBX_AVX512DQ |
				LEAF7_EBX_AVX512BW | LEAF7_EBX_AVX512VL;

	return has_avx2(id) && (id->leaf7_ebx & needed) == needed &&
	       (id->leaf7_ecx & LEAF7_ECX_AVX512VNNI);
}

/* The kernel names only what it lets programs use. */
static unsigned int arm_flags(const struct qk_cpuid *id)
{
	unsigned int flags = 0;

	if (id->hwcap & ARM_HWCAP_ASIMD)
		flags |= QK_CPU_NEON;
	if (id->hwcap & ARM_HWCAP_ASIMDDP)
		flags |= QK_CPU_DOTPROD;
	if (id->hwcap2 & ARM_HWCAP2_I8MM)
		flags |= QK_CPU_I8MM;
	return flags;
}

unsigned int qk_cpu_flags(const struct qk_cpuid *id)
{
	unsigned int flags = arm_flags(id);

	if (os_saves_ymm(id) && has_avx2(id))
		flags |= QK_CPU_AVX2;
	if ((flags & QK_CPU_AVX2) && (id->leaf7_1_eax & LEAF7_1_EAX_AVXVNNI))
		flags |= QK_CPU_AVXVNNI;
	if (os_saves_zmm(id) && has_avx512vnni(id))
		flags |= QK_CPU_AVX512VNNI;
	return flags;
}
