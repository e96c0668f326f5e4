/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probe - what this kernel can do, asked once by trying, not by version number.
 *
 * Every feature has a fallback, or is an option that is refused without it; a test can do without each: the environment variable
 * RINGLOAD_WITHOUT lists features to do without, e.g. "direct,defer".
 */
#ifndef RL_RING_PROBE_H
#define RL_RING_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rl_feature {
    RL_F_DEFER = 1 << 0,      /* DEFER_TASKRUN (6.1), else COOP_TASKRUN */
    RL_F_NO_SQARRAY = 1 << 1, /* 6.6 */
    RL_F_REG_FD = 1 << 2,     /* registered ring fd (5.18) */
    RL_F_NO_IOWAIT = 1 << 3,  /* ENTER_NO_IOWAIT (6.15) */
    RL_F_BUF_RING = 1 << 4,   /* buffer ring (5.19), else single-shot receives into own buffers */
    RL_F_BUF_INC = 1 << 5,    /* incremental buffer ring (6.12), else classic */
    RL_F_SEND_SKIP = 1 << 6,  /* a send's completion is skipped on success, else one CQE a send */
    RL_F_SETSOCKOPT = 1 << 7, /* socket options through the ring (6.7), needed by RL_F_DIRECT */
    RL_F_BIND = 1 << 8,       /* bind through the ring (6.11), else ordinary fds with a source ip */
    RL_F_DIRECT = 1 << 9,     /* direct descriptors that are freed at once (6.13), else fds */
    RL_F_PORT_RANGE = 1 << 10, /* IP_LOCAL_PORT_RANGE (6.3), else SO_REUSEADDR and bind */
    RL_F_NAPI = 1 << 11,       /* NAPI busy poll (6.9): an option that is refused without */
    RL_F_MIN_WAIT = 1 << 12,   /* a least time to wait (6.12): as above */
    RL_F_ALL = (1 << 13) - 1
};

/* The features of this kernel, less those that RINGLOAD_WITHOUT names. The first call probes
 * (about a millisecond, on a loopback pair of its own); later calls and threads get the same
 * answer. Negative: io_uring cannot be used here, and rl_probe_advice says what to change. */
int rl_probe(void);

/* One line: why io_uring cannot be used and what to do about it. status: what rl_probe gave. */
void rl_probe_advice(int status, char *out, size_t out_bytes);

/* "defer direct inc ...": for version -v and bug reports. */
void rl_probe_describe(int features, char *out, size_t out_bytes);

#endif
