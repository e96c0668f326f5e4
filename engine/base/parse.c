/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/parse.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"

/* Longer names first where one is the start of another. */
struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit duration_units[] = {
    {"ms", RL_NS_PER_MS},
    {"us", RL_NS_PER_US},
    {"\xc2\xb5s", RL_NS_PER_US}, /* the micro sign */
    {"\xce\xbcs", RL_NS_PER_US}, /* the Greek letter */
    {"ns", 1},
    {"d", 24 * 3600 * RL_NS_PER_S},
    {"h", 3600 * RL_NS_PER_S},
    {"m", 60 * RL_NS_PER_S},
    {"s", RL_NS_PER_S},
    {NULL, 0},
};

static const struct unit size_units[] = {
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
    {"TiB", UINT64_C(1) << 40},
    {"kB", 1000},
    {"MB", 1000 * 1000},
    {"GB", 1000 * 1000 * 1000},
    {"TB", 1000000000000},
    {"B", 1},
    {NULL, 0},
};

/* A decimal number that waits for its unit: digits[.digits], kept exact. */
struct decimal {
    uint64_t whole, fraction, fraction_scale; /* value = whole + fraction / fraction_scale */
    bool too_large;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* False if it does not fit. */
static bool push_digit(uint64_t *value, char c)
{
    return !__builtin_mul_overflow(*value, 10, value) &&
           !__builtin_add_overflow(*value, (uint64_t)(c - '0'), value);
}

/* Read a number at *text and step behind it; false if there is none. */
static bool read_decimal(const char **text, struct decimal *out)
{
    const char *p = *text;
    bool any = false;

    *out = (struct decimal){.fraction_scale = 1};
    for (; is_digit(*p); p++, any = true) {
        if (!push_digit(&out->whole, *p))
            out->too_large = true;
    }
    if (*p == '.') {
        for (p++; is_digit(*p); p++, any = true) {
            if (out->fraction_scale < UINT64_C(1000000000000000)) { /* the rest is below 1 ns */
                push_digit(&out->fraction, *p);
                out->fraction_scale *= 10;
            }
        }
    }
    *text = p;
    return any;
}

/* value * factor, fraction cut; -ERANGE. */
static int scale_decimal(const struct decimal *value, uint64_t factor, uint64_t *out)
{
    unsigned __int128 part = (unsigned __int128)value->fraction * factor / value->fraction_scale;

    if (value->too_large || __builtin_mul_overflow(value->whole, factor, out) ||
        __builtin_add_overflow(*out, (uint64_t)part, out))
        return -ERANGE;
    return 0;
}

static const struct unit *match_unit(const struct unit *units, const char *text)
{
    for (; units->name != NULL; units++) {
        if (strncmp(text, units->name, strlen(units->name)) == 0)
            return units;
    }
    return NULL;
}

static int bare_duration(const char *text, int64_t *ns)
{
    double ms;
    int rc = rl_parse_double(text, &ms);

    if (rc < 0)
        return rc;
    ms = round(ms * 1e6);
    if (!(ms > -0x1p63 && ms < 0x1p63))
        return -ERANGE;
    *ns = (int64_t)ms;
    return 0;
}

/* The sum of the parts of text, which has no sign. */
static int sum_parts(const char *text, uint64_t *total)
{
    int rc = 0;

    *total = 0;
    do {
        struct decimal value;
        const struct unit *unit;
        uint64_t part = 0;

        if (!read_decimal(&text, &value))
            return -EINVAL;
        unit = match_unit(duration_units, text);
        if (unit == NULL)
            return -EINVAL;
        text += strlen(unit->name);
        if (scale_decimal(&value, unit->factor, &part) < 0 ||
            __builtin_add_overflow(*total, part, total))
            rc = -ERANGE;
    } while (*text != '\0');
    return rc;
}

int rl_parse_duration(const char *text, bool bare_ms, int64_t *ns)
{
    const char *p = text;
    bool negative = *p == '-';
    uint64_t total, limit = (uint64_t)INT64_MAX + negative;
    int rc;

    if (*p == '-' || *p == '+')
        p++;
    if (strcmp(p, "0") == 0) {
        *ns = 0;
        return 0;
    }
    if (bare_ms && *p != '\0' && strspn(p, "0123456789.eE+-") == strlen(p))
        return bare_duration(text, ns);
    rc = sum_parts(p, &total);
    if (rc == 0 && total > limit)
        rc = -ERANGE;
    if (rc == 0)
        *ns = (int64_t)(negative ? 0 - total : total);
    return rc;
}

/* value / 10^digits as text, without trailing zeros. */
static int put_decimal(char *out, size_t out_bytes, uint64_t value, int digits, const char *unit)
{
    uint64_t scale = 1;

    for (int i = 0; i < digits; i++)
        scale *= 10;
    if (value % scale == 0)
        return snprintf(out, out_bytes, "%llu%s", (unsigned long long)(value / scale), unit);
    while (value % 10 == 0) {
        value /= 10;
        scale /= 10;
        digits--;
    }
    return snprintf(out, out_bytes, "%llu.%0*llu%s", (unsigned long long)(value / scale), digits,
                    (unsigned long long)(value % scale), unit);
}

void rl_format_duration(int64_t ns, char *out, size_t out_bytes)
{
    uint64_t rest = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    uint64_t hours = rest / (3600 * RL_NS_PER_S), minutes = rest / (60 * RL_NS_PER_S) % 60;
    char text[64];
    int used = snprintf(text, sizeof(text), "%s", ns < 0 ? "-" : "");

    if (rest < RL_NS_PER_S) {
        int digits = rest < RL_NS_PER_US ? 0 : rest < RL_NS_PER_MS ? 3 : 6;
        const char *unit = digits == 0 ? "ns" : digits == 3 ? "\xc2\xb5s" : "ms";

        put_decimal(text + used, sizeof(text) - (size_t)used, rest, digits, rest == 0 ? "s" : unit);
    } else {
        if (hours > 0)
            used += snprintf(text + used, sizeof(text) - (size_t)used, "%lluh",
                             (unsigned long long)hours);
        if (hours > 0 || minutes > 0)
            used += snprintf(text + used, sizeof(text) - (size_t)used, "%llum",
                             (unsigned long long)minutes);
        put_decimal(text + used, sizeof(text) - (size_t)used, rest % (60 * RL_NS_PER_S), 9, "s");
    }
    snprintf(out, out_bytes, "%s", text);
}

int rl_parse_int(const char *text, int64_t *value)
{
    const char *p = text + (*text == '-' || *text == '+');
    long long parsed;

    if (*p == '\0' || strspn(p, "0123456789") != strlen(p))
        return -EINVAL;
    errno = 0;
    parsed = strtoll(text, NULL, 10);
    if (errno == ERANGE)
        return -ERANGE;
    *value = parsed;
    return 0;
}

/* The process never calls setlocale, so strtod reads a point. It would also take blanks, hex,
 * "inf" and "nan", which nobody means. */
int rl_parse_double(const char *text, double *value)
{
    char *end;
    double parsed;

    if (*text == '\0' || strspn(text, "0123456789.eE+-") != strlen(text))
        return -EINVAL;
    parsed = strtod(text, &end);
    if (*end != '\0' || end == text)
        return -EINVAL;
    if (isinf(parsed))
        return -ERANGE;
    *value = parsed;
    return 0;
}

int rl_parse_bool(const char *text, bool *value)
{
    static const char *const words[] = {"0", "f", "false", "1", "t", "true"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *value = i >= 3;
            return 0;
        }
    }
    return -EINVAL;
}

int rl_parse_size(const char *text, uint64_t *bytes)
{
    const struct unit *unit = size_units;
    struct decimal value;
    uint64_t size = 0;
    int rc;

    if (!read_decimal(&text, &value))
        return -EINVAL;
    while (unit->name != NULL && strcasecmp(*text == '\0' ? "B" : text, unit->name) != 0)
        unit++;
    if (unit->name == NULL)
        return -EINVAL;
    rc = scale_decimal(&value, unit->factor, &size);
    if (rc == 0)
        *bytes = size;
    return rc;
}
