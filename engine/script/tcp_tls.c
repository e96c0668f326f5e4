/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "script/tcp_tls.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/status.h"
#include "script/host.h"
#include "script/tcp_calls.h"

/* What is remembered of a cell: more texts than that, and it begins anew; scripts have a handful. */
enum { TEXTS_MAX = 256, COMBINATIONS_MAX = 8, ALPN_MAX = 16 };

enum text { CA, CERT, KEY, PASSWORD, ALPN, TEXTS };

static const char texts_key; /* in the registry: string -> number */

struct combination {
    uint32_t numbers[TEXTS]; /* 0: not given */
    size_t certificate;      /* of the run's, by the host's name; 0 also where there is no choice */
    bool resume;
    uint64_t used;
    struct rl_tls_context *context; /* NULL: free */
};

struct rl_tls_memory {
    uint32_t count; /* of numbered texts */
    uint64_t clock;
    struct combination combinations[COMBINATIONS_MAX];
};

/* One call's options, while they are on the stack. */
struct reading {
    struct rl_tls_options options;
    const char *alpn[ALPN_MAX];
    struct combination key;
};

void rl_refuse_type(lua_State *L, int index, const char *what, struct rl_refusal *refusal)
{
    refusal->status = -EINVAL;
    snprintf(refusal->message, sizeof(refusal->message), "invalid type of %s: %s", what,
             lua_isnone(L, index) ? "nothing" : luaL_typename(L, index));
}

/* --- What a cell remembers. --- */

static void forget(struct rl_tls_memory *memory)
{
    for (int i = 0; i < COMBINATIONS_MAX; i++) {
        if (memory->combinations[i].context != NULL)
            rl_tls_context_release(memory->combinations[i].context);
    }
    *memory = (struct rl_tls_memory){.count = 0};
}

void rl_tls_memory_free(struct rl_tls_memory *memory)
{
    if (memory == NULL)
        return;
    forget(memory);
    free(memory);
}

static struct rl_tls_memory *memory_of(lua_State *L)
{
    struct rl_cell *cell = rl_fiber_of(L)->cell;

    if (cell->tls == NULL) {
        cell->tls = calloc(1, sizeof(*cell->tls));
        RL_CHECK(cell->tls != NULL);
    }
    return cell->tls;
}

/* The number of the string at index. The table keeps it, so that it stays the same. [-0, +0, m] */
static uint32_t number_of(lua_State *L, int index, struct rl_tls_memory *memory)
{
    uint32_t number;

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &texts_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &texts_key);
    }
    lua_pushvalue(L, index);
    if (lua_rawget(L, -2) == LUA_TNUMBER) {
        number = (uint32_t)lua_tointeger(L, -1);
        lua_pop(L, 2);
        return number;
    }
    number = ++memory->count;
    lua_pushvalue(L, index);
    lua_pushinteger(L, number);
    lua_rawset(L, -4);
    lua_pop(L, 2);
    return number;
}

/* Before a call's texts are numbered: numbers are used again only when nothing knows the old ones. */
static void make_room(lua_State *L, struct rl_tls_memory *memory)
{
    if (memory->count + TEXTS <= TEXTS_MAX)
        return;
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &texts_key);
    forget(memory);
}

static struct rl_tls_context *recall(struct rl_tls_memory *memory, const struct combination *key)
{
    for (int i = 0; i < COMBINATIONS_MAX; i++) {
        struct combination *known = &memory->combinations[i];

        if (known->context != NULL && known->resume == key->resume &&
            known->certificate == key->certificate &&
            memcmp(known->numbers, key->numbers, sizeof(key->numbers)) == 0) {
            known->used = ++memory->clock;
            return known->context;
        }
    }
    return NULL;
}

static void remember(struct rl_tls_memory *memory, const struct combination *key,
                     struct rl_tls_context *context)
{
    struct combination *place = &memory->combinations[0];

