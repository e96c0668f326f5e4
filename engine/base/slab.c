/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/slab.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/list.h"
#include "base/pages.h"

enum {
    STEP = 16,
    SMALL_BYTES = 2 << 10, /* up to here in steps of STEP, then of LARGE_STEP */
    LARGE_STEP = 1 << 10,
    SMALL_CLASSES = SMALL_BYTES / STEP,
    CLASSES = SMALL_CLASSES + (RL_SLAB_MAX - SMALL_BYTES) / LARGE_STEP,
    SPANS_MAX = 256 << 10, /* 16 GiB of addresses */
    SPANS_A_COMMIT = 16,
};

#define RANGE_BYTES ((size_t)SPANS_MAX * RL_SLAB_SPAN)

struct free_block {
    struct free_block *next;
};

struct span {
    struct rl_list link; /* among its class's spans with room; alone: it is full. Or on the stack of vacant ones */
    struct rl_list idle; /* among those of its heap that have no block in use */
    struct free_block *free;
    struct heap *heap;
    uint32_t block_bytes;
    uint32_t bump;       /* from here on no block was handed out */
    uint32_t touched;    /* the largest bump since it came from the system */
    uint16_t used;       /* blocks */
    uint16_t class;
};

struct heap {
    struct rl_list room[CLASSES];
    struct rl_list idle; /* oldest first */
    size_t spans, idle_bytes;
    struct rl_list link; /* of one whose thread has ended */
    _Atomic(struct free_block *) remote; /* freed by other threads */
};

/* What all threads share. table and base are set once, before any heap. */
static struct {
    pthread_once_t once;
    pthread_mutex_t lock;
    pthread_key_t key;
    _Atomic(uint8_t *) base; /* NULL: there is no range */
    struct span *table;
    size_t begun, committed;       /* spans that were ever in use; that may be touched */
    struct rl_list vacant, orphans; /* spans of no heap; heaps of no thread */
} shared = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local struct heap *own;

static size_t class_of(size_t size)
{
    if (size <= SMALL_BYTES)
        return size == 0 ? 0 : (size - 1) / STEP;
    return SMALL_CLASSES + (size - SMALL_BYTES - 1) / LARGE_STEP;
}

static uint32_t bytes_of(size_t class)
{
    if (class < SMALL_CLASSES)
        return (uint32_t)(class + 1) * STEP;
    return SMALL_BYTES + (uint32_t)(class - SMALL_CLASSES + 1) * LARGE_STEP;
}

static uint8_t *range(void)
{
    return atomic_load_explicit(&shared.base, memory_order_relaxed);
}

static uint8_t *start_of(const struct span *span)
{
    return range() + (size_t)(span - shared.table) * RL_SLAB_SPAN;
}

/* NULL: it is malloc's. */
static struct span *span_of(const void *block)
{
    uint8_t *base = range();
    size_t offset = (size_t)((uintptr_t)block - (uintptr_t)base);

    if (RL_UNLIKELY(base == NULL || offset >= RANGE_BYTES))
        return NULL;
    return &shared.table[offset / RL_SLAB_SPAN];
}

/* --- Spans, from the system and back. --- */

static struct span *from_system(void)
{
    struct span *span = NULL;
    struct rl_list *node;

    pthread_mutex_lock(&shared.lock);
    node = rl_list_pop(&shared.vacant);
    if (node != NULL) {
        span = rl_container_of(node, struct span, link);
    } else if (shared.begun < SPANS_MAX) {
        if (shared.begun == shared.committed &&
            rl_pages_commit(range() + shared.committed * RL_SLAB_SPAN,
                            (size_t)SPANS_A_COMMIT * RL_SLAB_SPAN))
            shared.committed += SPANS_A_COMMIT;
        if (shared.begun < shared.committed) {
            span = &shared.table[shared.begun++];
            rl_list_init(&span->link);
            rl_list_init(&span->idle);
        }
    }
    pthread_mutex_unlock(&shared.lock);
    return span;
}

static void to_system(struct span *span)
{
    rl_pages_drop(start_of(span), RL_SLAB_SPAN);
    span->touched = 0;
    pthread_mutex_lock(&shared.lock);
    rl_list_push(&shared.vacant, &span->link);
    pthread_mutex_unlock(&shared.lock);
}

static void leave_idle(struct heap *heap, struct span *span)
{
    rl_list_remove(&span->idle);
    heap->idle_bytes -= span->touched;
}

/* Behind those that have blocks in use, so that these fill up first. */
static void become_idle(struct heap *heap, struct span *span)
{
    rl_list_remove(&span->link);
    rl_list_push(&heap->room[span->class], &span->link);
    rl_list_push(&heap->idle, &span->idle);
    heap->idle_bytes += span->touched;
    while (RL_UNLIKELY(heap->idle_bytes > RL_SLAB_IDLE)) {
        struct span *oldest = rl_container_of(heap->idle.next, struct span, idle);

        leave_idle(heap, oldest);
        rl_list_remove(&oldest->link);
        heap->spans--;
        to_system(oldest);
    }
}

/* One with room for the class: of another class, if there is one idle. */
static struct span *add_span(struct heap *heap, size_t class)
{
    struct span *span;

    if (!rl_list_empty(&heap->idle)) {
        span = rl_container_of(heap->idle.next, struct span, idle);
        rl_list_remove(&span->link);
    } else {
        span = from_system();
        if (span == NULL)
            return NULL;
        heap->spans++;
        rl_list_push(&heap->idle, &span->idle);
    }
    span->heap = heap;
    span->class = (uint16_t)class;
    span->block_bytes = bytes_of(class);
    span->free = NULL;
    span->bump = 0;
    span->used = 0;
    rl_list_push(&heap->room[class], &span->link);
    return span;
}

