/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel lets a process have: io_uring, files, locked memory, memory. */
#include <inttypes.h>
#include <stdio.h>

#include "limits/findings.h"
#include "ring/probe.h"
#include "ring/ring.h"

/* Bytes: of a VU and a socket as measured, of worker and process with room to spare (docs/tuning.md). */
enum {
    VU_USER_BYTES = 3200,    /* a script with four handlers, idle and connected */
    SOCKET_BYTES = 5000,     /* the kernel's, connected, its receive armed */
    WORKER_BYTES = 4 << 20,  /* ring, buffers, the first Lua state */
    PROCESS_BYTES = 16 << 20,
    RING_BYTES = 320 << 10,  /* what a worker's first ring counts against RLIMIT_MEMLOCK */
    FURTHER_RING_BYTES = 160 << 10, /* each further one */
    SPARE_FILES = 64,        /* of the process itself: script, log, wake-ups */
    SYSTEM_FILES = 1024,     /* for all other processes */
};

static void judge_io_uring(struct rl_findings *findings, const struct rl_machine *m)
{
    struct rl_finding *finding = rl_finding_add(findings, "io_uring");
    char missing[128];

    finding->stops = true;
    if (m->io_uring < 0) {
        snprintf(finding->needed, sizeof(finding->needed), "allowed");
        finding->state = RL_FINDING_SHORT;
        finding->ratio = 0;
        snprintf(finding->found, sizeof(finding->found), "refused");
        rl_probe_advice(m->io_uring, finding->remedy, sizeof(finding->remedy));
        if (m->io_uring_disabled > 0) {
            finding->sysctl = "kernel/io_uring_disabled";
            snprintf(finding->value, sizeof(finding->value), "0");
        }
        return;
    }
    rl_probe_describe(RL_F_ALL & ~m->io_uring, missing, sizeof(missing));
    snprintf(finding->found, sizeof(finding->found), "allowed%s%.60s",
             missing[0] == '\0' ? ", every feature" : ", without ", missing);
}

static bool has_direct(const struct rl_machine *m)
{
    return m->io_uring >= 0 && (m->io_uring & RL_F_DIRECT) != 0;
}

static int64_t divide_up(uint64_t sockets, uint64_t by)
{
    return (int64_t)((sockets + by - 1) / by);
}

/* A ring has a table of direct descriptors, which is limited by RLIMIT_NOFILE, each by itself. */
static uint64_t table_slots(const struct rl_machine *m)
{
    return m->files_hard < 0 || m->files_hard > RL_RING_TABLE_MAX ? RL_RING_TABLE_MAX : (uint64_t)m->files_hard;
}

/* The rings that a worker has in the end. */
static int64_t rings_of_worker(const struct rl_machine *m, const struct rl_demand *demand, uint64_t workers)
{
    int64_t rings;

    if (!has_direct(m) || m->files_hard == 0)
        return 1;
    rings = divide_up(demand->vus, workers * table_slots(m));
    return rings < RL_RING_TABLES ? rings : RL_RING_TABLES;
}

/* What is enough: each ring is itself a file. Ordinary descriptors are counted for the whole process. */
static int64_t files_needed(const struct rl_machine *m, const struct rl_demand *demand, uint64_t workers)
{
    int64_t own, table;

    if (!has_direct(m))
        return (int64_t)demand->vus + SPARE_FILES;
    own = (int64_t)workers * rings_of_worker(m, demand, workers) + SPARE_FILES;
    table = divide_up(demand->vus, workers * RL_RING_TABLES);
    return own > table ? own : table;
}

static void judge_open_files(struct rl_findings *findings, const struct rl_machine *m,
                             const struct rl_demand *demand, int64_t needed)
{
    struct rl_finding *finding = rl_finding_add(findings, "open files (hard limit)");
    int64_t workers;
    int used;

    finding->stops = true;
    if (!rl_finding_at_least(finding, m->files_hard, needed))
        return;
    used = snprintf(finding->remedy, sizeof(finding->remedy),
                    "ulimit -n %" PRId64 " (as root), or prlimit --nofile=%" PRId64
                    " COMMAND, or docker run --ulimit nofile=%" PRId64,
                    needed, needed, needed);
    if (!has_direct(m) || m->files_hard <= 0)
        return;
    workers = divide_up(demand->vus, table_slots(m) * RL_RING_TABLES);
    if (files_needed(m, demand, (uint64_t)workers) <= m->files_hard)
        snprintf(finding->remedy + used, sizeof(finding->remedy) - (size_t)used,
                 ", or ringload run --workers %" PRId64, workers);
}

static void judge_files(struct rl_findings *findings, const struct rl_machine *m,
                        const struct rl_demand *demand)
{
    int64_t needed = files_needed(m, demand, demand->workers), sockets = (int64_t)demand->vus;

    judge_open_files(findings, m, demand, needed);
    rl_finding_sysctl(findings, "fs.nr_open", "fs/nr_open", m->nr_open, needed, true);
    if (demand->target == RL_TARGET_HERE)
        sockets *= 2; /* the other end is a file too */
    rl_finding_sysctl(findings, "fs.file-max", "fs/file-max", m->file_max,
                      sockets + SYSTEM_FILES + (m->files_used > 0 ? m->files_used : 0), true);
}

static void judge_memlock(struct rl_findings *findings, const struct rl_machine *m,
                          const struct rl_demand *demand)
{
    struct rl_finding *finding = rl_finding_add(findings, "locked memory");
    int64_t further = rings_of_worker(m, demand, demand->workers) - 1;
    int64_t needed = (int64_t)demand->workers * (RING_BYTES + further * FURTHER_RING_BYTES);

    finding->stops = true;
    if (rl_finding_at_least(finding, m->memlock_bytes, needed))
        snprintf(finding->remedy, sizeof(finding->remedy),
                 "ulimit -l %" PRId64 " (as root), or docker run --ulimit memlock=-1:-1", needed / 1024);
}

static void write_mib(char *out, size_t out_bytes, int64_t bytes)
{
    if (bytes != RL_UNKNOWN)
        snprintf(out, out_bytes, "%" PRId64 " MiB", bytes >> 20);
}

static void judge_memory(struct rl_findings *findings, const struct rl_machine *m,
                         const struct rl_demand *demand)
{
    struct rl_finding *finding = rl_finding_add(findings, "memory");
    int64_t a_vu = VU_USER_BYTES + SOCKET_BYTES;
    int64_t needed;

    if (demand->target == RL_TARGET_HERE)
        a_vu += SOCKET_BYTES;
    needed = (int64_t)demand->vus * a_vu + (int64_t)demand->workers * WORKER_BYTES + PROCESS_BYTES;
    finding->stops = true;
    if (rl_finding_at_least(finding, m->memory_bytes, needed))
        snprintf(finding->remedy, sizeof(finding->remedy), "%s, or fewer VUs: each takes some %" PRId64 " bytes",
                 m->memory_by_cgroup ? "docker run --memory with more (the cgroup's memory.max)"
                                     : "more memory", a_vu);
    write_mib(finding->found, sizeof(finding->found), m->memory_bytes);
    write_mib(finding->needed, sizeof(finding->needed), needed);
}

void rl_findings_kernel(struct rl_findings *findings, const struct rl_machine *m,
                        const struct rl_demand *demand)
{
    judge_io_uring(findings, m);
    judge_files(findings, m, demand);
    judge_memlock(findings, m, demand);
    judge_memory(findings, m, demand);
}
