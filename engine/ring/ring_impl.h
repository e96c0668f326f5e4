/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ring_impl - what the files of this room share. Not for others. */
#ifndef RL_RING_RING_IMPL_H
#define RL_RING_RING_IMPL_H

#include <errno.h>

#include "base/assert.h"
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

/* Sockets that do not fit one table of direct descriptors are in further lanes:
 *
 *      file = lane (from bit 24 on) | slot
 *
 * Only the first lane is waited on. The others tell of completions through an eventfd that it polls, while it sleeps;
 * otherwise their flags are looked at. */
struct rl_ring {
    int features;
    unsigned wait_count; /* completions that a wait waits for */
    uint32_t batch_wait_us;
    const struct rl_ring_option *options;
    unsigned option_count;
    bool accepts;
    uint32_t slot_count; /* of the first lane */
    uint64_t overflows;
    struct rl_own_blocks own;
    struct rl_lane first;
    struct rl_lane *lanes[RL_RING_TABLES]; /* the first, and those that are added */
    unsigned lane_count, buf_shift;
    unsigned turn;                         /* which of them comes first is another one each time */
    struct rl_lane_config further;         /* what they are made with */
    int wake_fd;                           /* -1 while there is one lane */
    bool wake_armed;
};

enum { RL_LANE_SHIFT = 24 };

/* Where file is, and its number there. */
static inline struct rl_lane *rl_ring_lane(struct rl_ring *ring, int file)
{
    unsigned index = (unsigned)file >> RL_LANE_SHIFT;

    return RL_LIKELY(index == 0) ? &ring->first : ring->lanes[index];
}

static inline int rl_ring_slot(int file)
{
    return file & ((1 << RL_LANE_SHIFT) - 1);
}

/* A receive buffer's id says whose it is. */
static inline struct rl_lane *rl_ring_lane_of_buf(struct rl_ring *ring, unsigned id)
{
    return RL_LIKELY(id < ring->first.bufs.count) ? &ring->first : ring->lanes[id >> ring->buf_shift];
}

/* rl_ring_enter of a ring with several lanes. */
int rl_lanes_enter(struct rl_ring *ring, uint64_t timeout_ns);
unsigned rl_lanes_reap(struct rl_ring *ring, struct rl_completion *out, unsigned max);
void rl_lanes_close(struct rl_ring *ring);

/* Enter lane, with GETEVENTS, and wait until a completion or until timeout_ns (0: do not wait). 0, or a negative errno that is not one of
 * the normal ones. */
int rl_ring_enter_lane(struct rl_ring *ring, struct rl_lane *lane, uint64_t timeout_ns);

static inline bool rl_ring_is_normal(int rc)
{
    return rc >= 0 || rc == -EINTR || rc == -ETIME || rc == -EAGAIN || rc == -EBUSY;
}

/* Of one lane: completions that were posted while it was full are taken in. */
unsigned rl_ring_reap_lane(struct rl_ring *ring, struct rl_lane *lane, struct rl_completion *out, unsigned max);

/* Mark sqe as working on a direct descriptor, where the ring uses them. */
static inline void rl_ring_target(const struct rl_ring *ring, struct io_uring_sqe *sqe)
{
    if ((ring->features & RL_F_DIRECT) != 0)
        sqe->flags |= IOSQE_FIXED_FILE;
}

#endif
