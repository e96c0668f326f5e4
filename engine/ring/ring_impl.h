/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ring_impl - what the files of this room share. Not for others. */
#ifndef RL_RING_RING_IMPL_H
#define RL_RING_RING_IMPL_H

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

/* The memory of one receive at a time; armed while the kernel may write to it. */
struct rl_own_block {
    uint8_t *data;
    bool armed;
};

/* Receive buffers lent to the kernel. Three kinds, by feature:
 *   incremental  16 x 64 KiB, filled piece by piece: used[] says how far
 *   classic     256 x  4 KiB, one completion each
 *   own         no ring: one block for each armed receive, by the index in its user_data */
struct rl_bufs {
    struct io_uring_buf_ring *ring;
    uint8_t *base;
    size_t buf_bytes;
    uint32_t *used; /* incremental only */
    unsigned count, to_publish;
    bool incremental;
    struct rl_own_block *own;
    uint32_t own_count;
};

struct rl_ring {
    struct io_uring uring;
    int features;
    unsigned enter_flags, wait_count; /* completions that a wait waits for */
    uint32_t batch_wait_us;
    const struct rl_ring_option *options;
    unsigned option_count;
    bool accepts;
    uint64_t overflows;
    struct rl_bufs bufs;
};

int rl_bufs_open(struct rl_bufs *bufs, struct io_uring *uring, int features);
void rl_bufs_close(struct rl_bufs *bufs, struct io_uring *uring);
void rl_bufs_publish(struct rl_bufs *bufs);

/* A free submission, zeroed; needed ones in a row stay in one batch. Never NULL. */
struct io_uring_sqe *rl_ring_sqe(struct rl_ring *ring, unsigned needed);

/* Mark sqe as working on a direct descriptor, where the ring uses them. */
static inline void rl_ring_target(const struct rl_ring *ring, struct io_uring_sqe *sqe)
{
    if ((ring->features & RL_F_DIRECT) != 0)
        sqe->flags |= IOSQE_FIXED_FILE;
}

/* Set up flags by features; 0 or -errno. Used by the probe, too. */
int rl_ring_setup(struct io_uring *uring, unsigned sq_entries, unsigned cq_entries, int features);

#endif
