// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <idx.h>

#include "examples.h"
#include "tool.h"

struct reader {
	const struct examples *examples;
	const struct qaccel_tensor_info *input;
	examples_fn *fn;
	void *context;
	float *values;			/* room for one example */
	uint8_t *bytes;
	uint32_t count;
};

static size_t num_values(const struct reader *r)
{
	return r->input->size / sizeof(float);
}

static bool is_done(const struct reader *r)
{
	return r->count == r->examples->max;
}

static int show(struct reader *r)
{
	r->count++;
	return r->fn(r->context, r->values);
}

static int show_bytes(struct reader *r, const uint8_t *bytes)
{
	float low = r->examples->low, high = r->examples->high;

	for (size_t i = 0; i < num_values(r); i++)
		r->values[i] = low + (high - low) * (float)bytes[i] / 255;
	return show(r);
}

/* --------------------------------------------------------------- formats -- */

static int read_picture(struct reader *r, const char *path)
{
	struct qaccel_tensor_info info = *r->input;
	struct image image;
	int ret;

	ret = image_load(path, &image);
	if (ret)
		return ret;
	info.type = QACCEL_TYPE_UINT8;
	ret = image_to_tensor(&image, &info, r->bytes);
	image_free(&image);
	return ret ? ret : show_bytes(r, r->bytes);
}

/* Whether the pictures are of the input's height, width and channels. */
static bool idx_fits(const struct reader *r, const struct idx *idx)
{
	const struct qaccel_tensor_info *in = r->input;
	uint32_t channels = idx->rank > 3 ? idx->dims[3] : 1;

	return idx->rank >= 3 && in->rank == 4 && in->dims[0] == 1 &&
	       (uint32_t)in->dims[1] == idx->dims[1] &&
	       (uint32_t)in->dims[2] == idx->dims[2] &&
	       (uint32_t)in->dims[3] == channels;
}

static int read_idx(struct reader *r, const char *path)
{
	char shape[96];
	struct idx idx;
	int ret = TOOL_OK;

	if (idx_open(path, &idx))
		return tool_library_error();
	if (!idx_fits(r, &idx))
		ret = tool_error("%s: no pictures of the input's shape, %s", path,
				 report_shape(r->input, shape));
	for (uint32_t i = 0; !ret && i < idx.dims[0] && !is_done(r); i++)
		ret = show_bytes(r, idx.values + i * num_values(r));
	idx_close(&idx);
	return ret;
}

static int read_floats(struct reader *r, const char *path)
{
	size_t size = 0;
	uint8_t *data = file_read(path, &size);
	int ret = TOOL_OK;

	if (!data)
		return TOOL_FAILED;
	if (!size || size % r->input->size)
		ret = tool_error("%s: no picture, no idx file, and its %zu bytes are not inputs of %zu floats",
				 path, size, num_values(r));
	for (size_t i = 0; !ret && i < size && !is_done(r); i += r->input->size) {
		memcpy(r->values, data + i, r->input->size);
		ret = show(r);
	}
	free(data);
	return ret;
}

/* ----------------------------------------------------------------- files -- */

static bool starts_with(const uint8_t *data, size_t size, const char *text,
			size_t length)
{
	return size >= length && !memcmp(data, text, length);
}

/* By what a file starts with. Raw floats that look like a picture are rare. */
static int read_file(struct reader *r, const char *path)
{
	uint8_t start[8];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file)
		return tool_error("%s: %s", path, strerror(errno));
	size = fread(start, 1, sizeof(start), file);
	fclose(file);
	if (starts_with(start, size, "\x89PNG\r\n\x1a\n", 8) ||
	    starts_with(start, size, "\xff\xd8\xff", 3) ||
	    starts_with(start, size, "BM", 2))
		return read_picture(r, path);
	if (starts_with(start, size, "\x1f\x8b", 2) ||
	    starts_with(start, size, "\0\0\x08", 3))
		return read_idx(r, path);
	return read_floats(r, path);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int read_folder(struct reader *r, const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_visible, alphasort), ret = TOOL_OK;
	char name[4096];
	struct stat status;

	if (count < 0)
		return tool_error("%s: %s", path, strerror(errno));
	for (int i = 0; i < count; i++) {
		int length = snprintf(name, sizeof(name), "%s/%s", path,
				      entries[i]->d_name);

		free(entries[i]);
		if (ret || is_done(r))
			continue;
		if (length >= (int)sizeof(name))
			ret = tool_error("%s: a path that is too long", path);
		else if (!stat(name, &status) && S_ISREG(status.st_mode))
			ret = read_file(r, name);
	}
	free(entries);
	return ret;
}

static int read_path(struct reader *r, const char *path)
{
	struct stat status;

	if (stat(path, &status))
		return tool_error("%s: %s", path, strerror(errno));
	return S_ISDIR(status.st_mode) ? read_folder(r, path)
				       : read_file(r, path);
}

int examples_read(const struct examples *examples,
		  const struct qaccel_tensor_info *input, examples_fn *fn,
		  void *context, uint32_t *count)
{
	struct reader r = {
		.examples = examples, .input = input, .fn = fn,
		.context = context, .values = malloc(input->size),
		.bytes = malloc(input->size),
	};
	int ret = TOOL_OK;

	if (!r.values || !r.bytes)
		ret = tool_error("out of memory");
	for (unsigned int i = 0; !ret && i < examples->num_paths && !is_done(&r);
	     i++)
		ret = read_path(&r, examples->paths[i]);
	if (!ret && !r.count)
		ret = tool_error("%s: no examples", examples->paths[0]);
	free(r.values);
	free(r.bytes);
	*count = r.count;
	return ret;
}
