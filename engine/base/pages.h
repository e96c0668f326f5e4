/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pages - memory straight from the kernel, in huge pages if the process wants them.
 *
 * The kind is set once, before there are threads.
 */
#ifndef RL_BASE_PAGES_H
#define RL_BASE_PAGES_H

#include <stdbool.h>
#include <stddef.h>

enum rl_page_kind {
    RL_PAGES_USUAL,
    RL_PAGES_ADVISED, /* transparent huge pages, where the kernel finds some */
    RL_PAGES_HUGE,    /* of those that are reserved; usual ones when they are used up */
};

enum { RL_PAGES_HUGE_BYTES = 2 << 20 };

void rl_pages_choose(enum rl_page_kind kind);

/* A good size for a block that is handed out piece by piece: at least size, a huge page if these are wanted. */
size_t rl_pages_block(size_t size);

/* Zeroed memory; NULL if there is none. A block of RL_PAGES_HUGE_BYTES lies on a boundary of that. */
void *rl_pages_map(size_t size);
void rl_pages_unmap(void *start, size_t size);

/* Addresses without memory; NULL if there are none. They cost nothing until committed, and that costs nothing
 * until touched. Huge pages, if these are wanted, are those that the kernel finds. False: there is no memory. */
void *rl_pages_reserve(size_t size);
bool rl_pages_commit(void *start, size_t size);

/* Give the memory behind the addresses back; they stay committed, and read as zero. */
void rl_pages_drop(void *start, size_t size);

#endif
