/* SPDX-License-Identifier: MIT */
/* The hardware's numbers in words, for messages and statistics. */
#ifndef QACCEL_STATUS_H
#define QACCEL_STATUS_H

#include <stdint.h>

/* "CONV2D", ...; "?" for an unknown one. Constant. */
const char *qaccel_opcode_name(uint32_t opcode);
/* What an enum qaccel_status says, without a capital or a full stop. Constant. */
const char *qaccel_status_text(uint32_t status);

#endif /* QACCEL_STATUS_H */
