/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A ring of several lanes: add one, enter those that need it, wait on the first for all. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "ring/ring_impl.h"

enum {
    SQ_ENTRIES = 256,  /* of a further lane: a turn that wants more submits in between */
    ENOUGH = 64,       /* completions for a turn: the others wait for the next one */
    WAKE_HANDLE = 1,   /* of RL_OP_IGNORE */
};

/* --- Adding one. --- */

static uint64_t wake_op(void)
{
    return rl_op(RL_OP_IGNORE, WAKE_HANDLE);
}

/* Whether lane's completions are told through wake_fd. */
static void set_telling(struct rl_lane *lane, bool telling)
{
    io_uring_cq_eventfd_toggle(&lane->uring, telling);
}

static int make_lane(struct rl_ring *ring, const char **advice)
{
    struct rl_lane_config config = ring->further;
    struct rl_lane *lane = calloc(1, sizeof(*lane));
    int rc;

    if (lane == NULL)
        return -ENOMEM;
    config.index = ring->lane_count;
    if (config.sq_entries > SQ_ENTRIES)
        config.sq_entries = SQ_ENTRIES;
    rc = rl_lane_open(lane, &config, advice);
    if (rc < 0)
        goto free_lane;
    rc = io_uring_register_eventfd(&lane->uring, ring->wake_fd);
    if (rc < 0)
        goto close_lane;
    set_telling(lane, false);
    ring->buf_shift = (unsigned)__builtin_ctz(lane->bufs.count == 0 ? 1 : lane->bufs.count);
    ring->lanes[ring->lane_count++] = lane;
    return 0;

close_lane:
    rl_lane_close(lane);
free_lane:
    free(lane);
    return rc;
}

int rl_ring_extend(struct rl_ring *ring, int *first, const char **advice)
{
    int rc;

    *advice = "";
    if (ring->further.slot_count == 0 || ring->lane_count == RL_RING_TABLES)
        return 0;
    if (ring->wake_fd < 0)
        ring->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ring->wake_fd < 0)
        return -errno;
    *first = (int)(ring->lane_count << RL_LANE_SHIFT);
    rc = make_lane(ring, advice);
    if (rc < 0)
        return rc;
    return (int)ring->further.slot_count;
}

void rl_lanes_close(struct rl_ring *ring)
{
    for (unsigned i = 1; i < ring->lane_count; i++) {
        rl_lane_close(ring->lanes[i]);
        free(ring->lanes[i]);
    }
    if (ring->wake_fd >= 0)
        close(ring->wake_fd);
}

/* --- A turn. --- */

static int take_in(struct rl_ring *ring, struct rl_lane *lane)
{
    if (rl_lane_unsubmitted(lane) == 0)
        rl_lane_forget_work(lane);
    return rl_ring_enter_lane(ring, lane, 0);
}

/* Submit in all further lanes, and take in what has completed there until it is enough. How much waits: completions,
 * and submissions that the kernel did not take. */
static unsigned enter_further(struct rl_ring *ring, int *rc)
{
    unsigned ready = 0, others = ring->lane_count - 1;

    for (unsigned i = 0; i < others; i++) {
        struct rl_lane *lane = ring->lanes[1 + (ring->turn + i) % others];
        bool take = ready < ENOUGH && rl_lane_has_work(lane);
        int result = 0;

        rl_bufs_publish(&lane->bufs);
        if (take)
            result = take_in(ring, lane);
        else if (rl_lane_unsubmitted(lane) > 0)
            result = rl_lane_enter(lane, 0, 0, NULL, 0);
        if (!rl_ring_is_normal(result) && *rc == 0)
            *rc = result;
        ready += io_uring_cq_ready(&lane->uring) + rl_lane_unsubmitted(lane);
    }
    ring->turn++;
    return ready;
}

/* Once they tell: what they say now may be an old flag. Nothing is unsubmitted. */
static bool some_have_work(struct rl_ring *ring)
{
    for (unsigned i = 1; i < ring->lane_count; i++) {
        struct rl_lane *lane = ring->lanes[i];

        if (rl_lane_has_work(lane) && (take_in(ring, lane) != 0 || rl_lane_has_work(lane)))
            return true;
    }
    return false;
}

/* From now on a lane's next completion wakes the first one; false if one has come meanwhile. */
static bool listen_to_all(struct rl_ring *ring)
{
    if (!ring->wake_armed)
        rl_ring_poll(ring, ring->wake_fd, wake_op());
    ring->wake_armed = true;
    for (unsigned i = 1; i < ring->lane_count; i++)
        set_telling(ring->lanes[i], true);
    /* One of the two sees the other: we the lane's flag, or the kernel that it is to tell. (Its half has no barrier of
     * its own, which x86 does not need. Elsewhere a completion could be heard of at the next timeout only.) */
    atomic_thread_fence(memory_order_seq_cst);
    return !some_have_work(ring);
}

static void stop_listening(struct rl_ring *ring)
{
    for (unsigned i = 1; i < ring->lane_count; i++)
        set_telling(ring->lanes[i], false);
}

int rl_lanes_enter(struct rl_ring *ring, uint64_t timeout_ns)
{
    int rc = 0, result;
    bool waits = enter_further(ring, &rc) == 0 && rc == 0 && timeout_ns != 0;

    if (waits && !listen_to_all(ring))
        timeout_ns = 0;
    result = rl_ring_enter_lane(ring, &ring->first, waits ? timeout_ns : 0);
    if (rc == 0)
        rc = result;
    if (waits) {
        stop_listening(ring);
        enter_further(ring, &rc);
    }
    return rc;
}

/* Somebody told: a poll that io_uring itself has woken ends with that, so it is armed anew before the next sleep. */
static void woken(struct rl_ring *ring, const struct rl_completion *c)
{
    uint64_t count;

    if (read(ring->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        RL_UNREACHABLE();
    ring->wake_armed = rl_completion_more(c);
}

/* Without those that only woke us. */
static unsigned drop_wakes(struct rl_ring *ring, struct rl_completion *out, unsigned count)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < count; i++) {
        if (RL_LIKELY(out[i].user_data != wake_op()))
            out[kept++] = out[i];
        else
            woken(ring, &out[i]);
    }
    return kept;
}

unsigned rl_lanes_reap(struct rl_ring *ring, struct rl_completion *out, unsigned max)
{
    unsigned count = drop_wakes(ring, out, rl_ring_reap_lane(ring, &ring->first, out, max));

    for (unsigned i = 1; i < ring->lane_count && count < max; i++) {
        if (!rl_lane_is_reaped(ring->lanes[i]))
            count += rl_ring_reap_lane(ring, ring->lanes[i], out + count, max - count);
    }
    return count;
}
