/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whom to trust: PEM that was given, SSL_CERT_FILE and SSL_CERT_DIR, or the distribution's bundle.
 *
 * Of a bundle four fifths of the time go into reading PEM. So that is done once for all contexts that share
 * the roots, and may be done before there is any load; a context only takes the certificates themselves.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/status.h"
#include "tls/tls_impl.h"

#include <wolfssl/wolfcrypt/asn_public.h>

enum { FILE_MAX_BYTES = 16 << 20, PATH_BYTES = 4096 };

/* Bundles of Debian and its kin, Fedora and RHEL, openSUSE, Alpine, and folders where there is none. */
static const char *const files[] = {
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",             "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
};
static const char *const folders[] = {"/etc/ssl/certs", "/etc/pki/tls/certs"};

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

struct rl_tls_roots {
    pthread_mutex_t mutex; /* of all below, until is_read; afterwards nothing changes */
    bool is_read;
    struct rl_slice *items; /* a certificate each, in DER */
    size_t count, capacity;
    char why[512]; /* without any */
};

/* --- One file. --- */

static bool is_known(const struct rl_tls_roots *roots, struct rl_slice der)
{
    for (size_t i = 0; i < roots->count; i++) {
        if (roots->items[i].size == der.size && memcmp(roots->items[i].data, der.data, der.size) == 0)
            return true;
    }
    return false;
}

/* Takes der over. A folder often has the same certificate under several names, and in a bundle. */
static void add(struct rl_tls_roots *roots, uint8_t *der, size_t size)
{
    if (is_known(roots, rl_slice_of(der, size))) {
        free(der);
        return;
    }
    if (roots->count == roots->capacity) {
        roots->capacity = roots->capacity == 0 ? 64 : 2 * roots->capacity;
        roots->items = realloc(roots->items, roots->capacity * sizeof(*roots->items));
        RL_CHECK(roots->items != NULL);
    }
    roots->items[roots->count++] = rl_slice_of(der, size);
}

/* What cannot be read is overlooked, as everybody does: one certificate of a kind unknown here must not
 * spoil the others. */
static void add_pem(struct rl_tls_roots *roots, const char *text, size_t size)
{
    uint8_t *der = malloc(size);
    int der_bytes;

    RL_CHECK(der != NULL);
    der_bytes = wc_CertPemToDer((const unsigned char *)text, (int)size, der, (int)size, CERT_TYPE);
    if (der_bytes > 0)
        add(roots, der, (size_t)der_bytes);
    else
        free(der);
}

static bool add_text(struct rl_tls_roots *roots, const char *text)
{
    size_t before = roots->count;
    const char *begin, *end;

    while ((begin = strstr(text, BEGIN)) != NULL && (end = strstr(begin, END)) != NULL) {
        text = end + strlen(END);
        add_pem(roots, begin, (size_t)(text - begin));
    }
    return roots->count > before;
}

/* Did it have any? */
static bool add_file(struct rl_tls_roots *roots, const char *path)
{
    FILE *file = fopen(path, "re");
    struct stat status;
    char *text = NULL;
    bool any = false;

    if (file == NULL)
        return false;
    if (fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
        status.st_size <= FILE_MAX_BYTES)
        text = malloc((size_t)status.st_size + 1);
    if (text != NULL) {
        text[fread(text, 1, (size_t)status.st_size, file)] = '\0';
        any = add_text(roots, text);
    }
    free(text);
    fclose(file);
    return any;
}

static bool add_folder(struct rl_tls_roots *roots, const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    bool any = false;
    char name[PATH_BYTES];

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.' && snprintf(name, sizeof(name), "%s/%s", path, entry->d_name) <
                                           (int)sizeof(name))
            any = add_file(roots, name) || any;
    }
    if (folder != NULL)
        closedir(folder);
    return any;
}

/* --- All there are. --- */

static const char *setting(const char *name)
{
    const char *text = getenv(name);

    return text == NULL || text[0] == '\0' ? NULL : text;
}

