/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/tls_engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/status.h"
#include "tls/tls_impl.h"
#include "tls/tls_subject.h"

#include <wolfssl/version.h>

enum { HEADER_BYTES = 5, NAME_MAX_BYTES = 256, ADDR_TEXT = 48 };

/* The library's verify callback is told of the context's store, not of the session: this is the one whose
 * handshake the thread is in. */
static _Thread_local struct rl_tls_engine *in_handshake;

/* --- The library's side: what it receives and sends. --- */

/* Where records begin and end, from what the library was given: for T-080, since it reports TCP's end
 * inside a record as it does one between records; and so as not to ask it for more than there is. */
static bool in_body(const struct rl_tls_engine *engine)
{
    return engine->header_bytes == HEADER_BYTES;
}

/* Of the header, or of the body: no piece has bytes of both. */
static size_t left_of_part(const struct rl_tls_engine *engine)
{
    return in_body(engine) ? engine->record_left : HEADER_BYTES - (size_t)engine->header_bytes;
}

static void follow(struct rl_tls_engine *engine, const uint8_t *bytes, size_t size)
{
    if (in_body(engine)) {
        engine->record_left -= (uint32_t)size;
    } else {
        memcpy(engine->header + engine->header_bytes, bytes, size);
        engine->header_bytes += (uint8_t)size;
        if (!in_body(engine))
            return;
        engine->record_left = (uint32_t)engine->header[3] << 8 | engine->header[4];
    }
    if (engine->record_left == 0)
        engine->header_bytes = 0;
}

/* It asks for a header, then for its body. */
static int on_recv(WOLFSSL *ssl, char *out, int size, void *ctx)
{
    struct rl_tls_engine *engine = ctx;
    size_t take = size < 0 ? 0 : (size_t)size;

    (void)ssl;
    if (engine->in.size == 0)
        return WOLFSSL_CBIO_ERR_WANT_READ;
    if (take > engine->in.size)
        take = engine->in.size;
    if (take > left_of_part(engine))
        take = left_of_part(engine);
    memcpy(out, engine->in.data, take);
    follow(engine, engine->in.data, take);
    engine->in = rl_slice_of(engine->in.data + take, engine->in.size - take);
    return (int)take;
}

/* Takes all, always: a refusal would leave an encrypted record behind, to be sent again as it is. */
static int on_send(WOLFSSL *ssl, char *data, int size, void *ctx)
{
    struct rl_tls_engine *engine = ctx;

    (void)ssl;
    if (size > 0)
        engine->out(engine->out_ctx, rl_slice_of(data, (size_t)size));
    return size;
}

#ifdef HAVE_SESSION_TICKET
static int on_ticket(WOLFSSL *ssl, const unsigned char *ticket, int size, void *ctx)
{
    struct rl_tls_engine *engine = ctx;

    (void)ssl;
    (void)ticket;
    (void)size;
    engine->ticket = true;
    return 0;
}
#endif

#ifndef NO_WOLFSSL_CM_VERIFY
/* Changes no verdict; notes whose certificate it is. */
static int on_certificate(int is_good, WOLFSSL_X509_STORE_CTX *store)
{
    struct rl_tls_engine *engine = in_handshake;

    if (engine != NULL && engine->subject == NULL && store->totalCerts > 0 && store->certs != NULL)
        engine->subject =
            rl_tls_subject(rl_slice_of(store->certs[0].buffer, store->certs[0].length));
    return is_good;
}
#endif

void rl_tls_engine_prepare(WOLFSSL_CTX *ctx)
{
    wolfSSL_CTX_SetIORecv(ctx, on_recv);
    wolfSSL_CTX_SetIOSend(ctx, on_send);
#ifndef NO_WOLFSSL_CM_VERIFY
    wolfSSL_CertManagerSetVerify(wolfSSL_CTX_GetCertManager(ctx), on_certificate);
#endif
}

/* --- Start and end. --- */

/* T-071: a name goes into SNI, an address does not; either is verified. The library writes IPv6 addresses
 * its own way. */
static bool set_name(struct rl_tls_engine *engine, const char *servername)
{
    struct in6_addr v6;
    struct in_addr v4;
    char text[NAME_MAX_BYTES];
    bool is_v4 = inet_pton(AF_INET, servername, &v4) == 1;
    bool is_v6 = !is_v4 && inet_pton(AF_INET6, servername, &v6) == 1;
    size_t length = strlen(servername);

    if (length >= sizeof(text))
        return false;
    snprintf(text, sizeof(text), "%s", servername);
    if (length > 1 && text[length - 1] == '.') /* the root's dot is no part of the name */
        text[--length] = '\0';
    if (is_v6) {
        for (int i = 0; i < 8; i++)
            snprintf(text + i * 5, sizeof(text) - (size_t)i * 5, "%02X%02X%s", v6.s6_addr[2 * i],
                     v6.s6_addr[2 * i + 1], i < 7 ? ":" : "");
    }
    if (!is_v4 && !is_v6 && length > 0 &&
        wolfSSL_UseSNI(engine->ssl, WOLFSSL_SNI_HOST_NAME, text, (unsigned short)length) !=
            WOLFSSL_SUCCESS)
        return false;
    return !engine->context->verifies ||
           wolfSSL_check_domain_name(engine->ssl, text) == WOLFSSL_SUCCESS;
}

