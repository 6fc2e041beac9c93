// SPDX-License-Identifier: MIT
#include <qaccel/qaccel.h>

static const struct {
	size_t size;
	const char *name;
} types[] = {
	[QACCEL_TYPE_UINT8] = { 1, "UINT8" },
	[QACCEL_TYPE_INT8] = { 1, "INT8" },
	[QACCEL_TYPE_INT16] = { 2, "INT16" },
	[QACCEL_TYPE_INT32] = { 4, "INT32" },
	[QACCEL_TYPE_FLOAT32] = { 4, "FLOAT32" },
};

static bool type_known(enum qaccel_type type)
{
	return type >= QACCEL_TYPE_UINT8 && type <= QACCEL_TYPE_FLOAT32;
}

size_t qaccel_type_size(enum qaccel_type type)
{
	return type_known(type) ? types[type].size : 0;
}

const char *qaccel_type_name(enum qaccel_type type)
{
	return type_known(type) ? types[type].name : "?";
}
