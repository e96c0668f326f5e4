/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>

static enum rl_page_kind chosen;

void rl_pages_choose(enum rl_page_kind kind)
{
    chosen = kind;
}

size_t rl_pages_block(size_t size)
{
    return chosen != RL_PAGES_USUAL && size < RL_PAGES_HUGE_BYTES ? RL_PAGES_HUGE_BYTES : size;
}

static void *map(size_t size, int flags)
{
    void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

    return start == MAP_FAILED ? NULL : start;
}

/* Twice as much, less what is before the boundary and behind the block. */
static void *map_aligned(size_t size)
{
    uint8_t *start = map(size + RL_PAGES_HUGE_BYTES, 0);
    size_t before;

    if (start == NULL)
        return NULL;
    before = -(uintptr_t)start % RL_PAGES_HUGE_BYTES;
    if (before > 0)
        munmap(start, before);
    munmap(start + before + size, RL_PAGES_HUGE_BYTES - before);
    madvise(start + before, size, MADV_HUGEPAGE);
    return start + before;
}

void *rl_pages_map(size_t size)
{
    void *start;

    if (chosen == RL_PAGES_USUAL || size % RL_PAGES_HUGE_BYTES != 0)
        return map(size, 0);
    if (chosen == RL_PAGES_ADVISED)
        return map_aligned(size);
    start = map(size, MAP_HUGETLB);
    return start != NULL ? start : map_aligned(size);
}

void rl_pages_unmap(void *start, size_t size)
{
    munmap(start, size);
}

void *rl_pages_reserve(size_t size)
{
    void *start = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (start == MAP_FAILED)
        return NULL;
    if (chosen != RL_PAGES_USUAL)
        madvise(start, size, MADV_HUGEPAGE);
    return start;
}

bool rl_pages_commit(void *start, size_t size)
{
    return mprotect(start, size, PROT_READ | PROT_WRITE) == 0;
}

void rl_pages_drop(void *start, size_t size)
{
    madvise(start, size, MADV_DONTNEED);
}
