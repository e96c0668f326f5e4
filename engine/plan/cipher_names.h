/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cipher_names - the cipher suites that k6 knows by name (T-075), and which of them there can be.
 */
#ifndef RL_PLAN_CIPHER_NAMES_H
#define RL_PLAN_CIPHER_NAMES_H

#include <stdbool.h>
#include <stddef.h>

enum rl_cipher_kind {
    RL_CIPHER_TLS12,      /* of TLS 1.2 */
    RL_CIPHER_TLS13,      /* of TLS 1.3, which tlsCipherSuites does not restrict */
    RL_CIPHER_STATIC_RSA, /* in no wolfSSL that we build or that Debian has */
    RL_CIPHER_RC4,
    RL_CIPHER_3DES,
};

struct rl_cipher_name {
    const char *name; /* IANA's */
    enum rl_cipher_kind kind;
};

/* By IANA's name or Go's, which leaves a SHA256 away; any case. NULL: there is none. */
const struct rl_cipher_name *rl_cipher_find(const char *name);

/* The one that somebody who wrote name may have meant, or NULL. */
const struct rl_cipher_name *rl_cipher_nearest(const char *name);

static inline bool rl_cipher_usable(const struct rl_cipher_name *cipher)
{
    return cipher->kind <= RL_CIPHER_TLS13;
}

/* Why an unusable one is: "static RSA", "RC4", "3DES". */
const char *rl_cipher_trait(const struct rl_cipher_name *cipher);

#endif
