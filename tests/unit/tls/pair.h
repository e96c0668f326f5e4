/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pair - a client and a server of TLS in memory; what they say to each other lies in two buffers. */
#ifndef RL_TEST_TLS_PAIR_H
#define RL_TEST_TLS_PAIR_H

#include <stdio.h>
#include <stdlib.h>

#include "cases.h"
#include "tls/tls_engine.h"
#include "tls/tls_library.h"

struct side {
    struct rl_tls_engine engine;
    struct rl_buf out;      /* said, and not yet heard by the other */
    struct rl_buf plain;    /* decrypted */
    int status;             /* of the last read that gave 0; or of the handshake */
    bool done, has_engine;
};

struct pair {
    struct rl_tls_config client_config, server_config;
    struct rl_tls_certificate certificate;
    char *cert, *key;
    struct rl_tls_context *client_context, *server_context;
    struct side client, server;
};

static inline void pair_out(void *ctx, struct rl_slice data)
{
    struct side *side = ctx;

    rl_require(rl_buf_append(&side->out, data.data, data.size) == 0);
}

/* Configs with defaults, which a test may change before pair_contexts. */
static inline void pair_init(struct pair *pair)
{
    static const char *const names[] = {"127.0.0.1", "::1", "a.test"};

    memset(pair, 0, sizeof(*pair));
    ck_assert_int_eq(rl_tls_library_init(), 0);
    ck_assert_int_eq(rl_tls_self_signed(names, 3, &pair->cert, &pair->key), 0);
    pair->certificate.cert = rl_slice_str(pair->cert);
    pair->certificate.key = rl_slice_str(pair->key);
    pair->server_config.certificates = &pair->certificate;
    pair->server_config.certificate_count = 1;
    pair->client_config.ca = rl_slice_str(pair->cert);
}

static inline void pair_contexts(struct pair *pair)
{
    char why[256];

    pair->client_context =
        rl_tls_context_new(&pair->client_config, RL_TLS_CLIENT, NULL, why, sizeof(why));
    ck_assert_msg(pair->client_context != NULL, "client: %s", why);
    pair->server_context =
        rl_tls_context_new(&pair->server_config, RL_TLS_SERVER, NULL, why, sizeof(why));
    ck_assert_msg(pair->server_context != NULL, "server: %s", why);
}

static inline void side_close(struct side *side)
{
    if (side->has_engine)
        rl_tls_engine_fini(&side->engine);
    rl_buf_fini(&side->out);
    rl_buf_fini(&side->plain);
    memset(side, 0, sizeof(*side));
}

static inline void pair_connect(struct pair *pair, const char *servername, struct rl_slice session)
{
    struct rl_slice none = rl_slice_of(NULL, 0);

    side_close(&pair->client);
    side_close(&pair->server);
    ck_assert_int_eq(rl_tls_engine_init(&pair->client.engine, pair->client_context, servername,
                                        session, pair_out, &pair->client), 0);
    pair->client.has_engine = true;
    ck_assert_int_eq(rl_tls_engine_init(&pair->server.engine, pair->server_context, NULL, none,
                                        pair_out, &pair->server), 0);
    pair->server.has_engine = true;
}

static inline void pair_fini(struct pair *pair)
{
    side_close(&pair->client);
    side_close(&pair->server);
    rl_tls_context_release(pair->client_context);
    rl_tls_context_release(pair->server_context);
    free(pair->cert);
    free(pair->key);
    rl_tls_library_fini();
}

/* Let side hear data. */
static inline void side_hear(struct side *side, struct rl_slice data)
{
    uint8_t plain[16384];
    size_t size;
    bool drained = false;

    if (side->status != 0)
        return;
    rl_tls_engine_feed(&side->engine, data);
    if (!side->done) {
        int rc = rl_tls_engine_step(&side->engine);

        side->done = rc == RL_TLS_DONE;
        side->status = rc < 0 ? rc : 0;
    }
    while (side->done &&
           (size = rl_tls_engine_read(&side->engine, plain, sizeof(plain), &side->status)) > 0) {
        ck_assert(!drained);
        drained = rl_tls_engine_drained(&side->engine);
        rl_require(rl_buf_append(&side->plain, plain, size) == 0);
    }
    ck_assert(!drained || side->status == 0);
}

/* What from has said goes to to, in pieces of at most piece bytes. How many bytes. */
static inline size_t pair_carry(struct side *from, struct side *to, size_t piece)
{
    struct rl_buf heard = from->out;
    struct rl_slice view = rl_buf_view(&heard);

    rl_buf_init(&from->out, 0);
    for (size_t at = 0; at < view.size; at += piece) {
        size_t size = view.size - at < piece ? view.size - at : piece;
        uint8_t *copy = malloc(size); /* so that a sanitizer sees who looks past it, or later */

        memcpy(copy, view.data + at, size);
        side_hear(to, rl_slice_of(copy, size));
        free(copy);
    }
    rl_buf_fini(&heard);
    return view.size;
}

/* Until neither has anything to say. */
static inline void pair_talk(struct pair *pair, size_t piece)
{
    for (int i = 0; i < 50; i++) {
        size_t moved = pair_carry(&pair->client, &pair->server, piece);

        moved += pair_carry(&pair->server, &pair->client, piece);
        if (moved == 0)
            return;
    }
    ck_abort_msg("they do not come to an end");
}

static inline void pair_shake(struct pair *pair, size_t piece)
{
    side_hear(&pair->client, rl_slice_of(NULL, 0));
    pair_talk(pair, piece);
}

#endif
