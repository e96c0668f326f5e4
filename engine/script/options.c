/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "script/options.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/json.h"

enum { DEPTH_MAX = 32, PATH_BYTES = 200 };

/* A conversion under way; path is what messages call the value at hand. */
struct conversion {
    lua_State *L;
    struct rl_arena *arena;
    char path[PATH_BYTES];
    char *why;
    size_t why_bytes;
    int depth;
};

static struct rl_value *convert(struct conversion *c);

static struct rl_value *refuse(struct conversion *c, const char *what)
{
    snprintf(c->why, c->why_bytes, "%s: %s", c->path, what);
    return NULL;
}

/* 1 ... n without holes, and n > 0? */
static bool is_list(lua_State *L)
{
    lua_Unsigned size = lua_rawlen(L, -1), count = 0;

    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        count++;
        if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1 ||
            (lua_Unsigned)lua_tointeger(L, -1) > size) {
            lua_pop(L, 1);
            return false;
        }
    }
    return count > 0 && count == size;
}

static struct rl_value *convert_list(struct conversion *c)
{
    struct rl_value *list = rl_value_list(c->arena), *item;
    lua_Integer size = (lua_Integer)lua_rawlen(c->L, -1);
    size_t length = strlen(c->path);

    for (lua_Integer i = 1; i <= size; i++) {
        snprintf(c->path + length, PATH_BYTES - length, "[%lld]", (long long)i);
        lua_rawgeti(c->L, -1, i);
        item = convert(c);
        lua_pop(c->L, 1);
        if (item == NULL)
            return NULL;
        rl_value_push(list, item);
        c->path[length] = '\0';
    }
    return list;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Lua's own order changes from run to run; messages must not. NULL: a key is no string, or no
 * memory. */
static const char **sorted_keys(struct conversion *c, size_t *count)
{
    size_t capacity = 0;
    const char **keys = NULL, **grown;

    *count = 0;
    lua_pushnil(c->L);
    while (lua_next(c->L, -2)) {
        lua_pop(c->L, 1);
        if (*count + 1 >= capacity) {
            capacity = capacity == 0 ? 16 : capacity * 2;
            grown = realloc(keys, capacity * sizeof(*keys));
            if (grown == NULL) {
                lua_pop(c->L, 1);
                free(keys);
                return NULL;
            }
            keys = grown;
        }
        if (lua_type(c->L, -1) != LUA_TSTRING) {
            refuse(c, "its keys must be all names, or the numbers 1, 2, 3, ...");
            lua_pop(c->L, 1);
            free(keys);
            return NULL;
        }
        keys[(*count)++] = lua_tostring(c->L, -1);
    }
    if (keys == NULL)
        keys = calloc(1, sizeof(*keys));
    else
        qsort(keys, *count, sizeof(*keys), by_text);
    return keys;
}

static struct rl_value *convert_map(struct conversion *c)
{
    struct rl_value *map = rl_value_map(c->arena), *item = map;
    size_t count, length = strlen(c->path);
    const char **keys = sorted_keys(c, &count);

    if (keys == NULL)
        return NULL;
    for (size_t i = 0; i < count && item != NULL; i++) {
        snprintf(c->path + length, PATH_BYTES - length, ".%s", keys[i]);
        lua_pushstring(c->L, keys[i]);
        lua_rawget(c->L, -2);
        item = convert(c);
        lua_pop(c->L, 1);
        if (item == NULL)
            break;
        rl_value_set(c->arena, map, keys[i], item);
        c->path[length] = '\0';
    }
    free(keys);
    return item == NULL ? NULL : map;
}

static struct rl_value *convert_table(struct conversion *c)
{
    struct rl_value *value;

    if (++c->depth > DEPTH_MAX || !lua_checkstack(c->L, 10))
        return refuse(c, "a table that contains itself, or is nested too deeply");
    value = is_list(c->L) ? convert_list(c) : convert_map(c);
    c->depth--;
    return value;
}

static struct rl_value *convert(struct conversion *c)
{
    char what[80];
    const char *text;
    size_t size;

    switch (lua_type(c->L, -1)) {
    case LUA_TNIL:
        return rl_value_nil(c->arena);
    case LUA_TBOOLEAN:
        return rl_value_bool(c->arena, lua_toboolean(c->L, -1));
    case LUA_TNUMBER:
        if (lua_isinteger(c->L, -1))
            return rl_value_int(c->arena, lua_tointeger(c->L, -1));
        return rl_value_double(c->arena, lua_tonumber(c->L, -1));
    case LUA_TSTRING:
        text = lua_tolstring(c->L, -1, &size);
        return rl_value_string(c->arena, text, size);
    case LUA_TTABLE:
        return convert_table(c);
    default:
        if (rl_json_is_null(c->L, -1))
            return rl_value_nil(c->arena);
        snprintf(what, sizeof(what), "a %s is not an option's value", luaL_typename(c->L, -1));
        return refuse(c, what);
    }
}

struct rl_value *rl_options_of_lua(lua_State *L, struct rl_arena *arena, char *why,
                                   size_t why_bytes)
{
    struct conversion c = {
        .L = L, .arena = arena, .path = "options", .why = why, .why_bytes = why_bytes};

    if (!lua_istable(L, -1)) {
        snprintf(why, why_bytes, "options must be a table, but it is a %s", luaL_typename(L, -1));
        return NULL;
    }
    snprintf(why, why_bytes, "options: out of memory");
    return convert(&c);
}

void rl_value_push_lua(lua_State *L, const struct rl_value *value)
{
    const struct rl_value *child;
    lua_Integer i = 0;

    luaL_checkstack(L, 4, "too deep");
    switch (value->kind) {
    case RL_NIL:
        rl_json_push_null(L);
        break;
    case RL_BOOL:
        lua_pushboolean(L, value->boolean);
        break;
    case RL_INT:
        lua_pushinteger(L, (lua_Integer)value->integer);
        break;
    case RL_DOUBLE:
        lua_pushnumber(L, value->number);
        break;
    case RL_STRING:
        lua_pushlstring(L, value->text, value->size);
        break;
    case RL_LIST:
    case RL_MAP:
        lua_newtable(L);
        for (child = value->first; child != NULL; child = child->next) {
            rl_value_push_lua(L, child);
            if (value->kind == RL_LIST)
                lua_rawseti(L, -2, ++i);
            else
                lua_setfield(L, -2, child->key);
        }
        break;
    }
}
