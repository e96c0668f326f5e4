/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_stream_impl - what tls_stream.c, tls_handshake.c and tls_worker.c share. Not for other rooms. */
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

/* --- The handshake: until the stage is OPEN, or ENDED, and the owner has been told. --- */

/* TCP is up. Later: not before the caller has returned. */
void rl_tls_handshake_begin(struct rl_tls_stream *stream);
void rl_tls_handshake_begin_later(struct rl_tls_stream *stream);

/* Some bytes came; TCP ended, with 0 or why. */
void rl_tls_handshake_input(struct rl_tls_stream *stream, struct rl_slice view);
void rl_tls_handshake_cut(struct rl_tls_stream *stream, int status);

/* What the engine is made of is not needed any more. */
void rl_tls_handshake_drop_recipe(struct rl_tls_stream *stream);

/* --- Of the stream, for the handshake. --- */

void rl_tls_stream_free(struct rl_tls_stream *stream);

/* Whatever the library has to say goes at once behind what it has said. A connection that takes no more
 * makes no difference to the library: whoever sends is told. */
void rl_tls_stream_out(void *ctx, struct rl_slice data);

/* Deliver what the fed bytes hold; all of them are used up. False: the stream is no more. */
bool rl_tls_stream_deliver(struct rl_tls_stream *stream);

/* The peer will send no more; with 0 or why. */
void rl_tls_stream_tcp_ended(struct rl_tls_stream *stream, int status);

/* If the server has given a session, and it is to be resumed. */
void rl_tls_stream_keep_session(struct rl_tls_stream *stream);

#endif
