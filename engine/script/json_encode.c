/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/json.h"
#include "script/out.h"

enum { DEPTH_MAX = 200 };

struct writer {
    lua_State *L;
    struct rl_out out;
    int depth;
};

struct name {
    const char *text;
    size_t size;
    lua_Integer integer; /* the key, where text is NULL */
    char digits[24];
};

static void write_value(struct writer *w);

static void write_escaped(struct rl_out *out, char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt", hex[] = "0123456789abcdef";
    const char *special = c == '\0' ? NULL : strchr(from, c);

    rl_out_byte(out, '\\');
    if (special != NULL) {
        rl_out_byte(out, to[special - from]);
        return;
    }
    rl_out_text(out, "u00");
    rl_out_byte(out, hex[c >> 4]);
    rl_out_byte(out, hex[c & 15]);
}

static void write_string(struct writer *w, const char *text, size_t size)
{
    size_t run = 0;

    rl_out_byte(&w->out, '"');
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] >= 0x20 && text[i] != '"' && text[i] != '\\')
            continue;
        rl_out_add(&w->out, text + run, i - run);
        write_escaped(&w->out, text[i]);
        run = i + 1;
    }
    rl_out_add(&w->out, text + run, size - run);
    rl_out_byte(&w->out, '"');
}

static void write_number(struct writer *w)
{
    lua_Number number = lua_tonumber(w->L, -1);
    char text[32];

    if (lua_isinteger(w->L, -1)) {
        snprintf(text, sizeof(text), LUA_INTEGER_FMT, lua_tointeger(w->L, -1));
        rl_out_text(&w->out, text);
    } else if (isfinite(number)) {
        rl_out_number(&w->out, number);
    } else {
        luaL_error(w->L, "JSON has no number like %f", number);
    }
}

/* How many pairs the table on top has, and whether they are those of a list. */
static size_t count_pairs(lua_State *L, bool *is_list)
{
    lua_Unsigned size = lua_rawlen(L, -1);
    size_t count = 0;

    *is_list = true;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        count++;
        *is_list = *is_list && lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 1 &&
                   (lua_Unsigned)lua_tointeger(L, -1) <= size;
    }
    *is_list = *is_list && count == size;
    return count;
}

static void write_list(struct writer *w)
{
    lua_Integer size = (lua_Integer)lua_rawlen(w->L, -1);

    rl_out_byte(&w->out, '[');
    for (lua_Integer i = 1; i <= size; i++) {
        if (i > 1)
            rl_out_byte(&w->out, ',');
        lua_rawgeti(w->L, -1, i);
        write_value(w);
        lua_pop(w->L, 1);
    }
    rl_out_byte(&w->out, ']');
}

static int by_name(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    size_t size = x->size < y->size ? x->size : y->size;
    int order =
        memcmp(x->text == NULL ? x->digits : x->text, y->text == NULL ? y->digits : y->text, size);

    return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

/* The key on top; its text stays where it is, since the table holds it. */
static void name_of(lua_State *L, struct name *name)
{
    if (lua_type(L, -1) == LUA_TSTRING) {
        name->text = lua_tolstring(L, -1, &name->size);
    } else if (lua_isinteger(L, -1)) {
        name->text = NULL;
        name->integer = lua_tointeger(L, -1);
        name->size =
            (size_t)snprintf(name->digits, sizeof(name->digits), LUA_INTEGER_FMT, name->integer);
    } else {
        luaL_error(L, "a JSON object's name cannot be a %s", luaL_typename(L, -1));
    }
}

static void write_member(struct writer *w, const struct name *name)
{
    if (name->text != NULL) {
        write_string(w, name->text, name->size);
        lua_pushlstring(w->L, name->text, name->size);
    } else {
        write_string(w, name->digits, name->size);
        lua_pushinteger(w->L, name->integer);
    }
    rl_out_byte(&w->out, ':');
    lua_rawget(w->L, -3);
    write_value(w);
    lua_pop(w->L, 1);
}

/* In byte order: Lua's own changes from run to run. */
static void write_object(struct writer *w, size_t count)
{
    struct name *names = lua_newuserdatauv(w->L, (count + 1) * sizeof(*names), 0);
    size_t n = 0;

    lua_pushnil(w->L);
    while (lua_next(w->L, -3)) {
        lua_pop(w->L, 1);
        name_of(w->L, &names[n++]);
    }
    qsort(names, n, sizeof(*names), by_name);
    rl_out_byte(&w->out, '{');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            rl_out_byte(&w->out, ',');
        write_member(w, &names[i]);
    }
    rl_out_byte(&w->out, '}');
    lua_pop(w->L, 1);
}

static void write_table(struct writer *w)
{
    enum rl_json_mark mark = rl_json_mark_of(w->L, -1);
    bool is_list;
    size_t count;

    if (++w->depth > DEPTH_MAX)
        luaL_error(w->L, "a table that contains itself, or is nested too deeply, has no JSON form");
    luaL_checkstack(w->L, 10, "nested too deeply");
    count = count_pairs(w->L, &is_list);
    if (mark == RL_JSON_ARRAY || (mark == RL_JSON_UNMARKED && is_list && count > 0))
        write_list(w);
    else
        write_object(w, count);
    w->depth--;
}

static void write_value(struct writer *w)
{
    const char *text;
    size_t size;

    switch (lua_type(w->L, -1)) {
    case LUA_TNIL:
        rl_out_text(&w->out, "null");
        break;
    case LUA_TBOOLEAN:
        rl_out_text(&w->out, lua_toboolean(w->L, -1) ? "true" : "false");
        break;
    case LUA_TNUMBER:
        write_number(w);
        break;
    case LUA_TSTRING:
        text = lua_tolstring(w->L, -1, &size);
        write_string(w, text, size);
        break;
    case LUA_TTABLE:
        write_table(w);
        break;
    default:
        if (!rl_json_is_null(w->L, -1))
            luaL_error(w->L, "a %s has no JSON form", luaL_typename(w->L, -1));
        rl_out_text(&w->out, "null");
        break;
    }
}

void rl_json_encode(lua_State *L, int index)
{
    struct writer writer = {.L = L};

    rl_out_init(&writer.out, L);
    lua_pushvalue(L, index);
    write_value(&writer);
    lua_pop(L, 1);
    rl_out_push(&writer.out);
    lua_replace(L, writer.out.index);
}
