// SPDX-License-Identifier: GPL-2.0
/* SUBMIT: each rule of the interface, jobs that compute, and fences */
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "qaccel_test.h"

#define WAIT		DRM_QACCEL_SYNC_WAIT
#define SIGNAL		DRM_QACCEL_SYNC_SIGNAL
#define TIMELINE	DRM_QACCEL_SYNC_TIMELINE

FIXTURE(submit)
{
	struct qaccel_ctx c;
	/* A job that does nothing, and well. */
	struct drm_qaccel_job job;
	__u32 binary;
	__u32 timeline;
};

FIXTURE_SETUP(submit)
{
	qaccel_setup(&self->c);
	qaccel_cmd_end(&self->c.cmds[0]);
	self->job.stream_va = self->c.cmds_va;
	self->job.stream_size = QACCEL_CMD_SIZE;
	ASSERT_EQ(0, qaccel_syncobj_create(self->c.fd, &self->binary));
	ASSERT_EQ(0, qaccel_syncobj_create(self->c.fd, &self->timeline));
}

FIXTURE_TEARDOWN(submit)
{
	qaccel_syncobj_destroy(self->c.fd, self->binary);
	qaccel_syncobj_destroy(self->c.fd, self->timeline);
	qaccel_ctx_fini(&self->c);
}

static int submit_raw(struct qaccel_ctx *c, struct drm_qaccel_submit args)
{
	return qaccel_ioctl(c->fd, DRM_IOCTL_QACCEL_SUBMIT, &args);
}

static int submit_job(struct qaccel_ctx *c, struct drm_qaccel_job job)
{
	return qaccel_submit(c->fd, c->queue, &job, 1, NULL, 0);
}

static int submit_sync(struct qaccel_ctx *c, struct drm_qaccel_job *job, __u32 flags,
		       __u32 handle, __u64 value)
{
	struct drm_qaccel_sync sync = {
		.flags = flags, .handle = handle, .timeline_value = value,
	};

	return qaccel_submit(c->fd, c->queue, job, 1, &sync, 1);
}

#define SUBMIT_RAW(...) submit_raw(&self->c, (struct drm_qaccel_submit){		\
	.queue_id = self->c.queue,							\
	.jobs = { sizeof(self->job), 1, (uintptr_t)&self->job },			\
	.syncs = { sizeof(struct drm_qaccel_sync), 0, 0 }, __VA_ARGS__ })
#define SUBMIT_JOB(...) submit_job(&self->c, (struct drm_qaccel_job){			\
	.stream_va = self->job.stream_va, .stream_size = self->job.stream_size,	\
	__VA_ARGS__ })
#define SUBMIT_SYNC(flags, handle, value) \
	submit_sync(&self->c, &self->job, flags, handle, value)

/* Later initialisers win in the macros. */
#pragma GCC diagnostic ignored "-Woverride-init"

TEST_F(submit, unknown_queue)
{
	EXPECT_EQ(-ENOENT, SUBMIT_RAW(.queue_id = 0));
	EXPECT_EQ(-ENOENT, SUBMIT_RAW(.queue_id = self->c.queue + 1000));
}

TEST_F(submit, queue_of_another_file)
{
	int fd = qaccel_open();

	ASSERT_GE(fd, 0);
	EXPECT_EQ(-ENOENT, qaccel_submit(fd, self->c.queue, &self->job, 1, NULL, 0));
	close(fd);
}

TEST_F(submit, flags)
{
	EXPECT_EQ(-EINVAL, SUBMIT_RAW(.flags = 1));
}

TEST_F(submit, no_job)
{
	EXPECT_EQ(-EINVAL, SUBMIT_RAW(.jobs = { sizeof(self->job), 0, 0 }));
	EXPECT_EQ(-EINVAL, SUBMIT_RAW(.jobs = { sizeof(self->job), 0, (uintptr_t)&self->job }));
}

TEST_F(submit, too_many_jobs)
{
	__u32 n = self->c.info.max_jobs + 1, i;
	struct drm_qaccel_job *jobs = calloc(n, sizeof(*jobs));

	ASSERT_NE(NULL, jobs);
	for (i = 0; i < n; i++)
		jobs[i] = self->job;
	EXPECT_EQ(-E2BIG, qaccel_submit(self->c.fd, self->c.queue, jobs, n, NULL, 0));
	EXPECT_EQ(-E2BIG, qaccel_submit(self->c.fd, self->c.queue, jobs, ~0u, NULL, 0));
	free(jobs);
}

