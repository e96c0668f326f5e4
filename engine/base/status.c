/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/status.h"

#include <ctype.h>
#include <errno.h>
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

const char *rl_status_code(int status)
{
    static _Thread_local char numbered[16];
    const struct own *own = find_own(status < 0 ? status : RL_OK);
    const char *name = NULL;

    if (own != NULL)
        return own->code;
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
    for (size_t i = 0; i < sizeof(kernel_table) / sizeof(kernel_table[0]); i++) {
        if (kernel_table[i].status == status)
            return kernel_table[i].text;
    }
    if (status >= -MAX_ERRNO)
        text = strerrordesc_np(-status);
    return text == NULL ? "unknown error" : lower_first(text);
}
