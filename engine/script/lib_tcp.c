/* SPDX-License-Identifier: GPL-3.0-or-later */
/* k6/x/tcp: Socket and TCPError (tcp-socket.md section 15 is what this follows). */
#include <lauxlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/status.h"
#include "script/host.h"
#include "script/sandbox.h"
#include "script/tag_table.h"
#include "script/tcp_tls.h"

static const char socket_key, error_proxy_key;

/* --- TCPError --- */

void rl_tcp_push_error(lua_State *L, struct rl_cell *cell, const struct rl_tcp_error *error)
{
    lua_createtable(L, 0, 4);
    lua_pushliteral(L, "TCPError");
    lua_setfield(L, -2, "name");
    lua_pushstring(L, rl_method_name(error->method));
    lua_setfield(L, -2, "method");
    lua_pushstring(L, error->message);
    lua_setfield(L, -2, "message");
    lua_pushstring(L, rl_status_code(error->status));
    lua_setfield(L, -2, "code");
    rl_cell_push(L, cell, RL_AT_ERROR_META);
    lua_setmetatable(L, -2);
}

static int error_text(lua_State *L)
{
    const char *method, *message;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_getfield(L, 1, "method");
    lua_getfield(L, 1, "message");
    method = lua_tostring(L, -2);
    message = lua_tostring(L, -1);
    lua_pushfstring(L, "TCP error during %s: %s", method == NULL ? "?" : method,
                    message == NULL ? "?" : message);
    return 1;
}

/* Scripts compare getmetatable(e) with tcp.TCPError, which is a proxy: nobody can change the real
 * one. */
void rl_tcp_push_error_meta(lua_State *L)
{
    lua_createtable(L, 0, 3);
    lua_pushcfunction(L, error_text);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "TCPError");
    lua_setfield(L, -2, "__name");
    lua_newtable(L);
    lua_pushliteral(L, "TCPError");
    lua_setfield(L, -2, "name");
    rl_sandbox_lock(L, "TCPError");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_proxy_key);
    lua_setfield(L, -2, "__metatable");
}

/* --- Methods --- */

struct rl_script_socket *rl_tcp_check(lua_State *L)
{
    struct rl_script_socket *s = lua_touserdata(L, 1);

    /* Cheaper than its metatable. Userdata are made in this room only. */
    if (RL_LIKELY(s != NULL && lua_rawlen(L, 1) == sizeof(*s) && s->kind == RL_SOCKET_KIND))
        return s;
    luaL_typeerror(L, 1, "socket (is it called with ':'?)");
    return NULL;
}

/* Fractions are dropped (T-161). */
static uint64_t timeout_argument(lua_State *L)
{
    int type = lua_type(L, 2), is_number;
    lua_Number ms;

    if (type == LUA_TNONE || type == LUA_TNIL)
        return 0;
    luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING, 2, "number");
    ms = lua_tonumberx(L, 2, &is_number);
    if (!is_number || !(ms >= 1))
        return 0;
    return (uint64_t)(ms < 1e12 ? ms : 1e12) * RL_NS_PER_MS;
}

static int socket_set_timeout(lua_State *L)
{
    struct rl_script_socket *s = rl_tcp_check(L);

    rl_socket_set_timeout(&s->socket, timeout_argument(L));
    lua_settop(L, 1);
    return 1;
}

static int socket_destroy(lua_State *L)
{
    struct rl_script_socket *s = rl_tcp_check(L);

    if (!rl_svu_of(L)->cancelling)
        rl_socket_destroy(&s->socket);
    return 0;
}

#ifdef RL_CHECKED
/* T-170 wants a last resort for a descriptor that nobody closed. There is none to be found here: what has a
 * descriptor is anchored, and its iteration's end closes it. A finaliser would make each socket live for a
 * collection more, so it is left to checked builds to see that this holds. */
static int socket_collect(lua_State *L)
{
    struct rl_script_socket *s = rl_tcp_check(L);

    RL_CHECK(s->socket.conn == NULL && s->socket.dial == NULL && s->slot == 0);
    rl_socket_fini(&s->socket);
    return 0;
}
#endif

static int socket_text(lua_State *L)
{
    struct rl_script_socket *s = rl_tcp_check(L);

    lua_pushfstring(L, "Socket: %p", (void *)s);
    return 1;
}

/* --- The constructor --- */

