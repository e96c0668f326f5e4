/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/tags.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "cases.h"

static struct rl_tags *tags;

static void set_up(void)
{
    tags = rl_tags_new();
    ck_assert_ptr_nonnull(tags);
}

static void tear_down(void)
{
    rl_tags_free(tags);
}

static const struct rl_tagset *with(const struct rl_tagset *set, const char *key, const char *value)
{
    return rl_tags_with(tags, set, key, value);
}

START_TEST(equal_sets_are_the_same_pointer)
{
    const struct rl_tagset *empty = rl_tags_empty(tags);
    const struct rl_tagset *ab = with(with(empty, "a", "1"), "b", "2");
    const struct rl_tag pairs[] = {{"b", "0"}, {"a", "1"}, {"b", "2"}};

    ck_assert_ptr_eq(with(with(empty, "b", "2"), "a", "1"), ab);
    ck_assert_ptr_eq(with(with(ab, "a", "9"), "a", "1"), ab);
    ck_assert_ptr_eq(rl_tags_of(tags, pairs, 3), ab);
    ck_assert_ptr_eq(rl_tags_of(tags, NULL, 0), empty);
    ck_assert_ptr_ne(with(ab, "b", "1"), ab);
}
END_TEST

START_TEST(tags_are_sorted_and_replaced)
{
    const struct rl_tagset *set = rl_tags_empty(tags);

    set = with(with(with(set, "scenario", "s"), "group", ""), "proto", "TCP");
    ck_assert_uint_eq(set->count, 3);
    ck_assert_str_eq(set->tags[0].key, "group");
    ck_assert_str_eq(set->tags[1].key, "proto");
    ck_assert_str_eq(set->tags[2].key, "scenario");
    set = with(set, "proto", "TLS");
    ck_assert_uint_eq(set->count, 3);
    ck_assert_str_eq(rl_tagset_get(set, "proto"), "TLS");
    ck_assert_str_eq(rl_tagset_get(set, "group"), "");
    ck_assert_ptr_null(rl_tagset_get(set, "missing"));
}
END_TEST

START_TEST(a_null_value_takes_the_key_away)
{
    const struct rl_tagset *empty = rl_tags_empty(tags);
    const struct rl_tagset *a = with(empty, "a", "1");

    ck_assert_ptr_eq(with(with(a, "b", "2"), "b", NULL), a);
    ck_assert_ptr_eq(with(a, "a", NULL), empty);
    ck_assert_ptr_eq(with(a, "b", NULL), a);
    ck_assert_ptr_eq(with(empty, "a", NULL), empty);
}
END_TEST

START_TEST(E_321_later_tags_win)
{
    const struct rl_tagset *empty = rl_tags_empty(tags);
    const struct rl_tagset *low = with(with(empty, "a", "1"), "b", "1");
    const struct rl_tagset *high = with(with(empty, "b", "2"), "c", "2");
    const struct rl_tagset *both = rl_tags_over(tags, low, high);

    ck_assert_uint_eq(both->count, 3);
    ck_assert_str_eq(rl_tagset_get(both, "a"), "1");
    ck_assert_str_eq(rl_tagset_get(both, "b"), "2");
    ck_assert_str_eq(rl_tagset_get(both, "c"), "2");
    ck_assert_ptr_eq(rl_tags_over(tags, low, high), both);
    ck_assert_ptr_eq(rl_tags_over(tags, low, empty), low);
    ck_assert_ptr_eq(rl_tags_over(tags, empty, low), low);
    ck_assert_ptr_eq(rl_tags_over(tags, low, low), low);
}
END_TEST

START_TEST(the_texts_are_copied)
{
    char key[] = "key", value[] = "value";
    const struct rl_tagset *set = with(rl_tags_empty(tags), key, value);

    key[0] = value[0] = 'X';
    ck_assert_str_eq(rl_tagset_get(set, "key"), "value");
    ck_assert_ptr_eq(with(rl_tags_empty(tags), "key", "value"), set);
}
END_TEST

