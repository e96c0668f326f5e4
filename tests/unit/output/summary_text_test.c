/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/summary_text.h"

#include <string.h>

#include "cases.h"
#include "sample_summary.h"

static struct rl_buf out;
static struct rl_summary_text_config config;
static struct rl_summary summary;

static void set_up(void)
{
    rl_buf_init(&out, 0);
    config = (struct rl_summary_text_config){.mode = RL_SUMMARY_COMPACT};
    summary = sample_summary();
}

static void tear_down(void)
{
    rl_buf_fini(&out);
}

/* What is printed, without blanks at the ends of lines. */
static const char *print(void)
{
    char *text, *write;

    ck_assert_int_eq(rl_summary_text(&summary, &config, &out), 0);
    ck_assert_int_eq(rl_buf_append(&out, "", 1), 0);
    text = write = (char *)out.data + out.start;
    for (const char *read = text; *read != '\0'; read++) {
        if (*read == '\n') {
            while (write > text && write[-1] == ' ')
                write--;
        }
        *write++ = *read;
    }
    *write = '\0';
    return text;
}

START_TEST(E_400_the_layout_of_the_specification)
{
    static const char expected[] =
        "\n"
        "  █ THRESHOLDS\n"
        "\n"
        "    checks\n"
        "    ✓ 'rate>0.99' rate=99.95%\n"
        "\n"
        "    echo_rtt\n"
        "    ✓ 'p(95)<1' p(95)=920µs\n"
        "    ✗ 'max < 5' max=12.8ms\n"
        "\n"
        "      {size:64}\n"
        "      ✓ 'avg<1' avg=300µs\n"
        "\n"
        "\n"
        "  █ TOTAL RESULTS\n"
        "\n"
        "    checks_total.......: 24690  823/s\n"
        "    checks_succeeded...: 99.95% 24678 out of 24690\n"
        "    checks_failed......: 0.04%  12 out of 24690\n"
        "\n"
        "    ✓ connected\n"
        "    ✗ echo matches\n"
        "      ↳  99% — ✓ 12333 / ✗ 12\n"
        "\n"
        "    CUSTOM\n"
        "    echo_rtt.............: avg=421.3µs min=81µs med=390µs max=12.8ms p(90)=710µs "
        "p(95)=920µs\n"
        "      { size:64 }........: avg=300µs   min=81µs med=290µs max=2.8ms  p(90)=510µs "
        "p(95)=620µs\n"
        "    errs.................: 3      0.1/s\n"
        "    ok...................: 99.98% 99987 out of 100000\n"
        "    queue................: 7      min=0               max=31.25\n"
        "\n"
        "    EXECUTION\n"
        "    dropped_iterations...: 12     0.4/s\n"
        "    iteration_duration...: avg=1.52s   min=1s   med=1.5s  max=1m1s   p(90)=1.71s "
        "p(95)=1h0m0s\n"
        "    iterations...........: 12345  411.5/s\n"
        "    vus..................: 1      min=1               max=50\n"
        "    vus_max..............: 50     min=50              max=50\n"
        "\n"
        "    NETWORK\n"
        "    data_received........: 988 MB 33 MB/s\n"
        "    data_sent............: 1.2 MB 41 kB/s\n"
        "\n";

    ck_assert_str_eq(print(), expected);
}
END_TEST

START_TEST(E_401_tcp_metrics_have_a_category)
{
    const struct rl_summary_metric metrics[] = {
        {.name = "tcp_reads", .type = RL_COUNTER, VALUES({"count", 5}, {"rate", 0.5})},
        {.name = "tcp_socket_connecting",
         .type = RL_TREND,
         .contains = RL_TIME,
         VALUES({"count", 3})},
        {.name = "zz_size", .type = RL_TREND, .contains = RL_DATA, VALUES({"p(99.9)", 1500})},
    };
    static const char expected[] = "\n"
                                   "  █ TOTAL RESULTS\n"
                                   "\n"
                                   "    CUSTOM\n"
                                   "    zz_size.................: p(99.9)=1.5 kB\n"
                                   "\n"
                                   "    TCP\n"
                                   "    tcp_reads...............: 5 0.5/s\n"
                                   "    tcp_socket_connecting...: count=3\n"
                                   "\n";

    summary.total = (struct rl_summary_part){.metrics = metrics, .metric_count = 3};
    ck_assert_str_eq(print(), expected);
}
END_TEST

START_TEST(E_401_a_submetric_alone_has_its_full_name)
{
    struct rl_summary_metric metric = sample_metrics[4];
    static const char expected[] = "\n"
                                   "  █ THRESHOLDS\n"
                                   "\n"
                                   "    echo_rtt{size:64}\n"
                                   "    ✓ 'avg<1' avg=300µs\n"
                                   "\n"
                                   "\n"
                                   "  █ TOTAL RESULTS\n";

    metric.threshold_count = 0;
    summary.total = (struct rl_summary_part){.metrics = &metric, .metric_count = 1};
    ck_assert_int_eq(strncmp(print(), expected, strlen(expected)), 0);
}
END_TEST

