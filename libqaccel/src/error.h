/* SPDX-License-Identifier: MIT */
#ifndef QACCEL_ERROR_H
#define QACCEL_ERROR_H

#include "private.h"

/*
 * Sets the calling thread's last error text and returns -code, so that a
 * failure is one line: return qaccel_error(EINVAL, "stride %d is not positive", s);
 */
QACCEL_PRIVATE_API int qaccel_error(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* QACCEL_ERROR_H */
