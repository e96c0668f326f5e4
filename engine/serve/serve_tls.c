/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serve/serve_tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "tls/tls_context.h"

enum { FILE_MAX_BYTES = 1024 * 1024 };

static char *read_file(const char *path, char *why, size_t why_bytes)
{
    char *text = NULL;
    FILE *file = fopen(path, "re");
    size_t size;

    if (file == NULL) {
        snprintf(why, why_bytes, "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    text = malloc(FILE_MAX_BYTES + 1);
    size = text == NULL ? 0 : fread(text, 1, FILE_MAX_BYTES, file);
    if (text != NULL && size > 0 && !ferror(file)) {
        text[size] = '\0';
    } else {
        snprintf(why, why_bytes, "cannot read %s: it is empty, or not a file", path);
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

static int write_file(const char *path, const char *text, char *why, size_t why_bytes)
{
    FILE *file = fopen(path, "we");
    bool good = file != NULL && fputs(text, file) >= 0;

    if (file != NULL && fclose(file) != 0)
        good = false;
    if (good)
        return 0;
    snprintf(why, why_bytes, "cannot write %s: %s", path, strerror(errno));
    return -EIO;
}

static int read_pair(struct rl_serve_tls *tls, const struct rl_serve_tls_request *request, char *why,
                     size_t why_bytes)
{
    if (request->cert_file == NULL || request->key_file == NULL) {
        snprintf(why, why_bytes, "a certificate and its key go together: give both --tls-cert and "
                                 "--tls-key, or neither");
        return -EINVAL;
    }
    tls->cert = read_file(request->cert_file, why, why_bytes);
    tls->key = tls->cert == NULL ? NULL : read_file(request->key_file, why, why_bytes);
    return tls->key == NULL ? -EINVAL : 0;
}

/* For the address it listens on, and for those by which loopback is usually called. */
static int make_pair(struct rl_serve_tls *tls, const struct rl_addr *listen, char *why,
                     size_t why_bytes)
{
    char ip[RL_ADDR_TEXT];
    const char *const names[] = {"127.0.0.1", "::1", ip};
    int rc;

    rl_addr_format_ip(listen, ip);
    rc = rl_tls_self_signed(names, sizeof(names) / sizeof(names[0]), &tls->cert, &tls->key);
    if (rc < 0)
        snprintf(why, why_bytes, "cannot make a certificate: %s", rl_status_text(rc));
    return rc;
}

static void tell_first(void *ctx, const char *option, const char *text)
{
    char *why = ctx;

    if (why[0] == '\0')
        snprintf(why, 256, "%s: %s", option, text);
}

static int check(struct rl_serve_tls *tls, const struct rl_serve_tls_request *request, char *why,
                 size_t why_bytes)
{
    char text[256] = "";

    tls->certificate.cert = rl_slice_str(tls->cert);
    tls->certificate.key = rl_slice_str(tls->key);
    tls->config.certificates = &tls->certificate;
    tls->config.certificate_count = 1;
    if (request->version != NULL) {
        tls->config.min_version = tls->config.max_version = rl_tls_version_of(request->version);
        if (tls->config.min_version == RL_TLS_ANY) {
            snprintf(why, why_bytes, "\"%.40s\" is not a version of TLS; write tls1.2 or tls1.3",
                     request->version);
            return -EINVAL;
        }
    }
    if (rl_tls_config_check(&tls->config, tell_first, text) == 0)
        return 0;
    snprintf(why, why_bytes, "%s", text);
    return -EINVAL;
}

static int make_tickets(struct rl_serve_tls *tls, char *why, size_t why_bytes)
{
    tls->tickets = rl_tls_context_new(&tls->config, RL_TLS_SERVER, NULL, why, why_bytes);
    tls->config.tickets = tls->tickets;
    return tls->tickets == NULL ? RL_ETLS_CONFIG : 0;
}

int rl_serve_tls_init(struct rl_serve_tls *tls, const struct rl_serve_tls_request *request,
                      const struct rl_addr *listen, char *why, size_t why_bytes)
{
    int rc;

    *tls = (struct rl_serve_tls){0};
    if (request->cert_file != NULL || request->key_file != NULL)
        rc = read_pair(tls, request, why, why_bytes);
    else
        rc = make_pair(tls, listen, why, why_bytes);
    if (rc == 0)
        rc = check(tls, request, why, why_bytes);
    if (rc == 0)
        rc = make_tickets(tls, why, why_bytes);
    if (rc == 0 && request->cert_out != NULL)
        rc = write_file(request->cert_out, tls->cert, why, why_bytes);
    if (rc < 0)
        rl_serve_tls_fini(tls);
    return rc;
}

void rl_serve_tls_fini(struct rl_serve_tls *tls)
{
    rl_tls_context_release(tls->tickets);
    free(tls->cert);
    free(tls->key);
    tls->cert = tls->key = NULL;
    tls->tickets = NULL;
}
