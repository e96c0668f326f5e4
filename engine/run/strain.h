/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * strain - what ran short inside the rings without anything being lost: completions, receive buffers.
 *
 * Each worker's when its thread has ended, added up, told once.
 */
#ifndef RL_RUN_STRAIN_H
#define RL_RUN_STRAIN_H

#include <stdint.h>

#include "net/conn.h"

struct rl_strain {
    uint64_t cq_overflows;   /* how often completions did not fit the queue */
    uint64_t out_of_buffers; /* receives that stopped since all buffers were in use */
    uint32_t cq_entries;     /* of the last ring that had one of them */
};

/* The worker's own, before its ring goes. */
void rl_strain_note(struct rl_strain *strain, const struct rl_net *net, const struct rl_ring *ring);
void rl_strain_merge(struct rl_strain *into, const struct rl_strain *from);

/* A line for each kind that there was. */
void rl_strain_tell(const struct rl_strain *strain);

#endif
