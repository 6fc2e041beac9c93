// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

/* Read in pieces, as the length of a pipe is not known before its end. */
static void *read_all(FILE *file, size_t *size)
{
	size_t room = 1 << 16, used = 0;
	char *data = malloc(room);

	while (data) {
		used += fread(data + used, 1, room - used, file);
		if (used < room)
			break;
		room *= 2;
		char *more = realloc(data, room);

		if (!more)
			free(data);
		data = more;
	}
	*size = used;
	return data;
}

void *file_read(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	void *data;

	if (!file) {
		tool_error("%s: %s", path, strerror(errno));
		return NULL;
	}
	data = read_all(file, size);
	if (!data) {
		tool_error("%s: out of memory", path);
	} else if (ferror(file)) {
		tool_error("%s: %s", path, strerror(errno));
		free(data);
		data = NULL;
	}
	fclose(file);
	return data;
}

int file_write(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "wb");
	size_t written;

	if (!file)
		return tool_error("%s: %s", path, strerror(errno));
	written = fwrite(data, 1, size, file);
	/* A full disk may show only when the buffer is flushed. */
	if (fclose(file) || written != size)
		return tool_error("%s: %s", path, strerror(errno));
	return TOOL_OK;
}
