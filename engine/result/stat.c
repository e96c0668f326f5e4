/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "result/stat.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/parse.h"

static const struct {
    const char *name;
    enum rl_stat_kind kind;
} words[] = {
    {"avg", RL_STAT_AVG}, {"min", RL_STAT_MIN},     {"med", RL_STAT_MED},
    {"max", RL_STAT_MAX}, {"count", RL_STAT_COUNT},
};

/* The N of "p(N)". */
static int parse_percent(const char *text, double *percent)
{
    char number[32];
    size_t size = strlen(text);

    if (size < 4 || size >= sizeof(number) || text[0] != 'p' || text[1] != '(' ||
        text[size - 1] != ')')
        return -EINVAL;
    snprintf(number, sizeof(number), "%.*s", (int)(size - 3), text + 2);
    if (rl_parse_double(number, percent) < 0 || !(*percent >= 0 && *percent <= 100))
        return -EINVAL;
    return 0;
}

int rl_stat_parse(const char *text, struct rl_stat *stat)
{
    double percent;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i].name) == 0) {
            *stat = (struct rl_stat){.name = text, .kind = words[i].kind};
            return 0;
        }
    }
    if (parse_percent(text, &percent) < 0)
        return -EINVAL;
    *stat = (struct rl_stat){.name = text, .kind = RL_STAT_PERCENTILE, .percent = percent};
    return 0;
}

double rl_stat_of(const struct rl_stat *stat, const struct rl_sink *sink)
{
    if (sink->count == 0)
        return 0;
    switch (stat->kind) {
    case RL_STAT_AVG:
        return rl_sink_avg(sink);
    case RL_STAT_MIN:
        return sink->min;
    case RL_STAT_MED:
        return rl_sink_percentile(sink, 50);
    case RL_STAT_MAX:
        return sink->max;
    case RL_STAT_COUNT:
        return (double)sink->count;
    case RL_STAT_PERCENTILE:
        return rl_sink_percentile(sink, stat->percent);
    }
    RL_UNREACHABLE();
}