TEST_F(submit, too_many_syncs)
{
	__u32 n = self->c.info.max_syncs + 1, i;
	struct drm_qaccel_sync *syncs = calloc(n, sizeof(*syncs));

	ASSERT_NE(NULL, syncs);
	for (i = 0; i < n; i++)
		syncs[i] = (struct drm_qaccel_sync){ .flags = SIGNAL, .handle = self->binary };
	EXPECT_EQ(-E2BIG, qaccel_submit(self->c.fd, self->c.queue, &self->job, 1, syncs, n));
	EXPECT_EQ(-E2BIG, qaccel_submit(self->c.fd, self->c.queue, &self->job, 1, syncs, ~0u));
	free(syncs);
}

TEST_F(submit, bad_jobs_pointer)
{
	EXPECT_EQ(-EFAULT, SUBMIT_RAW(.jobs.array = 8));
}

TEST_F(submit, bad_syncs_pointer)
{
	EXPECT_EQ(-EFAULT, SUBMIT_RAW(.syncs.count = 1, .syncs.array = 8));
}

TEST_F(submit, syncs_pointer_without_syncs)
{
	EXPECT_EQ(-EINVAL, SUBMIT_RAW(.syncs.array = (uintptr_t)&self->job));
}

TEST_F(submit, jobs_stride_too_small)
{
	EXPECT_EQ(-EINVAL, SUBMIT_RAW(.jobs.stride = 0));
	EXPECT_EQ(-EINVAL, SUBMIT_RAW(.jobs.stride = sizeof(self->job) - 8));
}

TEST_F(submit, syncs_stride_too_small)
{
	struct drm_qaccel_sync sync = { .flags = SIGNAL, .handle = self->binary };

	EXPECT_EQ(-EINVAL, SUBMIT_RAW(.syncs = { 8, 1, (uintptr_t)&sync }));
}

TEST_F(submit, jobs_larger_stride_with_zeroes)
{
	struct {
		struct drm_qaccel_job job;
		__u64 more[3];
	} jobs[2] = { { .job = self->job }, { .job = self->job } };

	EXPECT_EQ(0, SUBMIT_RAW(.jobs = { sizeof(jobs[0]), 2, (uintptr_t)jobs }));
}

TEST_F(submit, jobs_larger_stride_with_unknown_data)
{
	struct {
		struct drm_qaccel_job job;
		__u64 more[3];
	} job = { .job = self->job, .more[2] = 1ull << 63 };
	int ret = SUBMIT_RAW(.jobs = { sizeof(job), 1, (uintptr_t)&job });

	/* copy_struct_from_user() says E2BIG for what it does not know. */
	EXPECT_TRUE(ret == -EINVAL || ret == -E2BIG);
}

TEST_F(submit, syncs_larger_stride_with_unknown_data)
{
	struct {
		struct drm_qaccel_sync sync;
		__u64 more;
	} sync = { .sync = { .flags = SIGNAL, .handle = self->binary }, .more = 1 };
	int ret = SUBMIT_RAW(.syncs = { sizeof(sync), 1, (uintptr_t)&sync });

	EXPECT_TRUE(ret == -EINVAL || ret == -E2BIG);
}

TEST_F(submit, stream_unaligned)
{
	EXPECT_EQ(-EINVAL, SUBMIT_JOB(.stream_va = self->c.cmds_va + 64));
	EXPECT_EQ(-EINVAL, SUBMIT_JOB(.stream_va = self->c.cmds_va + 1));
}

TEST_F(submit, stream_size_zero)
{
	EXPECT_EQ(-EINVAL, SUBMIT_JOB(.stream_size = 0));
}

TEST_F(submit, stream_size_unaligned)
{
	EXPECT_EQ(-EINVAL, SUBMIT_JOB(.stream_size = 255));
	EXPECT_EQ(-EINVAL, SUBMIT_JOB(.stream_size = 256 + 64));
}

TEST_F(submit, stream_too_long)
{
	EXPECT_EQ(-EINVAL, SUBMIT_JOB(.stream_size = self->c.info.max_stream + 256));
	EXPECT_EQ(-EINVAL, SUBMIT_JOB(.stream_size = -256u));
}

TEST_F(submit, stream_at_the_end_of_all_addresses)
{
	struct drm_qaccel_queue_get_state state;

	/* Addresses are the device's to judge. */
	self->job.stream_va = -256ull;
	self->job.stream_size = 512;
	ASSERT_EQ(0, SUBMIT_SYNC(SIGNAL, self->binary, 0));
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->binary, qaccel_patience()));
	EXPECT_GT(0, qaccel_syncobj_status(self->c.fd, self->binary));
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(QACCEL_ERR_ADDRESS, state.fault_status);
	EXPECT_EQ(-256ull, state.fault_va);
}

