/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options of TLS (T-074...T-076). What is checked here needs no TLS library; whether a certificate
 * and its key are a pair is for the tls room to say. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/assert.h"
#include "plan/cipher_names.h"
#include "plan/options_read.h"

/* A reader of one part of r's value, called "<r->where><format...>" in messages. */
struct part {
    struct rl_reader r;
    char where[240];
};

__attribute__((format(printf, 3, 4))) static struct rl_reader *
begin_part(struct part *part, const struct rl_reader *r, const char *format, ...)
{
    va_list args;
    int size = snprintf(part->where, sizeof(part->where), "%.180s", r->where);

    va_start(args, format);
    vsnprintf(part->where + size, sizeof(part->where) - (size_t)size, format, args);
    va_end(args);
    part->r = *r;
    part->r.where = part->where;
    return &part->r;
}

static bool is_c_text(const struct rl_value *value)
{
    return value->kind == RL_STRING && strlen(value->text) == value->size;
}

/* --- tlsVersion: a name that means exactly that, or { min, max } (T-074). --- */

static const struct {
    const char *name;
    uint16_t number; /* 0: not in any wolfSSL that ringload is built with */
} versions[] = {
    {"tls1.0", 0}, {"tls1.1", 0}, {"tls1.2", RL_VERSION_TLS12}, {"tls1.3", RL_VERSION_TLS13}};

static bool read_version_name(struct rl_reader *r, const struct rl_value *value, uint16_t *number)
{
    for (size_t i = 0; value->kind == RL_STRING && i < sizeof(versions) / sizeof(versions[0]);
         i++) {
        if (strcasecmp(value->text, versions[i].name) != 0)
            continue;
        *number = versions[i].number;
        if (*number == 0)
            rl_problems_error(r->problems,
                              "%s: %s is not in this wolfSSL, which has tls1.2 and tls1.3; name "
                              "one of them",
                              r->where, versions[i].name);
        return *number != 0;
    }
    rl_read_refuse(r, value, "\"tls1.2\" or \"tls1.3\"");
    return false;
}

static bool read_version_part(struct rl_reader *r, const char *key, const struct rl_value *value,
                              struct rl_tls_versions *out)
{
    struct part part;

    begin_part(&part, r, ".%s", key);
    if (strcmp(key, "min") == 0)
        return read_version_name(&part.r, value, &out->min);
    if (strcmp(key, "max") == 0)
        return read_version_name(&part.r, value, &out->max);
    rl_problems_error(r->problems, "%s: unknown key \"%.60s\"; there are min and max", r->where, key);
    return false;
}

/* "min=tls1.2,max=tls1.3", either of them. */
static bool read_version_text(struct rl_reader *r, const char *text, struct rl_tls_versions *out)
{
    bool good = true;

    while (*text != '\0') {
        size_t size = strcspn(text, ","), key_size = strcspn(text, "=");
        struct rl_value *version;
        char key[16];

        if (key_size >= size || key_size >= sizeof(key)) {
            rl_problems_error(r->problems,
                              "%s: \"%.100s\" is not key=version; write it like "
                              "\"min=tls1.2,max=tls1.3\"",
                              r->where, text);
            return false;
        }
        memcpy(key, text, key_size);
        key[key_size] = '\0';
        version = rl_value_string(r->options->arena, text + key_size + 1, size - key_size - 1);
        good &= read_version_part(r, key, version, out);
        text += size + (text[size] == ',');
    }
    return good;
}

static bool read_version_map(struct rl_reader *r, const struct rl_value *value,
                             struct rl_tls_versions *out)
{
    bool good = true;

    for (const struct rl_value *part = value->first; part != NULL; part = part->next) {
        if (part->kind != RL_NIL)
            good &= read_version_part(r, part->key, part, out);
    }
    return good;
}

bool rl_read_tls_version(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    struct rl_tls_versions read = {RL_VERSION_TLS12, RL_VERSION_TLS13};

    (void)min;
    if (value->kind == RL_MAP || rl_is_empty_table(value)) {
        if (!read_version_map(r, value, &read))
            return false;
    } else if (is_c_text(value) && r->tier >= RL_TIER_ENV && strchr(value->text, '=') != NULL) {
        if (!read_version_text(r, value->text, &read))
            return false;
    } else {
        if (!read_version_name(r, value, &read.min))
            return false;
        read.max = read.min;
    }
    if (read.min > read.max) {
        rl_problems_error(r->problems, "%s: min is tls1.3 and max is tls1.2; swap them", r->where);
        return false;
    }
    *(struct rl_tls_versions *)field = read;
    return true;
}

