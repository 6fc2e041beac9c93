// SPDX-License-Identifier: MIT
/* Memory that kernels work in, and who has it. */
#include <stdatomic.h>
#include <stdlib.h>

#include "interp_priv.h"

struct qaccel_workspace {
	atomic_flag taken;
	unsigned int workers;
	const void *user;		/* now, or the last one */
	struct qaccel_scratch scratch[];
};

struct qaccel_workspace *qaccel_workspace_create(unsigned int workers)
{
	struct qaccel_workspace *w = calloc(1, sizeof(*w) +
					       workers * sizeof(*w->scratch));

	if (!w)
		return NULL;
	atomic_flag_clear(&w->taken);
	w->workers = workers;
	return w;
}

void qaccel_workspace_destroy(struct qaccel_workspace *w)
{
	if (!w)
		return;
	for (unsigned int i = 0; i < w->workers; i++)
		free(w->scratch[i].data);
	free(w);
}

struct qaccel_scratch *qaccel_workspace_take(struct qaccel_workspace *w,
					     const void *user, bool *again)
{
	if (atomic_flag_test_and_set_explicit(&w->taken, memory_order_acquire))
		return NULL;
	*again = w->user == user;
	w->user = user;
	return w->scratch;
}

void qaccel_workspace_give(struct qaccel_workspace *w)
{
	atomic_flag_clear_explicit(&w->taken, memory_order_release);
}

bool qaccel_scratch_grow(struct qaccel_scratch *scratch, size_t size)
{
	size_t rounded = (size + 63) & ~(size_t)63;

	if (size <= scratch->size)
		return true;
	free(scratch->data);
	scratch->data = aligned_alloc(64, rounded);
	scratch->size = scratch->data ? rounded : 0;
	return scratch->data != NULL;
}
