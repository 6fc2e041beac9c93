/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out
 *
 * All that the test's program and the static libraries in it allocate is
 * counted and can be refused; the C library's own allocations are not.
 */
#ifndef TEST_MEMORY_H
#define TEST_MEMORY_H

extern long fail_after;		/* allocations that still succeed; -1: all */
extern long live;		/* allocations that were not freed */

#endif /* TEST_MEMORY_H */
