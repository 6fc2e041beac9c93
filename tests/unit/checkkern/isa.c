/* SPDX-License-Identifier: MIT */
/*
 * The ISAs that are checked: those of this machine, and where it has
 * AVX512-VNNI also the AVX-VNNI kernels, built with that one's encoding of
 * their instruction. There are few machines where they run as they are.
 */
#include <pthread.h>

#include "checkkern.h"
#ifdef QK_HAVE_AVXVNNI_EVEX
#include "x86/avxvnni.h"

static struct qk_table avxvnni;
static bool have_avxvnni;

static void build(void)
{
	const struct qk_table *below = qk_select("avx2");

	if (!below || !qk_select("avx512vnni"))
		return;
	avxvnni = *below;
	avxvnni.name = "avxvnni-evex";
	qk_init_avxvnni(&avxvnni);
	have_avxvnni = true;
}

static size_t additional_scratch(const union qaccel_cmd *cmd)
{
	return qk_scratch_size_avxvnni(cmd);
}

static const struct qk_table *additional(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, build);
	return have_avxvnni ? &avxvnni : NULL;
}
#else
static const struct qk_table *additional(void)
{
	return NULL;
}

static size_t additional_scratch(const union qaccel_cmd *cmd)
{
	(void)cmd;
	return 0;
}
#endif

const struct qk_table *isa_at(unsigned int index)
{
	const struct qk_table *t = qk_enumerate(index);

	if (t)
		return t;
	return !index || qk_enumerate(index - 1) ? additional() : NULL;
}

size_t isa_scratch_size(const union qaccel_cmd *cmd)
{
	size_t size = qk_scratch_size(cmd);
	size_t more = additional() ? additional_scratch(cmd) : 0;

	return more > size ? more : size;
}
