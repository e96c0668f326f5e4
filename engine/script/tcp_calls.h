/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tcp_calls - what the calls of a socket that wait have in common. Not for other rooms. */
#ifndef RL_SCRIPT_TCP_CALLS_H
#define RL_SCRIPT_TCP_CALLS_H

#include "script/tcp_tls.h"

/* End of a call that never reaches the network: counted, told, raised. */
int rl_tcp_refuse(lua_State *L, struct rl_script_socket *s, enum rl_method method,
                  const struct rl_refusal *refusal, const struct rl_tagset *tags);

/* Milliseconds at index; nil and what is no time at all leave *timeout_ns. */
void rl_tcp_read_timeout(lua_State *L, int index, uint64_t *timeout_ns,
                         struct rl_refusal *refusal);

#endif
