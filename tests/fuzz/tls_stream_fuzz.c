/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes from the network into a session: the first byte says whose (a client that has said hello, a
 * server, or either of a finished pair) and of which size the pieces are; the rest is what the peer says.
 * Behind a handshake it is laid into records of application data, too, which must not decrypt.
 */
#include "fuzz.h"

#include <stdlib.h>

#include "base/assert.h"
#include "tls/tls_engine.h"
#include "tls/tls_library.h"

static struct rl_tls_context *client_context, *server_context;
static char *cert, *key;

static void make_contexts(void)
{
    static struct rl_tls_certificate certificate;
    static struct rl_tls_config server, client;
    char why[256];

    if (client_context != NULL)
        return;
    RL_CHECK(rl_tls_library_init() == 0 && rl_tls_self_signed(NULL, 0, &cert, &key) == 0);
    certificate.cert = rl_slice_str(cert);
    certificate.key = rl_slice_str(key);
    server.certificates = &certificate;
    server.certificate_count = 1;
    client.ca = rl_slice_str(cert);
    client.resume = true;
    client_context = rl_tls_context_new(&client, RL_TLS_CLIENT, NULL, why, sizeof(why));
    server_context = rl_tls_context_new(&server, RL_TLS_SERVER, NULL, why, sizeof(why));
    RL_CHECK(client_context != NULL && server_context != NULL);
}

static void keep(void *ctx, struct rl_slice data)
{
    RL_CHECK(rl_buf_append(ctx, data.data, data.size) == 0);
}

/* As a stream does: a step while it shakes hands, then reads until nothing is left. True: go on. */
static bool hear(struct rl_tls_engine *engine, bool *done, struct rl_slice data)
{
    uint8_t plain[4096];
    int status = 0, rc = RL_TLS_DONE;

    rl_tls_engine_feed(engine, data);
    if (!*done)
        rc = rl_tls_engine_step(engine);
    *done = *done || rc == RL_TLS_DONE;
    while (*done && rl_tls_engine_read(engine, plain, sizeof(plain), &status) > 0)
        ;
    RL_CHECK(rc < 0 || status != 0 || engine->in.size == 0);
    return rc >= 0 && status == 0;
}

static void hear_pieces(struct rl_tls_engine *engine, bool *done, struct rl_slice data, size_t piece)
{
    for (size_t at = 0; at < data.size; at += piece) {
        size_t size = data.size - at < piece ? data.size - at : piece;
        uint8_t *copy = malloc(size);
        bool more;

        RL_CHECK(copy != NULL);
        memcpy(copy, data.data + at, size);
        more = hear(engine, done, rl_slice_of(copy, size));
        free(copy);
        if (!more)
            return;
    }
    rl_tls_engine_end(engine);
}

static void finish_handshake(struct rl_tls_engine *client, struct rl_buf *from_client, bool *client_done,
                             struct rl_tls_engine *server, struct rl_buf *from_server, bool *server_done)
{
    hear(client, client_done, rl_slice_of(NULL, 0));
    for (int i = 0; i < 4; i++) {
        struct rl_buf heard = *from_client;

        rl_buf_init(from_client, 0);
        if (rl_buf_size(&heard) > 0)
            hear(server, server_done, rl_buf_view(&heard));
        rl_buf_fini(&heard);
        heard = *from_server;
        rl_buf_init(from_server, 0);
        if (rl_buf_size(&heard) > 0)
            hear(client, client_done, rl_buf_view(&heard));
        rl_buf_fini(&heard);
    }
    RL_CHECK(*client_done && *server_done);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rl_tls_engine client, server;
    struct rl_buf from_client, from_server;
    struct rl_slice said, none = rl_slice_of(NULL, 0);
    bool client_done = false, server_done = false;
    size_t piece;

    if (size < 1)
        return 0;
    make_contexts();
    rl_buf_init(&from_client, 0);
    rl_buf_init(&from_server, 0);
    said = rl_slice_of(data + 1, size - 1);
    piece = (data[0] >> 2) == 0 ? size : (size_t)(data[0] >> 2);
    RL_CHECK(rl_tls_engine_init(&client, client_context, "localhost", none, keep, &from_client) == 0);
    RL_CHECK(rl_tls_engine_init(&server, server_context, NULL, none, keep, &from_server) == 0);
    if ((data[0] & 0xc2) == 0xc2) /* dear, so seldom */
        finish_handshake(&client, &from_client, &client_done, &server, &from_server, &server_done);
    else
        hear(&client, &client_done, none);
    if ((data[0] & 1) != 0)
        hear_pieces(&client, &client_done, said, piece);
    else
        hear_pieces(&server, &server_done, said, piece);
    rl_tls_engine_fini(&client);
    rl_tls_engine_fini(&server);
    rl_buf_fini(&from_client);
    rl_buf_fini(&from_server);
    return 0;
}
