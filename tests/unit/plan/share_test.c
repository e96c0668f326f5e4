/* SPDX-License-Identifier: GPL-3.0-or-later */
/* E-210 and appendix A.1 to A.4 of the specification. */
#include "plan/share.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "cases.h"

enum { PARTS_MAX = 12 };

static struct rl_share shares[PARTS_MAX];
static uint32_t share_count;

static void release_all(void)
{
    for (uint32_t i = 0; i < share_count; i++)
        rl_share_fini(&shares[i]);
    share_count = 0;
}

static void setup(void)
{
    share_count = 0;
}

/* All parts of a sequence, found by their segments. */
static void parse_all(const char *sequence)
{
    char copy[200], *save = NULL, why[200], segment[100], from[50];

    release_all();
    snprintf(copy, sizeof(copy), "%s", sequence);
    snprintf(from, sizeof(from), "%s", strtok_r(copy, ",", &save));
    for (char *to; (to = strtok_r(NULL, ",", &save)) != NULL; share_count++) {
        snprintf(segment, sizeof(segment), "%s:%s", from, to);
        ck_assert_int_eq(rl_share_parse(&shares[share_count], segment, sequence, why, sizeof(why)),
                         0);
        snprintf(from, sizeof(from), "%s", to);
    }
}

static void equal_all(uint32_t count)
{
    release_all();
    for (share_count = 0; share_count < count; share_count++)
        ck_assert_int_eq(rl_share_equal(&shares[share_count], share_count, count), 0);
}

static void expect_slots(const struct rl_share *share, uint32_t period, uint32_t count,
                         const uint32_t *slots)
{
    ck_assert_uint_eq(share->period, period);
    ck_assert_uint_eq(share->weights[share->index], count);
    for (uint32_t i = 0; i < count; i++)
        ck_assert_uint_eq(share->slots[i], slots[i]);
}

START_TEST(a1_striping)
{
    parse_all("0,1/2,3/4,1");
    expect_slots(&shares[0], 4, 2, (uint32_t[]){0, 2});
    expect_slots(&shares[1], 4, 1, (uint32_t[]){1});
    expect_slots(&shares[2], 4, 1, (uint32_t[]){3});
    parse_all("0,0.5,0.8,1");
    expect_slots(&shares[0], 10, 5, (uint32_t[]){0, 2, 4, 6, 8});
    expect_slots(&shares[1], 10, 3, (uint32_t[]){1, 5, 7});
    expect_slots(&shares[2], 10, 2, (uint32_t[]){3, 9});
}
END_TEST

START_TEST(a1_scale)
{
    static const uint64_t values[] = {1, 2, 3, 5, 10, 100};
    static const uint64_t expected[3][6] = {
        {1, 1, 2, 3, 5, 50}, {0, 1, 1, 1, 3, 30}, {0, 0, 0, 1, 2, 20}};

    parse_all("0,0.5,0.8,1");
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < 6; i++)
            ck_assert_uint_eq(rl_share_scale(&shares[k], values[i]), expected[k][i]);
    }
    parse_all("0,1/4,2/4,3/4,1");
    for (size_t k = 0; k < 4; k++)
        ck_assert_uint_eq(rl_share_scale(&shares[k], 10), k < 2 ? 3 : 2);
    parse_all("0,1/3,2/3,1");
    for (size_t k = 0; k < 3; k++)
        ck_assert_uint_eq(rl_share_scale(&shares[k], 100), k < 1 ? 34 : 33);
}
END_TEST

/* The lengths of a share's parts equal those of a sequence. */
static void expect_sequence(const struct rl_share *share, const char *sequence)
{
    struct rl_share other;
    char why[200], first[50];

    snprintf(first, sizeof(first), "0:%.*s", (int)strcspn(sequence + 2, ","), sequence + 2);
    ck_assert_int_eq(rl_share_parse(&other, first, sequence, why, sizeof(why)), 0);
    ck_assert_uint_eq(share->period, other.period);
    ck_assert_uint_eq(share->part_count, other.part_count);
    ck_assert_mem_eq(share->weights, other.weights, share->part_count * sizeof(uint32_t));
    rl_share_fini(&other);
}

static void expect_reseg(const char *sequence, uint64_t value, const char *expected)
{
    parse_all(sequence);
    for (uint32_t k = 0; k < share_count; k++) {
        struct rl_share out;

        ck_assert_int_eq(rl_share_reseg(&shares[k], value, &out), 0);
        expect_sequence(&out, expected);
        rl_share_fini(&out);
    }
}

START_TEST(a2_reseg)
{
    expect_reseg("0,1/3,2/3,1", 10, "0,2/5,7/10,1");
    expect_reseg("0,1/4,1/2,3/4,1", 10, "0,3/10,3/5,4/5,1");
    expect_reseg("0,1/3,2/3,1", 9, "0,1/3,2/3,1"); /* a multiple of the period: unchanged */
}
END_TEST

