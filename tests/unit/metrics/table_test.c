/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/table.h"

#include <stdbool.h>

#include "cases.h"

static struct rl_table table;

static void set_up(void)
{
    rl_table_init(&table);
}

static void tear_down(void)
{
    rl_table_fini(&table);
}

/* How often item is among those of hash. */
static int count_of(uint64_t hash, const void *item)
{
    int count = 0;
    void *found;

    for (size_t at = rl_table_find(&table, hash, &found); found != NULL;
         at = rl_table_next(&table, at, &found))
        count += found == item;
    return count;
}

START_TEST(an_empty_table_has_nothing)
{
    void *item = &table;

    rl_table_find(&table, 0, &item);
    ck_assert_ptr_null(item);
}
END_TEST

START_TEST(items_of_one_hash_are_all_met_once)
{
    static char items[3000];

    /* Hashes that collide wholly, in the lower bits only, and hardly. */
    for (size_t i = 0; i < sizeof(items); i++)
        ck_assert_int_eq(rl_table_add(&table,
                                      i % 3 == 0   ? 7
                                      : i % 3 == 1 ? i << 32
                                                   : i,
                                      &items[i]),
                         0);
    ck_assert_uint_eq(table.count, sizeof(items));
    for (size_t i = 0; i < sizeof(items); i++) {
        uint64_t hash = i % 3 == 0 ? 7 : i % 3 == 1 ? i << 32 : i;

        ck_assert_int_eq(count_of(hash, &items[i]), 1);
        ck_assert_int_eq(count_of(hash + 1000000, &items[i]), 0);
    }
}
END_TEST

START_TEST(hashes_tell_texts_apart)
{
    ck_assert_uint_eq(rl_hash_text("abc"), rl_hash_bytes("abc", 3));
    ck_assert_uint_ne(rl_hash_text("abc"), rl_hash_text("acb"));
    ck_assert_uint_ne(rl_hash_text(""), rl_hash_bytes("\0", 1));
    ck_assert_uint_ne(rl_hash_pair(1, 2), rl_hash_pair(2, 1));
}
END_TEST

static Suite *table_suite(void)
{
    Suite *suite = suite_create("table");

    rl_case(suite, an_empty_table_has_nothing, set_up, tear_down);
    rl_case(suite, items_of_one_hash_are_all_met_once, set_up, tear_down);
    rl_case(suite, hashes_tell_texts_apart, NULL, NULL);
    return suite;
}

RL_TEST_MAIN(table_suite)
