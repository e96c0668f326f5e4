/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tcp_tls - the TLS options of connect and start_tls, and s:start_tls itself.
 *
 * Contexts are found by which texts a call has, not by what is in them: a cell numbers the strings that it
 * has seen (a look-up of Lua's, which hashes a string object once) and remembers the last few combinations.
 */
#ifndef RL_SCRIPT_TCP_TLS_H
#define RL_SCRIPT_TCP_TLS_H

#include "script/tcp.h"
#include "vu/socket_tls.h"

enum { RL_REFUSAL_BYTES = 160 };

/* Why a call never reaches the network; status 0: it does. */
struct rl_refusal {
    int status;
    char message[RL_REFUSAL_BYTES];
};

/* "invalid type of alpn: number" */
void rl_refuse_type(lua_State *L, int index, const char *what, struct rl_refusal *refusal);

/* The table at index says it: tls is filled in, with a context that is borrowed until the next call and
 * texts on the stack, which grows. host: whose certificate is chosen. [-0, +n, m] */
void rl_tcp_read_tls(lua_State *L, int index, const char *host, struct rl_socket_tls *tls,
                     struct rl_refusal *refusal);

int rl_tcp_start_tls(lua_State *L);

struct rl_tls_memory;
void rl_tls_memory_free(struct rl_tls_memory *memory);

#endif
