/* SPDX-License-Identifier: MIT */
/*
 * Reading a flatbuffer that nobody vouches for
 *
 * Knows the format and nothing of schemas. Every offset is checked before it is
 * followed and every read is a copy, so alignment doesn't matter. The first
 * thing that is wrong sets the error of the buffer and the last-error text;
 * from then on every access gives its default, vectors are empty, and the
 * caller asks once, at the end of a table, whether all went well.
 */
#ifndef QACCEL_FLATBUFFER_H
#define QACCEL_FLATBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qaccel_fb {
	const uint8_t *data;
	size_t size;
	int error;		/* 0 or -EBADMSG */
	char where[64];		/* for messages: "tensor 7", set by the reader */
};

/* A table; all of it but what its offsets point to was checked. */
struct qaccel_fb_table {
	struct qaccel_fb *fb;
	size_t pos;		/* 0: no table, every field is left out */
	size_t vtable;
	uint32_t vtable_size;
	uint32_t size;
};

/* A vector; all elements lie inside of the buffer. */
struct qaccel_fb_vector {
	struct qaccel_fb *fb;
	size_t pos;		/* of element 0 */
	uint32_t count;
	const char *name;	/* of the field, for messages */
};

/* A string, or no pointer and length 0 if it is left out. NUL follows its end. */
struct qaccel_fb_string {
	const char *text;
	uint32_t length;
};

/* Sets the error, once, to "where: ..."; returns it. */
int qaccel_fb_fail(struct qaccel_fb *fb, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Starts on a buffer, which must carry this file identifier; gives the root. */
struct qaccel_fb_table qaccel_fb_open(struct qaccel_fb *fb, const void *data,
				      size_t size, const char identifier[4]);

/*
 * Field id of a table (its number in the schema, from 0); the default if it is
 * left out. name is for messages.
 */
uint8_t qaccel_fb_u8(const struct qaccel_fb_table *table, unsigned int id,
		     const char *name, uint8_t missing);
int8_t qaccel_fb_i8(const struct qaccel_fb_table *table, unsigned int id,
		    const char *name, int8_t missing);
uint32_t qaccel_fb_u32(const struct qaccel_fb_table *table, unsigned int id,
		       const char *name, uint32_t missing);
int32_t qaccel_fb_i32(const struct qaccel_fb_table *table, unsigned int id,
		      const char *name, int32_t missing);
uint64_t qaccel_fb_u64(const struct qaccel_fb_table *table, unsigned int id,
		       const char *name, uint64_t missing);
float qaccel_fb_f32(const struct qaccel_fb_table *table, unsigned int id,
		    const char *name, float missing);

/* Whether the field is there. */
bool qaccel_fb_has(const struct qaccel_fb_table *table, unsigned int id);

/* pos is 0 if the field is left out. */
struct qaccel_fb_table qaccel_fb_table(const struct qaccel_fb_table *table,
				       unsigned int id, const char *name);
/* count is 0 if it is left out; element_size is that of tables' offsets: 4. */
struct qaccel_fb_vector qaccel_fb_vector(const struct qaccel_fb_table *table,
					 unsigned int id, const char *name,
					 size_t element_size);
struct qaccel_fb_string qaccel_fb_string(const struct qaccel_fb_table *table,
					 unsigned int id, const char *name);

/* Element i of a vector; i must be below its count. */
struct qaccel_fb_table qaccel_fb_table_at(const struct qaccel_fb_vector *vector,
					  uint32_t i);
int32_t qaccel_fb_i32_at(const struct qaccel_fb_vector *vector, uint32_t i);
int64_t qaccel_fb_i64_at(const struct qaccel_fb_vector *vector, uint32_t i);
float qaccel_fb_f32_at(const struct qaccel_fb_vector *vector, uint32_t i);

#endif /* QACCEL_FLATBUFFER_H */
