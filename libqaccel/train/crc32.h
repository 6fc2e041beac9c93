/* SPDX-License-Identifier: MIT */
#ifndef QACCEL_TRAIN_CRC32_H
#define QACCEL_TRAIN_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The CRC-32 of ISO 3309, as gzip has it, continued from crc; 0 to begin. */
uint32_t crc32_update(uint32_t crc, const void *data, size_t size);

#endif /* QACCEL_TRAIN_CRC32_H */
