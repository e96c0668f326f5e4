/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * heap - the memory of a worker's Lua.
 *
 * Blocks of up to 1 KiB come from free lists, one for each 16 bytes of size, which all cells of the
 * worker share; larger ones from malloc. Of those, the ones of up to 64 KiB, such as payloads, are
 * rounded up by a quarter at most, and the last that were freed are used again first, while the cache
 * still has them. An account counts what one cell holds and says no where its script asks for more
 * than it may have:
 *
 *      limit         what the cell may hold; while the engine itself works in the cell: anything
 *      refused       called with how much more is wanted when the answer would be no; true: give it
 *
 * A small block whose size is a multiple of a cache line begins with one (but for what is left over of a slab),
 * so that a record in a userdata can keep what goes together in one.
 *
 * Thread: one worker's. Memory: the small blocks go back to the system at fini.
 */
#ifndef RL_SCRIPT_HEAP_H
#define RL_SCRIPT_HEAP_H

#include <stdbool.h>
#include <stddef.h>

enum { RL_HEAP_STEP = 16, RL_HEAP_CLASSES = 64, RL_HEAP_LARGE_CLASSES = 24 };

struct rl_heap_free {
    struct rl_heap_free *next;
};

struct rl_heap {
    struct rl_heap_free *free[RL_HEAP_CLASSES];
    char *bump, *bump_end;
    struct rl_heap_free *slabs;
    struct rl_heap_free *large[RL_HEAP_LARGE_CLASSES];
    size_t large_bytes; /* on the lists of large */
};

struct rl_heap_account {
    struct rl_heap *heap;
    size_t used_bytes, limit_bytes;
    bool (*refused)(struct rl_heap_account *account, size_t more);
};

void rl_heap_init(struct rl_heap *heap);
void rl_heap_fini(struct rl_heap *heap);

/* So many bytes of small blocks can be had without asking the system again; false if it has none. */
bool rl_heap_reserve(struct rl_heap *heap, size_t bytes);

/* A lua_Alloc; its ud is an account. */
void *rl_heap_alloc(void *account, void *block, size_t old_size, size_t size);

#endif
