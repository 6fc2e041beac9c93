// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "tool.h"

static size_t count_lines(const char *text, size_t size)
{
	size_t lines = 0;

	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	return lines + (size && text[size - 1] != '\n');
}

/* Cuts the text into lines in place; a carriage return before the end goes too. */
static void split_lines(struct labels *labels)
{
	char *line = labels->text;

	for (size_t i = 0; i < labels->count; i++) {
		char *end = line + strcspn(line, "\n");
		char *next = *end ? end + 1 : end;

		*end = '\0';
		if (end > line && end[-1] == '\r')
			end[-1] = '\0';
		labels->lines[i] = line;
		line = next;
	}
}

int labels_load(const char *path, struct labels *labels)
{
	size_t size;
	char *data = file_read(path, &size), *text;

	if (!data)
		return TOOL_FAILED;
	if (memchr(data, '\0', size)) {
		free(data);
		return tool_error("%s: not a text file", path);
	}
	text = realloc(data, size + 1);
	if (!text) {
		free(data);
		return tool_error("%s: out of memory", path);
	}
	text[size] = '\0';
	labels->text = text;
	labels->count = count_lines(text, size);
	labels->lines = calloc(labels->count + 1, sizeof(*labels->lines));
	if (!labels->lines) {
		labels_free(labels);
		return tool_error("%s: out of memory", path);
	}
	split_lines(labels);
	return TOOL_OK;
}

void labels_free(struct labels *labels)
{
	free(labels->lines);
	free(labels->text);
	*labels = (struct labels){0};
}
