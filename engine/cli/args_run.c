/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "cli/args.h"

/* Keys of flags that are no option of the test. */
static const char is_help[] = "help", is_run_flag[] = "run flag", is_nothing[] = "nothing",
                  is_http[] = "HTTP only";

#define TITLE(text)                                                                                \
    {                                                                                              \
        RL_FLAG_TITLE, 0, text, NULL, NULL, NULL                                                   \
    }
#define SWITCH(letter, name, key, help)                                                            \
    {                                                                                              \
        RL_FLAG_SWITCH, letter, name, NULL, help, key                                              \
    }
#define VALUE(letter, name, argument, key, help)                                                   \
    {                                                                                              \
        RL_FLAG_VALUE, letter, name, argument, help, key                                           \
    }
#define LATER_SWITCH(letter, name)                                                                 \
    {                                                                                              \
        RL_FLAG_LATER_SWITCH, letter, name, NULL, NULL, NULL                                       \
    }
#define LATER_VALUE(letter, name)                                                                  \
    {                                                                                              \
        RL_FLAG_LATER_VALUE, letter, name, NULL, NULL, NULL                                        \
    }

static const struct rl_flag run_flags[] = {
    TITLE("Load"),
    VALUE('u', "vus", "N", "vus", "how many virtual users"),
    VALUE('d', "duration", "TIME", "duration", "how long they run, such as 30s or 1m30s"),
    VALUE('i', "iterations", "N", "iterations", "how many iterations all of them do together"),
    VALUE(0, "min-iteration-duration", "TIME", "minIterationDuration",
          "an iteration takes at least this long"),
    SWITCH(0, "no-setup", "noSetup", "leave out setup()"),
    SWITCH(0, "no-teardown", "noTeardown", "leave out teardown()"),
    SWITCH('p', "paused", "paused", "an error in this version: nothing could start the test"),

    TITLE("Script"),
    VALUE('e', "env", "NAME=VALUE", is_run_flag, "a variable of __ENV (repeatable)"),
    SWITCH(0, "include-system-env-vars", is_run_flag,
           "the environment's variables are in __ENV (true; =false leaves them out)"),
    VALUE('c', "config", "FILE", is_run_flag, "a JSON file with options below the script's"),
    VALUE('t', "type", "TYPE", is_run_flag, "what FILE is: lua"),
    SWITCH('w', "throw", "throw", "bad metric values and tags raise errors"),

    TITLE("Network"),
    VALUE(0, "dns", "SETTINGS", "dns", "such as ttl=5m,select=random,policy=preferIPv4"),
    VALUE(0, "local-ips", "LIST", "localIPs", "addresses to connect from: IPs, IP-IP, IP/BITS; auto"),
    VALUE(0, "sockopt", "LIST", "sockopt", "socket options, such as nodelay=false,sndbuf=64KiB"),
    VALUE(0, "blacklist-ip", "LIST", "blacklistIPs", "address ranges never to connect to"),
    VALUE(0, "block-hostnames", "LIST", "blockHostnames",
          "names never to connect to, such as *.x.com"),

    SWITCH(0, "insecure-skip-tls-verify", "insecureSkipTLSVerify",
           "TLS: take any certificate of a server"),
    VALUE(0, "tls-version", "VERSION", "tlsVersion",
          "tls1.2, tls1.3 or min=tls1.2,max=tls1.3 (the default)"),
    VALUE(0, "tls-cipher-suites", "LIST", "tlsCipherSuites", "suites of TLS 1.2, by IANA's names"),

    TITLE("Results"),
    VALUE(0, "tag", "NAME=VALUE", "tags", "a tag of all metrics (repeatable)"),
    VALUE(0, "system-tags", "LIST", "systemTags", "which tags ringload adds by itself"),
    VALUE(0, "summary-mode", "MODE", is_run_flag, "compact (default) or disabled"),
    VALUE(0, "summary-export", "FILE", is_run_flag, "write the summary as JSON"),
    VALUE(0, "summary-trend-stats", "LIST", "summaryTrendStats", "such as avg,med,max,count,p(99)"),
    VALUE(0, "summary-time-unit", "UNIT", "summaryTimeUnit", "s, ms or us"),

    TITLE("Terminal"),
    SWITCH('q', "quiet", is_run_flag, "no banner and no progress; the summary stays"),
    SWITCH('v', "verbose", is_run_flag, "log more"),
    SWITCH(0, "no-color", is_run_flag, "no colours"),
    VALUE(0, "log-output", "WHERE", is_run_flag,
          "stderr (default), stdout, none or file=PATH[,level=L]"),
    VALUE(0, "log-format", "FORMAT", is_run_flag, "text (default), json or raw"),
    SWITCH('l', "linger", is_run_flag, "stay after the test until a signal comes"),
    SWITCH('h', "help", is_help, "this text"),

    TITLE("Engine"),
    VALUE(0, "workers", "N", is_run_flag, "threads (default: one a usable core)"),
    VALUE(0, "cpus", "LIST", is_run_flag, "worker i runs on the i-th CPU of 0-3,8 or auto"),
    VALUE(0, "huge-pages", "MODE", is_run_flag, "off, transparent or reserved: of pools and Lua"),
    VALUE(0, "batch-wait", "USEC", is_run_flag, "wait so long for more than one completion (0)"),
    VALUE(0, "napi-busy-poll", "USEC", is_run_flag, "poll the card's queues so long (0)"),
    VALUE(0, "vus-per-cell", "N", is_run_flag, "VUs that share a Lua state (default 1000)"),
    VALUE(0, "handler-time", "TIME", is_run_flag, "the longest run of a handler, in CPU time (1s; 0: none)"),
    VALUE(0, "handler-memory", "SIZE", is_run_flag,
          "what one run of a handler may allocate (64MiB)"),
    VALUE(0, "cell-memory", "SIZE", is_run_flag, "the largest Lua state (1GiB)"),
    VALUE(0, "serve", "MODE", is_run_flag,
          "a server in the same process, at __ENV.SERVE_HOST and SERVE_PORT"),
    SWITCH(0, "serve-tls", is_run_flag,
           "it speaks TLS; its certificate is in __ENV.SERVE_CERT"),

    /* Of k6's: accepted, since there is nothing to do. */
    SWITCH(0, "no-usage-report", is_nothing, NULL),
    SWITCH(0, "profiling-enabled", is_nothing, NULL),
    VALUE(0, "compatibility-mode", NULL, is_nothing, NULL),
    VALUE(0, "traces-output", NULL, is_nothing, NULL),

    /* Of k6's, for HTTP: accepted and told. */
    VALUE(0, "rps", NULL, is_http, NULL),
    VALUE(0, "batch", NULL, is_http, NULL),
    VALUE(0, "batch-per-host", NULL, is_http, NULL),
    VALUE(0, "max-redirects", NULL, is_http, NULL),
    VALUE(0, "user-agent", NULL, is_http, NULL),
    {RL_FLAG_OPTIONAL, 0, "http-debug", NULL, NULL, is_http},
    SWITCH(0, "discard-response-bodies", is_http, NULL),
    SWITCH(0, "no-cookies-reset", is_http, NULL),
    SWITCH(0, "no-connection-reuse", is_http, NULL),
    SWITCH(0, "no-vu-connection-reuse", is_http, NULL),

    /* Of k6's, to come. */
    LATER_VALUE('s', "stage"),
    LATER_VALUE(0, "execution-segment"),
    LATER_VALUE(0, "execution-segment-sequence"),
    LATER_VALUE('o', "out"),
    LATER_VALUE('a', "address"),
    LATER_SWITCH(0, "no-thresholds"),
    LATER_SWITCH(0, "new-machine-readable-summary"),
    LATER_VALUE(0, "console-output"),
    LATER_VALUE(0, "secret-source"),
    LATER_VALUE(0, "features"),
};

