/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whom to trust: PEM that was given, SSL_CERT_FILE and SSL_CERT_DIR, or the distribution's bundle. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/status.h"
#include "tls/tls_impl.h"

/* Bundles of Debian and its kin, Fedora and RHEL, openSUSE, Alpine, and folders where there is none. */
static const char *const files[] = {
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",             "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
};
static const char *const folders[] = {"/etc/ssl/certs", "/etc/pki/tls/certs"};

enum { TOLERANT = WOLFSSL_LOAD_FLAG_IGNORE_ERR };

/* The library, when it is to overlook the certificates that it cannot read, overlooks also a file
 * that is not there or has none. */
static bool has_certificate(const char *path)
{
    FILE *file = fopen(path, "re");
    char line[256];
    bool found = false;

    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL)
        found = strstr(line, "-----BEGIN ") != NULL && strstr(line, "CERTIFICATE-----") != NULL;
    if (file != NULL)
        fclose(file);
    return found;
}

static bool load(WOLFSSL_CTX *ctx, const char *file, const char *folder)
{
    if (file != NULL ? !has_certificate(file) : access(folder, R_OK | X_OK) != 0)
        return false;
    return wolfSSL_CTX_load_verify_locations_ex(ctx, file, folder, TOLERANT) == WOLFSSL_SUCCESS;
}

static const char *setting(const char *name)
{
    const char *text = getenv(name);

    return text == NULL || text[0] == '\0' ? NULL : text;
}

/* Either replaces its counterpart of the system; both may be given (T-072). */
static int load_settings(WOLFSSL_CTX *ctx, const char *file, const char *folder, char *why,
                         size_t why_bytes)
{
    bool any = false;

    if (file != NULL)
        any = load(ctx, file, NULL);
    if (folder != NULL) {
        char copy[4096], *rest = copy, *one;

        snprintf(copy, sizeof(copy), "%s", folder);
        while ((one = strsep(&rest, ":")) != NULL)
            any = (one[0] != '\0' && load(ctx, NULL, one)) || any;
    }
    if (any)
        return 0;
    snprintf(why, why_bytes, "no certificate could be read from %s%s%s%s%s",
             file != NULL ? "SSL_CERT_FILE=" : "", file != NULL ? file : "",
             file != NULL && folder != NULL ? " and " : "", folder != NULL ? "SSL_CERT_DIR=" : "",
             folder != NULL ? folder : "");
    return RL_ETLS_NO_ROOTS;
}

static int load_system(WOLFSSL_CTX *ctx, char *why, size_t why_bytes)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (load(ctx, files[i], NULL))
            return 0;
    }
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (load(ctx, NULL, folders[i]))
            return 0;
    }
    snprintf(why, why_bytes,
             "this system has no certificate authorities to verify servers with; install "
             "ca-certificates, name a PEM file in SSL_CERT_FILE, or give ca or "
             "insecureSkipTLSVerify");
    return RL_ETLS_NO_ROOTS;
}

int rl_tls_load_roots(WOLFSSL_CTX *ctx, struct rl_slice ca, char *why, size_t why_bytes)
{
    const char *file = setting("SSL_CERT_FILE"), *folder = setting("SSL_CERT_DIR");

    if (ca.size > 0) {
        if (wolfSSL_CTX_load_verify_buffer(ctx, ca.data, (long)ca.size, WOLFSSL_FILETYPE_PEM) ==
            WOLFSSL_SUCCESS)
            return 0;
        snprintf(why, why_bytes, "ca is not a PEM certificate of an authority");
        return RL_ETLS_CONFIG;
    }
    if (file != NULL || folder != NULL)
        return load_settings(ctx, file, folder, why, why_bytes);
    return load_system(ctx, why, why_bytes);
}
