/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * run_flags - what the command line and the environment say about a run that is no option of the
 * test: where output goes, how many threads, which limits (spec 2.3).
 *
 *      rl_run_flags_init, rl_run_flags_from_env, then the command line's flags
 *
 * Memory: texts belong to the arena, the environment or argv.
 */
#ifndef RL_PLAN_RUN_FLAGS_H
#define RL_PLAN_RUN_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cpu_list.h"
#include "base/log.h"
#include "plan/options.h"

enum rl_summary_mode { RL_SUMMARY_COMPACT, RL_SUMMARY_FULL, RL_SUMMARY_DISABLED };
enum rl_log_target { RL_LOG_TO_STDERR, RL_LOG_TO_STDOUT, RL_LOG_TO_FILE, RL_LOG_TO_NONE };

enum rl_huge_pages {
    RL_HUGE_OFF,
    RL_HUGE_TRANSPARENT, /* madvise: the kernel gives what it finds */
    RL_HUGE_RESERVED,    /* of vm.nr_hugepages */
};

struct rl_run_flags {
    struct rl_arena *arena;
    struct rl_pairs env; /* -e, in the order given, the last of a name counts */
    bool include_system_env_vars;
    enum rl_summary_mode summary_mode;
    const char *summary_export; /* NULL: none */
    bool quiet, verbose, no_color;
    enum rl_log_target log_target;
    const char *log_path;        /* of RL_LOG_TO_FILE */
    enum rl_log_level log_level; /* info; debug with --verbose, or the file's own level */
    enum rl_log_format log_format;
    const char *config_path; /* NULL: the default, which may be missing */
    bool linger, linger_set; /* else the config file's */

    /* Ringload's own. */
    uint32_t workers;              /* 0: one a usable core */
    struct rl_cpu_list *cpus;      /* worker i runs on the i-th, and again from the first; NULL: on any */
    bool cpus_auto;                /* on the usable ones; cpus is NULL then */
    uint32_t napi_busy_poll_us, batch_wait_us; /* 0: off */
    enum rl_huge_pages huge_pages;
    uint32_t vus_per_cell;         /* 0: the engine's choice */
    uint64_t handler_memory_bytes; /* 0: the engine's choice */
    uint64_t cell_memory_bytes;    /* 0: the engine's choice */
    int64_t handler_time_ns;       /* how long one run of a handler may take; 0: for ever */
    bool serve_tls;    /* that server speaks TLS, with a certificate made at start */
    const char *serve; /* mode of a server in the same process, as that room calls it; NULL: none */
};

void rl_run_flags_init(struct rl_run_flags *flags, struct rl_arena *arena);
void rl_run_flags_from_env(struct rl_run_flags *flags, const struct rl_environment *env,
                           struct rl_problems *problems);

/* One flag from its text. name: without dashes ("workers"), as the flag is called; where: for
 * messages. False if no such flag is known here. */
bool rl_run_flags_from_text(struct rl_run_flags *flags, const char *name, const char *text,
                            const char *where, struct rl_problems *problems);

#endif
