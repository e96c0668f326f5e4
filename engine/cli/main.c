/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/args.h"
#include "cli/cmd_doctor.h"
#include "cli/cmd_run.h"
#include "cli/cmd_serve.h"
#include "cli/cmd_version.h"
#include "cli/help.h"
#include "run/run.h"

static int serve(int argc, char *const *argv)
{
    struct rl_problems problems;
    struct rl_serve_args args;
    int code;

    rl_problems_init(&problems);
    code = rl_serve_args_parse(&args, argc, argv, &problems);
    rl_problems_tell(&problems);
    rl_problems_fini(&problems);
    if (code < 0)
        return RL_EXIT_OTHER;
    if (args.help) {
        rl_help_serve(stdout);
        return 0;
    }
    return rl_cmd_serve(&args);
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "--help";
    int rest = argc > 2 ? argc - 2 : 0;
    char *const *behind = argv + (argc > 2 ? 2 : argc);

    rl_run_signals_init();
    if (strcmp(command, "run") == 0)
        return rl_cmd_run(rest, behind);
    if (strcmp(command, "serve") == 0)
        return serve(rest, behind);
    if (strcmp(command, "doctor") == 0)
        return rl_cmd_doctor(rest, behind);
    if (strcmp(command, "version") == 0 || strcmp(command, "--version") == 0)
        return rl_cmd_version(rest, behind);
    if (strcmp(command, "help") == 0 || strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0) {
        rl_help_main(stdout);
        return 0;
    }
    rl_log_error("there is no command '%s': run, serve, doctor, version or help", command);
    return RL_EXIT_OTHER;
}