/* --- tlsCipherSuites (T-075). --- */

static bool check_cipher(struct rl_reader *r, const char *name, const char **canonical)
{
    const struct rl_cipher_name *cipher = rl_cipher_find(name), *nearest;

    if (cipher != NULL && rl_cipher_usable(cipher)) {
        *canonical = cipher->name;
        return true;
    }
    if (cipher != NULL) {
        rl_problems_error(r->problems,
                          "%s: %s is not in this wolfSSL, which has no %s suites; name an ECDHE one, "
                          "such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                          r->where, cipher->name, rl_cipher_trait(cipher));
        return false;
    }
    nearest = rl_cipher_nearest(name);
    if (nearest != NULL)
        rl_problems_error(r->problems, "%s: unknown cipher suite \"%.80s\"; did you mean \"%s\"?",
                          r->where, name, nearest->name);
    else
        rl_problems_error(r->problems,
                          "%s: unknown cipher suite \"%.80s\"; names are IANA's, such as "
                          "\"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\"",
                          r->where, name);
    return false;
}

bool rl_read_tls_ciphers(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    struct rl_texts items;
    const char **names;
    bool good = true;

    (void)min;
    if (!rl_read_items(r, value, &items))
        return false;
    names = rl_options_alloc(r, (items.count + 1) * sizeof(*names));
    for (size_t i = 0; i < items.count; i++)
        good &= check_cipher(r, items.items[i], &names[i]);
    names[items.count] = NULL;
    if (items.count == 0)
        rl_problems_error(r->problems, "%s: name one cipher suite or more, or leave it out",
                          r->where);
    if (good && items.count > 0)
        *(struct rl_texts *)field = (struct rl_texts){names, items.count};
    return good && items.count > 0;
}

/* --- tlsAuth: { { cert, key, password?, domains? }, ... } in PEM (T-076). --- */

/* The member as text with a line "-----BEGIN <...><label>-----" in it; NULL after a problem. */
static const char *read_pem(struct rl_reader *r, const struct rl_value *value, const char *label,
                            const char *what)
{
    char line[64];

    if (value == NULL || value->kind == RL_NIL) {
        rl_problems_error(r->problems, "%s: missing; give %s as PEM text", r->where, what);
        return NULL;
    }
    snprintf(line, sizeof(line), "%s-----", label);
    if (!is_c_text(value)) {
        rl_read_refuse(r, value, "PEM text");
    } else if (strstr(value->text, "-----BEGIN ") == NULL) {
        rl_problems_error(r->problems,
                          "%s: must be %s as PEM text, which has a line -----BEGIN ...; of a file "
                          "give what open(path) returns, not its path",
                          r->where, what);
    } else if (strstr(value->text, line) == NULL) {
        rl_problems_error(r->problems, "%s: holds something else than %s", r->where, what);
    } else {
        return value->text;
    }
    return NULL;
}

static bool is_encrypted(const char *key)
{
    return strstr(key, "Proc-Type: 4,ENCRYPTED") != NULL;
}

static bool check_password(struct rl_reader *r, const struct rl_tls_auth *auth)
{
    if (strstr(auth->key, "-----BEGIN ENCRYPTED PRIVATE KEY-----") != NULL) {
        rl_problems_error(r->problems,
                          "%s.key: encrypted PKCS#8 is not taken, as in k6; rewrite the key with "
                          "\"openssl rsa -aes128 -traditional\" or \"openssl ec -aes128\"",
                          r->where);
        return false;
    }
    if (auth->password == NULL && is_encrypted(auth->key)) {
        rl_problems_error(r->problems, "%s.password: missing; the key is encrypted", r->where);
        return false;
    }
    if (auth->password != NULL && !is_encrypted(auth->key)) {
        rl_problems_error(r->problems,
                          "%s.password: the key is not encrypted; take the password away", r->where);
        return false;
    }
    return true;
}

static bool check_auth_keys(struct rl_reader *r, const struct rl_value *value)
{
    static const char *const keys[] = {"cert", "key", "password", "domains"};
    bool good = true;

    for (const struct rl_value *member = value->first; member != NULL; member = member->next) {
        bool known = false;

        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
            known |= strcmp(keys[i], member->key) == 0;
        if (!known) {
            rl_problems_error(r->problems,
                              "%s: unknown key \"%.60s\"; there are cert, key, password and domains",
                              r->where, member->key);
            good = false;
        }
    }
    return good;
}

static bool read_password(struct rl_reader *r, const struct rl_value *value, const char **password)
{
    struct part part;

    *password = NULL;
    if (value == NULL || value->kind == RL_NIL)
        return true;
    begin_part(&part, r, ".password");
    if (is_c_text(value)) {
        *password = value->text;
        return true;
    }
    rl_problems_error(r->problems, "%s: must be a text", part.where);
    return false;
}

static bool read_domains(struct rl_reader *r, const struct rl_value *value, struct rl_texts *domains)
{
    static const char *const none[] = {NULL};
    struct part part;

    *domains = (struct rl_texts){none, 0};
    if (value == NULL || value->kind == RL_NIL)
        return true;
    begin_part(&part, r, ".domains");
    part.r.tier = RL_TIER_SCRIPT; /* a list, wherever it comes from */
    return rl_read_blocked_names(&part.r, value, domains, 0);
}

static bool read_auth(struct rl_reader *r, const struct rl_value *value, struct rl_tls_auth *auth)
{
    struct part cert, key;
    bool good;

    if (value->kind != RL_MAP) {
        rl_read_refuse(r, value, "a table with cert and key");
        return false;
    }
    good = check_auth_keys(r, value);
    begin_part(&cert, r, ".cert");
    begin_part(&key, r, ".key");
    auth->cert = read_pem(&cert.r, rl_value_get(value, "cert"), "CERTIFICATE", "a certificate");
    auth->key = read_pem(&key.r, rl_value_get(value, "key"), "PRIVATE KEY", "a private key");
    good &= read_password(r, rl_value_get(value, "password"), &auth->password);
    good &= read_domains(r, rl_value_get(value, "domains"), &auth->domains);
    if (auth->key != NULL && good)
        good = check_password(r, auth);
    return good && auth->cert != NULL && auth->key != NULL;
}

bool rl_read_tls_auth(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    struct rl_tls_auth *items;
    const struct rl_value *item;
    size_t count = 0;
    bool good = true;

    (void)min;
    if (value->kind != RL_LIST && !rl_is_empty_table(value)) {
        rl_read_refuse(r, value, "a list of tables with cert and key");
        return false;
    }
    items = rl_options_alloc(r, (value->size + 1) * sizeof(*items));
    for (item = value->first; item != NULL; item = item->next) {
        struct part part;

        begin_part(&part, r, "[%zu]", count + 1);
        good &= read_auth(&part.r, item, &items[count++]);
    }
    if (good)
        *(struct rl_tls_auths *)field = (struct rl_tls_auths){items, count};
    return good;
}

/* --- All tiers together. --- */

static bool has_kind(const struct rl_texts *names, enum rl_cipher_kind kind)
{
    for (size_t i = 0; i < names->count; i++) {
        if (rl_cipher_find(names->items[i])->kind == kind)
            return true;
    }
    return false;
}

void rl_options_check_tls(const struct rl_options *options, struct rl_problems *problems)
{
    const struct rl_texts *ciphers = &options->tls_cipher_suites;

    if (ciphers->count == 0)
        return;
    if (options->tls_version.min == RL_VERSION_TLS13)
        rl_problems_warn(problems, "options: tlsCipherSuites has no effect, since tlsVersion is "
                                   "tls1.3 and the list restricts tls1.2 only");
    else if (options->tls_version.max == RL_VERSION_TLS12 && !has_kind(ciphers, RL_CIPHER_TLS12))
        rl_problems_error(problems, "options: tlsVersion is tls1.2, and tlsCipherSuites has no suite "
                                    "of tls1.2; add one, such as "
                                    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
}
