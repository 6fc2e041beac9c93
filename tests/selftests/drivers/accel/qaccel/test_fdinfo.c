// SPDX-License-Identifier: GPL-2.0
/* /proc/PID/fdinfo of our file: Documentation/gpu/drm-usage-stats.rst */
#include "qaccel_test.h"

FIXTURE(fdinfo)
{
	struct qaccel_ctx c;
	char text[4096];
};

FIXTURE_SETUP(fdinfo)
{
	qaccel_setup(&self->c);
}

FIXTURE_TEARDOWN(fdinfo)
{
	qaccel_ctx_fini(&self->c);
}

static int read_fdinfo(int fd, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = open(path, O_RDONLY);
	if (file < 0)
		return -errno;
	n = read(file, text, size - 1);
	close(file);
	if (n < 0)
		return -errno;
	text[n] = 0;
	return 0;
}

/* The value of the line "key:", and "" without one. */
static const char *value_of(const char *text, const char *key)
{
	static char value[128];
	const size_t len = strlen(key);

	value[0] = 0;
	for (; text && *text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL)
		if (!strncmp(text, key, len) && text[len] == ':')
			sscanf(text + len + 1, " %127[^\n]", value);
	return value;
}

/* Sum of all lines that begin with prefix; units of 1024 are resolved. */
static __u64 sum_of(const char *text, const char *prefix)
{
	static const char capacity[] = "drm-engine-capacity-";
	__u64 sum = 0;

	for (; text && *text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL) {
		unsigned long long v;
		char unit[16] = "";
		const char *colon;

		if (strncmp(text, prefix, strlen(prefix)) || !strncmp(text, capacity, strlen(capacity)))
			continue;
		colon = strchr(text, ':');
		if (!colon || sscanf(colon + 1, " %llu %15s", &v, unit) < 1)
			continue;
		sum += v << (!strcmp(unit, "KiB") ? 10 : !strcmp(unit, "MiB") ? 20 : 0);
	}
	return sum;
}

TEST_F(fdinfo, names_driver_client_and_device)
{
	unsigned int a, b, c, d;

	ASSERT_EQ(0, read_fdinfo(self->c.fd, self->text, sizeof(self->text)));
	EXPECT_STREQ("qaccel", value_of(self->text, "drm-driver"));
	EXPECT_NE(0, value_of(self->text, "drm-client-id")[0]);
	EXPECT_EQ(4, sscanf(value_of(self->text, "drm-pdev"), "%x:%x:%x.%x", &a, &b, &c, &d));
}

TEST_F(fdinfo, clients_have_ids_of_their_own)
{
	char first[128];
	int fd = qaccel_open();

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, read_fdinfo(self->c.fd, self->text, sizeof(self->text)));
	snprintf(first, sizeof(first), "%s", value_of(self->text, "drm-client-id"));
	ASSERT_EQ(0, read_fdinfo(fd, self->text, sizeof(self->text)));
	EXPECT_STRNE(first, value_of(self->text, "drm-client-id"));
	close(fd);
}

TEST_F(fdinfo, engine_time_grows_with_jobs)
{
	__u64 before, after;

	ASSERT_EQ(0, read_fdinfo(self->c.fd, self->text, sizeof(self->text)));
	ASSERT_NE(NULL, strstr(self->text, "\ndrm-engine-"));
	before = sum_of(self->text, "drm-engine-");
	qaccel_ctx_tagged(&self->c, 0, QACCEL_TAG_SLOW);
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	ASSERT_EQ(0, read_fdinfo(self->c.fd, self->text, sizeof(self->text)));
	after = sum_of(self->text, "drm-engine-");
	EXPECT_LT(before, after);
}

TEST_F(fdinfo, engine_time_is_our_own)
{
	__u64 before, after;
	struct qaccel_ctx other;

	ASSERT_EQ(0, qaccel_ctx_init(&other));
	ASSERT_EQ(0, read_fdinfo(self->c.fd, self->text, sizeof(self->text)));
	before = sum_of(self->text, "drm-engine-");
	EXPECT_EQ(0, qaccel_ctx_check(&other, other.queue));
	ASSERT_EQ(0, read_fdinfo(self->c.fd, self->text, sizeof(self->text)));
	after = sum_of(self->text, "drm-engine-");
	EXPECT_EQ(before, after);
	qaccel_ctx_fini(&other);
}

TEST_F(fdinfo, engine_time_stays_when_the_queue_goes)
{
	__u64 before, after;
	__u32 queue;

	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_NORMAL,
					 &queue));
	ASSERT_EQ(0, qaccel_ctx_check(&self->c, queue));
	ASSERT_EQ(0, read_fdinfo(self->c.fd, self->text, sizeof(self->text)));
	before = sum_of(self->text, "drm-engine-");
	ASSERT_EQ(0, qaccel_queue_destroy(self->c.fd, queue));
	ASSERT_EQ(0, read_fdinfo(self->c.fd, self->text, sizeof(self->text)));
	after = sum_of(self->text, "drm-engine-");
	EXPECT_LT(0, before);
	EXPECT_GE(after, before);
}

TEST_F(fdinfo, memory_grows_with_buffers)
{
	const __u64 size = 8 << 20;
	__u64 before, after, freed;
	__u32 handle;

	ASSERT_EQ(0, read_fdinfo(self->c.fd, self->text, sizeof(self->text)));
	ASSERT_NE(NULL, strstr(self->text, "\ndrm-total-"));
	before = sum_of(self->text, "drm-total-");
	ASSERT_EQ(0, qaccel_handle_create(self->c.fd, size, 0, &handle));
	ASSERT_EQ(0, read_fdinfo(self->c.fd, self->text, sizeof(self->text)));
	after = sum_of(self->text, "drm-total-");
	ASSERT_EQ(0, qaccel_gem_close(self->c.fd, handle));
	ASSERT_EQ(0, read_fdinfo(self->c.fd, self->text, sizeof(self->text)));
	freed = sum_of(self->text, "drm-total-");
	EXPECT_EQ(size, after - before);
	EXPECT_EQ(before, freed);
}

TEST_F(fdinfo, can_be_read_while_jobs_run)
{
	int i;

	for (i = 0; i < 8; i++)
		qaccel_ctx_tagged(&self->c, i, QACCEL_TAG_SLOW);
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 9, 0, 0));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, read_fdinfo(self->c.fd, self->text, sizeof(self->text)));
	}
	EXPECT_EQ(0, qaccel_bo_wait(self->c.fd, self->c.bo.handle, qaccel_patience()));
}

TEST_HARNESS_MAIN
