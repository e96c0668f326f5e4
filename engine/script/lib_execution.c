/* SPDX-License-Identifier: GPL-3.0-or-later */
/* k6/execution: where a script is, read live (E-060 ... E-064). */
#include <lauxlib.h>
#include <string.h>

#include "base/log.h"
#include "script/host.h"
#include "script/sandbox.h"
#include "script/tag_table.h"

/* --- Objects: empty tables whose fields are computed --- */

static int refuse_write(lua_State *L)
{
    return luaL_error(L, "k6/execution is read-only");
}

/* [-0, +1, m] */
static void push_object(lua_State *L, lua_CFunction index, lua_CFunction newindex,
                        lua_CFunction pairs)
{
    lua_newtable(L);
    lua_createtable(L, 0, 5);
    lua_pushcfunction(L, index);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, newindex);
    lua_setfield(L, -2, "__newindex");
    if (pairs != NULL) {
        lua_pushcfunction(L, pairs);
        lua_setfield(L, -2, "__pairs");
    }
    rl_sandbox_hide(L);
    lua_setmetatable(L, -2);
}

static bool is(lua_State *L, const char *name)
{
    return strcmp(luaL_checkstring(L, 2), name) == 0;
}

static struct rl_vu *running_vu(lua_State *L, const char *what)
{
    struct rl_script_vu *svu = rl_svu_of(L);

    if (svu->initializing)
        luaL_error(L, "exec.%s is not available in the init context", what);
    return svu->vu;
}

/* --- instance --- */

static int instance_index(lua_State *L)
{
    const struct rl_run_calls *calls = &rl_host_of(L)->config.calls;

    running_vu(L, "instance");
    if (is(L, "iterationsCompleted"))
        lua_pushinteger(L, (lua_Integer)calls->iterations_completed(calls->ctx));
    else if (is(L, "iterationsInterrupted"))
        lua_pushinteger(L, (lua_Integer)calls->iterations_interrupted(calls->ctx));
    else if (is(L, "vusActive"))
        lua_pushinteger(L, (lua_Integer)calls->vus_active(calls->ctx));
    else if (is(L, "vusInitialized"))
        lua_pushinteger(L, (lua_Integer)calls->vus_initialized(calls->ctx));
    else if (is(L, "currentTestRunDuration"))
        lua_pushnumber(L, calls->test_duration_ms(calls->ctx));
    else
        lua_pushnil(L);
    return 1;
}

/* --- scenario --- */

static int scenario_index(lua_State *L)
{
    const struct rl_run_calls *calls = &rl_host_of(L)->config.calls;
    struct rl_vu *vu = running_vu(L, "scenario");
    const char *name = calls->scenario_name(calls->ctx, vu);

    if (name == NULL)
        return luaL_error(L, "exec.scenario is not available in setup and teardown");
    if (is(L, "name"))
        lua_pushstring(L, name);
    else if (is(L, "executor"))
        lua_pushstring(L, calls->scenario_executor(calls->ctx, vu));
    else if (is(L, "startTime"))
        lua_pushinteger(L, (lua_Integer)calls->scenario_start_ms(calls->ctx, vu));
    else if (is(L, "progress"))
        lua_pushnumber(L, calls->scenario_progress(calls->ctx, vu));
    else if (is(L, "iterationInInstance"))
        lua_pushinteger(L, (lua_Integer)calls->scenario_iteration_in_instance(calls->ctx, vu));
    else if (is(L, "iterationInTest"))
        lua_pushinteger(L, (lua_Integer)vu->test_iteration);
    else
        lua_pushnil(L);
    return 1;
}

/* --- vu.metrics.tags, vu.metrics.metadata --- */

static int tags_index(lua_State *L)
{
    struct rl_vu *vu = running_vu(L, "vu.metrics.tags");

    lua_pushstring(L, rl_tagset_get(vu->tags, luaL_checkstring(L, 2)));
    return 1;
}

static int tags_newindex(lua_State *L)
{
    struct rl_vu *vu = running_vu(L, "vu.metrics.tags");
    const char *name = luaL_checkstring(L, 2), *text;
    char buffer[RL_TAG_TEXT_BYTES];

    if (lua_isnil(L, 3)) {
        rl_vu_tag(vu, name, NULL);
        return 0;
    }
    text = rl_tag_text(L, 3, buffer);
    if (text != NULL) {
        rl_vu_tag(vu, name, text);
        return 0;
    }
    if (vu->env->throw_)
        return luaL_error(L, "exec.vu.metrics.tags.%s: a %s is no string, number or boolean", name,
                          luaL_typename(L, 3));
    rl_log_limited(RL_LOG_WARN, "wrong vu tag", NULL,
                   "exec.vu.metrics.tags.%s is not set: a %s is no string, number or boolean", name,
                   luaL_typename(L, 3));
    return 0;
}