START_TEST(a3_shared_iterations)
{
    static const uint64_t vus[] = {3, 3, 2, 2}, iterations[] = {31, 31, 21, 20};

    equal_all(4);
    for (size_t k = 0; k < 4; k++) {
        struct rl_share out;

        ck_assert_uint_eq(rl_share_scale(&shares[k], 10), vus[k]);
        ck_assert_int_eq(rl_share_reseg(&shares[k], 10, &out), 0);
        ck_assert_uint_eq(rl_share_scale(&out, 103), iterations[k]);
        rl_share_fini(&out);
    }
}
END_TEST

START_TEST(a4_arrivals)
{
    static const uint64_t expected[3][7] = {{0, 2, 4, 6, 8, 10, 12}, {1, 5, 9, 13}, {3, 7, 11}};
    static const uint64_t counts[] = {7, 4, 3};

    equal_all(3);
    for (size_t k = 0; k < 3; k++) {
        struct rl_share out;

        ck_assert_uint_eq(rl_share_scale(&shares[k], 4), k == 0 ? 2 : 1);
        ck_assert_int_eq(rl_share_reseg(&shares[k], 4, &out), 0);
        expect_sequence(&out, "0,1/2,3/4,1");
        ck_assert_uint_eq(rl_share_scale(&out, 14), counts[k]);
        for (size_t i = 0; i < counts[k]; i++)
            ck_assert_uint_eq(rl_share_global(&out, i), expected[k][i]);
        rl_share_fini(&out);
    }
}
END_TEST

START_TEST(workers_take_turns)
{
    equal_all(5);
    for (uint32_t k = 0; k < 5; k++) {
        expect_slots(&shares[k], 5, 1, &k);
        ck_assert_uint_eq(rl_share_global(&shares[k], 1000), 5000 + k);
    }
}
END_TEST

START_TEST(who_has_no_users_gets_nothing)
{
    equal_all(4);
    for (uint32_t k = 0; k < 4; k++) {
        struct rl_share out;

        ck_assert_int_eq(rl_share_reseg(&shares[k], 3, &out), 0);
        ck_assert_uint_eq(out.part_count, 3);
        ck_assert_uint_eq(rl_share_scale(&out, 300), k < 3 ? 100 : 0);
        rl_share_fini(&out);
    }
}
END_TEST

static const struct {
    const char *segment, *sequence;
    uint32_t index, part_count;
    uint64_t of_12;
} texts[] = {
    {"", "", 0, 1, 12},
    {NULL, NULL, 0, 1, 12},
    {"0:1", "0,1", 0, 1, 12},
    {"1/3:2/3", "", 1, 3, 4},
    {"0:1/3", "", 0, 2, 4},
    {"2/3:1", "", 1, 2, 4},
    {"1/4", "", 0, 2, 3},
    {"50%", NULL, 0, 2, 6},
    {"0.25:0.5", "0,25%,1/2,1", 1, 3, 3},
    {"2/4:3/4", "0,1/4,2/4,3/4,1", 2, 4, 3},
    {"1/4:1/2", "1/4,1/2", 1, 3, 3}, /* the ends are filled up */
};

START_TEST(segments_as_texts)
{
    struct rl_share share;
    char why[200];

    ck_assert_int_eq(
        rl_share_parse(&share, texts[_i].segment, texts[_i].sequence, why, sizeof(why)), 0);
    ck_assert_uint_eq(share.index, texts[_i].index);
    ck_assert_uint_eq(share.part_count, texts[_i].part_count);
    ck_assert_uint_eq(rl_share_scale(&share, 12), texts[_i].of_12);
    rl_share_fini(&share);
}
END_TEST

static const struct {
    const char *segment, *sequence;
} bad_texts[] = {
    {"1/2:1/2", ""},
    {"1/2:1/3", ""},
    {"0:2", ""},
    {"-1:1", ""},
    {"a:b", ""},
    {"0:1:1", ""},
    {":", ""},
    {"1/0", ""},
    {"0:1/3", "0,1/2,1"},
    {"", "0,1/2,1"},
    {"0:1", "0,1,1/2"},
    {"0:1", "0,,1"},
    {"0:1", "1/2,1/2"},
    {"0.1.1", ""},
    {"101%", ""},
    {"1.5%", ""},
    {"0:1/1234567890123", ""},
    {"0.0000000000000001", ""},
    {"1/", ""},
    {"/1", ""},
    {"0:1111111111111111111111111111111111111111111111111111111111111111111111111111/2", ""},
    {"1111111111111111111111111111111111111111111111111111111111111111111111111111:1", ""},
};

START_TEST(bad_texts_are_refused_with_a_reason)
{
    struct rl_share share;
    char why[200] = "";

    ck_assert_int_lt(
        rl_share_parse(&share, bad_texts[_i].segment, bad_texts[_i].sequence, why, sizeof(why)), 0);
    ck_assert_str_ne(why, "");
}
END_TEST

START_TEST(periods_have_a_limit)
{
    char why[200];

    ck_assert_int_eq(rl_share_parse(&shares[0], "0:1/134217729", "", why, sizeof(why)), -E2BIG);
    equal_all(2);
    ck_assert_int_eq(rl_share_reseg(&shares[0], 300000001, &shares[2]), -E2BIG);
    release_all();
}
END_TEST

