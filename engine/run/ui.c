/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/ui.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "output/describe.h"
#include "output/progress.h"
#include "ringload_version.h"

struct rl_ui {
    struct rl_test *test;
    struct rl_progress progress;
    struct rl_progress_state state; /* the newest figures */
    struct rl_progress_bar *bars;   /* one a scenario */
    char init[96];                  /* the first line while VUs are made */
};

static bool is_terminal(int fd)
{
    const char *term = getenv("TERM");

    return isatty(fd) && term != NULL && strcmp(term, "dumb") != 0;
}

static void print_description(struct rl_test *test, const char *script_path, bool color)
{
    struct rl_description description = {.version = RINGLOAD_VERSION_FULL,
                                         .script = script_path,
                                         .percent = 100,
                                         .plan = &test->plan};
    struct rl_buf text;

    rl_buf_init(&text, 0);
    if (rl_describe_banner(&description, color, &text) == 0 &&
        rl_describe(&description, color, &text) == 0) {
        fwrite(rl_buf_view(&text).data, 1, rl_buf_size(&text), stdout);
        fflush(stdout);
    }
    rl_buf_fini(&text);
}

struct rl_ui *rl_ui_new(struct rl_test *test, const char *script_path)
{
    bool tty = is_terminal(STDOUT_FILENO);
    bool color = tty && !test->flags->no_color && getenv("NO_COLOR") == NULL;
    struct rl_ui *ui = calloc(1, sizeof(*ui));

    if (ui == NULL)
        return NULL;
    ui->test = test;
    ui->bars = calloc(test->plan.scenario_count + 1, sizeof(*ui->bars));
    if (ui->bars == NULL) {
        free(ui);
        return NULL;
    }
    print_description(test, script_path, color);
    rl_progress_init(&ui->progress, STDOUT_FILENO, tty, color);
    rl_log_set_hooks(rl_progress_before_log, rl_progress_after_log, &ui->progress);
    return ui;
}

void rl_ui_free(struct rl_ui *ui)
{
    if (ui == NULL)
        return;
    rl_log_set_hooks(NULL, NULL, NULL);
    rl_progress_fini(&ui->progress);
    free(ui->bars);
    free(ui);
}

static enum rl_progress_mark mark_of(struct rl_test *test, enum rl_executor_phase phase)
{
    switch (phase) {
    case RL_EXECUTOR_WAITING:
        return RL_MARK_WAITING;
    case RL_EXECUTOR_RUNNING:
        return RL_MARK_RUNNING;
    case RL_EXECUTOR_STOPPING:
        return rl_test_ending(test) ? RL_MARK_INTERRUPTED : RL_MARK_STOPPING;
    case RL_EXECUTOR_ENDED:
        return rl_test_ending(test) ? RL_MARK_INTERRUPTED : RL_MARK_DONE;
    }
    return RL_MARK_RUNNING;
}

static void fill_bar(struct rl_ui *ui, size_t index, uint64_t now_ns)
{
    struct rl_test *test = ui->test;
    const struct rl_scenario *scenario = &test->plan.scenarios[index];
    uint64_t start_ns = test->scenarios_zero_ns + (uint64_t)scenario->start_time_ns, vus;
    enum rl_executor_phase phase = rl_scenario_phase(test, index, &vus);
    struct rl_progress_bar *bar = &ui->bars[index];

    bar->name = scenario->name;
    bar->mark = mark_of(test, phase);
    bar->fraction = rl_scenario_progress(test, index, now_ns);
    rl_progress_right(scenario, vus,
                      test->scenarios_zero_ns == 0 || now_ns < start_ns ? 0 : now_ns - start_ns,
                      rl_scenario_done(test, index), bar->right);
}

static void fill_state(struct rl_ui *ui, const char *phase, uint64_t now_ns)
{
    struct rl_test *test = ui->test;
    struct rl_progress_state *state = &ui->state;

    *state = (struct rl_progress_state){.phase = phase,
                                        .started = atomic_load(&test->clock_start_ns) != 0,
                                        .elapsed_ns = rl_test_clock_ns(test),
                                        .max_ns = (uint64_t)test->plan.total_duration_ns,
                                        .active_vus = rl_test_active_vus(test),
                                        .created_vus = rl_test_created_vus(test),
                                        .completed = rl_test_completed(test),
                                        .interrupted = rl_test_interrupted(test),
                                        .bars = ui->bars};
    if (!state->started) {
        snprintf(ui->init, sizeof(ui->init), "%s, %llu/%lld VUs initialized", phase,
                 (unsigned long long)state->created_vus, (long long)test->plan.planned_vus);
        state->phase = ui->init;
        return;
    }
    state->bar_count = test->plan.scenario_count;
    for (size_t i = 0; i < state->bar_count; i++)
        fill_bar(ui, i, now_ns);
}

void rl_ui_tick(struct rl_ui *ui, const char *phase, uint64_t now_ns)
{
    if (ui == NULL || !rl_progress_due(&ui->progress, now_ns))
        return;
    fill_state(ui, phase, now_ns);
    rl_progress_tick(&ui->progress, &ui->state, now_ns);
}

void rl_ui_last(struct rl_ui *ui, uint64_t now_ns)
{
    if (ui == NULL)
        return;
    fill_state(ui, "running", now_ns);
    rl_progress_clear(&ui->progress);
}

void rl_ui_end(struct rl_ui *ui)
{
    if (ui != NULL && ui->state.started)
        rl_progress_end(&ui->progress, &ui->state);
}

void rl_ui_leave(struct rl_ui *ui)
{
    if (ui != NULL)
        rl_progress_clear(&ui->progress);
}
