/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "script/tag_table.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>

#include "base/log.h"
#include "script/host.h"

/* A whole number prints without a fraction, whatever its type (E-071). */
static const char *number_text(lua_State *L, int index, char buffer[RL_TAG_TEXT_BYTES])
{
    lua_Number number = lua_tonumber(L, index);

    if (lua_isinteger(L, index))
        snprintf(buffer, RL_TAG_TEXT_BYTES, LUA_INTEGER_FMT, lua_tointeger(L, index));
    else if (floor(number) == number && fabs(number) < 1e15)
        snprintf(buffer, RL_TAG_TEXT_BYTES, "%.0f", number);
    else
        snprintf(buffer, RL_TAG_TEXT_BYTES, "%.14g", number);
    return buffer;
}

const char *rl_tag_text(lua_State *L, int index, char buffer[RL_TAG_TEXT_BYTES])
{
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        return lua_tostring(L, index);
    case LUA_TNUMBER:
        return number_text(L, index, buffer);
    case LUA_TBOOLEAN:
        return lua_toboolean(L, index) ? "true" : "false";
    default:
        return NULL;
    }
}

const struct rl_tagset *rl_tag_table(lua_State *L, int index, struct rl_tags *tags,
                                     const struct rl_tagset *base, const char **bad)
{
    char key_buffer[RL_TAG_TEXT_BYTES], value_buffer[RL_TAG_TEXT_BYTES];
    const char *key, *value;

    *bad = NULL;
    index = lua_absindex(L, index);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        key = rl_tag_text(L, -2, key_buffer);
        value = rl_tag_text(L, -1, value_buffer);
        if (key != NULL && value != NULL)
            base = rl_tags_with(tags, base, key, value);
        else
            *bad = lua_type(L, -2) == LUA_TSTRING ? key : "?";
        lua_pop(L, 1);
    }
    return base;
}

const struct rl_tagset *rl_tag_argument(lua_State *L, int index, const char *what)
{
    struct rl_vu_env *env = rl_host_of(L)->env;
    const struct rl_tagset *set;
    const char *bad;

    if (lua_isnoneornil(L, index))
        return NULL;
    luaL_checktype(L, index, LUA_TTABLE);
    set = rl_tag_table(L, index, env->shard->tags, rl_tags_empty(env->shard->tags), &bad);
    if (bad == NULL)
        return set;
    if (env->throw_)
        luaL_error(L, "%s: the value of tag '%s' is no string, number or boolean", what, bad);
    rl_log_limited(RL_LOG_WARN, "wrong tag value", NULL,
                   "%s: tag '%s' is left out: its value is no string, number or boolean", what,
                   bad);
    return set;
}
