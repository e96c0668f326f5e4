/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/tls_subject.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    DER_INTEGER = 0x02,
    DER_OID = 0x06,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_VERSION = 0xa0, /* [0] EXPLICIT */
    SUBJECT_MAX = 512,
};

/* Take the first element of rest: its tag and content. False: there is none, or it is cut. */
static bool take(struct rl_slice *rest, int *tag, struct rl_slice *content)
{
    size_t length, at = 2;

    if (rest->size < 2)
        return false;
    *tag = rest->data[0];
    length = rest->data[1];
    if (length >= 0x80) {
        size_t count = length & 0x7f;

        if (count == 0 || count > 3 || rest->size < 2 + count)
            return false;
        for (length = 0; at < 2 + count; at++)
            length = length << 8 | rest->data[at];
    }
    if (length > rest->size - at)
        return false;
    *content = rl_slice_of(rest->data + at, length);
    *rest = rl_slice_of(rest->data + at + length, rest->size - at - length);
    return true;
}

static bool take_tag(struct rl_slice *rest, int wanted, struct rl_slice *content)
{
    int tag;

    return take(rest, &tag, content) && tag == wanted;
}

/* The attributes below 2.5.4; NULL: none of those that are usual. */
static const char *attribute(struct rl_slice oid)
{
    if (oid.size != 3 || oid.data[0] != 0x55 || oid.data[1] != 0x04)
        return NULL;
    switch (oid.data[2]) {
    case 3:
        return "CN";
    case 5:
        return "serialNumber";
    case 6:
        return "C";
    case 7:
        return "L";
    case 8:
        return "ST";
    case 10:
        return "O";
    case 11:
        return "OU";
    default:
        return NULL;
    }
}

struct text {
    char bytes[SUBJECT_MAX];
    size_t used;
};

static void put(struct text *text, char c)
{
    if (text->used + 1 < sizeof(text->bytes))
        text->bytes[text->used++] = c;
}

static void put_attribute(struct text *text, const char *name, struct rl_slice value)
{
    if (text->used > 0)
        put(text, ',');
    for (; *name != '\0'; name++)
        put(text, *name);
    put(text, '=');
    for (size_t i = 0; i < value.size; i++) {
        char c = (char)value.data[i];

        if (c == ',' || c == '+' || c == '\\')
            put(text, '\\');
        put(text, (unsigned char)c < 0x20 || c == 0x7f ? '?' : c);
    }
}

/* Certificate { TBSCertificate { [0] version, serial, algorithm, issuer, validity, subject, ... */
static bool find_subject(struct rl_slice der, struct rl_slice *subject)
{
    struct rl_slice certificate, tbs, skipped;

    if (!take_tag(&der, DER_SEQUENCE, &certificate) || !take_tag(&certificate, DER_SEQUENCE, &tbs))
        return false;
    if (tbs.size > 0 && tbs.data[0] == DER_VERSION && !take_tag(&tbs, DER_VERSION, &skipped))
        return false;
    return take_tag(&tbs, DER_INTEGER, &skipped) && take_tag(&tbs, DER_SEQUENCE, &skipped) &&
           take_tag(&tbs, DER_SEQUENCE, &skipped) && take_tag(&tbs, DER_SEQUENCE, &skipped) &&
           take_tag(&tbs, DER_SEQUENCE, subject);
}

char *rl_tls_subject(struct rl_slice der)
{
    struct rl_slice subject, set, pair, oid, value;
    struct text text = {.used = 0};
    char *copy;
    int tag;

    if (!find_subject(der, &subject))
        return NULL;
    while (take_tag(&subject, DER_SET, &set)) {
        while (take_tag(&set, DER_SEQUENCE, &pair)) {
            const char *name;

            if (!take_tag(&pair, DER_OID, &oid) || !take(&pair, &tag, &value))
                return NULL;
            name = attribute(oid);
            if (name != NULL)
                put_attribute(&text, name, value);
        }
    }
    copy = malloc(text.used + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text.bytes, text.used);
    copy[text.used] = '\0';
    return copy;
}
