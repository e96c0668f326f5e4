/* SPDX-License-Identifier: GPL-3.0-or-later */
/* print and console.*: to the log, with tables written out (E-048). */
#include <lauxlib.h>
#include <string.h>

#include "base/log.h"
#include "script/json.h"
#include "script/out.h"
#include "script/sandbox.h"

enum { DEPTH_MAX = 20, TEXT_BYTES_MAX = 64 * 1024 };

struct printer {
    lua_State *L;
    struct rl_out out;
    int seen; /* tables that are being written, as keys */
    int depth;
};

static void write_value(struct printer *p);

/* A name that needs no brackets and quotes? */
static bool is_name(const char *text, size_t size)
{
    if (size == 0 || (text[0] >= '0' && text[0] <= '9'))
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];

        if (c != '_' && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
            return false;
    }
    return true;
}

/* A value inside a table: strings in quotes. */
static void write_inner(struct printer *p)
{
    const char *text;
    size_t size;

    if (lua_type(p->L, -1) != LUA_TSTRING) {
        write_value(p);
        return;
    }
    text = lua_tolstring(p->L, -1, &size);
    rl_out_byte(&p->out, '"');
    rl_out_add(&p->out, text, size);
    rl_out_byte(&p->out, '"');
}

/* The key below the top of the stack. */
static void write_key(struct printer *p)
{
    const char *text;
    size_t size;

    lua_pushvalue(p->L, -2);
    text = lua_type(p->L, -1) == LUA_TSTRING ? lua_tolstring(p->L, -1, &size) : NULL;
    if (text != NULL && is_name(text, size)) {
        rl_out_add(&p->out, text, size);
    } else {
        rl_out_byte(&p->out, '[');
        write_inner(p);
        rl_out_byte(&p->out, ']');
    }
    lua_pop(p->L, 1);
    rl_out_text(&p->out, " = ");
}

static void write_pairs(struct printer *p)
{
    lua_State *L = p->L;
    lua_Integer size = (lua_Integer)lua_rawlen(L, -1);
    const char *separator = "";

    rl_out_byte(&p->out, '{');
    for (lua_Integer i = 1; i <= size; i++) {
        rl_out_text(&p->out, separator);
        separator = ", ";
        lua_rawgeti(L, -1, i);
        write_inner(p);
        lua_pop(L, 1);
    }
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        if (p->out.size > TEXT_BYTES_MAX) { /* the caller restores the stack */
            rl_out_text(&p->out, ", ...");
            break;
        }
        if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1 || lua_tointeger(L, -2) > size) {
            rl_out_text(&p->out, separator);
            separator = ", ";
            write_key(p);
            write_inner(p);
        }
        lua_pop(L, 1);
    }
    rl_out_byte(&p->out, '}');
}

static void write_table(struct printer *p)
{
    lua_State *L = p->L;
    int top = lua_gettop(L);

    luaL_checkstack(L, 10, "nested too deeply");
    lua_pushvalue(L, -1);
    if (lua_rawget(L, p->seen) != LUA_TNIL || p->depth >= DEPTH_MAX) {
        lua_settop(L, top);
        rl_out_text(&p->out, p->depth >= DEPTH_MAX ? "{...}" : "{cycle}");
        return;
    }
    lua_settop(L, top);
    lua_pushvalue(L, -1);
    lua_pushboolean(L, 1);
    lua_rawset(L, p->seen);
    p->depth++;
    write_pairs(p);
    p->depth--;
    lua_settop(L, top);
    lua_pushvalue(L, -1);
    lua_pushnil(L);
    lua_rawset(L, p->seen);
}

static void write_value(struct printer *p)
{
    const char *text;
    size_t size;

    if (lua_istable(p->L, -1)) {
        if (luaL_getmetafield(p->L, -1, "__tostring") == LUA_TNIL) {
            write_table(p);
            return;
        }
        lua_pop(p->L, 1);
    }
    text = luaL_tolstring(p->L, -1, &size);
    rl_out_add(&p->out, text, size);
    lua_pop(p->L, 1);
}

static int log_arguments(lua_State *L, enum rl_log_level level)
{
    static const struct rl_log_field fields[] = {{"source", "console"}, {NULL, NULL}};
    struct printer printer = {.L = L};
    int count = lua_gettop(L);

    if (!rl_log_enabled(level))
        return 0;
    lua_newtable(L);
    printer.seen = lua_gettop(L);
    rl_out_init(&printer.out, L);
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            rl_out_byte(&printer.out, ' ');
        lua_pushvalue(L, i);
        write_value(&printer);
        lua_settop(L, printer.out.index);
    }
    rl_log_fields(level, fields, "%.*s", (int)printer.out.size, printer.out.data);
    return 0;
}

static int console_info(lua_State *L)
{
    return log_arguments(L, RL_LOG_INFO);
}

static int console_debug(lua_State *L)
{
    return log_arguments(L, RL_LOG_DEBUG);
}

static int console_warn(lua_State *L)
{
    return log_arguments(L, RL_LOG_WARN);
}

static int console_error(lua_State *L)
{
    return log_arguments(L, RL_LOG_ERROR);
}

int rl_lib_console(lua_State *L)
{
    static const luaL_Reg functions[] = {{"log", console_info},    {"info", console_info},
                                         {"debug", console_debug}, {"warn", console_warn},
                                         {"error", console_error}, {NULL, NULL}};

    luaL_newlib(L, functions);
    rl_sandbox_lock(L, "console");
    return 1;
}

void rl_lib_print(lua_State *L)
{
    lua_pushcfunction(L, console_info);
    lua_setfield(L, -2, "print");
}
