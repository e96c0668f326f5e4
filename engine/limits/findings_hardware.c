/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CPUs and the network card. Nothing here makes a VU fail: the figures get worse. */
#include <stdio.h>

#include "limits/findings.h"

static void judge_quota(struct rl_findings *findings, const struct rl_machine *m,
                        const struct rl_demand *demand)
{
    struct rl_finding *finding = rl_finding_add(findings, "CPU quota (cores)");

    snprintf(finding->needed, sizeof(finding->needed), "%u, or none", demand->workers);
    if (m->quota_cores == 0) {
        snprintf(finding->found, sizeof(finding->found), "none");
        return;
    }
    snprintf(finding->found, sizeof(finding->found), "%.4g", m->quota_cores);
    if (m->quota_cores >= demand->workers)
        return;
    finding->state = RL_FINDING_SHORT;
    finding->ratio = m->quota_cores / demand->workers;
    snprintf(finding->remedy, sizeof(finding->remedy),
             "ringload run --workers %u, or docker run --cpuset-cpus in place of --cpus (a quota stops the "
             "workers in the middle of a turn)", m->quota_cores < 1 ? 1 : (unsigned)m->quota_cores);
}

static void judge_affinity(struct rl_findings *findings, const struct rl_machine *m,
                           const struct rl_demand *demand)
{
    struct rl_finding *finding = rl_finding_add(findings, "usable CPUs");

    snprintf(finding->needed, sizeof(finding->needed), "%u (workers)", demand->workers);
    if (m->cpus_allowed == 0) {
        finding->state = RL_FINDING_UNKNOWN;
        snprintf(finding->found, sizeof(finding->found), "not known");
        return;
    }
    snprintf(finding->found, sizeof(finding->found), "%u of %u", m->cpus_allowed, m->cpus_online);
    if (m->cpus_allowed >= demand->workers)
        return;
    /* Legal, and of use where the limit of open files is low: each worker's ring has its own. */
    snprintf(finding->found, sizeof(finding->found), "%u of %u: the workers share them",
             m->cpus_allowed, m->cpus_online);
}

static void judge_governor(struct rl_findings *findings, const struct rl_machine *m)
{
    struct rl_finding *finding = rl_finding_add(findings, "CPU governor");

    snprintf(finding->needed, sizeof(finding->needed), "performance");
    if (m->governor[0] == '\0') {
        finding->state = RL_FINDING_UNKNOWN;
        snprintf(finding->found, sizeof(finding->found), "no frequency scaling to be seen (a virtual machine?)");
        return;
    }
    snprintf(finding->found, sizeof(finding->found), "%s", m->governor);
    if (m->slow_cpus == 0)
        return;
    finding->state = RL_FINDING_SHORT;
    snprintf(finding->found, sizeof(finding->found), "%s, %u CPUs", m->governor, m->slow_cpus);
    snprintf(finding->remedy, sizeof(finding->remedy), "cpupower frequency-set -g performance");
}

/* All CPUs as a mask, for rps_cpus: at most 32 of them, which is enough for a command to start from. */
static unsigned mask_of(uint32_t cpus)
{
    return cpus >= 32 ? 0xffffffffu : (1u << cpus) - 1;
}

static void judge_interrupts(struct rl_findings *findings, const struct rl_machine *m)
{
    struct rl_finding *finding = rl_finding_add(findings, "interrupts of the network card");
    const struct rl_nic *nic = &m->nic;

    if (nic->name[0] == '\0') {
        finding->state = RL_FINDING_UNKNOWN;
        snprintf(finding->found, sizeof(finding->found), "give --target HOST:PORT");
        return;
    }
    if (nic->loopback) {
        snprintf(finding->found, sizeof(finding->found), "none (%s)", nic->name);
        return;
    }
    if (nic->irqs == 0) {
        finding->state = RL_FINDING_UNKNOWN;
        snprintf(finding->found, sizeof(finding->found), "none seen (%.40s)", nic->name);
    } else {
        snprintf(finding->found, sizeof(finding->found), "on %u CPUs (%.20s); RPS %u of %u, XPS %u of %u",
                 nic->irq_cpus, nic->name, nic->rps_queues, nic->rx_queues, nic->xps_queues,
                 nic->tx_queues);
    }
    snprintf(finding->needed, sizeof(finding->needed), "more than 1 CPU, or RPS");
    if (nic->irqs == 0 || nic->irq_cpus != 1 || m->cpus_online < 2 || nic->rps_queues > 0)
        return;
    finding->state = RL_FINDING_SHORT;
    finding->ratio = 1.0 / m->cpus_online;
    snprintf(finding->remedy, sizeof(finding->remedy),
             "echo %x > /sys/class/net/%.40s/queues/rx-0/rps_cpus, or a queue a core: ethtool -L %.40s combined %u",
             mask_of(m->cpus_online), nic->name, nic->name, m->cpus_online);
}

void rl_findings_hardware(struct rl_findings *findings, const struct rl_machine *m,
                          const struct rl_demand *demand)
{
    judge_quota(findings, m, demand);
    judge_affinity(findings, m, demand);
    judge_governor(findings, m);
    judge_interrupts(findings, m);
}
