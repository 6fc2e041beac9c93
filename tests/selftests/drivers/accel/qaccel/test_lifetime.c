// SPDX-License-Identifier: GPL-2.0
/*
 * Objects that go in every order while jobs use them
 *
 * Most of these tests look for what KASAN, lockdep and kmemleak say.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "qaccel_test.h"

FIXTURE(lifetime)
{
	struct qaccel_ctx c;
	__u32 out;
};

FIXTURE_SETUP(lifetime)
{
	qaccel_setup(&self->c);
	ASSERT_EQ(0, qaccel_syncobj_create(self->c.fd, &self->out));
}

FIXTURE_TEARDOWN(lifetime)
{
	struct qaccel_ctx fresh;

	/* The test may have closed all it had: another file must work. */
	ASSERT_EQ(0, qaccel_ctx_init(&fresh));
	EXPECT_EQ(0, qaccel_ctx_check(&fresh, fresh.queue));
	qaccel_ctx_fini(&fresh);
	qaccel_ctx_fini(&self->c);
}

/* n slow steps: long enough to pull the ground away while it runs. */
static int submit_slow(struct qaccel_ctx *c, unsigned int n, __u32 in, __u32 out)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		qaccel_ctx_tagged(c, i, QACCEL_TAG_SLOW);
	return qaccel_ctx_submit(c, c->queue, n + 1, in, out);
}

static int export_bo(int fd, __u32 handle)
{
	struct drm_prime_handle args = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };

	return qaccel_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args) ?: args.fd;
}

TEST_F(lifetime, open_and_close)
{
	int i, fd;

	for (i = 0; i < 100; i++) {
		fd = qaccel_open();
		ASSERT_GE(fd, 0);
		close(fd);
	}
}

TEST_F(lifetime, close_with_everything_in_place)
{
	struct qaccel_ctx c;
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, qaccel_ctx_init(&c));
		ASSERT_EQ(0, qaccel_ctx_check(&c, c.queue));
		close(c.fd);
		munmap(c.bo.map, c.bo.size);
	}
}

TEST_F(lifetime, close_with_jobs_in_flight)
{
	struct qaccel_ctx c;
	int i, file;
	__u32 out;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, qaccel_ctx_init(&c));
		ASSERT_EQ(0, qaccel_syncobj_create(c.fd, &out));
		ASSERT_EQ(0, submit_slow(&c, 3, 0, 0));
		ASSERT_EQ(0, submit_slow(&c, 3, 0, out));
		ASSERT_EQ(0, qaccel_syncobj_export(c.fd, out, &file));
		close(c.fd);
		munmap(c.bo.map, c.bo.size);
		/* Well or not, but it ends. */
		EXPECT_NE(-ETIMEDOUT, qaccel_sync_file_wait(file));
		close(file);
	}
}

TEST_F(lifetime, close_with_a_job_that_waits)
{
	struct qaccel_gate gate;
	struct qaccel_ctx c;
	int file, gate_file;
	__u32 in, out;

	/* The gate belongs to our file, the job to the one that closes. */
	qaccel_gate_or_skip(&gate, self->c.fd);
	ASSERT_EQ(0, qaccel_ctx_init(&c));
	ASSERT_EQ(0, qaccel_syncobj_export(self->c.fd, gate.syncobj, &gate_file));
	ASSERT_EQ(0, qaccel_syncobj_create(c.fd, &in));
	ASSERT_EQ(0, qaccel_syncobj_import(c.fd, in, gate_file));
	ASSERT_EQ(0, qaccel_syncobj_create(c.fd, &out));
	ASSERT_EQ(0, submit_slow(&c, 1, in, out));
	ASSERT_EQ(0, qaccel_syncobj_export(c.fd, out, &file));
	close(c.fd);
	munmap(c.bo.map, c.bo.size);
	ASSERT_EQ(0, qaccel_gate_open(&gate));
	EXPECT_NE(-ETIMEDOUT, qaccel_sync_file_wait(file));
	close(file);
	close(gate_file);
	qaccel_gate_fini(&gate, self->c.fd);
}

TEST_F(lifetime, vm_destroyed_with_jobs_in_flight)
{
	ASSERT_EQ(0, submit_slow(&self->c, 2, 0, self->out));
	ASSERT_EQ(0, qaccel_vm_destroy(self->c.fd, self->c.vm));
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->out, qaccel_patience()));
	EXPECT_EQ(FENCE_SIGNALED, qaccel_syncobj_status(self->c.fd, self->out));
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
}

