/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Set up, submit and wait, reap. Enter is written out, because liburing 2.9 cannot ask for
 * NO_IOWAIT: without it an idle worker shows as 100 % iowait from 6.1.39 on. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "ring/ring_impl.h"

enum {
    SQ_ENTRIES = 1024,
    CQ_ENTRIES = 8192,
    MIN_SQ_ENTRIES = 256,
    SUBMIT_TRIES = 100,
    BATCH_WAIT_COUNT = 256
};


static_assert(sizeof(struct rl_completion) == sizeof(struct io_uring_cqe), "copied as it is");

int rl_ring_setup(struct io_uring *uring, unsigned sq_entries, unsigned cq_entries, int features)
{
    struct io_uring_params params = {0};

    params.flags = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    params.cq_entries = cq_entries;
    if ((features & RL_F_DEFER) != 0)
        params.flags |= IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    else
        params.flags |= IORING_SETUP_COOP_TASKRUN;
    if ((features & RL_F_NO_SQARRAY) != 0)
        params.flags |= IORING_SETUP_NO_SQARRAY;
    return io_uring_queue_init_params(sq_entries, uring, &params);
}

/* Busy polling of the network cards' queues on which sockets of this ring arrive. */
static int register_napi(struct rl_ring *ring, uint32_t busy_poll_us)
{
    struct io_uring_napi napi = {.busy_poll_to = busy_poll_us, .prefer_busy_poll = 1};

    return busy_poll_us == 0 ? 0 : io_uring_register_napi(&ring->uring, &napi);
}

static void set_options(struct rl_ring *ring, const struct rl_ring_config *config)
{
    ring->options = config->options;
    ring->option_count = config->option_count;
    if (config->options == NULL)
        ring->options = rl_ring_default_options(&ring->option_count);
    RL_CHECK(ring->option_count <= RL_RING_OPTIONS);
    ring->batch_wait_us = config->batch_wait_us;
    ring->wait_count = config->batch_wait_us != 0 ? BATCH_WAIT_COUNT : 1;
}

/* From 6.14 rings count against RLIMIT_MEMLOCK: try smaller ones before giving up. */
static int set_up_within_limits(struct rl_ring *ring, unsigned sq, unsigned cq, const char **advice)
{
    int rc;

    while ((rc = rl_ring_setup(&ring->uring, sq, cq, ring->features)) == -ENOMEM &&
           sq > MIN_SQ_ENTRIES) {
        sq /= 2;
        cq /= 2;
        *advice = "locked memory is short, so the ring is smaller than it should be: raise it with 'ulimit -l "
                  "unlimited'";
    }
    if (rc < 0)
        *advice = rc == -ENOMEM ? "locked memory is short: raise it with 'ulimit -l unlimited'" : "";
    return rc;
}

int rl_ring_new(struct rl_ring **out, const struct rl_ring_config *config, const char **advice)
{
    unsigned sq = config->sq_entries != 0 ? config->sq_entries : SQ_ENTRIES;
    unsigned cq = config->cq_entries != 0 ? config->cq_entries : CQ_ENTRIES;
    struct rl_ring *ring = calloc(1, sizeof(*ring));
    int rc;

    *advice = "";
    if (ring == NULL)
        return -ENOMEM;
    ring->features = config->features;
    ring->accepts = config->accepts;
    set_options(ring, config);
    rc = set_up_within_limits(ring, sq < cq ? sq : cq, cq, advice);
    if (rc < 0)
        goto free_ring;
    if ((ring->features & RL_F_REG_FD) != 0 && io_uring_register_ring_fd(&ring->uring) == 1)
        ring->enter_flags |= IORING_ENTER_REGISTERED_RING;
    if ((ring->features & RL_F_NO_IOWAIT) != 0)
        ring->enter_flags |= IORING_ENTER_NO_IOWAIT;
    if ((ring->features & RL_F_DIRECT) != 0) {
        rc = io_uring_register_files_sparse(&ring->uring, config->slot_count);
        if (rc < 0) {
            *advice = "a ring's table of sockets is limited by 'ulimit -n': raise it or use more --workers";
            goto exit_ring;
        }
    }
    rc = register_napi(ring, config->napi_busy_poll_us);
    if (rc < 0) {
        *advice = "this kernel has no NAPI busy poll for io_uring: leave --napi-busy-poll away";
        goto exit_ring;
    }
    rc = rl_bufs_open(&ring->bufs, &ring->uring, ring->features);
    if (rc < 0)
        goto exit_ring;
    *out = ring;
    return 0;

exit_ring:
    io_uring_queue_exit(&ring->uring);
free_ring:
    free(ring);
    return rc;
}

void rl_ring_free(struct rl_ring *ring)
{
    if (ring == NULL)
        return;
    rl_bufs_close(&ring->bufs, &ring->uring);
    io_uring_queue_exit(&ring->uring);
    free(ring);
}

int rl_ring_features(const struct rl_ring *ring)
{
    return ring->features;
}

static bool overflowed(const struct rl_ring *ring)
{
    return (__atomic_load_n(ring->uring.sq.kflags, __ATOMIC_RELAXED) & IORING_SQ_CQ_OVERFLOW) != 0;
}

