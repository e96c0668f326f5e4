/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_stream_impl - what tls_stream.c and tls_worker.c share. Not for other rooms. */
#ifndef RL_TLS_TLS_STREAM_IMPL_H
#define RL_TLS_TLS_STREAM_IMPL_H

#include "net/filter.h"
#include "tls/tls_engine.h"
#include "tls/tls_stream.h"

/* DIALLING: TCP is not up. QUEUED: our first step is to come. The engine is made with the first step: its
 * 8 KB of a handshake, in thousands of streams that wait, would leave holes in the heap for good. */
enum rl_tls_stage { RL_TLS_DIALLING, RL_TLS_QUEUED, RL_TLS_SHAKING, RL_TLS_OPEN, RL_TLS_ENDED };

enum { RL_TLS_RECORD = 16384 }; /* plaintext of a record, at most */

/* Some plaintext is sent when the kernel has taken this much ciphertext. */
struct rl_tls_mark {
    uint64_t cipher_end; /* counted from the connection's beginning */
    uint64_t plain_bytes;
};

struct rl_tls_stream {
    struct rl_filter filter;
    struct rl_tls_engine engine;
    struct rl_tls_context *context; /* held until the engine is made, which holds it then */
    char *servername;               /* the same; NULL: none */
    struct rl_tls_worker *worker;
    struct rl_list link;    /* on the worker's ongoing or fresh list */
    struct rl_buf held;     /* came in while no step could be taken */
    struct rl_tls_sessions *sessions;
    char *session_key;
    void (*tcp_up)(void *owner);
    uint64_t begun_ns, handshake_ns;
    uint64_t cipher_queued, cipher_sent; /* given to the connection; taken by the kernel */
    struct rl_tls_mark first;            /* the oldest mark, if has_first */
    struct rl_buf marks;                 /* the others, in order */
    int out_status;         /* why ciphertext could not be queued, or 0 */
    int end_status;         /* if tcp_ended: how */
    uint8_t stage;
    bool has_first : 1, wants_sent : 1, busy : 1, gone : 1, under_way : 1, tcp_ended : 1;
};

struct rl_tls_worker {
    struct rl_loop *loop;
    struct rl_list ongoing, fresh; /* handshakes that wait for a step: under way, not begun */
    struct rl_task task;
    uint64_t turn;                 /* of the loop, for which steps_left counts */
    uint32_t steps_left, under_way;
    uint32_t steps_a_turn, handshakes_max; /* as in tls_stream.h; tests set smaller ones */
    struct rl_tls_counts counts;
    uint8_t plain[RL_TLS_RECORD];  /* what was decrypted last */
};

/* May a step be taken in this turn? Then it counts. */
bool rl_tls_worker_step(struct rl_tls_worker *worker);

/* The same of a new handshake, which comes behind all others. */
bool rl_tls_worker_may_begin(struct rl_tls_worker *worker);

/* The stream has input, or is to begin: its step comes, in this turn or a later one. */
void rl_tls_worker_queue(struct rl_tls_worker *worker, struct rl_tls_stream *stream);

/* One of those that are under way has ended or begun. */
void rl_tls_worker_enter(struct rl_tls_worker *worker, struct rl_tls_stream *stream);
void rl_tls_worker_leave(struct rl_tls_worker *worker, struct rl_tls_stream *stream);

/* Take the step that was queued. May end the stream. */
void rl_tls_stream_resume(struct rl_tls_stream *stream);

#endif
