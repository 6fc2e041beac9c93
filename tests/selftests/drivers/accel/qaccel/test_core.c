// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of the DRM core on our node
 *
 * GET_MAGIC and GET_UNIQUE look at the file's master, which accel nodes do not
 * have: the core dereferences NULL, with a mutex held, for anyone who may open
 * the node. Our driver has to refuse them.
 */
#include <setjmp.h>
#include <signal.h>

#include "qaccel_test.h"

FIXTURE(core)
{
	struct qaccel_ctx c;
};

FIXTURE_SETUP(core)
{
	qaccel_setup(&self->c);
}

FIXTURE_TEARDOWN(core)
{
	/* What was called may have left something broken behind. */
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
	qaccel_ctx_fini(&self->c);
}

static int get_magic(int fd)
{
	struct drm_auth args = {};

	return qaccel_ioctl(fd, DRM_IOCTL_GET_MAGIC, &args);
}

static int get_unique(int fd)
{
	char name[64];
	struct drm_unique args = { .unique_len = sizeof(name), .unique = name };

	return qaccel_ioctl(fd, DRM_IOCTL_GET_UNIQUE, &args);
}

TEST_F(core, get_magic_is_refused)
{
	EXPECT_EQ(-EACCES, get_magic(self->c.fd));
}

TEST_F(core, get_unique_is_refused)
{
	EXPECT_EQ(-EACCES, get_unique(self->c.fd));
}

TEST_F(core, refused_to_an_unprivileged_user)
{
	pid_t pid = fork();

	ASSERT_GE(pid, 0);
	if (!pid) {
		if (setgid(1000) || setuid(1000))
			_exit(3);
		if (get_magic(self->c.fd) != -EACCES)
			_exit(1);
		_exit(get_unique(self->c.fd) == -EACCES ? 0 : 2);
	}
	EXPECT_EQ(0, qaccel_wait_child(pid));
}

TEST_F(core, refused_to_an_unprivileged_user_who_opens)
{
	pid_t pid = fork();
	int status;

	ASSERT_GE(pid, 0);
	if (!pid) {
		int fd;

		if (setgid(1000) || setuid(1000))
			_exit(3);
		fd = qaccel_open();
		if (fd < 0)
			_exit(77);
		if (get_magic(fd) != -EACCES)
			_exit(1);
		_exit(get_unique(fd) == -EACCES ? 0 : 2);
	}
	status = qaccel_wait_child(pid);
	if (status == 77)
		SKIP(return, "the node is not open to everyone");
	EXPECT_EQ(0, status);
}

TEST_F(core, refused_for_any_struct_size)
{
	__u64 args[32] = {};

	/* The core goes by the number alone. */
	EXPECT_EQ(-EACCES, qaccel_ioctl(self->c.fd, _IOC(0, DRM_IOCTL_BASE, 0x01, 0), NULL));
	EXPECT_EQ(-EACCES, qaccel_ioctl(self->c.fd, _IOC(0, DRM_IOCTL_BASE, 0x02, 0), NULL));
	EXPECT_EQ(-EACCES, qaccel_ioctl(self->c.fd, _IOWR(DRM_IOCTL_BASE, 0x01, args), args));
	EXPECT_EQ(-EACCES, qaccel_ioctl(self->c.fd, _IOWR(DRM_IOCTL_BASE, 0x02, args), args));
}

#ifdef __x86_64__
#define __NR_ioctl_i386		54

