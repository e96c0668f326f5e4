/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * script - a Lua script as a program (vu/program.h).
 *
 *      rl_script         the compiled file: process-wide, read-only after rl_script_load
 *      rl_script_host    one worker's Lua: cells of some 1,000 VUs, the current VU, the limits
 *
 * The script is compiled once and probed once (a throw-away state with __VU == 0 that tells
 * options, exported functions and metrics). Every VU then is one call of that chunk with an
 * environment of its own.
 *
 * Thread: rl_script_load and rl_script_probe on the control thread before the workers; an
 * rl_script_host on its worker's, but for what says otherwise.
 */
#ifndef RL_SCRIPT_SCRIPT_H
#define RL_SCRIPT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrics/registry.h"
#include "plan/scenario.h"
#include "plan/value.h"
#include "vu/vu.h"

struct rl_script;
struct rl_script_host;

/* Functions that no scenario names. */
enum { RL_EXEC_SETUP = 0xfffffffe, RL_EXEC_TEARDOWN = 0xffffffff };

/* Compile path. NULL and a message ("file:line: what") in why: missing, a syntax error. Keeps a
 * copy of the bytecode, made by this process; files opened and required are remembered. */
struct rl_script *rl_script_load(const char *path, char *why, size_t why_bytes);
void rl_script_free(struct rl_script *script);

struct rl_script_probe {
    struct rl_value *options;     /* the options table as data, NULL if there is none */
    const char *const *functions; /* exported, for scenarios to name; NULL-terminated, sorted */
    bool has_setup, has_teardown, has_handle_summary;
};

/* Run the main chunk once with __VU == 0; metrics that it makes go into registry. 0; or the exit
 * code 107 (error in init, traceback logged), 108 (test.abort), 255 (no function exported), 104.
 * Result: borrowed from script. env: NULL-name-terminated. */
int rl_script_probe(struct rl_script *script, struct rl_registry *registry,
                    const struct rl_pair *env, struct rl_script_probe *probe);

/* Is the word in the script, or in what it requires, as (part of) a name or a text? */
bool rl_script_mentions(const struct rl_script *script, const char *word);

/* What a script may ask of the run. Called on the worker's thread. */
struct rl_run_calls {
    void *ctx;
    void (*abort)(void *ctx, struct rl_vu *vu, const char *message); /* exec.test.abort: exit 108 */
    void (*fail)(void *ctx, struct rl_vu *vu, const char *message);  /* exec.test.fail: exit 110 */

    /* k6/execution, read live. */
    double (*test_duration_ms)(void *ctx);
    uint64_t (*iterations_completed)(void *ctx);
    uint64_t (*iterations_interrupted)(void *ctx);
    uint64_t (*vus_active)(void *ctx);
    uint64_t (*vus_initialized)(void *ctx);
    const char *(*scenario_name)(void *ctx, struct rl_vu *vu); /* NULL in setup and teardown */
    const char *(*scenario_executor)(void *ctx, struct rl_vu *vu);
    double (*scenario_progress)(void *ctx, struct rl_vu *vu); /* 0 ... 1 */
    double (*scenario_start_ms)(void *ctx, struct rl_vu *vu); /* Unix time */
    uint64_t (*scenario_iteration_in_instance)(void *ctx, struct rl_vu *vu);
    /* Overlays __ENV; may be NULL. */
    const struct rl_pair *(*scenario_env)(void *ctx, struct rl_vu *vu);
};

struct rl_script_config {
    struct rl_script *script;
    const struct rl_registry *registry;
    const struct rl_pair *env; /* NULL-name-terminated */
    const char *const *exec_names; /* rl_vu.exec indexes this; NULL-terminated */
    struct rl_run_calls calls;
    uint32_t vus_per_cell;         /* 0: 1000 */
    uint64_t cell_memory_bytes;    /* 0: 1 GiB; a cell refuses to grow past it */
    uint64_t handler_memory_bytes; /* 0: 64 MiB; gained within one run of a handler */
    uint64_t handler_time_ns;      /* 0: 1 s; the watchdog's, here for the error's text */
    uint64_t seed;                 /* of the VUs' math.random */
    bool throw_;
};

struct rl_script_host *rl_script_host_new(const struct rl_script_config *config,
                                          struct rl_vu_env *env);
void rl_script_host_free(struct rl_script_host *host);

/* The functions that the engine calls; goes into env->program. */
const struct rl_program *rl_script_host_program(struct rl_script_host *host);

/* setup's result as JSON text (NULL: nil), after its iteration has completed without failing; and
 * the same text for all workers' VUs and teardown. The text is copied. */
const char *rl_script_setup_result(struct rl_script_host *host);
void rl_script_set_setup_data(struct rl_script_host *host, const char *json);

/* --- For the watchdog and for interruption. --- */

enum rl_stop_reason {
    RL_STOP_NONE,
    RL_STOP_INTERRUPTED, /* the run's will: no error is logged, rl_vu_interrupt follows */
    RL_STOP_OVERRUN,     /* one handler ran too long: an error, the iteration is aborted */
};

/* Any thread: odd while Lua runs, and changes with every run of a handler. */
uint64_t rl_script_sequence(const struct rl_script_host *host);

/* The worker's thread, signal handlers included: whose Lua runs now, NULL if none. */
struct rl_vu *rl_script_current(const struct rl_script_host *host);

/* From a signal handler on the worker's thread: stop the Lua that runs now, so that no pcall can
 * swallow it. Harmless when none runs. */
void rl_script_stop_now(struct rl_script_host *host, enum rl_stop_reason reason);

#endif
