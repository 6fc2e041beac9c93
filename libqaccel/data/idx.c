// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <zlib.h>

#include "error.h"
#include "idx.h"

#define TYPE_BYTE	8

/* Deflate makes at most 1032 bytes of one. */
#define MAX_INFLATION	1032

/* A file's bytes, inflated if need be. zlib's next_in and avail_in are the buffer. */
struct source {
	const char *path;
	FILE *file;
	bool gzip;
	bool ended;			/* the gzip data, checksum and all */
	z_stream z;
	uint8_t buffer[1 << 16];
};

/* ------------------------------------------------------------- source -- */

static int refill(struct source *s)
{
	size_t got;

	if (s->z.avail_in)
		return 0;
	got = fread(s->buffer, 1, sizeof(s->buffer), s->file);
	if (ferror(s->file))
		return qaccel_error(errno, "%s: %s", s->path, strerror(errno));
	s->z.next_in = s->buffer;
	s->z.avail_in = (uInt)got;
	return 0;
}

static int source_open(struct source *s, const char *path)
{
	int err;

	memset(s, 0, sizeof(*s));
	s->path = path;
	s->file = fopen(path, "rb");
	if (!s->file)
		return qaccel_error(errno, "%s: %s", path, strerror(errno));
	err = refill(s);
	if (err) {
		fclose(s->file);
		return err;
	}
	s->gzip = s->z.avail_in >= 2 && s->buffer[0] == 0x1f &&
		  s->buffer[1] == 0x8b;
	/* 16: with a gzip header, and not zlib's. */
	if (s->gzip && inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK) {
		fclose(s->file);
		return qaccel_error(ENOMEM, "%s: out of memory", path);
	}
	return 0;
}

static void source_close(struct source *s)
{
	if (s->gzip)
		inflateEnd(&s->z);
	fclose(s->file);
}

/* As many bytes as one refill gives: 0 at the end only. */
static int copy_some(struct source *s, uint8_t *to, size_t size, size_t *got)
{
	*got = s->z.avail_in < size ? s->z.avail_in : size;
	memcpy(to, s->z.next_in, *got);
	s->z.next_in += *got;
	s->z.avail_in -= (uInt)*got;
	return 0;
}

/* The same; with 0 bytes got, there is more to come unless ended. */
static int inflate_some(struct source *s, uint8_t *to, size_t size, size_t *got)
{
	int status;

	if (!s->z.avail_in)
		return qaccel_error(EBADMSG, "%s: the gzip data are cut off",
				    s->path);
	s->z.next_out = to;
	s->z.avail_out = (uInt)size;
	status = inflate(&s->z, Z_NO_FLUSH);
	*got = size - s->z.avail_out;
	if (status == Z_MEM_ERROR)
		return qaccel_error(ENOMEM, "%s: out of memory", s->path);
	if (status != Z_OK && status != Z_STREAM_END)
		return qaccel_error(EBADMSG, "%s: broken gzip data (%s)", s->path,
				    s->z.msg ? s->z.msg : "preset dictionary");
	s->ended = status == Z_STREAM_END;
	return 0;
}

/* Up to size bytes, which is below 4 GiB; fewer at the end only. */
static int source_read(struct source *s, void *data, size_t size, size_t *total)
{
	uint8_t *to = data;

	*total = 0;
	while (*total < size && !s->ended) {
		size_t got = 0;
		int err = refill(s);

		if (!err && s->gzip)
			err = inflate_some(s, to + *total, size - *total, &got);
		else if (!err)
			err = copy_some(s, to + *total, size - *total, &got);
		if (err)
			return err;
		*total += got;
		if (!got && !s->gzip)
			break;
	}
	return 0;
}

/* Nothing may follow, neither in the gzip data nor after them. */
static int source_check_end(struct source *s)
{
	uint8_t byte;
	size_t got;
	int err;

	err = source_read(s, &byte, 1, &got);
	if (!err && !got)
		err = refill(s);
	if (err)
		return err;
	if (got || s->z.avail_in)
		return qaccel_error(EBADMSG, "%s: bytes after the last element",
				    s->path);
	return 0;
}

