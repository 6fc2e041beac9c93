/* SPDX-License-Identifier: MIT */
/*
 * Writing a flatbuffer
 *
 * Knows the format and nothing of schemas, as flatbuffer.h. Offsets point
 * forward, so parents are written before their children: a table is laid out
 * with all fields zero, then they are set, and vectors, strings and tables that
 * follow are linked into it. The bytes depend on the calls alone. The first
 * failure sets the error; from then on all calls do nothing, and the caller asks
 * once, at the end.
 */
#ifndef QACCEL_FLATBUFFER_WRITE_H
#define QACCEL_FLATBUFFER_WRITE_H

#include <stddef.h>
#include <stdint.h>

#define QACCEL_FBW_MAX_FIELDS	16

struct qaccel_fbw {
	uint8_t *data;		/* realloc()ed as it grows; free() it */
	size_t size, room;
	int error;		/* 0, -ENOMEM or -EFBIG */
};

/* Where a table and its fields are; 0: left out. */
struct qaccel_fbw_table {
	size_t pos;
	size_t fields[QACCEL_FBW_MAX_FIELDS];
};

/* The start of the buffer: what qaccel_fbw_link() takes for the root table. */
size_t qaccel_fbw_open(struct qaccel_fbw *w, const char identifier[4]);

/*
 * A table of count fields, each of sizes[i] bytes: 1, 2, 4, 8, or 0 to leave it
 * out; offsets have 4.
 */
struct qaccel_fbw_table qaccel_fbw_table(struct qaccel_fbw *w,
					 const uint8_t *sizes, unsigned int count);

/* Fields of the size that the table was made with. */
void qaccel_fbw_set8(struct qaccel_fbw *w, const struct qaccel_fbw_table *table,
		     unsigned int id, uint8_t value);
void qaccel_fbw_set32(struct qaccel_fbw *w, const struct qaccel_fbw_table *table,
		      unsigned int id, uint32_t value);
void qaccel_fbw_set_float(struct qaccel_fbw *w,
			  const struct qaccel_fbw_table *table, unsigned int id,
			  float value);

/* Makes the offset at from lead to a table behind it. */
void qaccel_fbw_link(struct qaccel_fbw *w, size_t from, size_t to);

/*
 * A vector, linked into the field at from: bytes whose first is aligned, words,
 * and count offsets, to be linked; returns where its first element is.
 */
size_t qaccel_fbw_bytes(struct qaccel_fbw *w, size_t from, const void *data,
			size_t count, size_t alignment);
size_t qaccel_fbw_words(struct qaccel_fbw *w, size_t from, const int32_t *values,
			size_t count);
size_t qaccel_fbw_floats(struct qaccel_fbw *w, size_t from, const float *values,
			 size_t count);
/* 64-bit elements from 32-bit ones. */
size_t qaccel_fbw_longs(struct qaccel_fbw *w, size_t from, const int32_t *values,
			size_t count);
size_t qaccel_fbw_offsets(struct qaccel_fbw *w, size_t from, size_t count);
void qaccel_fbw_string(struct qaccel_fbw *w, size_t from, const char *text);

#endif /* QACCEL_FLATBUFFER_WRITE_H */
