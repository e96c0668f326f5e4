/* SPDX-License-Identifier: GPL-3.0-or-later */
/* host - one worker's Lua, or the probe's: what script.h hides. */
#ifndef RL_SCRIPT_HOST_H
#define RL_SCRIPT_HOST_H

#include <stdatomic.h>

#include "script/cell.h"
#include "script/script.h"

struct rl_script_host {
    _Atomic uint64_t sequence;          /* odd while Lua runs */
    _Atomic(lua_State *) running;       /* the innermost thread, NULL: none */
    _Atomic(struct rl_fiber *) current; /* whose */
    _Atomic int stop;                   /* why it is being stopped, 0: it is not */
    struct rl_vu_env *env;              /* NULL in the probe */
    struct rl_script *script;
    struct rl_script_config config;
    struct rl_heap heap;
    struct rl_list cells;
    struct rl_cell *filling; /* takes the next VU */
    struct rl_program program;
    struct rl_registry *registry; /* the probe's, to add to */
    bool probing;
    char *setup_data;   /* JSON, NULL: none */
    char *setup_result; /* JSON, NULL: none */
};

/* The probe's host; env and config's calls are absent. */
struct rl_script_host *rl_script_host_new_probe(struct rl_script *script,
                                                struct rl_registry *registry,
                                                const struct rl_pair *env);

/* Take a VU: run the script's main chunk for it. 0; -ECANCELED: stopped by test.abort; else
 * logged. */
int rl_host_create_vu(struct rl_script_host *host, struct rl_vu *vu);
void rl_host_destroy_vu(struct rl_vu *vu);

/* Name of a function that exec stands for. */
const char *rl_host_exec_name(const struct rl_script_host *host, uint32_t exec);

/* Push the function that the script exports as name, or nil; what the chunk returned goes first.
 * [-0, +1, -] */
void rl_host_push_export(lua_State *L, const struct rl_script_vu *svu, const char *name);

#endif
