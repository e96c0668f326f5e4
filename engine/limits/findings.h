/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * findings - what a load needs of a machine, and what it finds: one line each, with the command that mends
 * what is short.
 *
 *      machine (what there is) + demand (what is wanted)  ->  findings, always all of them, in one order
 *
 * Arithmetic only. Memory: the caller's.
 */
#ifndef RL_LIMITS_FINDINGS_H
#define RL_LIMITS_FINDINGS_H

#include "limits/machine.h"

enum rl_target_place {
    RL_TARGET_UNKNOWN,
    RL_TARGET_HERE, /* on this machine: it takes its part of memory, and its settings are seen */
    RL_TARGET_AWAY,
};

struct rl_demand {
    uint64_t vus;        /* each with a connection */
    uint64_t rate_per_s; /* connects a second that are closed again by us; 0: none to speak of */
    uint64_t addresses;  /* to connect from; at least 1 */
    uint64_t targets;    /* address and port pairs; at least 1 */
    uint32_t workers;    /* at least 1 */
    enum rl_target_place target;
};

enum rl_finding_state { RL_FINDING_OK, RL_FINDING_SHORT, RL_FINDING_UNKNOWN };

enum { RL_FINDINGS_MAX = 40 };

struct rl_finding {
    const char *name;
    enum rl_finding_state state;
    bool stops;       /* VUs fail without it; otherwise they are slower, or the figures are worse */
    double ratio;     /* found by needed, where both are numbers: the smaller, the worse */
    char found[96];
    char needed[96];  /* "" if it needs nothing */
    char remedy[320]; /* the command, and its other forms; "" unless short, or to be run elsewhere */
    const char *sysctl; /* below /proc/sys, what --apply writes; NULL: nothing it can do */
    char value[64];
};

struct rl_findings {
    struct rl_finding items[RL_FINDINGS_MAX];
    unsigned count;
};

void rl_findings_make(struct rl_findings *findings, const struct rl_machine *machine,
                      const struct rl_demand *demand);

unsigned rl_findings_short(const struct rl_findings *findings);

/* Of those without which VUs fail the one that is shortest of all, or NULL. */
const struct rl_finding *rl_findings_worst(const struct rl_findings *findings);

/* How many VUs the machine holds as it is: with one more, something by which they fail is short. 0 if
 * it is so with one. *limit: what that is, NULL past max. */
uint64_t rl_findings_capacity(const struct rl_machine *machine, const struct rl_demand *demand,
                              uint64_t max, const char **limit);

/* --- For the files of this room: each judges its part. --- */

struct rl_finding *rl_finding_add(struct rl_findings *findings, const char *name);

/* found and needed as numbers; its state and ratio by them. Returns whether it is short. */
bool rl_finding_at_least(struct rl_finding *finding, int64_t found, int64_t needed);

/* A sysctl that must be at least needed: the whole finding, with command. NULL unless it is short. */
struct rl_finding *rl_finding_sysctl(struct rl_findings *findings, const char *name,
                                     const char *path, int64_t found, int64_t needed, bool stops);

/* The command and the value of --apply for a sysctl below /proc/sys ("net/ipv4/tcp_mem"). */
void rl_finding_mend(struct rl_finding *finding, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void rl_findings_kernel(struct rl_findings *findings, const struct rl_machine *machine,
                        const struct rl_demand *demand);
void rl_findings_ports(struct rl_findings *findings, const struct rl_machine *machine,
                       const struct rl_demand *demand);
void rl_findings_network(struct rl_findings *findings, const struct rl_machine *machine,
                         const struct rl_demand *demand);
void rl_findings_hardware(struct rl_findings *findings, const struct rl_machine *machine,
                          const struct rl_demand *demand);

#endif
