/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/args.h"

#include <errno.h>
#include <string.h>

#include "cases.h"

enum { ARGS_MAX = 32 };

static struct rl_arena arena;
static struct rl_problems problems;
static struct rl_run_args run;
static struct rl_serve_args serve;
static char *memory;
static size_t memory_bytes;

static void setup(void)
{
    rl_arena_init(&arena, 4096);
    rl_problems_init(&problems);
}

static void teardown(void)
{
    rl_problems_fini(&problems);
    rl_arena_fini(&arena);
    free(memory);
    memory = NULL;
}

/* A command line cut at blanks; '' is an empty argument. */
static int split(const char *line, char **argv)
{
    int argc = 0;
    char *save = NULL, *copy = rl_arena_strdup(&arena, line);

    for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        ck_assert_int_lt(argc, ARGS_MAX);
        argv[argc++] = strcmp(word, "''") == 0 ? word + 2 : word;
    }
    return argc;
}

static const char *problem(size_t index)
{
    const struct rl_problem *at = problems.first;

    while (at != NULL && index-- > 0)
        at = at->next;
    return at == NULL ? "" : at->text;
}

/* --- The generic parser: all that the handler got, in one line. --- */

static const struct rl_flag some_flags[] = {
    {RL_FLAG_TITLE, 0, "First", NULL, NULL, NULL},
    {RL_FLAG_SWITCH, 'q', "quiet", NULL, "say nothing", NULL},
    {RL_FLAG_SWITCH, 'v', "verbose", NULL, NULL, NULL},
    {RL_FLAG_TITLE, 0, "Second", NULL, NULL, NULL},
    {RL_FLAG_VALUE, 'n', "number", "N", "how many", NULL},
    {RL_FLAG_OPTIONAL, 0, "debug", NULL, NULL, NULL},
    {RL_FLAG_LATER_SWITCH, 'l', "later", NULL, NULL, NULL},
    {RL_FLAG_LATER_VALUE, 'o', "out", NULL, NULL, NULL},
};

static const struct rl_flags flags = {some_flags, 8, "ringload test"};

static void note_flag(void *ctx, const struct rl_flag *flag, const char *text, const char *where)
{
    fprintf(ctx, "%s(%s)=%s ", flag->name, where, text);
}

static void note_positional(void *ctx, const char *text)
{
    fprintf(ctx, "[%s] ", text);
}

static int parse(const char *line)
{
    char *argv[ARGS_MAX] = {NULL};
    int argc = split(line, argv), rc;
    FILE *out;

    free(memory);
    out = open_memstream(&memory, &memory_bytes);
    rc = rl_args_parse(&flags, &(struct rl_args_handler){out, note_flag, note_positional}, argc,
                       argv, &problems);
    fclose(out);
    return rc;
}

static const struct {
    const char *line, *noted;
} good[] = {
    {"", ""},
    {"--number 5", "number(--number)=5 "},
    {"--number=5", "number(--number)=5 "},
    {"--number=", "number(--number)= "},
    {"--number=a=b", "number(--number)=a=b "},
    {"-n 5", "number(-n)=5 "},
    {"-n5", "number(-n)=5 "},
    {"-n=5", "number(-n)=5 "},
    {"--number -5", "number(--number)=-5 "},
    {"--number --quiet", "number(--number)=--quiet "},
    {"-q", "quiet(-q)=true "},
    {"--quiet", "quiet(--quiet)=true "},
    {"--quiet=false", "quiet(--quiet)=false "},
    {"-q=0", "quiet(-q)=0 "},
    {"--quiet false", "quiet(--quiet)=true [false] "},
    {"-qv", "quiet(-q)=true verbose(-v)=true "},
    {"-qvn 7", "quiet(-q)=true verbose(-v)=true number(-n)=7 "},
    {"-vn7q", "verbose(-v)=true number(-n)=7q "},
    {"--debug x", "debug(--debug)=true [x] "},
    {"--debug=full x", "debug(--debug)=full [x] "},
    {"a -q b --number 1 c", "[a] quiet(-q)=true [b] number(--number)=1 [c] "},
    {"-n 1 -n 2", "number(-n)=1 number(-n)=2 "},
    {"-q -- -v --number", "quiet(-q)=true [-v] [--number] "},
    {"- x", "[-] [x] "},
    {"''", "[] "},
};

START_TEST(e646_ways_to_write_flags)
{
    ck_assert_int_eq(parse(good[_i].line), 0);
    ck_assert_str_eq(memory, good[_i].noted);
    ck_assert_uint_eq(problems.error_count, 0);
}
END_TEST