/* --- Blocks. --- */

static void *take(struct heap *heap, struct span *span)
{
    struct free_block *block = span->free;

    if (span->used++ == 0)
        leave_idle(heap, span);
    if (block != NULL) {
        span->free = block->next;
    } else {
        block = (struct free_block *)(void *)(start_of(span) + span->bump);
        span->bump += span->block_bytes;
        if (span->touched < span->bump)
            span->touched = span->bump;
    }
    if (span->free == NULL && span->bump + span->block_bytes > RL_SLAB_SPAN)
        rl_list_remove(&span->link);
    return block;
}

static void put(struct heap *heap, struct span *span, void *pointer)
{
    struct free_block *block = pointer;

    RL_ASSERT(span->used > 0);
    block->next = span->free;
    span->free = block;
    if (rl_list_empty(&span->link))
        rl_list_push(&heap->room[span->class], &span->link);
    if (--span->used == 0)
        become_idle(heap, span);
}

static void put_remote(struct heap *heap, void *pointer)
{
    struct free_block *block = pointer;
    struct free_block *first = atomic_load_explicit(&heap->remote, memory_order_relaxed);

    do
        block->next = first;
    while (!atomic_compare_exchange_weak_explicit(&heap->remote, &first, block,
                                                  memory_order_release, memory_order_relaxed));
}

static void collect_remote(struct heap *heap)
{
    struct free_block *block;

    if (atomic_load_explicit(&heap->remote, memory_order_relaxed) == NULL)
        return;
    block = atomic_exchange_explicit(&heap->remote, NULL, memory_order_acquire);
    while (block != NULL) {
        struct free_block *next = block->next;

        put(heap, span_of(block), block);
        block = next;
    }
}

/* --- Heaps and their threads. --- */

static void leave(void *pointer)
{
    struct heap *heap = pointer;

    own = NULL;
    pthread_mutex_lock(&shared.lock);
    rl_list_push(&shared.orphans, &heap->link);
    pthread_mutex_unlock(&shared.lock);
}

static void begin(void)
{
    const size_t table_bytes = sizeof(struct span) * SPANS_MAX;

    rl_list_init(&shared.vacant);
    rl_list_init(&shared.orphans);
    if (pthread_key_create(&shared.key, leave) != 0)
        return;
    shared.table = rl_pages_reserve(table_bytes);
    if (shared.table != NULL && rl_pages_commit(shared.table, table_bytes))
        atomic_store_explicit(&shared.base, rl_pages_reserve(RANGE_BYTES), memory_order_relaxed);
}

static struct heap *new_heap(void)
{
    struct heap *heap = calloc(1, sizeof(*heap));

    if (heap == NULL)
        return NULL;
    for (size_t i = 0; i < CLASSES; i++)
        rl_list_init(&heap->room[i]);
    rl_list_init(&heap->idle);
    rl_list_init(&heap->link);
    return heap;
}

static struct heap *join(void)
{
    struct rl_list *node;
    struct heap *heap;

    pthread_once(&shared.once, begin);
    if (range() == NULL)
        return NULL;
    pthread_mutex_lock(&shared.lock);
    node = rl_list_pop(&shared.orphans);
    pthread_mutex_unlock(&shared.lock);
    heap = node != NULL ? rl_container_of(node, struct heap, link) : new_heap();
    if (heap == NULL)
        return NULL;
    if (pthread_setspecific(shared.key, heap) != 0) {
        leave(heap);
        return NULL;
    }
    own = heap;
    return heap;
}

/* --- The face. --- */

static void *alloc_slowly(size_t size)
{
    struct heap *heap = own != NULL ? own : join();
    size_t class = class_of(size);
    struct span *span;

    if (heap == NULL)
        return malloc(size);
    collect_remote(heap);
    if (!rl_list_empty(&heap->room[class]))
        span = rl_container_of(heap->room[class].next, struct span, link);
    else
        span = add_span(heap, class);
    return span != NULL ? take(heap, span) : malloc(size);
}

void *rl_slab_alloc(size_t size)
{
    struct heap *heap = own;
    struct rl_list *room;

    if (RL_UNLIKELY(size > RL_SLAB_MAX))
        return malloc(size);
    if (RL_UNLIKELY(heap == NULL))
        return alloc_slowly(size);
    room = &heap->room[class_of(size)];
    if (RL_UNLIKELY(rl_list_empty(room)))
        return alloc_slowly(size);
    return take(heap, rl_container_of(room->next, struct span, link));
}

void rl_slab_free(void *block)
{
    struct span *span = span_of(block);

    if (RL_UNLIKELY(span == NULL))
        free(block);
    else if (RL_LIKELY(span->heap == own))
        put(own, span, block);
    else
        put_remote(span->heap, block);
}

void *rl_slab_resize(void *block, size_t size)
{
    struct span *span = block == NULL ? NULL : span_of(block);
    void *moved;

    if (block == NULL)
        return rl_slab_alloc(size);
    if (span == NULL)
        return realloc(block, size > 0 ? size : 1);
    if (size <= RL_SLAB_MAX && bytes_of(class_of(size)) == span->block_bytes)
        return block;
    moved = rl_slab_alloc(size);
    if (moved == NULL)
        return NULL;
    memcpy(moved, block, size < span->block_bytes ? size : span->block_bytes);
    rl_slab_free(block);
    return moved;
}

struct rl_slab_usage rl_slab_usage(void)
{
    struct rl_slab_usage usage = {0};

    if (own == NULL)
        return usage;
    usage.spans = usage.busy_spans = own->spans;
    usage.idle_bytes = own->idle_bytes;
    for (struct rl_list *node = own->idle.next; node != &own->idle; node = node->next)
        usage.busy_spans--;
    return usage;
}
