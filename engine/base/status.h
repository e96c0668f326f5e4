/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * status - one int for success and every way to fail.
 *
 * Zero or more is success. -1 ... -4095 is the kernel's -errno as it came; below that are
 * our own. Each has a code (ECONNREFUSED, ENOTFOUND: what a script compares) and a text
 * (what a person reads).
 */
#ifndef RL_BASE_STATUS_H
#define RL_BASE_STATUS_H

enum rl_status {
    RL_OK = 0,
    RL_ENOTFOUND = -5001,    /* no such host */
    RL_EBLOCKED = -5002,     /* blockHostnames, blacklistIPs */
    RL_ETLS = -5003,         /* TLS handshake failed */
    RL_EDESTROYED = -5004,   /* the socket was destroyed and is not reusable */
    RL_ENOTCONN = -5005,     /* no active connection */
    RL_EINVALIDPORT = -5006, /* invalid port; code EINVAL */
    RL_ENOBLOCK = -5007,     /* a pool or table of ours is full; code ENOBUFS */
};

/* "ECONNREFUSED", "ENOTFOUND", ... for any negative status, "E<number>" if nobody named it; "OK"
 * for success. Static memory (of a status without a name: good until this thread's next call). */
const char *rl_status_code(int status);

/* "connection refused", "no such host", ...: lower case, no full stop; static memory. */
const char *rl_status_text(int status);

#endif
