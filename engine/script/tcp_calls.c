/* SPDX-License-Identifier: GPL-3.0-or-later */
/* s:connect and s:write (s:start_tls is in tcp_tls.c): arguments to the engine's terms, then wait. */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/status.h"
#include "script/encoding.h"
#include "script/host.h"
#include "script/tag_table.h"
#include "script/tcp_calls.h"

struct target {
    const char *host; /* on the Lua stack */
    int64_t port;
    const struct rl_tagset *tags;
    uint64_t timeout_ns;
    bool has_tls;
    struct rl_socket_tls tls;
};

static int done(lua_State *L, int status, lua_KContext ctx)
{
    struct rl_fiber *fiber = rl_fiber_of(L);
    int result = fiber->status;

    (void)status;
    (void)ctx;
    if (result >= 0)
        return 0;
    if (fiber->error == NULL)
        return luaL_error(L, "%s", rl_status_text(result));
    rl_tcp_push_error(L, fiber->cell, fiber->error);
    return lua_error(L);
}

int rl_tcp_finish(lua_State *L, int result, const struct rl_tcp_error *error)
{
    if (result == RL_PENDING) {
        lua_settop(L, 0);
        return rl_fiber_park(L, RL_PARK_OPERATION, 0, done);
    }
    if (result == 0)
        return 0;
    rl_tcp_push_error(L, rl_fiber_of(L)->cell, error);
    return lua_error(L);
}

int rl_tcp_refuse(lua_State *L, struct rl_script_socket *s, enum rl_method method,
                  const struct rl_refusal *refusal, const struct rl_tagset *tags)
{
    struct rl_fiber *fiber = rl_fiber_of(L);
    struct rl_tcp_error error;
    int result;

    fiber->op.waiter.wake = rl_fiber_wake;
    result = rl_socket_refuse(&s->socket, method, refusal->status, refusal->message, tags,
                              &fiber->op.waiter, &error);
    return rl_tcp_finish(L, result, &error);
}

/* --- connect --- */

static void invalid_port(lua_State *L, int index, struct rl_refusal *refusal)
{
    char buffer[RL_TAG_TEXT_BYTES];
    const char *text = rl_tag_text(L, index, buffer);

    refusal->status = RL_EINVALIDPORT;
    snprintf(refusal->message, RL_REFUSAL_BYTES, "invalid port: %s",
             text == NULL ? luaL_typename(L, index) : text);
}

/* A port at index, a number or a text that is one. */
static void read_port(lua_State *L, int index, int64_t *port, struct rl_refusal *refusal)
{
    int is_integer = 0;

    if (lua_isnumber(L, index))
        *port = lua_tointegerx(L, index, &is_integer);
    if (!is_integer)
        invalid_port(L, index, refusal);
}

/* A host at index; localhost where it is nil. May push. */
static void read_host(lua_State *L, int index, bool empty_is_default, struct target *target,
                      struct rl_refusal *refusal)
{
    size_t size;

    target->host = "localhost";
    if (lua_isnoneornil(L, index))
        return;
    if (RL_LIKELY(lua_type(L, index) == LUA_TSTRING))
        target->host = lua_tolstring(L, index, &size);
    else
        target->host = luaL_tolstring(L, index, &size);
    if (size == 0 && empty_is_default)
        target->host = "localhost";
    if (strlen(target->host) != size && size != 0) {
        refusal->status = RL_ENOTFOUND;
        snprintf(refusal->message, RL_REFUSAL_BYTES, "lookup %s: no such host", target->host);
    }
}

static void read_tags(lua_State *L, int index, struct target *target, struct rl_refusal *refusal)
{
    struct rl_tags *tags = rl_host_of(L)->env->shard->tags;
    const char *bad;

    if (lua_isnil(L, index))
        return;
    if (!lua_istable(L, index)) {
        rl_refuse_type(L, index, "tags", refusal);
        return;
    }
    target->tags = rl_tag_table(L, index, tags, rl_tags_empty(tags), &bad);
    if (bad == NULL)
        return;
    refusal->status = -EINVAL;
    snprintf(refusal->message, RL_REFUSAL_BYTES, "invalid type of the value of tag %s", bad);
}

void rl_tcp_read_timeout(lua_State *L, int index, uint64_t *timeout_ns, struct rl_refusal *refusal)
{
    lua_Number ms;
    int is_number;

    if (lua_isnil(L, index))
        return;
    ms = lua_tonumberx(L, index, &is_number);
    if (!is_number)
        rl_refuse_type(L, index, "timeout", refusal);
    else if (ms > 0 && ms < 1e12)
        *timeout_ns = (uint64_t)(ms * (lua_Number)RL_NS_PER_MS);
}

/* connect{ port = ..., host = ..., tags = ..., timeout = ..., tls = ... and what goes with it } */
static void read_options(lua_State *L, struct target *target, struct rl_refusal *refusal)
{
    enum { PORT = 3, HOST, TAGS, TIMEOUT, TLS };
    static const char *const names[] = {"port", "host", "tags", "timeout", "tls"};

    lua_settop(L, 2);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        lua_getfield(L, 2, names[i]);
    read_port(L, PORT, &target->port, refusal);
    if (refusal->status == 0)
        read_tags(L, TAGS, target, refusal);
    if (refusal->status == 0)
        rl_tcp_read_timeout(L, TIMEOUT, &target->timeout_ns, refusal);
    if (refusal->status == 0)
        read_host(L, HOST, true, target, refusal);
    target->has_tls = refusal->status == 0 && lua_toboolean(L, TLS);
    if (target->has_tls)
        rl_tcp_read_tls(L, 2, target->host, &target->tls, refusal);
}

