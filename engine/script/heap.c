/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "script/heap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/pages.h"
#include "base/prefetch.h"
#include "base/sanitize.h"

enum {
    SLAB_BYTES = 1 << 20,
    SMALL_BYTES = RL_HEAP_STEP * RL_HEAP_CLASSES,
    LARGE_BYTES = 64 * 1024,
    LARGE_KEPT_BYTES = 1 << 20, /* on free lists; more goes back to malloc */
};

void rl_heap_init(struct rl_heap *heap)
{
    memset(heap, 0, sizeof(*heap));
}

void rl_heap_fini(struct rl_heap *heap)
{
    struct rl_heap_free *slab, *next;

    for (slab = heap->slabs; slab != NULL; slab = next) {
        next = slab->next;
        rl_pages_unmap(slab, rl_pages_block(SLAB_BYTES));
    }
    for (int class = 0; class < RL_HEAP_LARGE_CLASSES; class++) {
        struct rl_heap_free *block;

        while ((block = heap->large[class]) != NULL) {
            heap->large[class] = block->next;
            free(block);
        }
    }
    rl_heap_init(heap);
}

#ifndef RL_ASAN

static size_t class_of(size_t size)
{
    return (size - 1) / RL_HEAP_STEP;
}

/* A slab is touched page by page as the bump pointer moves, so a large one costs nothing. */
static bool add_slab(struct rl_heap *heap)
{
    size_t bytes = rl_pages_block(SLAB_BYTES);
    struct rl_heap_free *slab = rl_pages_map(bytes);

    if (slab == NULL)
        return false;
    slab->next = heap->slabs;
    heap->slabs = slab;
    heap->bump = (char *)slab + RL_HEAP_STEP;
    heap->bump_end = (char *)slab + bytes;
    return true;
}

static void give_small(struct rl_heap *heap, void *block, size_t size)
{
    struct rl_heap_free *node = block;
    size_t class = class_of(size);

    node->next = heap->free[class];
    heap->free[class] = node;
}

/* Blocks whose size is a multiple of a cache line begin with one, so that their owners can say what lies in
 * which. The gap is a block, too. */
static void skip_to_line(struct rl_heap *heap)
{
    size_t gap = -(uintptr_t)heap->bump % RL_CACHE_LINE;

    if (gap == 0 || (size_t)(heap->bump_end - heap->bump) < gap)
        return;
    give_small(heap, heap->bump, gap);
    heap->bump += gap;
}

static void *take_small(struct rl_heap *heap, size_t size)
{
    size_t class = class_of(size), bytes = (class + 1) * RL_HEAP_STEP, rest;
    struct rl_heap_free *node = heap->free[class];

    if (RL_LIKELY(node != NULL)) {
        heap->free[class] = node->next;
        return node;
    }
    if (bytes % RL_CACHE_LINE == 0)
        skip_to_line(heap);
    rest = (size_t)(heap->bump_end - heap->bump);
    if (RL_UNLIKELY(rest < bytes)) {
        if (rest > 0)
            give_small(heap, heap->bump, rest);
        heap->bump = heap->bump_end = NULL;
        if (!add_slab(heap))
            return NULL;
        if (bytes % RL_CACHE_LINE == 0)
            skip_to_line(heap);
    }
    node = (struct rl_heap_free *)(void *)heap->bump;
    heap->bump += bytes;
    return node;
}

/* What is left of the slab goes to the free lists, in blocks of their sizes. */
static void give_rest(struct rl_heap *heap)
{
    while (heap->bump < heap->bump_end) {
        size_t rest = (size_t)(heap->bump_end - heap->bump);
        size_t bytes = rest < SMALL_BYTES ? rest : SMALL_BYTES;

        give_small(heap, heap->bump, bytes);
        heap->bump += bytes;
    }
}

bool rl_heap_reserve(struct rl_heap *heap, size_t bytes)
{
    if ((size_t)(heap->bump_end - heap->bump) >= bytes)
        return true;
    give_rest(heap);
    return add_slab(heap);
}

/* Four sizes to each power of two above SMALL_BYTES: (1, 1.25], (1.25, 1.5], (1.5, 1.75], (1.75, 2]. */
static unsigned large_class_of(size_t size)
{
    unsigned octave = 63 - (unsigned)__builtin_clzll(size - 1);

    return (octave - 10) * 4 + ((size - 1) >> (octave - 2) & 3);
}

static size_t large_class_bytes(unsigned class)
{
    return (size_t)(5 + class % 4) << (class / 4 + 8);
}

_Static_assert(SMALL_BYTES == 1 << 10 && LARGE_BYTES == 1 << (10 + RL_HEAP_LARGE_CLASSES / 4),
               "the classes of large blocks begin and end there");

