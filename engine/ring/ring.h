/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ring - one worker's io_uring: operations in, completions out.
 *
 * An rl_ring_... call fills a submission and makes no system call (unless the queue is full);
 * rl_ring_enter submits all of them and waits; rl_ring_submit does not wait. rl_ring_reap copies completions out.
 *
 * A socket is a *file*: a slot of the ring's own table where the kernel has RL_F_DIRECT, an
 * ordinary descriptor elsewhere. The caller treats it as a number.
 *
 * Received bytes lie in buffers that are lent by the ring: rl_ring_view says where, and
 * rl_ring_return gives them back, in the order of the completions.
 *
 * Thread: the one that created it. Memory: what an operation points at (data, addresses) stays
 * valid until its batch was submitted and reaped; a tracked send's data until its completion.
 */
#ifndef RL_RING_RING_H
#define RL_RING_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "ring/op.h"
#include "ring/probe.h"

struct rl_ring;

/* A socket option of every socket that a ring opens. value: the owner's, for as long as the ring lives. */
struct rl_ring_option {
    int family; /* of sockets that have it; 0: all */
    int level, name;
    const void *value;
    socklen_t bytes;
};

enum { RL_RING_OPTIONS = 24 };

/* TCP_NODELAY and keepalive as T-046 wants it: what sockets get where nobody says otherwise. */
const struct rl_ring_option *rl_ring_default_options(unsigned *count);

struct rl_ring_config {
    int features;        /* from rl_probe */
    const struct rl_ring_option *options; /* NULL: the default ones; at most RL_RING_OPTIONS */
    unsigned option_count;
    uint32_t napi_busy_poll_us; /* for sockets of the first table; 0: off; needs RL_F_NAPI */
    uint32_t batch_wait_us;     /* wait so long for more completions of the first table than one; 0: off; needs RL_F_MIN_WAIT */
    unsigned sq_entries; /* 0: 1024 */
    unsigned cq_entries; /* 0: 8192 */
    uint32_t slot_count; /* size of the table of direct descriptors */
    uint32_t more_slots; /* size of each further one (rl_ring_extend); 0: there is none */
    bool accepts;        /* slots are given out by the kernel, to accepted sockets */
};

enum { RL_RING_TABLES = 64, RL_RING_TABLE_MAX = 1 << 20 }; /* tables of a ring, slots of a table: the kernel's limit */

struct rl_completion { /* as the kernel's struct io_uring_cqe */
    uint64_t user_data;
    int32_t res;
    uint32_t flags;
};

/* How to open and connect one socket. Addresses and port_range stay valid as said above. */
struct rl_open {
    const struct sockaddr *peer;
    socklen_t peer_bytes;
    const struct sockaddr *local; /* to bind; NULL: the kernel's choice. A port in it is bound too */
    socklen_t local_bytes;
    bool local_is_ours;         /* local has no port and is this machine's for certain: bind cannot fail */
    const uint32_t *port_range; /* as IP_LOCAL_PORT_RANGE wants it; NULL: not set */
};

enum rl_send_mode {
    RL_SEND_TRY,   /* take what fits now; completes at once (silently on full success if RL_F_SEND_SKIP) */
    RL_SEND_LAST,  /* take what fits now; always one completion, at once */
    RL_SEND_WHOLE, /* tracked: waits for room, one completion when all is taken or it failed */
};

/* 0 or -errno; *advice: what to change, or "". Also of a ring that is smaller than it should be, because locked
 * memory is short. */
int rl_ring_new(struct rl_ring **ring, const struct rl_ring_config *config, const char **advice);

/* Nothing may be in flight that points at memory of others. */
void rl_ring_free(struct rl_ring *ring);

int rl_ring_features(const struct rl_ring *ring);

/* A further table of direct descriptors, in an io_uring of its own: RLIMIT_NOFILE limits each table by itself. How many
 * slots it has; their numbers go up from *first. 0: the ring has all that it may have. -errno: the kernel gives no
 * more. *advice: as of rl_ring_new. */
int rl_ring_extend(struct rl_ring *ring, int *first, const char **advice);

/* Of the first table. */
uint32_t rl_ring_slots(const struct rl_ring *ring);

/* Submit all, wait until a completion or until timeout_ns (0: do not wait, UINT64_MAX: for ever).
 * 0 or a negative errno that is not one of the normal ones (EINTR, ETIME, EAGAIN, EBUSY). */
int rl_ring_enter(struct rl_ring *ring, uint64_t timeout_ns);

/* Submit all and come back: what completes at once can be reaped, nothing else is taken in. */
void rl_ring_submit(struct rl_ring *ring);

/* Submissions that the kernel did not take yet: after an enter 0 nearly always (it was short of memory). */
unsigned rl_ring_unsubmitted(const struct rl_ring *ring);

/* All is submitted and every completion so far was reaped: a send that was to be silent on success
 * and has said nothing has succeeded. */
bool rl_ring_settled(const struct rl_ring *ring);

/* How many completions can wait to be reaped before more of them overflow; of several tables, those of the first. */
unsigned rl_ring_capacity(const struct rl_ring *ring);

/* Copy up to max completions out, oldest first; how many. */
unsigned rl_ring_reap(struct rl_ring *ring, struct rl_completion *out, unsigned max);

/* How often completions did not fit the queue (none is lost; the queue is too small). */
uint64_t rl_ring_overflows(const struct rl_ring *ring);

static inline bool rl_completion_more(const struct rl_completion *c)
{
    return (c->flags & 2u) != 0; /* IORING_CQE_F_MORE */
}

/* Open a socket and connect it. *file: in, the slot to use (direct); out, the descriptor (else).
 * 0: a completion with user_data follows, res 0 or the failure of bind or connect. Before it, for each
 * step before bind that failed (no socket), one with RL_OP_OPEN and the same handle: then the connection
 * is not what was asked for, even if it connects. Without its local address nothing is ever connected.
 * Negative: failed at once, nothing follows and no file is held. */
int rl_ring_open(struct rl_ring *ring, int *file, const struct rl_open *open, uint64_t user_data);

/* Arm receiving: completions with user_data until one without more. */
void rl_ring_recv(struct rl_ring *ring, int file, uint64_t user_data);

/* The bytes of a receive completion (res > 0); call once a completion, in order, also for those
 * whose owner has gone. Then rl_ring_return, when they are no longer needed. */
struct rl_slice rl_ring_view(struct rl_ring *ring, const struct rl_completion *c);
void rl_ring_return(struct rl_ring *ring, const struct rl_completion *c);

void rl_ring_send(struct rl_ring *ring, int file, struct rl_slice data, enum rl_send_mode mode,
                  uint64_t user_data);

/* Ask the operation on file to end; its own final completion still comes. */
void rl_ring_cancel(struct rl_ring *ring, int file, uint64_t user_data);

/* FIN once nothing is in flight on it. The number may be used again when all its operations ended. */
void rl_ring_close(struct rl_ring *ring, int file);

/* RST: armed receives and pending connects end with a failure. rl_ring_close must follow. */
void rl_ring_abort(struct rl_ring *ring, int file);

/* Accept on an ordinary listening descriptor until cancelled: res is the new file. */
void rl_ring_accept(struct rl_ring *ring, int listen_fd, uint64_t user_data);

/* A completion each time fd becomes readable, until cancelled. */
void rl_ring_poll(struct rl_ring *ring, int fd, uint64_t user_data);

#endif
