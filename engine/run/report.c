/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "output/summary_json.h"
#include "output/summary_text.h"

enum { MAX_STATS = 64, LATE_TURNS = 1000, LATE_MS = 50 };

static bool wants_color(const struct rl_test *test)
{
    const char *no_color = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && !test->flags->no_color && (no_color == NULL || no_color[0] == '\0');
}

static int print_text(struct rl_test *test, const struct rl_summary *summary)
{
    struct rl_summary_text_config config = {.mode = test->flags->summary_mode,
                                            .unit = test->options.summary_time_unit,
                                            .color = wants_color(test)};
    struct rl_buf text;
    struct rl_slice view;
    int rc;

    rl_buf_init(&text, 0);
    rc = rl_summary_text(summary, &config, &text);
    view = rl_buf_view(&text);
    if (rc == 0 && view.size > 0 &&
        (fwrite(view.data, 1, view.size, stdout) != view.size || fflush(stdout) != 0))
        rc = -errno;
    rl_buf_fini(&text);
    if (rc < 0)
        rl_log_error("the summary could not be written to stdout: %s", strerror(-rc));
    return rc;
}

static int export(struct rl_test *test, const struct rl_summary *summary)
{
    const char *path = test->flags->summary_export;
    int rc;

    if (path == NULL)
        return 0;
    rc = rl_summary_export(summary, test->setup_json, path);
    if (rc < 0)
        rl_log_error("--summary-export %s: %s", path, strerror(-rc));
    return rc;
}

static struct rl_summary_turns figures_of(const struct rl_turns *turns)
{
    return (struct rl_summary_turns){.count = turns->count,
                                     .p9999_ms = (double)rl_turns_at(turns, 0.9999) / 1e6,
                                     .max_ms = (double)turns->max_ns / 1e6};
}

/* What the workers took for a turn, now that they have ended. Where it is long for one turn in a hundred
 * the figures of latency are too, and the run says so. */
static void tell_turns(struct rl_test *test, struct rl_summary *summary)
{
    struct rl_turns *all = calloc(2, sizeof(*all)), *steady = all + 1;
    struct rl_summary_turns *out = &summary->turns;
    uint64_t often_ns;

    if (all == NULL)
        return;
    for (uint32_t i = 0; i < test->worker_count; i++) {
        if (!test->workers[i].has_loop)
            continue;
        rl_turns_merge(all, &test->workers[i].loop.lengths);
        rl_turns_merge(steady, &test->workers[i].loop.steady);
    }
    *out = figures_of(all);
    summary->steady = figures_of(steady);
    often_ns = rl_turns_at(all, 0.99);
    free(all);
    if (out->count >= LATE_TURNS && often_ns > LATE_MS * RL_NS_PER_MS)
        rl_log_warn("the generator was late: one turn of a worker in 100 took %.1f ms or more, the longest "
                    "%.1f ms, and latencies are measured too long by as much: give it more cores, "
                    "fewer VUs, or handlers that do less",
                    (double)often_ns / 1e6, out->max_ms);
}

int rl_report(struct rl_test *test, struct rl_collect *collect)
{
    const struct rl_texts *names = &test->options.summary_trend_stats;
    struct rl_stat stats[MAX_STATS];
    struct rl_summary_config config = {.stats = stats,
                                       .clock_ns = rl_test_clock_ns(test),
                                       .full = test->flags->summary_mode == RL_SUMMARY_FULL};
    struct rl_summary summary;
    int text_rc, export_rc;

    for (size_t i = 0; i < names->count && config.stat_count < MAX_STATS; i++) {
        if (rl_stat_parse(names->items[i], &stats[config.stat_count]) == 0)
            config.stat_count++;
    }
    if (rl_summary_init(&summary, collect, &config) < 0) {
        rl_log_error("out of memory for the summary");
        return RL_EXIT_OTHER;
    }
    if (rl_collect_lost(collect) > 0)
        rl_log_error("%llu samples are in no figure, because memory was out: the summary is too low",
                     (unsigned long long)rl_collect_lost(collect));
    tell_turns(test, &summary);
    text_rc = print_text(test, &summary);
    export_rc = export(test, &summary);
    rl_summary_fini(&summary);
    return text_rc < 0 || export_rc < 0 ? RL_EXIT_OTHER : 0;
}
