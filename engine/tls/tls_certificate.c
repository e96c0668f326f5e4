/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A certificate and its key into a context, with the reason when they do not fit. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tls/tls_impl.h"

static bool contains(struct rl_slice text, const char *what)
{
    return text.size > 0 && memmem(text.data, text.size, what, strlen(what)) != NULL;
}

static int give_password(char *out, int size, int for_writing, void *ctx)
{
    const char *password = ctx;
    size_t length = password == NULL ? 0 : strlen(password);

    (void)for_writing;
    if (size <= 0 || length > (size_t)size)
        return 0;
    memcpy(out, password == NULL ? "" : password, length);
    return (int)length;
}

/* Before the library is asked: it cannot tell these apart, or would take what k6 refuses (T-076). */
static const char *refuse_key(struct rl_slice key, const char *password)
{
    bool is_encrypted = contains(key, "Proc-Type: 4,ENCRYPTED");

    if (contains(key, "BEGIN ENCRYPTED PRIVATE KEY"))
        return "key is encrypted PKCS#8, of which only legacy PEM encryption can be read; decrypt it "
               "with openssl pkey";
    if (!contains(key, "PRIVATE KEY-----"))
        return "key is not a private key in PEM";
    if (is_encrypted && password == NULL)
        return "key is encrypted; give its password";
#ifdef NO_DES3
    if (is_encrypted && contains(key, "DEK-Info: DES-"))
        return "key is encrypted with DES, which this wolfSSL lacks; decrypt it with openssl pkey, or "
               "encrypt it with AES";
#endif
    return NULL;
}

int rl_tls_load_certificate(WOLFSSL_CTX *ctx, struct rl_slice cert, struct rl_slice key,
                            const char *password, char *why, size_t why_bytes)
{
    const char *problem = NULL;

    if (!contains(cert, "BEGIN CERTIFICATE") ||
        wolfSSL_CTX_use_certificate_chain_buffer(ctx, cert.data, (long)cert.size) !=
            WOLFSSL_SUCCESS)
        problem = "cert is not a certificate in PEM that can be read";
    else
        problem = refuse_key(key, password);
    if (problem == NULL) {
        wolfSSL_CTX_set_default_passwd_cb(ctx, give_password);
        wolfSSL_CTX_set_default_passwd_cb_userdata(ctx, (void *)(uintptr_t)password);
        if (wolfSSL_CTX_use_PrivateKey_buffer(ctx, key.data, (long)key.size,
                                              WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS)
            problem = contains(key, "ENCRYPTED") ? "the password does not open key"
                                                 : "key cannot be read";
        else if (wolfSSL_CTX_check_private_key(ctx) != WOLFSSL_SUCCESS)
            problem = "key does not belong to cert";
        wolfSSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
    }
    if (problem == NULL)
        return 0;
    snprintf(why, why_bytes, "%s", problem);
    return -EINVAL;
}
