// SPDX-License-Identifier: GPL-2.0
/* DRM_IOCTL_QACCEL_DEV_QUERY */
#include "qaccel_test.h"

FIXTURE(dev_query)
{
	struct qaccel_ctx c;
};

FIXTURE_SETUP(dev_query)
{
	qaccel_setup(&self->c);
}

FIXTURE_TEARDOWN(dev_query)
{
	qaccel_ctx_fini(&self->c);
}

static int query(int fd, __u32 type, void *data, __u32 *size)
{
	struct drm_qaccel_dev_query args = {
		.type = type,
		.size = *size,
		.pointer = (uintptr_t)data,
	};
	int ret = qaccel_ioctl(fd, DRM_IOCTL_QACCEL_DEV_QUERY, &args);

	*size = args.size;
	return ret;
}

TEST_F(dev_query, unknown_type)
{
	struct drm_qaccel_dev_info info;

	EXPECT_EQ(-EINVAL, qaccel_query(self->c.fd, 2, &info, sizeof(info)));
	EXPECT_EQ(-EINVAL, qaccel_query(self->c.fd, ~0u, &info, sizeof(info)));
	EXPECT_EQ(-EINVAL, qaccel_query(self->c.fd, 2, NULL, 0));
}

TEST_F(dev_query, bad_pointer)
{
	EXPECT_EQ(-EFAULT, qaccel_query(self->c.fd, DRM_QACCEL_DEV_QUERY_INFO, (void *)8,
					sizeof(struct drm_qaccel_dev_info)));
}

TEST_F(dev_query, bad_tail_pointer)
{
	long page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, munmap(map + page, page));
	/* What the kernel knows fits, what it must clear does not. */
	EXPECT_EQ(-EFAULT, qaccel_query(self->c.fd, DRM_QACCEL_DEV_QUERY_INFO,
					map + page - sizeof(struct drm_qaccel_dev_info),
					sizeof(struct drm_qaccel_dev_info) + 64));
}

TEST_F(dev_query, size_only)
{
	__u32 size = 0;

	ASSERT_EQ(0, query(self->c.fd, DRM_QACCEL_DEV_QUERY_INFO, NULL, &size));
	EXPECT_EQ(sizeof(struct drm_qaccel_dev_info), size);
	size = 4;
	ASSERT_EQ(0, query(self->c.fd, DRM_QACCEL_DEV_QUERY_COUNTERS, NULL, &size));
	EXPECT_EQ(sizeof(struct drm_qaccel_dev_counters), size);
}

TEST_F(dev_query, smaller_size_is_not_overrun)
{
	__u8 data[sizeof(struct drm_qaccel_dev_info)];
	__u32 size = 8, i;

	memset(data, 0xa5, sizeof(data));
	ASSERT_EQ(0, query(self->c.fd, DRM_QACCEL_DEV_QUERY_INFO, data, &size));
	EXPECT_EQ(8, size);
	EXPECT_EQ(0, memcmp(data, &self->c.info, 8));
	for (i = 8; i < sizeof(data); i++) {
		ASSERT_EQ(0xa5, data[i]);
	}
}

TEST_F(dev_query, larger_size_is_cleared)
{
	__u8 data[sizeof(struct drm_qaccel_dev_info) + 100];
	__u32 size = sizeof(data), i;

	memset(data, 0xa5, sizeof(data));
	ASSERT_EQ(0, query(self->c.fd, DRM_QACCEL_DEV_QUERY_INFO, data, &size));
	EXPECT_EQ(sizeof(struct drm_qaccel_dev_info), size);
	EXPECT_EQ(0, memcmp(data, &self->c.info, size));
	for (i = size; i < sizeof(data); i++) {
		ASSERT_EQ(0, data[i]);
	}
}

TEST_F(dev_query, zero_size)
{
	__u8 data = 0xa5;
	__u32 size = 0;

	ASSERT_EQ(0, query(self->c.fd, DRM_QACCEL_DEV_QUERY_INFO, &data, &size));
	EXPECT_EQ(0, size);
	EXPECT_EQ(0xa5, data);
}

TEST_F(dev_query, info_makes_sense)
{
	const struct drm_qaccel_dev_info *info = &self->c.info;

	EXPECT_EQ(QACCEL_HW_VERSION_MAJOR, info->hw_version >> 16);
	EXPECT_GE(info->num_engines, 1);
	EXPECT_LE(info->num_engines, QACCEL_MAX_ENGINES);
	EXPECT_TRUE(info->opcodes & 1ull << QACCEL_OP_END);
	EXPECT_TRUE(info->opcodes & 1ull << QACCEL_OP_COPY);
	EXPECT_FALSE(info->opcodes & 1ull << QACCEL_OP_INVALID);
	EXPECT_TRUE(info->layouts & 1u << (info->layout_preferred & 0xff));
	EXPECT_TRUE(info->layouts & 1u << (info->layout_preferred >> 8 & 0xff));
	EXPECT_LT(info->va_start, info->va_end);
	EXPECT_LE(info->va_end, 1ull << QACCEL_VA_BITS);
	EXPECT_EQ(0, info->va_start % info->page_size);
	EXPECT_EQ(0, info->va_end % info->page_size);
	EXPECT_GE(info->local_mem, 1 << 20);
	EXPECT_GE(info->max_stream, QACCEL_CMD_SIZE);
	EXPECT_LE(info->max_stream, QACCEL_MAX_STREAM);
	EXPECT_GE(info->page_size, QACCEL_PAGE_SIZE);
	EXPECT_NE(0, info->clock_khz);
	EXPECT_NE(0, info->job_timeout_ms);
	EXPECT_NE(0, info->max_jobs);
	EXPECT_NE(0, info->max_syncs);
	EXPECT_NE(0, info->max_bind_ops);
}

TEST_F(dev_query, info_is_constant)
{
	struct drm_qaccel_dev_info info;

	ASSERT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
	ASSERT_EQ(0, qaccel_info(self->c.fd, &info));
	EXPECT_EQ(0, memcmp(&info, &self->c.info, sizeof(info)));
}

TEST_F(dev_query, counters_are_read)
{
	struct drm_qaccel_dev_counters counters;

	memset(&counters, 0xff, sizeof(counters));
	ASSERT_EQ(0, qaccel_counters(self->c.fd, &counters));
	EXPECT_NE(~0ull, counters.submits);
	EXPECT_NE(~0ull, counters.tlb_misses);
}

TEST_F(dev_query, shorter_and_longer_ioctl_struct)
{
	/* The number says how long the struct is; DRM zero-extends and truncates. */
	struct {
		struct drm_qaccel_dev_query query;
		__u64 more;
	} longer = { .query.type = DRM_QACCEL_DEV_QUERY_INFO };
	unsigned long nr = DRM_IOCTL_QACCEL_DEV_QUERY;

	nr &= ~(_IOC_SIZEMASK << _IOC_SIZESHIFT);
	ASSERT_EQ(0, qaccel_ioctl(self->c.fd, nr | sizeof(longer) << _IOC_SIZESHIFT, &longer));
	EXPECT_EQ(sizeof(struct drm_qaccel_dev_info), longer.query.size);
	longer.query.size = 0;
	ASSERT_EQ(0, qaccel_ioctl(self->c.fd, nr | 8 << _IOC_SIZESHIFT, &longer));
	EXPECT_EQ(sizeof(struct drm_qaccel_dev_info), longer.query.size);
}

TEST_HARNESS_MAIN