TEST_F(lifetime, vm_then_queue_then_buffer)
{
	ASSERT_EQ(0, submit_slow(&self->c, 2, 0, self->out));
	EXPECT_EQ(0, qaccel_vm_destroy(self->c.fd, self->c.vm));
	EXPECT_EQ(0, qaccel_queue_destroy(self->c.fd, self->c.queue));
	EXPECT_EQ(0, qaccel_gem_close(self->c.fd, self->c.bo.handle));
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->out, qaccel_patience()));
	EXPECT_NE(FENCE_ACTIVE, qaccel_syncobj_status(self->c.fd, self->out));
}

TEST_F(lifetime, buffer_then_queue_then_vm)
{
	ASSERT_EQ(0, submit_slow(&self->c, 2, 0, self->out));
	EXPECT_EQ(0, qaccel_gem_close(self->c.fd, self->c.bo.handle));
	EXPECT_EQ(0, qaccel_queue_destroy(self->c.fd, self->c.queue));
	EXPECT_EQ(0, qaccel_vm_destroy(self->c.fd, self->c.vm));
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->out, qaccel_patience()));
	EXPECT_NE(FENCE_ACTIVE, qaccel_syncobj_status(self->c.fd, self->out));
}

TEST_F(lifetime, buffer_closed_while_a_job_uses_it)
{
	const __u64 va = self->c.free_va;
	struct qaccel_gate gate;
	struct qaccel_bo bo;

	qaccel_gate_or_skip(&gate, self->c.fd);
	ASSERT_EQ(0, qaccel_bo_init(&bo, self->c.fd, 65536, 0));
	ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, bo.handle, 0, va, 65536, 0));
	qaccel_fill(bo.map, 65536, 1);
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, va, 65536);
	qaccel_cmd_end(&self->c.cmds[1]);
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 2, gate.syncobj, self->out));
	qaccel_bo_fini(&bo);
	ASSERT_EQ(0, qaccel_gate_open(&gate));
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->out, qaccel_patience()));
	EXPECT_EQ(FENCE_SIGNALED, qaccel_syncobj_status(self->c.fd, self->out));
	EXPECT_TRUE(qaccel_filled(self->c.dst, 65536, 1));
	qaccel_gate_fini(&gate, self->c.fd);
}

TEST_F(lifetime, unmap_while_a_command_runs)
{
	/* The pages stay until the command has ended; the job then faults, or is done. */
	ASSERT_EQ(0, submit_slow(&self->c, 4, 0, self->out));
	ASSERT_EQ(0, qaccel_unmap(self->c.fd, self->c.vm, self->c.va, self->c.bo.size));
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->out, qaccel_patience()));
	EXPECT_NE(FENCE_ACTIVE, qaccel_syncobj_status(self->c.fd, self->out));
}

TEST_F(lifetime, unmap_before_a_job_starts_makes_it_fault)
{
	struct drm_qaccel_queue_get_state state;
	struct qaccel_gate gate;
	__u32 handle;

	qaccel_gate_or_skip(&gate, self->c.fd);
	ASSERT_EQ(0, qaccel_handle_create(self->c.fd, 4096, 0, &handle));
	ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, handle, 0, self->c.free_va, 4096, 0));
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->c.free_va, 64);
	qaccel_cmd_end(&self->c.cmds[1]);
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 2, gate.syncobj, self->out));
	ASSERT_EQ(0, qaccel_unmap(self->c.fd, self->c.vm, self->c.free_va, 4096));
	ASSERT_EQ(0, qaccel_gate_open(&gate));
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->out, qaccel_patience()));
	EXPECT_LT(qaccel_syncobj_status(self->c.fd, self->out), 0);
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(QACCEL_ERR_TRANSLATION, state.fault_status);
	EXPECT_EQ(self->c.free_va, state.fault_va);
	qaccel_gate_fini(&gate, self->c.fd);
}

TEST_F(lifetime, unmap_beside_a_running_job)
{
	__u32 handle;
	int i;

	/* Waits for the command that is running, not for the job. */
	ASSERT_EQ(0, qaccel_handle_create(self->c.fd, 65536, 0, &handle));
	ASSERT_EQ(0, submit_slow(&self->c, 8, 0, self->out));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, handle, 0, self->c.free_va,
					65536, 0));
		ASSERT_EQ(0, qaccel_unmap(self->c.fd, self->c.vm, self->c.free_va, 65536));
	}
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->out, qaccel_patience()));
	EXPECT_EQ(FENCE_SIGNALED, qaccel_syncobj_status(self->c.fd, self->out));
}

