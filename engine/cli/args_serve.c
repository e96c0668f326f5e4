/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "cli/args.h"

enum { WORKERS_MAX = 1024 };

static const struct rl_flag serve_flags[] = {
    {RL_FLAG_TITLE, 0, "Flags", NULL, NULL, NULL},
    {RL_FLAG_VALUE, 0, "listen", "IP:PORT", "where (127.0.0.1:0; port 0: any that is free)", NULL},
    {RL_FLAG_VALUE, 0, "for", "TIME", "how long, such as 30s (until a signal comes)", NULL},
    {RL_FLAG_VALUE, 0, "workers", "N", "threads (1)", NULL},
    {RL_FLAG_SWITCH, 0, "stats", NULL, "print counts as a line of JSON at the end", NULL},
    {RL_FLAG_TITLE, 0, "TLS", NULL, NULL, NULL},
    {RL_FLAG_SWITCH, 0, "tls", NULL, "speak TLS, with a certificate made at start", NULL},
    {RL_FLAG_VALUE, 0, "tls-cert", "FILE", "PEM of the certificate to show instead", NULL},
    {RL_FLAG_VALUE, 0, "tls-key", "FILE", "PEM of its key", NULL},
    {RL_FLAG_VALUE, 0, "tls-cert-out", "FILE", "write the certificate there, for clients to trust",
     NULL},
    {RL_FLAG_VALUE, 0, "tls-version", "NAME", "tls1.2 or tls1.3 only (both)", NULL},
    {RL_FLAG_TITLE, 0, "Help", NULL, NULL, NULL},
    {RL_FLAG_SWITCH, 'h', "help", NULL, "this text", NULL},
};

const struct rl_flags rl_serve_flag_table = {
    serve_flags,
    sizeof(serve_flags) / sizeof(serve_flags[0]),
    "ringload serve",
};

struct reading {
    struct rl_serve_args *args;
    struct rl_problems *problems;
    const char *surplus; /* a second mode; or the argument of a flag that nobody knows */
};

static void read_switch(struct reading *reading, const char *text, const char *where, bool *out)
{
    if (rl_parse_bool(text, out) < 0)
        rl_problems_error(reading->problems, "%s: must be true or false, not \"%.100s\"", where,
                          text);
}

static void read_for(struct reading *reading, const char *text, const char *where)
{
    int64_t ns = 0;

    if (rl_parse_duration(text, false, &ns) == 0 && ns >= 0)
        reading->args->for_ns = ns;
    else
        rl_problems_error(reading->problems,
                          "%s: must be a duration such as \"30s\", not \"%.100s\"", where, text);
}

static void read_workers(struct reading *reading, const char *text, const char *where)
{
    int64_t workers = 0;

    if (rl_parse_int(text, &workers) == 0 && workers >= 1 && workers <= WORKERS_MAX)
        reading->args->workers = (uint32_t)workers;
    else
        rl_problems_error(reading->problems,
                          "%s: must be a whole number from 1 to %d, not \"%.100s\"", where,
                          WORKERS_MAX, text);
}

/* What a certificate is given for is TLS: --tls need not be said as well. */
static void read_tls(struct reading *reading, const struct rl_flag *flag, const char *text,
                     const char *where)
{
    struct rl_serve_args *args = reading->args;

    if (strcmp(flag->name, "tls") == 0) {
        read_switch(reading, text, where, &args->tls);
        return;
    }
    args->tls = true;
    if (strcmp(flag->name, "tls-cert") == 0)
        args->tls_cert = text;
    else if (strcmp(flag->name, "tls-key") == 0)
        args->tls_key = text;
    else if (strcmp(flag->name, "tls-cert-out") == 0)
        args->tls_cert_out = text;
    else
        args->tls_version = text;
}

static void on_flag(void *ctx, const struct rl_flag *flag, const char *text, const char *where)
{
    struct reading *reading = ctx;

    if (strcmp(flag->name, "listen") == 0)
        reading->args->listen = text;
    else if (strcmp(flag->name, "for") == 0)
        read_for(reading, text, where);
    else if (strcmp(flag->name, "workers") == 0)
        read_workers(reading, text, where);
    else if (strcmp(flag->name, "stats") == 0)
        read_switch(reading, text, where, &reading->args->stats);
    else if (strncmp(flag->name, "tls", 3) == 0)
        read_tls(reading, flag, text, where);
    else
        reading->args->help = true;
}

static void on_positional(void *ctx, const char *text)
{
    struct reading *reading = ctx;

    if (reading->args->mode == NULL)
        reading->args->mode = text;
    else
        reading->surplus = text;
}

int rl_serve_args_parse(struct rl_serve_args *args, int argc, char *const *argv,
                        struct rl_problems *problems)
{
    struct reading reading = {args, problems, NULL};
    struct rl_args_handler handler = {&reading, on_flag, on_positional};
    size_t errors_before = problems->error_count;

    *args = (struct rl_serve_args){.listen = "127.0.0.1:0"};
    rl_args_parse(&rl_serve_flag_table, &handler, argc, argv, problems);
    if (args->help)
        return 0;
    if (args->mode == NULL)
        rl_problems_error(problems, "no mode; write, for example, ringload serve echo, and see "
                                    "ringload serve --help");
    else if (reading.surplus != NULL && problems->error_count == errors_before)
        rl_problems_error(problems, "one mode at a time: there is %.100s and %.100s", args->mode,
                          reading.surplus);
    return problems->error_count > errors_before ? -EINVAL : 0;
}
