/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lane - one io_uring of a ring: its queues, its table of direct descriptors, its receive buffers. Not for other
 * rooms. */
#ifndef RL_RING_LANE_H
#define RL_RING_LANE_H

#include <liburing.h>

#include "ring/ring.h"

/* Younger than liburing 2.9. */
#ifndef IORING_FEAT_NO_IOWAIT
#define IORING_FEAT_NO_IOWAIT (1U << 17)
#endif
#ifndef IORING_ENTER_NO_IOWAIT
#define IORING_ENTER_NO_IOWAIT (1U << 7)
#endif

enum { RL_BUF_GROUP = 0 };

/* Receive buffers lent to the kernel. Three kinds, by feature:
 *   incremental  16 x 64 KiB (16 KiB in a further lane), filled piece by piece: used[] says how far
 *   classic     256 x  4 KiB, one completion each
 *   own         none here: struct rl_own_blocks */
struct rl_bufs {
    struct io_uring_buf_ring *ring;
    uint8_t *base;
    size_t buf_bytes;
    uint32_t *used; /* incremental only */
    unsigned count, to_publish;
    unsigned first_id; /* ids of a ring's buffers are all different */
    bool incremental;
};

/* lane: the index of the lane whose they are. */
int rl_bufs_open(struct rl_bufs *bufs, struct io_uring *uring, int features, unsigned lane);
void rl_bufs_close(struct rl_bufs *bufs, struct io_uring *uring);
void rl_bufs_publish(struct rl_bufs *bufs);

struct rl_lane {
    struct io_uring uring;
    unsigned enter_flags;
    struct rl_bufs bufs;
};

struct rl_lane_config {
    int features;
    unsigned sq_entries, cq_entries;
    uint32_t slot_count;
    uint32_t napi_busy_poll_us;
    unsigned index; /* from 0; further lanes show when they have completions: rl_lane_has_work */
};

/* 0 or -errno, with advice as rl_ring_new gives it. */
int rl_lane_open(struct rl_lane *lane, const struct rl_lane_config *config, const char **advice);
void rl_lane_close(struct rl_lane *lane);

/* An io_uring with the flags that features ask for, and more; 0 or -errno. Used by the probe, too. */
int rl_lane_setup(struct io_uring *uring, unsigned sq_entries, unsigned cq_entries, int features, unsigned more_flags);

/* A free submission, zeroed; needed ones in a row stay in one batch. Never NULL. */
struct io_uring_sqe *rl_lane_sqe(struct rl_lane *lane, unsigned needed);

/* Submit all that was filled, and wait for so many completions as io_uring_enter does with flags and arg. A count, or
 * -errno. */
int rl_lane_enter(struct rl_lane *lane, unsigned wait, unsigned flags, void *arg, size_t arg_bytes);

unsigned rl_lane_reap(struct rl_lane *lane, struct rl_completion *out, unsigned max);

static inline unsigned rl_lane_unsubmitted(const struct rl_lane *lane)
{
    const struct io_uring_sq *sq = &lane->uring.sq;

    return sq->sqe_tail - __atomic_load_n(sq->khead, __ATOMIC_ACQUIRE);
}

static inline bool rl_lane_overflowed(const struct rl_lane *lane)
{
    return (__atomic_load_n(lane->uring.sq.kflags, __ATOMIC_RELAXED) & IORING_SQ_CQ_OVERFLOW) != 0;
}

/* Entering it with GETEVENTS may give completions, or it has some. Of a further lane. */
static inline bool rl_lane_has_work(const struct rl_lane *lane)
{
    const unsigned flags = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;
    const struct io_uring_cq *cq = &lane->uring.cq;

    return (__atomic_load_n(lane->uring.sq.kflags, __ATOMIC_ACQUIRE) & flags) != 0 ||
           *cq->khead != __atomic_load_n(cq->ktail, __ATOMIC_ACQUIRE);
}

/* Before an enter with GETEVENTS and without submissions: that takes in all of which the flag speaks, and sets it
 * again for what is left. The kernel itself may leave it set with nothing behind it, for ever: by an item that came
 * while the others were taken in. */
static inline void rl_lane_forget_work(struct rl_lane *lane)
{
    __atomic_fetch_and(lane->uring.sq.kflags, ~IORING_SQ_TASKRUN, __ATOMIC_SEQ_CST);
}

/* No completion waits in the queue, or behind it. */
static inline bool rl_lane_is_reaped(const struct rl_lane *lane)
{
    const struct io_uring_cq *cq = &lane->uring.cq;

    return !rl_lane_overflowed(lane) && *cq->khead == __atomic_load_n(cq->ktail, __ATOMIC_ACQUIRE);
}

#endif