TEST_F(submit, job_unknown_flags)
{
	EXPECT_EQ(-EINVAL, SUBMIT_JOB(.flags = 1 << 2));
	EXPECT_EQ(-EINVAL, SUBMIT_JOB(.flags = 1u << 31));
}

TEST_F(submit, perf_va_without_perf)
{
	EXPECT_EQ(-EINVAL, SUBMIT_JOB(.perf_va = self->c.dst_va));
}

TEST_F(submit, perf_va_unaligned)
{
	EXPECT_EQ(-EINVAL, SUBMIT_JOB(.flags = DRM_QACCEL_JOB_PERF,
				      .perf_va = self->c.dst_va + 8));
}

TEST_F(submit, perf_cmds_without_perf)
{
	EXPECT_EQ(-EINVAL, SUBMIT_JOB(.flags = DRM_QACCEL_JOB_PERF_CMDS));
	EXPECT_EQ(-EINVAL, SUBMIT_JOB(.flags = DRM_QACCEL_JOB_PERF_CMDS,
				      .perf_va = self->c.dst_va));
}

TEST_F(submit, sync_without_direction)
{
	EXPECT_EQ(-EINVAL, SUBMIT_SYNC(0, self->binary, 0));
	EXPECT_EQ(-EINVAL, SUBMIT_SYNC(TIMELINE, self->timeline, 1));
}

TEST_F(submit, sync_with_both_directions)
{
	EXPECT_EQ(-EINVAL, SUBMIT_SYNC(WAIT | SIGNAL, self->binary, 0));
}

TEST_F(submit, sync_unknown_flag)
{
	EXPECT_EQ(-EINVAL, SUBMIT_SYNC(SIGNAL | 1 << 3, self->binary, 0));
	EXPECT_EQ(-EINVAL, SUBMIT_SYNC(SIGNAL | 1u << 31, self->binary, 0));
}

TEST_F(submit, timeline_point_zero)
{
	EXPECT_EQ(-EINVAL, SUBMIT_SYNC(SIGNAL | TIMELINE, self->timeline, 0));
	EXPECT_EQ(-EINVAL, SUBMIT_SYNC(WAIT | TIMELINE, self->timeline, 0));
}

TEST_F(submit, point_of_a_binary_syncobj)
{
	EXPECT_EQ(-EINVAL, SUBMIT_SYNC(SIGNAL, self->binary, 1));
	EXPECT_EQ(-EINVAL, SUBMIT_SYNC(WAIT, self->binary, 1));
}

TEST_F(submit, unknown_syncobj)
{
	EXPECT_EQ(-ENOENT, SUBMIT_SYNC(SIGNAL, 0, 0));
	EXPECT_EQ(-ENOENT, SUBMIT_SYNC(SIGNAL, 1000, 0));
	EXPECT_EQ(-ENOENT, SUBMIT_SYNC(WAIT, 1000, 0));
	EXPECT_EQ(-ENOENT, SUBMIT_SYNC(SIGNAL | TIMELINE, 1000, 1));
	EXPECT_EQ(-ENOENT, SUBMIT_SYNC(WAIT | TIMELINE, 1000, 1));
}

TEST_F(submit, wait_for_a_syncobj_without_a_fence)
{
	EXPECT_EQ(-ENOENT, SUBMIT_SYNC(WAIT, self->binary, 0));
}

TEST_F(submit, wait_for_a_point_without_a_fence)
{
	EXPECT_EQ(-ENOENT, SUBMIT_SYNC(WAIT | TIMELINE, self->timeline, 1));
	ASSERT_EQ(0, SUBMIT_SYNC(SIGNAL | TIMELINE, self->timeline, 5));
	EXPECT_EQ(-ENOENT, SUBMIT_SYNC(WAIT | TIMELINE, self->timeline, 6));
	EXPECT_EQ(0, SUBMIT_SYNC(WAIT | TIMELINE, self->timeline, 5));
}

