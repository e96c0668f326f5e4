/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/host_pattern.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

static struct rl_host_patterns build(const char *const *texts)
{
    struct rl_host_patterns patterns = {0};

    for (size_t i = 0; texts[i] != NULL; i++)
        ck_assert_msg(rl_host_patterns_add(&patterns, texts[i], true, i) == 0, "%s", texts[i]);
    rl_host_patterns_close(&patterns);
    return patterns;
}

/* T-051: which names a pattern fits. */
START_TEST(one_pattern)
{
    static const struct {
        const char *pattern, *name;
        bool fits;
    } rows[] = {
        {"a.test", "a.test", true},
        {"A.Test", "a.tEST", true},
        {"a.test", "b.a.test", false},
        {"a.test", "a.test.", false},
        {"a.test", "xa.test", false},
        {"a.test:80", "a.test:80", true},
        {"a.test:80", "a.test", false},
        {"a.test", "a.test:80", false},
        {"*.a.test", "b.a.test", true},
        {"*.a.test", "c.b.a.test", true},
        {"*.a.test", "a.test", false},
        {"*.a.test", "xa.test", false},
        {"*.A.TEST", "B.a.test", true},
        {"*a.test", "a.test", true},
        {"*a.test", "b.a.test", true},
        {"*a.test", "xa.test", true},
        {"*a.test", "a.test.b", false},
        {"*.a.test:80", "b.a.test:80", true},
        {"*.a.test:80", "b.a.test:81", false},
        {"*:80", "anything:80", true},
        {"*", "anything", true},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1:80", "127.0.0.1:80", true},
        {"under_score-1.test", "under_score-1.test", true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const texts[] = {rows[i].pattern, NULL};
        struct rl_host_patterns patterns = build(texts);
        bool fits = rl_host_patterns_find(&patterns, rows[i].name) != NULL;

        ck_assert_msg(fits == rows[i].fits, "%s for %s", rows[i].pattern, rows[i].name);
        rl_host_patterns_fini(&patterns);
    }
}
END_TEST

START_TEST(exact_beats_star_and_long_beats_short)
{
    static const char *const texts[] = {"*",       "*.test", "*.a.test", "b.a.test",
                                        "*a.test", "a.test", "z.test",   NULL};
    static const struct {
        const char *name;
        size_t rule;
    } rows[] = {
        {"b.a.test", 3}, {"c.a.test", 2}, {"xa.test", 4}, {"a.test", 5},
        {"q.test", 1},   {"q.else", 0},   {"z.test", 6},
    };
    struct rl_host_patterns patterns = build(texts);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct rl_host_pattern *found = rl_host_patterns_find(&patterns, rows[i].name);

        ck_assert_ptr_nonnull(found);
        ck_assert_msg(found->rule == rows[i].rule, "%s", rows[i].name);
    }
    rl_host_patterns_fini(&patterns);
}
END_TEST

START_TEST(the_last_of_equal_patterns_counts)
{
    static const char *const texts[] = {"a.test", "*.b", "A.TEST", "*.B", NULL};
    struct rl_host_patterns patterns = build(texts);

    ck_assert_uint_eq(patterns.count, 2);
    ck_assert_uint_eq(rl_host_patterns_find(&patterns, "a.test")->rule, 2);
    ck_assert_uint_eq(rl_host_patterns_find(&patterns, "x.b")->rule, 3);
    rl_host_patterns_fini(&patterns);
}
END_TEST

START_TEST(malformed)
{
    static const char *const rows[] = {
        "",         ".",    ".a",      "a.",          "a..b",    "a b",   "-a",
        "a-",       "a.-b", "*.",      "**",          "a*",      "a.*.b", "*-a",
        "a:",       "a:x",  "a:65536", "a:123456",    "a:80:80", "[::1]", "::1",
        "http://a", "a/b",  "a:80/",   "\xc3\xa4.de", ":80",     "*..a",  "a:-1",
    };
    struct rl_host_patterns patterns = {0};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(rl_host_patterns_add(&patterns, rows[i], true, 0) == -EINVAL, "%s", rows[i]);
    ck_assert_int_eq(rl_host_patterns_add(&patterns, "a.test:80", false, 0), -EINVAL);
    rl_host_patterns_close(&patterns);
    ck_assert_ptr_null(rl_host_patterns_find(&patterns, "a"));
    rl_host_patterns_fini(&patterns);
}
END_TEST

START_TEST(names_of_any_length)
{
    static const char *const texts[] = {"*.test", NULL};
    struct rl_host_patterns patterns = build(texts);
    char name[1000];

    for (size_t size = 0; size < sizeof(name); size++) {
        memset(name, 'a', size);
        name[size] = '\0';
        if (size >= 5)
            memcpy(name + size - 5, ".test", 5);
        ck_assert_int_eq(rl_host_patterns_find(&patterns, name) != NULL, size >= 5 && size <= 259);
    }
    memset(name, 'a', RL_HOST_TEXT + 1);
    name[RL_HOST_TEXT + 1] = '\0';
    ck_assert_int_eq(rl_host_patterns_add(&patterns, name, false, 0), -EINVAL);
    rl_host_patterns_fini(&patterns);
}
END_TEST

START_TEST(many_patterns)
{
    struct rl_host_patterns patterns = {0};
    char text[64];

    for (size_t i = 0; i < 5000; i++) {
        snprintf(text, sizeof(text), "h%zu.test", i * 7919 % 5000);
        ck_assert_int_eq(rl_host_patterns_add(&patterns, text, true, i * 7919 % 5000), 0);
    }
    rl_host_patterns_close(&patterns);
    for (size_t i = 0; i < 5000; i++) {
        snprintf(text, sizeof(text), "H%zu.test", i);
        ck_assert_uint_eq(rl_host_patterns_find(&patterns, text)->rule, i);
    }
    rl_host_patterns_fini(&patterns);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("net/host_pattern");
    TCase *c = tcase_create("fit");

    tcase_add_test(c, one_pattern);
    tcase_add_test(c, exact_beats_star_and_long_beats_short);
    tcase_add_test(c, the_last_of_equal_patterns_counts);
    tcase_add_test(c, names_of_any_length);
    tcase_add_test(c, many_patterns);
    suite_add_tcase(s, c);
    c = tcase_create("malformed");
    tcase_add_test(c, malformed);
    suite_add_tcase(s, c);
    return s;
}

RL_TEST_MAIN(suite)
