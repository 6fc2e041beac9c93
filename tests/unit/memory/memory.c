// SPDX-License-Identifier: MIT
/* The linker's --wrap turns malloc() into __wrap_malloc(), and so on. */
#include <stdbool.h>
#include <stddef.h>

#include "memory.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
void __wrap_free(void *memory);

long fail_after = -1;
long live;

static bool out_of_memory(void)
{
	if (!fail_after)
		return true;
	if (fail_after > 0)
		fail_after--;
	return false;
}

static void *counted(void *memory)
{
	live += memory != NULL;
	return memory;
}

void *__wrap_malloc(size_t size)
{
	return out_of_memory() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return out_of_memory() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
	void *memory = out_of_memory() ? NULL : __real_realloc(old, size);

	live += memory && !old;
	return memory;
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return out_of_memory() ? NULL :
				 counted(__real_aligned_alloc(align, size));
}

void __wrap_free(void *memory)
{
	live -= memory != NULL;
	__real_free(memory);
}
