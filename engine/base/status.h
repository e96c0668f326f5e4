/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * status - one int for success and every way to fail.
 *
 * Zero or more is success. -1 ... -4095 is the kernel's -errno as it came; below that are
 * our own. Each has a code (ECONNREFUSED, ENOTFOUND: what a script compares) and a text
 * (what a person reads).
 */
#ifndef RL_BASE_STATUS_H
#define RL_BASE_STATUS_H

enum rl_status {
    RL_OK = 0,
    RL_ENOTFOUND = -5001,    /* no such host */
    RL_EBLOCKED = -5002,     /* blockHostnames, blacklistIPs */
    RL_ETLS = -5003,         /* TLS handshake failed */
    RL_EDESTROYED = -5004,   /* the socket was destroyed and is not reusable */
    RL_ENOTCONN = -5005,     /* no active connection */
    RL_EINVALIDPORT = -5006, /* invalid port; code EINVAL */
    RL_ENOBLOCK = -5007,     /* a pool or table of ours is full; code ENOBUFS */

    /* Why TLS failed; code ETLS. */
    RL_ETLS_NO_SIGNER = -5201, /* nobody whom we trust has signed the certificate */
    RL_ETLS_NAME = -5202,      /* it is for another host */
    RL_ETLS_EXPIRED = -5203,
    RL_ETLS_NOT_YET = -5204,    /* it begins later */
    RL_ETLS_BAD_CERT = -5205,   /* it cannot be read, or may not be used so */
    RL_ETLS_SIGNATURE = -5206,  /* a signature is wrong */
    RL_ETLS_NOT_TLS = -5207,    /* the peer speaks something else */
    RL_ETLS_CLOSED = -5208,     /* the peer closed in the middle of a handshake */
    RL_ETLS_VERSION = -5209,    /* no version in common */
    RL_ETLS_CIPHER = -5210,     /* no cipher suite in common */
    RL_ETLS_ALPN = -5211,       /* no protocol in common */
    RL_ETLS_RECORD = -5212,     /* a record that does not decrypt, or is too long */
    RL_ETLS_TRUNCATED = -5213,  /* TCP ended inside a record (T-080) */
    RL_ETLS_PROTOCOL = -5214,   /* a message that must not come here */
    RL_ETLS_NO_ROOTS = -5215,   /* no certificate authorities are known */
    RL_ETLS_CONFIG = -5216,     /* what connect asked for cannot be had */
    RL_ETLS_LIBRARY = -5217,    /* wolfSSL failed for a reason without a name here */
    RL_ETLS_REVOKED = -5218,
    RL_ETLS_NO_CERT = -5219,    /* the peer sent no certificate */
    RL_ETLS_RESET = -5220,      /* TCP was reset in the middle of a handshake */
    RL_ETLS_ALERT = -5500,      /* minus the alert's number, 0 to 255: the peer sent it */
};

enum { RL_ALERTS = 256 };

/* The peer's alert of that number, as a status. */
static inline int rl_status_of_alert(unsigned number)
{
    return (int)RL_ETLS_ALERT - (int)(number % RL_ALERTS);
}

/* Is it RL_ETLS, or one of its causes? */
static inline int rl_status_is_tls(int status)
{
    return status == RL_ETLS || (status <= RL_ETLS_NO_SIGNER && status > (int)RL_ETLS_ALERT - RL_ALERTS);
}

/* "ECONNREFUSED", "ENOTFOUND", ... for any negative status, "E<number>" if nobody named it; "OK"
 * for success. Static memory (of a status without a name: good until this thread's next call). */
const char *rl_status_code(int status);

/* "connection refused", "no such host", ...: lower case, no full stop; static memory. */
const char *rl_status_text(int status);

#endif