START_TEST(ids_are_dense_from_zero)
{
    const struct rl_tagset *set = rl_tags_empty(tags);
    char value[32];

    ck_assert_uint_eq(set->id, 0);
    for (uint32_t i = 1; i <= 3000; i++) {
        snprintf(value, sizeof(value), "%u", i);
        ck_assert_uint_eq(with(set, "size", value)->id, i);
    }
    ck_assert_uint_eq(rl_tags_count(tags), 3001);
    ck_assert_uint_eq(with(set, "size", "77")->id, 77);
}
END_TEST

START_TEST(a_set_may_have_many_tags)
{
    const struct rl_tagset *set = rl_tags_empty(tags), *again;
    struct rl_tag pairs[100];
    char texts[100][16];

    for (int i = 0; i < 100; i++)
        snprintf(texts[i], sizeof(texts[i]), "k%d", i);
    for (int i = 0; i < 100; i++) {
        pairs[i] = (struct rl_tag){.key = texts[i], .value = texts[99 - i]};
        set = with(set, texts[i], texts[99 - i]);
    }
    again = rl_tags_of(tags, pairs, 100);
    ck_assert_ptr_eq(again, set);
    for (uint32_t i = 1; i < set->count; i++)
        ck_assert_int_lt(strcmp(set->tags[i - 1].key, set->tags[i].key), 0);
    ck_assert_ptr_eq(rl_tags_over(tags, with(rl_tags_empty(tags), "k5", "x"), set), set);
}
END_TEST

/* The model: a plain array of values by key; two sets are equal if their arrays are. */
START_TEST(random_steps_agree_with_plain_arrays)
{
    enum { SETS = 200, KEYS = 4, VALUES = 3 };
    static const char *const keys[KEYS] = {"a", "b", "c", "d"};
    static const char *const values[VALUES] = {NULL, "x", "y"};
    const struct rl_tagset *sets[SETS];
    int model[SETS][KEYS] = {{0}};
    struct rl_rng rng;

    rl_rng_init(&rng, (uint64_t)_i);
    sets[0] = rl_tags_empty(tags);
    for (int n = 1; n < SETS; n++) {
        size_t from = rl_rng_below(&rng, (uint64_t)n), key = rl_rng_below(&rng, KEYS);
        size_t value = rl_rng_below(&rng, VALUES);

        memcpy(model[n], model[from], sizeof(model[n]));
        model[n][key] = (int)value;
        sets[n] = with(sets[from], keys[key], values[value]);
        for (int k = 0; k < KEYS; k++) {
            const char *text = rl_tagset_get(sets[n], keys[k]);

            if (model[n][k] == 0)
                ck_assert_ptr_null(text);
            else
                ck_assert_str_eq(text, values[model[n][k]]);
        }
        for (int m = 0; m < n; m++)
            ck_assert_int_eq(sets[m] == sets[n], memcmp(model[m], model[n], sizeof(model[n])) == 0);
    }
}
END_TEST

static Suite *tags_suite(void)
{
    Suite *suite = suite_create("tags");

    rl_case(suite, equal_sets_are_the_same_pointer, set_up, tear_down);
    rl_case(suite, tags_are_sorted_and_replaced, set_up, tear_down);
    rl_case(suite, a_null_value_takes_the_key_away, set_up, tear_down);
    rl_case(suite, E_321_later_tags_win, set_up, tear_down);
    rl_case(suite, the_texts_are_copied, set_up, tear_down);
    rl_case(suite, ids_are_dense_from_zero, set_up, tear_down);
    rl_case(suite, a_set_may_have_many_tags, set_up, tear_down);
    rl_case_loop(suite, random_steps_agree_with_plain_arrays, set_up, tear_down, 0, 10);
    return suite;
}

RL_TEST_MAIN(tags_suite)
