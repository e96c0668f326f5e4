/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fake_ring - ring/ring.h over a simulated kernel: what its files share, and what a run sets.
 *
 *      rl_ring_...  --> sq --submit--> run at once, or an operation that waits
 *      rl_ring_reap <-- cq <--post---- operations that have become ready, in any order
 *
 * Queues, buffers and features are drawn from the seed, and so is what goes wrong: see struct faults.
 * It checks what engine/ring/ring.h asks of its callers, and calls on_enter and on_sleep, where the rest of
 * the simulation checks what must hold then.
 */
#ifndef RL_SIM_FAKE_RING_H
#define RL_SIM_FAKE_RING_H

#include "base/list.h"
#include "ksock.h"
#include "ring/ring.h"

enum { F_BUFFER = 1, F_MORE = 2, F_BUF_MORE = 16, F_BUFFER_SHIFT = 16 };

/* How often, of 1000. */
struct faults {
    unsigned short_submit;  /* the kernel takes a part of the queue */
    unsigned late;          /* a ready operation completes in a later turn */
    unsigned end_multishot; /* a receive ends without F_MORE though bytes came */
    unsigned short_send;    /* a tracked send gives less than all */
    unsigned early_return;  /* a wait ends with nothing */
    unsigned open_step;     /* a socket cannot be made, or an option not be set */
    unsigned short_read;    /* a completion brings less than there is */
};

enum sqe_type {
    SQE_SOCKET, SQE_OPTION, SQE_BIND, SQE_CONNECT, SQE_RECV, SQE_SEND, SQE_CANCEL, SQE_CLOSE, SQE_ABORT
};

struct sqe {
    enum sqe_type type;
    enum rl_send_mode mode;
    int file;
    uint64_t user_data; /* SQE_CANCEL: the target's */
    struct rl_open open;
    struct rl_slice data;
};

/* An operation that waits. */
struct op {
    struct rl_list link;
    struct ksock *sock;
    enum sqe_type type;
    uint64_t user_data, due_ns; /* due_ns: of a connect */
    struct rl_slice data;
    size_t done;
    int res; /* of a connect */
    bool cancelled;
    bool has_data, deaf; /* of a receive: whether it had some; whether it missed a reset that came with it */
};

struct cqe {
    struct rl_completion c;
    uint32_t peer, told; /* bytes of a tracked send */
};

struct cqe_queue {
    struct cqe *items;
    unsigned count, capacity;
};

struct fake_bufs {
    bool incremental;
    uint8_t *base;
    size_t count, buf_bytes; /* count 0: own blocks */
    size_t *filled, *viewed; /* of each: by the kernel, by the engine */
    unsigned *lent, lent_count, published_count; /* a queue of ids; the first ones are the kernel's */
    struct own_block {
        uint8_t *data;
        bool armed; /* the kernel may write to it */
    } *own;
    uint32_t own_count;
    struct rl_completion *expected; /* reaped, not yet viewed */
    unsigned expected_count, expected_capacity, viewed_count; /* not yet returned */
};

struct rl_ring {
    int features;
    struct faults faults;
    struct sqe *sq;
    unsigned sq_count, sq_entries, cq_entries;
    struct cqe_queue cq, overflow;
    uint64_t overflows;
    struct rl_list ops;
    struct ksock **files;
    uint32_t file_count, slot_count, more_slots;
    struct fake_bufs bufs;
    void (*on_enter)(void);           /* before anything is submitted */
    void (*on_sleep)(void);           /* before it waits: nothing is ready */
};

extern struct rl_ring *fake_ring; /* there is one */

/* Nothing is in flight any more; otherwise what is. */
void fake_ring_check_idle(const struct rl_ring *ring);

/* Is an operation of this type on this socket in the queue or in the kernel? */
bool fake_ring_has(const struct rl_ring *ring, const struct ksock *sock, enum sqe_type type);
struct ksock *fake_ring_sock(const struct rl_ring *ring, int file);

/* --- Between its files. --- */

void post(struct rl_ring *ring, uint64_t user_data, int64_t res, uint32_t flags);
void post_sent(struct rl_ring *ring, uint64_t user_data, int64_t res, const struct ksock *sock);
bool cq_is_full(const struct rl_ring *ring);
void sq_push(struct rl_ring *ring, const struct sqe *sqe, unsigned needed);

/* kernel_submit.c: run one submission. kernel.c: complete what is ready (all: none is late); when anything
 * happens next; let the peers act. */
void kernel_run(struct rl_ring *ring, const struct sqe *sqe);
void kernel_complete(struct rl_ring *ring, bool all);
uint64_t kernel_next_ns(const struct rl_ring *ring);
void kernel_act(void);
struct op *kernel_op(struct rl_ring *ring, const struct sqe *sqe, struct ksock *sock);
bool kernel_ready(const struct op *op);
void kernel_run_op(struct rl_ring *ring, struct op *op);
uint32_t kernel_index(const struct rl_ring *ring, int file);

void bufs_open(struct fake_bufs *bufs, int features);
void bufs_close(struct fake_bufs *bufs);
void bufs_publish(struct fake_bufs *bufs);
void bufs_arm(struct fake_bufs *bufs, uint32_t index);
void bufs_expect(struct fake_bufs *bufs, const struct rl_completion *c);

bool bufs_out(const struct fake_bufs *bufs); /* none is left for the kernel */

/* Room for a receive of up to want bytes; NULL: none. bufs_fill then says how much came: the
 * completion's flags. */
uint8_t *bufs_room(struct fake_bufs *bufs, uint32_t index, size_t *room);
uint32_t bufs_fill(struct fake_bufs *bufs, size_t size);

#endif