    for (int i = 1; i < COMBINATIONS_MAX && place->context != NULL; i++) {
        if (memory->combinations[i].used < place->used)
            place = &memory->combinations[i];
    }
    if (place->context != NULL)
        rl_tls_context_release(place->context);
    *place = *key;
    place->used = ++memory->clock;
    place->context = rl_tls_context_hold(context);
}

/* --- Reading. --- */

/* The text called name at index of the stack is left there; NULL: it is nil, or refused. */
static const char *read_text(lua_State *L, int table, const char *name, size_t *size,
                             struct rl_refusal *refusal)
{
    if (lua_getfield(L, table, name) == LUA_TSTRING)
        return lua_tolstring(L, -1, size);
    if (!lua_isnil(L, -1) && refusal->status == 0)
        rl_refuse_type(L, -1, name, refusal);
    return NULL;
}

static struct rl_slice read_pem(lua_State *L, int table, const char *name, uint32_t *number,
                                struct rl_refusal *refusal)
{
    size_t size;
    const char *text = read_text(L, table, name, &size, refusal);

    if (text == NULL)
        return rl_slice_of(NULL, 0);
    if (size == 0 && refusal->status == 0) {
        refusal->status = -EINVAL;
        snprintf(refusal->message, sizeof(refusal->message), "invalid %s: it is empty", name);
    }
    *number = number_of(L, lua_gettop(L), memory_of(L));
    return rl_slice_of(text, size);
}

/* A list of texts, whose names together are one text to be numbered. */
static void read_alpn(lua_State *L, int table, struct reading *reading, struct rl_refusal *refusal)
{
    size_t count = 0;
    int list;

    if (lua_getfield(L, table, "alpn") == LUA_TNIL || refusal->status != 0)
        return;
    list = lua_gettop(L);
    if (!lua_istable(L, list)) {
        rl_refuse_type(L, list, "alpn", refusal);
        return;
    }
    lua_pushliteral(L, "");
    while (lua_rawgeti(L, list, (lua_Integer)count + 1) != LUA_TNIL) {
        if (lua_type(L, -1) != LUA_TSTRING || count == ALPN_MAX) {
            if (count == ALPN_MAX)
                snprintf(refusal->message, sizeof(refusal->message),
                         "invalid alpn: more than %d names", (int)ALPN_MAX);
            else
                rl_refuse_type(L, -1, "a name in alpn", refusal);
            refusal->status = -EINVAL;
            return;
        }
        reading->alpn[count++] = lua_tostring(L, -1); /* the list keeps it */
        lua_pushliteral(L, ",");
        lua_concat(L, 3);
    }
    lua_pop(L, 1);
    reading->key.numbers[ALPN] = number_of(L, lua_gettop(L), memory_of(L));
    reading->options.alpn_given = true;
    reading->options.alpn = (struct rl_tls_texts){reading->alpn, count};
}

static bool is_set(lua_State *L, int table, const char *name, const char *alias)
{
    bool set;

    lua_getfield(L, table, name);
    lua_getfield(L, table, alias);
    set = lua_toboolean(L, -1) || lua_toboolean(L, -2);
    lua_pop(L, 2);
    return set;
}

static void read_options(lua_State *L, int table, struct reading *reading,
                         struct rl_refusal *refusal)
{
    struct rl_tls_options *options = &reading->options;
    uint32_t *numbers = reading->key.numbers;
    size_t size;

    options->servername = read_text(L, table, "servername", &size, refusal);
    if (options->servername != NULL && (size == 0 || strlen(options->servername) != size)) {
        refusal->status = -EINVAL;
        snprintf(refusal->message, sizeof(refusal->message), "invalid servername: \"%s\"",
                 options->servername);
    }
    options->ca = read_pem(L, table, "ca", &numbers[CA], refusal);
    options->cert = read_pem(L, table, "cert", &numbers[CERT], refusal);
    options->key = read_pem(L, table, "key", &numbers[KEY], refusal);
    options->password = read_text(L, table, "password", &size, refusal);
    if (options->password != NULL)
        numbers[PASSWORD] = number_of(L, lua_gettop(L), memory_of(L));
    read_alpn(L, table, reading, refusal);
    reading->key.resume = is_set(L, table, "tls_resume", "tlsResume");
    options->resume = reading->key.resume ? RL_TLS_YES : RL_TLS_AS_RUN;
}

