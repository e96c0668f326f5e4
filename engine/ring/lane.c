/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Set up, submit, reap. Enter is written out, because liburing 2.9 cannot ask for NO_IOWAIT: without it an idle
 * worker shows as 100 % iowait from 6.1.39 on. */
#include "ring/lane.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/assert.h"

enum { MIN_SQ_ENTRIES = 256, MIN_CQ_ENTRIES = 2048, SUBMIT_TRIES = 100 };

static_assert(sizeof(struct rl_completion) == sizeof(struct io_uring_cqe), "copied as it is");

int rl_lane_setup(struct io_uring *uring, unsigned sq_entries, unsigned cq_entries, int features, unsigned more_flags)
{
    struct io_uring_params params = {0};

    params.flags = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | more_flags;
    params.cq_entries = cq_entries;
    if ((features & RL_F_DEFER) != 0)
        params.flags |= IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    else
        params.flags |= IORING_SETUP_COOP_TASKRUN;
    if ((features & RL_F_NO_SQARRAY) != 0)
        params.flags |= IORING_SETUP_NO_SQARRAY;
    return io_uring_queue_init_params(sq_entries, uring, &params);
}

/* Busy polling of the network cards' queues on which sockets of this lane arrive. */
static int register_napi(struct rl_lane *lane, uint32_t busy_poll_us)
{
    struct io_uring_napi napi = {.busy_poll_to = busy_poll_us, .prefer_busy_poll = 1};

    return busy_poll_us == 0 ? 0 : io_uring_register_napi(&lane->uring, &napi);
}

static unsigned halved(unsigned entries, unsigned least)
{
    return entries / 2 < least ? entries : entries / 2;
}

/* From 6.14 rings count against RLIMIT_MEMLOCK: try smaller ones before giving up. */
static int set_up_within_limits(struct rl_lane *lane, const struct rl_lane_config *config, const char **advice)
{
    unsigned cq = config->cq_entries, sq = config->sq_entries < cq ? config->sq_entries : cq;
    unsigned flags = config->index > 0 ? IORING_SETUP_TASKRUN_FLAG : 0;
    int rc;

    while ((rc = rl_lane_setup(&lane->uring, sq, cq, config->features, flags)) == -ENOMEM &&
           (halved(sq, MIN_SQ_ENTRIES) < sq || halved(cq, MIN_CQ_ENTRIES) < cq)) {
        sq = halved(sq, MIN_SQ_ENTRIES);
        cq = halved(cq, MIN_CQ_ENTRIES);
        *advice = "locked memory is short, so the ring is smaller than it should be: raise it with 'ulimit -l "
                  "unlimited'";
    }
    if (rc < 0)
        *advice = rc == -ENOMEM ? "locked memory is short: raise it with 'ulimit -l unlimited'" : "";
    return rc;
}

int rl_lane_open(struct rl_lane *lane, const struct rl_lane_config *config, const char **advice)
{
    int rc = set_up_within_limits(lane, config, advice);

    if (rc < 0)
        return rc;
    lane->enter_flags = 0;
    if ((config->features & RL_F_REG_FD) != 0 && io_uring_register_ring_fd(&lane->uring) == 1)
        lane->enter_flags |= IORING_ENTER_REGISTERED_RING;
    if ((config->features & RL_F_NO_IOWAIT) != 0)
        lane->enter_flags |= IORING_ENTER_NO_IOWAIT;
    if ((config->features & RL_F_DIRECT) != 0) {
        rc = io_uring_register_files_sparse(&lane->uring, config->slot_count);
        if (rc < 0) {
            *advice = "a ring's table of sockets is limited by 'ulimit -n': raise it";
            goto exit_ring;
        }
    }
    rc = register_napi(lane, config->napi_busy_poll_us);
    if (rc < 0) {
        *advice = "this kernel has no NAPI busy poll for io_uring: leave --napi-busy-poll away";
        goto exit_ring;
    }
    rc = rl_bufs_open(&lane->bufs, &lane->uring, config->features, config->index);
    if (rc == 0)
        return 0;

exit_ring:
    io_uring_queue_exit(&lane->uring);
    return rc;
}

void rl_lane_close(struct rl_lane *lane)
{
    rl_bufs_close(&lane->bufs, &lane->uring);
    io_uring_queue_exit(&lane->uring);
}

/* Make the filled submissions visible to the kernel; how many wait. */
static unsigned flush_sq(struct rl_lane *lane)
{
    struct io_uring_sq *sq = &lane->uring.sq;

    if (sq->sqe_head != sq->sqe_tail) {
        sq->sqe_head = sq->sqe_tail;
        __atomic_store_n(sq->ktail, sq->sqe_tail, __ATOMIC_RELEASE);
    }
    return rl_lane_unsubmitted(lane);
}

int rl_lane_enter(struct rl_lane *lane, unsigned wait, unsigned flags, void *arg, size_t arg_bytes)
{
    return io_uring_enter2((unsigned)lane->uring.enter_ring_fd, flush_sq(lane), wait, flags | lane->enter_flags,
                           arg, arg_bytes);
}

struct io_uring_sqe *rl_lane_sqe(struct rl_lane *lane, unsigned needed)
{
    struct io_uring_sq *sq = &lane->uring.sq;
    struct io_uring_sqe *sqe;

    for (int i = 0; sq->ring_entries - rl_lane_unsubmitted(lane) < needed; i++) {
        /* The queue is full in the middle of a turn: hand over what there is. */
        RL_CHECK(i < SUBMIT_TRIES);
        rl_lane_enter(lane, 0, i == 0 ? 0 : IORING_ENTER_GETEVENTS, NULL, 0);
    }
    sqe = &sq->sqes[sq->sqe_tail++ & sq->ring_mask]; /* never of twice the size here */
    memset(sqe, 0, sizeof(*sqe));
    return sqe;
}

unsigned rl_lane_reap(struct rl_lane *lane, struct rl_completion *out, unsigned max)
{
    struct io_uring_cq *cq = &lane->uring.cq;
    unsigned head = *cq->khead, tail = __atomic_load_n(cq->ktail, __ATOMIC_ACQUIRE);
    unsigned count = tail - head < max ? tail - head : max;

    for (unsigned i = 0; i < count; i++)
        memcpy(&out[i], &cq->cqes[(head + i) & cq->ring_mask], sizeof(out[i]));
    __atomic_store_n(cq->khead, head + count, __ATOMIC_RELEASE);
    return count;
}
