/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net_impl - what conn.c and net.c share. Not for other rooms. */
#ifndef RL_NET_NET_IMPL_H
#define RL_NET_NET_IMPL_H

#include "net/conn.h"

/* Completions of a connection. */
void rl_conn_on_connect(struct rl_conn *conn, int32_t res);
void rl_conn_on_recv(struct rl_conn *conn, const struct rl_completion *c, struct rl_slice view);
void rl_conn_on_send(struct rl_conn *conn, int32_t res);
void rl_conn_on_missed_reset(struct rl_conn *conn);

/* The piece was submitted and the kernel's answer is known (silence is success): tell the owner,
 * queue what was not taken. */
void rl_conn_settle(struct rl_conn *conn);

/* The receive ended with res. True: the connection has ended, with end_res. False: that turns out when a
 * send has answered. */
bool rl_conn_heard_end(struct rl_conn *conn, int32_t res);

/* Tell the owner: now, or later in this turn where owners may not act yet. */
void rl_conn_end(struct rl_conn *conn);
void rl_conn_end_soon(struct rl_conn *conn);

/* Slots of a further table; false: there is none to be had. */
bool rl_net_more_slots(struct rl_net *net);

/* One operation less in flight; a closing connection goes with its last one. */
void rl_conn_operation_ended(struct rl_conn *conn);
void rl_conn_free_if_over(struct rl_conn *conn);

static inline uint64_t rl_conn_op(const struct rl_conn *conn, enum rl_op_kind kind)
{
    return rl_op(kind, rl_pool_handle(conn));
}

static inline struct rl_slice rl_piece_bytes(const struct rl_piece *piece)
{
    return piece == NULL ? rl_slice_of(NULL, 0) : rl_slice_of(piece->data, piece->bytes);
}

static inline struct rl_arena *rl_net_arena(struct rl_net *net)
{
    return &net->arenas[net->arena_index];
}

/* Memory for what is submitted at the end of this turn: good until the kernel has read it. */
static inline void *rl_net_alloc(struct rl_net *net, size_t size)
{
    net->arena_used = true;
    return rl_arena_alloc(rl_net_arena(net), size);
}

#endif