static const struct {
    const char *line, *problem;
} bad[] = {
    {"--nunber 5", "unknown flag --nunber; did you mean --number?"},
    {"--numbers=5", "unknown flag --numbers; did you mean --number?"},
    {"--num 5", "unknown flag --num; see ringload test --help"},
    {"--completely-different", "unknown flag --completely-different; see ringload test --help"},
    {"--First", "unknown flag --First; see ringload test --help"},
    {"-x", "unknown flag -x; see ringload test --help"},
    {"-qx", "unknown flag -qx; see ringload test --help"},
    {"---", "unknown flag ---; see ringload test --help"},
    {"--=5", "unknown flag --; see ringload test --help"},
    {"--number", "--number: needs an argument; write --number N"},
    {"-qn", "-n: needs an argument; write -n N"},
    {"--later", "--later: not available in this version"},
    {"-l", "-l: not available in this version"},
    {"--out json", "--out: not available in this version"},
    {"--out=json=x", "--out: not available in this version"},
    {"-ojson", "-o: not available in this version"},
};

START_TEST(what_is_wrong_is_told)
{
    ck_assert_int_eq(parse(bad[_i].line), -EINVAL);
    ck_assert_str_eq(problem(0), bad[_i].problem);
    ck_assert_uint_eq(problems.error_count, 1);
}
END_TEST

START_TEST(all_that_is_wrong_is_told_together)
{
    ck_assert_int_eq(parse("--what --out x -n 5 -z"), -EINVAL);
    ck_assert_uint_eq(problems.error_count, 3);
    ck_assert_str_eq(memory, "number(-n)=5 ");
}
END_TEST

START_TEST(a_very_long_flag)
{
    char line[1000] = "--";

    memset(line + 2, 'a', sizeof(line) - 3);
    line[sizeof(line) - 1] = '\0';
    ck_assert_int_eq(parse(line), -EINVAL);
    ck_assert_uint_lt(strlen(problem(0)), 200);
}
END_TEST

START_TEST(help_is_grouped_and_aligned)
{
    FILE *out = open_memstream(&memory, &memory_bytes);

    rl_flags_print(&flags, out);
    fclose(out);
    ck_assert_str_eq(memory, "\n"
                             "First:\n"
                             "  -q, --quiet     say nothing\n"
                             "\n"
                             "Second:\n"
                             "  -n, --number N  how many\n");
}
END_TEST

/* --- run --- */

static const char *get_from_list(void *ctx, const char *name)
{
    const char *const *list = ctx;

    for (; list[0] != NULL; list += 2) {
        if (strcmp(list[0], name) == 0)
            return list[1];
    }
    return NULL;
}

static int parse_run_with(const char *line, const char **variables)
{
    char *argv[ARGS_MAX] = {NULL};
    int argc = split(line, argv);
    struct rl_environment env = {get_from_list, (void *)variables, NULL};

    return rl_run_args_parse(&run, &arena, &env, argc, argv, &problems);
}

static int parse_run(const char *line)
{
    return parse_run_with(line, (const char *[]){NULL});
}

static int parse_serve(const char *line)
{
    char *argv[ARGS_MAX] = {NULL};
    int argc = split(line, argv);

    return rl_serve_args_parse(&serve, argc, argv, &problems);
}

START_TEST(run_options)
{
    ck_assert_int_eq(parse_run("-u 10 test.lua -d 30s --iterations=20 --tag a=b --tag c=d -w "
                               "--no-setup --dns ttl=0 --block-hostnames=*.x"),
                     0);
    ck_assert_str_eq(problem(0), "");
    ck_assert_str_eq(run.script, "test.lua");
    ck_assert_int_eq(run.options.vus, 10);
    ck_assert_int_eq(run.options.duration_ns, 30000000000);
    ck_assert_int_eq(run.options.iterations, 20);
    ck_assert_uint_eq(run.options.tags.count, 2);
    ck_assert(run.options.throw_ && run.options.no_setup && !run.options.no_teardown);
    ck_assert_int_eq(run.options.dns_ttl_ns, 0);
    ck_assert_str_eq(run.options.block_hostnames.items[0], "*.x");
    ck_assert(!rl_options_has(&run.options, RL_OPTION_PAUSED));
}
END_TEST

