/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sanitize - tell AddressSanitizer what must not be touched; nothing in other builds.
 *
 * For memory that lives on while nobody may use it: a pooled object that is free, a buffer that
 * is lent to the kernel. size may be any; both ends are best aligned to 8 bytes.
 */
#ifndef RL_BASE_SANITIZE_H
#define RL_BASE_SANITIZE_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RL_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define RL_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define RL_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define RL_TSAN 1
#endif

#if defined(RL_ASAN) || defined(RL_TSAN)
#define RL_SANITIZED 1 /* whoever hands out pieces of larger blocks leaves it to malloc */
#endif

#ifdef RL_ASAN
#include <sanitizer/asan_interface.h>
#define RL_POISON(data, size) ASAN_POISON_MEMORY_REGION(data, size)
#define RL_UNPOISON(data, size) ASAN_UNPOISON_MEMORY_REGION(data, size)
#else
#define RL_POISON(data, size) ((void)(data), (void)(size))
#define RL_UNPOISON(data, size) ((void)(data), (void)(size))
#endif

#endif
