/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks of every size, grown and shrunk; what is counted; what is kept to be used again. */
#include "script/heap.h"

#include <string.h>

#include "base/sanitize.h"
#include "cases.h"

enum { SIZE_MOST = 200 * 1000, PAYLOAD = 16409, PAYLOADS = 200, KEPT = 1 << 20 };

static struct rl_heap heap;
static struct rl_heap_account account;

static bool refused(struct rl_heap_account *of, size_t more)
{
    (void)of;
    (void)more;
    return false;
}

static void set_up(void)
{
    rl_heap_init(&heap);
    account = (struct rl_heap_account){.heap = &heap, .limit_bytes = SIZE_MAX, .refused = refused};
}

static void tear_down(void)
{
    ck_assert_uint_eq(account.used_bytes, 0);
    rl_heap_fini(&heap);
}

static void fill(uint8_t *block, size_t size)
{
    for (size_t i = 0; i < size; i++)
        block[i] = (uint8_t)(i * 7 + size);
}

static void check(const uint8_t *block, size_t size, size_t written_for)
{
    size_t i = 0;

    while (i < size && block[i] == (uint8_t)(i * 7 + written_for))
        i++;
    ck_assert_uint_eq(i, size);
}

/* Around each border of the classes: a neighbour of the same size stays as it is. */
START_TEST(blocks_of_every_size_hold_what_was_written)
{
    for (size_t size = 1; size < SIZE_MOST; size += 1 + size / 61) {
        uint8_t *a = rl_heap_alloc(&account, NULL, 0, size);
        uint8_t *b = rl_heap_alloc(&account, NULL, 0, size);

        ck_assert(a != NULL && b != NULL);
        ck_assert_uint_eq(account.used_bytes, 2 * size);
        fill(a, size);
        memset(b, 0xee, size);
        check(a, size, size);
        rl_heap_alloc(&account, a, size, 0);
        rl_heap_alloc(&account, b, size, 0);
    }
}
END_TEST

START_TEST(a_block_keeps_its_bytes_when_it_grows_or_shrinks)
{
    static const size_t sizes[] = {1, 1024, 1025, 1280, 1281, 2048, 16409, 65536, 65537, SIZE_MOST};
    enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };

    for (size_t i = 0; i < COUNT * COUNT; i++) {
        size_t from = sizes[i / COUNT], to = sizes[i % COUNT];
        uint8_t *block = rl_heap_alloc(&account, NULL, 0, from);

        ck_assert_ptr_nonnull(block);
        fill(block, from);
        block = rl_heap_alloc(&account, block, from, to);
        ck_assert_ptr_nonnull(block);
        ck_assert_uint_eq(account.used_bytes, to);
        check(block, from < to ? from : to, from);
        fill(block, to);
        rl_heap_alloc(&account, block, to, 0);
    }
}
END_TEST

#ifndef RL_ASAN /* there each block is the sanitizer's */

START_TEST(the_payload_that_was_freed_last_is_used_first)
{
    void *a = rl_heap_alloc(&account, NULL, 0, PAYLOAD);
    void *b = rl_heap_alloc(&account, NULL, 0, PAYLOAD);

    rl_heap_alloc(&account, a, PAYLOAD, 0);
    rl_heap_alloc(&account, b, PAYLOAD, 0);
    ck_assert_ptr_eq(rl_heap_alloc(&account, NULL, 0, PAYLOAD - 9), b);
    ck_assert_ptr_eq(rl_heap_alloc(&account, NULL, 0, PAYLOAD + 9), a);
    rl_heap_alloc(&account, a, PAYLOAD + 9, 0);
    rl_heap_alloc(&account, b, PAYLOAD - 9, 0);
}
END_TEST

START_TEST(no_more_is_kept_than_a_mebibyte)
{
    void *blocks[PAYLOADS];

    for (int i = 0; i < PAYLOADS; i++)
        blocks[i] = rl_heap_alloc(&account, NULL, 0, PAYLOAD);
    for (int i = 0; i < PAYLOADS; i++) {
        rl_heap_alloc(&account, blocks[i], PAYLOAD, 0);
        ck_assert_uint_le(heap.large_bytes, KEPT);
    }
    ck_assert_uint_gt(heap.large_bytes, KEPT / 2);
}
END_TEST

#endif

START_TEST(a_refusal_changes_nothing)
{
    uint8_t *block = rl_heap_alloc(&account, NULL, 0, PAYLOAD);

    account.limit_bytes = 2 * PAYLOAD;
    fill(block, PAYLOAD);
    ck_assert_ptr_null(rl_heap_alloc(&account, NULL, 0, PAYLOAD + 1));
    ck_assert_ptr_null(rl_heap_alloc(&account, block, PAYLOAD, 2 * PAYLOAD + 1));
    ck_assert_uint_eq(account.used_bytes, PAYLOAD);
    check(block, PAYLOAD, PAYLOAD);
    rl_heap_alloc(&account, block, PAYLOAD, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("heap_large");

    rl_case(s, blocks_of_every_size_hold_what_was_written, set_up, tear_down);
    rl_case(s, a_block_keeps_its_bytes_when_it_grows_or_shrinks, set_up, tear_down);
#ifndef RL_ASAN
    rl_case(s, the_payload_that_was_freed_last_is_used_first, set_up, tear_down);
    rl_case(s, no_more_is_kept_than_a_mebibyte, set_up, tear_down);
#endif
    rl_case(s, a_refusal_changes_nothing, set_up, tear_down);
    return s;
}

RL_TEST_MAIN(suite)
