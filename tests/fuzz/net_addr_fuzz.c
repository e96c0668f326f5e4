/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text as an address, an endpoint, a range, a pool: what is taken is printed and read back alike. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "net/addr.h"
#include "net/local_ips.h"
#include "net/source.h"

static void check_ip(const char *text)
{
    struct rl_addr addr, back;
    char again[RL_ADDR_TEXT];

    if (rl_addr_parse_ip(text, &addr) < 0)
        return;
    rl_addr_format_ip(&addr, again);
    if (rl_addr_parse_ip(again, &back) < 0 || !rl_addr_same_ip(&addr, &back))
        abort();
}

static void check_endpoint(const char *text)
{
    struct rl_addr addr, back;
    char again[RL_ADDR_TEXT];

    if (rl_addr_parse_endpoint(text, &addr) < 0)
        return;
    rl_addr_format(&addr, again);
    if (rl_addr_parse_endpoint(again, &back) < 0 || !rl_addr_same_ip(&addr, &back) ||
        addr.port != back.port)
        abort();
}

static void check_cidr(const char *text)
{
    struct rl_cidr cidr;

    if (rl_cidr_parse(text, &cidr) == 0 && !rl_cidr_contains(&cidr, &cidr.base))
        abort();
}

static void check_pool(const char *text)
{
    char why[64];
    struct rl_local_ips *pool = rl_local_ips_new(text, why, sizeof(why));

    if (pool == NULL)
        return;
    if (rl_local_ips_count(pool) == 0 || rl_local_ips_at(pool, 1).family == 0 ||
        rl_local_ips_at(pool, UINT64_MAX).family == 0)
        abort();
    rl_local_ips_free(pool);
}

static void check_reserved(const char *text)
{
    struct rl_port_range range = {.low = 100, .high = 200, .reserved = text};
    struct rl_source *source = rl_source_new_in(&range, 0, 1, 1);

    if (source != NULL && rl_source_port_count(source) > 101)
        abort();
    rl_source_free(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    check_ip(text);
    check_endpoint(text);
    check_cidr(text);
    check_pool(text);
    check_reserved(text);
    free(text);
    return 0;
}
