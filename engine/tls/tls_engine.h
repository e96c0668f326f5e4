/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_engine - one TLS session over memory: bytes in, bytes out, no connection.
 *
 *      feed(view) -> step until it says more, or done -> read until 0 or drained -> the view is used up
 *
 * The library takes what it needs of the view, also a record's first part; so nothing of it is kept. What
 * is to be sent goes to out at once, which takes all of it: no call ever waits for room.
 *
 * For the room's own files, their tests and the fuzzer. Thread: the context's worker. Memory: the caller's.
 */
#ifndef RL_TLS_TLS_ENGINE_H
#define RL_TLS_TLS_ENGINE_H

#include "tls/tls_context.h"

struct WOLFSSL;
struct WOLFSSL_CTX;

/* Bytes for the peer. */
typedef void rl_tls_out_fn(void *ctx, struct rl_slice data);

struct rl_tls_engine {
    struct WOLFSSL *ssl;            /* NULL: not made, or it could not be */
    struct rl_tls_context *context; /* held */
    rl_tls_out_fn *out;
    void *out_ctx;
    struct rl_slice in;     /* what was fed and is not taken */
    uint32_t record_left;   /* of the record under way, after its header */
    uint8_t header[5], header_bytes;
    bool ticket : 1;        /* a session came that could be resumed */
    bool failed : 1;        /* a fatal error: the session is of no use any more */
    char *subject;          /* of the peer's certificate, or NULL */
};

enum rl_tls_progress { RL_TLS_MORE = 0, RL_TLS_DONE = 1 };

/* For every new context: its callbacks. */
void rl_tls_engine_prepare(struct WOLFSSL_CTX *ctx);

/* servername: of clients: for SNI and verification; NULL for none. session: a blob of
 * rl_tls_engine_session, or empty. 0, -ENOMEM or RL_ETLS_... */
int rl_tls_engine_init(struct rl_tls_engine *engine, struct rl_tls_context *context,
                       const char *servername, struct rl_slice session, rl_tls_out_fn *out,
                       void *out_ctx);
void rl_tls_engine_fini(struct rl_tls_engine *engine);

/* Borrowed until it is used up. Only when the last one is. */
void rl_tls_engine_feed(struct rl_tls_engine *engine, struct rl_slice view);

/* Go on with the handshake: RL_TLS_MORE, RL_TLS_DONE, or why it failed. */
int rl_tls_engine_step(struct rl_tls_engine *engine);

/* Decrypt into out: how many bytes; 0: all that was fed is used up. *status then: 0; or it is over: 1
 * (close_notify), or why. */
size_t rl_tls_engine_read(struct rl_tls_engine *engine, uint8_t *out, size_t out_bytes, int *status);

/* After a read that gave something: another would surely give nothing, since what was fed ended with a
 * record and that has been read. To ask is a tenth of what the read would cost. */
bool rl_tls_engine_drained(const struct rl_tls_engine *engine);

/* What TCP's end means here: 0 between records, RL_ETLS_TRUNCATED inside one (T-080). */
int rl_tls_engine_end(const struct rl_tls_engine *engine);

/* Encrypt and give to out. 0 or RL_ETLS_... */
int rl_tls_engine_write(struct rl_tls_engine *engine, struct rl_slice data);

/* Give close_notify to out, if that can be. */
void rl_tls_engine_farewell(struct rl_tls_engine *engine);

/* The session that came last, for a later rl_tls_engine_init; malloc'ed, NULL if there is none new. */
uint8_t *rl_tls_engine_session(struct rl_tls_engine *engine, size_t *size_bytes);

bool rl_tls_engine_resumed(const struct rl_tls_engine *engine);
const char *rl_tls_engine_version(const struct rl_tls_engine *engine);
const char *rl_tls_engine_cipher(const struct rl_tls_engine *engine);
const char *rl_tls_engine_alpn(const struct rl_tls_engine *engine);

#endif
