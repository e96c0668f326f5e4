/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "script/heap.h"

#include <stdint.h>

#include "base/prefetch.h"
#include "base/rng.h"
#include "base/sanitize.h"
#include "test.h"

enum { BLOCKS = 2000 };

static bool refuse(struct rl_heap_account *account, size_t more)
{
    (void)account;
    (void)more;
    return false;
}

static struct rl_heap heap;
static struct rl_heap_account account;

static void set_up(void)
{
    rl_heap_init(&heap);
    account = (struct rl_heap_account){.heap = &heap, .limit_bytes = SIZE_MAX, .refused = refuse};
}

static void tear_down(void)
{
    ck_assert_uint_eq(account.used_bytes, 0);
    rl_heap_fini(&heap);
}

static bool on_line(const void *block)
{
#ifdef RL_ASAN
    return block != NULL; /* there each block is the sanitizer's */
#else
    return (uintptr_t)block % RL_CACHE_LINE == 0;
#endif
}

/* What of a socket lies in which line is said where it is declared, and is true because of this. */
START_TEST(whole_lines_begin_with_one)
{
    static void *blocks[BLOCKS];
    static size_t sizes[BLOCKS];
    struct rl_rng rng;

    rl_rng_init(&rng, 1);
    for (int i = 0; i < BLOCKS; i++) {
        sizes[i] = 1 + rl_rng_below(&rng, 1024);
        blocks[i] = rl_heap_alloc(&account, NULL, 0, sizes[i]);
        ck_assert_ptr_nonnull(blocks[i]);
        if ((sizes[i] + RL_HEAP_STEP - 1) / RL_HEAP_STEP % (RL_CACHE_LINE / RL_HEAP_STEP) == 0)
            ck_assert(on_line(blocks[i]));
    }
    for (int i = 0; i < BLOCKS; i++)
        rl_heap_alloc(&account, blocks[i], sizes[i], 0);
}
END_TEST

#ifndef RL_ASAN
START_TEST(the_gap_before_a_line_is_used)
{
    void *line = rl_heap_alloc(&account, NULL, 0, RL_CACHE_LINE);
    void *small = rl_heap_alloc(&account, NULL, 0, RL_HEAP_STEP);
    void *next = rl_heap_alloc(&account, NULL, 0, RL_CACHE_LINE);
    void *gap = rl_heap_alloc(&account, NULL, 0, RL_CACHE_LINE - RL_HEAP_STEP);

    ck_assert(on_line(line) && on_line(next));
    ck_assert_ptr_eq(small, (char *)line + RL_CACHE_LINE);
    ck_assert_ptr_eq(next, (char *)line + 2 * RL_CACHE_LINE);
    ck_assert_ptr_eq(gap, (char *)small + RL_HEAP_STEP);
    rl_heap_alloc(&account, line, RL_CACHE_LINE, 0);
    rl_heap_alloc(&account, small, RL_HEAP_STEP, 0);
    rl_heap_alloc(&account, next, RL_CACHE_LINE, 0);
    rl_heap_alloc(&account, gap, RL_CACHE_LINE - RL_HEAP_STEP, 0);
}
END_TEST
#endif

static Suite *suite(void)
{
    Suite *s = suite_create("heap");
    TCase *tc = tcase_create("lines");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, whole_lines_begin_with_one);
#ifndef RL_ASAN
    tcase_add_test(tc, the_gap_before_a_line_is_used);
#endif
    suite_add_tcase(s, tc);
    return s;
}

RL_TEST_MAIN(suite)