/* The 32-bit entry of the kernel, which ends in .compat_ioctl. */
static int ioctl32(int fd, __u32 request, void *arg32)
{
	int ret;

	asm volatile("int $0x80"
		     : "=a"(ret)
		     : "a"(__NR_ioctl_i386), "b"(fd), "c"(request), "d"(arg32)
		     : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

static sigjmp_buf no_compat;

static void on_segv(int sig)
{
	siglongjmp(no_compat, 1);
}

struct unique32 {
	__u32 unique_len;
	__u32 unique;
};

TEST_F(core, 32_bit_calls)
{
	struct sigaction action = { .sa_handler = on_segv };
	struct low {
		struct unique32 unique;
		__u32 magic;
		struct drm_qaccel_dev_query query;
		struct drm_qaccel_dev_info info;
	} *low;

	low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
		   -1, 0);
	ASSERT_NE(MAP_FAILED, low);
	sigaction(SIGSEGV, &action, NULL);
	if (sigsetjmp(no_compat, 1))
		SKIP(return, "no 32-bit system calls in this kernel");

	/* Our structs are the same for both, so no translation is between. */
	low->query.type = DRM_QACCEL_DEV_QUERY_INFO;
	low->query.size = sizeof(low->info);
	low->query.pointer = (uintptr_t)&low->info;
	EXPECT_EQ(0, ioctl32(self->c.fd, DRM_IOCTL_QACCEL_DEV_QUERY, &low->query));
	EXPECT_EQ(0, memcmp(&low->info, &self->c.info, sizeof(low->info)));
	EXPECT_EQ(-EACCES, ioctl32(self->c.fd, _IOWR(DRM_IOCTL_BASE, 0x01, struct unique32),
				   &low->unique));
	EXPECT_EQ(-EACCES, ioctl32(self->c.fd, _IOR(DRM_IOCTL_BASE, 0x02, __u32), &low->magic));
}
#endif

TEST_F(core, version)
{
	char name[32] = "", desc[128] = "";
	struct drm_version args = {
		.name_len = sizeof(name) - 1,
		.name = name,
		.desc_len = sizeof(desc) - 1,
		.desc = desc,
	};

	ASSERT_EQ(0, qaccel_ioctl(self->c.fd, DRM_IOCTL_VERSION, &args));
	EXPECT_STREQ("qaccel", name);
	EXPECT_NE(0, desc[0]);
	EXPECT_GE(args.version_major, 1);
}

static int get_cap(int fd, __u64 cap, __u64 *value)
{
	struct drm_get_cap args = { .capability = cap };
	int ret = qaccel_ioctl(fd, DRM_IOCTL_GET_CAP, &args);

	*value = args.value;
	return ret;
}

TEST_F(core, capabilities)
{
	__u64 value;

	ASSERT_EQ(0, get_cap(self->c.fd, DRM_CAP_SYNCOBJ, &value));
	EXPECT_EQ(1, value);
	ASSERT_EQ(0, get_cap(self->c.fd, DRM_CAP_SYNCOBJ_TIMELINE, &value));
	EXPECT_EQ(1, value);
	ASSERT_EQ(0, get_cap(self->c.fd, DRM_CAP_PRIME, &value));
	EXPECT_EQ(DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT, value);
}

TEST_F(core, no_master)
{
	EXPECT_NE(0, qaccel_ioctl(self->c.fd, DRM_IOCTL_SET_MASTER, NULL));
	EXPECT_NE(0, qaccel_ioctl(self->c.fd, DRM_IOCTL_DROP_MASTER, NULL));
}

TEST_F(core, no_authentication)
{
	struct drm_auth args = { .magic = 1 };

	EXPECT_EQ(-EACCES, qaccel_ioctl(self->c.fd, DRM_IOCTL_AUTH_MAGIC, &args));
}

TEST_F(core, no_mode_setting)
{
	struct drm_set_client_cap cap = { .capability = 1, .value = 1 };

	EXPECT_NE(0, qaccel_ioctl(self->c.fd, DRM_IOCTL_SET_CLIENT_CAP, &cap));
}

static int use_global_names(void)
{
	struct drm_gem_flink flink = {};
	struct drm_gem_open open = { .name = 1 };
	int fd;

	if (setgid(1000) || setuid(1000))
		return 1;
	fd = qaccel_open();
	if (fd < 0)
		return 77;
	if (qaccel_handle_create(fd, 4096, 0, &flink.handle))
		return 2;
	if (qaccel_ioctl(fd, DRM_IOCTL_GEM_FLINK, &flink) != -EACCES)
		return 3;
	return qaccel_ioctl(fd, DRM_IOCTL_GEM_OPEN, &open) == -EACCES ? 0 : 4;
}

TEST_F(core, no_global_names)
{
	pid_t pid = fork();
	int status;

	/* Anybody could guess them; the core keeps them for CAP_SYS_ADMIN. */
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(use_global_names());
	status = qaccel_wait_child(pid);
	if (status == 77)
		SKIP(return, "the node is not open to everyone");
	EXPECT_EQ(0, status);
}

TEST_F(core, read_has_no_events)
{
	char buffer[64];

	ASSERT_EQ(0, fcntl(self->c.fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-1, read(self->c.fd, buffer, sizeof(buffer)));
	EXPECT_EQ(EAGAIN, errno);
}

TEST_F(core, unknown_driver_ioctls)
{
	unsigned int nr;
	__u64 args[16] = {};

	for (nr = DRM_COMMAND_BASE + DRM_QACCEL_QUEUE_GET_STATE + 1; nr < DRM_COMMAND_END; nr++) {
		EXPECT_GT(0, qaccel_ioctl(self->c.fd, _IOWR(DRM_IOCTL_BASE, nr, args), args));
	}
}

TEST_F(core, every_number_with_zeroes)
{
	unsigned int nr;

	for (nr = 0; nr < 256; nr++) {
		__u64 args[32] = {};

		qaccel_ioctl(self->c.fd, _IOWR(DRM_IOCTL_BASE, nr, args), args);
	}
}

TEST_F(core, every_number_with_ones)
{
	unsigned int nr;

	for (nr = 0; nr < 256; nr++) {
		__u64 args[32];

		memset(args, 0xff, sizeof(args));
		qaccel_ioctl(self->c.fd, _IOWR(DRM_IOCTL_BASE, nr, args), args);
	}
}

TEST_F(core, every_number_without_an_argument)
{
	unsigned int nr;

	for (nr = 0; nr < 256; nr++) {
		qaccel_ioctl(self->c.fd, _IO(DRM_IOCTL_BASE, nr), NULL);
		qaccel_ioctl(self->c.fd, _IOWR(DRM_IOCTL_BASE, nr, __u64[8]), (void *)8);
	}
}

TEST_F(core, every_number_with_noise)
{
	unsigned int round, nr, i;
	struct qaccel_ctx other;
	__u32 state = 1;

	/* On a file of its own, as it may well destroy its queue. */
	ASSERT_EQ(0, qaccel_ctx_init(&other));
	for (round = 0; round < 20; round++) {
		for (nr = DRM_COMMAND_BASE; nr < DRM_COMMAND_BASE + 12; nr++) {
			__u32 args[32];

			for (i = 0; i < ARRAY_SIZE(args); i++) {
				state = state * 1664525 + 1013904223;
				/* Small numbers often, as those are ids and flags. */
				args[i] = state & 0x10000 ? state >> 28 : state;
			}
			qaccel_ioctl(other.fd, _IOWR(DRM_IOCTL_BASE, nr, args), args);
		}
	}
	close(other.fd);
}

TEST_HARNESS_MAIN
