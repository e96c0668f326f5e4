/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/run_flags.h"

#include <stdio.h>
#include <string.h>

#include "cases.h"

static struct rl_arena arena;
static struct rl_problems problems;
static struct rl_run_flags flags;

static void setup(void)
{
    rl_arena_init(&arena, 4096);
    rl_problems_init(&problems);
    rl_run_flags_init(&flags, &arena);
}

static void teardown(void)
{
    rl_problems_fini(&problems);
    rl_arena_fini(&arena);
}

static void set(const char *name, const char *text)
{
    char where[64];

    snprintf(where, sizeof(where), "--%s", name);
    ck_assert(rl_run_flags_from_text(&flags, name, text, where, &problems));
}

static const char *first_problem(void)
{
    return problems.first == NULL ? "" : problems.first->text;
}

static const char *get_from_list(void *ctx, const char *name)
{
    const char *const *list = ctx;

    for (; list[0] != NULL; list += 2) {
        if (strcmp(list[0], name) == 0)
            return list[1];
    }
    return NULL;
}

static void environment(const char **list)
{
    struct rl_environment env = {get_from_list, (void *)list, NULL};

    rl_run_flags_from_env(&flags, &env, &problems);
}

START_TEST(defaults)
{
    ck_assert(flags.include_system_env_vars);
    ck_assert_int_eq(flags.summary_mode, RL_SUMMARY_COMPACT);
    ck_assert_int_eq(flags.log_target, RL_LOG_TO_STDERR);
    ck_assert_int_eq(flags.log_level, RL_LOG_INFO);
    ck_assert_int_eq(flags.log_format, RL_LOG_TEXT);
    ck_assert_int_eq(flags.handler_time_ns, 1000000000);
    ck_assert_uint_eq(flags.workers, 0);
    ck_assert_ptr_null(flags.serve);
    ck_assert_ptr_null(flags.summary_export);
    ck_assert_uint_eq(flags.env.count, 0);
}
END_TEST

START_TEST(every_flag)
{
    set("env", "A=1");
    set("env", "B=x=y");
    set("env", "A=2");
    set("env", "EMPTY=");
    set("include-system-env-vars", "false");
    set("summary-mode", "disabled");
    set("summary-export", "out.json");
    set("quiet", "true");
    set("verbose", "true");
    set("no-color", "true");
    set("log-output", "stdout");
    set("log-format", "json");
    set("config", "c.json");
    set("linger", "true");
    set("type", "lua");
    set("workers", "50");
    set("cpus", "auto");
    ck_assert(flags.cpus_auto && flags.cpus == NULL);
    set("cpus", "2,0-1");
    set("batch-wait", "100");
    set("napi-busy-poll", "50");
    set("huge-pages", "reserved");
    set("vus-per-cell", "500");
    set("handler-memory", "32MiB");
    set("cell-memory", "2GiB");
    set("handler-time", "250ms");
    set("serve", "echo");
    ck_assert_str_eq(first_problem(), "");
    ck_assert_str_eq(rl_pairs_get(&flags.env, "A"), "2");
    ck_assert_str_eq(rl_pairs_get(&flags.env, "B"), "x=y");
    ck_assert_str_eq(rl_pairs_get(&flags.env, "EMPTY"), "");
    ck_assert(!flags.include_system_env_vars);
    ck_assert_int_eq(flags.summary_mode, RL_SUMMARY_DISABLED);
    ck_assert_str_eq(flags.summary_export, "out.json");
    ck_assert(flags.quiet && flags.verbose && flags.no_color && flags.linger && flags.linger_set);
    ck_assert_int_eq(flags.log_level, RL_LOG_DEBUG);
    ck_assert_int_eq(flags.log_target, RL_LOG_TO_STDOUT);
    ck_assert_int_eq(flags.log_format, RL_LOG_JSON);
    ck_assert_str_eq(flags.config_path, "c.json");
    ck_assert_uint_eq(flags.workers, 50);
    ck_assert(!flags.cpus_auto);
    ck_assert_uint_eq(flags.cpus->count, 3);
    ck_assert_uint_eq(flags.cpus->items[0], 2);
    ck_assert_uint_eq(flags.batch_wait_us, 100);
    ck_assert_uint_eq(flags.napi_busy_poll_us, 50);
    ck_assert_int_eq(flags.huge_pages, RL_HUGE_RESERVED);
    ck_assert_uint_eq(flags.vus_per_cell, 500);
    ck_assert_uint_eq(flags.handler_memory_bytes, 32 << 20);
    ck_assert_uint_eq(flags.cell_memory_bytes, UINT64_C(2) << 30);
    ck_assert_int_eq(flags.handler_time_ns, 250000000);
    ck_assert_str_eq(flags.serve, "echo");
    ck_assert(!rl_run_flags_from_text(&flags, "vus", "1", "--vus", &problems));
}
END_TEST

START_TEST(log_files)
{
    set("log-output", "none");
    ck_assert_int_eq(flags.log_target, RL_LOG_TO_NONE);
    set("log-output", "file=/tmp/a.log");
    ck_assert_int_eq(flags.log_target, RL_LOG_TO_FILE);
    ck_assert_str_eq(flags.log_path, "/tmp/a.log");
    ck_assert_int_eq(flags.log_level, RL_LOG_INFO);
    set("log-output", "file=./b.log,level=warning");
    ck_assert_str_eq(flags.log_path, "./b.log");
    ck_assert_int_eq(flags.log_level, RL_LOG_WARN);
    ck_assert_str_eq(first_problem(), "");
}
END_TEST

