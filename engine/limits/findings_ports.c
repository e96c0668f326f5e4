/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Source ports, and what closed connections leave behind. */
#include <inttypes.h>
#include <stdio.h>

#include "limits/findings.h"

enum {
    LOW_PORT = 1024,
    HIGH_PORT = 65535,
    TIME_WAIT_S = 60,
    REUSE_S = 1, /* with tcp_tw_reuse a port in TIME_WAIT is used again after this */
};

/* 1: everywhere; 2 (the kernel's default): on loopback. */
static bool is_reused(const struct rl_machine *m, const struct rl_demand *demand)
{
    return m->tw_reuse == 1 || (m->tw_reuse == 2 && demand->target == RL_TARGET_HERE);
}

/* Which places the ports run over: one source address to one target. */
static int64_t places(const struct rl_demand *demand)
{
    uint64_t product;

    if (__builtin_mul_overflow(demand->addresses, demand->targets, &product) || product > INT32_MAX)
        return INT32_MAX;
    return (int64_t)product;
}

static void mend_ports(struct rl_finding *finding, const struct rl_machine *m,
                       const struct rl_demand *demand, int64_t needed)
{
    const int64_t most = HIGH_PORT - LOW_PORT + 1 - m->ports_reserved;
    int64_t addresses = (needed + most * (int64_t)demand->targets - 1) / (most * (int64_t)demand->targets);
    bool wide = m->port_low <= LOW_PORT && m->port_high >= HIGH_PORT;
    char sysctl[128] = "", rest[160] = "";

    if (!wide) {
        rl_finding_mend(finding, "net/ipv4/ip_local_port_range", "%d %d", LOW_PORT, HIGH_PORT);
        snprintf(sysctl, sizeof(sysctl), "%.120s", finding->remedy);
    }
    if (addresses > (int64_t)demand->addresses)
        snprintf(rest, sizeof(rest), "ringload run --local-ips auto, if this machine has %" PRId64
                 " addresses to the target%s", addresses,
                 demand->target == RL_TARGET_HERE ? " (127.0.0.0/8 has)" : "");
    snprintf(finding->remedy, sizeof(finding->remedy), "%s%s%s", sysctl,
             sysctl[0] != '\0' && rest[0] != '\0' ? ", and " : "", rest);
}

static void judge_ports(struct rl_findings *findings, const struct rl_machine *m,
                        const struct rl_demand *demand)
{
    struct rl_finding *finding = rl_finding_add(findings, "source ports");
    int64_t ports = rl_machine_ports(m), found = ports;
    int64_t waiting = (int64_t)demand->rate_per_s * (is_reused(m, demand) ? REUSE_S : TIME_WAIT_S);
    int64_t needed = (int64_t)demand->vus + waiting;

    if (ports != RL_UNKNOWN && __builtin_mul_overflow(ports, places(demand), &found))
        found = INT64_MAX;
    finding->stops = true;
    if (rl_finding_at_least(finding, found, needed))
        mend_ports(finding, m, demand, needed);
    if (waiting > 0)
        snprintf(finding->needed, sizeof(finding->needed), "%" PRId64 " (%" PRId64 " in TIME_WAIT)", needed,
                 waiting);
}

static void judge_reuse(struct rl_findings *findings, const struct rl_machine *m,
                        const struct rl_demand *demand)
{
    struct rl_finding *finding = rl_finding_add(findings, "net.ipv4.tcp_tw_reuse");
    int64_t capacity = rl_machine_ports(m) * places(demand);
    bool wanted = capacity > 0 && (int64_t)(demand->vus + demand->rate_per_s * TIME_WAIT_S) > capacity &&
                  demand->rate_per_s > 0;

    rl_finding_at_least(finding, m->tw_reuse, RL_UNKNOWN);
    finding->needed[0] = '\0';
    if (!wanted || m->tw_reuse == RL_UNKNOWN)
        return;
    snprintf(finding->needed, sizeof(finding->needed), "1%s",
             demand->target == RL_TARGET_HERE ? " or 2" : "");
    if (is_reused(m, demand))
        return;
    finding->state = RL_FINDING_SHORT;
    finding->stops = true;
    finding->ratio = 0;
    rl_finding_mend(finding, "net/ipv4/tcp_tw_reuse", "1");
}

void rl_findings_ports(struct rl_findings *findings, const struct rl_machine *m,
                       const struct rl_demand *demand)
{
    judge_ports(findings, m, demand);
    judge_reuse(findings, m, demand);
    rl_finding_sysctl(findings, "net.ipv4.tcp_max_tw_buckets", "net/ipv4/tcp_max_tw_buckets",
                      m->tw_buckets, (int64_t)demand->rate_per_s * TIME_WAIT_S, false);
}