TEST_F(submit, failure_accepts_no_job_and_signals_nothing)
{
	struct drm_qaccel_queue_get_state state;
	struct drm_qaccel_dev_counters before, after;
	struct drm_qaccel_job jobs[3] = { self->job, self->job, self->job };
	struct drm_qaccel_sync syncs[2] = {
		{ .flags = SIGNAL, .handle = self->binary },
		{ .flags = WAIT, .handle = 1000 },
	};

	ASSERT_EQ(0, qaccel_counters(self->c.fd, &before));
	jobs[2].stream_size = 0;
	EXPECT_EQ(-EINVAL, qaccel_submit(self->c.fd, self->c.queue, jobs, 3, syncs, 1));
	jobs[2].stream_size = QACCEL_CMD_SIZE;
	EXPECT_EQ(-ENOENT, qaccel_submit(self->c.fd, self->c.queue, jobs, 3, syncs, 2));
	/* A syncobj without a fence cannot be waited for. */
	EXPECT_EQ(-EINVAL, qaccel_syncobj_wait(self->c.fd, self->binary, 0));
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(0, state.jobs_submitted);
	ASSERT_EQ(0, qaccel_counters(self->c.fd, &after));
	EXPECT_EQ(before.submits, after.submits);
}

TEST_F(submit, end_only)
{
	EXPECT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 1));
}

TEST_F(submit, copy_moves_data)
{
	const __u32 size = 10000;

	qaccel_fill(self->c.src, size, 1);
	memset(self->c.dst, 0xee, size + 1);
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->c.src_va, size);
	qaccel_cmd_end(&self->c.cmds[1]);
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	EXPECT_TRUE(qaccel_filled(self->c.dst, size, 1));
	EXPECT_EQ(0xee, self->c.dst[size]);
}

TEST_F(submit, copy_with_strides)
{
	union qaccel_cmd *cmd = &self->c.cmds[0];
	unsigned int row, i;

	qaccel_fill(self->c.src, 8 * 100, 2);
	memset(self->c.dst, 0xee, 8 * 70);
	qaccel_cmd_copy(cmd, self->c.dst_va, self->c.src_va, 50);
	cmd->copy.rows = 8;
	cmd->copy.src_stride = 100;
	cmd->copy.dst_stride = 70;
	qaccel_cmd_end(&self->c.cmds[1]);
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	for (row = 0; row < 8; row++) {
		EXPECT_EQ(0, memcmp(self->c.dst + row * 70, self->c.src + row * 100, 50));
		for (i = 50; i < 70 && row < 7; i++) {
			ASSERT_EQ(0xee, self->c.dst[row * 70 + i]);
		}
	}
}

TEST_F(submit, conv_computes)
{
	const unsigned int pixels = 100;
	__s8 *in = (__s8 *)self->c.src, *out = (__s8 *)self->c.dst;
	unsigned int p, o;

	for (p = 0; p < pixels * 4; p++)
		in[p] = p * 7 - 60;
	qaccel_cmd_conv1x1(&self->c.cmds[0], self->c.dst_va, self->c.src_va, pixels,
			   self->c.params, self->c.params_va);
	qaccel_cmd_end(&self->c.cmds[1]);
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	for (p = 0; p < pixels; p++) {
		for (o = 0; o < 16; o++) {
			int sum = in[4 * p] + in[4 * p + 1] + in[4 * p + 2] + in[4 * p + 3] + o;

			sum = sum < -128 ? -128 : sum > 127 ? 127 : sum;
			ASSERT_EQ(sum, out[16 * p + o]);
		}
	}
}

TEST_F(submit, later_commands_see_earlier_ones)
{
	unsigned int i;

	qaccel_fill(self->c.src, 512, 3);
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->c.src_va, 512);
	for (i = 1; i < 40; i++)
		qaccel_cmd_copy(&self->c.cmds[i], self->c.dst_va + i * 512,
				self->c.dst_va + (i - 1) * 512, 512);
	qaccel_cmd_end(&self->c.cmds[i]);
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, i + 1));
	EXPECT_TRUE(qaccel_filled(self->c.dst + 39 * 512, 512, 3));
}

TEST_F(submit, several_jobs_in_one_call_run_in_order)
{
	struct drm_qaccel_job jobs[8];
	struct drm_qaccel_sync sync = { .flags = SIGNAL, .handle = self->binary };
	unsigned int i, n = ARRAY_SIZE(jobs);

	if (n > self->c.info.max_jobs)
		n = self->c.info.max_jobs;
	/* Each job moves on what the one before it wrote. */
	qaccel_fill(self->c.src, 512, 4);
	for (i = 0; i < n; i++) {
		qaccel_cmd_copy(&self->c.cmds[2 * i], self->c.src_va + (i + 1) * 512,
				self->c.src_va + i * 512, 512);
		qaccel_cmd_end(&self->c.cmds[2 * i + 1]);
		jobs[i] = (struct drm_qaccel_job){
			.stream_va = self->c.cmds_va + 2 * i * QACCEL_CMD_SIZE,
			.stream_size = 2 * QACCEL_CMD_SIZE,
		};
	}
	ASSERT_EQ(0, qaccel_submit(self->c.fd, self->c.queue, jobs, n, &sync, 1));
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->binary, qaccel_patience()));
	EXPECT_EQ(FENCE_SIGNALED, qaccel_syncobj_status(self->c.fd, self->binary));
	EXPECT_TRUE(qaccel_filled(self->c.src + n * 512, 512, 4));
}

