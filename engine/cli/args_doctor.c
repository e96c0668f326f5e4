/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "cli/args.h"

enum { VUS_MAX = 100000000, RATE_MAX = 100000000, WORKERS_MAX = 4096 };

static const struct rl_flag doctor_flags[] = {
    {RL_FLAG_TITLE, 0, "Flags", NULL, NULL, NULL},
    {RL_FLAG_VALUE, 'u', "vus", "N", "for how many virtual users, a connection each (1000)", NULL},
    {RL_FLAG_VALUE, 0, "rate", "R", "and for R connects a second, each closed again (0)", NULL},
    {RL_FLAG_VALUE, 0, "target", "HOST:PORT", "what they connect to", NULL},
    {RL_FLAG_VALUE, 0, "local-ips", "LIST", "addresses to connect from, as with run", NULL},
    {RL_FLAG_VALUE, 0, "workers", "N", "threads, as with run (one a usable core)", NULL},
    {RL_FLAG_SWITCH, 0, "apply", NULL, "set the sysctls that are short", NULL},
    {RL_FLAG_SWITCH, 0, "json", NULL, "print an object for programs", NULL},
    {RL_FLAG_SWITCH, 'h', "help", NULL, "this text", NULL},
};

const struct rl_flags rl_doctor_flag_table = {
    doctor_flags,
    sizeof(doctor_flags) / sizeof(doctor_flags[0]),
    "ringload doctor",
};

struct reading {
    struct rl_doctor_args *args;
    struct rl_problems *problems;
};

static void read_switch(struct reading *reading, const char *text, const char *where, bool *out)
{
    if (rl_parse_bool(text, out) < 0)
        rl_problems_error(reading->problems, "%s: must be true or false, not \"%.100s\"", where, text);
}

static void read_number(struct reading *reading, const char *text, const char *where, int64_t min,
                        int64_t max, uint64_t *out)
{
    int64_t number = 0;

    if (rl_parse_int(text, &number) == 0 && number >= min && number <= max)
        *out = (uint64_t)number;
    else
        rl_problems_error(reading->problems,
                          "%s: must be a whole number from %" PRId64 " to %" PRId64 ", not \"%.100s\"", where,
                          min, max, text);
}

/* HOST:PORT, [V6]:PORT; the last colon cuts. */
static void read_target(struct reading *reading, const char *text, const char *where)
{
    const char *colon = strrchr(text, ':');
    int64_t port = 0;

    if (colon != NULL && colon != text && rl_parse_int(colon + 1, &port) == 0 && port >= 1 &&
        port <= UINT16_MAX && (text[0] == '[' || strchr(text, ':') == colon))
        reading->args->target = text;
    else
        rl_problems_error(reading->problems,
                          "%s: must be HOST:PORT, such as 10.0.0.1:80 or [::1]:80, not \"%.100s\"", where,
                          text);
}

static void on_flag(void *ctx, const struct rl_flag *flag, const char *text, const char *where)
{
    struct reading *reading = ctx;
    struct rl_doctor_args *args = reading->args;

    if (strcmp(flag->name, "vus") == 0)
        read_number(reading, text, where, 1, VUS_MAX, &args->vus);
    else if (strcmp(flag->name, "rate") == 0)
        read_number(reading, text, where, 0, RATE_MAX, &args->rate_per_s);
    else if (strcmp(flag->name, "workers") == 0)
        read_number(reading, text, where, 1, WORKERS_MAX, &args->workers);
    else if (strcmp(flag->name, "target") == 0)
        read_target(reading, text, where);
    else if (strcmp(flag->name, "local-ips") == 0)
        args->local_ips = text;
    else if (strcmp(flag->name, "apply") == 0)
        read_switch(reading, text, where, &args->apply);
    else if (strcmp(flag->name, "json") == 0)
        read_switch(reading, text, where, &args->json);
    else
        args->help = true;
}

static void on_positional(void *ctx, const char *text)
{
    struct reading *reading = ctx;

    rl_problems_error(reading->problems, "unknown argument \"%.100s\"; see ringload doctor --help", text);
}

int rl_doctor_args_parse(struct rl_doctor_args *args, int argc, char *const *argv,
                         struct rl_problems *problems)
{
    struct reading reading = {args, problems};
    struct rl_args_handler handler = {&reading, on_flag, on_positional};
    size_t errors_before = problems->error_count;

    *args = (struct rl_doctor_args){.vus = 1000};
    rl_args_parse(&rl_doctor_flag_table, &handler, argc, argv, problems);
    return !args->help && problems->error_count > errors_before ? -EINVAL : 0;
}
