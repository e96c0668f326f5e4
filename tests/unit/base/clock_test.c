/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/clock.h"

#include "cases.h"

START_TEST(monotonic_time_never_goes_back)
{
    uint64_t last = rl_clock_ns();

    for (int i = 0; i < 10000; i++) {
        uint64_t now = rl_clock_ns();

        rl_require(now >= last);
        last = now;
    }
}
END_TEST

START_TEST(it_counts_nanoseconds)
{
    struct timespec pause = {.tv_nsec = 20 * (long)RL_NS_PER_MS};
    uint64_t start = rl_clock_ns(), passed;

    nanosleep(&pause, NULL);
    passed = rl_clock_ns() - start;
    ck_assert_uint_ge(passed, 20 * RL_NS_PER_MS);
    ck_assert_uint_lt(passed, 10 * RL_NS_PER_S);
}
END_TEST

START_TEST(wall_time_counts_from_1970)
{
    uint64_t seconds = rl_clock_wall_ns() / RL_NS_PER_S;

    ck_assert_uint_le((uint64_t)time(NULL), seconds + 2);
    ck_assert_uint_ge((uint64_t)time(NULL) + 2, seconds);
}
END_TEST

static Suite *clock_suite(void)
{
    Suite *suite = suite_create("base/clock");

    rl_case(suite, monotonic_time_never_goes_back, NULL, NULL);
    rl_case(suite, it_counts_nanoseconds, NULL, NULL);
    rl_case(suite, wall_time_counts_from_1970, NULL, NULL);
    return suite;
}

RL_TEST_MAIN(clock_suite)