/* ---------------------------------------------------------------- idx -- */

static int read_exactly(struct source *s, void *data, size_t size,
			const char *what)
{
	size_t got;
	int err;

	err = source_read(s, data, size, &got);
	if (!err && got < size)
		err = qaccel_error(EBADMSG, "%s: cut off within the %s", s->path,
				   what);
	return err;
}

static int read_dims(struct source *s, struct idx *idx)
{
	uint8_t bytes[4];
	int err;

	idx->size = 1;
	for (uint32_t d = 0; d < IDX_MAX_RANK; d++) {
		uint32_t n = 1;

		if (d < idx->rank) {
			err = read_exactly(s, bytes, 4, "dimensions");
			if (err)
				return err;
			n = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
			    (uint32_t)bytes[2] << 8 | bytes[3];
		}
		if (!n)
			return qaccel_error(EBADMSG, "%s: dimension %u is 0",
					    s->path, d);
		if (n > IDX_MAX_SIZE / idx->size)
			return qaccel_error(EFBIG, "%s: more than %u elements",
					    s->path, IDX_MAX_SIZE);
		idx->dims[d] = n;
		idx->size *= n;
	}
	return 0;
}

static int read_head(struct source *s, struct idx *idx)
{
	uint8_t magic[4];
	int err;

	err = read_exactly(s, magic, 4, "magic number");
	if (err)
		return err;
	if (magic[0] || magic[1] || magic[2] < TYPE_BYTE || magic[2] > 0xe)
		return qaccel_error(EBADMSG, "%s: not an idx file", s->path);
	if (magic[2] != TYPE_BYTE)
		return qaccel_error(EOPNOTSUPP, "%s: elements of type %u; only bytes (8) are supported",
				    s->path, magic[2]);
	if (magic[3] < 1 || magic[3] > IDX_MAX_RANK)
		return qaccel_error(EOPNOTSUPP, "%s: rank %u; 1 to 4 are supported",
				    s->path, magic[3]);
	idx->rank = magic[3];
	return read_dims(s, idx);
}

/* Before memory is taken for what a short file claims to hold. */
static int check_length(const struct source *s, const struct idx *idx)
{
	uint64_t limit;
	struct stat st;

	if (fstat(fileno(s->file), &st) || !S_ISREG(st.st_mode))
		return 0;
	limit = (uint64_t)st.st_size;
	if (s->gzip)
		limit *= MAX_INFLATION;
	if (idx->size > limit)
		return qaccel_error(EBADMSG, "%s: %zu elements, but only %llu bytes",
				    s->path, idx->size,
				    (unsigned long long)st.st_size);
	return 0;
}

static int read_idx(struct source *s, struct idx *idx)
{
	int err;

	err = read_head(s, idx);
	if (!err)
		err = check_length(s, idx);
	if (err)
		return err;
	idx->values = malloc(idx->size);
	if (!idx->values)
		return qaccel_error(ENOMEM, "%s: out of memory", s->path);
	err = read_exactly(s, idx->values, idx->size, "elements");
	if (!err)
		err = source_check_end(s);
	if (err)
		free(idx->values);
	return err;
}

int idx_open(const char *path, struct idx *idx)
{
	struct source *s = malloc(sizeof(*s));
	struct idx result = { 0 };
	int err;

	if (!s)
		return qaccel_error(ENOMEM, "%s: out of memory", path);
	err = source_open(s, path);
	if (!err) {
		err = read_idx(s, &result);
		source_close(s);
	}
	free(s);
	if (!err)
		*idx = result;
	return err;
}

void idx_close(struct idx *idx)
{
	if (!idx)
		return;
	free(idx->values);
	*idx = (struct idx){ 0 };
}
