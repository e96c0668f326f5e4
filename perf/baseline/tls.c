/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

static int failed(const char *what)
{
    fprintf(stderr, "TLS: %s\n", what);
    return -1;
}

static int take(WOLFSSL *session, char *to, int size, void *context)
{
    struct bench_tls *tls = context;
    size_t len = (size_t)size < tls->in_len ? (size_t)size : tls->in_len;

    (void)session;
    if (len == 0)
        return WOLFSSL_CBIO_ERR_WANT_READ;
    memcpy(to, tls->in, len);
    tls->in += len;
    tls->in_len -= len;
    return (int)len;
}

/* Takes everything, so that nothing is ever written twice. */
static int keep(WOLFSSL *session, char *data, int size, void *context)
{
    struct bench_tls *tls = context;
    size_t len = (size_t)size;

    (void)session;
    if (tls->out_len + len > tls->out_room) {
        tls->out_room = 2 * (tls->out_len + len);
        tls->out = realloc(tls->out, tls->out_room);
        if (tls->out == NULL)
            abort();
    }
    memcpy(tls->out + tls->out_len, data, len);
    tls->out_len += len;
    return size;
}

static int open_context(struct bench_tls *tls, WOLFSSL_METHOD *method)
{
    static int groups[] = {WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1};

    memset(tls, 0, sizeof(*tls));
    if (wolfSSL_Init() != WOLFSSL_SUCCESS)
        return failed("wolfSSL_Init");
    tls->context = wolfSSL_CTX_new(method);
    if (tls->context == NULL)
        return failed("no context");
    wolfSSL_CTX_SetIORecv(tls->context, take);
    wolfSSL_CTX_SetIOSend(tls->context, keep);
    wolfSSL_CTX_set_group_messages(tls->context);
    if (wolfSSL_CTX_set_groups(tls->context, groups, 2) != WOLFSSL_SUCCESS)
        return failed("groups");
    if (wolfSSL_CTX_set_cipher_list(tls->context, "TLS13-AES128-GCM-SHA256") != WOLFSSL_SUCCESS)
        return failed("cipher suites");
    return 0;
}

int bench_tls_open_client(struct bench_tls *tls, const char *ca)
{
    if (open_context(tls, wolfTLSv1_3_client_method()) != 0)
        return -1;
    wolfSSL_CTX_set_verify(tls->context, WOLFSSL_VERIFY_PEER, NULL);
    if (wolfSSL_CTX_load_verify_locations(tls->context, ca, NULL) != WOLFSSL_SUCCESS)
        return failed(ca);
    return 0;
}

int bench_tls_open_server(struct bench_tls *tls, const char *cert, const char *key)
{
    if (open_context(tls, wolfTLSv1_3_server_method()) != 0)
        return -1;
    if (wolfSSL_CTX_use_certificate_chain_file(tls->context, cert) != WOLFSSL_SUCCESS)
        return failed(cert);
    if (wolfSSL_CTX_use_PrivateKey_file(tls->context, key, WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS)
        return failed(key);
    /* A client that closes with a ticket unread would reset the connection. */
    if (wolfSSL_CTX_no_ticket_TLSv13(tls->context) != 0)
        return failed("no tickets");
    return 0;
}

bench_tls_session *bench_tls_begin(struct bench_tls *tls, const char *host)
{
    WOLFSSL *session = wolfSSL_new(tls->context);

    if (session == NULL ||
        (host != NULL && wolfSSL_check_domain_name(session, host) != WOLFSSL_SUCCESS)) {
        failed("no session");
        exit(1);
    }
    wolfSSL_SetIOReadCtx(session, tls);
    wolfSSL_SetIOWriteCtx(session, tls);
    return session;
}

void bench_tls_end(bench_tls_session *session)
{
    wolfSSL_free(session);
}

void bench_tls_give(struct bench_tls *tls, const uint8_t *data, size_t len)
{
    tls->in = data;
    tls->in_len = len;
}

static int wants_more(WOLFSSL *session, int result)
{
    int error = wolfSSL_get_error(session, result);
    char text[WOLFSSL_MAX_ERROR_SZ];

    if (error == WOLFSSL_ERROR_WANT_READ || error == WOLFSSL_ERROR_ZERO_RETURN)
        return 0;
    return failed(wolfSSL_ERR_error_string((unsigned long)error, text));
}

int bench_tls_connect(bench_tls_session *session)
{
    int result = wolfSSL_connect(session);

    return result == WOLFSSL_SUCCESS ? 1 : wants_more(session, result);
}

int bench_tls_accept(bench_tls_session *session)
{
    int result = wolfSSL_accept(session);

    return result == WOLFSSL_SUCCESS ? 1 : wants_more(session, result);
}

int bench_tls_read(struct bench_tls *tls, bench_tls_session *session)
{
    int len = wolfSSL_read(session, tls->plain, sizeof(tls->plain));

    return len > 0 ? len : wants_more(session, len);
}

bool bench_tls_write(bench_tls_session *session, const uint8_t *data, size_t len)
{
    return wolfSSL_write(session, data, (int)len) == (int)len;
}

void bench_tls_bye(bench_tls_session *session)
{
    wolfSSL_shutdown(session);
}
