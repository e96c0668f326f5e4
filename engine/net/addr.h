/* SPDX-License-Identifier: GPL-3.0-or-later */
/* addr - an IPv4 or IPv6 endpoint: parse, print, compare. 20 bytes, no pointers. */
#ifndef RL_NET_ADDR_H
#define RL_NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct rl_addr {
    uint16_t family; /* AF_INET, AF_INET6, 0: none */
    uint16_t port;   /* host order */
    union {
        uint8_t v4[4];
        uint8_t v6[16];
    } ip;
};

enum { RL_ADDR_TEXT = 64 }; /* bytes that any printed endpoint fits, with its NUL */

/* A bare IPv4 or IPv6 literal ("::1", never "[::1]"); port is set to 0. 0 or -EINVAL. */
int rl_addr_parse_ip(const char *text, struct rl_addr *addr);

/* "ip:port" or "[v6]:port". */
int rl_addr_parse_endpoint(const char *text, struct rl_addr *addr);

void rl_addr_format_ip(const struct rl_addr *addr, char out[RL_ADDR_TEXT]);
void rl_addr_format(const struct rl_addr *addr, char out[RL_ADDR_TEXT]); /* ip:port, [v6]:port */

socklen_t rl_addr_to_sockaddr(const struct rl_addr *addr, struct sockaddr_storage *out);
void rl_addr_from_sockaddr(const struct sockaddr *sa, struct rl_addr *addr);

bool rl_addr_same_ip(const struct rl_addr *a, const struct rl_addr *b);

/* "10.0.0.0/8", "::1/128", or a bare address. The bits behind the prefix are cleared. */
struct rl_cidr {
    struct rl_addr base;
    uint8_t prefix_bits;
};
int rl_cidr_parse(const char *text, struct rl_cidr *cidr);
bool rl_cidr_contains(const struct rl_cidr *cidr, const struct rl_addr *addr);

#endif
