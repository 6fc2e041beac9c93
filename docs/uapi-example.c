/* SPDX-License-Identifier: MIT */
/*
 * The smallest program that uses the driver: lets the device copy 64 bytes.
 *
 *   cc -Iuapi -o uapi-example docs/uapi-example.c $(pkg-config --cflags --libs libdrm)
 *
 * docs/uapi.md explains it step by step.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xf86drm.h>

#include <drm/qaccel_accel.h>
#include <qaccel_hw.h>

#define BUFFER_SIZE 4096
#define SOURCE	    0x800
#define DESTINATION 0x900

/* drmIoctl() starts again after a signal, as all ioctls here allow. */
static void call(int fd, unsigned long request, void *args, const char *what)
{
	if (drmIoctl(fd, request, args)) {
		fprintf(stderr, "%s: %s\n", what, strerror(errno));
		exit(1);
	}
}

static int open_device(void)
{
	for (int i = 0; i < 64; i++) {
		char path[32];
		snprintf(path, sizeof(path), "/dev/accel/accel%d", i);
		int fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;

		drmVersionPtr version = drmGetVersion(fd);
		int ours = version && !strcmp(version->name, "qaccel");
		drmFreeVersion(version);
		if (ours)
			return fd;
		close(fd);
	}

	fprintf(stderr, "no qaccel in /dev/accel\n");
	exit(1);
}

/* A buffer that only this VM binds, mapped into the process. */
static uint32_t create_buffer(int fd, uint32_t vm, uint8_t **map)
{
	struct drm_qaccel_bo_create create = { .size = BUFFER_SIZE, .vm_id = vm };
	call(fd, DRM_IOCTL_QACCEL_BO_CREATE, &create, "BO_CREATE");

	struct drm_qaccel_bo_mmap_offset offset = { .handle = create.handle };
	call(fd, DRM_IOCTL_QACCEL_BO_MMAP_OFFSET, &offset, "BO_MMAP_OFFSET");

	*map = mmap(NULL, create.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    (off_t)offset.offset);
	if (*map == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return create.handle;
}

static void bind_buffer(int fd, uint32_t vm, uint32_t handle, uint64_t va)
{
	struct drm_qaccel_vm_bind_op op = {
		.flags = DRM_QACCEL_VM_BIND_OP_MAP,
		.bo_handle = handle,
		.va = va,
		.size = BUFFER_SIZE,
	};
	struct drm_qaccel_vm_bind bind = {
		.vm_id = vm,
		.ops = { .stride = sizeof(op), .count = 1, .array = (uintptr_t)&op },
	};
	call(fd, DRM_IOCTL_QACCEL_VM_BIND, &bind, "VM_BIND");
}

/* Two commands: copy, end. */
static size_t write_stream(uint8_t *map, uint64_t va)
{
	struct qaccel_cmd_copy copy = {
		.hdr = { .opcode = QACCEL_OP_COPY, .version = QACCEL_CMD_VERSION },
		.src_va = va + SOURCE,
		.dst_va = va + DESTINATION,
		.rows = 1,
		.row_bytes = 64,
		.src_stride = 64,
		.dst_stride = 64,
	};
	struct qaccel_cmd_end end = {
		.hdr = { .opcode = QACCEL_OP_END, .version = QACCEL_CMD_VERSION },
	};

	memcpy(map, &copy, sizeof(copy));
	memcpy(map + sizeof(copy), &end, sizeof(end));
	return sizeof(copy) + sizeof(end);
}

static void submit(int fd, uint32_t queue, uint64_t va, size_t size, uint32_t syncobj)
{
	struct drm_qaccel_job job = { .stream_va = va, .stream_size = (uint32_t)size };
	struct drm_qaccel_sync done = { .flags = DRM_QACCEL_SYNC_SIGNAL, .handle = syncobj };
	struct drm_qaccel_submit submit = {
		.queue_id = queue,
		.jobs = { .stride = sizeof(job), .count = 1, .array = (uintptr_t)&job },
		.syncs = { .stride = sizeof(done), .count = 1, .array = (uintptr_t)&done },
	};
	call(fd, DRM_IOCTL_QACCEL_SUBMIT, &submit, "SUBMIT");
}

/* A fence says that the job has ended; the queue says how. */
static void check(int fd, uint32_t queue)
{
	struct drm_qaccel_queue_get_state state = { .queue_id = queue };
	call(fd, DRM_IOCTL_QACCEL_QUEUE_GET_STATE, &state, "QUEUE_GET_STATE");

	if (state.state & DRM_QACCEL_QUEUE_STATE_BANNED) {
		fprintf(stderr, "job %llu failed in command %u: error %u at 0x%llx\n",
			(unsigned long long)state.fault_job, state.fault_cmd, state.fault_status,
			(unsigned long long)state.fault_va);
		exit(1);
	}
	printf("%llu job, %llu cycles\n", (unsigned long long)state.jobs_completed,
	       (unsigned long long)state.cycles);
}

int main(void)
{
	int fd = open_device();

	struct drm_qaccel_dev_info info = { 0 };
	struct drm_qaccel_dev_query query = {
		.type = DRM_QACCEL_DEV_QUERY_INFO,
		.size = sizeof(info),
		.pointer = (uintptr_t)&info,
	};
	call(fd, DRM_IOCTL_QACCEL_DEV_QUERY, &query, "DEV_QUERY");

	struct drm_qaccel_vm_create vm = { 0 };
	call(fd, DRM_IOCTL_QACCEL_VM_CREATE, &vm, "VM_CREATE");

	uint8_t *map;
	uint32_t handle = create_buffer(fd, vm.id, &map);
	uint64_t va = info.va_start;
	bind_buffer(fd, vm.id, handle, va);

	struct drm_qaccel_queue_create queue = {
		.vm_id = vm.id,
		.priority = DRM_QACCEL_PRIORITY_NORMAL,
	};
	call(fd, DRM_IOCTL_QACCEL_QUEUE_CREATE, &queue, "QUEUE_CREATE");

	uint32_t syncobj;
	if (drmSyncobjCreate(fd, 0, &syncobj)) {
		perror("drmSyncobjCreate");
		exit(1);
	}

	strcpy((char *)map + SOURCE, "hello from the device");
	submit(fd, queue.id, va, write_stream(map, va), syncobj);

	int ret = drmSyncobjWait(fd, &syncobj, 1, INT64_MAX, 0, NULL);
	if (ret) {
		fprintf(stderr, "drmSyncobjWait: %s\n", strerror(-ret));
		exit(1);
	}
	check(fd, queue.id);
	printf("%s\n", (char *)map + DESTINATION);

	/* Closing the file frees all of it. */
	close(fd);
	return 0;
}
