/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Secrets in NSS's format, a line each, appended with one write: lines of several workers and runs do
 * not mix. This is the one file that workers write themselves; whoever asks for it looks into a few
 * connections, and is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls/tls_impl.h"

enum { RANDOM_BYTES = 32, SECRET_MAX = 64, LINE_MAX_BYTES = 320 };

struct rl_tls_keylog {
    int fd;
};

struct rl_tls_keylog *rl_tls_keylog_open(const char *path, char *why, size_t why_bytes)
{
    struct rl_tls_keylog *keylog = calloc(1, sizeof(*keylog));

    if (keylog == NULL) {
        snprintf(why, why_bytes, "there is no memory for the key log");
        return NULL;
    }
    keylog->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (keylog->fd >= 0)
        return keylog;
    snprintf(why, why_bytes, "cannot write TLS keys to %s: %s", path, strerror(errno));
    free(keylog);
    return NULL;
}

void rl_tls_keylog_close(struct rl_tls_keylog *keylog)
{
    if (keylog == NULL)
        return;
    close(keylog->fd);
    free(keylog);
}

#if defined(HAVE_SECRET_CALLBACK) || defined(OPENSSL_EXTRA)
static size_t put_hex(char *out, const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return 2 * size;
}

static void write_line(const struct rl_tls_keylog *keylog, WOLFSSL *ssl, const char *label,
                       const unsigned char *secret, size_t secret_bytes)
{
    unsigned char client_random[RANDOM_BYTES];
    char line[LINE_MAX_BYTES];
    size_t used;

    if (secret_bytes > SECRET_MAX ||
        wolfSSL_get_client_random(ssl, client_random, sizeof(client_random)) != RANDOM_BYTES)
        return;
    used = (size_t)snprintf(line, sizeof(line), "%s ", label);
    used += put_hex(line + used, client_random, RANDOM_BYTES);
    line[used++] = ' ';
    used += put_hex(line + used, secret, secret_bytes);
    line[used++] = '\n';
    while (write(keylog->fd, line, used) < 0 && errno == EINTR)
        ;
}
#endif

#ifdef HAVE_SECRET_CALLBACK
static int on_secret_13(WOLFSSL *ssl, int id, const unsigned char *secret, int secret_bytes,
                        void *ctx)
{
    static const char *const labels[] = {
        [CLIENT_EARLY_TRAFFIC_SECRET] = "CLIENT_EARLY_TRAFFIC_SECRET",
        [CLIENT_HANDSHAKE_TRAFFIC_SECRET] = "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        [SERVER_HANDSHAKE_TRAFFIC_SECRET] = "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        [CLIENT_TRAFFIC_SECRET] = "CLIENT_TRAFFIC_SECRET_0",
        [SERVER_TRAFFIC_SECRET] = "SERVER_TRAFFIC_SECRET_0",
        [EARLY_EXPORTER_SECRET] = "EARLY_EXPORTER_SECRET",
        [EXPORTER_SECRET] = "EXPORTER_SECRET",
    };

    if (id >= 0 && (size_t)id < sizeof(labels) / sizeof(labels[0]) && secret_bytes > 0)
        write_line(ctx, ssl, labels[id], secret, (size_t)secret_bytes);
    return 0;
}

static int on_secret_12(WOLFSSL *ssl, void *secret, int secret_bytes, void *ctx)
{
    if (secret_bytes > 0)
        write_line(ctx, ssl, "CLIENT_RANDOM", secret, (size_t)secret_bytes);
    return 0;
}
#endif

void rl_tls_keylog_watch(struct rl_tls_keylog *keylog, WOLFSSL *ssl)
{
    if (keylog == NULL)
        return;
#ifdef HAVE_SECRET_CALLBACK
    wolfSSL_KeepArrays(ssl);
    wolfSSL_set_tls13_secret_cb(ssl, on_secret_13, keylog);
    wolfSSL_set_secret_cb(ssl, on_secret_12, keylog);
#elif defined(OPENSSL_EXTRA)
    wolfSSL_KeepArrays(ssl);
#else
    (void)ssl;
#endif
}

void rl_tls_keylog_done(struct rl_tls_keylog *keylog, WOLFSSL *ssl)
{
#if !defined(HAVE_SECRET_CALLBACK) && defined(OPENSSL_EXTRA)
    unsigned char secret[SECRET_MAX];
    WOLFSSL_SESSION *session;
    int size;

    if (keylog == NULL || wolfSSL_version(ssl) > TLS1_2_VERSION)
        return;
    session = wolfSSL_get_session(ssl);
    size = session == NULL ? 0 : wolfSSL_SESSION_get_master_key(session, secret, sizeof(secret));
    if (size > 0)
        write_line(keylog, ssl, "CLIENT_RANDOM", secret, (size_t)size);
#else
    (void)keylog;
    (void)ssl;
#endif
}