START_TEST(E_402_full_mode_has_sections_of_groups_and_scenarios)
{
    const struct rl_summary_metric reads[] = {
        {.name = "tcp_reads", .type = RL_COUNTER, VALUES({"count", 5}, {"rate", 0.5})}};
    const struct rl_summary_part inner = {.name = "inner", .metrics = reads, .metric_count = 1};
    const struct rl_summary_metric checks[] = {
        {.name = "checks", .type = RL_RATE, VALUES({"rate", 1}, {"passes", 3}, {"fails", 0})}};
    const struct rl_summary_check check[] = {{"fine", 3, 0}};
    const struct rl_summary_part group = {
        .name = "outer",
        .metrics = checks,
        .metric_count = 1,
        .checks = check,
        .check_count = 1,
        .groups = &inner,
        .group_count = 1,
    };
    const struct rl_summary_part scenario = {.name = "burst", .metrics = reads, .metric_count = 1};
    static const char expected[] = "\n"
                                   "  █ TOTAL RESULTS\n"
                                   "\n"
                                   "    TCP\n"
                                   "    tcp_reads...: 5 0.5/s\n"
                                   "\n"
                                   "\n"
                                   "  █ GROUP: outer\n"
                                   "\n"
                                   "    checks_total.......: 3       0.1/s\n"
                                   "    checks_succeeded...: 100.00% 3 out of 3\n"
                                   "    checks_failed......: 0.00%   0 out of 3\n"
                                   "\n"
                                   "    ✓ fine\n"
                                   "\n"
                                   "    ↳ GROUP: inner\n"
                                   "\n"
                                   "      TCP\n"
                                   "      tcp_reads...: 5 0.5/s\n"
                                   "\n"
                                   "\n"
                                   "  █ SCENARIO: burst\n"
                                   "\n"
                                   "    TCP\n"
                                   "    tcp_reads...: 5 0.5/s\n"
                                   "\n";

    config.mode = RL_SUMMARY_FULL;
    summary.total = (struct rl_summary_part){.metrics = reads, .metric_count = 1};
    summary.groups = (struct rl_summary_part){.groups = &group, .group_count = 1};
    summary.scenarios = &scenario;
    summary.scenario_count = 1;
    ck_assert_str_eq(print(), expected);
}
END_TEST

START_TEST(E_400_disabled_prints_nothing)
{
    config.mode = RL_SUMMARY_DISABLED;
    ck_assert_str_eq(print(), "");
}
END_TEST

START_TEST(a_run_without_samples_has_a_title_only)
{
    summary.total = (struct rl_summary_part){0};
    ck_assert_str_eq(print(), "\n  █ TOTAL RESULTS\n\n");
}
END_TEST

START_TEST(summaryTimeUnit_fixes_the_unit)
{
    config.unit = RL_UNIT_MS;
    print();
    ck_assert_ptr_nonnull(strstr((char *)out.data, "avg=0.42ms    min=0.08ms    med=0.39ms"));
    ck_assert_ptr_nonnull(strstr((char *)out.data, "max < 5' max=12.80ms"));
    ck_assert_ptr_nonnull(strstr((char *)out.data, "data_sent............: 1.2 MB 41 kB/s"));
}
END_TEST

/* Without its escape sequences the coloured text is the plain one. */
START_TEST(E_404_colours_add_nothing_but_colours)
{
    struct rl_buf colored;
    char *text, *write;

    print();
    rl_buf_init(&colored, 0);
    config.color = true;
    ck_assert_int_eq(rl_summary_text(&summary, &config, &colored), 0);
    ck_assert_int_eq(rl_buf_append(&colored, "", 1), 0);
    text = write = (char *)colored.data;
    ck_assert_ptr_nonnull(strstr(text, "\x1b[1mTOTAL RESULTS\x1b[0m"));
    ck_assert_ptr_nonnull(strstr(text, "\x1b[32m✓\x1b[0m connected"));
    ck_assert_ptr_nonnull(strstr(text, "\x1b[31m✗\x1b[0m echo matches"));
    ck_assert_ptr_nonnull(strstr(text, "avg=\x1b[36m421.3µs\x1b[0m"));
    ck_assert_ptr_nonnull(strstr(text, "errs\x1b[2m.................:\x1b[0m "));
    ck_assert_ptr_nonnull(strstr(text, "\x1b[2mmin=0\x1b[0m"));
    for (const char *read = text; *read != '\0'; read++) {
        if (*read == '\x1b') {
            while (*read != 'm')
                read++;
            continue;
        }
        *write++ = *read;
    }
    *write = '\0';
    for (char *blank; (blank = strstr(text, " \n")) != NULL;)
        memmove(blank, blank + 1, strlen(blank));
    ck_assert_str_eq(text, (char *)out.data);
    rl_buf_fini(&colored);
}
END_TEST

START_TEST(a_full_buffer_is_an_error)
{
    struct rl_buf small;

    rl_buf_init(&small, 100);
    ck_assert_int_lt(rl_summary_text(&summary, &config, &small), 0);
    rl_buf_fini(&small);
}
END_TEST

static Suite *summary_text_suite(void)
{
    Suite *suite = suite_create("summary_text");

    rl_case(suite, E_400_the_layout_of_the_specification, set_up, tear_down);
    rl_case(suite, E_401_tcp_metrics_have_a_category, set_up, tear_down);
    rl_case(suite, E_401_a_submetric_alone_has_its_full_name, set_up, tear_down);
    rl_case(suite, E_402_full_mode_has_sections_of_groups_and_scenarios, set_up, tear_down);
    rl_case(suite, E_400_disabled_prints_nothing, set_up, tear_down);
    rl_case(suite, a_run_without_samples_has_a_title_only, set_up, tear_down);
    rl_case(suite, summaryTimeUnit_fixes_the_unit, set_up, tear_down);
    rl_case(suite, E_404_colours_add_nothing_but_colours, set_up, tear_down);
    rl_case(suite, a_full_buffer_is_an_error, set_up, tear_down);
    return suite;
}

RL_TEST_MAIN(summary_text_suite)
