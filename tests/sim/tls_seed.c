/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The certificate of a process and the contexts of a seed: tls_peer.h. */
#include <stdlib.h>

#include "tls/tls_context.h"
#include "tls/tls_library.h"
#include "sim.h"
#include "tls_peer.h"
#include "tls_seed.h"

enum { SEEDS_A_TLS = 3, CERT_SEED = 1, HANDSHAKES_MOST = 12 };

static char *cert_pem, *key_pem;
static struct rl_tls_context *client;
static WOLFSSL_CTX *server;
static unsigned handshakes_left;
static bool asks, only_13;

/* The same in each process, so that a seed is the same wherever it runs. */
void tls_library_begin(void)
{
    sim_begin(CERT_SEED);
    sim_require(rl_tls_library_init() == 0, "no TLS");
    sim_require(rl_tls_self_signed(NULL, 0, &cert_pem, &key_pem) == 0, "no certificate");
}

static struct rl_tls_context *make_client(void)
{
    static const enum rl_tls_version versions[] = {RL_TLS_1_2, RL_TLS_1_3, RL_TLS_ANY};
    enum rl_tls_version version = versions[sim_between(0, 2)];
    struct rl_tls_config config = {.min_version = version,
                                   .max_version = version,
                                   .insecure_skip_verify = sim_chance(500),
                                   .resume = sim_chance(500),
                                   .ca = rl_slice_str(cert_pem)};
    struct rl_tls_context *context;
    char why[200];

    context = rl_tls_context_new(&config, RL_TLS_CLIENT, NULL, why, sizeof(why));
    sim_require(context != NULL, "no client: %s", why);
    sim_trace("TLS: %s, %s, sessions %s", rl_tls_version_name(version),
              config.insecure_skip_verify ? "not verified" : "verified",
              config.resume ? "are kept" : "are not kept");
    return context;
}

static WOLFSSL_CTX *make_server(void)
{
    WOLFSSL_CTX *ctx;

    only_13 = sim_chance(200);
    ctx = wolfSSL_CTX_new(only_13 ? wolfTLSv1_3_server_method() : wolfSSLv23_server_method());
    sim_require(ctx != NULL, "no server");
    asks = sim_chance(100);
    wolfSSL_CTX_set_verify(ctx, asks ? WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT
                                     : WOLFSSL_VERIFY_NONE, NULL);
    sim_require(wolfSSL_CTX_use_certificate_buffer(ctx, (const unsigned char *)cert_pem,
                                                   (long)strlen(cert_pem), WOLFSSL_FILETYPE_PEM) ==
                    WOLFSSL_SUCCESS, "no certificate");
    sim_require(wolfSSL_CTX_use_PrivateKey_buffer(ctx, (const unsigned char *)key_pem,
                                                  (long)strlen(key_pem), WOLFSSL_FILETYPE_PEM) ==
                    WOLFSSL_SUCCESS, "no key");
    wolfSSL_CTX_set_session_cache_mode(ctx, WOLFSSL_SESS_CACHE_OFF); /* it would outlive the seed */
    if (sim_chance(500))
        wolfSSL_CTX_set_group_messages(ctx);
    sim_trace("TLS: the server asks for %s certificate, and speaks %s", asks ? "a" : "no",
              only_13 ? "1.3" : "1.2 and 1.3");
    return ctx;
}

/* Handshakes cost what hundreds of plain connections do: few seeds, and few in each. */
bool tls_seed_begin(void)
{
    if (sim.seed % SEEDS_A_TLS != 0)
        return false;
    handshakes_left = HANDSHAKES_MOST;
    client = make_client();
    server = make_server();
    return true;
}

void tls_seed_end(void)
{
    rl_tls_context_release(client);
    wolfSSL_CTX_free(server);
    client = NULL;
    server = NULL;
}

struct rl_tls_context *tls_client_context(void)
{
    return client;
}

bool tls_seed_refuses(void)
{
    return asks || only_13;
}

WOLFSSL *tls_seed_server(void)
{
    WOLFSSL *ssl;

    if (server == NULL || handshakes_left == 0 || !sim_chance(700))
        return NULL;
    handshakes_left--;
    ssl = wolfSSL_new(server);
    sim_require(ssl != NULL, "no server session");
    return ssl;
}
