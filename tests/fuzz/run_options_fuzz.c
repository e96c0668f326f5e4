/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any text as options: a JSON object as the config file has it, lines "NAME=text" as variables and flags
 * have them. What is wrong is told, the same each time; what is right makes a plan whose VUs are all shared
 * out.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cpu_list.h"
#include "base/log.h"
#include "fuzz.h"
#include "net/sockopt.h"
#include "plan/plan.h"
#include "plan/run_flags.h"
#include "run/config_file.h"

enum { WORKERS = 3, LINES_MAX = 64 };

static bool has_all(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return true;
}

/* No VU is lost or doubled among workers. */
static void check_plan(const struct rl_options *options, struct rl_problems *problems)
{
    struct rl_plan plan;
    int64_t sum = 0;

    if (rl_plan_derive(&plan, options, has_all, NULL, problems) < 0)
        return;
    for (uint32_t i = 0; i < WORKERS; i++) {
        struct rl_share share;

        if (rl_share_equal(&share, i, WORKERS) < 0)
            abort();
        sum += rl_plan_vus(&plan, &share);
        rl_share_fini(&share);
    }
    if (sum != plan.planned_vus)
        abort();
}

/* Lines "NAME=text", cut up. */
struct lines {
    const char *names[LINES_MAX], *values[LINES_MAX];
    size_t count;
};

static void cut(struct lines *lines, char *text)
{
    char *line;

    lines->count = 0;
    while ((line = strsep(&text, "\n")) != NULL && lines->count < LINES_MAX) {
        char *value = strchr(line, '=');

        if (value == NULL)
            continue;
        *value++ = '\0';
        lines->names[lines->count] = line;
        lines->values[lines->count++] = value;
    }
}

static const char *get(void *ctx, const char *name)
{
    const struct lines *lines = ctx;

    for (size_t i = 0; i < lines->count; i++) {
        if (strcmp(lines->names[i], name) == 0)
            return lines->values[i];
    }
    return NULL;
}

static void read_lines(struct rl_options *options, struct rl_run_flags *flags, char *text,
                       struct rl_problems *problems)
{
    struct lines lines;
    struct rl_environment env = {.get = get, .ctx = &lines, .json = rl_value_of_json};
    struct rl_sockopts sockopts;
    struct rl_cpu_list cpus;
    char why[200];

    cut(&lines, text);
    rl_options_from_env(options, &env, problems);
    rl_run_flags_from_env(flags, &env, problems);
    rl_sockopts_init(&sockopts);
    for (size_t i = 0; i < lines.count; i++) {
        (void)rl_run_flags_from_text(flags, lines.names[i], lines.values[i], "a flag", problems);
        (void)rl_sockopts_set(&sockopts, lines.names[i], lines.values[i], why, sizeof(why));
        (void)rl_cpu_list_parse(lines.values[i], &cpus);
    }
}

/* How many problems there are. */
static size_t run(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), why[200];
    struct rl_arena arena;
    struct rl_problems problems;
    struct rl_options config, upper;
    struct rl_run_flags flags;
    struct rl_value *value;
    size_t count;

    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    rl_arena_init(&arena, 4096);
    rl_problems_init(&problems);
    rl_options_init(&config, &arena);
    rl_options_init(&upper, &arena);
    rl_run_flags_init(&flags, &arena);
    value = rl_value_of_json(&arena, text, why, sizeof(why));
    if (value != NULL)
        rl_options_from_value(&config, value, RL_TIER_CONFIG, "the config file", &problems);
    read_lines(&upper, &flags, text, &problems);
    rl_options_merge(&config, &upper, "the environment", &problems);
    rl_options_check_tls(&config, &problems);
    if (problems.error_count == 0)
        check_plan(&config, &problems);
    count = problems.error_count + problems.warning_count;
    rl_problems_fini(&problems);
    rl_arena_fini(&arena);
    free(text);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rl_log_open(&(struct rl_log_config){.stream = NULL});
    if (run(data, size) != run(data, size))
        abort();
    return 0;
}
