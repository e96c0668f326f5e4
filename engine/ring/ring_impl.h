/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ring_impl - what the files of this room share. Not for others. */
#ifndef RL_RING_RING_IMPL_H
#define RL_RING_RING_IMPL_H

#include "ring/lane.h"

/* Memory for receives where there are no buffer rings: a block for each that is armed, by the index in its
 * user_data. */
struct rl_own_blocks {
    struct rl_own_block {
        uint8_t *data;
        bool armed; /* the kernel may write to it */
    } *items;
    uint32_t count;
};

void rl_own_blocks_free(struct rl_own_blocks *own);

struct rl_ring {
    int features;
    unsigned wait_count; /* completions that a wait waits for */
    uint32_t batch_wait_us;
    const struct rl_ring_option *options;
    unsigned option_count;
    bool accepts;
    uint64_t overflows;
    struct rl_own_blocks own;
    struct rl_lane first;
};

/* Where file is. */
static inline struct rl_lane *rl_ring_lane(struct rl_ring *ring, int file)
{
    (void)file;
    return &ring->first;
}

/* Mark sqe as working on a direct descriptor, where the ring uses them. */
static inline void rl_ring_target(const struct rl_ring *ring, struct io_uring_sqe *sqe)
{
    if ((ring->features & RL_F_DIRECT) != 0)
        sqe->flags |= IOSQE_FIXED_FILE;
}

#endif
