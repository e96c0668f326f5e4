/* SPDX-License-Identifier: GPL-3.0-or-later */
/* s.name: methods, properties in both spellings (section 2), the script's own fields (T-017). */
#include <lauxlib.h>

#include "base/assert.h"
#include "net/addr.h"
#include "script/host.h"
#include "script/tcp_tls.h"

enum property {
    READY_STATE,
    CONNECTED,
    LOCAL_IP,
    LOCAL_PORT,
    REMOTE_IP,
    REMOTE_PORT,
    BYTES_WRITTEN,
    BYTES_READ,
    TLS_VERSION,
    TLS_CIPHER,
    TLS_ALPN,
    TLS_RESUMED,
    TLS_PEER_SUBJECT,
};

static const struct {
    const char *name;
    enum property property;
} names[] = {
    {"ready_state", READY_STATE},    {"readyState", READY_STATE}, {"connected", CONNECTED},
    {"local_ip", LOCAL_IP},          {"localIp", LOCAL_IP},       {"local_port", LOCAL_PORT},
    {"localPort", LOCAL_PORT},       {"remote_ip", REMOTE_IP},    {"remoteIp", REMOTE_IP},
    {"remote_port", REMOTE_PORT},    {"remotePort", REMOTE_PORT}, {"bytes_written", BYTES_WRITTEN},
    {"bytesWritten", BYTES_WRITTEN}, {"bytes_read", BYTES_READ},  {"bytesRead", BYTES_READ},
    {"tls_version", TLS_VERSION},    {"tlsVersion", TLS_VERSION},  {"tls_cipher", TLS_CIPHER},
    {"tlsCipher", TLS_CIPHER},       {"tls_alpn", TLS_ALPN},       {"tlsAlpn", TLS_ALPN},
    {"tls_resumed", TLS_RESUMED},    {"tlsResumed", TLS_RESUMED},  {"tls_peer_subject", TLS_PEER_SUBJECT},
    {"tlsPeerSubject", TLS_PEER_SUBJECT},
};

void rl_tcp_add_properties(lua_State *L)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        lua_pushinteger(L, names[i].property);
        lua_setfield(L, -2, names[i].name);
    }
}

static void push_state(lua_State *L, const struct rl_socket *socket)
{
    static const char *const states[] = {"disconnected", "opening", "open", "destroyed"};

    lua_pushstring(L, states[socket->state]);
}

static void push_ip(lua_State *L, const struct rl_addr *addr)
{
    char text[RL_ADDR_TEXT];

    if (addr == NULL) {
        lua_pushnil(L);
        return;
    }
    rl_addr_format_ip(addr, text);
    lua_pushstring(L, text);
}

static void push_port(lua_State *L, const struct rl_addr *addr)
{
    if (addr == NULL)
        lua_pushnil(L);
    else
        lua_pushinteger(L, addr->port);
}

/* nil without TLS, and before the handshake and after the end. */
static void push_tls(lua_State *L, const struct rl_socket *socket, enum property property)
{
    struct rl_tls_info info;

    if (!rl_socket_tls_info(socket, &info))
        lua_pushnil(L);
    else if (property == TLS_RESUMED)
        lua_pushboolean(L, info.resumed);
    else
        lua_pushstring(L, property == TLS_VERSION  ? rl_tls_option_name(info.version)
                          : property == TLS_CIPHER ? info.cipher
                          : property == TLS_ALPN   ? info.alpn
                                                   : info.peer_subject);
}

static void push_property(lua_State *L, struct rl_socket *socket, enum property property)
{
    switch (property) {
    case READY_STATE:
        push_state(L, socket);
        break;
    case CONNECTED:
        lua_pushboolean(L, socket->state == RL_SOCKET_OPEN);
        break;
    case LOCAL_IP:
        push_ip(L, rl_socket_local(socket));
        break;
    case LOCAL_PORT:
        push_port(L, rl_socket_local(socket));
        break;
    case REMOTE_IP:
        push_ip(L, rl_socket_remote(socket));
        break;
    case REMOTE_PORT:
        push_port(L, rl_socket_remote(socket));
        break;
    case BYTES_WRITTEN:
        lua_pushinteger(L, (lua_Integer)socket->bytes_written);
        break;
    case BYTES_READ:
        lua_pushinteger(L, (lua_Integer)socket->bytes_read);
        break;
    case TLS_VERSION:
    case TLS_CIPHER:
    case TLS_ALPN:
    case TLS_RESUMED:
    case TLS_PEER_SUBJECT:
        push_tls(L, socket, property);
        break;
    }
}

/* (socket, key); upvalues: metatable, members. One look-up for methods, which are most. */
int rl_tcp_index(lua_State *L)
{
    int type;

    lua_pushvalue(L, 2);
    type = lua_rawget(L, lua_upvalueindex(2));
    if (RL_LIKELY(type == LUA_TFUNCTION))
        return 1;
    if (type == LUA_TNUMBER) {
        enum property property = (enum property)lua_tointeger(L, -1);

        push_property(L, &rl_tcp_check(L)->socket, property);
        return 1;
    }
    rl_tcp_check(L);
    if (lua_getiuservalue(L, 1, RL_SOCKET_FIELDS) != LUA_TTABLE)
        return 0;
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
    return 1;
}

/* (socket, key, value); upvalues: metatable, members */
int rl_tcp_newindex(lua_State *L)
{
    rl_tcp_check(L);
    lua_settop(L, 3);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL)
        return luaL_error(L, "'%s' of a socket is read-only", lua_tostring(L, 2));
    luaL_argcheck(L, !lua_isnil(L, 2), 2, "the name of a field is nil");
    if (lua_getiuservalue(L, 1, RL_SOCKET_FIELDS) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, RL_SOCKET_FIELDS);
    }
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_rawset(L, -3);
    return 0;
}
