/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * conn - one TCP connection as a state machine over the ring.
 *
 *      OPENING --connected--> OPEN --ended--> ENDED
 *         |                    |                |
 *         +-------- rl_conn_close / abort ------+--> CLOSING --last completion--> free
 *
 * A connection lives in a pool and counts its operations in flight; after rl_conn_close its owner
 * hears no more, and the memory goes when the kernel has answered everything.
 *
 * Sending: what is written during a turn gathers in the batch arena, one piece a connection, and
 * goes as one send. What the kernel does not take at once moves to the send queue (sendq.h), and later
 * writes line up behind it.
 *
 * Thread: one worker's.
 */
#ifndef RL_NET_CONN_H
#define RL_NET_CONN_H

#include <assert.h>

#include "base/arena.h"
#include "base/pool.h"
#include "loop/loop.h"
#include "net/addr.h"
#include "net/shortage.h"
#include "net/source.h"
#include "net/stream.h"

struct rl_sendq;
struct rl_filter;

enum rl_conn_state { RL_CONN_OPENING, RL_CONN_OPEN, RL_CONN_ENDED, RL_CONN_CLOSING };

/* A turn's bytes of one connection, in the batch arena. */
struct rl_piece {
    uint32_t bytes, capacity;
    uint8_t data[];
};

/* Two cache lines: the first is all that a message touches, the second is for the rest of a life. */
struct rl_conn {
    struct rl_pooled pooled;
    const struct rl_stream_events *events;
    void *owner;
    struct rl_net *net;
    struct rl_list batch;   /* on the net's dirty, flushed or ended list */
    struct rl_piece *piece; /* this turn's bytes; NULL: none */
    int file;
    uint8_t state;
    uint8_t in_flight;      /* operations whose final completion has not come */
    bool own_slot : 1, receiving : 1, connecting : 1, submitted : 1, answered : 1, send_failed : 1,
        bound : 1, counted : 1;
    bool paused : 1, asked : 1, ending : 1, filtered : 1, queued : 1; /* the last two: filter, queue is there */
    bool fresh : 1, reset_missed : 1; /* the receive was armed and had no data yet; see rl_conn_on_missed_reset */

    struct rl_filter *filter; /* between us and the owner, or NULL: net/filter.h */
    struct rl_sendq *queue; /* NULL unless bytes wait behind what the kernel has */
    union {
        struct {                 /* RL_CONN_OPENING */
            uint32_t port_range; /* as the kernel is told */
            int16_t open_status; /* the first step that failed, 0: none */
            uint8_t tries_left;  /* source ports to try */
        };
        struct {              /* later */
            int32_t send_res; /* the kernel's answer to the piece, if answered; why it failed, if so */
            int32_t end_res;  /* how it ended: heard by the receive, told when sends have answered */
        };
    };
    struct rl_addr peer, local;
};

static_assert(offsetof(struct rl_conn, filter) == RL_CACHE_LINE && sizeof(struct rl_conn) == 2 * RL_CACHE_LINE,
              "a message touches one line of a connection");

/* What a worker counts for conservation checks and the summary. */
struct rl_net_counts {
    uint64_t opened, connected, failed, closed, bytes_sent, bytes_received, out_of_ports, out_of_files;
    uint64_t out_of_buffers;  /* receives that stopped, and went on, since the ring had no buffer left */
    uint64_t bytes_sent_late; /* of bytes_sent: after rl_conn_close, so no owner was told */
};

struct rl_net {
    struct rl_loop *loop;
    struct rl_ring *ring;
    struct rl_source *source;
    struct rl_pool conns;
    struct rl_list dirty;   /* have a piece to send */
    struct rl_list flushed; /* their piece was submitted in this turn */
    struct rl_list ended;   /* their owners are told when all have heard of this turn's sends */
    struct rl_task end_task;
    struct rl_arena arenas[2];
    unsigned arena_index;
    bool arena_used;        /* something of this turn lies in it */
    bool unsettled;         /* the kernel may still read what was flushed last */
    int *free_slots;           /* files of the ring's tables, the next one last */
    uint32_t free_slot_count, slot_count;
    bool no_more_slots;        /* the ring has all the tables that it may have */
    bool told_small_ring;
    uint32_t connecting_count; /* connects that the kernel has not answered */
    uint32_t prefetch_conns;
    struct rl_net_counts counts;
    struct rl_shortages shortages; /* of source ports, by destination */
};

struct rl_net_config {
    uint32_t max_conns; /* may be more than the ring has slots: it is extended then */
    uint32_t share_index, share_count; /* of the source ports */
    uint64_t seed;
    bool roams;   /* connect from any address of this machine (--local-ips auto) */
    bool accepts; /* connections come from rl_conn_adopt */
    uint32_t prefetch_conns; /* with so many the cache is asked ahead; 0: as many as overflow it */
};

/* 0 or -errno. Installs its handlers and hooks in the loop. */
int rl_net_init(struct rl_net *net, struct rl_loop *loop, const struct rl_net_config *config);

/* All connections must be closed; rl_net_idle says whether they are. */
void rl_net_fini(struct rl_net *net);

static inline bool rl_net_idle(const struct rl_net *net)
{
    return net->conns.used_count == 0;
}

/* Begin to connect. local: NULL or the source ip to bind. 0: connected will be called. Negative
 * (-EMFILE: no slot or descriptor left, -ENOBUFS: no memory): failed at once, no call. */
int rl_conn_open(struct rl_net *net, const struct rl_addr *peer, const struct rl_addr *local,
                 const struct rl_stream_events *events, void *owner, struct rl_conn **conn);

/* A connection that was accepted as file; receiving starts. NULL: pool full, file is closed. */
struct rl_conn *rl_conn_adopt(struct rl_net *net, int file, const struct rl_stream_events *events,
                              void *owner);

/* Queue bytes (copied) behind all earlier ones. 0; or nothing is queued: -ENOTCONN, -ENOBUFS, or -EPIPE
 * after the kernel refused earlier ones. */
int rl_conn_send(struct rl_conn *conn, struct rl_slice data);

/* Bytes queued that the kernel has not taken. */
size_t rl_conn_pending(const struct rl_conn *conn);

/* Stop and go on receiving: what arrives meanwhile stays in the kernel, which slows the peer down. A few
 * completions may still be on their way after a pause. Harmless when repeated. */
void rl_conn_pause(struct rl_conn *conn);
void rl_conn_resume(struct rl_conn *conn);

/* FIN; bytes that the kernel has are still sent, the rest is dropped. No event follows, and owner is
 * not touched again. */
void rl_conn_close(struct rl_conn *conn);

/* RST: no TIME_WAIT, unsent bytes are gone. No event follows. */
void rl_conn_abort(struct rl_conn *conn);

/* The local endpoint of an open connection. */
const struct rl_addr *rl_conn_local(struct rl_conn *conn);

#endif
