/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * machine - what this machine and this process are allowed: files, ports, memory, CPUs, the network's
 * settings. Read from /proc and /sys, without rights; nothing is judged here.
 *
 * A number that is not there (an older kernel, a module not loaded) is RL_UNKNOWN, no limit is INT64_MAX.
 */
#ifndef RL_LIMITS_MACHINE_H
#define RL_LIMITS_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "limits/sys.h"

enum { RL_NIC_NAME = 64 };

/* The interface to the target. */
struct rl_nic {
    char name[RL_NIC_NAME]; /* "": none is known */
    bool loopback;
    uint32_t irqs, irq_cpus; /* interrupts of its own, and CPUs that have served one */
    uint32_t rx_queues, rps_queues; /* queues in, and those with RPS */
    uint32_t tx_queues, xps_queues; /* queues out, and those with XPS */
};

struct rl_machine {
    int io_uring; /* features (ring/probe.h), or why there is none */
    int64_t io_uring_disabled;

    int64_t files_soft, files_hard, nr_open, file_max, files_used;
    int64_t port_low, port_high, ports_reserved;
    int64_t tcp_mem[3]; /* pages */
    int64_t tcp_rmem[3], tcp_wmem[3];
    int64_t somaxconn, syn_backlog, tw_reuse, tw_buckets, netdev_backlog, busy_poll, busy_read;
    int64_t conntrack_max, conntrack_count, conntrack_time_wait_s;

    int64_t memlock_bytes; /* the hard limit; INT64_MAX also where it does not count */
    int64_t memory_bytes;  /* available, within the cgroup's limit too */
    bool memory_by_cgroup;
    int64_t page_bytes;

    double quota_cores; /* of the cgroup; 0: no quota */
    uint32_t cpus_online, cpus_allowed;
    char governor[32]; /* "": no frequency scaling is seen; else of the first CPU that is slow */
    uint32_t slow_cpus; /* whose governor is not "performance" */

    struct rl_nic nic;
};

/* root: "" or a tree like it. io_uring: what rl_probe gave. nic: the interface's name, or NULL. */
void rl_machine_read(struct rl_machine *machine, const char *root, int io_uring, const char *nic);

/* Cores of the cgroup's CPU quota (version 2, then 1), the tightest of all levels; 0 if there is none. */
double rl_machine_quota_cores(const char *root);

/* What the cgroup leaves, INT64_MAX without a limit. */
int64_t rl_machine_cgroup_memory(const char *root);

void rl_machine_read_nic(struct rl_nic *nic, const char *root, const char *name);

/* The source ports of one address to one destination; RL_UNKNOWN if nothing says how many. */
int64_t rl_machine_ports(const struct rl_machine *machine);

#endif
