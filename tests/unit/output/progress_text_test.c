/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/progress_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cases.h"
#include "output/figure.h"

static struct rl_buf out;

static void set_up(void)
{
    rl_buf_init(&out, 0);
}

static void tear_down(void)
{
    rl_buf_fini(&out);
}

static const struct rl_progress_bar bars[] = {
    {.name = "steady", .mark = RL_MARK_RUNNING, .fraction = 0.205, .right = "10 VUs  0m12.3s/1m0s"},
    {.name = "burst", .mark = RL_MARK_WAITING, .fraction = 0, .right = "waiting"},
    {.name = "a", .mark = RL_MARK_DONE, .fraction = 1, .right = "5 VUs  10s"},
};

static struct rl_progress_state state = {
    .phase = "running",
    .started = true,
    .elapsed_ns = 12345 * RL_NS_PER_MS,
    .max_ns = 90 * RL_NS_PER_S,
    .active_vus = 10,
    .created_vus = 15,
    .completed = 1234,
    .interrupted = 2,
    .bars = bars,
    .bar_count = 3,
};

static const char *print(struct rl_progress_look look)
{
    rl_buf_consume(&out, rl_buf_size(&out));
    ck_assert_int_eq(rl_progress_text(&state, &look, &out), 0);
    ck_assert_int_eq(rl_buf_append(&out, "", 1), 0);
    return (const char *)out.data + out.start;
}

#define HEAD "running (0m12.3s), 10/15 VUs, 1234 complete and 2 interrupted iterations"

START_TEST(E_441_plain_lines_have_percent)
{
    ck_assert_str_eq(print((struct rl_progress_look){.bars = false}),
                     HEAD "\n"
                          "steady   [  20% ] 10 VUs  0m12.3s/1m0s\n"
                          "burst  • [   0% ] waiting\n"
                          "a      ✓ [ 100% ] 5 VUs  10s");
}
END_TEST

START_TEST(E_441_bars_on_a_terminal)
{
    ck_assert_str_eq(print((struct rl_progress_look){.bars = true, .columns = 200}), HEAD
                     "\n"
                     "steady   [=======>--------------------------------] 10 VUs  0m12.3s/1m0s\n"
                     "burst  • [----------------------------------------] waiting\n"
                     "a      ✓ [========================================] 5 VUs  10s");
}
END_TEST

START_TEST(E_441_before_the_clock_runs_there_is_no_figure)
{
    struct rl_progress_state old = state;

    state = (struct rl_progress_state){.phase = "3/10 VUs initialized"};
    ck_assert_str_eq(print((struct rl_progress_look){0}), "3/10 VUs initialized");
    state = old;
}
END_TEST

START_TEST(E_441_marks)
{
    static const char *const marks[] = {"x   [", "x • [", "x ↓ [", "x ✗ [", "x ✓ ["};
    struct rl_progress_bar bar = {.name = "x"};
    struct rl_progress_state old = state;

    state.bars = &bar;
    state.bar_count = 1;
    for (int mark = RL_MARK_RUNNING; mark <= RL_MARK_DONE; mark++) {
        bar.mark = (enum rl_progress_mark)mark;
        ck_assert_ptr_nonnull(strstr(print((struct rl_progress_look){0}), marks[mark]));
    }
    state = old;
}
END_TEST

/* Each line fits, whatever the terminal's width; and there are no more of them than rows. */
START_TEST(lines_fit_into_every_terminal)
{
    for (size_t columns = 1; columns < 130; columns++) {
        for (size_t rows = 1; rows < 6; rows++) {
            struct rl_progress_look look = {.bars = true, .columns = columns, .rows = rows};
            char text[2048], *line, *rest = text;
            size_t lines = 0;

            snprintf(text, sizeof(text), "%s", print(look));
            while ((line = strsep(&rest, "\n")) != NULL) {
                ck_assert_msg(rl_text_width(line) <= columns, "%zu: %s", columns, line);
                lines++;
            }
            ck_assert_uint_eq(lines, rows < 4 ? rows : 4);
        }
    }
}
END_TEST

