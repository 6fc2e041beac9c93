// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>

#include "tool.h"

int tool_error(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("qaccel: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return TOOL_FAILED;
}

int tool_library_error(void)
{
	return tool_error("%s", qaccel_last_error());
}
