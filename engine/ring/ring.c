/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "ring/ring_impl.h"

enum { SQ_ENTRIES = 1024, CQ_ENTRIES = 8192, BATCH_WAIT_COUNT = 256 };

static uint32_t at_most(uint32_t count)
{
    return count < RL_RING_TABLE_MAX ? count : RL_RING_TABLE_MAX;
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

int rl_ring_new(struct rl_ring **out, const struct rl_ring_config *config, const char **advice)
{
    struct rl_lane_config lane = {
        .features = config->features,
        .sq_entries = config->sq_entries != 0 ? config->sq_entries : SQ_ENTRIES,
        .cq_entries = config->cq_entries != 0 ? config->cq_entries : CQ_ENTRIES,
        .slot_count = at_most(config->slot_count),
        .napi_busy_poll_us = config->napi_busy_poll_us,
    };
    struct rl_ring *ring = calloc(1, sizeof(*ring));
    int rc;

    *advice = "";
    if (ring == NULL)
        return -ENOMEM;
    ring->features = config->features;
    ring->accepts = config->accepts;
    set_options(ring, config);
    rc = rl_lane_open(&ring->first, &lane, advice);
    if (rc < 0) {
        free(ring);
        return rc;
    }
    ring->lanes[0] = &ring->first;
    ring->lane_count = 1;
    ring->wake_fd = -1;
    ring->further = lane;
    ring->further.slot_count = (ring->features & RL_F_DIRECT) != 0 ? at_most(config->more_slots) : 0;
    ring->slot_count = lane.slot_count;
    *out = ring;
    return 0;
}

void rl_ring_free(struct rl_ring *ring)
{
    if (ring == NULL)
        return;
    rl_lanes_close(ring);
    rl_lane_close(&ring->first);
    rl_own_blocks_free(&ring->own);
    free(ring);
}

int rl_ring_features(const struct rl_ring *ring)
{
    return ring->features;
}

uint32_t rl_ring_slots(const struct rl_ring *ring)
{
    return ring->slot_count;
}

unsigned rl_ring_unsubmitted(const struct rl_ring *ring)
{
    unsigned count = rl_lane_unsubmitted(&ring->first);

    for (unsigned i = 1; RL_UNLIKELY(i < ring->lane_count); i++)
        count += rl_lane_unsubmitted(ring->lanes[i]);
    return count;
}

bool rl_ring_settled(const struct rl_ring *ring)
{
    bool settled = rl_lane_unsubmitted(&ring->first) == 0 && rl_lane_is_reaped(&ring->first);

    for (unsigned i = 1; RL_UNLIKELY(i < ring->lane_count) && settled; i++)
        settled = rl_lane_unsubmitted(ring->lanes[i]) == 0 && rl_lane_is_reaped(ring->lanes[i]);
    return settled;
}

unsigned rl_ring_capacity(const struct rl_ring *ring)
{
    return ring->first.uring.cq.ring_entries;
}

uint64_t rl_ring_overflows(const struct rl_ring *ring)
{
    return ring->overflows;
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

int rl_ring_enter_lane(struct rl_ring *ring, struct rl_lane *lane, uint64_t timeout_ns)
{
    struct __kernel_timespec ts;
    struct io_uring_getevents_arg arg = {0};
    unsigned wait = timeout_ns == 0 ? 0 : 1;
    unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
    int rc;

    rl_bufs_publish(&lane->bufs);
    if (wait != 0 && timeout_ns != UINT64_MAX) {
        ts.tv_sec = (int64_t)(timeout_ns / RL_NS_PER_S);
        ts.tv_nsec = (long long)(timeout_ns % RL_NS_PER_S);
        arg.ts = (uint64_t)(uintptr_t)&ts;
    }
    if (RL_UNLIKELY(ring->batch_wait_us != 0) && wait != 0)
        wait = set_batch_wait(ring, timeout_ns, &arg);
    rc = rl_lane_enter(lane, wait, flags, &arg, sizeof(arg));
    if (rc >= 0 && RL_UNLIKELY(rl_lane_unsubmitted(lane) > 0)) {
        /* The kernel stopped short; once more without waiting, then it is the caller's. */
        rc = rl_lane_enter(lane, 0, flags, &arg, sizeof(arg));
    }
    return rl_ring_is_normal(rc) ? 0 : rc;
}

int rl_ring_enter(struct rl_ring *ring, uint64_t timeout_ns)
{
    if (RL_UNLIKELY(ring->lane_count > 1))
        return rl_lanes_enter(ring, timeout_ns);
    return rl_ring_enter_lane(ring, &ring->first, timeout_ns);
}

/* What it refuses is told by the next enter. Without GETEVENTS deferred work stays where it is. */
void rl_ring_submit(struct rl_ring *ring)
{
    for (unsigned i = 0; i < ring->lane_count; i++) {
        struct rl_lane *lane = ring->lanes[i];

        rl_bufs_publish(&lane->bufs);
        if (rl_lane_unsubmitted(lane) > 0)
            rl_lane_enter(lane, 0, 0, NULL, 0);
    }
}

unsigned rl_ring_reap_lane(struct rl_ring *ring, struct rl_lane *lane, struct rl_completion *out, unsigned max)
{
    unsigned count = rl_lane_reap(lane, out, max);

    if (RL_UNLIKELY(rl_lane_overflowed(lane))) {
        ring->overflows++;
        rl_lane_enter(lane, 0, IORING_ENTER_GETEVENTS, NULL, 0);
    }
    return count;
}

unsigned rl_ring_reap(struct rl_ring *ring, struct rl_completion *out, unsigned max)
{
    if (RL_UNLIKELY(ring->lane_count > 1))
        return rl_lanes_reap(ring, out, max);
    return rl_ring_reap_lane(ring, &ring->first, out, max);
}