TEST_F(submit, as_many_jobs_as_info_says)
{
	__u32 n = self->c.info.max_jobs, i;
	struct drm_qaccel_job *jobs = calloc(n, sizeof(*jobs));
	struct drm_qaccel_sync sync = { .flags = SIGNAL, .handle = self->binary };
	struct drm_qaccel_queue_get_state state;

	ASSERT_NE(NULL, jobs);
	for (i = 0; i < n; i++)
		jobs[i] = self->job;
	ASSERT_EQ(0, qaccel_submit(self->c.fd, self->c.queue, jobs, n, &sync, 1));
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->binary, qaccel_patience()));
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(n, state.jobs_completed);
	free(jobs);
}

TEST_F(submit, as_many_syncs_as_info_says)
{
	__u32 n = self->c.info.max_syncs, i;
	struct drm_qaccel_sync *syncs = calloc(n, sizeof(*syncs));

	ASSERT_NE(NULL, syncs);
	for (i = 0; i < n; i++)
		syncs[i] = (struct drm_qaccel_sync){
			.flags = SIGNAL | TIMELINE,
			.handle = self->timeline,
			.timeline_value = i + 1,
		};
	EXPECT_EQ(0, qaccel_submit(self->c.fd, self->c.queue, &self->job, 1, syncs, n));
	EXPECT_EQ(0, qaccel_timeline_wait(self->c.fd, self->timeline, n, qaccel_patience()));
	free(syncs);
}

TEST_F(submit, more_jobs_than_a_ring_holds)
{
	struct drm_qaccel_queue_get_state state;
	struct qaccel_gate gate;
	const unsigned int n = 600;
	unsigned int i;

	/* All of them wait until the last one has been accepted. */
	qaccel_gate_or_skip(&gate, self->c.fd);
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 1,
					       i ? 0 : gate.syncobj,
					       i == n - 1 ? self->binary : 0));
	}
	ASSERT_EQ(0, qaccel_gate_open(&gate));
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->binary, qaccel_patience()));
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(n, state.jobs_submitted);
	EXPECT_EQ(n, state.jobs_completed);
	qaccel_gate_fini(&gate, self->c.fd);
}

struct worker {
	struct qaccel_ctx *c;
	pthread_t thread;
	__u32 queue;
	unsigned int index;
	int ret;
};

/* Its own commands and its own piece of src and dst. */
static void *copy_worker(void *arg)
{
	struct worker *w = arg;
	struct qaccel_ctx *c = w->c;
	const __u32 at = w->index * 4096;
	unsigned int i;
	__u32 out;

	w->ret = qaccel_syncobj_create(c->fd, &out);
	qaccel_cmd_copy(&c->cmds[2 * w->index], c->dst_va + at, c->src_va + at, 4096);
	qaccel_cmd_end(&c->cmds[2 * w->index + 1]);
	for (i = 0; i < 50 && !w->ret; i++) {
		qaccel_fill(c->src + at, 4096, 100 * w->index + i);
		w->ret = qaccel_ctx_submit_at(c, w->queue, 2 * w->index, 2, 0, out);
		if (!w->ret)
			w->ret = qaccel_syncobj_wait(c->fd, out, qaccel_patience());
		if (!w->ret && !qaccel_filled(c->dst + at, 4096, 100 * w->index + i))
			w->ret = -EILSEQ;
	}
	return NULL;
}

static int run_workers(struct qaccel_ctx *c, struct worker *w, unsigned int n, bool own_queue)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < n; i++) {
		w[i] = (struct worker){ .c = c, .queue = c->queue, .index = i };
		if (own_queue)
			ret = ret ?: qaccel_queue_create(c->fd, c->vm,
							 i % 2 ? DRM_QACCEL_PRIORITY_NORMAL :
								 DRM_QACCEL_PRIORITY_LOW,
							 &w[i].queue);
	}
	if (ret)
		return ret;
	for (i = 0; i < n; i++)
		if (pthread_create(&w[i].thread, NULL, copy_worker, &w[i]))
			return -EAGAIN;
	for (i = 0; i < n; i++) {
		pthread_join(w[i].thread, NULL);
		ret = ret ?: w[i].ret;
	}
	return ret;
}

TEST_F(submit, threads_on_one_queue)
{
	struct worker w[8];

	EXPECT_EQ(0, run_workers(&self->c, w, ARRAY_SIZE(w), false));
}

