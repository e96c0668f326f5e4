/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * metrics.recorder: some metrics with the same tags, looked up once and added to in one call.
 *
 * metric:add looks its series up by metric and tags each time. A recorder keeps the numbers of its
 * series for the VU's tags as they were at the last call, and looks them up again when the VU's
 * tags have changed (a group, exec.vu.metrics).
 */
#include <lauxlib.h>
#include <math.h>

#include "base/assert.h"
#include "base/log.h"
#include "script/host.h"
#include "script/metric.h"
#include "script/tag_table.h"

enum { RECORDER_METRICS = 8 };

struct recorder {
    const struct rl_tagset *more; /* NULL: none */
    const struct rl_tagset *base; /* of series */
    uint32_t count;
    struct {
        const struct rl_script_metric *metric; /* a user value keeps it */
        uint32_t series;
    } at[];
};

static void find_series(struct recorder *r, struct rl_vu *vu)
{
    struct rl_shard *shard = vu->env->shard;
    const struct rl_tagset *tags = vu->tags;

    if (r->more != NULL)
        tags = rl_tags_over(shard->tags, tags, r->more);
    for (uint32_t i = 0; i < r->count; i++)
        r->at[i].series = rl_shard_series(shard, r->at[i].metric->id, tags);
    r->base = vu->tags;
}

/* (value, ...), one for each metric; nil: none */
static int record(lua_State *L)
{
    struct recorder *r = lua_touserdata(L, lua_upvalueindex(1));
    struct rl_vu *vu = rl_svu_of(L)->vu;

    if (RL_UNLIKELY(vu->state != RL_VU_RUNNING))
        return 0;
    if (RL_UNLIKELY(r->base != vu->tags))
        find_series(r, vu);
    for (uint32_t i = 0; i < r->count; i++) {
        int index = (int)i + 1, is_number = 1;
        lua_Number value;

        if (lua_isnoneornil(L, index))
            continue;
        value =
            lua_isboolean(L, index) ? lua_toboolean(L, index) : lua_tonumberx(L, index, &is_number);
        if (RL_UNLIKELY(!is_number || isnan(value)))
            return luaL_argerror(L, index, "not a number or boolean");
        rl_shard_add(vu->env->shard, r->at[i].series, value);
    }
    return 0;
}

int rl_metric_recorder(lua_State *L)
{
    int count = lua_gettop(L) - 1;
    struct recorder *r;

    if (rl_svu_of(L)->initializing)
        return luaL_error(L, "recorder is not available in the init context");
    luaL_argcheck(L, count >= 1, 2, "a metric is missing");
    luaL_argcheck(L, count <= RECORDER_METRICS, 2 + RECORDER_METRICS, "too many metrics");
    for (int i = 0; i < count; i++)
        (void)rl_metric_check(L, 2 + i);
    r = lua_newuserdatauv(L, sizeof(*r) + (size_t)count * sizeof(r->at[0]), count);
    r->more = rl_tag_argument(L, 1, "recorder");
    r->base = NULL;
    r->count = (uint32_t)count;
    for (int i = 0; i < count; i++) {
        r->at[i].metric = lua_touserdata(L, 2 + i);
        lua_pushvalue(L, 2 + i);
        lua_setiuservalue(L, -2, i + 1);
    }
    lua_pushcclosure(L, record, 1);
    return 1;
}
