/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_impl - what the files of the room share: the library's headers and types. Not for other rooms. */
#ifndef RL_TLS_TLS_IMPL_H
#define RL_TLS_TLS_IMPL_H

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "tls/tls_context.h"

struct rl_tls_context {
    WOLFSSL_CTX *ctx;
    uint64_t id;
    struct rl_tls_keylog *keylog;
    uint32_t references;
    enum rl_tls_role role;
    bool verifies, resumes;
    uint64_t key;    /* of the cache: what it was made from */
    uint64_t used;   /* of the cache: when it was asked for last */
    char alpn[];     /* comma list, as the library wants it; "": none */
};

/* The failure of a call that gave error, as a status of ours. ssl: for the peer's alert, may be NULL. */
int rl_tls_status(WOLFSSL *ssl, int error);

/* Put a certificate and its key into ctx. 0, or -EINVAL and why. */
int rl_tls_load_certificate(WOLFSSL_CTX *ctx, struct rl_slice cert, struct rl_slice key,
                            const char *password, char *why, size_t why_bytes);

/* The only roots to trust, in PEM. 0, or RL_ETLS_CONFIG and why. */
int rl_tls_load_ca(WOLFSSL_CTX *ctx, struct rl_slice ca, char *why, size_t why_bytes);

/* The roots to trust: config's ca if it is not empty, else the system's. 0, -ENOMEM, RL_ETLS_NO_ROOTS or
 * RL_ETLS_CONFIG, and why. */
int rl_tls_load_roots(WOLFSSL_CTX *ctx, const struct rl_tls_config *config, char *why,
                      size_t why_bytes);

/* The list for the library: iana_names, or our defaults if there are none, behind the suites of 1.3. The
 * names that this build lacks are left out. How many of iana_names are left. */
size_t rl_tls_suites(const struct rl_tls_texts *iana_names, char *out, size_t out_bytes);

/* Can this build do that range of versions? */
bool rl_tls_has_versions(enum rl_tls_version min, enum rl_tls_version max);

/* NULL if not. The context made from it owns it. */
WOLFSSL_METHOD *rl_tls_method(enum rl_tls_role role, enum rl_tls_version min,
                              enum rl_tls_version max);

/* Write the session's secrets as they come to be known. */
void rl_tls_keylog_watch(struct rl_tls_keylog *keylog, WOLFSSL *ssl);

/* The handshake is over: what could not be written before. */
void rl_tls_keylog_done(struct rl_tls_keylog *keylog, WOLFSSL *ssl);

#endif
