/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * args - the command line: flags by a table, and what `run`, `serve` and `doctor` make of theirs.
 *
 *      --vus 5   --vus=5   -u 5   -u5   -u=5   -qv   --quiet=false   -- ends the flags
 *
 * Flags may stand before and behind positional arguments, and may be repeated (E-646, E-720). Whatever
 * is wrong becomes a problem; all of them are found in one go, and end in exit code 255.
 *
 * Memory: argv's, and that of an arena of the caller's.
 */
#ifndef RL_CLI_ARGS_H
#define RL_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "plan/options.h"
#include "plan/run_flags.h"

enum rl_flag_kind {
    RL_FLAG_TITLE,        /* not a flag: begins a group of the help text */
    RL_FLAG_SWITCH,       /* true, unless it says =false */
    RL_FLAG_VALUE,        /* takes an argument */
    RL_FLAG_OPTIONAL,     /* takes one only with = */
    RL_FLAG_LATER_SWITCH, /* of k6's, not built yet: an error */
    RL_FLAG_LATER_VALUE,
};

struct rl_flag {
    enum rl_flag_kind kind;
    char letter;          /* 0: none */
    const char *name;     /* without dashes; of a title its text */
    const char *argument; /* what the help text calls it, or NULL */
    const char *help;     /* one line; NULL: not shown */
    const char *key;      /* the handler's own */
};

struct rl_flags {
    const struct rl_flag *items;
    size_t count;
    const char *command; /* "ringload run": whose help to read */
};

struct rl_args_handler {
    void *ctx;
    /* text: the argument; of a switch "true" or what stands behind =. where: the flag as it was
     * written, for messages. */
    void (*flag)(void *ctx, const struct rl_flag *flag, const char *text, const char *where);
    void (*positional)(void *ctx, const char *text);
};

/* argv: without the command's name. 0, or -EINVAL if that added an error. */
int rl_args_parse(const struct rl_flags *flags, const struct rl_args_handler *handler, int argc,
                  char *const *argv, struct rl_problems *problems);

/* The flags that have a help line, grouped and aligned. */
void rl_flags_print(const struct rl_flags *flags, FILE *out);

/* --- ringload run --- */

struct rl_run_args {
    const char *script; /* "-": standard input; NULL: none given */
    bool help;
    struct rl_options options; /* the command line's tier */
    struct rl_run_flags flags; /* of environment and command line */
};

/* 0, or -EINVAL; with help nothing else is checked. */
int rl_run_args_parse(struct rl_run_args *args, struct rl_arena *arena,
                      const struct rl_environment *env, int argc, char *const *argv,
                      struct rl_problems *problems);

/* --- ringload serve --- */

struct rl_serve_args {
    const char *mode;   /* "echo"; the server knows which there are */
    const char *listen; /* "127.0.0.1:0" */
    int64_t for_ns;     /* 0: until a signal */
    uint32_t workers;   /* 0: the server's choice */
    bool stats, help, tls;
    const char *tls_cert, *tls_key, *tls_cert_out, *tls_version; /* NULL: not given */
};

int rl_serve_args_parse(struct rl_serve_args *args, int argc, char *const *argv,
                        struct rl_problems *problems);

/* --- ringload doctor --- */

struct rl_doctor_args {
    uint64_t vus, rate_per_s, workers; /* workers 0: one a usable core */
    const char *target;                /* "HOST:PORT", checked; NULL: not known */
    const char *local_ips;             /* not checked; NULL: one address */
    bool apply, json, help;
};

int rl_doctor_args_parse(struct rl_doctor_args *args, int argc, char *const *argv,
                         struct rl_problems *problems);

extern const struct rl_flags rl_run_flag_table, rl_serve_flag_table, rl_doctor_flag_table;

#endif