START_TEST(run_flags)
{
    ck_assert_int_eq(parse_run("t.lua -q -e A=1 -eB=2 --workers 50 --vus-per-cell=100 --serve echo "
                               "--handler-time 2s --handler-memory 1MiB --cell-memory 1GiB "
                               "--summary-export s.json --log-format json --summary-mode disabled"),
                     0);
    ck_assert(run.flags.quiet);
    ck_assert_str_eq(rl_pairs_get(&run.flags.env, "A"), "1");
    ck_assert_str_eq(rl_pairs_get(&run.flags.env, "B"), "2");
    ck_assert_uint_eq(run.flags.workers, 50);
    ck_assert_uint_eq(run.flags.vus_per_cell, 100);
    ck_assert_str_eq(run.flags.serve, "echo");
    ck_assert_int_eq(run.flags.handler_time_ns, 2000000000);
    ck_assert_str_eq(run.flags.summary_export, "s.json");
    ck_assert_int_eq(run.flags.log_format, RL_LOG_JSON);
    ck_assert_int_eq(run.flags.summary_mode, RL_SUMMARY_DISABLED);
    ck_assert_uint_eq(run.options.set, 0);
}
END_TEST

/* E-720: what k6-operator writes, as far as it can be honoured. */
START_TEST(e720_flags_after_the_script)
{
    ck_assert_int_eq(parse_run("--quiet --vus=3 /test/a.lua --paused --tag instance_id=1 --tag "
                               "testrun_name=x"),
                     0);
    ck_assert_str_eq(run.script, "/test/a.lua");
    ck_assert(run.options.paused && run.flags.quiet);
    ck_assert_str_eq(rl_pairs_get(&run.options.tags, "testrun_name"), "x");
}
END_TEST

START_TEST(flags_go_over_the_environment)
{
    const char *variables[] = {"K6_LOG_FORMAT", "raw", "RINGLOAD_WORKERS", "7", NULL};

    ck_assert_int_eq(parse_run_with("t.lua --log-format text", variables), 0);
    ck_assert_int_eq(run.flags.log_format, RL_LOG_TEXT);
    ck_assert_uint_eq(run.flags.workers, 7);
}
END_TEST

START_TEST(nothing_to_do_and_http_only)
{
    ck_assert_int_eq(parse_run("t.lua --no-usage-report --compatibility-mode base "
                               "--profiling-enabled --batch 5 --http-debug --no-cookies-reset"),
                     0);
    ck_assert_uint_eq(run.options.ignored_http.count, 3);
    ck_assert_str_eq(run.options.ignored_http.items[1], "--http-debug");
}
END_TEST

START_TEST(help_needs_nothing_else)
{
    ck_assert_int_eq(parse_run("--help"), 0);
    ck_assert(run.help);
    ck_assert_int_eq(parse_run("-h --nonsense"), 0);
    ck_assert(run.help);
}
END_TEST

static const struct {
    const char *line, *problem;
} bad_run[] = {
    {"", "no script; write ringload run FILE, and see ringload run --help"},
    {"a b", "one script at a time: there is a and b; flags begin with \"-\""},
    {"t.lua --vsu 5 --quiet", "unknown flag --vsu; did you mean --vus?"},
    {"t.lua --duraton=5s", "unknown flag --duraton; did you mean --duration?"},
    {"t.lua --vus many", "--vus: must be a whole number, not \"many\""},
    {"t.lua -u 0", "-u: must be a whole number of at least 1, not \"0\""},
    {"t.lua -d 30", "-d: must be a duration such as \"30s\", \"1m30s\" or \"500ms\", not \"30\""},
    {"t.lua --tag a", "--tag: \"a\" is no tag; write name=value, and leave neither empty"},
    {"t.lua --quiet=maybe", "--quiet: must be true or false, not \"maybe\""},
    {"t.lua --paused=2", "--paused: must be true or false, not \"2\""},
    {"t.lua -o json", "-o: not available in this version"},
    {"t.lua --address=0.0.0.0:6565", "--address: not available in this version"},
    {"t.lua --execution-segment=0:1/4", "--execution-segment: not available in this version"},
    {"t.lua --stage 10s:5", "--stage: not available in this version"},
    {"t.lua --no-thresholds", "--no-thresholds: not available in this version"},
};

START_TEST(run_mistakes)
{
    ck_assert_int_eq(parse_run(bad_run[_i].line), -EINVAL);
    ck_assert_str_eq(problem(0), bad_run[_i].problem);
}
END_TEST

/* What stood behind an unknown flag is not taken for a second script. */
START_TEST(one_mistake_one_line)
{
    ck_assert_int_eq(parse_run("t.lua --vsu 5"), -EINVAL);
    ck_assert_uint_eq(problems.error_count, 1);
    ck_assert_int_eq(parse_serve("echo --listn x"), -EINVAL);
    ck_assert_uint_eq(problems.error_count, 2);
}
END_TEST