/* Either replaces its counterpart of the system; both may be given (T-072). */
static void read_settings(struct rl_tls_roots *roots, const char *file, const char *folder)
{
    char copy[PATH_BYTES], *rest = copy, *one;

    if (file != NULL)
        add_file(roots, file);
    snprintf(copy, sizeof(copy), "%s", folder == NULL ? "" : folder);
    while ((one = strsep(&rest, ":")) != NULL) {
        if (one[0] != '\0')
            add_folder(roots, one);
    }
    snprintf(roots->why, sizeof(roots->why), "no certificate could be read from %s%s%s%s%s",
             file != NULL ? "SSL_CERT_FILE=" : "", file != NULL ? file : "",
             file != NULL && folder != NULL ? " and " : "", folder != NULL ? "SSL_CERT_DIR=" : "",
             folder != NULL ? folder : "");
}

static void read_system(struct rl_tls_roots *roots)
{
    snprintf(roots->why, sizeof(roots->why),
             "this system has no certificate authorities to verify servers with; install "
             "ca-certificates, name a PEM file in SSL_CERT_FILE, or give ca or "
             "insecureSkipTLSVerify");
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (add_file(roots, files[i]))
            return;
    }
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (add_folder(roots, folders[i]))
            return;
    }
}

struct rl_tls_roots *rl_tls_roots_new(void)
{
    struct rl_tls_roots *roots = calloc(1, sizeof(*roots));

    if (roots != NULL)
        pthread_mutex_init(&roots->mutex, NULL);
    return roots;
}

void rl_tls_roots_free(struct rl_tls_roots *roots)
{
    if (roots == NULL)
        return;
    for (size_t i = 0; i < roots->count; i++)
        free((void *)(uintptr_t)roots->items[i].data);
    free(roots->items);
    pthread_mutex_destroy(&roots->mutex);
    free(roots);
}

void rl_tls_roots_read(struct rl_tls_roots *roots)
{
    const char *file = setting("SSL_CERT_FILE"), *folder = setting("SSL_CERT_DIR");

    pthread_mutex_lock(&roots->mutex);
    if (!roots->is_read) {
        if (file != NULL || folder != NULL)
            read_settings(roots, file, folder);
        else
            read_system(roots);
        roots->is_read = true;
    }
    pthread_mutex_unlock(&roots->mutex);
}

/* --- Into a context. --- */

static int trust_roots(WOLFSSL_CTX *ctx, struct rl_tls_roots *roots, char *why, size_t why_bytes)
{
    bool any = false;

    rl_tls_roots_read(roots);
    for (size_t i = 0; i < roots->count; i++)
        any = wolfSSL_CTX_load_verify_buffer(ctx, roots->items[i].data, (long)roots->items[i].size,
                                             WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS ||
              any;
    if (any)
        return 0;
    snprintf(why, why_bytes, "%s", roots->why);
    return RL_ETLS_NO_ROOTS;
}

int rl_tls_load_ca(WOLFSSL_CTX *ctx, struct rl_slice ca, char *why, size_t why_bytes)
{
    if (wolfSSL_CTX_load_verify_buffer(ctx, ca.data, (long)ca.size, WOLFSSL_FILETYPE_PEM) ==
        WOLFSSL_SUCCESS)
        return 0;
    snprintf(why, why_bytes, "ca is not a PEM certificate of an authority");
    return RL_ETLS_CONFIG;
}

int rl_tls_load_roots(WOLFSSL_CTX *ctx, const struct rl_tls_config *config, char *why,
                      size_t why_bytes)
{
    struct rl_tls_roots *own;
    int rc;

    if (config->ca.size > 0)
        return rl_tls_load_ca(ctx, config->ca, why, why_bytes);
    if (config->roots != NULL)
        return trust_roots(ctx, config->roots, why, why_bytes);
    own = rl_tls_roots_new();
    if (own == NULL)
        return -ENOMEM;
    rc = trust_roots(ctx, own, why, why_bytes);
    rl_tls_roots_free(own);
    return rc;
}
