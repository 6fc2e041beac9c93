// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "flatbuffer_write.h"

/* Readers take offsets for signed. */
#define MAX_SIZE	((size_t)INT32_MAX)

/* ----------------------------------------------------------- the bytes -- */

static bool make_room(struct qaccel_fbw *w, size_t size)
{
	size_t room = w->room ? w->room : 4096;
	uint8_t *data;

	if (w->error)
		return false;
	if (size > MAX_SIZE - w->size) {
		w->error = qaccel_error(EFBIG, "the file would have more than 2 GiB");
		return false;
	}
	if (size <= w->room - w->size)
		return true;
	while (room < w->size + size)
		room *= 2;
	data = realloc(w->data, room);
	if (!data) {
		w->error = qaccel_error(ENOMEM, "out of memory");
		return false;
	}
	w->data = data;
	w->room = room;
	return true;
}

static void put(struct qaccel_fbw *w, const void *data, size_t size)
{
	if (!size || !make_room(w, size))
		return;
	memcpy(w->data + w->size, data, size);
	w->size += size;
}

static void put_zeros(struct qaccel_fbw *w, size_t size)
{
	if (!size || !make_room(w, size))
		return;
	memset(w->data + w->size, 0, size);
	w->size += size;
}

/* The format is little endian, whatever the machine is. */
static void to_bytes(uint64_t value, size_t size, uint8_t *bytes)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

static void put_int(struct qaccel_fbw *w, uint64_t value, size_t size)
{
	uint8_t bytes[8];

	to_bytes(value, size, bytes);
	put(w, bytes, size);
}

/* Until size + ahead is a multiple of to, a power of two. */
static void align(struct qaccel_fbw *w, size_t to, size_t ahead)
{
	put_zeros(w, -(w->size + ahead) & (to - 1));
}

/* Over what is there already; pos 0 is a field that was left out. */
static void set(struct qaccel_fbw *w, size_t pos, uint64_t value, size_t size)
{
	if (!w->error)
		to_bytes(value, size, w->data + pos);
}

static uint32_t float_bits(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* -------------------------------------------------------------- tables -- */

size_t qaccel_fbw_open(struct qaccel_fbw *w, const char identifier[4])
{
	*w = (struct qaccel_fbw){ 0 };
	put_zeros(w, 4);
	put(w, identifier, 4);
	return 0;
}

/* The vtable stands right before its table. Fields may need 8 bytes' alignment. */
struct qaccel_fbw_table qaccel_fbw_table(struct qaccel_fbw *w,
					 const uint8_t *sizes, unsigned int count)
{
	uint16_t offsets[QACCEL_FBW_MAX_FIELDS] = { 0 };
	struct qaccel_fbw_table table = { 0 };
	size_t size = 4, vtable_size = 4 + 2 * (size_t)count;

	for (unsigned int i = 0; i < count; i++) {
		if (!sizes[i])
			continue;
		size = (size + sizes[i] - 1) & ~((size_t)sizes[i] - 1);
		offsets[i] = (uint16_t)size;
		size += sizes[i];
	}
	align(w, 8, vtable_size);
	put_int(w, vtable_size, 2);
	put_int(w, size, 2);
	for (unsigned int i = 0; i < count; i++)
		put_int(w, offsets[i], 2);
	table.pos = w->size;
	for (unsigned int i = 0; i < count; i++)
		table.fields[i] = sizes[i] ? table.pos + offsets[i] : 0;
	put_int(w, vtable_size, 4);
	put_zeros(w, size - 4);
	return table;
}

void qaccel_fbw_set8(struct qaccel_fbw *w, const struct qaccel_fbw_table *table,
		     unsigned int id, uint8_t value)
{
	set(w, table->fields[id], value, 1);
}

void qaccel_fbw_set32(struct qaccel_fbw *w, const struct qaccel_fbw_table *table,
		      unsigned int id, uint32_t value)
{
	set(w, table->fields[id], value, 4);
}

void qaccel_fbw_set_float(struct qaccel_fbw *w,
			  const struct qaccel_fbw_table *table, unsigned int id,
			  float value)
{
	set(w, table->fields[id], float_bits(value), 4);
}

void qaccel_fbw_link(struct qaccel_fbw *w, size_t from, size_t to)
{
	set(w, from, to - from, 4);
}

/* ------------------------------------------------------------- vectors -- */

/* The count of a vector; its first element comes next. */
static size_t start_vector(struct qaccel_fbw *w, size_t from, size_t count,
			   size_t alignment)
{
	align(w, alignment < 4 ? 4 : alignment, 4);
	qaccel_fbw_link(w, from, w->size);
	put_int(w, count, 4);
	return w->size;
}

size_t qaccel_fbw_bytes(struct qaccel_fbw *w, size_t from, const void *data,
			size_t count, size_t alignment)
{
	size_t first = start_vector(w, from, count, alignment);

	put(w, data, count);
	return first;
}

size_t qaccel_fbw_words(struct qaccel_fbw *w, size_t from, const int32_t *values,
			size_t count)
{
	size_t first = start_vector(w, from, count, 4);

	for (size_t i = 0; i < count; i++)
		put_int(w, (uint32_t)values[i], 4);
	return first;
}

size_t qaccel_fbw_floats(struct qaccel_fbw *w, size_t from, const float *values,
			 size_t count)
{
	size_t first = start_vector(w, from, count, 4);

	for (size_t i = 0; i < count; i++)
		put_int(w, float_bits(values[i]), 4);
	return first;
}

size_t qaccel_fbw_longs(struct qaccel_fbw *w, size_t from, const int32_t *values,
			size_t count)
{
	size_t first = start_vector(w, from, count, 8);

	for (size_t i = 0; i < count; i++)
		put_int(w, (uint64_t)(int64_t)values[i], 8);
	return first;
}

size_t qaccel_fbw_offsets(struct qaccel_fbw *w, size_t from, size_t count)
{
	size_t first = start_vector(w, from, count, 4);

	put_zeros(w, 4 * count);
	return first;
}

void qaccel_fbw_string(struct qaccel_fbw *w, size_t from, const char *text)
{
	qaccel_fbw_bytes(w, from, text, strlen(text), 4);
	put_zeros(w, 1);
}
