// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "flatbuffer.h"

/* The format is little endian, whatever the machine is. */
static uint64_t get(const struct qaccel_fb *fb, size_t pos, size_t size)
{
	uint64_t value = 0;

	for (size_t i = size; i-- > 0;)
		value = value << 8 | fb->data[pos + i];
	return value;
}

static uint32_t get32(const struct qaccel_fb *fb, size_t pos)
{
	return (uint32_t)get(fb, pos, 4);
}

static uint16_t get16(const struct qaccel_fb *fb, size_t pos)
{
	return (uint16_t)get(fb, pos, 2);
}

static float to_float(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* size bytes at pos are inside; neither can overflow. */
static bool inside(const struct qaccel_fb *fb, size_t pos, uint64_t size)
{
	return pos <= fb->size && size <= fb->size - pos;
}

int qaccel_fb_fail(struct qaccel_fb *fb, const char *format, ...)
{
	char text[256];
	va_list args;

	if (fb->error)
		return fb->error;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fb->error = qaccel_error(EBADMSG, "%s%s%s", fb->where,
				 fb->where[0] ? ": " : "", text);
	return fb->error;
}

/* Follows the 32-bit offset at pos, which is inside; 0 with the error set. */
static size_t follow(struct qaccel_fb *fb, size_t pos, const char *name)
{
	uint32_t offset = get32(fb, pos);

	/* What is there has at least 4 bytes, whatever it is. */
	if (!offset || !inside(fb, pos, (uint64_t)offset + 4)) {
		qaccel_fb_fail(fb, "%s: offset %u at byte %zu leads out of the file of %zu bytes",
			       name, offset, pos, fb->size);
		return 0;
	}
	return pos + offset;
}

/* The table at pos, of which 4 bytes are inside. */
static struct qaccel_fb_table open_table(struct qaccel_fb *fb, size_t pos,
					 const char *name)
{
	const struct qaccel_fb_table none = { .fb = fb };
	struct qaccel_fb_table table = none;
	int64_t vtable = (int64_t)pos - (int32_t)get32(fb, pos);

	if (vtable < 0 || !inside(fb, (size_t)vtable, 4)) {
		qaccel_fb_fail(fb, "%s: the vtable of the table at byte %zu is outside of the file",
			       name, pos);
		return none;
	}
	table.pos = pos;
	table.vtable = (size_t)vtable;
	table.vtable_size = get16(fb, table.vtable);
	table.size = get16(fb, table.vtable + 2);
	if (table.vtable_size < 4 || table.vtable_size % 2 ||
	    !inside(fb, table.vtable, table.vtable_size)) {
		qaccel_fb_fail(fb, "%s: the vtable at byte %zu has an impossible size of %u",
			       name, table.vtable, table.vtable_size);
		return none;
	}
	if (table.size < 4 || !inside(fb, pos, table.size)) {
		qaccel_fb_fail(fb, "%s: the table at byte %zu has an impossible size of %u",
			       name, pos, table.size);
		return none;
	}
	return table;
}

struct qaccel_fb_table qaccel_fb_open(struct qaccel_fb *fb, const void *data,
				      size_t size, const char identifier[4])
{
	const struct qaccel_fb_table none = { .fb = fb };
	size_t root;

	*fb = (struct qaccel_fb){ .data = data, .size = size };
	if (size < 8) {
		qaccel_fb_fail(fb, "the file has only %zu bytes", size);
		return none;
	}
	if (memcmp(fb->data + 4, identifier, 4)) {
		qaccel_fb_fail(fb, "the file identifier is not %.4s", identifier);
		return none;
	}
	root = follow(fb, 0, "root");
	return root ? open_table(fb, root, "root") : none;
}

/* Where the field is, with size bytes inside of the table; 0: left out. */
static size_t field(const struct qaccel_fb_table *table, unsigned int id,
		    const char *name, size_t size)
{
	size_t entry = 4 + 2 * (size_t)id;
	uint16_t offset;

	if (!table->pos || table->fb->error || entry + 2 > table->vtable_size)
		return 0;
	offset = get16(table->fb, table->vtable + entry);
	if (!offset)
		return 0;
	if (offset < 4 || offset + size > table->size) {
		qaccel_fb_fail(table->fb, "%s: the field is outside of its table at byte %zu",
			       name, table->pos);
		return 0;
	}
	return table->pos + offset;
}

bool qaccel_fb_has(const struct qaccel_fb_table *table, unsigned int id)
{
	size_t entry = 4 + 2 * (size_t)id;

	return table->pos && entry + 2 <= table->vtable_size &&
	       get16(table->fb, table->vtable + entry);
}

uint8_t qaccel_fb_u8(const struct qaccel_fb_table *table, unsigned int id,
		     const char *name, uint8_t missing)
{
	size_t pos = field(table, id, name, 1);

	return pos ? table->fb->data[pos] : missing;
}

int8_t qaccel_fb_i8(const struct qaccel_fb_table *table, unsigned int id,
		    const char *name, int8_t missing)
{
	return (int8_t)qaccel_fb_u8(table, id, name, (uint8_t)missing);
}

uint32_t qaccel_fb_u32(const struct qaccel_fb_table *table, unsigned int id,
		       const char *name, uint32_t missing)
{
	size_t pos = field(table, id, name, 4);

	return pos ? get32(table->fb, pos) : missing;
}

int32_t qaccel_fb_i32(const struct qaccel_fb_table *table, unsigned int id,
		      const char *name, int32_t missing)
{
	return (int32_t)qaccel_fb_u32(table, id, name, (uint32_t)missing);
}

uint64_t qaccel_fb_u64(const struct qaccel_fb_table *table, unsigned int id,
		       const char *name, uint64_t missing)
{
	size_t pos = field(table, id, name, 8);

	return pos ? get(table->fb, pos, 8) : missing;
}

float qaccel_fb_f32(const struct qaccel_fb_table *table, unsigned int id,
		    const char *name, float missing)
{
	size_t pos = field(table, id, name, 4);

	return pos ? to_float(get32(table->fb, pos)) : missing;
}

struct qaccel_fb_table qaccel_fb_table(const struct qaccel_fb_table *table,
				       unsigned int id, const char *name)
{
	const struct qaccel_fb_table none = { .fb = table->fb };
	size_t pos = field(table, id, name, 4);

	if (pos)
		pos = follow(table->fb, pos, name);
	return pos ? open_table(table->fb, pos, name) : none;
}

struct qaccel_fb_vector qaccel_fb_vector(const struct qaccel_fb_table *table,
					 unsigned int id, const char *name,
					 size_t element_size)
{
	struct qaccel_fb_vector vector = { .fb = table->fb, .name = name };
	size_t pos = field(table, id, name, 4);
	uint32_t count;

	if (pos)
		pos = follow(table->fb, pos, name);
	if (!pos)
		return vector;
	count = get32(table->fb, pos);
	if (!inside(table->fb, pos + 4, (uint64_t)count * element_size)) {
		qaccel_fb_fail(table->fb, "%s: %u elements at byte %zu don't fit into the file of %zu bytes",
			       name, count, pos, table->fb->size);
		return vector;
	}
	vector.pos = pos + 4;
	vector.count = count;
	return vector;
}

struct qaccel_fb_string qaccel_fb_string(const struct qaccel_fb_table *table,
					 unsigned int id, const char *name)
{
	const struct qaccel_fb_string none = { NULL, 0 };
	struct qaccel_fb_vector v = qaccel_fb_vector(table, id, name, 1);

	if (!v.pos)
		return none;
	if (!inside(v.fb, v.pos, (uint64_t)v.count + 1) ||
	    v.fb->data[v.pos + v.count]) {
		qaccel_fb_fail(v.fb, "%s: the string at byte %zu has no end",
			       name, v.pos);
		return none;
	}
	return (struct qaccel_fb_string){ (const char *)v.fb->data + v.pos,
					  v.count };
}

struct qaccel_fb_table qaccel_fb_table_at(const struct qaccel_fb_vector *vector,
					  uint32_t i)
{
	const struct qaccel_fb_table none = { .fb = vector->fb };
	size_t pos;

	if (vector->fb->error)
		return none;
	pos = follow(vector->fb, vector->pos + 4 * (size_t)i, vector->name);
	return pos ? open_table(vector->fb, pos, vector->name) : none;
}

int32_t qaccel_fb_i32_at(const struct qaccel_fb_vector *vector, uint32_t i)
{
	return (int32_t)get32(vector->fb, vector->pos + 4 * (size_t)i);
}

int64_t qaccel_fb_i64_at(const struct qaccel_fb_vector *vector, uint32_t i)
{
	return (int64_t)get(vector->fb, vector->pos + 8 * (size_t)i, 8);
}

float qaccel_fb_f32_at(const struct qaccel_fb_vector *vector, uint32_t i)
{
	return to_float(get32(vector->fb, vector->pos + 4 * (size_t)i));
}
