/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "script/encoding.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

ssize_t rl_decode_hex(const char *text, size_t size, uint8_t *out)
{
    if (size % 2 != 0)
        return -EINVAL;
    for (size_t i = 0; i < size; i += 2) {
        int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

        if (high < 0 || low < 0)
            return -EINVAL;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return (ssize_t)(size / 2);
}

static int digit(char c, const char *last_two)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == last_two[0] ? 62 : c == last_two[1] ? 63 : -1;
}

/* Bytes of a last group of count digits: 2 give one, 3 two, 1 is malformed. */
static ssize_t end_group(uint32_t bits, int count, uint8_t *out, size_t n)
{
    if (count == 1)
        return -EINVAL;
    if (count >= 2)
        out[n++] = (uint8_t)(bits >> (count == 2 ? 4 : 10));
    if (count == 3)
        out[n++] = (uint8_t)(bits >> 2);
    return (ssize_t)n;
}

static ssize_t decode(const char *text, size_t size, const char *last_two, bool must_pad,
                      uint8_t *out)
{
    uint32_t bits = 0;
    int count = 0, pads = 0;
    size_t n = 0;

    for (size_t i = 0; i < size; i++) {
        int value;

        if (text[i] == '\r' || text[i] == '\n')
            continue;
        if (text[i] == '=') {
            pads++;
            continue;
        }
        value = digit(text[i], last_two);
        if (value < 0 || pads > 0)
            return -EINVAL;
        bits = bits << 6 | (uint32_t)value;
        if (++count == 4) {
            out[n++] = (uint8_t)(bits >> 16);
            out[n++] = (uint8_t)(bits >> 8);
            out[n++] = (uint8_t)bits;
            bits = 0;
            count = 0;
        }
    }
    if ((must_pad || pads > 0) && pads != (4 - count) % 4)
        return -EINVAL;
    return end_group(bits, count, out, n);
}

ssize_t rl_decode_base64(const char *text, size_t size, uint8_t *out)
{
    return decode(text, size, "+/", true, out);
}

ssize_t rl_decode_base64url(const char *text, size_t size, uint8_t *out)
{
    return decode(text, size, "-_", false, out);
}
