/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lengths of turns: each has a bucket that knows it to a sixteenth, and ranks come out in order. */
#include "loop/turns.h"

#include "base/rng.h"
#include "cases.h"

static struct rl_turns turns;

static void clear(void)
{
    turns = (struct rl_turns){0};
}

START_TEST(none)
{
    ck_assert_uint_eq(rl_turns_at(&turns, 0.5), 0);
}
END_TEST

/* Alone, each length is its own maximum; below a longer one its bucket's end shows. */
static void expect_close(uint64_t ns)
{
    clear();
    rl_turns_record(&turns, ns);
    ck_assert_uint_eq(rl_turns_at(&turns, 0.5), ns);
    rl_turns_record(&turns, UINT64_MAX);
    ck_assert_uint_ge(rl_turns_at(&turns, 0.5), ns);
    ck_assert_uint_le(rl_turns_at(&turns, 0.5) - ns, ns / 16);
    ck_assert_uint_eq(rl_turns_at(&turns, 1), UINT64_MAX);
}

START_TEST(each_length_has_a_bucket)
{
    struct rl_rng rng;

    for (uint64_t ns = 0; ns < 2000; ns++)
        expect_close(ns);
    for (unsigned bit = 0; bit < 64; bit++) {
        expect_close(UINT64_C(1) << bit);
        expect_close((UINT64_C(1) << bit) - 1);
    }
    ck_assert_uint_lt(rl_turn_bucket(UINT64_MAX), RL_TURN_BUCKETS);
    rl_rng_init(&rng, 7);
    for (int i = 0; i < 2000; i++)
        expect_close(rl_rng_next(&rng) >> (i % 64));
}
END_TEST

START_TEST(ranks_of_many)
{
    static struct rl_turns other;

    for (uint64_t us = 1; us <= 10000; us++)
        rl_turns_record(us % 2 == 0 ? &turns : &other, us * 1000);
    rl_turns_merge(&turns, &other);
    ck_assert_uint_eq(turns.count, 10000);
    ck_assert_uint_eq(turns.max_ns, 10000000);
    for (int percent = 1; percent <= 100; percent++) {
        uint64_t ns = rl_turns_at(&turns, percent / 100.0), exact = (uint64_t)percent * 100000;

        ck_assert_uint_ge(ns, exact);
        ck_assert_uint_le(ns, exact + exact / 16);
    }
    ck_assert_uint_eq(rl_turns_at(&turns, 1), 10000000);
}
END_TEST

static Suite *turns_suite(void)
{
    Suite *suite = suite_create("turns");

    rl_case(suite, none, clear, NULL);
    rl_case(suite, each_length_has_a_bucket, NULL, NULL);
    rl_case(suite, ranks_of_many, clear, NULL);
    return suite;
}

RL_TEST_MAIN(turns_suite)