static int next_pair(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_next(L, 1))
        return 2;
    lua_pushnil(L);
    return 1;
}

static int tags_pairs(lua_State *L)
{
    const struct rl_tagset *tags = running_vu(L, "vu.metrics.tags")->tags;

    lua_pushcfunction(L, next_pair);
    lua_newtable(L);
    for (uint32_t i = 0; i < tags->count; i++) {
        lua_pushstring(L, tags->tags[i].value);
        lua_setfield(L, -2, tags->tags[i].key);
    }
    return 2;
}

/* The VU's own table, kept among its modules under a name that no module can have. */
static void push_metadata(lua_State *L, struct rl_script_vu *svu)
{
    rl_vu_push_value(L, svu, RL_VU_MODULES);
    if (!lua_istable(L, -1)) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        rl_vu_pop_value(L, svu, RL_VU_MODULES);
    }
    if (lua_getfield(L, -1, "") == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "");
}

/* (object, key); upvalue: the tags object */
static int metrics_index(lua_State *L)
{
    running_vu(L, "vu.metrics");
    if (is(L, "tags"))
        lua_pushvalue(L, lua_upvalueindex(1));
    else if (is(L, "metadata"))
        push_metadata(L, rl_svu_of(L));
    else
        lua_pushnil(L);
    return 1;
}

/* --- vu --- */

/* (object, key); upvalues: the tags and metrics objects */
static int vu_index(lua_State *L)
{
    struct rl_vu *vu = running_vu(L, "vu");

    if (is(L, "idInInstance"))
        lua_pushinteger(L, vu->id);
    else if (is(L, "idInTest"))
        lua_pushinteger(L, vu->global_id);
    else if (is(L, "iterationInInstance"))
        lua_pushinteger(L, (lua_Integer)vu->iteration);
    else if (is(L, "iterationInScenario"))
        lua_pushinteger(L, (lua_Integer)vu->scenario_iteration);
    else if (is(L, "tags"))
        lua_pushvalue(L, lua_upvalueindex(1));
    else if (is(L, "metrics"))
        lua_pushvalue(L, lua_upvalueindex(2));
    else
        lua_pushnil(L);
    return 1;
}

static void push_vu(lua_State *L)
{
    push_object(L, tags_index, tags_newindex, tags_pairs);
    push_object(L, metrics_index, refuse_write, NULL);
    lua_getmetatable(L, -1);
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, metrics_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    push_object(L, vu_index, refuse_write, NULL);
    lua_getmetatable(L, -1);
    lua_pushvalue(L, -4);
    lua_pushvalue(L, -4);
    lua_pushcclosure(L, vu_index, 2);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_replace(L, -3);
    lua_pop(L, 1);
}

/* --- test --- */

static int test_abort(lua_State *L)
{
    struct rl_script_host *host = rl_host_of(L);
    const struct rl_run_calls *calls = &host->config.calls;
    const char *message = luaL_optstring(L, 1, "test aborted");

    if (calls->abort != NULL)
        calls->abort(calls->ctx, rl_svu_of(L)->vu, message);
    else
        rl_log_error("test aborted: %s", message);
    rl_fiber_stop(L, RL_STOP_TEST_ABORT);
}

static int test_fail(lua_State *L)
{
    const struct rl_run_calls *calls = &rl_host_of(L)->config.calls;
    const char *message = luaL_optstring(L, 1, "test failed");

    calls->fail(calls->ctx, running_vu(L, "test.fail"), message);
    return 0;
}

static void push_test(lua_State *L)
{
    static const luaL_Reg functions[] = {{"abort", test_abort}, {"fail", test_fail}, {NULL, NULL}};

    luaL_newlib(L, functions);
    rl_sandbox_lock(L, "exec.test");
}

int rl_lib_execution(lua_State *L)
{
    lua_newtable(L);
    push_object(L, instance_index, refuse_write, NULL);
    lua_setfield(L, -2, "instance");
    push_object(L, scenario_index, refuse_write, NULL);
    lua_setfield(L, -2, "scenario");
    push_vu(L);
    lua_setfield(L, -2, "vu");
    push_test(L);
    lua_setfield(L, -2, "test");
    rl_sandbox_lock(L, "k6/execution");
    return 1;
}