static const struct {
    const char *name, *text, *problem;
} wrong[] = {
    {"env", "1A=x",
     "--env: must be NAME=value with a name of letters, digits and \"_\", not \"1A=x\""},
    {"env", "=x", "--env: must be NAME=value with a name of letters, digits and \"_\", not \"=x\""},
    {"env", "a b=x",
     "--env: must be NAME=value with a name of letters, digits and \"_\", not \"a b=x\""},
    {"summary-mode", "full",
     "--summary-mode: \"full\" is not available in this version; use compact or disabled"},
    {"summary-mode", "legacy", "--summary-mode: \"legacy\" is no longer there; use compact"},
    {"summary-mode", "x", "--summary-mode: must be compact or disabled, not \"x\""},
    {"quiet", "maybe", "--quiet: must be true or false, not \"maybe\""},
    {"log-output", "file", "--log-output: must be stderr, stdout, none or file=PATH, not \"file\""},
    {"log-output", "file=",
     "--log-output: must be file=PATH or "
     "file=PATH,level=error|warning|info|debug, not \"file=\""},
    {"log-output", "file=x,level=loud",
     "--log-output: must be file=PATH or "
     "file=PATH,level=error|warning|info|debug, not "
     "\"file=x,level=loud\""},
    {"log-output", "loki=http://x", "--log-output: loki is not available in this version"},
    {"log-format", "xml", "--log-format: must be text, json or raw, not \"xml\""},
    {"type", "archive", "--type: archives are not available in this version"},
    {"type", "js", "--type: scripts are written in Lua here, not in JavaScript"},
    {"type", "x", "--type: must be lua, not \"x\""},
    {"cpus", "3-1", "--cpus: must be CPUs such as \"0-3,8\", or auto, not \"3-1\""},
    {"cpus", "", "--cpus: must be CPUs such as \"0-3,8\", or auto, not \"\""},
    {"huge-pages", "yes", "--huge-pages: must be off, transparent or reserved, not \"yes\""},
    {"batch-wait", "0", "--batch-wait: must be a whole number from 1 to 1000000, not \"0\""},
    {"napi-busy-poll", "x", "--napi-busy-poll: must be a whole number from 1 to 1000000, not \"x\""},
    {"workers", "0", "--workers: must be a whole number from 1 to 4096, not \"0\""},
    {"workers", "many", "--workers: must be a whole number from 1 to 4096, not \"many\""},
    {"vus-per-cell", "1000001",
     "--vus-per-cell: must be a whole number from 1 to 1000000, not \"1000001\""},
    {"handler-memory", "1KiB",
     "--handler-memory: must be a size of at least 64KiB, such as \"64MiB\", not \"1KiB\""},
    {"cell-memory", "lots",
     "--cell-memory: must be a size of at least 64KiB, such as \"64MiB\", not \"lots\""},
    {"handler-time", "1",
     "--handler-time: must be a duration such as \"1s\", or 0 for no limit, not \"1\""},
    {"handler-time", "-1s",
     "--handler-time: must be a duration such as \"1s\", or 0 for no limit, not \"-1s\""},
};

START_TEST(wrong_flags)
{
    set(wrong[_i].name, wrong[_i].text);
    ck_assert_str_eq(first_problem(), wrong[_i].problem);
}
END_TEST

START_TEST(the_environment)
{
    environment((const char *[]){"K6_SUMMARY_MODE", "disabled", "K6_LINGER", "1", "K6_CONFIG", "c",
                                 "K6_LOG_FORMAT", "raw", "RINGLOAD_WORKERS", "3", "NO_COLOR", "1",
                                 "K6_INCLUDE_SYSTEM_ENV_VARS", "f", "K6_WEB_DASHBOARD", "false",
                                 NULL});
    ck_assert_str_eq(first_problem(), "");
    ck_assert_int_eq(flags.summary_mode, RL_SUMMARY_DISABLED);
    ck_assert(flags.linger && flags.no_color && !flags.include_system_env_vars);
    ck_assert_str_eq(flags.config_path, "c");
    ck_assert_int_eq(flags.log_format, RL_LOG_RAW);
    ck_assert_uint_eq(flags.workers, 3);
}
END_TEST

START_TEST(nothing_asked_for_is_passed_over_in_silence)
{
    environment(
        (const char *[]){"K6_OUT", "json", "K6_WEB_DASHBOARD", "true", "K6_ADDRESS", ":1", NULL});
    ck_assert_uint_eq(problems.error_count, 2);
    ck_assert_uint_eq(problems.warning_count, 1);
    ck_assert_str_eq(first_problem(), "K6_ADDRESS: the REST API is not available in this version");
    ck_assert_str_eq(problems.first->next->text, "K6_OUT: not available in this version");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *run_flags_suite(void)
{
    Suite *suite = suite_create("plan/run_flags");

    rl_case(suite, defaults, setup, teardown);
    rl_case(suite, every_flag, setup, teardown);
    rl_case(suite, log_files, setup, teardown);
    rl_case_loop(suite, wrong_flags, setup, teardown, 0, COUNT(wrong));
    rl_case(suite, the_environment, setup, teardown);
    rl_case(suite, nothing_asked_for_is_passed_over_in_silence, setup, teardown);
    return suite;
}

RL_TEST_MAIN(run_flags_suite)
