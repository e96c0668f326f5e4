/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/cipher_names.h"

#include <string.h>
#include <strings.h>

#include "base/edit_distance.h"

static const struct rl_cipher_name names[] = {
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", RL_CIPHER_TLS12},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", RL_CIPHER_TLS12},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", RL_CIPHER_TLS12},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", RL_CIPHER_TLS12},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", RL_CIPHER_TLS12},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", RL_CIPHER_TLS12},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", RL_CIPHER_TLS12},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", RL_CIPHER_TLS12},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", RL_CIPHER_TLS12},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", RL_CIPHER_TLS12},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", RL_CIPHER_TLS12},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", RL_CIPHER_TLS12},
    {"TLS_AES_128_GCM_SHA256", RL_CIPHER_TLS13},
    {"TLS_AES_256_GCM_SHA384", RL_CIPHER_TLS13},
    {"TLS_CHACHA20_POLY1305_SHA256", RL_CIPHER_TLS13},
    {"TLS_RSA_WITH_AES_128_GCM_SHA256", RL_CIPHER_STATIC_RSA},
    {"TLS_RSA_WITH_AES_256_GCM_SHA384", RL_CIPHER_STATIC_RSA},
    {"TLS_RSA_WITH_AES_128_CBC_SHA256", RL_CIPHER_STATIC_RSA},
    {"TLS_RSA_WITH_AES_128_CBC_SHA", RL_CIPHER_STATIC_RSA},
    {"TLS_RSA_WITH_AES_256_CBC_SHA", RL_CIPHER_STATIC_RSA},
    {"TLS_RSA_WITH_3DES_EDE_CBC_SHA", RL_CIPHER_3DES},
    {"TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", RL_CIPHER_3DES},
    {"TLS_RSA_WITH_RC4_128_SHA", RL_CIPHER_RC4},
    {"TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", RL_CIPHER_RC4},
    {"TLS_ECDHE_RSA_WITH_RC4_128_SHA", RL_CIPHER_RC4},
};

enum { COUNT = sizeof(names) / sizeof(names[0]) };

static bool is_name_of(const char *name, const char *iana)
{
    size_t size = strlen(name);

    if (strncasecmp(name, iana, size) != 0)
        return false;
    if (iana[size] == '\0')
        return true;
    return size > 8 && strcasecmp(name + size - 8, "POLY1305") == 0;
}

const struct rl_cipher_name *rl_cipher_find(const char *name)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (is_name_of(name, names[i].name))
            return &names[i];
    }
    return NULL;
}

const struct rl_cipher_name *rl_cipher_nearest(const char *name)
{
    const struct rl_cipher_name *nearest = NULL;

    for (size_t i = 0; i < COUNT; i++) {
        if (rl_cipher_usable(&names[i]) && rl_is_near(name, names[i].name) &&
            (nearest == NULL ||
             rl_edit_distance(name, names[i].name) < rl_edit_distance(name, nearest->name)))
            nearest = &names[i];
    }
    return nearest;
}

const char *rl_cipher_trait(const struct rl_cipher_name *cipher)
{
    switch (cipher->kind) {
    case RL_CIPHER_STATIC_RSA:
        return "static RSA";
    case RL_CIPHER_RC4:
        return "RC4";
    case RL_CIPHER_3DES:
        return "3DES";
    case RL_CIPHER_TLS12:
    case RL_CIPHER_TLS13:
        break;
    }
    return "";
}
