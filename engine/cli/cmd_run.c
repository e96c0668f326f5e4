/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cmd_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/args.h"
#include "cli/help.h"
#include "limits/huge_pages.h"
#include "run/run.h"

enum { ARENA_BLOCK = 4096 };

/* Where log lines go, as the flags say. -1 after telling why not. */
static int open_log(const struct rl_run_flags *flags)
{
    struct rl_log_config config = {.level = flags->log_level, .format = flags->log_format};

    switch (flags->log_target) {
    case RL_LOG_TO_NONE:
        break;
    case RL_LOG_TO_STDERR:
        config.stream = stderr;
        break;
    case RL_LOG_TO_STDOUT:
        config.stream = stdout;
        break;
    case RL_LOG_TO_FILE:
        config.stream = fopen(flags->log_path, "ae");
        if (config.stream == NULL) {
            rl_log_error("--log-output: %s: %s", flags->log_path, strerror(errno));
            return -1;
        }
        break;
    }
    config.tty = config.stream != NULL && isatty(fileno(config.stream));
    config.color = config.tty && !flags->no_color && getenv("NO_COLOR") == NULL;
    rl_log_open(&config);
    return 0;
}

/* A script named "-" comes from standard input. */
static const char *script_path(const char *name)
{
    return strcmp(name, "-") == 0 ? "/dev/stdin" : name;
}

static int run(const struct rl_run_args *args)
{
    struct rl_run_request request = {.flags = &args->flags, .cli = &args->options};
    char why[256];

    if (args->script == NULL) {
        rl_log_error("ringload run needs a script: 'ringload run SCRIPT', or - for standard input");
        return RL_EXIT_OTHER;
    }
    if (open_log(&args->flags) < 0)
        return RL_EXIT_OTHER;
    if (rl_huge_pages_ensure(args->flags.huge_pages, why, sizeof(why)) < 0) {
        rl_log_error("%s", why);
        return RL_EXIT_INVALID_CONFIG;
    }
    request.script_path = script_path(args->script);
    return rl_run(&request);
}

int rl_cmd_run(int argc, char *const *argv)
{
    struct rl_environment env = rl_environment_of_process();
    struct rl_problems problems;
    struct rl_run_args args;
    struct rl_arena arena;
    int code;

    rl_arena_init(&arena, ARENA_BLOCK);
    rl_problems_init(&problems);
    code = rl_run_args_parse(&args, &arena, &env, argc, argv, &problems);
    rl_problems_tell(&problems);
    if (code < 0)
        code = RL_EXIT_OTHER;
    else if (args.help)
        rl_help_run(stdout);
    else
        code = run(&args);
    rl_log_close();
    rl_problems_fini(&problems);
    rl_arena_fini(&arena);
    return code;
}
