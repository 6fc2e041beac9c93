// SPDX-License-Identifier: MIT
#include "crc32.h"

#define POLYNOMIAL 0xedb88320u

/* The table is quick to make: no state outside of the stack. */
uint32_t crc32_update(uint32_t crc, const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint32_t table[256];

	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^
				   (table[i] & 1 ? POLYNOMIAL : 0);
	}
	crc = ~crc;
	for (size_t i = 0; i < size; i++)
		crc = table[(crc ^ bytes[i]) & 0xff] ^ crc >> 8;
	return ~crc;
}
