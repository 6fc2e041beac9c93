// SPDX-License-Identifier: GPL-2.0
/* Hanging, failing and good jobs from several threads: only the good ones count */
#include <pthread.h>

#include "qaccel_test.h"

#define GOOD_JOBS	60
#define BAD_JOBS	3

struct shared {
	bool no_hang_tag;
};

struct worker {
	struct shared *shared;
	pthread_t thread;
	unsigned int index;
	int ret;
};

FIXTURE(reset_stress)
{
	struct qaccel_ctx c;
	struct shared shared;
};

FIXTURE_SETUP(reset_stress)
{
	qaccel_setup(&self->c);
	if (self->c.info.job_timeout_ms > 15000)
		SKIP(return, "job_timeout_ms is %u", self->c.info.job_timeout_ms);
}

FIXTURE_TEARDOWN(reset_stress)
{
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
	qaccel_ctx_fini(&self->c);
}

/* Every job must come back well and with its bytes right. */
static void *good(void *arg)
{
	struct worker *w = arg;
	struct qaccel_ctx c;
	unsigned int i;

	w->ret = qaccel_ctx_init(&c);
	if (w->ret)
		return NULL;
	qaccel_cmd_copy(&c.cmds[0], c.dst_va, c.src_va, 4096);
	qaccel_cmd_end(&c.cmds[1]);
	for (i = 0; i < GOOD_JOBS && !w->ret; i++) {
		int ret;

		qaccel_fill(c.src, 4096, 1000 * w->index + i);
		ret = qaccel_ctx_run(&c, c.queue, 2);
		if (ret != FENCE_SIGNALED)
			w->ret = ret ?: -EBUSY;
		else if (!qaccel_filled(c.dst, 4096, 1000 * w->index + i))
			w->ret = -EILSEQ;
	}
	qaccel_ctx_fini(&c);
	return NULL;
}

/* A queue a job, as each is banned for it. */
static void *hanging(void *arg)
{
	struct worker *w = arg;
	struct qaccel_ctx c;
	unsigned int i;

	w->ret = qaccel_ctx_init(&c);
	if (w->ret)
		return NULL;
	qaccel_ctx_tagged(&c, 0, QACCEL_TAG_HANG);
	for (i = 0; i < BAD_JOBS && !w->ret; i++) {
		__u32 queue;
		int ret;

		w->ret = qaccel_queue_create(c.fd, c.vm, DRM_QACCEL_PRIORITY_NORMAL, &queue);
		if (w->ret)
			break;
		ret = qaccel_ctx_run(&c, queue, 2);
		if (ret == FENCE_SIGNALED)
			w->shared->no_hang_tag = true;
		else if (ret != -ETIME)
			w->ret = ret ?: -EBUSY;
		w->ret = w->ret ?: qaccel_queue_destroy(c.fd, queue);
	}
	qaccel_ctx_fini(&c);
	return NULL;
}

static void *faulting(void *arg)
{
	struct worker *w = arg;
	struct qaccel_ctx c;
	unsigned int i;

	w->ret = qaccel_ctx_init(&c);
	if (w->ret)
		return NULL;
	qaccel_cmd_copy(&c.cmds[0], c.free_va, c.src_va, 64);
	qaccel_cmd_end(&c.cmds[1]);
	for (i = 0; i < 10 * BAD_JOBS && !w->ret; i++) {
		struct drm_qaccel_queue_get_state state;
		__u32 queue;

		w->ret = qaccel_queue_create(c.fd, c.vm, DRM_QACCEL_PRIORITY_NORMAL, &queue);
		if (w->ret)
			break;
		if (qaccel_ctx_run(&c, queue, 2) >= 0)
			w->ret = -EPERM;
		w->ret = w->ret ?: qaccel_queue_state(c.fd, queue, &state);
		if (!w->ret && state.fault_status != QACCEL_ERR_TRANSLATION)
			w->ret = -EPROTO;
		w->ret = w->ret ?: qaccel_queue_destroy(c.fd, queue);
	}
	qaccel_ctx_fini(&c);
	return NULL;
}

/* Maps and unmaps all the time, which waits for engines that may be in a reset. */
static void *binding(void *arg)
{
	struct worker *w = arg;
	struct qaccel_ctx c;
	unsigned int i;

	w->ret = qaccel_ctx_init(&c);
	if (w->ret)
		return NULL;
	for (i = 0; i < GOOD_JOBS && !w->ret; i++)
		w->ret = qaccel_map(c.fd, c.vm, c.bo.handle, 0, c.free_va, 65536, 0) ?:
			 qaccel_ctx_check(&c, c.queue) ?:
			 qaccel_unmap(c.fd, c.vm, c.free_va, 65536);
	qaccel_ctx_fini(&c);
	return NULL;
}

static int run_all(struct shared *shared, void *(*const fns[])(void *), unsigned int n)
{
	struct worker w[16];
	unsigned int i;
	int ret = 0;

	for (i = 0; i < n; i++) {
		w[i] = (struct worker){ .shared = shared, .index = i };
		if (pthread_create(&w[i].thread, NULL, fns[i], &w[i]))
			return -EAGAIN;
	}
	for (i = 0; i < n; i++) {
		pthread_join(w[i].thread, NULL);
		if (w[i].ret)
			printf("# thread %u: %s\n", i, strerror(-w[i].ret));
		ret = ret ?: w[i].ret;
	}
	return ret;
}

TEST_F_TIMEOUT(reset_stress, hanging_and_good, 240)
{
	void *(*const fns[])(void *) = { good, good, hanging, good, good };

	EXPECT_EQ(0, run_all(&self->shared, fns, ARRAY_SIZE(fns)));
	if (self->shared.no_hang_tag)
		SKIP(return, "the device has no x-hang-tag");
}

TEST_F_TIMEOUT(reset_stress, several_hanging, 240)
{
	void *(*const fns[])(void *) = { hanging, good, hanging, good, hanging };

	EXPECT_EQ(0, run_all(&self->shared, fns, ARRAY_SIZE(fns)));
	if (self->shared.no_hang_tag)
		SKIP(return, "the device has no x-hang-tag");
}

TEST_F_TIMEOUT(reset_stress, faulting_and_good, 240)
{
	void *(*const fns[])(void *) = { faulting, good, faulting, good, good };

	EXPECT_EQ(0, run_all(&self->shared, fns, ARRAY_SIZE(fns)));
}

TEST_F_TIMEOUT(reset_stress, everything_at_once, 240)
{
	void *(*const fns[])(void *) = { good, hanging, faulting, binding, good, binding, hanging };

	EXPECT_EQ(0, run_all(&self->shared, fns, ARRAY_SIZE(fns)));
	if (self->shared.no_hang_tag)
		SKIP(return, "the device has no x-hang-tag");
}

TEST_F(reset_stress, wedges_nothing)
{
	struct drm_qaccel_dev_counters counters;

	/* After all of the above: the device is still there for everybody. */
	EXPECT_EQ(0, qaccel_counters(self->c.fd, &counters));
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
}

TEST_HARNESS_MAIN
