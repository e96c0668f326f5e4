/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/rng.h"
#include "cases.h"

#define MS INT64_C(1000000)
#define S (1000 * MS)

struct duration {
    const char *text;
    int64_t ns;
};

static const struct duration durations[] = {
    {"30s", 30 * S},
    {"1h30m", 5400 * S},
    {"250ms", 250 * MS},
    {"1.5s", 1500 * MS},
    {"1d2h", 26 * 3600 * S},
    {"-3s", -3 * S},
    {"+3s", 3 * S},
    {"0", 0},
    {"-0", 0},
    {"0s", 0},
    {"10us", 10000},
    {"10\xc2\xb5s", 10000},
    {"10\xce\xbcs", 10000},
    {"1ns", 1},
    {".5s", 500 * MS},
    {"5.s", 5 * S},
    {"0.1ns", 0},
    {"0.000000001s", 1},
    {"1.0000000000000000000000000001s", S},
    {"1m1m", 120 * S},
    {"1h0m0.25s", 3600 * S + 250 * MS},
    {"9223372036854775807ns", INT64_MAX},
    {"-9223372036854775808ns", INT64_MIN},
    {"106751d", 86400 * S * 106751},
};

START_TEST(durations_with_units)
{
    int64_t ns = -77;

    for (int bare = 0; bare < 2; bare++) {
        ck_assert_int_eq(rl_parse_duration(durations[_i].text, bare, &ns), 0);
        ck_assert_int_eq(ns, durations[_i].ns);
    }
}
END_TEST

static const struct duration bare[] = {
    {"500", 500 * MS}, {"1.5", 1500000}, {"-2", -2 * MS},
    {"1e3", S},        {"0.0000015", 2}, {"+4", 4 * MS},
};

START_TEST(bare_numbers_are_ms_where_allowed)
{
    int64_t ns = -77;

    ck_assert_int_eq(rl_parse_duration(bare[_i].text, false, &ns), -EINVAL);
    ck_assert_int_eq(ns, -77);
    ck_assert_int_eq(rl_parse_duration(bare[_i].text, true, &ns), 0);
    ck_assert_int_eq(ns, bare[_i].ns);
}
END_TEST

static const char *const malformed[] = {
    "",    "s",    "-",   ".",   ".s",  "1x",  "1 s",  " 1s",   "1s ", "--1s", "1s-1s",
    "1sm", "1e3s", "inf", "nan", "0x1", "1h2", "1,5s", "1\xc2", "1S",  "-+1s", "1..5s",
};

START_TEST(malformed_durations)
{
    int64_t ns = -77;

    for (int bare_ms = 0; bare_ms < 2; bare_ms++)
        ck_assert_int_eq(rl_parse_duration(malformed[_i], bare_ms, &ns), -EINVAL);
    ck_assert_int_eq(ns, -77);
}
END_TEST

static const char *const too_long[] = {
    "9223372036854775808ns", "-9223372036854775809ns",   "106752d", "99999999999999999999999s",
    "1000000000000000h",     "9223372036854775807ns1ns", "1e30",
};

START_TEST(durations_that_do_not_fit)
{
    int64_t ns = -77;

    ck_assert_int_eq(rl_parse_duration(too_long[_i], true, &ns), -ERANGE);
    ck_assert_int_eq(ns, -77);
    ck_assert_int_eq(rl_parse_duration("99999999999999999999999x", true, &ns), -EINVAL);
}
END_TEST

static const struct duration formatted[] = {
    {"0s", 0},
    {"1ns", 1},
    {"1.5\xc2\xb5s", 1500},
    {"250ms", 250 * MS},
    {"1.000001ms", MS + 1},
    {"30s", 30 * S},
    {"1.5s", 1500 * MS},
    {"1m50s", 110 * S},
    {"1h0m0s", 3600 * S},
    {"100h0m0.000000001s", 360000 * S + 1},
    {"-2m0s", -120 * S},
    {"2562047h47m16.854775807s", INT64_MAX},
    {"-2562047h47m16.854775808s", INT64_MIN},
};

START_TEST(formatted_durations)
{
    char text[40];

    rl_format_duration(formatted[_i].ns, text, sizeof(text));
    ck_assert_str_eq(text, formatted[_i].text);
}
END_TEST

START_TEST(what_is_formatted_reads_back)
{
    struct rl_rng rng;
    char text[40];
    int64_t ns = 0;

    rl_rng_init(&rng, 1);
    for (int i = 0; i < 100000; i++) {
        int64_t value = (int64_t)rl_rng_next(&rng) >> rl_rng_below(&rng, 64);

        rl_format_duration(value, text, sizeof(text));
        rl_require(rl_parse_duration(text, false, &ns) == 0);
        rl_require(ns == value);
    }
    rl_format_duration(INT64_MIN, text, 5);
    ck_assert_str_eq(text, "-256"); /* cut, never past the end */
}
END_TEST

