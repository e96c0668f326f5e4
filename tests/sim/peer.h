/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * peer - the other end of one connection attempt: its manners, drawn from the seed.
 *
 * A peer answers the connect (or refuses, or never does), then acts at its own times: reads some of what
 * lies in the sender's buffer, sends some of its own stream, and at the byte or moment that its manners
 * name it ends with a FIN, goes away with a RST, or stops reading. Each attempt has a peer of its own,
 * found by the port it was asked for.
 */
#ifndef RL_SIM_PEER_H
#define RL_SIM_PEER_H

#include <stdbool.h>
#include <stdint.h>

struct ksock;
struct user_socket;
struct tls_peer;

#define PEER_NEVER UINT64_MAX

/* Those with TLS are asked for at one port, so that sessions can be resumed: 127.0.<id>.1. */
enum { PEER_TLS_PORT = 443 };

struct peer {
    uint32_t id; /* its port, and the number of its stream */

    /* Manners. */
    int connect_res;            /* 0 or the failure of connect */
    uint64_t connect_delay_ns;  /* PEER_NEVER: no answer */
    unsigned ports_taken;       /* as many attempts find their source port taken */
    bool echo;                  /* sends what it has read, instead of a stream of its own */
    uint64_t send_total;        /* length of its own stream */
    uint64_t pace_ns;           /* between acts, at most */
    uint64_t read_most, send_most; /* an act's */
    uint64_t stall_at, stall_ns;   /* reads no more once it has so many bytes, for so long */
    uint64_t fin_after_sent, fin_after_received; /* bytes; PEER_NEVER */
    uint64_t rst_after_sent, rst_after_received;
    uint64_t rst_at_ns, fin_at_ns; /* after it accepted */
    struct tls_peer *tls;       /* NULL: what it sends and reads are the bytes of its stream */

    /* What happened. */
    struct ksock *sock;         /* the kernel's end while there is one */
    struct user_socket *owner;  /* the program's end while there is one */
    uint64_t accepted_ns, next_ns, stalled_until_ns;
    uint64_t received, sent;    /* of TCP */
    uint64_t taken;             /* what the kernel took for it */
    unsigned idle_acts;         /* in a row without a byte moved: it slows down */
    bool accepted, fin_sent, rst_sent, saw_fin, saw_rst;
    bool graceful;              /* the program destroyed the open socket: no RST unless bytes were unread */
    bool farewell_due;          /* ... and it is to hear close_notify, if there is room */
};

/* A new one; its manners are drawn. NULL: the seed has had enough of them. */
struct peer *peer_new(void);
struct peer *peer_at(uint32_t id); /* NULL: nobody listens */
uint32_t peer_count(void);
void peers_free(void);

/* It accepted: sock is the kernel's end. */
void peer_accept(struct peer *peer, struct ksock *sock);

/* When it acts next; PEER_NEVER. */
uint64_t peer_due_ns(const struct peer *peer);
void peer_act(struct peer *peer);

/* How much of its stream, and of the program's, is in the first bytes of TCP: with TLS, what whole records
 * hold. */
uint64_t peer_plain_taken(const struct peer *peer, uint64_t at);
uint64_t peer_plain_most(const struct peer *peer, uint64_t at); /* taken: one that failed decrypts no more */
uint64_t peer_plain_sent(const struct peer *peer, uint64_t at);

/* Its connection is gone: by a FIN behind the rest of bytes, or by a RST. */
void peer_sees_fin(struct peer *peer, uint64_t rest);
void peer_sees_rst(struct peer *peer);

#endif
