/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/summary_json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cases.h"
#include "sample_summary.h"

static struct rl_buf out;
static struct rl_summary summary;
static json_t *document;

static void set_up(void)
{
    rl_buf_init(&out, 0);
    summary = sample_summary();
    document = NULL;
}

static void tear_down(void)
{
    json_decref(document);
    rl_buf_fini(&out);
}

static void export(const char *setup_data)
{
    ck_assert_int_eq(rl_summary_json(&summary, setup_data, &out), 0);
    document = json_loadb((const char *)rl_buf_view(&out).data, rl_buf_size(&out), 0, NULL);
    ck_assert_ptr_nonnull(document);
}

static double metric_value(const char *name, const char *key)
{
    json_t *value =
        json_object_get(json_object_get(json_object_get(document, "metrics"), name), key);

    ck_assert_msg(json_is_number(value), "%s.%s", name, key);
    return json_number_value(value);
}

START_TEST(E_430_values_stand_directly_in_the_metric)
{
    json_t *rtt;

    export(NULL);
    ck_assert_double_eq(metric_value("iterations", "count"), 12345);
    ck_assert_double_eq(metric_value("iterations", "rate"), 411.5);
    ck_assert_double_eq(metric_value("vus", "value"), 1);
    ck_assert_double_eq(metric_value("vus", "max"), 50);
    ck_assert_double_eq_tol(metric_value("checks", "value"), 24678.0 / 24690, 1e-14);
    ck_assert_double_eq(metric_value("checks", "passes"), 24678);
    ck_assert_double_eq(metric_value("checks", "fails"), 12);
    ck_assert_double_eq(metric_value("echo_rtt", "p(95)"), 0.92);
    ck_assert_double_eq(metric_value("echo_rtt{size:64}", "avg"), 0.3);
    ck_assert_double_eq(metric_value("group_duration", "avg"), 1);
    rtt = json_object_get(json_object_get(document, "metrics"), "echo_rtt");
    ck_assert_uint_eq(json_object_size(rtt), 7); /* six stats and thresholds */
    ck_assert_ptr_null(json_object_get(json_object_get(document, "metrics"), "rate"));
    ck_assert_ptr_null(json_object_get(document, "setup_data"));
}
END_TEST

START_TEST(turns_are_there_if_they_are_known)
{
    json_t *turns;

    export(NULL);
    ck_assert_ptr_null(json_object_get(document, "worker_turns"));
    json_decref(document);
    rl_buf_consume(&out, rl_buf_size(&out));
    summary.turns = (struct rl_summary_turns){.count = 12345, .p9999_ms = 0.75, .max_ms = 2.5};
    export(NULL);
    turns = json_object_get(document, "worker_turns");
    ck_assert_int_eq(json_integer_value(json_object_get(turns, "count")), 12345);
    ck_assert_double_eq(json_real_value(json_object_get(turns, "p(99.99)")), 0.75);
    ck_assert_double_eq(json_real_value(json_object_get(turns, "max")), 2.5);
    ck_assert_ptr_null(json_object_get(turns, "steady"));
    json_decref(document);
    rl_buf_consume(&out, rl_buf_size(&out));
    summary.steady = (struct rl_summary_turns){.count = 12, .p9999_ms = 0.25, .max_ms = 0.5};
    export(NULL);
    turns = json_object_get(json_object_get(document, "worker_turns"), "steady");
    ck_assert_int_eq(json_integer_value(json_object_get(turns, "count")), 12);
    ck_assert_double_eq(json_real_value(json_object_get(turns, "p(99.99)")), 0.25);
}
END_TEST

START_TEST(E_430_thresholds_are_true_if_crossed)
{
    json_t *metrics, *thresholds;

    export(NULL);
    metrics = json_object_get(document, "metrics");
    thresholds = json_object_get(json_object_get(metrics, "echo_rtt"), "thresholds");
    ck_assert(json_is_false(json_object_get(thresholds, "p(95)<1")));
    ck_assert(json_is_true(json_object_get(thresholds, "max < 5")));
    ck_assert_ptr_null(json_object_get(json_object_get(metrics, "vus"), "thresholds"));
}
END_TEST

static void check_names(json_t *object, const char *name, const char *path, const char *id)
{
    ck_assert_str_eq(json_string_value(json_object_get(object, "name")), name);
    ck_assert_str_eq(json_string_value(json_object_get(object, "path")), path);
    ck_assert_str_eq(json_string_value(json_object_get(object, "id")), id);
}

static json_t *inside(json_t *group, const char *kind, const char *name)
{
    return json_object_get(json_object_get(group, kind), name);
}

