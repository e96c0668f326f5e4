/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "script/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "script/json.h"
#include "script/shared_options.h"
#include "script/script_impl.h"
#include "script/tcp.h"

enum { VUS_PER_CELL = 1000 };

#define MIB (UINT64_C(1) << 20)

/* --- Making VUs --- */

static struct rl_cell *cell_for(struct rl_script_host *host, const struct rl_vu *vu)
{
    struct rl_cell *cell = host->filling;

    if (vu->id == 0) /* setup and teardown: each in a state of its own (E-004) */
        return rl_cell_new(host, 1);
    if (cell == NULL || cell->vu_slots == cell->vu_capacity)
        host->filling = cell = rl_cell_new(host, host->config.vus_per_cell);
    return cell;
}

static void close_fibers(struct rl_script_vu *svu)
{
    rl_task_cancel(&svu->task);
    svu->cancelling = true;
    while (!rl_list_empty(&svu->fibers))
        rl_fiber_close(rl_container_of(svu->fibers.next, struct rl_fiber, link));
    svu->cancelling = false;
}

static int main_failed(struct rl_fiber *fiber, int status, int stop)
{
    if (stop != RL_STOP_TEST_ABORT && stop != RL_STOP_INTERRUPTED)
        rl_fiber_log(fiber, status, stop);
    rl_fiber_give(fiber, false);
    return stop == RL_STOP_TEST_ABORT || stop == RL_STOP_INTERRUPTED ? -ECANCELED : -EINVAL;
}

static int run_main(struct rl_script_vu *svu)
{
    struct rl_fiber *fiber = rl_fiber_take(svu->cell, svu);
    int status, stop, nresults;

    rl_cell_push(fiber->co, svu->cell, RL_AT_CHUNK);
    rl_vu_push_value(fiber->co, svu, RL_VU_ENV);
    status = rl_fiber_resume(fiber, 1, &nresults, &stop);
    if (status != LUA_OK)
        return main_failed(fiber, status, stop);
    if (nresults > 0 && lua_istable(fiber->co, -nresults)) {
        lua_settop(fiber->co, -nresults);
        rl_vu_pop_value(fiber->co, svu, RL_VU_EXPORTS);
    }
    rl_fiber_give(fiber, true);
    return 0;
}

enum { VU_RESERVE_BYTES = 64 * 1024 };

int rl_host_create_vu(struct rl_script_host *host, struct rl_vu *vu)
{
    struct rl_cell *cell = cell_for(host, vu);
    struct rl_script_vu *svu;
    int result;

    if (cell == NULL) {
        rl_log_error("no memory for another Lua state");
        return -ENOMEM;
    }
    /* What follows is outside of the script, where Lua could not say that memory is out. */
    if (!rl_heap_reserve(&host->heap, VU_RESERVE_BYTES))
        return -ENOMEM;
    svu = rl_cell_add_vu(cell, vu);
    rl_rng_init(&svu->rng, host->config.seed ^ (vu->global_id * UINT64_C(0x9e3779b97f4a7c15)));
    vu->state_of_program = svu;
    svu->initializing = true;
    result = run_main(svu);
    svu->initializing = false;
    if (result < 0)
        rl_host_destroy_vu(vu);
    else if (!host->probing)
        rl_shared_options_take(svu);
    return result;
}

void rl_host_destroy_vu(struct rl_vu *vu)
{
    struct rl_script_vu *svu = vu->state_of_program;
    struct rl_cell *cell;

    if (svu == NULL)
        return;
    cell = svu->cell;
    close_fibers(svu);
    rl_cell_remove_vu(svu);
    vu->state_of_program = NULL;
    if (cell->vu_count == 0 && cell != cell->host->filling)
        rl_cell_free(cell);
}

/* --- An iteration --- */

const char *rl_host_exec_name(const struct rl_script_host *host, uint32_t exec)
{
    if (exec == RL_EXEC_SETUP)
        return "setup";
    if (exec == RL_EXEC_TEARDOWN)
        return "teardown";
    return host->config.exec_names[exec];
}

static int raw_field(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    return lua_rawget(L, -2);
}