TEST_F(lifetime, munmap_while_a_job_writes)
{
	const __u64 va = self->c.free_va;
	struct qaccel_bo bo;
	__u64 offset;

	ASSERT_EQ(0, qaccel_bo_init(&bo, self->c.fd, 65536, 0));
	ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, bo.handle, 0, va, 65536, 0));
	qaccel_ctx_tagged(&self->c, 0, QACCEL_TAG_SLOW);
	qaccel_fill(self->c.src, 65536, 2);
	qaccel_cmd_copy(&self->c.cmds[1], va, self->c.src_va, 65536);
	qaccel_cmd_end(&self->c.cmds[2]);
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 3, 0, self->out));
	munmap(bo.map, bo.size);
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->out, qaccel_patience()));
	ASSERT_EQ(FENCE_SIGNALED, qaccel_syncobj_status(self->c.fd, self->out));
	ASSERT_EQ(0, qaccel_mmap_offset(self->c.fd, bo.handle, &offset));
	bo.map = mmap(NULL, bo.size, PROT_READ, MAP_SHARED, self->c.fd, offset);
	ASSERT_NE(MAP_FAILED, bo.map);
	EXPECT_TRUE(qaccel_filled(bo.map, 65536, 2));
	qaccel_bo_fini(&bo);
}

TEST_F(lifetime, dmabuf_outlives_the_file)
{
	struct qaccel_ctx c;
	int dmabuf;
	__u8 *map;

	ASSERT_EQ(0, qaccel_ctx_init(&c));
	qaccel_fill(c.src, 4096, 3);
	dmabuf = export_bo(c.fd, c.bo.handle);
	ASSERT_GE(dmabuf, 0);
	munmap(c.bo.map, c.bo.size);
	close(c.fd);
	map = mmap(NULL, c.bo.size, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_TRUE(qaccel_filled(map + (c.src_va - c.va), 4096, 3));
	close(dmabuf);
	memset(map, 0xee, c.bo.size);
	munmap(map, c.bo.size);
}

TEST_F(lifetime, dmabuf_outlives_a_running_file)
{
	struct qaccel_ctx c;
	int dmabuf;

	ASSERT_EQ(0, qaccel_ctx_init(&c));
	dmabuf = export_bo(c.fd, c.bo.handle);
	ASSERT_GE(dmabuf, 0);
	ASSERT_EQ(0, submit_slow(&c, 2, 0, 0));
	munmap(c.bo.map, c.bo.size);
	close(c.fd);
	close(dmabuf);
}

TEST_F(lifetime, sync_file_outlives_the_file)
{
	struct qaccel_ctx c;
	int file;
	__u32 out;

	ASSERT_EQ(0, qaccel_ctx_init(&c));
	ASSERT_EQ(0, qaccel_syncobj_create(c.fd, &out));
	qaccel_cmd_end(&c.cmds[0]);
	ASSERT_EQ(0, qaccel_ctx_submit(&c, c.queue, 1, 0, out));
	ASSERT_EQ(0, qaccel_syncobj_wait(c.fd, out, qaccel_patience()));
	ASSERT_EQ(0, qaccel_syncobj_export(c.fd, out, &file));
	munmap(c.bo.map, c.bo.size);
	close(c.fd);
	EXPECT_EQ(FENCE_SIGNALED, qaccel_sync_file_wait(file));
	close(file);
}

TEST_F(lifetime, forked_child_keeps_the_file_open)
{
	int go[2];
	char byte = 0;
	pid_t pid;

	ASSERT_EQ(0, pipe(go));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		close(go[1]);
		if (read(go[0], &byte, 1) < 0)
			_exit(2);
		_exit(qaccel_ctx_check(&self->c, self->c.queue) ? 1 : 0);
	}
	/* What we drop here is all ours; the child has its own reference. */
	munmap(self->c.bo.map, self->c.bo.size);
	close(self->c.fd);
	close(go[1]);
	EXPECT_EQ(0, qaccel_wait_child(pid));
	self->c.bo.map = MAP_FAILED;
	self->c.fd = -1;
}

