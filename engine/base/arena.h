/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * arena - bytes that go all at once.
 *
 * A chain of blocks; allocation bumps a pointer. rl_arena_reset keeps the blocks of usual size,
 * so an arena that serves a batch a turn settles at the largest batch and no malloc at all.
 * Memory from it is aligned to 16 bytes, except rl_arena_extend's, which continues the last
 * piece in place.
 */
#ifndef RL_BASE_ARENA_H
#define RL_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct rl_arena_block;

struct rl_arena {
    struct rl_arena_block *first, *current;
    size_t block_bytes;
};

/* block_bytes: size of a usual block; a larger request gets a block of its own size. */
void rl_arena_init(struct rl_arena *arena, size_t block_bytes);
void rl_arena_fini(struct rl_arena *arena);
void rl_arena_reset(struct rl_arena *arena);

/* NULL when memory is out. */
void *rl_arena_alloc(struct rl_arena *arena, size_t size);

/* True if piece (of size bytes) was the last one handed out and could grow by more bytes. */
bool rl_arena_extend(struct rl_arena *arena, const void *piece, size_t size, size_t more);

/* A copy of text with its NUL; NULL when memory is out. */
char *rl_arena_strdup(struct rl_arena *arena, const char *text);

#endif
