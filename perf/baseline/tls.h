/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls - TLS 1.3 by wolfSSL for the client and the server here, on bytes that others move.
 *
 *      received bytes -> bench_tls_give -> handshake, read -> plaintext
 *      plaintext -> write -> out, out_len -> the caller sends them and sets out_len to 0
 *
 * One for a process. Its sessions take turns: what was given is taken whole before the next
 * session is given anything, and what came out is sent before the next one writes.
 */
#ifndef BENCH_TLS_H
#define BENCH_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_TLS_RECORD = 16384 };

typedef struct WOLFSSL bench_tls_session;

struct bench_tls {
    struct WOLFSSL_CTX *context;
    const uint8_t *in;
    size_t in_len;
    uint8_t *out;
    size_t out_len, out_room;
    uint8_t plain[BENCH_TLS_RECORD]; /* for the caller to read into */
};

/* A client that trusts the certificates in the file `ca`; a server with a certificate and its
 * key. 0, or -1 after a line on stderr. */
int bench_tls_open_client(struct bench_tls *tls, const char *ca);
int bench_tls_open_server(struct bench_tls *tls, const char *cert, const char *key);

/* host: the address or name that a client checks the certificate for; NULL at a server. */
bench_tls_session *bench_tls_begin(struct bench_tls *tls, const char *host);
void bench_tls_end(bench_tls_session *session);

/* Bytes that came, borrowed until the calls that follow want more. */
void bench_tls_give(struct bench_tls *tls, const uint8_t *data, size_t len);

/* 1 when the handshake is through, 0 when it wants more, -1 when it failed. */
int bench_tls_connect(bench_tls_session *session);
int bench_tls_accept(bench_tls_session *session);

/* Plaintext of one record in tls->plain: its length, 0 when more must come, -1 when it failed.
 * The other's close_notify reads as 0: FIN comes next. */
int bench_tls_read(struct bench_tls *tls, bench_tls_session *session);

/* false if it failed. */
bool bench_tls_write(bench_tls_session *session, const uint8_t *data, size_t len);

/* Say close_notify. */
void bench_tls_bye(bench_tls_session *session);

#endif
