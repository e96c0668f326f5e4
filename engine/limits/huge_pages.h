/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * huge_pages - Lua's memory, and all that malloc gives (pools, arenas), in pages of 2 MiB.
 *
 * Lua's heap takes its slabs from base/pages. For malloc glibc does it by itself if a tunable says so before
 * the program starts, so the program starts itself once more with that. Ring memory is the kernel's and stays as
 * it is.
 */
#ifndef RL_LIMITS_HUGE_PAGES_H
#define RL_LIMITS_HUGE_PAGES_H

#include <stddef.h>
#include <stdint.h>

#include "plan/run_flags.h"

/* Returns 0 if the process already runs so (or off); starts it anew if not, and then does not return. -EINVAL
 * and a text that says how to mend it where this machine gives none. */
int rl_huge_pages_ensure(enum rl_huge_pages mode, char *why, size_t why_bytes);

/* The machine's side of that alone. root: as in rl_machine_read. */
int rl_huge_pages_check(enum rl_huge_pages mode, const char *root, char *why, size_t why_bytes);

/* Bytes of this process in huge pages of either kind, and in all; RL_UNKNOWN if that is not to be seen. */
int64_t rl_huge_pages_bytes(const char *root, int64_t *all);

#endif
