/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tcp - the socket in Lua: a userdata around rl_socket.
 *
 * Its user values: a handler for each event, the script's own fields, and handlers that were
 * replaced while an event that is theirs was under way (T-125). While the engine holds a socket
 * it is anchored in its cell; each first hold begins inside a method, where the socket is
 * argument 1.
 */
#ifndef RL_SCRIPT_TCP_H
#define RL_SCRIPT_TCP_H

#include <lua.h>

#include "script/cell.h"
#include "vu/socket.h"

enum rl_socket_value {
    RL_SOCKET_HANDLER = 1, /* + event */
    RL_SOCKET_FIELDS = RL_SOCKET_HANDLER + RL_EVENT_COUNT,
    RL_SOCKET_REPLACED,
    RL_SOCKET_VALUES = 8 /* one more than there are: for the layout below */
};

enum { RL_SOCKET_KIND = 0x50435452 }; /* of no other userdata of that size */

struct rl_script_socket {
    struct rl_socket socket;
    struct rl_list waiters; /* fibers in s:wait */
    const void *on_data;    /* where the handler lies, to ask the cache for it; else not used */
    uint32_t slot;          /* in SOCKETS, from 1; 0: not anchored */
    uint8_t handlers;       /* 1 << event */
    uint8_t version[RL_EVENT_COUNT];
    uint16_t captured[RL_EVENT_COUNT]; /* tokens that are out */
    uint32_t kind;                     /* RL_SOCKET_KIND */
};

/* Lua keeps its header and the user values before the block, and the heap puts it all on a boundary: a message
 * touches the line with the first user value, the handler of data, and the last two. */
static_assert((RL_UDATA_BYTES(RL_SOCKET_VALUES) + offsetof(struct rl_socket, vu)) % RL_CACHE_LINE == 0 &&
                  (RL_UDATA_BYTES(RL_SOCKET_VALUES) + sizeof(struct rl_script_socket)) % RL_CACHE_LINE == 0,
              "three lines of a socket");

/* The engine's side: functions of rl_program. */
void rl_tcp_event(struct rl_socket *socket, enum rl_event event, const struct rl_event_arg *arg);
void rl_tcp_prefetch(struct rl_socket *socket);
int64_t rl_tcp_capture(struct rl_socket *socket, enum rl_event event);
void rl_tcp_forget(struct rl_socket *socket, int64_t token);
void rl_tcp_retain(struct rl_socket *socket);
void rl_tcp_release(struct rl_socket *socket);

/* The script's side. check: argument 1 of a method. [-0, +0, v] */
struct rl_script_socket *rl_tcp_check(lua_State *L);
int rl_tcp_on(lua_State *L);
int rl_tcp_wait(lua_State *L);
int rl_tcp_connect(lua_State *L);
int rl_tcp_write(lua_State *L);
int rl_tcp_exchange(lua_State *L);
int rl_tcp_index(lua_State *L);
int rl_tcp_newindex(lua_State *L);

/* A TCPError as a table. [-0, +1, m] */
void rl_tcp_push_error(lua_State *L, struct rl_cell *cell, const struct rl_tcp_error *error);

/* End of connect and write: park until woken (RL_PENDING), return nothing (0), or raise error. */
int rl_tcp_finish(lua_State *L, int result, const struct rl_tcp_error *error);

/* An event for a fiber in s:exchange; the end of its time where its write has not ended. */
void rl_tcp_exchange_event(struct rl_fiber *fiber, struct rl_script_socket *s, enum rl_event event,
                           const struct rl_event_arg *arg);
void rl_tcp_exchange_expire(struct rl_fiber *fiber);

/* Push the table of members: methods, and property numbers. [-0, +1, m] */
void rl_tcp_push_members(lua_State *L);
void rl_tcp_add_properties(lua_State *L);

#endif