static const struct rl_tagset *socket_tags(lua_State *L)
{
    struct rl_tags *tags = rl_host_of(L)->env->shard->tags;
    const struct rl_tagset *set;
    const char *bad;

    if (lua_getfield(L, 1, "tags") == LUA_TNIL)
        return NULL;
    if (!lua_istable(L, -1))
        luaL_error(L, "bad argument #1 to 'Socket' (tags must be a table, not a %s)",
                   luaL_typename(L, -1));
    set = rl_tag_table(L, -1, tags, rl_tags_empty(tags), &bad);
    if (bad != NULL)
        luaL_error(L,
                   "bad argument #1 to 'Socket' (the value of tag '%s' is no string, number or "
                   "boolean)",
                   bad);
    return set->count == 0 ? NULL : set;
}

static uint32_t socket_read_size(lua_State *L)
{
    lua_Integer size;
    int is_integer;

    if (lua_getfield(L, 1, "read_size") == LUA_TNIL)
        return 0;
    size = lua_tointegerx(L, -1, &is_integer);
    if (!is_integer || size < 1 || size > INT32_MAX)
        luaL_error(L, "bad argument #1 to 'Socket' (read_size must be a number of bytes)");
    return (uint32_t)size;
}

static int socket_new(lua_State *L)
{
    struct rl_script_vu *svu = rl_svu_of(L);
    const struct rl_tagset *tags = NULL;
    struct rl_script_socket *s;
    uint32_t read_size = 0;

    if (svu->initializing)
        return luaL_error(L, "sockets are not available in the init context");
    lua_settop(L, 1);
    if (!lua_isnil(L, 1)) {
        luaL_checktype(L, 1, LUA_TTABLE);
        tags = socket_tags(L);
        read_size = socket_read_size(L);
    }
    s = lua_newuserdatauv(L, sizeof(*s), RL_SOCKET_VALUES);
    *s = (struct rl_script_socket){.kind = RL_SOCKET_KIND};
    rl_list_init(&s->waiters);
    rl_socket_init(&s->socket, svu->vu, tags, read_size);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_setmetatable(L, -2);
    return 1;
}

/* Socket(options) */
static int socket_call(lua_State *L)
{
    lua_remove(L, 1);
    return socket_new(L);
}

/* --- Metatable and module --- */

/* Set name to fn with the metatable, at index, as its first upvalue. [-0, +0, m] */
static void add_constructor(lua_State *L, int meta, const char *name, lua_CFunction fn)
{
    lua_pushvalue(L, meta);
    lua_pushcclosure(L, fn, 1);
    lua_setfield(L, -2, name);
}

static void push_members(lua_State *L)
{
    static const luaL_Reg methods[] = {{"on", rl_tcp_on},
                                       {"connect", rl_tcp_connect},
                                       {"write", rl_tcp_write},
                                       {"start_tls", rl_tcp_start_tls},
                                       {"startTls", rl_tcp_start_tls},
                                       {"wait", rl_tcp_wait},
                                       {"exchange", rl_tcp_exchange},
                                       {"destroy", socket_destroy},
                                       {"set_timeout", socket_set_timeout},
                                       {"setTimeout", socket_set_timeout},
                                       {NULL, NULL}};

    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    rl_tcp_add_properties(L);
}

void rl_tcp_keep_socket_meta(lua_State *L)
{
    static const luaL_Reg events[] = {
        {"__close", socket_destroy}, {"__tostring", socket_text}, {NULL, NULL}};
    int meta;

    lua_newtable(L);
    meta = lua_gettop(L);
    luaL_setfuncs(L, events, 0);
#ifdef RL_CHECKED
    lua_pushcfunction(L, socket_collect);
    lua_setfield(L, meta, "__gc");
#endif
    lua_pushliteral(L, "Socket");
    lua_setfield(L, meta, "__name");
    lua_pushvalue(L, meta);
    push_members(L);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, rl_tcp_newindex, 2);
    lua_setfield(L, meta, "__newindex");
    lua_pushcclosure(L, rl_tcp_index, 2);
    lua_setfield(L, meta, "__index");
    rl_sandbox_hide(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &socket_key);
}

int rl_lib_tcp(lua_State *L)
{
    int meta;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &socket_key);
    meta = lua_gettop(L);
    lua_newtable(L);
    lua_newtable(L);
    add_constructor(L, meta, "new", socket_new);
    rl_sandbox_lock(L, "Socket");
    lua_getmetatable(L, -1);
    add_constructor(L, meta, "__call", socket_call);
    lua_pop(L, 1);
    lua_setfield(L, -2, "Socket");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &error_proxy_key);
    lua_setfield(L, -2, "TCPError");
    rl_sandbox_lock(L, "k6/x/tcp");
    lua_replace(L, meta);
    return 1;
}
