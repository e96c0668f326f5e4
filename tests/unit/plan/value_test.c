/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/value.h"

#include "cases.h"
#include "literal.h"

static struct rl_arena arena;

static void setup(void)
{
    rl_arena_init(&arena, 1024);
}

static void teardown(void)
{
    rl_arena_fini(&arena);
}

/* That the key is there is part of the promise. */
static const struct rl_value *get(const struct rl_value *map, const char *key)
{
    const struct rl_value *value = rl_value_get(map, key);

    if (value == NULL)
        ck_abort_msg("no key %s", key);
    return value;
}

START_TEST(a_tree_keeps_its_order)
{
    struct rl_value *map = rl_value_map(&arena), *list = rl_value_list(&arena);
    char key[] = "list";

    rl_value_set(&arena, map, key, list);
    key[0] = 'm'; /* the key was copied */
    for (int i = 0; i < 3; i++)
        rl_value_push(list, rl_value_int(&arena, i));
    rl_value_set(&arena, map, "text", rl_value_string(&arena, "a\0b", 3));
    ck_assert_uint_eq(map->size, 2);
    ck_assert_uint_eq(list->size, 3);
    ck_assert_int_eq(list->first->next->integer, 1);
    ck_assert_int_eq(list->last->integer, 2);
    ck_assert_ptr_eq(get(map, "list"), list);
    ck_assert_uint_eq(get(map, "text")->size, 3);
    ck_assert_int_eq(get(map, "text")->text[3], '\0');
    ck_assert_str_eq(map->first->key, "list");
}
END_TEST

START_TEST(setting_a_key_again_replaces_it)
{
    struct rl_value *map = rl_value_map(&arena);

    rl_value_set(&arena, map, "a", rl_value_int(&arena, 1));
    rl_value_set(&arena, map, "b", rl_value_int(&arena, 2));
    rl_value_set(&arena, map, "b", rl_value_int(&arena, 3));
    rl_value_set(&arena, map, "a", rl_value_int(&arena, 4));
    rl_value_set(&arena, map, "c", rl_value_bool(&arena, true));
    ck_assert_uint_eq(map->size, 3);
    ck_assert_int_eq(get(map, "a")->integer, 4);
    ck_assert_int_eq(get(map, "b")->integer, 3);
    ck_assert_str_eq(map->last->key, "c");
    ck_assert_ptr_null(map->last->next);
}
END_TEST

START_TEST(absent_keys)
{
    ck_assert_ptr_null(rl_value_get(rl_value_map(&arena), "a"));
    ck_assert_ptr_null(rl_value_get(rl_value_list(&arena), "a"));
    ck_assert_ptr_null(rl_value_get(rl_value_text(&arena, "a"), "a"));
}
END_TEST

START_TEST(kinds_have_names)
{
    ck_assert_str_eq(rl_value_kind_name(rl_literal(&arena, "nil")), "nothing");
    ck_assert_str_eq(rl_value_kind_name(rl_literal(&arena, "true")), "true or false");
    ck_assert_str_eq(rl_value_kind_name(rl_literal(&arena, "1")), "a whole number");
    ck_assert_str_eq(rl_value_kind_name(rl_literal(&arena, "1.5")), "a number");
    ck_assert_str_eq(rl_value_kind_name(rl_literal(&arena, "'x'")), "a text");
    ck_assert_str_eq(rl_value_kind_name(rl_literal(&arena, "{1}")), "a list");
    ck_assert_str_eq(rl_value_kind_name(rl_literal(&arena, "{a = 1}")), "a table with keys");
}
END_TEST

static Suite *value_suite(void)
{
    Suite *suite = suite_create("plan/value");

    rl_case(suite, a_tree_keeps_its_order, setup, teardown);
    rl_case(suite, setting_a_key_again_replaces_it, setup, teardown);
    rl_case(suite, absent_keys, setup, teardown);
    rl_case(suite, kinds_have_names, setup, teardown);
    return suite;
}

RL_TEST_MAIN(value_suite)
