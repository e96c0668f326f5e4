/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * assert - three kinds of belief.
 *
 * RL_ASSERT       our own logic; checked builds stop, release compiles it away (but still
 * type-checks it) RL_CHECK        what the kernel or a library hands us; stays in release
 * RL_UNREACHABLE  a switch that has no other case
 */
#ifndef RL_BASE_ASSERT_H
#define RL_BASE_ASSERT_H

_Noreturn void rl_assert_fail(const char *what, const char *file, int line);

#ifdef RL_CHECKED
#define RL_ASSERT(cond) ((cond) ? (void)0 : rl_assert_fail(#cond, __FILE__, __LINE__))
#else
#define RL_ASSERT(cond) ((void)sizeof(!(cond)))
#endif

#define RL_CHECK(cond)                                                                             \
    (__builtin_expect(!!(cond), 1) ? (void)0 : rl_assert_fail(#cond, __FILE__, __LINE__))

#define RL_UNREACHABLE() rl_assert_fail("unreachable", __FILE__, __LINE__)

#define RL_LIKELY(cond) __builtin_expect(!!(cond), 1)
#define RL_UNLIKELY(cond) __builtin_expect(!!(cond), 0)

#endif