TEST_F(submit, threads_on_queues_of_their_own)
{
	struct worker w[12];

	EXPECT_EQ(0, run_workers(&self->c, w, ARRAY_SIZE(w), true));
}

TEST_F(submit, job_waits_for_a_binary_syncobj)
{
	struct qaccel_gate gate;

	qaccel_gate_or_skip(&gate, self->c.fd);
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 1, gate.syncobj, self->binary));
	EXPECT_EQ(-ETIME, qaccel_syncobj_wait(self->c.fd, self->binary,
					      qaccel_now() + 50000000));
	ASSERT_EQ(0, qaccel_gate_open(&gate));
	EXPECT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->binary, qaccel_patience()));
	qaccel_gate_fini(&gate, self->c.fd);
}

TEST_F(submit, all_waits_count)
{
	struct qaccel_gate gates[2];
	struct drm_qaccel_sync syncs[3];

	qaccel_gate_or_skip(&gates[0], self->c.fd);
	qaccel_gate_or_skip(&gates[1], self->c.fd);
	syncs[0] = (struct drm_qaccel_sync){ .flags = WAIT, .handle = gates[0].syncobj };
	syncs[1] = (struct drm_qaccel_sync){ .flags = SIGNAL, .handle = self->binary };
	syncs[2] = (struct drm_qaccel_sync){ .flags = WAIT, .handle = gates[1].syncobj };
	ASSERT_EQ(0, qaccel_submit(self->c.fd, self->c.queue, &self->job, 1, syncs, 3));
	ASSERT_EQ(0, qaccel_gate_open(&gates[0]));
	EXPECT_EQ(-ETIME, qaccel_syncobj_wait(self->c.fd, self->binary,
					      qaccel_now() + 50000000));
	ASSERT_EQ(0, qaccel_gate_open(&gates[1]));
	EXPECT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->binary, qaccel_patience()));
	qaccel_gate_fini(&gates[0], self->c.fd);
	qaccel_gate_fini(&gates[1], self->c.fd);
}

TEST_F(submit, wait_and_signal_of_one_syncobj)
{
	struct drm_qaccel_sync syncs[2];
	struct qaccel_gate gate;

	/* It waits for the fence that the syncobj has, then gives it its own. */
	qaccel_gate_or_skip(&gate, self->c.fd);
	syncs[0] = (struct drm_qaccel_sync){ .flags = SIGNAL, .handle = gate.syncobj };
	syncs[1] = (struct drm_qaccel_sync){ .flags = WAIT, .handle = gate.syncobj };
	ASSERT_EQ(0, qaccel_submit(self->c.fd, self->c.queue, &self->job, 1, syncs, 2));
	EXPECT_EQ(FENCE_ACTIVE, qaccel_syncobj_status(self->c.fd, gate.syncobj));
	ASSERT_EQ(0, qaccel_gate_open(&gate));
	EXPECT_EQ(0, qaccel_syncobj_wait(self->c.fd, gate.syncobj, qaccel_patience()));
	qaccel_gate_fini(&gate, self->c.fd);
}

TEST_F(submit, timeline_points_signal_in_order)
{
	struct qaccel_gate gate;
	__u64 point;
	int i;

	qaccel_gate_or_skip(&gate, self->c.fd);
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 1, gate.syncobj, 0));
	for (i = 1; i <= 10; i++) {
		ASSERT_EQ(0, SUBMIT_SYNC(SIGNAL | TIMELINE, self->timeline, i * 10));
	}
	ASSERT_EQ(0, qaccel_timeline_query(self->c.fd, self->timeline, &point));
	EXPECT_EQ(0, point);
	ASSERT_EQ(0, qaccel_gate_open(&gate));
	EXPECT_EQ(0, qaccel_timeline_wait(self->c.fd, self->timeline, 55, qaccel_patience()));
	ASSERT_EQ(0, qaccel_timeline_query(self->c.fd, self->timeline, &point));
	EXPECT_GE(point, 60);
	EXPECT_EQ(0, qaccel_timeline_wait(self->c.fd, self->timeline, 100, qaccel_patience()));
	ASSERT_EQ(0, qaccel_timeline_query(self->c.fd, self->timeline, &point));
	EXPECT_EQ(100, point);
	qaccel_gate_fini(&gate, self->c.fd);
}

