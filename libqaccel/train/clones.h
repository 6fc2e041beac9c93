/* SPDX-License-Identifier: MIT */
/*
 * The elementwise loops are plain C that the compiler vectorises. On x86 it
 * makes a version for each vector size, and the loader takes the machine's: the
 * library is built for any. Sanitizers and the loader don't go together.
 */
#ifndef QACCEL_TRAIN_CLONES_H
#define QACCEL_TRAIN_CLONES_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || \
	__has_feature(thread_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define NET_SANITIZED	1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NET_SANITIZED	1
#endif

/* "fma" has AVX's vectors of 8 too. */
#if defined(__x86_64__) && defined(__linux__) && !defined(NET_SANITIZED)
#define NET_CLONES	__attribute__((target_clones("avx512f", "fma", "default")))
#else
#define NET_CLONES
#endif

/* What a version calls is of that version only as a part of it. */
#define NET_INLINE	static inline __attribute__((always_inline))

#endif /* QACCEL_TRAIN_CLONES_H */