static void set_session(struct rl_tls_engine *engine, struct rl_slice blob)
{
#if defined(HAVE_SESSION_TICKET) && (defined(OPENSSL_EXTRA) || defined(HAVE_EXT_CACHE))
    const unsigned char *at = blob.data;
    WOLFSSL_SESSION *session;

    if (!engine->context->resumes || blob.size == 0)
        return;
    session = wolfSSL_d2i_SSL_SESSION(NULL, &at, (long)blob.size);
    if (session == NULL)
        return;
    wolfSSL_set_session(engine->ssl, session); /* refused: a full handshake follows */
    wolfSSL_SESSION_free(session);
#else
    (void)engine;
    (void)blob;
#endif
}

static bool set_alpn(struct rl_tls_engine *engine)
{
    char *list = engine->context->alpn;
    unsigned char mode = engine->context->role == RL_TLS_CLIENT ? WOLFSSL_ALPN_FAILED_ON_MISMATCH
                                                                : WOLFSSL_ALPN_CONTINUE_ON_MISMATCH;

    return list[0] == '\0' ||
           wolfSSL_UseALPN(engine->ssl, list, (unsigned)strlen(list), mode) == WOLFSSL_SUCCESS;
}

int rl_tls_engine_init(struct rl_tls_engine *engine, struct rl_tls_context *context,
                       const char *servername, struct rl_slice session, rl_tls_out_fn *out,
                       void *out_ctx)
{
    *engine = (struct rl_tls_engine){.out = out, .out_ctx = out_ctx};
    engine->ssl = wolfSSL_new(context->ctx);
    if (engine->ssl == NULL)
        return RL_ETLS_LIBRARY; /* memory, or no descriptor left to seed from */
    engine->context = rl_tls_context_hold(context);
    wolfSSL_SetIOReadCtx(engine->ssl, engine);
    wolfSSL_SetIOWriteCtx(engine->ssl, engine);
    if (!set_alpn(engine) || (context->role == RL_TLS_CLIENT && servername != NULL &&
                              !set_name(engine, servername))) {
        rl_tls_engine_fini(engine);
        return RL_ETLS_CONFIG;
    }
#ifdef HAVE_SESSION_TICKET
    if (context->role == RL_TLS_CLIENT && context->resumes)
        wolfSSL_set_SessionTicket_cb(engine->ssl, on_ticket, engine);
#endif
    set_session(engine, session);
    rl_tls_keylog_watch(context->keylog, engine->ssl);
    return 0;
}

void rl_tls_engine_fini(struct rl_tls_engine *engine)
{
    wolfSSL_free(engine->ssl);
    rl_tls_context_release(engine->context);
    free(engine->subject);
    engine->ssl = NULL;
    engine->context = NULL;
    engine->subject = NULL;
}

/* --- Running. --- */

void rl_tls_engine_feed(struct rl_tls_engine *engine, struct rl_slice view)
{
    RL_ASSERT(engine->in.size == 0);
    engine->in = view;
}

static int fail(struct rl_tls_engine *engine, int error)
{
    engine->failed = true;
    engine->in = rl_slice_of(NULL, 0);
    return rl_tls_status(engine->ssl, error);
}

int rl_tls_engine_step(struct rl_tls_engine *engine)
{
    bool client = engine->context->role == RL_TLS_CLIENT;
    int rc, error;

    in_handshake = engine;
    rc = client ? wolfSSL_connect(engine->ssl) : wolfSSL_accept(engine->ssl);
    in_handshake = NULL;
    if (rc != WOLFSSL_SUCCESS) {
        error = wolfSSL_get_error(engine->ssl, rc);
        if (error == WOLFSSL_ERROR_WANT_READ || error == WOLFSSL_ERROR_WANT_WRITE)
            return RL_TLS_MORE;
        return fail(engine, error);
    }
    rl_tls_keylog_done(engine->context->keylog, engine->ssl);
#ifdef OPENSSL_EXTRA
    if (engine->context->keylog == NULL)
        wolfSSL_FreeArrays(engine->ssl);
#endif
    return RL_TLS_DONE;
}

int rl_tls_engine_end(const struct rl_tls_engine *engine)
{
    return engine->header_bytes == 0 ? 0 : RL_ETLS_TRUNCATED;
}

bool rl_tls_engine_drained(const struct rl_tls_engine *engine)
{
    return engine->in.size == 0 && engine->header_bytes == 0 && wolfSSL_pending(engine->ssl) == 0;
}

size_t rl_tls_engine_read(struct rl_tls_engine *engine, uint8_t *out, size_t out_bytes, int *status)
{
    int rc, error;

    *status = 0;
    if (engine->failed)
        return 0;
    rc = wolfSSL_read(engine->ssl, out, (int)out_bytes);
    if (rc > 0)
        return (size_t)rc;
    error = wolfSSL_get_error(engine->ssl, rc);
    if (error == WOLFSSL_ERROR_WANT_READ || error == WOLFSSL_ERROR_WANT_WRITE)
        return 0;
    if (error == WOLFSSL_ERROR_ZERO_RETURN)
        *status = 1;
    else
        *status = fail(engine, error);
    return 0;
}

