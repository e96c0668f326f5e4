/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options about names and addresses. They are checked here, so that all that is wrong is told at
 * once, and parsed by the net room. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "plan/options_read.h"

/* Bytes of the address: 4, 16, or 0 if text (size bytes of it) is none. */
static size_t address_bytes(const char *text, size_t size)
{
    unsigned char address[16];
    char copy[INET6_ADDRSTRLEN + 1];

    if (size >= sizeof(copy))
        return 0;
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (inet_pton(AF_INET, copy, address) == 1)
        return 4;
    return inet_pton(AF_INET6, copy, address) == 1 ? 16 : 0;
}

static bool is_number_up_to(const char *text, int64_t max)
{
    int64_t number;

    return text[0] >= '0' && text[0] <= '9' && rl_parse_int(text, &number) == 0 && number <= max;
}

/* "ip", "ip:port" or "[v6]:port". */
static bool is_endpoint(const char *text)
{
    const char *colon = strrchr(text, ':');
    size_t size;

    if (address_bytes(text, strlen(text)) > 0)
        return true;
    if (colon == NULL || !is_number_up_to(colon + 1, 65535))
        return false;
    size = (size_t)(colon - text);
    if (size > 2 && text[0] == '[' && text[size - 1] == ']')
        return address_bytes(text + 1, size - 2) == 16;
    return address_bytes(text, size) == 4;
}

/* "ip" or "ip/bits". */
static bool is_cidr(const char *text)
{
    size_t size = strcspn(text, "/");
    size_t bytes = address_bytes(text, size);

    if (bytes == 0)
        return false;
    return text[size] == '\0' || is_number_up_to(text + size + 1, 8 * (int64_t)bytes);
}

/* "ip", "ip/bits" or "ip-ip". */
static bool is_address_range(const char *text)
{
    size_t size = strcspn(text, "-");
    size_t bytes = address_bytes(text, size);

    if (text[size] == '\0')
        return is_cidr(text);
    return bytes > 0 && address_bytes(text + size + 1, strlen(text + size + 1)) == bytes;
}

/* A name, perhaps after one star. */
static bool is_name_pattern(const char *text)
{
    text += text[0] == '*';
    return text[0] != '\0' && strpbrk(text, "*/ \t") == NULL;
}

static bool read_checked(struct rl_reader *r, const struct rl_value *value, struct rl_texts *field,
                         bool (*is_right)(const char *text), const char *what)
{
    bool good = true;
    struct rl_texts items;

    if (!rl_read_items(r, value, &items))
        return false;
    for (size_t i = 0; i < items.count; i++) {
        if (!is_right(items.items[i])) {
            rl_problems_error(r->problems, "%s: \"%s\" is not %s", r->where, items.items[i], what);
            good = false;
        }
    }
    if (good)
        *field = items;
    return good;
}

bool rl_read_blacklist(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    (void)min;
    return read_checked(r, value, field, is_cidr, "an address range such as \"10.0.0.0/8\"");
}

bool rl_read_blocked_names(struct rl_reader *r, const struct rl_value *value, void *field,
                           int64_t min)
{
    (void)min;
    return read_checked(r, value, field, is_name_pattern,
                        "a host name, which may begin with one \"*\"");
}

static bool is_local_ip(const char *text)
{
    return strcmp(text, "auto") == 0 || is_address_range(text);
}

bool rl_read_local_ips(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    struct rl_texts items;

    (void)min;
    if (!read_checked(r, value, &items, is_local_ip,
                      "an address, nor \"auto\", nor a range such as \"10.0.0.1-10.0.0.9\" or "
                      "\"10.0.0.0/24\""))
        return false;
    for (size_t i = 0; items.count > 1 && i < items.count; i++) {
        if (strcmp(items.items[i], "auto") == 0) {
            rl_problems_error(r->problems,
                              "%s: \"auto\" stands for all addresses there are: write it alone, or "
                              "only the addresses",
                              r->where);
            return false;
        }
    }
    *(struct rl_texts *)field = items;
    return true;
}

static bool check_host(struct rl_reader *r, const char *name, const char *target)
{
    if (!is_name_pattern(name)) {
        rl_problems_error(r->problems,
                          "%s: \"%s\" is not a host name, which may begin with one \"*\" and end "
                          "with a port",
                          r->where, name);
        return false;
    }
    if (!is_endpoint(target)) {
        rl_problems_error(r->problems,
                          "%s: \"%s\" must lead to an IP address or IP:port, not \"%s\"", r->where,
                          name, target);
        return false;
    }
    return true;
}

/* "name:target": names may have a port and targets are full of colons, so the first cut that leaves
 * an address counts. */
static bool put_host(struct rl_reader *r, struct rl_pairs *hosts, const char *text)
{
    for (const char *cut = strchr(text, ':'); cut != NULL; cut = strchr(cut + 1, ':')) {
        if (is_endpoint(cut + 1)) {
            struct rl_slice name = rl_slice_of(text, (size_t)(cut - text));

            rl_pairs_put(hosts, r->options->arena, name, cut + 1);
            return check_host(r, hosts->items[hosts->count - 1].name, cut + 1);
        }
    }
    rl_problems_error(r->problems,
                      "%s: \"%s\" is no entry; write name:address, such as "
                      "\"test.local:127.0.0.1\"",
                      r->where, text);
    return false;
}

