/* SPDX-License-Identifier: MIT */
/* A valid command of each kind, for tests to run or to break. */
#ifndef TEST_COMMANDS_H
#define TEST_COMMANDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "qaccel_interp.h"

/* Where valid commands have their operands. */
#define VA_IN0		UINT64_C(0x10000)
#define VA_IN1		UINT64_C(0x20000)
#define VA_WEIGHTS	UINT64_C(0x30000)
#define VA_CHANNELS	UINT64_C(0x40000)
#define VA_OUT		UINT64_C(0x50000)
#define MEMORY_SIZE	0x80000u
#define LOCAL_MEM	(UINT64_C(1) << 20)

union qaccel_cmd valid_command(enum qaccel_opcode opcode);
struct qaccel_tensor tensor(uint64_t va, uint8_t dtype, uint32_t n, uint32_t h,
			    uint32_t w, uint32_t c);

#endif /* TEST_COMMANDS_H */
