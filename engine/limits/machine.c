/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cpu_list.h"

enum { CAP_IPC_LOCK_BIT = 14, KIB = 1024 };

static int64_t sysctl(const char *root, const char *name)
{
    char path[RL_SYS_PATH];

    snprintf(path, sizeof(path), "/proc/sys/%s", name);
    return rl_sys_number(root, path);
}

/* Soft and hard: "Max open files            1024                 4096                 files". */
static void read_rlimit(const char *root, const char *name, int64_t out[2])
{
    char text[128], *end;

    out[0] = out[1] = RL_UNKNOWN;
    if (!rl_sys_line(root, "/proc/self/limits", name, text, sizeof(text)))
        return;
    end = text;
    for (int i = 0; i < 2; i++) {
        end += strspn(end, " ");
        out[i] = strncmp(end, "unlimited", 9) == 0 ? INT64_MAX : strtoll(end, NULL, 10);
        end += strcspn(end, " ");
    }
}

/* "8080,9000-9100": how many of them lie in [low, high]. */
static int64_t count_reserved(const char *text, int64_t low, int64_t high)
{
    int64_t count = 0;

    while (*text >= '0' && *text <= '9') {
        char *end;
        int64_t first = strtoll(text, &end, 10), last = first;

        if (*end == '-')
            last = strtoll(end + 1, &end, 10);
        first = first < low ? low : first;
        last = last > high ? high : last;
        count += last >= first ? last - first + 1 : 0;
        text = end + (*end == ',');
    }
    return count;
}

static void read_ports(struct rl_machine *m, const char *root)
{
    int64_t range[2];
    char reserved[16 * KIB];

    rl_sys_numbers(root, "/proc/sys/net/ipv4/ip_local_port_range", range, 2);
    m->port_low = range[0];
    m->port_high = range[1];
    rl_sys_text(root, "/proc/sys/net/ipv4/ip_local_reserved_ports", reserved, sizeof(reserved));
    m->ports_reserved = count_reserved(reserved, m->port_low, m->port_high);
}

/* CAP_IPC_LOCK, and that of the first user namespace: another one's does not lift the limit. */
static bool may_lock_memory(const char *root)
{
    char text[128];
    int64_t map[3];

    rl_sys_numbers(root, "/proc/self/uid_map", map, 3);
    if (map[0] != 0 || map[1] != 0 || map[2] != UINT32_MAX ||
        !rl_sys_line(root, "/proc/self/status", "CapEff:", text, sizeof(text)))
        return false;
    return (strtoull(text, NULL, 16) >> CAP_IPC_LOCK_BIT & 1) != 0;
}

static void read_memory(struct rl_machine *m, const char *root)
{
    int64_t limit[2], available = rl_sys_line_number(root, "/proc/meminfo", "MemAvailable:");
    int64_t group = rl_machine_cgroup_memory(root);

    m->page_bytes = sysconf(_SC_PAGESIZE);
    m->memory_bytes = available == RL_UNKNOWN ? RL_UNKNOWN : available * KIB;
    if (group != INT64_MAX && (m->memory_bytes == RL_UNKNOWN || group < m->memory_bytes)) {
        m->memory_bytes = group;
        m->memory_by_cgroup = true;
    }
    read_rlimit(root, "Max locked memory", limit);
    m->memlock_bytes = may_lock_memory(root) ? INT64_MAX : limit[1];
}

static uint32_t count_cpus(const char *text)
{
    struct rl_cpu_list list;

    return rl_cpu_list_parse(text, &list) == 0 ? (uint32_t)list.count : 0;
}

static void read_governors(struct rl_machine *m, const char *root)
{
    struct rl_cpu_list cpus;
    char text[1024], path[RL_SYS_PATH];

    if (!rl_sys_text(root, "/sys/devices/system/cpu/online", text, sizeof(text)) ||
        rl_cpu_list_parse(text, &cpus) < 0)
        return;
    m->cpus_online = (uint32_t)cpus.count;
    for (size_t i = 0; i < cpus.count; i++) {
        snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor",
                 (unsigned)cpus.items[i]);
        if (!rl_sys_text(root, path, text, sizeof(text)))
            continue;
        if (m->governor[0] == '\0' || (strcmp(text, "performance") != 0 && m->slow_cpus == 0))
            snprintf(m->governor, sizeof(m->governor), "%.31s", text);
        m->slow_cpus += strcmp(text, "performance") != 0;
    }
}

static void read_network(struct rl_machine *m, const char *root)
{
    read_ports(m, root);
    rl_sys_numbers(root, "/proc/sys/net/ipv4/tcp_mem", m->tcp_mem, 3);
    rl_sys_numbers(root, "/proc/sys/net/ipv4/tcp_rmem", m->tcp_rmem, 3);
    rl_sys_numbers(root, "/proc/sys/net/ipv4/tcp_wmem", m->tcp_wmem, 3);
    m->somaxconn = sysctl(root, "net/core/somaxconn");
    m->syn_backlog = sysctl(root, "net/ipv4/tcp_max_syn_backlog");
    m->tw_reuse = sysctl(root, "net/ipv4/tcp_tw_reuse");
    m->tw_buckets = sysctl(root, "net/ipv4/tcp_max_tw_buckets");
    m->netdev_backlog = sysctl(root, "net/core/netdev_max_backlog");
    m->busy_poll = sysctl(root, "net/core/busy_poll");
    m->busy_read = sysctl(root, "net/core/busy_read");
    m->conntrack_max = sysctl(root, "net/netfilter/nf_conntrack_max");
    m->conntrack_count = sysctl(root, "net/netfilter/nf_conntrack_count");
    m->conntrack_time_wait_s = sysctl(root, "net/netfilter/nf_conntrack_tcp_timeout_time_wait");
}

void rl_machine_read(struct rl_machine *m, const char *root, int io_uring, const char *nic)
{
    int64_t limit[2];
    char text[1024];

    *m = (struct rl_machine){.io_uring = io_uring};
    read_rlimit(root, "Max open files", limit);
    m->files_soft = limit[0];
    m->files_hard = limit[1];
    m->io_uring_disabled = sysctl(root, "kernel/io_uring_disabled");
    m->nr_open = sysctl(root, "fs/nr_open");
    m->file_max = sysctl(root, "fs/file-max");
    m->files_used = sysctl(root, "fs/file-nr");
    read_network(m, root);
    read_memory(m, root);
    m->quota_cores = rl_machine_quota_cores(root);
    rl_sys_line(root, "/proc/self/status", "Cpus_allowed_list:", text, sizeof(text));
    m->cpus_allowed = count_cpus(text);
    read_governors(m, root);
    if (nic != NULL)
        rl_machine_read_nic(&m->nic, root, nic);
}

int64_t rl_machine_ports(const struct rl_machine *m)
{
    if (m->port_low == RL_UNKNOWN || m->port_high < m->port_low)
        return RL_UNKNOWN;
    return m->port_high - m->port_low + 1 - m->ports_reserved;
}
