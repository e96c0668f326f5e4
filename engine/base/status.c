/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/status.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ERRNO = 4095 };

struct text {
    int status;
    const char *text;
};

struct own {
    enum rl_status status;
    const char *code, *text;
};

static const struct own own_table[] = {
    {RL_OK, "OK", "success"},
    {RL_ENOTFOUND, "ENOTFOUND", "no such host"},
    {RL_EBLOCKED, "EBLOCKED", "blocked by the options of the test"},
    {RL_ETLS, "ETLS", "TLS handshake failed"},
    {RL_EDESTROYED, "EDESTROYED", "socket was destroyed"},
    {RL_ENOTCONN, "ENOTCONN", "no active connection"},
    {RL_EINVALIDPORT, "EINVAL", "invalid port"},
    {RL_ENOBLOCK, "ENOBUFS", "a limit of ringload was reached"},
    {RL_ETLS_NO_SIGNER, "ETLS", "certificate signed by unknown authority"},
    {RL_ETLS_NAME, "ETLS", "certificate is not valid for this host name"},
    {RL_ETLS_EXPIRED, "ETLS", "certificate has expired"},
    {RL_ETLS_NOT_YET, "ETLS", "certificate is not yet valid"},
    {RL_ETLS_BAD_CERT, "ETLS", "bad certificate"},
    {RL_ETLS_SIGNATURE, "ETLS", "bad signature"},
    {RL_ETLS_NOT_TLS, "ETLS", "the peer does not speak TLS"},
    {RL_ETLS_CLOSED, "ETLS", "the peer closed the connection in the middle of the handshake"},
    {RL_ETLS_VERSION, "ETLS", "no TLS version in common"},
    {RL_ETLS_CIPHER, "ETLS", "no cipher suite in common"},
    {RL_ETLS_ALPN, "ETLS", "no application protocol in common"},
    {RL_ETLS_RECORD, "ETLS", "bad TLS record"},
    {RL_ETLS_TRUNCATED, "ETLS", "unexpected EOF inside a TLS record"},
    {RL_ETLS_PROTOCOL, "ETLS", "unexpected TLS message"},
    {RL_ETLS_NO_ROOTS, "ETLS", "no certificate authorities were found"},
    {RL_ETLS_CONFIG, "ETLS", "bad TLS option"},
    {RL_ETLS_LIBRARY, "ETLS", "the TLS library failed"},
    {RL_ETLS_REVOKED, "ETLS", "certificate was revoked"},
    {RL_ETLS_RESET, "ETLS", "connection reset by peer"},
    {RL_ETLS_NO_CERT, "ETLS", "the peer sent no certificate"},
};

/* RFC 8446 section 6, with those of TLS 1.2. */
static const struct text alert_table[] = {
    {0, "remote error: tls: close notify"},
    {10, "remote error: tls: unexpected message"},
    {20, "remote error: tls: bad record MAC"},
    {21, "remote error: tls: decryption failed"},
    {22, "remote error: tls: record overflow"},
    {30, "remote error: tls: decompression failure"},
    {40, "remote error: tls: handshake failure"},
    {41, "remote error: tls: no certificate"},
    {42, "remote error: tls: bad certificate"},
    {43, "remote error: tls: unsupported certificate"},
    {44, "remote error: tls: revoked certificate"},
    {45, "remote error: tls: expired certificate"},
    {46, "remote error: tls: unknown certificate"},
    {47, "remote error: tls: illegal parameter"},
    {48, "remote error: tls: unknown certificate authority"},
    {49, "remote error: tls: access denied"},
    {50, "remote error: tls: error decoding message"},
    {51, "remote error: tls: error decrypting message"},
    {60, "remote error: tls: export restriction"},
    {70, "remote error: tls: protocol version not supported"},
    {71, "remote error: tls: insufficient security level"},
    {80, "remote error: tls: internal error"},
    {86, "remote error: tls: inappropriate fallback"},
    {90, "remote error: tls: user canceled"},
    {100, "remote error: tls: no renegotiation"},
    {109, "remote error: tls: missing extension"},
    {110, "remote error: tls: unsupported extension"},
    {111, "remote error: tls: certificate unobtainable"},
    {112, "remote error: tls: unrecognized name"},
    {113, "remote error: tls: bad certificate status response"},
    {114, "remote error: tls: bad certificate hash value"},
    {115, "remote error: tls: unknown PSK identity"},
    {116, "remote error: tls: certificate required"},
    {120, "remote error: tls: no application protocol"},
};

