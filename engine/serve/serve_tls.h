/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * serve_tls - the certificate that the built-in server shows: a file's, or one made at start.
 *
 * Memory: what config points at is the struct's; rl_serve_tls_fini when no server uses it any more.
 */
#ifndef RL_SERVE_SERVE_TLS_H
#define RL_SERVE_SERVE_TLS_H

#include "net/addr.h"
#include "tls/tls_config.h"

struct rl_serve_tls {
    struct rl_tls_config config;
    struct rl_tls_certificate certificate;
    char *cert, *key; /* PEM */
    struct rl_tls_context *tickets; /* serves nobody: its keys are those of all workers' tickets */
};

/* What is asked for; a NULL text was not given. */
struct rl_serve_tls_request {
    const char *cert_file, *key_file; /* both, or neither: then one is made, for listen's address */
    const char *cert_out;             /* write the certificate here, for clients to trust */
    const char *version;              /* "tls1.2": that one only */
};

/* 0, or negative and why. */
int rl_serve_tls_init(struct rl_serve_tls *tls, const struct rl_serve_tls_request *request,
                      const struct rl_addr *listen, char *why, size_t why_bytes);
void rl_serve_tls_fini(struct rl_serve_tls *tls);

#endif