/* The run chooses among its certificates by the host's name, unless the call brings its own. */
static size_t choose_certificate(const struct rl_vu_env *env, const char *host,
                                 const struct rl_tls_options *options)
{
    return env->tls_by_host && options->cert.size == 0
               ? rl_tls_contexts_choose(env->tls_contexts, host)
               : 0;
}

static struct rl_tls_context *find_context(lua_State *L, const char *host, struct reading *reading,
                                           struct rl_refusal *refusal)
{
    struct rl_vu_env *env = rl_host_of(L)->env;
    struct rl_tls_memory *memory = memory_of(L);
    struct rl_tls_context *context;
    char why[RL_REFUSAL_BYTES - 24];

    reading->key.certificate = choose_certificate(env, host, &reading->options);
    context = recall(memory, &reading->key);
    if (RL_LIKELY(context != NULL))
        return context;
    if (rl_tls_options_check(&reading->options, refusal->message, sizeof(refusal->message)) < 0) {
        refusal->status = -EINVAL;
        return NULL;
    }
    if (env->tls_contexts == NULL)
        snprintf(why, sizeof(why), "this run has no TLS");
    else
        context = rl_tls_contexts_get(env->tls_contexts, host, &reading->options, why, sizeof(why));
    if (context == NULL) {
        refusal->status = RL_ETLS;
        snprintf(refusal->message, sizeof(refusal->message), "TLS handshake failed: %s", why);
        return NULL;
    }
    remember(memory, &reading->key, context);
    return context;
}

void rl_tcp_read_tls(lua_State *L, int index, const char *host, struct rl_socket_tls *tls,
                     struct rl_refusal *refusal)
{
    struct reading reading = {.key = {.resume = false}};

    luaL_checkstack(L, 16, NULL);
    make_room(L, memory_of(L));
    read_options(L, index, &reading, refusal);
    if (refusal->status != 0)
        return;
    if (reading.options.servername != NULL)
        host = reading.options.servername;
    tls->servername = reading.options.servername;
    tls->resume = reading.key.resume;
    tls->context = find_context(L, host, &reading, refusal);
}

/* --- s:start_tls(options) --- */

static const char *host_of(const struct rl_socket *socket)
{
    const char *host = socket->overlay == NULL ? NULL : rl_tagset_get(socket->overlay, "host");

    return host == NULL ? "" : host;
}

int rl_tcp_start_tls(lua_State *L)
{
    struct rl_script_socket *s = rl_tcp_check(L);
    struct rl_fiber *fiber = rl_fiber_of(L);
    struct rl_refusal refusal = {0};
    struct rl_socket_tls tls = {0};
    struct rl_tcp_error error;
    uint64_t timeout_ns = 0;
    int result;

    rl_fiber_check_park(L, "start_tls");
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_getfield(L, 2, "timeout");
    rl_tcp_read_timeout(L, 3, &timeout_ns, &refusal);
    if (refusal.status == 0)
        rl_tcp_read_tls(L, 2, host_of(&s->socket), &tls, &refusal);
    if (refusal.status != 0)
        return rl_tcp_refuse(L, s, RL_METHOD_START_TLS, &refusal, NULL);
    fiber->op.waiter.wake = rl_fiber_wake;
    result = rl_socket_start_tls(&s->socket, &tls, timeout_ns, &fiber->op.waiter, &error);
    return rl_tcp_finish(L, result, &error);
}