/* What networks, files and io_uring give. The C library knows the rest, but writes them its way. */
static const struct text kernel_table[] = {
    {-EPERM, "operation not permitted"},
    {-ENOENT, "no such file or directory"},
    {-EINTR, "interrupted system call"},
    {-EIO, "input/output error"},
    {-EBADF, "bad file descriptor"},
    {-EAGAIN, "resource temporarily unavailable"},
    {-ENOMEM, "cannot allocate memory"},
    {-EACCES, "permission denied"},
    {-EFAULT, "bad address"},
    {-EBUSY, "device or resource busy"},
    {-EEXIST, "file exists"},
    {-ENODEV, "no such device"},
    {-EINVAL, "invalid argument"},
    {-ENFILE, "too many open files in system"},
    {-EMFILE, "too many open files"},
    {-ENOSPC, "no space left on device"},
    {-EPIPE, "broken pipe"},
    {-ERANGE, "result out of range"},
    {-ENOSYS, "function not implemented"},
    {-EPROTO, "protocol error"},
    {-EOVERFLOW, "value too large"},
    {-ENOTSOCK, "not a socket"},
    {-EDESTADDRREQ, "destination address required"},
    {-EMSGSIZE, "message too long"},
    {-ENOPROTOOPT, "protocol not available"},
    {-EPROTONOSUPPORT, "protocol not supported"},
    {-EOPNOTSUPP, "operation not supported"},
    {-EAFNOSUPPORT, "address family not supported by protocol"},
    {-EADDRINUSE, "address already in use"},
    {-EADDRNOTAVAIL, "cannot assign requested address"},
    {-ENETDOWN, "network is down"},
    {-ENETUNREACH, "network is unreachable"},
    {-ENETRESET, "network dropped connection on reset"},
    {-ECONNABORTED, "connection aborted"},
    {-ECONNRESET, "connection reset by peer"},
    {-ENOBUFS, "no buffer space available"},
    {-EISCONN, "already connected"},
    {-ENOTCONN, "socket is not connected"},
    {-ESHUTDOWN, "cannot send after shutdown"},
    {-ETIMEDOUT, "i/o timeout"},
    {-ECONNREFUSED, "connection refused"},
    {-EHOSTDOWN, "host is down"},
    {-EHOSTUNREACH, "no route to host"},
    {-EALREADY, "connection attempt already in progress"},
    {-EINPROGRESS, "operation now in progress"},
    {-ESTALE, "stale file handle"},
    {-EDQUOT, "disk quota exceeded"},
    {-ECANCELED, "operation canceled"},
};

static const struct own *find_own(int status)
{
    for (size_t i = 0; i < sizeof(own_table) / sizeof(own_table[0]); i++) {
        if ((int)own_table[i].status == status)
            return &own_table[i];
    }
    return NULL;
}

static bool is_alert(int status)
{
    return status <= (int)RL_ETLS_ALERT && status > (int)RL_ETLS_ALERT - RL_ALERTS;
}

static const char *alert_text(int number)
{
    for (size_t i = 0; i < sizeof(alert_table) / sizeof(alert_table[0]); i++) {
        if (alert_table[i].status == number)
            return alert_table[i].text;
    }
    return "remote error: tls: an alert without a name";
}

const char *rl_status_code(int status)
{
    static _Thread_local char numbered[16];
    const struct own *own = find_own(status < 0 ? status : RL_OK);
    const char *name = NULL;

    if (own != NULL)
        return own->code;
    if (is_alert(status))
        return "ETLS";
    if (status == -EOPNOTSUPP) /* the same number as ENOTSUP, which the C library prefers */
        return "EOPNOTSUPP";
    if (status >= -MAX_ERRNO)
        name = strerrorname_np(-status);
    if (name != NULL)
        return name;
    snprintf(numbered, sizeof(numbered), "E%u", 0U - (unsigned)status);
    return numbered;
}

static const char *lower_first(const char *text)
{
    static _Thread_local char copy[64];

    if (isupper((unsigned char)text[0]) && islower((unsigned char)text[1])) {
        snprintf(copy, sizeof(copy), "%c%s", tolower((unsigned char)text[0]), text + 1);
        return copy;
    }
    return text;
}

const char *rl_status_text(int status)
{
    const struct own *own = find_own(status < 0 ? status : RL_OK);
    const char *text = NULL;

    if (own != NULL)
        return own->text;
    if (is_alert(status))
        return alert_text((int)RL_ETLS_ALERT - status);
    for (size_t i = 0; i < sizeof(kernel_table) / sizeof(kernel_table[0]); i++) {
        if (kernel_table[i].status == status)
            return kernel_table[i].text;
    }
    if (status >= -MAX_ERRNO)
        text = strerrordesc_np(-status);
    return text == NULL ? "unknown error" : lower_first(text);
}
