/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ksock - a socket of the simulated kernel: what Linux 6.18 does with a TCP socket, as seen by io_uring.
 *
 *      engine --take--> [ out: finite ] --> peer reads
 *      engine <--read-- [ in: finite ]  <-- peer sends
 *
 * What is taken is compared with the stream at once, or given to the peer's TLS, so only counts are
 * kept. An error (a reset) is told once, to whoever asks first; after it a send gives -EPIPE and a
 * receive 0. It lives while its file is open or an operation refers to it; then its peer sees a FIN, or a RST if bytes were left unread.
 */
#ifndef RL_SIM_KSOCK_H
#define RL_SIM_KSOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/list.h"

struct peer;

struct ksock {
    struct rl_list link; /* all there are */
    struct peer *peer;
    uint64_t owner;      /* the handle in its operations' user_data */
    uint64_t taken, given; /* bytes that went out, that came in */
    uint64_t told;         /* of taken: the engine has been told, or knows when the ring has settled */
    uint64_t owed;         /* of told: when the ring had last settled */
    size_t out_used, out_room, in_used, in_room;
    unsigned refs; /* operations */
    int file, error;
    bool open;          /* its file is */
    bool last_cut;      /* the last words before its end did not fit */
    bool bind_failed;   /* the next connect was linked to a bind that failed */
    bool is_lame;       /* an option could not be set: not what was asked for, even if it connects */
    bool connected, fin_arrived, dead, disconnected;
};

struct ksock *ksock_new(int file);
void ksock_ref(struct ksock *sock);
void ksock_unref(struct ksock *sock);
void ksock_close(struct ksock *sock); /* its file goes */

/* Each gives bytes, or a negative errno; -EAGAIN: not now. */
int64_t ksock_take(struct ksock *sock, struct rl_slice data);
int64_t ksock_read(struct ksock *sock, uint8_t *out, size_t size);

/* Would ksock_read, ksock_take give anything but -EAGAIN? */
bool ksock_readable(const struct ksock *sock);
bool ksock_writable(const struct ksock *sock);

/* connect(AF_UNSPEC): a RST to the peer, and whatever waits fails. */
void ksock_disconnect(struct ksock *sock);

/* From the peer. */
void ksock_reset(struct ksock *sock);
static inline void ksock_fin(struct ksock *sock)
{
    sock->fin_arrived = true;
}

extern struct rl_list ksocks;

#endif
