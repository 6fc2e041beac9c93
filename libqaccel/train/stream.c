// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

static uint8_t *grow(struct stream *s, size_t size)
{
	size_t room = s->size ? s->size : 4096;
	uint8_t *data;

	while (room - s->at < size)
		room *= 2;
	if (room == s->size)
		return s->data;
	data = realloc(s->data, room);
	if (data) {
		s->data = data;
		s->size = room;
	}
	return data;
}

/* Where the next size bytes are, or NULL. */
static uint8_t *take(struct stream *s, size_t size)
{
	uint8_t *place;

	if (s->err)
		return NULL;
	if (s->writing && !grow(s, size))
		s->err = -ENOMEM;
	else if (!s->writing && s->size - s->at < size)
		s->err = -EBADMSG;
	if (s->err)
		return NULL;
	place = s->data + s->at;
	s->at += size;
	return place;
}

void stream_bytes(struct stream *s, void *bytes, size_t size)
{
	uint8_t *place = take(s, size);

	if (!place || !size)
		return;
	if (s->writing)
		memcpy(place, bytes, size);
	else
		memcpy(bytes, place, size);
}

static void little_endian(struct stream *s, uint64_t *value, size_t size)
{
	uint8_t *place = take(s, size);

	if (!place)
		return;
	if (!s->writing)
		*value = 0;
	for (size_t i = 0; i < size; i++) {
		if (s->writing)
			place[i] = (uint8_t)(*value >> 8 * i);
		else
			*value |= (uint64_t)place[i] << 8 * i;
	}
}

void stream_u32(struct stream *s, uint32_t *value)
{
	uint64_t wide = *value;

	little_endian(s, &wide, 4);
	*value = (uint32_t)wide;
}

void stream_u64(struct stream *s, uint64_t *value)
{
	little_endian(s, value, 8);
}

void stream_bool(struct stream *s, bool *value)
{
	uint32_t number = *value;

	stream_u32(s, &number);
	if (number > 1 && !s->err)
		s->err = -EBADMSG;
	*value = number == 1;
}

void stream_floats(struct stream *s, float *values, size_t count)
{
	for (size_t i = 0; i < count && !s->err; i++) {
		uint32_t bits;

		memcpy(&bits, &values[i], sizeof(bits));
		stream_u32(s, &bits);
		memcpy(&values[i], &bits, sizeof(bits));
	}
}

void stream_double(struct stream *s, double *value)
{
	uint64_t bits;

	memcpy(&bits, value, sizeof(bits));
	stream_u64(s, &bits);
	memcpy(value, &bits, sizeof(bits));
}

void stream_align(struct stream *s)
{
	uint8_t zeros[8] = {0};
	size_t size = -s->at % 8;

	stream_bytes(s, zeros, size);
	for (size_t i = 0; i < size && !s->err; i++)
		if (zeros[i])
			s->err = -EBADMSG;
}