START_TEST(whole_numbers)
{
    static const char *const bad[] = {"", "-", "+", "1.0", " 1", "1 ", "0x10", "1e3", "--1", "ten"};
    int64_t value = -77;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(rl_parse_int(bad[i], &value), -EINVAL);
    ck_assert_int_eq(rl_parse_int("9223372036854775808", &value), -ERANGE);
    ck_assert_int_eq(rl_parse_int("-9223372036854775809", &value), -ERANGE);
    ck_assert_int_eq(value, -77);
    ck_assert_int_eq(rl_parse_int("9223372036854775807", &value), 0);
    ck_assert_int_eq(value, INT64_MAX);
    ck_assert_int_eq(rl_parse_int("-9223372036854775808", &value), 0);
    ck_assert_int_eq(value, INT64_MIN);
    ck_assert_int_eq(rl_parse_int("+007", &value), 0);
    ck_assert_int_eq(value, 7);
}
END_TEST

START_TEST(decimal_numbers)
{
    static const char *const bad[] = {"",   ".",   "-",     "1.2.3", "1e",  "e5",
                                      " 1", "0x1", "1.5ms", "inf",   "nan", "1-2"};
    double value = -77;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(rl_parse_double(bad[i], &value), -EINVAL);
    ck_assert_int_eq(rl_parse_double("1e999", &value), -ERANGE);
    ck_assert_double_eq(value, -77);
    ck_assert_int_eq(rl_parse_double("-1.25e2", &value), 0);
    ck_assert_double_eq(value, -125);
    ck_assert_int_eq(rl_parse_double(".5", &value), 0);
    ck_assert_double_eq(value, 0.5);
}
END_TEST

START_TEST(booleans)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    static const char *const bad[] = {"", "yes", "no", "on", "2", "truee", " true", "01"};
    bool value = false;

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        ck_assert_int_eq(rl_parse_bool(yes[i], &value), 0);
        ck_assert(value);
        ck_assert_int_eq(rl_parse_bool(no[i], &value), 0);
        ck_assert(!value);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(rl_parse_bool(bad[i], &value), -EINVAL);
}
END_TEST

START_TEST(sizes)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0", 0},
        {"512", 512},
        {"512B", 512},
        {"64KiB", 65536},
        {"64kib", 65536},
        {"1MiB", 1 << 20},
        {"1.5KiB", 1536},
        {"10MB", 10000000},
        {"10kB", 10000},
        {"2GiB", 1ULL << 31},
        {"1TB", 1000000000000},
        {"1GB", 1000000000},
        {"18446744073709551615", UINT64_MAX},
    };
    static const char *const bad[] = {"",   "KiB",   "1K",  "1 KiB", "-1",
                                      "+1", "1KiBs", "0x1", "1KiB2"};
    uint64_t bytes = 77;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(rl_parse_size(bad[i], &bytes), -EINVAL);
    ck_assert_int_eq(rl_parse_size("18446744073709551616", &bytes), -ERANGE);
    ck_assert_int_eq(rl_parse_size("17179869184GiB", &bytes), -ERANGE);
    ck_assert_uint_eq(bytes, 77);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_int_eq(rl_parse_size(good[i].text, &bytes), 0);
        ck_assert_uint_eq(bytes, good[i].bytes);
    }
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *parse_suite(void)
{
    Suite *suite = suite_create("base/parse");

    rl_case_loop(suite, durations_with_units, NULL, NULL, 0, COUNT(durations));
    rl_case_loop(suite, bare_numbers_are_ms_where_allowed, NULL, NULL, 0, COUNT(bare));
    rl_case_loop(suite, malformed_durations, NULL, NULL, 0, COUNT(malformed));
    rl_case_loop(suite, durations_that_do_not_fit, NULL, NULL, 0, COUNT(too_long));
    rl_case_loop(suite, formatted_durations, NULL, NULL, 0, COUNT(formatted));
    rl_case(suite, what_is_formatted_reads_back, NULL, NULL);
    rl_case(suite, whole_numbers, NULL, NULL);
    rl_case(suite, decimal_numbers, NULL, NULL);
    rl_case(suite, booleans, NULL, NULL);
    rl_case(suite, sizes, NULL, NULL);
    return suite;
}

RL_TEST_MAIN(parse_suite)
