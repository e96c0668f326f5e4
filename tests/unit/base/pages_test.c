/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/pages.h"

#include <stdint.h>
#include <string.h>

#include "cases.h"

static void use(uint8_t *start, size_t size)
{
    ck_assert_ptr_nonnull(start);
    for (size_t i = 0; i < size; i += 4096)
        rl_require(start[i] == 0);
    memset(start, 1, size);
    rl_pages_unmap(start, size);
}

START_TEST(usual_pages)
{
    ck_assert_uint_eq(rl_pages_block(1 << 20), 1 << 20);
    use(rl_pages_map(1 << 20), 1 << 20);
}
END_TEST

START_TEST(addresses_that_get_their_memory_later)
{
    uint8_t *start = rl_pages_reserve((size_t)1 << 34);

    ck_assert_ptr_nonnull(start);
    ck_assert(rl_pages_commit(start + (1 << 20), 1 << 20));
    for (int round = 0; round < 2; round++) {
        ck_assert_uint_eq(start[1 << 20], 0);
        memset(start + (1 << 20), 1, 1 << 20);
        rl_pages_drop(start + (1 << 20), 1 << 20);
    }
    rl_pages_unmap(start, (size_t)1 << 34);
}
END_TEST

/* Whether the kernel has any or not: the memory is there, on a boundary, and goes. */
START_TEST(huge_pages)
{
    uint8_t *blocks[8];

    rl_pages_choose(_i == 0 ? RL_PAGES_ADVISED : RL_PAGES_HUGE);
    ck_assert_uint_eq(rl_pages_block(1 << 20), RL_PAGES_HUGE_BYTES);
    ck_assert_uint_eq(rl_pages_block(4 << 20), 4 << 20);
    for (int i = 0; i < 8; i++) {
        blocks[i] = rl_pages_map(RL_PAGES_HUGE_BYTES);
        ck_assert_uint_eq((uintptr_t)blocks[i] % RL_PAGES_HUGE_BYTES, 0);
    }
    for (int i = 0; i < 8; i++)
        use(blocks[i], RL_PAGES_HUGE_BYTES);
    use(rl_pages_map(8192), 8192); /* too small for one */
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pages");

    rl_case(s, usual_pages, NULL, NULL);
    rl_case(s, addresses_that_get_their_memory_later, NULL, NULL);
    rl_case_loop(s, huge_pages, NULL, NULL, 0, 2);
    return s;
}

RL_TEST_MAIN(suite)