void rl_host_push_export(lua_State *L, const struct rl_script_vu *svu, const char *name)
{
    rl_vu_push_value(L, svu, RL_VU_EXPORTS);
    if (lua_istable(L, -1)) {
        if (raw_field(L, name) != LUA_TNIL) {
            lua_replace(L, -2);
            return;
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    rl_vu_push_value(L, svu, RL_VU_ENV);
    raw_field(L, name);
    lua_replace(L, -2);
}

static int keep_result(lua_State *L, int status, lua_KContext ctx)
{
    struct rl_script_host *host = rl_host_of(L);

    (void)status;
    (void)ctx;
    if (lua_isnil(L, -1))
        return 0;
    rl_json_encode(L, lua_gettop(L));
    host->setup_result = strdup(lua_tostring(L, -1));
    return host->setup_result == NULL ? luaL_error(L, "out of memory") : 0;
}

/* (setup): what it returns is kept as JSON (E-030). */
static int main_setup(lua_State *L)
{
    lua_callk(L, 0, 1, 0, keep_result);
    return keep_result(L, LUA_OK, 0);
}

static int main_done(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 0;
}

/* (function): its first run in this VU decodes the setup data, which stays (E-031). */
static int main_first(lua_State *L)
{
    struct rl_script_host *host = rl_host_of(L);

    rl_json_push(L, host->setup_data, strlen(host->setup_data));
    lua_pushvalue(L, -1);
    rl_vu_pop_value(L, rl_svu_of(L), RL_VU_DATA);
    rl_svu_of(L)->data_decoded = true;
    lua_callk(L, 1, 0, 0, main_done);
    return 0;
}

/* Push what the fiber is to run, and tell how many arguments it has. */
static int push_main(struct rl_script_host *host, struct rl_script_vu *svu, lua_State *co)
{
    bool is_setup = svu->vu->exec == RL_EXEC_SETUP;

    if (is_setup)
        lua_pushcfunction(co, main_setup);
    else if (host->setup_data != NULL && !svu->data_decoded)
        lua_pushcfunction(co, main_first);
    rl_host_push_export(co, svu, rl_host_exec_name(host, svu->vu->exec));
    if (lua_gettop(co) == 2)
        return 1;
    if (host->setup_data == NULL)
        return 0;
    rl_vu_push_value(co, svu, RL_VU_DATA);
    return 1;
}

static void program_start(struct rl_vu *vu)
{
    struct rl_script_vu *svu = vu->state_of_program;
    struct rl_script_host *host = svu->cell->host;
    struct rl_fiber *fiber = rl_fiber_take(svu->cell, svu);

    RL_CHECK(fiber != NULL); /* an iteration that begins has none yet */
    fiber->held = true;      /* by rl_vu_begin */
    rl_fiber_run(fiber, push_main(host, svu, fiber->co));
}

static int program_create(struct rl_vu *vu)
{
    return rl_host_create_vu(vu->env->program->ctx, vu);
}

static void program_cancel(struct rl_vu *vu)
{
    struct rl_script_vu *svu = vu->state_of_program;

    if (svu == NULL)
        return;
    close_fibers(svu);
    if (svu->group_depth > 0) {
        svu->group_depth = 0;
        rl_vu_tag(vu, "group", svu->outer_group);
    }
}

/* --- The host --- */

static struct rl_script_host *new_host(const struct rl_script_config *config, struct rl_vu_env *env)
{
    struct rl_script_host *host = calloc(1, sizeof(*host));

    if (host == NULL)
        return NULL;
    host->env = env;
    host->script = config->script;
    host->config = *config;
    if (host->config.vus_per_cell == 0)
        host->config.vus_per_cell = VUS_PER_CELL;
    if (host->config.cell_memory_bytes == 0)
        host->config.cell_memory_bytes = 1024 * MIB;
    if (host->config.handler_memory_bytes == 0)
        host->config.handler_memory_bytes = 64 * MIB;
    if (host->config.handler_time_ns == 0)
        host->config.handler_time_ns = RL_NS_PER_S;
    rl_heap_init(&host->heap);
    rl_list_init(&host->cells);
    host->program = (struct rl_program){
        .ctx = host,
        .create = program_create,
        .destroy = rl_host_destroy_vu,
        .start = program_start,
        .event = rl_tcp_event,
        .prefetch = rl_tcp_prefetch,
        .capture = rl_tcp_capture,
        .forget = rl_tcp_forget,
        .cancel = program_cancel,
        .retain = rl_tcp_retain,
        .release = rl_tcp_release,
    };
    return host;
}

struct rl_script_host *rl_script_host_new(const struct rl_script_config *config,
                                          struct rl_vu_env *env)
{
    return new_host(config, env);
}

struct rl_script_host *rl_script_host_new_probe(struct rl_script *script,
                                                struct rl_registry *registry,
                                                const struct rl_pair *env)
{
    struct rl_script_config config = {.script = script, .registry = registry, .env = env};
    struct rl_script_host *host = new_host(&config, NULL);

    if (host != NULL) {
        host->registry = registry;
        host->probing = true;
    }
    return host;
}

void rl_script_host_free(struct rl_script_host *host)
{
    if (host == NULL)
        return;
    while (!rl_list_empty(&host->cells))
        rl_cell_free(rl_container_of(host->cells.next, struct rl_cell, link));
    rl_heap_fini(&host->heap);
    free(host->setup_data);
    free(host->setup_result);
    free(host);
}

const struct rl_program *rl_script_host_program(struct rl_script_host *host)
{
    return &host->program;
}

const char *rl_script_setup_result(struct rl_script_host *host)
{
    return host->setup_result;
}

void rl_script_set_setup_data(struct rl_script_host *host, const char *json)
{
    free(host->setup_data);
    host->setup_data = json == NULL ? NULL : strdup(json);
}

/* --- From other threads and from signal handlers --- */

uint64_t rl_script_sequence(const struct rl_script_host *host)
{
    return atomic_load_explicit(&host->sequence, memory_order_relaxed);
}

struct rl_vu *rl_script_current(const struct rl_script_host *host)
{
    struct rl_fiber *fiber = atomic_load_explicit(&host->current, memory_order_relaxed);

    return fiber == NULL || fiber->svu == NULL ? NULL : fiber->svu->vu;
}

void rl_script_stop_now(struct rl_script_host *host, enum rl_stop_reason reason)
{
    lua_State *L = atomic_load_explicit(&host->running, memory_order_relaxed);

    if (L == NULL || atomic_load_explicit(&host->stop, memory_order_relaxed) != 0)
        return;
    atomic_store_explicit(&host->stop, (int)reason, memory_order_relaxed);
    lua_sethook(L, rl_fiber_stop_hook, LUA_MASKCOUNT, 1);
}
