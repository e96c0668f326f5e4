/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/sockopt.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/parse.h"

/* How a value is read. */
enum kind { TRUTH, SIZE, NUMBER, TIME_MS, DSCP, NAME, KEEPALIVE };

struct row {
    const char *name; /* as messages say it */
    enum kind kind;
    int level, option;
    int family; /* 0: all */
    int64_t min, max;
};

/* What differs by family has a row for each, the same in all else. */
static const struct row rows[] = {
    {"nodelay", TRUTH, IPPROTO_TCP, TCP_NODELAY, 0, 0, 0},
    {"keepalive", KEEPALIVE, SOL_SOCKET, SO_KEEPALIVE, 0, 0, 0},
    {"sndbuf", SIZE, SOL_SOCKET, SO_SNDBUF, 0, 1024, INT_MAX / 2},
    {"rcvbuf", SIZE, SOL_SOCKET, SO_RCVBUF, 0, 1024, INT_MAX / 2},
    {"congestion", NAME, IPPROTO_TCP, TCP_CONGESTION, 0, 0, 0},
    {"mss", NUMBER, IPPROTO_TCP, TCP_MAXSEG, 0, 88, 32767},
    {"tos", NUMBER, IPPROTO_IP, IP_TOS, AF_INET, 0, 255},
    {"tos", NUMBER, IPPROTO_IPV6, IPV6_TCLASS, AF_INET6, 0, 255},
    {"dscp", DSCP, IPPROTO_IP, IP_TOS, AF_INET, 0, 63},
    {"dscp", DSCP, IPPROTO_IPV6, IPV6_TCLASS, AF_INET6, 0, 63},
    {"ttl", NUMBER, IPPROTO_IP, IP_TTL, AF_INET, 1, 255},
    {"ttl", NUMBER, IPPROTO_IPV6, IPV6_UNICAST_HOPS, AF_INET6, 1, 255},
    {"user-timeout", TIME_MS, IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 0, INT_MAX},
    {"quickack", TRUTH, IPPROTO_TCP, TCP_QUICKACK, 0, 0, 0},
    {"busy-poll", NUMBER, SOL_SOCKET, SO_BUSY_POLL, 0, 0, 1000000},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* "userTimeout" and "user_timeout" are "user-timeout". */
static bool is_name(const char *text, const char *name)
{
    for (;; text++, name++) {
        while (*text == '-' || *text == '_')
            text++;
        while (*name == '-')
            name++;
        if (tolower((unsigned char)*text) != *name)
            return false;
        if (*name == '\0')
            return true;
    }
}

void rl_sockopts_init(struct rl_sockopts *opts)
{
    const struct rl_ring_option *defaults;

    *opts = (struct rl_sockopts){.count = 0};
    defaults = rl_ring_default_options(&opts->count);
    memcpy(opts->items, defaults, opts->count * sizeof(*defaults));
}

/* The option's place, a new one if it has none. */
static unsigned place_of(struct rl_sockopts *opts, const struct row *row)
{
    unsigned at = 0;

    while (at < opts->count &&
           (opts->items[at].level != row->level || opts->items[at].name != row->option))
        at++;
    RL_CHECK(at < RL_RING_OPTIONS);
    if (at == opts->count)
        opts->count++;
    return at;
}

static void put_number(struct rl_sockopts *opts, const struct row *row, int number)
{
    unsigned at = place_of(opts, row);

    opts->numbers[at] = number;
    opts->items[at] = (struct rl_ring_option){row->family, row->level, row->option, &opts->numbers[at],
                                              sizeof(opts->numbers[at])};
}

/* Without keepalive its times are of no use either. Numbers move with their items. */
static void drop_keepalive(struct rl_sockopts *opts)
{
    struct rl_sockopts old = *opts;

    opts->count = 0;
    for (unsigned i = 0; i < old.count; i++) {
        const struct rl_ring_option *item = &old.items[i];
        bool own = item->value == &opts->numbers[i];

        if ((item->level == SOL_SOCKET && item->name == SO_KEEPALIVE) ||
            (item->level == IPPROTO_TCP && (item->name == TCP_KEEPIDLE || item->name == TCP_KEEPINTVL ||
                                            item->name == TCP_KEEPCNT)))
            continue;
        opts->numbers[opts->count] = old.numbers[i];
        opts->items[opts->count] = *item;
        if (own)
            opts->items[opts->count].value = &opts->numbers[opts->count];
        opts->count++;
    }
}

static int refuse(const struct row *row, const char *value, char *why, size_t why_bytes)
{
    switch (row->kind) {
    case TRUTH:
    case KEEPALIVE:
        snprintf(why, why_bytes, "sockopt: %s must be true or false, not \"%.60s\"", row->name, value);
        break;
    case SIZE:
        snprintf(why, why_bytes, "sockopt: %s must be a size of at least 1KiB and less than 1GiB, such as \"64KiB\", not \"%.60s\"",
                 row->name, value);
        break;
    case TIME_MS:
        snprintf(why, why_bytes, "sockopt: %s must be a duration such as \"5s\", not \"%.60s\"", row->name,
                 value);
        break;
    case NAME:
        snprintf(why, why_bytes, "sockopt: %s must be the name of an algorithm, not \"%.60s\"", row->name,
                 value);
        break;
    case NUMBER:
    case DSCP:
        snprintf(why, why_bytes, "sockopt: %s must be a whole number from %" PRId64 " to %" PRId64
                 ", not \"%.60s\"", row->name, row->min, row->max, value);
        break;
    }
    return -EINVAL;
}

/* The value as the kernel wants it; -1 if it is none. */
static int64_t read_value(const struct row *row, const char *value)
{
    int64_t number = 0;
    uint64_t size = 0;
    bool truth = false;

    switch (row->kind) {
    case TRUTH:
    case KEEPALIVE:
        return rl_parse_bool(value, &truth) == 0 ? truth : -1;
    case SIZE:
        return rl_parse_size(value, &size) == 0 && size >= (uint64_t)row->min && size <= (uint64_t)row->max
                   ? (int64_t)size
                   : -1;
    case TIME_MS:
        if (rl_parse_duration(value, true, &number) < 0 || number < 0)
            return -1;
        number = (number + 999999) / 1000000;
        return number <= row->max ? number : -1;
    case NUMBER:
    case DSCP:
        if (rl_parse_int(value, &number) < 0 || number < row->min || number > row->max)
            return -1;
        return row->kind == DSCP ? number << 2 : number;
    case NAME:
        break;
    }
    return -1;
}

static int put_name(struct rl_sockopts *opts, const struct row *row, const char *value, char *why,
                    size_t why_bytes)
{
    size_t size = strlen(value);
    unsigned at;

    if (size == 0 || size >= sizeof(opts->congestion))
        return refuse(row, value, why, why_bytes);
    memcpy(opts->congestion, value, size + 1);
    at = place_of(opts, row);
    opts->items[at] = (struct rl_ring_option){row->family, row->level, row->option, opts->congestion,
                                              (socklen_t)size};
    return 0;
}

static int put_row(struct rl_sockopts *opts, const struct row *row, const char *value, char *why,
                   size_t why_bytes)
{
    int64_t number;

    if (row->kind == NAME)
        return put_name(opts, row, value, why, why_bytes);
    number = read_value(row, value);
    if (number < 0)
        return refuse(row, value, why, why_bytes);
    if (row->kind == KEEPALIVE && number == 0)
        drop_keepalive(opts);
    else if (row->kind != KEEPALIVE) /* true is the default */
        put_number(opts, row, (int)number);
    return 0;
}

int rl_sockopts_set(struct rl_sockopts *opts, const char *name, const char *value, char *why,
                    size_t why_bytes)
{
    bool known = false;
    int rc = 0;

    for (size_t i = 0; i < ROWS && rc == 0; i++) {
        if (is_name(name, rows[i].name)) {
            known = true;
            rc = put_row(opts, &rows[i], value, why, why_bytes);
        }
    }
    if (known)
        return rc;
    snprintf(why, why_bytes,
             "sockopt: there is no \"%.60s\"; there are nodelay, keepalive, sndbuf, rcvbuf, congestion, mss, tos, "
             "dscp, ttl, user-timeout, quickack and busy-poll", name);
    return -EINVAL;
}

/* --- Trying. --- */

static const char *name_of(const struct rl_ring_option *item)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].level == item->level && rows[i].option == item->name)
            return rows[i].name;
    }
    return "keepalive";
}

