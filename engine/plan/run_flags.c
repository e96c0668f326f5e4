/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/run_flags.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/parse.h"

/* One flag being read. */
struct flag {
    struct rl_run_flags *flags;
    struct rl_problems *problems;
    const char *where, *text;
};

typedef void read_fn(struct flag *flag);

static void refuse(const struct flag *flag, const char *wanted)
{
    rl_problems_error(flag->problems, "%s: must be %s, not \"%.100s\"", flag->where, wanted,
                      flag->text);
}

static bool read_bool(const struct flag *flag, bool *out)
{
    if (rl_parse_bool(flag->text, out) == 0)
        return true;
    refuse(flag, "true or false");
    return false;
}

static void read_whole(const struct flag *flag, int64_t max, uint32_t *out)
{
    char wanted[64];
    int64_t whole = 0;

    if (rl_parse_int(flag->text, &whole) == 0 && whole >= 1 && whole <= max) {
        *out = (uint32_t)whole;
        return;
    }
    snprintf(wanted, sizeof(wanted), "a whole number from 1 to %" PRId64, max);
    refuse(flag, wanted);
}

static void read_size(const struct flag *flag, uint64_t min, uint64_t *out)
{
    uint64_t size = 0;

    if (rl_parse_size(flag->text, &size) == 0 && size >= min)
        *out = size;
    else
        refuse(flag, "a size of at least 64KiB, such as \"64MiB\"");
}

/* The number of text among words, which end with NULL; -1 if it is none of them. */
static int find_word(const char *const *words, const char *text)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0)
            return i;
    }
    return -1;
}

static bool is_env_name(const char *text, size_t size)
{
    static const char letters[] = "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    return size > 0 && (text[0] < '0' || text[0] > '9') && strspn(text, letters) >= size;
}

static void read_env(struct flag *flag)
{
    size_t size = strcspn(flag->text, "=");
    const char *value = flag->text + size + (flag->text[size] == '=');

    if (is_env_name(flag->text, size))
        rl_pairs_put(&flag->flags->env, flag->flags->arena, rl_slice_of(flag->text, size), value);
    else
        refuse(flag, "NAME=value with a name of letters, digits and \"_\"");
}

static void read_include_system_env_vars(struct flag *flag)
{
    read_bool(flag, &flag->flags->include_system_env_vars);
}

static void read_summary_mode(struct flag *flag)
{
    static const char *const words[] = {"compact", "full", "disabled", NULL};
    int mode = find_word(words, flag->text);

    if (mode == RL_SUMMARY_FULL)
        rl_problems_error(flag->problems,
                          "%s: \"full\" is not available in this version; use compact "
                          "or disabled",
                          flag->where);
    else if (strcmp(flag->text, "legacy") == 0)
        rl_problems_error(flag->problems, "%s: \"legacy\" is no longer there; use compact",
                          flag->where);
    else if (mode < 0)
        refuse(flag, "compact or disabled");
    else
        flag->flags->summary_mode = (enum rl_summary_mode)mode;
}

static void read_summary_export(struct flag *flag)
{
    flag->flags->summary_export = flag->text;
}

static void read_quiet(struct flag *flag)
{
    read_bool(flag, &flag->flags->quiet);
}

static void read_verbose(struct flag *flag)
{
    if (read_bool(flag, &flag->flags->verbose))
        flag->flags->log_level = flag->flags->verbose ? RL_LOG_DEBUG : RL_LOG_INFO;
}

static void read_no_color(struct flag *flag)
{
    read_bool(flag, &flag->flags->no_color);
}

/* "PATH[,level=LEVEL]" of "file=". */
static void read_log_file(struct flag *flag, const char *rest)
{
    static const char *const levels[] = {"error", "warning", "info", "debug", "warn", NULL};
    const char *comma = strstr(rest, ",level=");
    size_t size = comma == NULL ? strlen(rest) : (size_t)(comma - rest);
    struct rl_value *path = rl_value_string(flag->flags->arena, rest, size);
    int level = comma == NULL ? RL_LOG_INFO : find_word(levels, comma + strlen(",level="));

    if (size == 0 || level < 0) {
        refuse(flag, "file=PATH or file=PATH,level=error|warning|info|debug");
        return;
    }
    flag->flags->log_target = RL_LOG_TO_FILE;
    flag->flags->log_path = path->text;
    if (comma != NULL)
        flag->flags->log_level = level == 4 ? RL_LOG_WARN : (enum rl_log_level)level;
}