START_TEST(E_341_groups_and_checks_have_ids)
{
    json_t *root, *inner, *check;

    export(NULL);
    root = json_object_get(document, "root_group");
    check_names(root, "", "", "d41d8cd98f00b204e9800998ecf8427e");
    check = inside(root, "checks", "echo matches");
    check_names(check, "echo matches", "::echo matches", "b006409ba8e3a2c43025735fc15eac40");
    ck_assert_int_eq(json_integer_value(json_object_get(check, "passes")), 12333);
    ck_assert_int_eq(json_integer_value(json_object_get(check, "fails")), 12);
    inner = inside(inside(root, "groups", "a"), "groups", "b");
    check_names(inner, "b", "::a::b", "7dd4103b2f1a7305f971d430101027b7");
    check = inside(inner, "checks", "echo matches");
    ck_assert_str_eq(json_string_value(json_object_get(check, "path")), "::a::b::echo matches");
}
END_TEST

START_TEST(E_430_setup_data_comes_as_it_was)
{
    static const char *const texts[] = {"{\"token\": \"abc\", \"n\": [1, 2.5]}", "null", "17",
                                        "\"text\""};

    json_t *expected = json_loads(texts[_i], JSON_DECODE_ANY, NULL);

    export(texts[_i]);
    ck_assert(json_equal(json_object_get(document, "setup_data"), expected));
    json_decref(expected);
}
END_TEST

START_TEST(setup_data_that_is_no_json_is_refused)
{
    ck_assert_int_eq(rl_summary_json(&summary, "{", &out), -EINVAL);
}
END_TEST

START_TEST(numbers_read_as_people_write_them)
{
    const struct rl_summary_metric metrics[] = {
        {.name = "odd",
         .type = RL_GAUGE,
         VALUES({"value", 0.3}, {"min", -HUGE_VAL}, {"max", 9007199254740991})},
    };
    static const char expected[] = "{\n"
                                   "    \"metrics\": {\n"
                                   "        \"odd\": {\n"
                                   "            \"value\": 0.3,\n"
                                   "            \"min\": null,\n"
                                   "            \"max\": 9007199254740991\n"
                                   "        }\n"
                                   "    },\n"
                                   "    \"root_group\": {\n"
                                   "        \"name\": \"\",\n"
                                   "        \"path\": \"\",\n"
                                   "        \"id\": \"d41d8cd98f00b204e9800998ecf8427e\",\n"
                                   "        \"groups\": {},\n"
                                   "        \"checks\": {}\n"
                                   "    }\n"
                                   "}\n";

    summary = (struct rl_summary){
        .total = {.metrics = metrics, .metric_count = 1},
        .root = {.name = "", .path = ""},
    };
    export(NULL);
    ck_assert_uint_eq(rl_buf_size(&out), strlen(expected));
    ck_assert_int_eq(memcmp(out.data, expected, strlen(expected)), 0);
}
END_TEST

START_TEST(names_that_are_no_utf8_are_kept_as_far_as_possible)
{
    static const struct rl_summary_check checks[] = {{"bad \xff byte", 1, 0}, {"quo\"te\n", 1, 0}};

    summary.root = (struct rl_summary_part){
        .name = "",
        .path = "",
        .checks = checks,
        .check_count = 2,
    };
    export(NULL);
    ck_assert_ptr_nonnull(inside(json_object_get(document, "root_group"), "checks", "bad ? byte"));
    ck_assert_ptr_nonnull(inside(json_object_get(document, "root_group"), "checks", "quo\"te\n"));
}
END_TEST

START_TEST(the_file_is_replaced)
{
    char path[] = "/tmp/summary_json_test.XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "old", 3), 3);
    close(fd);
    ck_assert_int_eq(rl_summary_export(&summary, "1", path), 0);
    document = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(document);
    ck_assert_int_eq(json_integer_value(json_object_get(document, "setup_data")), 1);
    unlink(path);
    ck_assert_int_eq(rl_summary_export(&summary, NULL, "/nonexistent/x.json"), -ENOENT);
}
END_TEST

static Suite *summary_json_suite(void)
{
    Suite *suite = suite_create("summary_json");

    rl_case(suite, E_430_values_stand_directly_in_the_metric, set_up, tear_down);
    rl_case(suite, E_430_thresholds_are_true_if_crossed, set_up, tear_down);
    rl_case(suite, E_341_groups_and_checks_have_ids, set_up, tear_down);
    rl_case(suite, turns_are_there_if_they_are_known, set_up, tear_down);
    rl_case_loop(suite, E_430_setup_data_comes_as_it_was, set_up, tear_down, 0, 4);
    rl_case(suite, setup_data_that_is_no_json_is_refused, set_up, tear_down);
    rl_case(suite, numbers_read_as_people_write_them, set_up, tear_down);
    rl_case(suite, names_that_are_no_utf8_are_kept_as_far_as_possible, set_up, tear_down);
    rl_case(suite, the_file_is_replaced, set_up, tear_down);
    return suite;
}

RL_TEST_MAIN(summary_json_suite)