static void explain(const struct rl_ring_option *item, const char *congestion, int error, char *why,
                    size_t why_bytes)
{
    if (item->level == IPPROTO_TCP && item->name == TCP_CONGESTION && error == ENOENT) {
        char list[256] = "";
        FILE *file = fopen("/proc/sys/net/ipv4/tcp_available_congestion_control", "re");

        if (file != NULL && fgets(list, sizeof(list), file) == NULL)
            list[0] = '\0';
        if (file != NULL)
            fclose(file);
        list[strcspn(list, "\n")] = '\0';
        snprintf(why, why_bytes, "sockopt: congestion \"%s\" is not available; there are: %s (modprobe tcp_%s "
                 "as root may bring it)", congestion, list, congestion);
    } else if (error == EPERM && item->level == IPPROTO_TCP) {
        snprintf(why, why_bytes, "sockopt: congestion \"%s\" is not allowed without rights: sysctl -w "
                 "net.ipv4.tcp_allowed_congestion_control=\"reno cubic %s\"", congestion, congestion);
    } else if (error == EPERM && item->level == SOL_SOCKET) {
        snprintf(why, why_bytes, "sockopt: busy-poll above net.core.busy_read needs CAP_NET_ADMIN: sysctl -w "
                 "net.core.busy_read=%d", *(const int *)item->value);
    } else {
        snprintf(why, why_bytes, "sockopt: %s: the kernel refuses it: %s", name_of(item), strerror(error));
    }
}

