/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * op - the return address of a completion.
 *
 *      user_data = kind (8 bits) | generation (24) | index (32)
 *
 * The low 56 bits are a pool handle: a completion whose object has gone finds nothing.
 */
#ifndef RL_RING_OP_H
#define RL_RING_OP_H

#include <stdint.h>

enum rl_op_kind {
    RL_OP_IGNORE, /* nobody waits: cancels, closes */
    RL_OP_OPEN,   /* a step before connecting; heard of only if it fails */
    RL_OP_CONNECT,
    RL_OP_RECV,
    RL_OP_SEND,
    RL_OP_ASK, /* whether a connection still is one; heard of only if it is not */
    RL_OP_ACCEPT,
    RL_OP_WAKE,
    RL_OP_KINDS
};

enum { RL_OP_SHIFT = 56 };
#define RL_OP_HANDLE_MASK ((UINT64_C(1) << RL_OP_SHIFT) - 1)

static inline uint64_t rl_op(enum rl_op_kind kind, uint64_t handle)
{
    return (uint64_t)kind << RL_OP_SHIFT | handle;
}

static inline enum rl_op_kind rl_op_kind(uint64_t user_data)
{
    return (enum rl_op_kind)(user_data >> RL_OP_SHIFT);
}

static inline uint64_t rl_op_handle(uint64_t user_data)
{
    return user_data & RL_OP_HANDLE_MASK;
}

#endif