/* Each row that is shown or accepted leads to something. */
START_TEST(every_flag_of_run_is_known_below)
{
    for (size_t i = 0; i < rl_run_flag_table.count; i++) {
        const struct rl_flag *flag = &rl_run_flag_table.items[i];
        char line[128];

        if (flag->kind == RL_FLAG_TITLE)
            continue;
        snprintf(line, sizeof(line), "t.lua --%s=1", flag->name);
        parse_run(line); /* an option that is not there would stop the test */
        for (size_t j = 0; j < i; j++) {
            ck_assert_str_ne(flag->name, rl_run_flag_table.items[j].name);
            ck_assert(flag->letter == 0 || flag->letter != rl_run_flag_table.items[j].letter);
        }
    }
}
END_TEST

START_TEST(help_lines_fit_a_terminal)
{
    FILE *out = open_memstream(&memory, &memory_bytes);
    char *save = NULL;

    rl_flags_print(&rl_run_flag_table, out);
    rl_flags_print(&rl_serve_flag_table, out);
    fclose(out);
    for (char *line = strtok_r(memory, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save))
        ck_assert_msg(strlen(line) <= 110, "%s", line);
}
END_TEST

/* --- serve --- */

START_TEST(serve_defaults_and_flags)
{
    ck_assert_int_eq(parse_serve("echo"), 0);
    ck_assert_str_eq(serve.mode, "echo");
    ck_assert_str_eq(serve.listen, "127.0.0.1:0");
    ck_assert_int_eq(serve.for_ns, 0);
    ck_assert_uint_eq(serve.workers, 0);
    ck_assert(!serve.stats && !serve.help);
    ck_assert_int_eq(parse_serve("--for 30s http --listen=[::]:80 --workers 4 --stats"), 0);
    ck_assert_str_eq(serve.mode, "http");
    ck_assert_str_eq(serve.listen, "[::]:80");
    ck_assert_int_eq(serve.for_ns, 30000000000);
    ck_assert_uint_eq(serve.workers, 4);
    ck_assert(serve.stats);
    ck_assert_int_eq(parse_serve("--help"), 0);
    ck_assert(serve.help);
}
END_TEST

static const struct {
    const char *line, *problem;
} bad_serve[] = {
    {"", "no mode; write, for example, ringload serve echo, and see ringload serve --help"},
    {"echo sink", "one mode at a time: there is echo and sink"},
    {"echo --for soon", "--for: must be a duration such as \"30s\", not \"soon\""},
    {"echo --for -1s", "--for: must be a duration such as \"30s\", not \"-1s\""},
    {"echo --workers 0", "--workers: must be a whole number from 1 to 1024, not \"0\""},
    {"echo --stats=x", "--stats: must be true or false, not \"x\""},
    {"echo --listn x", "unknown flag --listn; did you mean --listen?"},
    {"echo --vus 4", "unknown flag --vus; see ringload serve --help"},
};

START_TEST(serve_mistakes)
{
    ck_assert_int_eq(parse_serve(bad_serve[_i].line), -EINVAL);
    ck_assert_str_eq(problem(0), bad_serve[_i].problem);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *args_suite(void)
{
    Suite *suite = suite_create("cli/args");

    rl_case_loop(suite, e646_ways_to_write_flags, setup, teardown, 0, COUNT(good));
    rl_case_loop(suite, what_is_wrong_is_told, setup, teardown, 0, COUNT(bad));
    rl_case(suite, all_that_is_wrong_is_told_together, setup, teardown);
    rl_case(suite, a_very_long_flag, setup, teardown);
    rl_case(suite, help_is_grouped_and_aligned, setup, teardown);
    rl_case(suite, run_options, setup, teardown);
    rl_case(suite, run_flags, setup, teardown);
    rl_case(suite, e720_flags_after_the_script, setup, teardown);
    rl_case(suite, flags_go_over_the_environment, setup, teardown);
    rl_case(suite, nothing_to_do_and_http_only, setup, teardown);
    rl_case(suite, help_needs_nothing_else, setup, teardown);
    rl_case_loop(suite, run_mistakes, setup, teardown, 0, COUNT(bad_run));
    rl_case(suite, one_mistake_one_line, setup, teardown);
    rl_case(suite, every_flag_of_run_is_known_below, setup, teardown);
    rl_case(suite, help_lines_fit_a_terminal, setup, teardown);
    rl_case(suite, serve_defaults_and_flags, setup, teardown);
    rl_case_loop(suite, serve_mistakes, setup, teardown, 0, COUNT(bad_serve));
    return suite;
}

RL_TEST_MAIN(args_suite)
