/* SPDX-License-Identifier: MIT */
/*
 * Which function runs where. A table starts as the copy of the one below it
 * and its ISA's init function overwrites slots, so that no slot is ever empty.
 */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "cpu.h"
#include "internal.h"
#include "ref/ref.h"
#ifdef QK_HAVE_NEON
#include "arm/neon.h"
#endif
#ifdef QK_HAVE_DOTPROD
#include "arm/dotprod.h"
#endif
#ifdef QK_HAVE_I8MM
#include "arm/i8mm.h"
#endif
#ifdef QK_HAVE_AVX2
#include "x86/avx2.h"
#endif
#ifdef QK_HAVE_AVXVNNI
#include "x86/avxvnni.h"
#endif
#ifdef QK_HAVE_AVX512VNNI
#include "x86/avx512vnni.h"
#endif

/* One row for each ISA above ref, from slow to fast. */
static const struct level {
	const char *name;
	unsigned int flags;		/* QK_CPU_*, all needed */
	void (*init)(struct qk_table *table);
	size_t (*scratch_size)(const union qaccel_cmd *cmd);
} levels[] = {
#ifdef QK_HAVE_AVX2
	{ "avx2", QK_CPU_AVX2, qk_init_avx2, qk_scratch_size_avx2 },
#endif
#ifdef QK_HAVE_AVXVNNI
	{ "avxvnni", QK_CPU_AVX2 | QK_CPU_AVXVNNI, qk_init_avxvnni,
	  qk_scratch_size_avxvnni },
#endif
#ifdef QK_HAVE_AVX512VNNI
	{ "avx512vnni", QK_CPU_AVX512VNNI, qk_init_avx512vnni,
	  qk_scratch_size_avx512vnni },
#endif
#ifdef QK_HAVE_NEON
	{ "neon", QK_CPU_NEON, qk_init_neon, qk_scratch_size_neon },
#endif
#ifdef QK_HAVE_DOTPROD
	{ "dotprod", QK_CPU_NEON | QK_CPU_DOTPROD, qk_init_dotprod,
	  qk_scratch_size_neon },
#endif
#ifdef QK_HAVE_I8MM
	{ "i8mm", QK_CPU_NEON | QK_CPU_DOTPROD | QK_CPU_I8MM, qk_init_i8mm,
	  qk_scratch_size_neon },
#endif
	{ NULL, 0, NULL, NULL }
};

#define LEVEL_COUNT	(sizeof(levels) / sizeof(levels[0]) - 1)

static struct qk_table tables[LEVEL_COUNT + 1] = {
	{
		.name = "ref",
		.conv2d = qk_conv2d_ref,
		.dwconv2d = qk_dwconv2d_ref,
		.add = qk_add_ref,
		.mul = qk_mul_ref,
		.avgpool = qk_avgpool_ref,
		.maxpool = qk_maxpool_ref,
		.mean = qk_mean_ref,
		.pad = qk_pad_ref,
		.softmax = qk_softmax_ref,
		.lut = qk_lut_ref,
		.requantize = qk_requantize_ref,
		.quantize = qk_quantize_ref,
		.dequantize = qk_dequantize_ref,
	},
};
static unsigned int table_count = 1;
static unsigned int cpu_flags;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool cpu_has(const struct level *l)
{
	return (cpu_flags & l->flags) == l->flags;
}

static void build_tables(void)
{
	struct qk_cpuid id;

	qk_cpuid_read(&id);
	cpu_flags = qk_cpu_flags(&id);
	for (const struct level *l = levels; l->name; l++) {
		struct qk_table *t = &tables[table_count];

		if (!cpu_has(l))
			continue;
		*t = tables[table_count - 1];
		t->name = l->name;
		l->init(t);
		table_count++;
	}
}

const struct qk_table *qk_enumerate(unsigned int index)
{
	pthread_once(&once, build_tables);
	return index < table_count ? &tables[index] : NULL;
}

const struct qk_table *qk_select(const char *isa)
{
	const struct qk_table *best = NULL, *t;

	for (unsigned int i = 0; (t = qk_enumerate(i)); i++) {
		if (isa && !strcmp(isa, t->name))
			return t;
		best = t;
	}
	return isa ? NULL : best;
}

/*
 * Of every ISA that this CPU has, whichever is selected. The others can't even
 * be asked: their functions are compiled with their instructions.
 */
size_t qk_scratch_size(const union qaccel_cmd *cmd)
{
	size_t size = 0;

	pthread_once(&once, build_tables);
	for (const struct level *l = levels; l->name; l++) {
		size_t need = cpu_has(l) ? l->scratch_size(cmd) : 0;

		size = need > size ? need : size;
	}
	return size;
}