int rl_tls_engine_write(struct rl_tls_engine *engine, struct rl_slice data)
{
    int rc;

    if (engine->failed)
        return RL_ETLS;
    rc = wolfSSL_write(engine->ssl, data.data, (int)data.size);
    if (rc == (int)data.size)
        return 0;
    return fail(engine, wolfSSL_get_error(engine->ssl, rc));
}

void rl_tls_engine_farewell(struct rl_tls_engine *engine)
{
    if (engine->ssl != NULL && !engine->failed)
        wolfSSL_shutdown(engine->ssl); /* 0 or 2 when it has been given to out: the same to us */
}

/* --- What is known afterwards. --- */

#if defined(HAVE_SESSION_TICKET) && (defined(OPENSSL_EXTRA) || defined(HAVE_EXT_CACHE))
#if LIBWOLFSSL_VERSION_HEX < 0x05007004
/* Until 5.7.4 the library takes a server of TLS 1.2 that declines a ticket, and goes on in full, for one that
 * breaks the protocol, if the ticket was offered with a session id. It need not have one (RFC 5077, 3.4): so
 * what is kept has none. The layout is the library's own: side, time, time, length of the id, id; what does
 * not come out of it again as it went in stays as it was. */
static int drop_id(uint8_t *blob, int size)
{
    enum { LENGTH_AT = 1 + 4 + 4, ID_AT = LENGTH_AT + 1, ID_BYTES = 32, MAX_BYTES = 4096 };
    uint8_t without[MAX_BYTES], again[MAX_BYTES], *out = again;
    const unsigned char *in = without;
    WOLFSSL_SESSION *session;
    int left = size - ID_BYTES;

    if (left <= ID_AT || size > MAX_BYTES || blob[LENGTH_AT] != ID_BYTES)
        return size;
    memcpy(without, blob, ID_AT);
    without[LENGTH_AT] = 0;
    memcpy(without + ID_AT, blob + ID_AT + ID_BYTES, (size_t)(left - ID_AT));
    session = wolfSSL_d2i_SSL_SESSION(NULL, &in, left);
    if (session != NULL && wolfSSL_SESSION_has_ticket(session) &&
        wolfSSL_i2d_SSL_SESSION(session, NULL) == left &&
        wolfSSL_i2d_SSL_SESSION(session, &out) == left &&
        memcmp(again, without, (size_t)left) == 0) {
        memcpy(blob, without, (size_t)left);
        size = left;
    }
    wolfSSL_SESSION_free(session);
    return size;
}
#else
static int drop_id(uint8_t *blob, int size)
{
    (void)blob;
    return size;
}
#endif
#endif

uint8_t *rl_tls_engine_session(struct rl_tls_engine *engine, size_t *size_bytes)
{
#if defined(HAVE_SESSION_TICKET) && (defined(OPENSSL_EXTRA) || defined(HAVE_EXT_CACHE))
    WOLFSSL_SESSION *session;
    unsigned char *blob = NULL, *at;
    int size;

    if (!engine->ticket)
        return NULL;
    engine->ticket = false;
    session = wolfSSL_get1_session(engine->ssl);
    if (session == NULL)
        return NULL;
    size = wolfSSL_SESSION_has_ticket(session) ? wolfSSL_i2d_SSL_SESSION(session, NULL) : 0;
    if (size > 0)
        blob = malloc((size_t)size);
    at = blob;
    if (blob != NULL && wolfSSL_i2d_SSL_SESSION(session, &at) != size) {
        free(blob);
        blob = NULL;
    }
    if (blob != NULL && strcmp(wolfSSL_get_version(engine->ssl), "TLSv1.2") == 0)
        size = drop_id(blob, size);
    wolfSSL_SESSION_free(session);
    *size_bytes = (size_t)size;
    return blob;
#else
    (void)engine;
    (void)size_bytes;
    return NULL;
#endif
}

bool rl_tls_engine_resumed(const struct rl_tls_engine *engine)
{
    return wolfSSL_session_reused(engine->ssl) == 1;
}

const char *rl_tls_engine_version(const struct rl_tls_engine *engine)
{
    return wolfSSL_get_version(engine->ssl);
}

const char *rl_tls_engine_cipher(const struct rl_tls_engine *engine)
{
    int suite = wolfSSL_get_current_cipher_suite(engine->ssl);

    return wolfSSL_get_cipher_name_iana_from_suite((unsigned char)(suite >> 8 & 0xff),
                                                   (unsigned char)(suite & 0xff));
}

const char *rl_tls_engine_alpn(const struct rl_tls_engine *engine)
{
    char *name = NULL;
    unsigned short size = 0;

    return wolfSSL_ALPN_GetProtocol(engine->ssl, &name, &size) == WOLFSSL_SUCCESS ? name : NULL;
}
