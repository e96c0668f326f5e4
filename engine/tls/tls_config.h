/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_config - what a run, or one connect, asks of TLS; plain data, without the library's types.
 *
 * A struct rl_tls_config is the run's (tlsVersion, tlsCipherSuites, tlsAuth, insecureSkipTLSVerify) or the
 * server's. A struct rl_tls_options is what one connect says beyond it. rl_tls_config_check finds, before
 * the run, whatever would make every handshake fail for a reason of ours.
 *
 * Memory: all texts and lists are borrowed; they outlive the contexts made from them.
 */
#ifndef RL_TLS_TLS_CONFIG_H
#define RL_TLS_TLS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct rl_tls_context;
struct rl_tls_roots;

/* As written on the wire. RL_TLS_ANY: the default, 1.2 at least and 1.3 at most. */
enum rl_tls_version {
    RL_TLS_ANY = 0,
    RL_TLS_1_0 = 0x0301,
    RL_TLS_1_1 = 0x0302,
    RL_TLS_1_2 = 0x0303,
    RL_TLS_1_3 = 0x0304,
};

/* count texts; items may be NULL when count is 0. */
struct rl_tls_texts {
    const char *const *items;
    size_t count;
};

/* A certificate with its chain, and its key, both PEM. */
struct rl_tls_certificate {
    struct rl_slice cert, key;
    const char *password;        /* of a key in legacy PEM encryption; NULL: none */
    struct rl_tls_texts domains; /* hosts it is for: exact, or "*.name"; empty: any */
};

struct rl_tls_config {
    enum rl_tls_version min_version, max_version;
    struct rl_tls_texts cipher_suites; /* IANA names; restrict 1.2 and below; empty: our defaults */
    bool insecure_skip_verify;
    const struct rl_tls_certificate *certificates; /* a client's candidates, or the server's one */
    size_t certificate_count;
    struct rl_tls_texts alpn; /* empty: "http/1.1" of clients (T-073), whatever they ask of servers */
    bool no_alpn;             /* offer none */
    struct rl_slice ca;       /* PEM of the only roots to trust; empty: the system's (T-072) */
    struct rl_tls_roots *roots; /* the system's, shared; NULL: each context reads them for itself */
    bool resume;              /* sessions are kept by VU and peer (beyond k6) */
    const struct rl_tls_context *tickets; /* of servers: whose ticket keys it uses; NULL: its own */
};

enum rl_tls_choice { RL_TLS_AS_RUN = 0, RL_TLS_YES, RL_TLS_NO };

/* What one connect or start_tls says. Zeroed: everything as the run's config. Borrowed for the call. */
struct rl_tls_options {
    const char *servername;      /* SNI, and the name to verify; NULL: the host given (T-071) */
    bool alpn_given;             /* then alpn counts; an empty list offers none */
    struct rl_tls_texts alpn;
    struct rl_slice ca;          /* PEM; empty: as the run */
    struct rl_slice cert, key;   /* PEM; empty: as the run */
    const char *password;        /* of key; NULL: none */
    enum rl_tls_choice verify;   /* RL_TLS_NO: skip chain and name checks */
    enum rl_tls_choice resume;
    enum rl_tls_version min_version, max_version; /* RL_TLS_ANY: as the run */
};

/* "tls1.2" to RL_TLS_1_2; RL_TLS_ANY for what is none of the four names of T-074. */
enum rl_tls_version rl_tls_version_of(const char *name);

/* "tls1.2", "" for RL_TLS_ANY. */
const char *rl_tls_version_name(enum rl_tls_version version);

/* Is it one of the IANA names of T-075, whether or not this build has the suite? */
bool rl_tls_is_cipher_suite(const char *iana_name);

/* One problem: option is k6's name of what is wrong ("tlsAuth[1]", "tlsVersion"), text a clause
 * without a full stop that says why and how to mend it. */
typedef void rl_tls_problem_fn(void *ctx, const char *option, const char *text);

/* Everything that is wrong with config, each told once; how many. Needs no roots and no network. */
size_t rl_tls_config_check(const struct rl_tls_config *config, rl_tls_problem_fn *tell, void *ctx);

/* As above for what one connect says: 0, or -EINVAL and why in text. */
int rl_tls_options_check(const struct rl_tls_options *options, char *text, size_t text_bytes);

#endif