static void read_target(lua_State *L, struct target *target, struct rl_refusal *refusal)
{
    int is_integer;

    switch (lua_type(L, 2)) {
    case LUA_TTABLE:
        read_options(L, target, refusal);
        return;
    case LUA_TNUMBER:
        target->port = lua_tointegerx(L, 2, &is_integer);
        if (!is_integer)
            rl_refuse_type(L, 2, "port", refusal);
        break;
    case LUA_TSTRING:
        read_port(L, 2, &target->port, refusal);
        break;
    default:
        rl_refuse_type(L, 2, "port", refusal);
        break;
    }
    if (refusal->status == 0)
        read_host(L, 3, false, target, refusal);
}

int rl_tcp_connect(lua_State *L)
{
    struct rl_script_socket *s = rl_tcp_check(L);
    struct rl_fiber *fiber = rl_fiber_of(L);
    struct rl_refusal refusal = {0};
    struct target target = {0};
    struct rl_tcp_error error;
    int result;

    rl_fiber_check_park(L, "connect");
    read_target(L, &target, &refusal);
    if (refusal.status != 0)
        return rl_tcp_refuse(L, s, RL_METHOD_CONNECT, &refusal, NULL);
    fiber->op.waiter.wake = rl_fiber_wake;
    result = rl_socket_connect(&s->socket, target.host, target.port, target.tags, target.timeout_ns,
                               target.has_tls ? &target.tls : NULL, &fiber->op.waiter, &error);
    return rl_tcp_finish(L, result, &error);
}

/* --- write --- */

typedef ssize_t decode_fn(const char *text, size_t size, uint8_t *out);

/* Put the decoded bytes, in a block on the stack, in place of data. */
static void decode(lua_State *L, decode_fn *fn, const char *name, struct rl_slice *data,
                   struct rl_refusal *refusal)
{
    uint8_t *out = lua_newuserdatauv(L, data->size + 1, 0);
    ssize_t size = fn((const char *)data->data, data->size, out);

    if (size < 0) {
        refusal->status = -EINVAL;
        snprintf(refusal->message, RL_REFUSAL_BYTES, "the data is not valid %s", name);
        return;
    }
    *data = rl_slice_of(out, (size_t)size);
}

static void apply_encoding(lua_State *L, int index, struct rl_slice *data, struct rl_refusal *refusal)
{
    static const struct {
        const char *name;
        decode_fn *fn;
    } encodings[] = {{"utf8", NULL},
                     {"utf-8", NULL},
                     {"ascii", NULL},
                     {"", NULL},
                     {"hex", rl_decode_hex},
                     {"base64", rl_decode_base64},
                     {"base64url", rl_decode_base64url}};
    const char *name;

    if (lua_isnil(L, index))
        return;
    name = luaL_tolstring(L, index, NULL);
    for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
        if (strcasecmp(name, encodings[i].name) != 0)
            continue;
        if (encodings[i].fn != NULL)
            decode(L, encodings[i].fn, encodings[i].name, data, refusal);
        return;
    }
    refusal->status = -EINVAL;
    snprintf(refusal->message, RL_REFUSAL_BYTES, "unsupported encoding: %s", name);
}

/* Its options table at 3: misuse is an argument error (T-100). */
static const struct rl_tagset *read_write_options(lua_State *L, struct rl_slice *data,
                                                  uint64_t *timeout_ns, struct rl_refusal *refusal)
{
    struct rl_tags *tags = rl_host_of(L)->env->shard->tags;
    const struct rl_tagset *set = NULL;
    const char *bad = NULL;

    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    lua_getfield(L, 3, "tags");
    lua_getfield(L, 3, "encoding");
    lua_getfield(L, 3, "timeout");
    if (!lua_isnil(L, 4)) {
        if (!lua_istable(L, 4))
            luaL_error(L, "bad argument #2 to 'write' (tags must be a table, not a %s)",
                       luaL_typename(L, 4));
        set = rl_tag_table(L, 4, tags, rl_tags_empty(tags), &bad);
        if (bad != NULL)
            luaL_error(L,
                       "bad argument #2 to 'write' (the value of tag '%s' is no string, number or "
                       "boolean)",
                       bad);
    }
    if (refusal->status == 0)
        rl_tcp_read_timeout(L, 6, timeout_ns, refusal);
    if (refusal->status == 0)
        apply_encoding(L, 5, data, refusal);
    return set;
}

int rl_tcp_write(lua_State *L)
{
    struct rl_script_socket *s = rl_tcp_check(L);
    struct rl_fiber *fiber = rl_fiber_of(L);
    const struct rl_tagset *tags = NULL;
    struct rl_refusal refusal;
    struct rl_slice data = {0};
    struct rl_tcp_error error;
    uint64_t timeout_ns = 0;
    int result;

    rl_fiber_check_park(L, "write");
    refusal.status = 0;
    if (RL_LIKELY(lua_type(L, 2) == LUA_TSTRING))
        data.data = (const uint8_t *)lua_tolstring(L, 2, &data.size);
    else
        rl_refuse_type(L, 2, "data", &refusal);
    if (RL_UNLIKELY(!lua_isnoneornil(L, 3)))
        tags = read_write_options(L, &data, &timeout_ns, &refusal);
    if (RL_UNLIKELY(refusal.status != 0))
        return rl_tcp_refuse(L, s, RL_METHOD_WRITE, &refusal, tags);
    fiber->op.write.waiter.wake = rl_fiber_wake;
    fiber->op.write.tags = tags;
    result = rl_socket_write(&s->socket, data, &fiber->op.write, &error);
    if (RL_UNLIKELY(timeout_ns != 0 && result == RL_PENDING))
        rl_loop_timer(s->socket.vu->env->loop, &fiber->timer, rl_clock_ns() + timeout_ns);
    return rl_tcp_finish(L, result, &error);
}