static void give_large(struct rl_heap *heap, void *block, size_t size)
{
    unsigned class = large_class_of(size);
    size_t bytes = large_class_bytes(class);
    struct rl_heap_free *node = block;

    if (heap->large_bytes + bytes > LARGE_KEPT_BYTES) {
        free(block);
        return;
    }
    heap->large_bytes += bytes;
    node->next = heap->large[class];
    heap->large[class] = node;
}

static void *take_large(struct rl_heap *heap, size_t size)
{
    unsigned class = large_class_of(size);
    struct rl_heap_free *node = heap->large[class];

    if (node == NULL)
        return malloc(large_class_bytes(class));
    heap->large[class] = node->next;
    heap->large_bytes -= large_class_bytes(class);
    return node;
}

static void give(struct rl_heap *heap, void *block, size_t size)
{
    if (size <= SMALL_BYTES)
        give_small(heap, block, size);
    else if (size <= LARGE_BYTES)
        give_large(heap, block, size);
    else
        free(block);
}

/* What nearly all calls do, where it takes no more than a free list. */
static inline bool give_at_once(struct rl_heap *heap, void *block, size_t size)
{
    if (size > SMALL_BYTES)
        return false;
    give_small(heap, block, size);
    return true;
}

static inline void *take_at_once(struct rl_heap *heap, size_t size)
{
    struct rl_heap_free *node;

    if (size > SMALL_BYTES)
        return NULL;
    node = heap->free[class_of(size)];
    if (node != NULL) {
        heap->free[class_of(size)] = node->next;
        rl_prefetch_line(node->next); /* until the next one is wanted, its line is there */
    }
    return node;
}

static void *take(struct rl_heap *heap, size_t size)
{
    if (size <= SMALL_BYTES)
        return take_small(heap, size);
    return size <= LARGE_BYTES ? take_large(heap, size) : malloc(size);
}

static bool same_class(size_t a, size_t b)
{
    if (a <= SMALL_BYTES || b <= SMALL_BYTES)
        return a <= SMALL_BYTES && b <= SMALL_BYTES && class_of(a) == class_of(b);
    return a <= LARGE_BYTES && b <= LARGE_BYTES && large_class_of(a) == large_class_of(b);
}

static void *move(struct rl_heap *heap, void *block, size_t old_size, size_t size)
{
    void *moved;

    if (old_size > LARGE_BYTES && size > LARGE_BYTES)
        return realloc(block, size);
    if (same_class(old_size, size))
        return block;
    moved = take(heap, size);
    if (moved == NULL) /* Lua relies on this: shrinking cannot fail */
        return size <= old_size ? block : NULL;
    memcpy(moved, block, old_size < size ? old_size : size);
    give(heap, block, old_size);
    return moved;
}

#else /* the sanitizer is to see each block */

static inline bool give_at_once(struct rl_heap *heap, void *block, size_t size)
{
    (void)heap;
    (void)block;
    (void)size;
    return false;
}

static inline void *take_at_once(struct rl_heap *heap, size_t size)
{
    (void)heap;
    (void)size;
    return NULL;
}

bool rl_heap_reserve(struct rl_heap *heap, size_t bytes)
{
    (void)heap;
    (void)bytes;
    return true;
}

static void give(struct rl_heap *heap, void *block, size_t size)
{
    (void)heap;
    (void)size;
    free(block);
}

static void *take(struct rl_heap *heap, size_t size)
{
    (void)heap;
    return malloc(size);
}

static void *move(struct rl_heap *heap, void *block, size_t old_size, size_t size)
{
    (void)heap;
    (void)old_size;
    return realloc(block, size);
}

#endif

/* block may be NULL: then old_size is 0. Apart: the rest saves no register without it. */
__attribute__((noinline)) static void *allocate(struct rl_heap_account *account, void *block, size_t old_size, size_t size)
{
    void *result;

    if (size == 0) {
        if (old_size > 0)
            give(account->heap, block, old_size);
        account->used_bytes -= old_size;
        return NULL;
    }
    if (RL_UNLIKELY(size > old_size &&
                    account->used_bytes + (size - old_size) > account->limit_bytes) &&
        !account->refused(account, size - old_size))
        return NULL;
    if (old_size == 0)
        result = take(account->heap, size);
    else
        result = move(account->heap, block, old_size, size);
    if (result != NULL)
        account->used_bytes += size - old_size;
    return result;
}

void *rl_heap_alloc(void *ctx, void *block, size_t old_size, size_t size)
{
    struct rl_heap_account *account = ctx;
    void *result;

    if (block == NULL) {
        if (RL_LIKELY(size > 0 && account->used_bytes + size <= account->limit_bytes) &&
            RL_LIKELY((result = take_at_once(account->heap, size)) != NULL)) {
            account->used_bytes += size;
            return result;
        }
        return allocate(account, NULL, 0, size); /* old_size was the kind of object */
    }
    if (size == 0 && old_size > 0 && give_at_once(account->heap, block, old_size)) {
        account->used_bytes -= old_size;
        return NULL;
    }
    return allocate(account, block, old_size, size);
}
