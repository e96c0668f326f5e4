/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

enum { V4_BITS = 32, V6_BITS = 128, MAPPED_BITS = 96, PORT_MAX = 65535 };

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_mapped(const struct rl_addr *addr)
{
    return addr->family == AF_INET6 &&
           memcmp(addr->ip.v6, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

/* ::ffff:1.2.3.4 is 1.2.3.4: one address has one form, so that no rule for it is passed by. */
static void unmap(struct rl_addr *addr)
{
    uint8_t v4[4];

    if (!is_mapped(addr))
        return;
    memcpy(v4, addr->ip.v6 + sizeof(mapped_prefix), sizeof(v4));
    memset(&addr->ip, 0, sizeof(addr->ip));
    memcpy(addr->ip.v4, v4, sizeof(v4));
    addr->family = AF_INET;
}

static int parse_as_written(const char *text, struct rl_addr *addr)
{
    struct rl_addr parsed;

    memset(&parsed, 0, sizeof(parsed));
    parsed.family = AF_INET;
    if (inet_pton(AF_INET, text, parsed.ip.v4) != 1) {
        parsed.family = AF_INET6;
        if (inet_pton(AF_INET6, text, parsed.ip.v6) != 1)
            return -EINVAL;
    }
    *addr = parsed;
    return 0;
}

int rl_addr_parse_ip(const char *text, struct rl_addr *addr)
{
    int status = parse_as_written(text, addr);

    if (status == 0)
        unmap(addr);
    return status;
}

/* Decimal digits only: no sign, no blanks. */
static int parse_port(const char *text, uint16_t *port)
{
    int64_t value;

    if (text[0] < '0' || text[0] > '9' || rl_parse_int(text, &value) < 0 || value > PORT_MAX)
        return -EINVAL;
    *port = (uint16_t)value;
    return 0;
}

int rl_addr_parse_endpoint(const char *text, struct rl_addr *addr)
{
    const char *colon = strrchr(text, ':');
    bool bracketed = text[0] == '[';
    struct rl_addr parsed;
    char ip[INET6_ADDRSTRLEN];
    uint16_t port;
    size_t size;

    if (colon == NULL)
        return -EINVAL;
    size = (size_t)(colon - text);
    if (bracketed) {
        if (size < 2 || colon[-1] != ']')
            return -EINVAL;
        text++;
        size -= 2;
    }
    if (size >= sizeof(ip) || parse_port(colon + 1, &port) < 0)
        return -EINVAL;
    memcpy(ip, text, size);
    ip[size] = '\0';
    if (parse_as_written(ip, &parsed) < 0 || (parsed.family == AF_INET6) != bracketed)
        return -EINVAL;
    unmap(&parsed);
    parsed.port = port;
    *addr = parsed;
    return 0;
}

void rl_addr_format_ip(const struct rl_addr *addr, char out[RL_ADDR_TEXT])
{
    if (addr->family == 0 || inet_ntop(addr->family, &addr->ip, out, RL_ADDR_TEXT) == NULL)
        out[0] = '\0';
}

void rl_addr_format(const struct rl_addr *addr, char out[RL_ADDR_TEXT])
{
    char ip[INET6_ADDRSTRLEN] = "";

    if (addr->family != 0)
        inet_ntop(addr->family, &addr->ip, ip, sizeof(ip));
    snprintf(out, RL_ADDR_TEXT, addr->family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip, addr->port);
}

socklen_t rl_addr_to_sockaddr(const struct rl_addr *addr, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (addr->family == AF_INET6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(addr->port);
        memcpy(&in6->sin6_addr, addr->ip.v6, sizeof(addr->ip.v6));
        return sizeof(*in6);
    }
    struct sockaddr_in *in = (struct sockaddr_in *)out;

    in->sin_family = addr->family;
    in->sin_port = htons(addr->port);
    memcpy(&in->sin_addr, addr->ip.v4, sizeof(addr->ip.v4));
    return sizeof(*in);
}

void rl_addr_from_sockaddr(const struct sockaddr *sa, struct rl_addr *addr)
{
    const struct sockaddr_in *in = (const void *)sa;
    const struct sockaddr_in6 *in6 = (const void *)sa;

    memset(addr, 0, sizeof(*addr));
    if (sa->sa_family == AF_INET) {
        addr->family = AF_INET;
        addr->port = ntohs(in->sin_port);
        memcpy(addr->ip.v4, &in->sin_addr, sizeof(addr->ip.v4));
    } else if (sa->sa_family == AF_INET6) {
        addr->family = AF_INET6;
        addr->port = ntohs(in6->sin6_port);
        memcpy(addr->ip.v6, &in6->sin6_addr, sizeof(addr->ip.v6));
    }
}

bool rl_addr_same_ip(const struct rl_addr *a, const struct rl_addr *b)
{
    size_t size = a->family == AF_INET6 ? sizeof(a->ip.v6) : sizeof(a->ip.v4);

    return a->family == b->family && memcmp(&a->ip, &b->ip, size) == 0;
}

/* The leading bits of a and b are equal. */
static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned bytes = bits / 8, rest = bits % 8;

    return memcmp(a, b, bytes) == 0 && (rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0);
}

static void clear_behind(uint8_t *bytes, size_t size, unsigned bits)
{
    for (size_t i = 0; i < size; i++) {
        unsigned kept = bits < 8 ? bits : 8;

        bytes[i] &= (uint8_t)(0xff00U >> kept);
        bits -= kept;
    }
}

int rl_cidr_parse(const char *text, struct rl_cidr *cidr)
{
    const char *slash = strchr(text, '/');
    size_t size = slash == NULL ? strlen(text) : (size_t)(slash - text);
    char ip[INET6_ADDRSTRLEN];
    struct rl_addr base;
    uint16_t bits;

    if (size >= sizeof(ip))
        return -EINVAL;
    memcpy(ip, text, size);
    ip[size] = '\0';
    if (parse_as_written(ip, &base) < 0)
        return -EINVAL;
    bits = base.family == AF_INET6 ? V6_BITS : V4_BITS;
    if (slash != NULL) {
        uint16_t written;

        if (parse_port(slash + 1, &written) < 0 || written > bits)
            return -EINVAL;
        bits = written;
    }
    if (is_mapped(&base) && bits >= MAPPED_BITS) {
        unmap(&base);
        bits = (uint16_t)(bits - MAPPED_BITS);
    }
    clear_behind(base.ip.v6, base.family == AF_INET6 ? sizeof(base.ip.v6) : sizeof(base.ip.v4),
                 bits);
    *cidr = (struct rl_cidr){.base = base, .prefix_bits = (uint8_t)bits};
    return 0;
}

bool rl_cidr_contains(const struct rl_cidr *cidr, const struct rl_addr *addr)
{
    struct rl_addr plain = *addr;

    unmap(&plain);
    return plain.family == cidr->base.family &&
           same_prefix(plain.ip.v6, cidr->base.ip.v6, cidr->prefix_bits);
}
