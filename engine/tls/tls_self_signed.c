/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A certificate for the built-in server, written by hand: the lean library reads X.509 and signs, but
 * writes none. ECDSA on P-256 with SHA-256; an authority for itself, so that a client can be given it as
 * its only root.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/random.h>

#include "base/assert.h"
#include "base/status.h"
#include "tls/tls_context.h"

enum {
    KEY_BYTES = 32,
    POINT_BYTES = 65,
    SERIAL_BYTES = 8,
    DER_MAX = 4096,
    VALID_DAYS = 365,
    DAY_S = 86400,
};

/* DER is written from its end to its beginning: the length of what an element holds is known when its
 * header is written. */
struct der {
    uint8_t bytes[DER_MAX];
    size_t start;
    bool full;
};

static void put(struct der *der, const void *data, size_t size)
{
    if (size > der->start) {
        der->full = true;
        return;
    }
    der->start -= size;
    memcpy(der->bytes + der->start, data, size);
}

static void put_byte(struct der *der, unsigned byte)
{
    const uint8_t one = (uint8_t)byte;

    put(der, &one, 1);
}

/* Close an element whose content begins at start and ended at end. */
static void wrap(struct der *der, unsigned tag, size_t end)
{
    size_t length = end - der->start;

    if (length >= 0x80) {
        put_byte(der, (unsigned)length & 0xff);
        if (length > 0xff)
            put_byte(der, (unsigned)(length >> 8));
        put_byte(der, length > 0xff ? 0x82 : 0x81);
    } else {
        put_byte(der, (unsigned)length);
    }
    put_byte(der, tag);
}

static void put_element(struct der *der, unsigned tag, const void *data, size_t size)
{
    size_t end = der->start;

    put(der, data, size);
    wrap(der, tag, end);
}

#define PUT_ELEMENT(der, tag, bytes) put_element(der, tag, bytes, sizeof(bytes))

static const uint8_t oid_ecdsa_sha256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t oid_ec_key[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static const uint8_t oid_p256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t oid_common_name[] = {0x55, 0x04, 0x03};
static const uint8_t oid_basic[] = {0x55, 0x1d, 0x13};
static const uint8_t oid_usage[] = {0x55, 0x1d, 0x0f};
static const uint8_t oid_extended[] = {0x55, 0x1d, 0x25};
static const uint8_t oid_names[] = {0x55, 0x1d, 0x11};
static const uint8_t oid_server[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01};
static const uint8_t yes[] = {0xff};

static void put_algorithm(struct der *der)
{
    size_t end = der->start;

    PUT_ELEMENT(der, 0x06, oid_ecdsa_sha256);
    wrap(der, 0x30, end);
}

static void put_name(struct der *der, const char *common_name)
{
    size_t end = der->start;

    put_element(der, 0x0c, common_name, strlen(common_name));
    PUT_ELEMENT(der, 0x06, oid_common_name);
    wrap(der, 0x30, end);
    wrap(der, 0x31, end);
    wrap(der, 0x30, end);
}

static void put_time(struct der *der, time_t when)
{
    struct tm utc;
    char text[32];
    bool is_short; /* UTCTime, with two digits of the year, before 2050 */

    gmtime_r(&when, &utc);
    strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &utc);
    is_short = utc.tm_year < 150;
    put_element(der, is_short ? 0x17 : 0x18, text + (is_short ? 2 : 0),
                strlen(text) - (is_short ? 2 : 0));
}

/* What was written since end becomes the value of an extension. */
static void wrap_extension(struct der *der, const uint8_t oid[3], bool critical, size_t end)
{
    wrap(der, 0x04, end);
    if (critical)
        PUT_ELEMENT(der, 0x01, yes);
    put_element(der, 0x06, oid, 3);
    wrap(der, 0x30, end);
}

static void put_alternative(struct der *der, const char *name)
{
    uint8_t address[16];

    if (inet_pton(AF_INET, name, address) == 1)
        put_element(der, 0x87, address, 4);
    else if (inet_pton(AF_INET6, name, address) == 1)
        put_element(der, 0x87, address, 16);
    else
        put_element(der, 0x82, name, strlen(name));
}

static void put_extensions(struct der *der, const char *const *names, size_t name_count)
{
    static const uint8_t usage[] = {0x02, 0x84}; /* digitalSignature, keyCertSign */
    size_t all = der->start, end = der->start;

    PUT_ELEMENT(der, 0x06, oid_server);
    wrap(der, 0x30, end);
    wrap_extension(der, oid_extended, false, end);
    end = der->start;
    PUT_ELEMENT(der, 0x03, usage);
    wrap_extension(der, oid_usage, true, end);
    end = der->start;
    PUT_ELEMENT(der, 0x01, yes);
    wrap(der, 0x30, end);
    wrap_extension(der, oid_basic, true, end);
    end = der->start;
    for (size_t i = name_count; i-- > 0;)
        put_alternative(der, names[i]);
    put_alternative(der, "localhost");
    wrap(der, 0x30, end);
    wrap_extension(der, oid_names, false, end);
    wrap(der, 0x30, all);
    wrap(der, 0xa3, all);
}

/* As a BIT STRING holds it: no unused bits. */
static void put_bits(struct der *der, const uint8_t *data, size_t size)
{
    size_t end = der->start;

    put(der, data, size);
    put_byte(der, 0);
    wrap(der, 0x03, end);
}

static void put_public_key(struct der *der, const uint8_t point[POINT_BYTES])
{
    size_t all = der->start, end;

    put_bits(der, point, POINT_BYTES);
    end = der->start;
    PUT_ELEMENT(der, 0x06, oid_p256);
    PUT_ELEMENT(der, 0x06, oid_ec_key);
    wrap(der, 0x30, end);
    wrap(der, 0x30, all);
}

