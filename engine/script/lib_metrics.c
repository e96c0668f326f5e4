/* SPDX-License-Identifier: GPL-3.0-or-later */
/* k6/metrics: Counter, Gauge, Rate, Trend, made in the init context (E-342). */
#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "script/host.h"
#include "script/metric.h"
#include "script/sandbox.h"
#include "script/tag_table.h"

static const char meta_key;

/* Wrong values of a metric: an error under the option throw, else told and false. */
static int refuse(lua_State *L, const struct rl_script_metric *metric, const char *what)
{
    if (rl_host_of(L)->env->throw_)
        return luaL_error(L, "metric '%s': %s", metric->name, what);
    rl_log_limited(RL_LOG_WARN, "wrong metric value", NULL, "metric '%s': %s", metric->name, what);
    lua_pushboolean(L, 0);
    return 1;
}

static int metric_add(lua_State *L)
{
    struct rl_script_metric *metric = lua_touserdata(L, 1);
    struct rl_script_vu *svu = rl_svu_of(L);
    double value;
    int is_number;

    luaL_argexpected(L, metric != NULL && lua_getmetatable(L, 1), 1, "metric");
    luaL_argexpected(L, lua_rawequal(L, -1, lua_upvalueindex(1)), 1, "metric");
    lua_pop(L, 1);
    if (svu->initializing)
        return luaL_error(L, "metric '%s': add is not available in the init context", metric->name);
    if (lua_isboolean(L, 2)) {
        value = lua_toboolean(L, 2);
    } else {
        value = lua_tonumberx(L, 2, &is_number);
        if (!is_number)
            return refuse(L, metric, "the value is not a number or boolean");
        if (isnan(value))
            return refuse(L, metric, "the value is not a number (NaN)");
    }
    rl_vu_sample(svu->vu, metric->id, rl_tag_argument(L, 3, metric->name), value);
    lua_pushboolean(L, 1);
    return 1;
}

static int metric_text(lua_State *L)
{
    const struct rl_script_metric *metric = lua_touserdata(L, 1);

    lua_pushfstring(L, "metric: %s", metric == NULL ? "?" : metric->name);
    return 1;
}

static int metric_index(lua_State *L)
{
    const struct rl_script_metric *metric = lua_touserdata(L, 1);
    const char *key = luaL_checkstring(L, 2);

    if (strcmp(key, "add") == 0)
        lua_pushvalue(L, lua_upvalueindex(1));
    else if (strcmp(key, "name") == 0 && metric != NULL)
        lua_pushstring(L, metric->name);
    else
        lua_pushnil(L);
    return 1;
}

/* The number of the metric; the probe adds it, VUs find what the probe added. */
static uint32_t identify(lua_State *L, const char *name, enum rl_metric_type type,
                         enum rl_metric_contains contains)
{
    struct rl_script_host *host = rl_host_of(L);
    const struct rl_metric *metric;
    int id;

    if (host->probing) {
        id = rl_registry_add(host->registry, name, type, contains);
        if (id == -EEXIST)
            luaL_error(L, "metric '%s' exists already with another type", name);
        if (id < 0)
            luaL_error(
                L,
                "'%s' is not the name of a metric: 2 to 129 letters, digits and '_', the first "
                "no digit",
                name);
        return (uint32_t)id;
    }
    metric = rl_registry_find(host->config.registry, name);
    if (metric == NULL || metric->type != type || metric->contains != contains)
        luaL_error(L, "metric '%s' was not made when the script was first run, with __VU == 0",
                   name);
    return metric->id;
}

static int make(lua_State *L, enum rl_metric_type type)
{
    const char *name = luaL_checkstring(L, 1);
    struct rl_script_host *host = rl_host_of(L);
    struct rl_script_metric *metric;
    uint32_t id;

    if (!rl_svu_of(L)->initializing)
        return luaL_error(L, "metrics are made in the init context only");
    id = identify(L, name, type, lua_toboolean(L, 2) ? RL_TIME : RL_DEFAULT);
    metric = lua_newuserdatauv(L, sizeof(*metric), 0);
    metric->id = id;
    metric->name = rl_registry_at(host->config.registry, id)->name;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &meta_key);
    lua_setmetatable(L, -2);
    return 1;
}

static int make_counter(lua_State *L)
{
    return make(L, RL_COUNTER);
}

static int make_gauge(lua_State *L)
{
    return make(L, RL_GAUGE);
}

static int make_rate(lua_State *L)
{
    return make(L, RL_RATE);
}

static int make_trend(lua_State *L)
{
    return make(L, RL_TREND);
}

struct rl_script_metric *rl_metric_check(lua_State *L, int index)
{
    struct rl_script_metric *metric = lua_touserdata(L, index);
    int same = 0;

    if (metric != NULL && lua_getmetatable(L, index)) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &meta_key);
        same = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
    }
    luaL_argexpected(L, same, index, "metric");
    return metric;
}

static void keep_meta(lua_State *L)
{
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, metric_add, 1);
    lua_pushcclosure(L, metric_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, metric_text);
    lua_setfield(L, -2, "__tostring");
    rl_sandbox_hide(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &meta_key);
}

int rl_lib_metrics(lua_State *L)
{
    static const luaL_Reg functions[] = {{"Counter", make_counter},
                                         {"Gauge", make_gauge},
                                         {"Rate", make_rate},
                                         {"Trend", make_trend},
                                         {"recorder", rl_metric_recorder},
                                         {NULL, NULL}};

    keep_meta(L);
    luaL_newlib(L, functions);
    rl_sandbox_lock(L, "k6/metrics");
    return 1;
}
