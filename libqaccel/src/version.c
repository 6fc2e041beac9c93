// SPDX-License-Identifier: MIT
#include <qaccel/qaccel.h>

uint32_t qaccel_version(void)
{
	return QACCEL_VERSION_MAJOR << 16 | QACCEL_VERSION_MINOR << 8 |
	       QACCEL_VERSION_PATCH;
}