static void read_log_output(struct flag *flag)
{
    static const char *const words[] = {"stderr", "stdout", "file", "none", NULL};
    int target = find_word(words, flag->text);

    if (strncmp(flag->text, "file=", 5) == 0)
        read_log_file(flag, flag->text + 5);
    else if (strncmp(flag->text, "loki", 4) == 0)
        rl_problems_error(flag->problems, "%s: loki is not available in this version", flag->where);
    else if (target < 0 || target == RL_LOG_TO_FILE)
        refuse(flag, "stderr, stdout, none or file=PATH");
    else
        flag->flags->log_target = (enum rl_log_target)target;
}

static void read_log_format(struct flag *flag)
{
    static const char *const words[] = {"text", "json", "raw", NULL};
    int format = find_word(words, flag->text);

    if (format < 0)
        refuse(flag, "text, json or raw");
    else
        flag->flags->log_format = (enum rl_log_format)format;
}

static void read_config(struct flag *flag)
{
    flag->flags->config_path = flag->text;
}

static void read_linger(struct flag *flag)
{
    flag->flags->linger_set |= read_bool(flag, &flag->flags->linger);
}

static void read_type(struct flag *flag)
{
    if (strcmp(flag->text, "archive") == 0)
        rl_problems_error(flag->problems, "%s: archives are not available in this version",
                          flag->where);
    else if (strcmp(flag->text, "js") == 0)
        rl_problems_error(flag->problems, "%s: scripts are written in Lua here, not in JavaScript",
                          flag->where);
    else if (strcmp(flag->text, "lua") != 0)
        refuse(flag, "lua");
}

static void read_workers(struct flag *flag)
{
    read_whole(flag, 4096, &flag->flags->workers);
}

static void read_cpus(struct flag *flag)
{
    struct rl_cpu_list list, *copy;

    flag->flags->cpus_auto = strcmp(flag->text, "auto") == 0;
    flag->flags->cpus = NULL;
    if (flag->flags->cpus_auto)
        return;
    if (rl_cpu_list_parse(flag->text, &list) < 0) {
        refuse(flag, "CPUs such as \"0-3,8\", or auto");
        return;
    }
    copy = rl_arena_alloc(flag->flags->arena, sizeof(*copy));
    RL_CHECK(copy != NULL);
    *copy = list;
    flag->flags->cpus = copy;
}

static void read_napi_busy_poll(struct flag *flag)
{
    read_whole(flag, 1000000, &flag->flags->napi_busy_poll_us);
}

static void read_batch_wait(struct flag *flag)
{
    read_whole(flag, 1000000, &flag->flags->batch_wait_us);
}

static void read_huge_pages(struct flag *flag)
{
    static const char *const words[] = {"off", "transparent", "reserved", NULL};
    int mode = find_word(words, flag->text);

    if (mode < 0)
        refuse(flag, "off, transparent or reserved");
    else
        flag->flags->huge_pages = (enum rl_huge_pages)mode;
}

static void read_vus_per_cell(struct flag *flag)
{
    read_whole(flag, 1000000, &flag->flags->vus_per_cell);
}

static void read_handler_memory(struct flag *flag)
{
    read_size(flag, 64 << 10, &flag->flags->handler_memory_bytes);
}

static void read_cell_memory(struct flag *flag)
{
    read_size(flag, 64 << 10, &flag->flags->cell_memory_bytes);
}

static void read_handler_time(struct flag *flag)
{
    int64_t ns = 0;

    if (rl_parse_duration(flag->text, false, &ns) == 0 && ns >= 0)
        flag->flags->handler_time_ns = ns;
    else
        refuse(flag, "a duration such as \"1s\", or 0 for no limit");
}