TEST_F(lifetime, child_is_killed_in_the_middle)
{
	int i;

	for (i = 0; i < 5; i++) {
		int ready[2];
		pid_t pid;
		char byte;

		ASSERT_EQ(0, pipe(ready));
		pid = fork();
		ASSERT_GE(pid, 0);
		if (!pid) {
			struct qaccel_ctx c;

			if (qaccel_ctx_init(&c) || write(ready[1], "r", 1) != 1)
				_exit(1);
			for (;;)
				if (submit_slow(&c, 1, 0, 0) || qaccel_ctx_check(&c, c.queue))
					_exit(2);
		}
		close(ready[1]);
		ASSERT_EQ(1, read(ready[0], &byte, 1));
		usleep(1000 * i * i);
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, qaccel_wait_child(pid));
		close(ready[0]);
	}
}

TEST_F(lifetime, waiting_child_is_killed)
{
	struct qaccel_gate gate;
	pid_t pid;

	qaccel_gate_or_skip(&gate, self->c.fd);
	ASSERT_EQ(0, submit_slow(&self->c, 1, gate.syncobj, self->out));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(qaccel_bo_wait(self->c.fd, self->c.bo.handle, INT64_MAX) ? 1 : 0);
	usleep(20000);
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, qaccel_wait_child(pid));
	qaccel_gate_fini(&gate, self->c.fd);
}

struct race {
	struct qaccel_ctx *c;
	atomic_bool stop;
	int ret;
};

/* Submits to whatever queue has the id just now: each answer is fine but these. */
static void *submit_to_ids(void *arg)
{
	struct race *r = arg;
	__u32 id = 1;

	while (!r->stop) {
		int ret = qaccel_ctx_submit(r->c, 1 + id++ % 16, 2, 0, 0);

		if (ret && ret != -ENOENT && ret != -ECANCELED)
			r->ret = ret;
	}
	return NULL;
}

TEST_F(lifetime, submit_races_with_queue_destroy)
{
	struct race r = { .c = &self->c };
	pthread_t thread;
	__u32 id, i;

	qaccel_ctx_tagged(&self->c, 0, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, submit_to_ids, &r));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm,
						 DRM_QACCEL_PRIORITY_NORMAL, &id));
		ASSERT_EQ(0, qaccel_queue_destroy(self->c.fd, id));
	}
	r.stop = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(0, r.ret);
}

static void *bind_unbind(void *arg)
{
	struct race *r = arg;

	while (!r->stop && !r->ret)
		r->ret = qaccel_map(r->c->fd, r->c->vm, r->c->bo.handle, 0, r->c->free_va, 65536,
				    0) ?:
			 qaccel_unmap(r->c->fd, r->c->vm, r->c->free_va, 65536);
	return NULL;
}

TEST_F(lifetime, bind_races_with_jobs)
{
	struct race r = { .c = &self->c };
	pthread_t thread;
	int i;

	ASSERT_EQ(0, pthread_create(&thread, NULL, bind_unbind, &r));
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
	}
	r.stop = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(0, r.ret);
}

static void *close_handles(void *arg)
{
	struct race *r = arg;
	__u32 handle = 2;

	while (!r->stop)
		qaccel_gem_close(r->c->fd, 2 + handle++ % 8);
	return NULL;
}

TEST_F(lifetime, gem_close_races_with_use)
{
	struct race r = { .c = &self->c };
	pthread_t thread;
	__u64 offset;
	__u32 handle;
	int i;

	/* Guessed handles: each answer is fine, if it is one. */
	ASSERT_EQ(1, self->c.bo.handle);
	ASSERT_EQ(0, pthread_create(&thread, NULL, close_handles, &r));
	for (i = 0; i < 200; i++) {
		ASSERT_EQ(0, qaccel_handle_create(self->c.fd, 4096, i % 2 ? self->c.vm : 0,
						  &handle));
		qaccel_mmap_offset(self->c.fd, handle, &offset);
		qaccel_map(self->c.fd, self->c.vm, handle, 0, self->c.free_va, 4096, 0);
		qaccel_bo_wait(self->c.fd, handle, 0);
		qaccel_unmap(self->c.fd, self->c.vm, self->c.free_va, 4096);
	}
	r.stop = true;
	pthread_join(thread, NULL);
}

TEST_HARNESS_MAIN
