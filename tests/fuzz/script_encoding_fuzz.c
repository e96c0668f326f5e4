/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text as hex, base64, base64url: decoded within its size or refused. Any bytes: encoded, they come back. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "fuzz.h"
#include "script/encoding.h"

typedef ssize_t decode_fn(const char *text, size_t size, uint8_t *out);

static const char hex_digits[] = "0123456789abcdef0123456789ABCDEF";
static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* As large as the header says, and no byte more. */
static uint8_t *decode(decode_fn *fn, const char *text, size_t size, ssize_t *out_size)
{
    uint8_t *out = malloc(size > 0 ? size : 1);

    if (out == NULL)
        abort();
    *out_size = fn(text, size, out);
    if (*out_size > (ssize_t)size)
        abort();
    return out;
}

static void expect(decode_fn *fn, const char *text, size_t size, const uint8_t *data, size_t data_size)
{
    ssize_t got;
    uint8_t *out = decode(fn, text, size, &got);

    if (got != (ssize_t)data_size || memcmp(out, data, data_size) != 0)
        abort();
    free(out);
}

static size_t encode_hex(const uint8_t *data, size_t size, char *out)
{
    for (size_t i = 0; i < size; i++) { /* either case, by the data */
        out[2 * i] = hex_digits[(data[i] >> 4) + (data[i] % 3 == 0 ? 16 : 0)];
        out[2 * i + 1] = hex_digits[(data[i] & 15) + (data[i] % 5 == 0 ? 16 : 0)];
    }
    return 2 * size;
}

/* With a line end now and then, which is skipped. */
static size_t encode_base64(const uint8_t *data, size_t size, const char *alphabet, bool padded, char *out)
{
    size_t used = 0;

    for (size_t at = 0; at < size; at += 3) {
        size_t given = size - at < 3 ? size - at : 3;
        uint32_t bits = (uint32_t)data[at] << 16;

        bits |= given > 1 ? (uint32_t)data[at + 1] << 8 : 0;
        bits |= given > 2 ? data[at + 2] : 0;
        for (size_t i = 0; i < 4; i++) {
            if (i <= given)
                out[used++] = alphabet[bits >> (18 - 6 * i) & 63];
            else if (padded)
                out[used++] = '=';
        }
        if (data[at] % 7 == 0)
            out[used++] = data[at] % 2 == 0 ? '\n' : '\r';
    }
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    decode_fn *const decoders[] = {rl_decode_hex, rl_decode_base64, rl_decode_base64url};
    char *text = malloc(2 * size + 8);
    ssize_t got;

    if (text == NULL)
        return 0;
    for (int i = 0; i < 3; i++)
        free(decode(decoders[i], (const char *)data, size, &got));
    expect(rl_decode_hex, text, encode_hex(data, size, text), data, size);
    expect(rl_decode_base64, text, encode_base64(data, size, standard, true, text), data, size);
    expect(rl_decode_base64url, text, encode_base64(data, size, url, true, text), data, size);
    expect(rl_decode_base64url, text, encode_base64(data, size, url, false, text), data, size);
    free(text);
    return 0;
}