static void put_body(struct der *der, const uint8_t point[POINT_BYTES],
                     const uint8_t serial[SERIAL_BYTES], const char *const *names,
                     size_t name_count)
{
    static const uint8_t version[] = {2};
    time_t now = time(NULL);
    size_t all = der->start, end;

    put_extensions(der, names, name_count);
    put_public_key(der, point);
    put_name(der, "localhost");
    end = der->start;
    put_time(der, now + (time_t)VALID_DAYS * DAY_S);
    put_time(der, now - DAY_S); /* clocks differ */
    wrap(der, 0x30, end);
    put_name(der, "localhost");
    put_algorithm(der);
    put_element(der, 0x02, serial, SERIAL_BYTES);
    end = der->start;
    PUT_ELEMENT(der, 0x02, version);
    wrap(der, 0xa0, end);
    wrap(der, 0x30, all);
}

/* SEC 1's ECPrivateKey. */
static void put_private_key(struct der *der, const uint8_t secret[KEY_BYTES],
                            const uint8_t point[POINT_BYTES])
{
    static const uint8_t version[] = {1};
    size_t all = der->start, end;

    put_bits(der, point, POINT_BYTES);
    wrap(der, 0xa1, all);
    end = der->start;
    PUT_ELEMENT(der, 0x06, oid_p256);
    wrap(der, 0xa0, end);
    put_element(der, 0x04, secret, KEY_BYTES);
    PUT_ELEMENT(der, 0x02, version);
    wrap(der, 0x30, all);
}

static char *to_pem(const struct der *der, const char *label)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *data = der->bytes + der->start;
    size_t size = DER_MAX - der->start, at = 0;
    char *pem = malloc(size * 2 + 128);

    if (pem == NULL)
        return NULL;
    at += (size_t)sprintf(pem, "-----BEGIN %s-----", label);
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t bits = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                        (left > 2 ? data[i + 2] : 0);

        if (i % 48 == 0)
            pem[at++] = '\n';
        pem[at++] = digits[bits >> 18];
        pem[at++] = digits[bits >> 12 & 63];
        pem[at++] = left > 1 ? digits[bits >> 6 & 63] : '=';
        pem[at++] = left > 2 ? digits[bits & 63] : '=';
    }
    sprintf(pem + at, "\n-----END %s-----\n", label);
    return pem;
}

/* Algorithm and signature, before which the signed body is put: the certificate, whole. */
static int sign(struct der *der, const struct der *body, ecc_key *key, WC_RNG *rng)
{
    uint8_t digest[WC_SHA256_DIGEST_SIZE], signature[128];
    word32 size = sizeof(signature);
    size_t end = der->start;

    if (wc_Sha256Hash(body->bytes + body->start, (word32)(DER_MAX - body->start), digest) != 0 ||
        wc_ecc_sign_hash(digest, sizeof(digest), signature, &size, rng, key) != 0)
        return RL_ETLS_LIBRARY;
    put_bits(der, signature, size);
    put_algorithm(der);
    put(der, body->bytes + body->start, DER_MAX - body->start);
    wrap(der, 0x30, end);
    return 0;
}

static int make(ecc_key *key, WC_RNG *rng, const char *const *names, size_t name_count,
                struct der *certificate, struct der *private_key)
{
    uint8_t secret[KEY_BYTES], point[POINT_BYTES], serial[SERIAL_BYTES];
    word32 secret_bytes = sizeof(secret), point_bytes = sizeof(point);
    struct der body = {.start = DER_MAX};
    int rc;

    if (wc_ecc_make_key(rng, KEY_BYTES, key) != 0 ||
        wc_ecc_export_x963(key, point, &point_bytes) != 0 ||
        wc_ecc_export_private_only(key, secret, &secret_bytes) != 0 ||
        wc_RNG_GenerateBlock(rng, serial, sizeof(serial)) != 0)
        return RL_ETLS_LIBRARY;
    serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40); /* positive, without a leading zero */
    put_body(&body, point, serial, names, name_count);
    put_private_key(private_key, secret, point);
    rc = sign(certificate, &body, key, rng);
    return rc < 0 || (!body.full && !certificate->full) ? rc : -ENOBUFS;
}

int rl_tls_self_signed(const char *const *names, size_t name_count, char **cert_pem, char **key_pem)
{
    struct der certificate = {.start = DER_MAX}, private_key = {.start = DER_MAX};
    ecc_key key;
    WC_RNG rng;
    int rc = RL_ETLS_LIBRARY;

    *cert_pem = *key_pem = NULL;
    if (wc_InitRng(&rng) != 0)
        return rc;
    if (wc_ecc_init(&key) == 0) {
        /* Blinding needs randomness of the key's own in builds with ECC_TIMING_RESISTANT. */
#ifdef ECC_TIMING_RESISTANT
        wc_ecc_set_rng(&key, &rng);
#endif
        rc = make(&key, &rng, names, name_count, &certificate, &private_key);
        wc_ecc_free(&key);
    }
    wc_FreeRng(&rng);
    if (rc < 0)
        return rc;
    *cert_pem = to_pem(&certificate, "CERTIFICATE");
    *key_pem = to_pem(&private_key, "EC PRIVATE KEY");
    if (*cert_pem != NULL && *key_pem != NULL)
        return 0;
    free(*cert_pem);
    free(*key_pem);
    *cert_pem = *key_pem = NULL;
    return -ENOMEM;
}
