/* SPDX-License-Identifier: MIT */
/*
 * Fields of a file, little-endian, in one order for both ways: the function
 * that lists a structure's fields reads and writes them.
 */
#ifndef QACCEL_TRAIN_STREAM_H
#define QACCEL_TRAIN_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream {
	bool writing;
	int err;			/* the first: -ENOMEM, -EBADMSG; nothing goes on */
	uint8_t *data;			/* writing: grows, to be freed by the owner */
	size_t at, size;		/* size: of all to read, or of the memory */
};

void stream_bytes(struct stream *s, void *bytes, size_t size);
void stream_u32(struct stream *s, uint32_t *value);
void stream_u64(struct stream *s, uint64_t *value);
void stream_bool(struct stream *s, bool *value);	/* four bytes */
void stream_floats(struct stream *s, float *values, size_t count);
void stream_double(struct stream *s, double *value);
/* Zeros up to the next multiple of 8. */
void stream_align(struct stream *s);

#endif /* QACCEL_TRAIN_STREAM_H */