TEST_F(submit, timeline_chains_queues)
{
	__u32 other;
	int i;

	/* Ping-pong of two queues over one timeline, on the same bytes. */
	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_NORMAL,
					 &other));
	qaccel_fill(self->c.src, 512, 7);
	ASSERT_EQ(0, qaccel_timeline_signal(self->c.fd, self->timeline, 1));
	for (i = 0; i < 20; i++) {
		struct drm_qaccel_job job = {
			.stream_va = self->c.cmds_va + 2 * i * QACCEL_CMD_SIZE,
			.stream_size = 2 * QACCEL_CMD_SIZE,
		};
		struct drm_qaccel_sync syncs[2] = {
			{ .flags = WAIT | TIMELINE, .handle = self->timeline,
			  .timeline_value = i + 1 },
			{ .flags = SIGNAL | TIMELINE, .handle = self->timeline,
			  .timeline_value = i + 2 },
		};

		qaccel_cmd_copy(&self->c.cmds[2 * i], self->c.src_va + (i + 1) * 512,
				self->c.src_va + i * 512, 512);
		qaccel_cmd_end(&self->c.cmds[2 * i + 1]);
		ASSERT_EQ(0, qaccel_submit(self->c.fd, i % 2 ? other : self->c.queue, &job, 1,
					   syncs, 2));
	}
	ASSERT_EQ(0, qaccel_timeline_wait(self->c.fd, self->timeline, 21, qaccel_patience()));
	EXPECT_TRUE(qaccel_filled(self->c.src + 20 * 512, 512, 7));
}

TEST_F(submit, fence_as_a_sync_file)
{
	struct qaccel_gate gate;
	int file;

	qaccel_gate_or_skip(&gate, self->c.fd);
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 1, gate.syncobj, self->binary));
	ASSERT_EQ(0, qaccel_syncobj_export(self->c.fd, self->binary, &file));
	EXPECT_EQ(FENCE_ACTIVE, qaccel_sync_file_status(file));
	ASSERT_EQ(0, qaccel_gate_open(&gate));
	EXPECT_EQ(FENCE_SIGNALED, qaccel_sync_file_wait(file));
	close(file);
	qaccel_gate_fini(&gate, self->c.fd);
}

TEST_F(submit, fence_to_another_process_file)
{
	struct qaccel_ctx other;
	struct qaccel_gate gate;
	int file;
	__u32 in, out;

	/* A job of another file waits for ours. */
	qaccel_gate_or_skip(&gate, self->c.fd);
	ASSERT_EQ(0, qaccel_ctx_init(&other));
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 1, gate.syncobj, self->binary));
	ASSERT_EQ(0, qaccel_syncobj_export(self->c.fd, self->binary, &file));
	ASSERT_EQ(0, qaccel_syncobj_create(other.fd, &in));
	ASSERT_EQ(0, qaccel_syncobj_create(other.fd, &out));
	ASSERT_EQ(0, qaccel_syncobj_import(other.fd, in, file));
	qaccel_cmd_end(&other.cmds[0]);
	ASSERT_EQ(0, qaccel_ctx_submit(&other, other.queue, 1, in, out));
	EXPECT_EQ(-ETIME, qaccel_syncobj_wait(other.fd, out, qaccel_now() + 50000000));
	ASSERT_EQ(0, qaccel_gate_open(&gate));
	EXPECT_EQ(0, qaccel_syncobj_wait(other.fd, out, qaccel_patience()));
	close(file);
	qaccel_ctx_fini(&other);
	qaccel_gate_fini(&gate, self->c.fd);
}

TEST_F(submit, fence_to_an_eventfd)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	struct drm_syncobj_eventfd args = { .handle = self->binary, .fd = fd };
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct qaccel_gate gate;

	ASSERT_GE(fd, 0);
	qaccel_gate_or_skip(&gate, self->c.fd);
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 1, gate.syncobj, self->binary));
	ASSERT_EQ(0, qaccel_ioctl(self->c.fd, DRM_IOCTL_SYNCOBJ_EVENTFD, &args));
	EXPECT_EQ(0, poll(&pfd, 1, 50));
	ASSERT_EQ(0, qaccel_gate_open(&gate));
	EXPECT_EQ(1, poll(&pfd, 1, QACCEL_PATIENCE_S * 1000));
	close(fd);
	qaccel_gate_fini(&gate, self->c.fd);
}