unsigned rl_ring_unsubmitted(const struct rl_ring *ring)
{
    const struct io_uring_sq *sq = &ring->uring.sq;

    return sq->sqe_tail - __atomic_load_n(sq->khead, __ATOMIC_ACQUIRE);
}

bool rl_ring_settled(const struct rl_ring *ring)
{
    const struct io_uring_cq *cq = &ring->uring.cq;

    return rl_ring_unsubmitted(ring) == 0 && !overflowed(ring) &&
           *cq->khead == __atomic_load_n(cq->ktail, __ATOMIC_ACQUIRE);
}

unsigned rl_ring_capacity(const struct rl_ring *ring)
{
    return ring->uring.cq.ring_entries;
}

uint64_t rl_ring_overflows(const struct rl_ring *ring)
{
    return ring->overflows;
}

/* Make the filled submissions visible to the kernel; how many wait. */
static unsigned flush_sq(struct rl_ring *ring)
{
    struct io_uring_sq *sq = &ring->uring.sq;

    if (sq->sqe_head != sq->sqe_tail) {
        sq->sqe_head = sq->sqe_tail;
        __atomic_store_n(sq->ktail, sq->sqe_tail, __ATOMIC_RELEASE);
    }
    return rl_ring_unsubmitted(ring);
}

static int enter(struct rl_ring *ring, unsigned submit, unsigned wait, unsigned flags, void *arg,
                 size_t arg_bytes)
{
    return io_uring_enter2((unsigned)ring->uring.enter_ring_fd, submit, wait,
                           flags | ring->enter_flags, arg, arg_bytes);
}

struct io_uring_sqe *rl_ring_sqe(struct rl_ring *ring, unsigned needed)
{
    struct io_uring_sq *sq = &ring->uring.sq;
    struct io_uring_sqe *sqe;

    for (int i = 0; sq->ring_entries - rl_ring_unsubmitted(ring) < needed; i++) {
        /* The queue is full in the middle of a turn: hand over what there is. */
        RL_CHECK(i < SUBMIT_TRIES);
        enter(ring, flush_sq(ring), 0, i == 0 ? 0 : IORING_ENTER_GETEVENTS, NULL, 0);
    }
    sqe = &sq->sqes[sq->sqe_tail++ & sq->ring_mask]; /* never of twice the size here */
    memset(sqe, 0, sizeof(*sqe));
    return sqe;
}

static bool is_normal(int rc)
{
    return rc >= 0 || rc == -EINTR || rc == -ETIME || rc == -EAGAIN || rc == -EBUSY;
}

/* How many completions to wait for, at least for a while: never longer than until the timeout, since the
 * kernel looks at that only after the least time. */
static unsigned set_batch_wait(const struct rl_ring *ring, uint64_t timeout_ns,
                               struct io_uring_getevents_arg *arg)
{
    uint64_t timeout_us = timeout_ns / 1000;

    arg->min_wait_usec = timeout_us < ring->batch_wait_us ? (uint32_t)timeout_us : ring->batch_wait_us;
    return arg->min_wait_usec == 0 ? 1 : ring->wait_count;
}

int rl_ring_enter(struct rl_ring *ring, uint64_t timeout_ns)
{
    struct __kernel_timespec ts;
    struct io_uring_getevents_arg arg = {0};
    unsigned submit = flush_sq(ring), wait = timeout_ns == 0 ? 0 : 1;
    unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
    int rc;

    rl_bufs_publish(&ring->bufs);
    if (wait != 0 && timeout_ns != UINT64_MAX) {
        ts.tv_sec = (int64_t)(timeout_ns / RL_NS_PER_S);
        ts.tv_nsec = (long long)(timeout_ns % RL_NS_PER_S);
        arg.ts = (uint64_t)(uintptr_t)&ts;
    }
    if (RL_UNLIKELY(ring->batch_wait_us != 0) && wait != 0)
        wait = set_batch_wait(ring, timeout_ns, &arg);
    rc = enter(ring, submit, wait, flags, &arg, sizeof(arg));
    if (rc >= 0 && (unsigned)rc < submit) {
        /* The kernel stopped short; once more without waiting, then it is the next turn's. */
        rc = enter(ring, rl_ring_unsubmitted(ring), 0, flags, &arg, sizeof(arg));
    }
    return is_normal(rc) ? 0 : rc;
}

/* What it refuses is told by the next enter. Without GETEVENTS deferred work stays where it is. */
void rl_ring_submit(struct rl_ring *ring)
{
    unsigned submit = flush_sq(ring);

    rl_bufs_publish(&ring->bufs);
    if (submit > 0)
        enter(ring, submit, 0, 0, NULL, 0);
}

unsigned rl_ring_reap(struct rl_ring *ring, struct rl_completion *out, unsigned max)
{
    struct io_uring_cq *cq = &ring->uring.cq;
    unsigned head = *cq->khead, tail = __atomic_load_n(cq->ktail, __ATOMIC_ACQUIRE);
    unsigned count = tail - head < max ? tail - head : max;

    for (unsigned i = 0; i < count; i++)
        memcpy(&out[i], &cq->cqes[(head + i) & cq->ring_mask], sizeof(out[i]));
    __atomic_store_n(cq->khead, head + count, __ATOMIC_RELEASE);
    if (RL_UNLIKELY(overflowed(ring))) {
        ring->overflows++;
        enter(ring, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0);
    }
    return count;
}