/* The rule of the specification word for word, slot by slot. */
static uint32_t owner_by_the_rule(const struct rl_share *share, uint32_t slot)
{
    uint64_t taken[PARTS_MAX] = {0};
    uint32_t owner = 0;

    for (uint64_t e = 0; e <= slot; e++) {
        bool found = false;

        for (uint32_t k = 0; k < share->part_count; k++) {
            if (taken[k] * share->period > e * share->weights[k])
                continue;
            if (!found || share->weights[k] > share->weights[owner])
                owner = k;
            found = true;
        }
        ck_assert(found);
        taken[owner]++;
    }
    return owner;
}

/* Over all parts nothing is lost and nothing is done twice, before and after Reseg. */
static void check_partition(const struct rl_share *parts, uint32_t count, uint64_t value)
{
    static uint8_t seen[3000];
    uint64_t sum = 0, empty = 0;
    bool good = true;

    memset(seen, 0, sizeof(seen));
    for (uint32_t k = 0; k < count; k++) {
        uint64_t scaled = rl_share_scale(&parts[k], value), last = 0;

        if (parts[k].index >= parts[k].part_count) {
            ck_assert_uint_eq(scaled, 0);
            empty++;
            continue;
        }
        sum += scaled;
        for (uint64_t j = 0; j < scaled; j++) {
            uint64_t global = rl_share_global(&parts[k], j);

            good &= global < value && (j == 0 || global > last) && seen[global]++ == 0;
            last = global;
        }
        ck_assert(good);
        ck_assert_uint_le(scaled, rl_share_scale(&parts[k], value + 1)); /* monotone */
    }
    ck_assert_uint_eq(sum, value);
    ck_assert_uint_lt(empty, count);
}

START_TEST(nothing_is_lost)
{
    struct rl_rng rng;

    rl_rng_init(&rng, (uint64_t)_i);
    for (int round = 0; round < 40; round++) {
        struct rl_share out[PARTS_MAX];
        uint64_t users = 1 + rl_rng_below(&rng, 500);
        char sequence[200] = "0", point[20];
        uint64_t position = 0, den = 20 + rl_rng_below(&rng, 80);

        if (rl_rng_below(&rng, 2) == 0) {
            equal_all(1 + (uint32_t)rl_rng_below(&rng, PARTS_MAX - 1));
        } else {
            for (int i = 0; i < 8; i++) {
                position += 1 + rl_rng_below(&rng, 5);
                if (position < den) {
                    snprintf(point, sizeof(point), ",%d/%d", (int)position, (int)den);
                    strcat(sequence, point);
                }
            }
            parse_all(strcat(sequence, ",1"));
        }
        check_partition(shares, share_count, rl_rng_below(&rng, 2999));
        for (uint32_t k = 0; k < share_count; k++) {
            uint32_t slot = (uint32_t)rl_rng_below(&rng, shares[k].weights[k]);

            ck_assert_uint_eq(owner_by_the_rule(&shares[k], shares[k].slots[slot]), k);
            ck_assert_int_eq(rl_share_reseg(&shares[k], users, &out[k]), 0);
            ck_assert_int_eq(out[k].index<out[k].part_count, rl_share_scale(&shares[k], users)> 0);
        }
        check_partition(out, share_count, rl_rng_below(&rng, 2999));
        for (uint32_t k = 0; k < share_count; k++)
            rl_share_fini(&out[k]);
    }
}
END_TEST

START_TEST(large_counts_are_quick)
{
    struct rl_share share, out;

    ck_assert_int_eq(rl_share_equal(&share, 7, 50), 0);
    ck_assert_int_eq(rl_share_reseg(&share, 999999, &out), 0);
    ck_assert_uint_eq(out.period, 999999);
    ck_assert_uint_eq(rl_share_scale(&out, UINT64_C(999999) * 1000000), 20000 * UINT64_C(1000000));
    rl_share_fini(&out);
    rl_share_fini(&share);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *share_suite(void)
{
    Suite *suite = suite_create("plan/share");

    rl_case(suite, a1_striping, setup, release_all);
    rl_case(suite, a1_scale, setup, release_all);
    rl_case(suite, a2_reseg, setup, release_all);
    rl_case(suite, a3_shared_iterations, setup, release_all);
    rl_case(suite, a4_arrivals, setup, release_all);
    rl_case(suite, workers_take_turns, setup, release_all);
    rl_case(suite, who_has_no_users_gets_nothing, setup, release_all);
    rl_case_loop(suite, segments_as_texts, setup, release_all, 0, COUNT(texts));
    rl_case_loop(suite, bad_texts_are_refused_with_a_reason, setup, release_all, 0,
                 COUNT(bad_texts));
    rl_case(suite, periods_have_a_limit, setup, release_all);
    rl_case_loop(suite, nothing_is_lost, setup, release_all, 1, 11);
    rl_case(suite, large_counts_are_quick, setup, release_all);
    return suite;
}

RL_TEST_MAIN(share_suite)
