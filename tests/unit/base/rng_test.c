/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/rng.h"

#include "cases.h"

START_TEST(the_published_sequence)
{
    /* xoshiro256** from the state 1, 2, 3, 4, as its authors' code gives it. */
    static const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240};
    struct rl_rng rng = {.s = {1, 2, 3, 4}};
    uint64_t seed = 1234567;

    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(rl_rng_next(&rng), expected[i]);
    ck_assert_uint_eq(rl_splitmix64(&seed), UINT64_C(6457827717110365317));
    ck_assert_uint_eq(rl_splitmix64(&seed), UINT64_C(3203168211198807973));
}
END_TEST

START_TEST(a_seed_repeats_and_seeds_differ)
{
    struct rl_rng a, b, c;

    rl_rng_init(&a, 7);
    rl_rng_init(&b, 7);
    rl_rng_init(&c, 8);
    for (int i = 0; i < 100; i++) {
        uint64_t x = rl_rng_next(&a);

        ck_assert_uint_eq(x, rl_rng_next(&b));
        ck_assert_uint_ne(x, rl_rng_next(&c));
    }
}
END_TEST

START_TEST(double_is_in_the_unit_interval)
{
    struct rl_rng rng;
    double sum = 0;

    rl_rng_init(&rng, 1);
    for (int i = 0; i < 100000; i++) {
        double x = rl_rng_double(&rng);

        rl_require(x >= 0 && x < 1);
        sum += x;
    }
    ck_assert_double_eq_tol(sum / 100000, 0.5, 0.01);
}
END_TEST

START_TEST(below_is_uniform)
{
    struct rl_rng rng;
    int counts[7] = {0};

    rl_rng_init(&rng, 1);
    for (int i = 0; i < 70000; i++)
        counts[rl_rng_below(&rng, 7)]++;
    for (int i = 0; i < 7; i++)
        rl_require(abs(counts[i] - 10000) < 500);
    rl_require(rl_rng_below(&rng, 1) == 0);
    for (int i = 0; i < 100; i++)
        rl_require(rl_rng_below(&rng, UINT64_MAX / 2 + 2) < (UINT64_MAX / 2 + 2));
}
END_TEST

static Suite *rng_suite(void)
{
    Suite *suite = suite_create("base/rng");

    rl_case(suite, the_published_sequence, NULL, NULL);
    rl_case(suite, a_seed_repeats_and_seeds_differ, NULL, NULL);
    rl_case(suite, double_is_in_the_unit_interval, NULL, NULL);
    rl_case(suite, below_is_uniform, NULL, NULL);
    return suite;
}

RL_TEST_MAIN(rng_suite)
