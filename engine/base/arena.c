/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/sanitize.h"

enum { ALIGN = 16 };

struct rl_arena_block {
    struct rl_arena_block *next;
    size_t used, capacity;
    _Alignas(ALIGN) uint8_t data[];
};

void rl_arena_init(struct rl_arena *arena, size_t block_bytes)
{
    *arena = (struct rl_arena){.block_bytes = block_bytes};
}

void rl_arena_fini(struct rl_arena *arena)
{
    struct rl_arena_block *block = arena->first;

    while (block != NULL) {
        struct rl_arena_block *next = block->next;

        free(block);
        block = next;
    }
    arena->first = arena->current = NULL;
}

void rl_arena_reset(struct rl_arena *arena)
{
    struct rl_arena_block **link = &arena->first, *block;

    while ((block = *link) != NULL) {
        if (block->capacity > arena->block_bytes) {
            *link = block->next;
            free(block);
        } else {
            block->used = 0;
            RL_POISON(block->data, block->capacity);
            link = &block->next;
        }
    }
    arena->current = arena->first;
}

/* A block behind current, for size bytes or more; the rest of the chain stays behind it. */
static struct rl_arena_block *add_block(struct rl_arena *arena, size_t size)
{
    size_t capacity = size > arena->block_bytes ? size : arena->block_bytes;
    struct rl_arena_block *block = malloc(sizeof(*block) + capacity);
    struct rl_arena_block **link = arena->current == NULL ? &arena->first : &arena->current->next;

    if (block == NULL)
        return NULL;
    block->next = *link;
    block->used = 0;
    block->capacity = capacity;
    *link = block;
    RL_POISON(block->data, capacity);
    return block;
}

/* The start of size bytes in block, SIZE_MAX if they do not fit. */
static size_t find_room(const struct rl_arena_block *block, size_t size)
{
    size_t start = (block->used + ALIGN - 1) & ~(size_t)(ALIGN - 1);

    return start <= block->capacity && block->capacity - start >= size ? start : SIZE_MAX;
}

void *rl_arena_alloc(struct rl_arena *arena, size_t size)
{
    struct rl_arena_block *block = arena->current;
    size_t start = SIZE_MAX;

    if (size > SIZE_MAX / 2)
        return NULL;
    if (block != NULL)
        start = find_room(block, size);
    if (start == SIZE_MAX && block != NULL && block->next != NULL) { /* kept by a reset */
        block = block->next;
        start = find_room(block, size);
    }
    if (start == SIZE_MAX) {
        block = add_block(arena, size);
        if (block == NULL)
            return NULL;
        start = 0;
    }
    arena->current = block;
    block->used = start + size;
    RL_UNPOISON(block->data + start, size);
    return block->data + start;
}

bool rl_arena_extend(struct rl_arena *arena, const void *piece, size_t size, size_t more)
{
    struct rl_arena_block *block = arena->current;

    if (block == NULL || (const uint8_t *)piece + size != block->data + block->used)
        return false;
    if (block->capacity - block->used < more)
        return false;
    RL_UNPOISON(block->data + block->used, more);
    block->used += more;
    return true;
}

char *rl_arena_strdup(struct rl_arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = rl_arena_alloc(arena, size);

    return copy == NULL ? NULL : memcpy(copy, text, size);
}