/* The kernel doubles what is asked for, and cuts it at a sysctl without a word. */
static int check_buffer(int fd, const struct rl_ring_option *item, char *why, size_t why_bytes)
{
    int wanted, got = 0;
    socklen_t size = sizeof(got);

    if (item->level != SOL_SOCKET || (item->name != SO_SNDBUF && item->name != SO_RCVBUF))
        return 0;
    wanted = *(const int *)item->value;
    if (getsockopt(fd, SOL_SOCKET, item->name, &got, &size) < 0 || got / 2 >= wanted)
        return 0;
    snprintf(why, why_bytes, "sockopt: %s: the kernel gives %d bytes at most, not %d: sysctl -w net.core.%s=%d",
             name_of(item), got / 2, wanted, item->name == SO_SNDBUF ? "wmem_max" : "rmem_max", wanted);
    return -EPERM;
}

static int try_family(const struct rl_sockopts *opts, int family, char *why, size_t why_bytes)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), rc = 0;

    if (fd < 0) /* this kernel may have no IPv6: then nothing is ever opened with it */
        return 0;
    for (unsigned i = 0; i < opts->count && rc == 0; i++) {
        const struct rl_ring_option *item = &opts->items[i];

        if (item->family != 0 && item->family != family)
            continue;
        if (setsockopt(fd, item->level, item->name, item->value, item->bytes) < 0) {
            rc = -errno;
            explain(item, opts->congestion, -rc, why, why_bytes);
        } else {
            rc = check_buffer(fd, item, why, why_bytes);
        }
    }
    close(fd);
    return rc;
}

int rl_sockopts_try(const struct rl_sockopts *opts, char *why, size_t why_bytes)
{
    int rc = try_family(opts, AF_INET, why, why_bytes);

    return rc == 0 ? try_family(opts, AF_INET6, why, why_bytes) : rc;
}
