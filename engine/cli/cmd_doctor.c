/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cmd_doctor.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/args.h"
#include "cli/help.h"
#include "limits/apply.h"
#include "limits/limits.h"
#include "limits/report.h"
#include "net/addr.h"
#include "net/local_ips.h"
#include "net/own_ips.h"
#include "ring/probe.h"
#include "run/run.h"

enum { CAPACITY_MAX = 100000000, SHORT = 1, LOOPBACK_ADDRESSES = (1 << 24) - 2 };

/* --- Where the target is. --- */

struct place {
    enum rl_target_place place;
    struct rl_addr target, local; /* unless it is not known */
    char nic[IF_NAMESIZE];
};

/* The address of "host:port"; false after telling why not. */
static bool find_target(const char *text, struct sockaddr_storage *out, socklen_t *size)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    const char *colon = strrchr(text, ':');
    bool bracketed = text[0] == '[';
    char host[256];
    int rc;

    snprintf(host, sizeof(host), "%.*s", (int)(colon - text) - 2 * bracketed, text + bracketed);
    rc = getaddrinfo(host, colon + 1, &hints, &found);
    if (rc != 0) {
        rl_log_error("--target: %s: %s", host, gai_strerror(rc));
        return false;
    }
    memcpy(out, found->ai_addr, found->ai_addrlen);
    *size = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

/* The address from which this machine would send there: the routing table's choice, without traffic. */
static bool find_route(const struct sockaddr_storage *target, socklen_t size, struct rl_addr *local)
{
    int fd = socket(target->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_storage name;
    bool found = false;

    if (fd < 0)
        return false;
    if (connect(fd, (const struct sockaddr *)target, size) == 0) {
        size = sizeof(name);
        found = getsockname(fd, (struct sockaddr *)&name, &size) == 0;
    }
    close(fd);
    if (found)
        rl_addr_from_sockaddr((struct sockaddr *)&name, local);
    return found;
}

static bool is_same_ip(const struct rl_addr *a, const struct rl_addr *b)
{
    char left[RL_ADDR_TEXT], right[RL_ADDR_TEXT];

    rl_addr_format_ip(a, left);
    rl_addr_format_ip(b, right);
    return strcmp(left, right) == 0;
}

/* The interface that has the local address. A target that is an address of ours, or in loopback's net,
 * is here. */
static void find_interface(const struct rl_addr *target, const struct rl_addr *local, struct place *place)
{
    struct ifaddrs *list = NULL;

    place->place = RL_TARGET_AWAY;
    if (getifaddrs(&list) < 0)
        return;
    for (const struct ifaddrs *at = list; at != NULL; at = at->ifa_next) {
        struct rl_addr addr;

        if (at->ifa_addr == NULL ||
            (at->ifa_addr->sa_family != AF_INET && at->ifa_addr->sa_family != AF_INET6))
            continue;
        rl_addr_from_sockaddr(at->ifa_addr, &addr);
        if (is_same_ip(&addr, local) && place->nic[0] == '\0')
            snprintf(place->nic, sizeof(place->nic), "%s", at->ifa_name);
        if (is_same_ip(&addr, target) ||
            ((at->ifa_flags & IFF_LOOPBACK) != 0 && target->family == AF_INET && target->ip.v4[0] == 127)) {
            place->place = RL_TARGET_HERE;
            snprintf(place->nic, sizeof(place->nic), "lo");
            break;
        }
    }
    freeifaddrs(list);
}

static bool find_place(const char *text, struct place *place)
{
    struct sockaddr_storage sa;
    socklen_t size;

    *place = (struct place){.place = RL_TARGET_UNKNOWN};
    if (text == NULL)
        return true;
    if (!find_target(text, &sa, &size))
        return false;
    rl_addr_from_sockaddr((struct sockaddr *)&sa, &place->target);
    place->place = RL_TARGET_AWAY;
    if (find_route(&sa, size, &place->local))
        find_interface(&place->target, &place->local, place);
    return true;
}

/* --- The examination. --- */

/* Of --local-ips auto: all that lead to the target. */
static bool count_own_addresses(const struct place *place, uint64_t *count)
{
    struct rl_own_ips *ips;
    struct rl_own_range range;

    if (place->place == RL_TARGET_UNKNOWN) {
        rl_log_error("--local-ips auto: which addresses these are depends on the target; give --target HOST:PORT");
        return false;
    }
    ips = rl_own_ips_new();
    if (ips == NULL) {
        rl_log_error("--local-ips auto: the kernel does not tell this machine's addresses");
        return false;
    }
    range = rl_own_ips_to(ips, &place->target, &place->local);
    rl_own_ips_free(ips);
    *count = range.loopback ? LOOPBACK_ADDRESSES : range.count > 0 ? range.count : 1;
    return true;
}

static bool count_addresses(const char *text, const struct place *place, uint64_t *count)
{
    char why[256];
    struct rl_local_ips *pool;
    bool known = true;

    *count = 1;
    if (text == NULL)
        return true;
    pool = rl_local_ips_new(text, why, sizeof(why));
    if (pool == NULL) {
        rl_log_error("--local-ips: %s", why);
        return false;
    }
    if (rl_local_ips_is_auto(pool))
        known = count_own_addresses(place, count);
    else
        *count = rl_local_ips_count(pool);
    rl_local_ips_free(pool);
    return known;
}

struct examination {
    struct rl_machine machine;
    struct rl_findings findings;
};

static void examine(struct examination *e, const struct rl_demand *demand, const struct place *place)
{
    rl_machine_read(&e->machine, "", rl_probe(), place->nic[0] == '\0' ? NULL : place->nic);
    rl_findings_make(&e->findings, &e->machine, demand);
}

static int tell(const struct rl_doctor_args *args, const struct rl_demand *demand,
                const struct examination *e)
{
    struct rl_doctor_report report = {.findings = &e->findings,
                                      .demand = demand,
                                      .machine = &e->machine,
                                      .target = args->target};

    report.capacity = rl_findings_capacity(&e->machine, demand, CAPACITY_MAX, &report.limit);
    if (!args->json)
        rl_limits_write_text(&report, stdout);
    else if (rl_limits_write_json(&report, stdout) < 0)
        return RL_EXIT_OTHER;
    return rl_findings_short(&e->findings) > 0 ? SHORT : 0;
}

static int doctor(const struct rl_doctor_args *args)
{
    struct rl_demand demand = {.vus = args->vus, .rate_per_s = args->rate_per_s, .targets = 1};
    static struct examination examination;
    struct place place;

    if (!find_place(args->target, &place) || !count_addresses(args->local_ips, &place, &demand.addresses))
        return RL_EXIT_OTHER;
    demand.target = place.place;
    demand.workers = args->workers != 0 ? (uint32_t)args->workers : rl_limits_cores();
    examine(&examination, &demand, &place);
    if (args->apply) { /* on stderr, so that --json stays an object */
        rl_limits_apply(&examination.findings, "", stderr);
        examine(&examination, &demand, &place);
    }
    return tell(args, &demand, &examination);
}

int rl_cmd_doctor(int argc, char *const *argv)
{
    struct rl_problems problems;
    struct rl_doctor_args args;
    int code;

    rl_problems_init(&problems);
    code = rl_doctor_args_parse(&args, argc, argv, &problems);
    rl_problems_tell(&problems);
    rl_problems_fini(&problems);
    if (code < 0)
        return RL_EXIT_OTHER;
    if (args.help) {
        rl_help_doctor(stdout);
        return 0;
    }
    return doctor(&args);
}
