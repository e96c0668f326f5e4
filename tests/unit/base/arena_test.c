/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/rng.h"
#include "cases.h"

enum { BLOCK_BYTES = 1024, PIECES = 500 };

static struct rl_arena arena;

static void setup(void)
{
    rl_arena_init(&arena, BLOCK_BYTES);
}

static void teardown(void)
{
    rl_arena_fini(&arena);
}

START_TEST(pieces_are_aligned)
{
    for (size_t size = 0; size < 100; size++)
        ck_assert_uint_eq((uintptr_t)rl_arena_alloc(&arena, size) % 16, 0);
}
END_TEST

START_TEST(a_large_piece_has_its_own_block)
{
    char *small = rl_arena_alloc(&arena, 10);
    char *large = rl_arena_alloc(&arena, 10 * BLOCK_BYTES);

    rl_require(small != NULL && large != NULL);
    memset(small, 1, 10);
    memset(large, 2, 10 * (size_t)BLOCK_BYTES);
    ck_assert_int_eq(small[9], 1);
    ck_assert_ptr_null(rl_arena_alloc(&arena, SIZE_MAX));
    ck_assert_ptr_nonnull(rl_arena_alloc(&arena, 10));
}
END_TEST

START_TEST(only_the_last_piece_is_extended)
{
    char *first = rl_arena_alloc(&arena, 10);
    char *second = rl_arena_alloc(&arena, 10);

    ck_assert(!rl_arena_extend(&arena, first, 10, 1));
    ck_assert(rl_arena_extend(&arena, second, 10, 7));
    memset(second, 3, 17);
    ck_assert(!rl_arena_extend(&arena, second, 10, 1));
    ck_assert(rl_arena_extend(&arena, second, 17, 1));
    ck_assert(!rl_arena_extend(&arena, second, 18, BLOCK_BYTES));
    ck_assert_uint_eq((uintptr_t)rl_arena_alloc(&arena, 1) % 16, 0);
}
END_TEST

START_TEST(nothing_to_extend_in_an_empty_arena)
{
    ck_assert(!rl_arena_extend(&arena, "", 0, 1));
}
END_TEST

START_TEST(strings_are_copied)
{
    char text[] = "hello";
    char *copy = rl_arena_strdup(&arena, text);

    text[0] = 'j';
    ck_assert_str_eq(copy, "hello");
    ck_assert_str_eq(rl_arena_strdup(&arena, ""), "");
}
END_TEST

/* Pieces stay whole until reset, whatever comes after them. */
START_TEST(like_separate_pieces)
{
    static uint8_t *pieces[PIECES];
    static size_t sizes[PIECES];
    struct rl_rng rng;

    rl_rng_init(&rng, (uint64_t)_i);
    for (int turn = 0; turn < 20; turn++) {
        size_t count = rl_rng_below(&rng, PIECES);

        for (size_t i = 0; i < count; i++) {
            sizes[i] = rl_rng_below(&rng, rl_rng_below(&rng, 50) == 0 ? 3000 : 200);
            pieces[i] = rl_arena_alloc(&arena, sizes[i]);
            rl_require(pieces[i] != NULL);
            memset(pieces[i], (int)(i & 0xff), sizes[i]);
            if (rl_rng_below(&rng, 4) == 0 && rl_arena_extend(&arena, pieces[i], sizes[i], 5)) {
                memset(pieces[i] + sizes[i], (int)(i & 0xff), 5);
                sizes[i] += 5;
            }
        }
        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j < sizes[i]; j++)
                rl_require(pieces[i][j] == (i & 0xff));
        }
        rl_arena_reset(&arena);
    }
}
END_TEST

START_TEST(a_repeated_batch_settles)
{
    char *first[3] = {NULL};

    for (int turn = 0; turn < 3; turn++) {
        for (int i = 0; i < 100; i++) {
            char *piece = rl_arena_alloc(&arena, 100);

            if (i == 0)
                first[turn] = piece;
            memset(piece, 0, 100);
        }
        rl_arena_alloc(&arena, 10 * BLOCK_BYTES); /* not kept */
        rl_arena_reset(&arena);
        ck_assert_ptr_nonnull(arena.first);
    }
    ck_assert_ptr_eq(first[1], first[0]);
    ck_assert_ptr_eq(first[2], first[0]);
}
END_TEST

START_TEST(an_arena_may_be_used_again_after_fini)
{
    rl_arena_alloc(&arena, 10);
    rl_arena_fini(&arena);
    rl_arena_fini(&arena);
    rl_arena_reset(&arena);
    ck_assert_ptr_nonnull(rl_arena_alloc(&arena, 10));
}
END_TEST

static Suite *arena_suite(void)
{
    Suite *suite = suite_create("base/arena");

    rl_case(suite, pieces_are_aligned, setup, teardown);
    rl_case(suite, a_large_piece_has_its_own_block, setup, teardown);
    rl_case(suite, only_the_last_piece_is_extended, setup, teardown);
    rl_case(suite, nothing_to_extend_in_an_empty_arena, setup, teardown);
    rl_case(suite, strings_are_copied, setup, teardown);
    rl_case_loop(suite, like_separate_pieces, setup, teardown, 1, 11);
    rl_case(suite, a_repeated_batch_settles, setup, teardown);
    rl_case(suite, an_arena_may_be_used_again_after_fini, setup, teardown);
    return suite;
}

RL_TEST_MAIN(arena_suite)