bool rl_read_hosts(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    struct rl_pairs hosts = {NULL, 0};
    bool good = true;

    (void)min;
    if (r->tier >= RL_TIER_ENV) {
        struct rl_texts items;

        if (!rl_read_items(r, value, &items))
            return false;
        for (size_t i = 0; i < items.count; i++)
            good &= put_host(r, &hosts, items.items[i]);
    } else {
        if (!rl_read_map(r, value, &hosts))
            return false;
        for (size_t i = 0; i < hosts.count; i++)
            good &= check_host(r, hosts.items[i].name, hosts.items[i].value);
    }
    if (good && hosts.count > 0)
        *(struct rl_pairs *)field = hosts;
    return good;
}

static bool find_name(const char *const *names, const char *text, unsigned *index)
{
    for (*index = 0; names[*index] != NULL; (*index)++) {
        if (strcmp(names[*index], text) == 0)
            return true;
    }
    return false;
}

static bool read_ttl(struct rl_reader *r, const struct rl_value *value)
{
    struct rl_reader inner = *r;

    inner.tier = RL_TIER_ENV; /* a bare number is ms, on the command line as well */
    if (value->kind == RL_STRING && strcmp(value->text, "inf") == 0)
        r->options->dns_ttl_ns = INT64_MAX;
    else if (!rl_read_time(&inner, value, 0, &r->options->dns_ttl_ns))
        return false;
    r->options->set |= UINT64_C(1) << RL_OPTION_DNS_TTL;
    return true;
}

static bool read_dns_part(struct rl_reader *r, const char *key, const struct rl_value *value)
{
    static const char *const orders[] = {"random", "first", "roundRobin", NULL};
    static const char *const families[] = {"preferIPv4", "preferIPv6", "onlyIPv4",
                                           "onlyIPv6",   "any",        NULL};
    char where[160];
    struct rl_reader inner = *r;
    unsigned index;

    snprintf(where, sizeof(where), "%s.%s", r->where, key);
    inner.where = where;
    if (strcmp(key, "ttl") == 0)
        return read_ttl(&inner, value);
    if (strcmp(key, "select") == 0) {
        if (value->kind == RL_STRING && find_name(orders, value->text, &index)) {
            r->options->dns_select = index;
            r->options->set |= UINT64_C(1) << RL_OPTION_DNS_SELECT;
            return true;
        }
        rl_read_refuse(&inner, value, "\"first\", \"random\" or \"roundRobin\"");
    } else if (strcmp(key, "policy") == 0) {
        if (value->kind == RL_STRING && find_name(families, value->text, &index)) {
            r->options->dns_policy = index;
            r->options->set |= UINT64_C(1) << RL_OPTION_DNS_POLICY;
            return true;
        }
        rl_read_refuse(&inner, value, "preferIPv4, preferIPv6, onlyIPv4, onlyIPv6 or any");
    } else {
        rl_problems_error(r->problems, "%s: unknown key \"%s\"; there are ttl, select and policy",
                          r->where, key);
    }
    return false;
}

/* "ttl=5m,select=random,policy=preferIPv4", any of the three. */
static bool read_dns_text(struct rl_reader *r, const char *text)
{
    bool good = true;

    while (*text != '\0') {
        size_t size = strcspn(text, ",");
        struct rl_value *part = rl_value_string(r->options->arena, text, size);
        char *equals = rl_options_alloc(r, size + 1);

        memcpy(equals, part->text, size + 1);
        part->text = strchr(equals, '=');
        if (part->text == NULL) {
            rl_problems_error(r->problems,
                              "%s: \"%s\" is not key=value; write it like "
                              "\"ttl=5m,select=random,policy=preferIPv4\"",
                              r->where, equals);
            return false;
        }
        equals[part->text - equals] = '\0';
        part->text++;
        part->size = strlen(part->text);
        good &= read_dns_part(r, equals, part);
        text += size + (text[size] == ',');
    }
    return good;
}

bool rl_read_dns(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    bool good = true;

    (void)field;
    (void)min;
    if (value->kind == RL_STRING)
        return read_dns_text(r, value->text);
    if (value->kind != RL_MAP && !rl_is_empty_table(value)) {
        rl_read_refuse(r, value, "a table with ttl, select and policy");
        return false;
    }
    for (const struct rl_value *part = value->first; part != NULL; part = part->next) {
        if (part->kind != RL_NIL)
            good &= read_dns_part(r, part->key, part);
    }
    return good;
}

/* "nodelay=false,sndbuf=64KiB"; a flag given again goes on. */
static bool read_sockopt_text(struct rl_reader *r, const struct rl_value *value, struct rl_pairs *field)
{
    struct rl_texts items;

    if (!rl_read_items(r, value, &items))
        return false;
    for (size_t i = 0; i < items.count; i++) {
        const char *equals = strchr(items.items[i], '=');

        if (equals == NULL || equals == items.items[i]) {
            rl_problems_error(r->problems, "%s: \"%s\" is not name=value, such as nodelay=false", r->where,
                              items.items[i]);
            return false;
        }
        rl_pairs_put(field, r->options->arena,
                     rl_slice_of(items.items[i], (size_t)(equals - items.items[i])), equals + 1);
    }
    return true;
}

bool rl_read_sockopt(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    struct rl_pairs pairs;

    (void)min;
    if (r->tier >= RL_TIER_ENV)
        return read_sockopt_text(r, value, field);
    if (!rl_read_map(r, value, &pairs))
        return false;
    *(struct rl_pairs *)field = pairs;
    return true;
}