const struct rl_flags rl_run_flag_table = {
    run_flags,
    sizeof(run_flags) / sizeof(run_flags[0]),
    "ringload run",
};

struct reading {
    struct rl_run_args *args;
    struct rl_problems *problems;
    const char *surplus; /* a second script; or the argument of a flag that nobody knows */
};

static void on_flag(void *ctx, const struct rl_flag *flag, const char *text, const char *where)
{
    struct reading *reading = ctx;
    struct rl_run_args *args = reading->args;

    if (flag->key == is_help)
        args->help = true;
    else if (flag->key == is_run_flag)
        rl_run_flags_from_text(&args->flags, flag->name, text, where, reading->problems);
    else if (flag->key == is_http)
        rl_texts_add(&args->options.ignored_http, args->options.arena, where);
    else if (flag->key != is_nothing)
        rl_options_from_text(&args->options, flag->key, text, RL_TIER_CLI, where,
                             reading->problems);
}

static void on_positional(void *ctx, const char *text)
{
    struct reading *reading = ctx;

    if (reading->args->script == NULL)
        reading->args->script = text;
    else
        reading->surplus = text;
}

int rl_run_args_parse(struct rl_run_args *args, struct rl_arena *arena,
                      const struct rl_environment *env, int argc, char *const *argv,
                      struct rl_problems *problems)
{
    struct reading reading = {args, problems, NULL};
    struct rl_args_handler handler = {&reading, on_flag, on_positional};
    size_t errors_before = problems->error_count;

    *args = (struct rl_run_args){.script = NULL};
    rl_options_init(&args->options, arena);
    rl_run_flags_init(&args->flags, arena);
    rl_run_flags_from_env(&args->flags, env, problems);
    rl_args_parse(&rl_run_flag_table, &handler, argc, argv, problems);
    if (args->help)
        return 0;
    if (args->script == NULL)
        rl_problems_error(problems,
                          "no script; write ringload run FILE, and see ringload run --help");
    else if (reading.surplus != NULL && problems->error_count == errors_before)
        rl_problems_error(
            problems, "one script at a time: there is %.100s and %.100s; flags begin with \"-\"",
            args->script, reading.surplus);
    return problems->error_count > errors_before ? -EINVAL : 0;
}
