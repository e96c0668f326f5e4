/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The network's own memory, queues and tables. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "limits/findings.h"

enum {
    SMALL_BUFFER = 16384,
    LARGE_BUFFER = 4 << 20,
    BACKLOG_MIN = 1000,
    BACKLOG_MAX = 30000,
    QUEUE_MIN = 128,
    QUEUE_MAX = 65535,
    CONNTRACK_TIME_WAIT_S = 120,
};

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* A page for each socket that has data under way: the kernel's unit of account. */
static int64_t pages_needed(const struct rl_demand *demand)
{
    return (int64_t)demand->vus * (demand->target == RL_TARGET_HERE ? 2 : 1);
}

static void judge_tcp_mem(struct rl_findings *findings, const struct rl_machine *m,
                          const struct rl_demand *demand)
{
    struct rl_finding *finding = rl_finding_add(findings, "net.ipv4.tcp_mem (pages)");
    int64_t pages = pages_needed(demand);

    if (rl_finding_at_least(finding, m->tcp_mem[2], pages))
        rl_finding_mend(finding, "net/ipv4/tcp_mem", "%" PRId64 " %" PRId64 " %" PRId64, pages / 2,
                        pages / 4 * 3, pages);
}

/* What each connection may hold before its peer is slowed down. All of them full must fit tcp_mem, but
 * 16 KiB is never too much to ask. */
static void judge_buffers(struct rl_findings *findings, const struct rl_machine *m,
                          const struct rl_demand *demand, const char *name, const char *path,
                          const int64_t *sizes)
{
    struct rl_finding *finding = rl_finding_add(findings, name);
    int64_t pages = m->tcp_mem[2] > pages_needed(demand) ? m->tcp_mem[2] : pages_needed(demand);
    int64_t most = (int64_t)((double)pages * (double)m->page_bytes / (double)demand->vus);

    if (sizes[1] == RL_UNKNOWN || m->tcp_mem[2] == RL_UNKNOWN) {
        finding->state = RL_FINDING_UNKNOWN;
        snprintf(finding->found, sizeof(finding->found), "not known");
        return;
    }
    most = most < SMALL_BUFFER ? SMALL_BUFFER : most;
    snprintf(finding->found, sizeof(finding->found), "%" PRId64, sizes[1]);
    snprintf(finding->needed, sizeof(finding->needed), "at most %" PRId64, most);
    if (sizes[1] <= most)
        return;
    finding->state = RL_FINDING_SHORT;
    finding->ratio = (double)most / (double)sizes[1];
    rl_finding_mend(finding, path, "4096 %d %d", SMALL_BUFFER, LARGE_BUFFER);
}

/* A queue of the target: with connects spread over time, a second of them; else all at once. */
static void judge_target_queue(struct rl_findings *findings, const struct rl_demand *demand,
                               const char *name, const char *path, int64_t found)
{
    int64_t burst = (int64_t)(demand->rate_per_s > 0 ? demand->rate_per_s : demand->vus);
    int64_t needed = clamp(burst, QUEUE_MIN, QUEUE_MAX);
    struct rl_finding *finding;

    if (demand->target == RL_TARGET_HERE) {
        rl_finding_sysctl(findings, name, path, found, needed, false);
        return;
    }
    finding = rl_finding_add(findings, name);
    rl_finding_mend(finding, path, "%" PRId64, needed);
    finding->sysctl = NULL; /* not this machine's to set */
    finding->state = RL_FINDING_UNKNOWN;
    snprintf(finding->found, sizeof(finding->found), "the target's");
    snprintf(finding->needed, sizeof(finding->needed), "%" PRId64, needed);
    snprintf(finding->remedy, sizeof(finding->remedy), "on the target: sysctl -w %s=%" PRId64, name,
             needed);
}

static void judge_conntrack(struct rl_findings *findings, const struct rl_machine *m,
                            const struct rl_demand *demand)
{
    const char *name = "net.netfilter.nf_conntrack_max";
    int64_t linger_s = m->conntrack_time_wait_s > 0 ? m->conntrack_time_wait_s : CONNTRACK_TIME_WAIT_S;
    int64_t used = m->conntrack_count > 0 ? m->conntrack_count : 0;
    struct rl_finding *finding;

    if (m->conntrack_max == RL_UNKNOWN || m->conntrack_count == 0) {
        /* Loaded, it still tracks nothing until a rule of the firewall's asks for it. */
        finding = rl_finding_add(findings, name);
        snprintf(finding->found, sizeof(finding->found), "%s",
                 m->conntrack_max == RL_UNKNOWN ? "not loaded" : "loaded, but tracks nothing now");
        return;
    }
    finding = rl_finding_sysctl(findings, name, "net/netfilter/nf_conntrack_max", m->conntrack_max,
                                used + 2 * (int64_t)demand->vus + (int64_t)demand->rate_per_s * linger_s,
                                true);
    if (finding != NULL) {
        size_t size = strlen(finding->remedy);

        snprintf(finding->remedy + size, sizeof(finding->remedy) - size,
                 ", or leave the test's connections out with NOTRACK");
    }
}

static void judge_busy_poll(struct rl_findings *findings, const struct rl_machine *m)
{
    struct rl_finding *finding = rl_finding_add(findings, "net.core.busy_poll, busy_read");

    if (m->busy_poll == RL_UNKNOWN) {
        finding->state = RL_FINDING_UNKNOWN;
        snprintf(finding->found, sizeof(finding->found), "not known");
        return;
    }
    snprintf(finding->found, sizeof(finding->found), "%" PRId64 " and %" PRId64, m->busy_poll, m->busy_read);
    snprintf(finding->needed, sizeof(finding->needed), "0, or 50 for latency on cores of its own");
}

void rl_findings_network(struct rl_findings *findings, const struct rl_machine *m,
                         const struct rl_demand *demand)
{
    judge_tcp_mem(findings, m, demand);
    judge_buffers(findings, m, demand, "net.ipv4.tcp_rmem (default)", "net/ipv4/tcp_rmem", m->tcp_rmem);
    judge_buffers(findings, m, demand, "net.ipv4.tcp_wmem (default)", "net/ipv4/tcp_wmem", m->tcp_wmem);
    judge_target_queue(findings, demand, "net.core.somaxconn", "net/core/somaxconn", m->somaxconn);
    judge_target_queue(findings, demand, "net.ipv4.tcp_max_syn_backlog", "net/ipv4/tcp_max_syn_backlog",
                       m->syn_backlog);
    judge_conntrack(findings, m, demand);
    rl_finding_sysctl(findings, "net.core.netdev_max_backlog", "net/core/netdev_max_backlog",
                      m->netdev_backlog,
                      clamp((int64_t)demand->vus * 3 / 10, BACKLOG_MIN, BACKLOG_MAX), false);
    judge_busy_poll(findings, m);
}