TEST_F(submit, perf_of_a_job)
{
	struct qaccel_perf *perf = (void *)self->c.dst;

	memset(perf, 0xee, 2 * sizeof(*perf));
	qaccel_cmd_conv1x1(&self->c.cmds[0], self->c.dst_va + 4096, self->c.src_va, 10,
			   self->c.params, self->c.params_va);
	qaccel_cmd_end(&self->c.cmds[1]);
	self->job.stream_size = 2 * QACCEL_CMD_SIZE;
	self->job.flags = DRM_QACCEL_JOB_PERF;
	self->job.perf_va = self->c.dst_va;
	ASSERT_EQ(0, SUBMIT_SYNC(SIGNAL, self->binary, 0));
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->binary, qaccel_patience()));
	EXPECT_EQ(2, perf->cmd_index);
	EXPECT_EQ(0, perf->opcode);
	EXPECT_EQ(0, perf->tag);
	EXPECT_LT(perf->engine, self->c.info.num_engines);
	EXPECT_EQ(10 * 4 * 16, perf->macs);
	EXPECT_EQ(160, perf->bytes_written);
	EXPECT_NE(0, perf->cycles);
	EXPECT_EQ(0xeeeeeeee, perf[1].cmd_index);
}

TEST_F(submit, perf_of_each_command)
{
	struct qaccel_perf *perf = (void *)self->c.dst;

	memset(perf, 0xee, 5 * sizeof(*perf));
	qaccel_cmd_conv1x1(&self->c.cmds[0], self->c.dst_va + 4096, self->c.src_va, 10,
			   self->c.params, self->c.params_va);
	self->c.cmds[0].hdr.tag = 11;
	qaccel_cmd_copy(&self->c.cmds[1], self->c.dst_va + 8192, self->c.src_va, 300);
	self->c.cmds[1].hdr.tag = 22;
	qaccel_cmd_end(&self->c.cmds[2]);
	self->job.stream_size = 3 * QACCEL_CMD_SIZE;
	self->job.flags = DRM_QACCEL_JOB_PERF | DRM_QACCEL_JOB_PERF_CMDS;
	self->job.perf_va = self->c.dst_va;
	ASSERT_EQ(0, SUBMIT_SYNC(SIGNAL, self->binary, 0));
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->binary, qaccel_patience()));
	EXPECT_EQ(3, perf[0].cmd_index);
	EXPECT_EQ(0, perf[1].cmd_index);
	EXPECT_EQ(QACCEL_OP_CONV2D, perf[1].opcode);
	EXPECT_EQ(11, perf[1].tag);
	EXPECT_EQ(640, perf[1].macs);
	EXPECT_EQ(1, perf[2].cmd_index);
	EXPECT_EQ(QACCEL_OP_COPY, perf[2].opcode);
	EXPECT_EQ(22, perf[2].tag);
	EXPECT_EQ(300, perf[2].bytes_written);
	EXPECT_EQ(perf[0].bytes_written, perf[1].bytes_written + perf[2].bytes_written);
}

TEST_F(submit, longest_stream)
{
	const __u32 size = self->c.info.max_stream;
	union qaccel_cmd *cmds;
	struct qaccel_bo bo;
	__u32 i;

	if (size > 16 << 20)
		SKIP(return, "max_stream is %u", size);
	ASSERT_EQ(0, qaccel_bo_init(&bo, self->c.fd, size, self->c.vm));
	ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, bo.handle, 0, self->c.free_va, size,
				DRM_QACCEL_VM_BIND_OP_READONLY));
	cmds = bo.map;
	for (i = 0; i < size / QACCEL_CMD_SIZE - 1; i++)
		qaccel_cmd_copy(&cmds[i], self->c.dst_va, self->c.src_va, 4);
	qaccel_cmd_end(&cmds[i]);
	self->job.stream_va = self->c.free_va;
	self->job.stream_size = size;
	ASSERT_EQ(0, SUBMIT_SYNC(SIGNAL, self->binary, 0));
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->binary, qaccel_patience()));
	EXPECT_EQ(FENCE_SIGNALED, qaccel_syncobj_status(self->c.fd, self->binary));
	qaccel_bo_fini(&bo);
}

TEST_F(submit, job_of_slow_steps_may_take_longer_than_the_timeout)
{
	unsigned int steps = self->c.info.job_timeout_ms * 1000ull / QACCEL_SLOW_US * 3 / 2;
	unsigned int i;
	__s64 start;

	/* Progress of single commands is what counts. */
	if (steps > QACCEL_CTX_CMDS - 4)
		steps = QACCEL_CTX_CMDS - 4;
	for (i = 0; i < steps; i++)
		qaccel_ctx_tagged(&self->c, i, QACCEL_TAG_SLOW);
	start = qaccel_now();
	EXPECT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, steps + 1));
	if (qaccel_now() - start < (__s64)self->c.info.job_timeout_ms * 1000000)
		SKIP(return, "the device has no x-slow-tag, or the timeout is too long");
}

TEST_HARNESS_MAIN