START_TEST(odd_fractions_stay_in_the_bar)
{
    static const double fractions[] = {-1, 2, (double)NAN, HUGE_VAL, -HUGE_VAL, 0.99999999};
    static const char *const percents[] = {"  0%", "100%", "  0%", "100%", "  0%", " 99%"};
    struct rl_progress_bar bar = {.name = "x"};
    struct rl_progress_state old = state;

    state.bars = &bar;
    state.bar_count = 1;
    for (size_t i = 0; i < 6; i++) {
        bar.fraction = fractions[i];
        ck_assert_ptr_nonnull(strstr(print((struct rl_progress_look){0}), percents[i]));
        print((struct rl_progress_look){.bars = true});
    }
    state = old;
}
END_TEST

START_TEST(E_441_clocks_do_not_jump)
{
    static const struct {
        double seconds, most;
        const char *text;
    } rows[] = {{0, 30, "00.0s"},          {7.59, 30, "07.5s"},          {59.99, 59.99, "59.9s"},
                {7.5, 60, "0m07.5s"},      {7.5, 3599, "00m07.5s"},      {754.2, 3599, "12m34.2s"},
                {7.5, 3600, "0h00m07.5s"}, {45296, 3600, "12h34m56.0s"}, {61, 30, "1m01.0s"}};
    char text[64];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rl_progress_clock((uint64_t)(rows[i].seconds * 1e9), (uint64_t)(rows[i].most * 1e9), text,
                          sizeof(text));
        ck_assert_str_eq(text, rows[i].text);
    }
}
END_TEST

START_TEST(E_441_right_hand_texts_by_executor)
{
    struct rl_scenario scenario = {
        .executor = RL_CONSTANT_VUS,
        .vus = 100,
        .iterations = 20,
        .duration_ns = 90 * (int64_t)RL_NS_PER_S,
        .max_duration_ns = 600 * (int64_t)RL_NS_PER_S,
    };
    char text[RL_PROGRESS_RIGHT_BYTES];

    rl_progress_right(&scenario, 7, 12345 * RL_NS_PER_MS, 3, text);
    ck_assert_str_eq(text, "007 VUs  0m12.3s/1m30s");
    rl_progress_right(&scenario, 0, 90 * RL_NS_PER_S, 3, text);
    ck_assert_str_eq(text, "000 VUs  1m30s");
    scenario.executor = RL_SHARED_ITERATIONS;
    rl_progress_right(&scenario, 100, 12345 * RL_NS_PER_MS, 3, text);
    ck_assert_str_eq(text, "100 VUs  00m12.3s/10m0s  03/20 shared iters");
    scenario.executor = RL_PER_VU_ITERATIONS;
    rl_progress_right(&scenario, 100, 12345 * RL_NS_PER_MS, 30, text);
    ck_assert_str_eq(text, "100 VUs  00m12.3s/10m0s  0030/2000 iters, 20 per VU");
}
END_TEST

static Suite *progress_text_suite(void)
{
    Suite *suite = suite_create("progress_text");

    rl_case(suite, E_441_plain_lines_have_percent, set_up, tear_down);
    rl_case(suite, E_441_bars_on_a_terminal, set_up, tear_down);
    rl_case(suite, E_441_before_the_clock_runs_there_is_no_figure, set_up, tear_down);
    rl_case(suite, E_441_marks, set_up, tear_down);
    rl_case(suite, lines_fit_into_every_terminal, set_up, tear_down);
    rl_case(suite, odd_fractions_stay_in_the_bar, set_up, tear_down);
    rl_case(suite, E_441_clocks_do_not_jump, set_up, tear_down);
    rl_case(suite, E_441_right_hand_texts_by_executor, set_up, tear_down);
    return suite;
}

RL_TEST_MAIN(progress_text_suite)
