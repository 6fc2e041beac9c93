// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>

#include <qaccel/qaccel.h>

#include "error.h"

/* Per thread, so that threads sharing a handle don't see each other's. */
static _Thread_local char last_error[512] = "no error";

const char *qaccel_last_error(void)
{
	return last_error;
}

int qaccel_error(int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_error, sizeof(last_error), format, args);
	va_end(args);
	return -code;
}