static void read_serve(struct flag *flag)
{
    flag->flags->serve = flag->text;
}

static void read_serve_tls(struct flag *flag)
{
    read_bool(flag, &flag->flags->serve_tls);
}

/* What asks for something that is not built. A boolean that says no asks for nothing. */
static void read_not_built(struct flag *flag)
{
    bool wanted = true;

    if (rl_parse_bool(flag->text, &wanted) < 0 || wanted)
        rl_problems_error(flag->problems, "%s: not available in this version", flag->where);
}

static void read_address(struct flag *flag)
{
    rl_problems_warn(flag->problems, "%s: the REST API is not available in this version",
                     flag->where);
}

static const struct row {
    const char *name, *env;
    read_fn *read;
} rows[] = {
    {"env", NULL, read_env},
    {"include-system-env-vars", "INCLUDE_SYSTEM_ENV_VARS", read_include_system_env_vars},
    {"summary-mode", "SUMMARY_MODE", read_summary_mode},
    {"summary-export", "SUMMARY_EXPORT", read_summary_export},
    {"quiet", NULL, read_quiet},
    {"verbose", NULL, read_verbose},
    {"no-color", "NO_COLOR", read_no_color},
    {"log-output", "LOG_OUTPUT", read_log_output},
    {"log-format", "LOG_FORMAT", read_log_format},
    {"config", "CONFIG", read_config},
    {"linger", "LINGER", read_linger},
    {"type", "TYPE", read_type},
    {"workers", "WORKERS", read_workers},
    {"cpus", "CPUS", read_cpus},
    {"napi-busy-poll", "NAPI_BUSY_POLL", read_napi_busy_poll},
    {"batch-wait", "BATCH_WAIT", read_batch_wait},
    {"huge-pages", "HUGE_PAGES", read_huge_pages},
    {"vus-per-cell", "VUS_PER_CELL", read_vus_per_cell},
    {"handler-memory", "HANDLER_MEMORY", read_handler_memory},
    {"cell-memory", "CELL_MEMORY", read_cell_memory},
    {"handler-time", "HANDLER_TIME", read_handler_time},
    {"serve", NULL, read_serve},
    {"serve-tls", NULL, read_serve_tls},

    {NULL, "ADDRESS", read_address},
    {NULL, "OUT", read_not_built},
    {NULL, "NO_THRESHOLDS", read_not_built},
    {NULL, "NEW_MACHINE_READABLE_SUMMARY", read_not_built},
    {NULL, "CONSOLE_OUTPUT", read_not_built},
    {NULL, "SECRET_SOURCE", read_not_built},
    {NULL, "WEB_DASHBOARD", read_not_built},
    {NULL, "FEATURES", read_not_built},
};

void rl_run_flags_init(struct rl_run_flags *flags, struct rl_arena *arena)
{
    struct rl_options defaults;

    rl_options_init(&defaults, arena);
    *flags = (struct rl_run_flags){
        .arena = arena,
        .env = defaults.tags,
        .include_system_env_vars = true,
        .log_level = RL_LOG_INFO,
        .handler_time_ns = (int64_t)RL_NS_PER_S,
    };
}

void rl_run_flags_from_env(struct rl_run_flags *flags, const struct rl_environment *env,
                           struct rl_problems *problems)
{
    const char *no_color = env->get(env->ctx, "NO_COLOR");

    if (no_color != NULL && no_color[0] != '\0')
        flags->no_color = true;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct flag flag = {.flags = flags, .problems = problems};

        if (rows[i].env == NULL)
            continue;
        flag.text = rl_environment_option(env, rows[i].env, &flag.where);
        if (flag.text != NULL)
            rows[i].read(&flag);
    }
}

bool rl_run_flags_from_text(struct rl_run_flags *flags, const char *name, const char *text,
                            const char *where, struct rl_problems *problems)
{
    struct flag flag = {flags, problems, where, text};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].name != NULL && strcmp(rows[i].name, name) == 0) {
            rows[i].read(&flag);
            return true;
        }
    }
    return false;
}
