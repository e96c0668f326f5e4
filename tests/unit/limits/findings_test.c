/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/findings.h"

#include <errno.h>
#include <string.h>

#include "cases.h"
#include "limits/apply.h"
#include "limits/report.h"
#include "ring/probe.h"
#include "tree.h"

static struct rl_machine machine;
static struct rl_demand demand;
static struct rl_findings findings;

/* A machine that has enough of everything for a small load. */
static void setup(void)
{
    tree_open();
    machine = (struct rl_machine){.io_uring = RL_F_ALL,
                                  .files_soft = 1024,
                                  .files_hard = 20000,
                                  .nr_open = 1048576,
                                  .file_max = INT64_MAX,
                                  .files_used = 1000,
                                  .port_low = 32768,
                                  .port_high = 60999,
                                  .tcp_mem = {300000, 400000, 600000},
                                  .tcp_rmem = {4096, 131072, 6291456},
                                  .tcp_wmem = {4096, 16384, 4194304},
                                  .somaxconn = 4096,
                                  .syn_backlog = 4096,
                                  .tw_reuse = 2,
                                  .tw_buckets = 131072,
                                  .netdev_backlog = 1000,
                                  .conntrack_max = RL_UNKNOWN,
                                  .conntrack_count = RL_UNKNOWN,
                                  .conntrack_time_wait_s = RL_UNKNOWN,
                                  .memlock_bytes = INT64_MAX,
                                  .memory_bytes = INT64_C(16) << 30,
                                  .page_bytes = 4096,
                                  .cpus_online = 2,
                                  .cpus_allowed = 2};
    demand = (struct rl_demand){.vus = 1000, .addresses = 1, .targets = 1, .workers = 2};
}

static const struct rl_finding *find(const char *name)
{
    rl_findings_make(&findings, &machine, &demand);
    for (unsigned i = 0; i < findings.count; i++) {
        if (strcmp(findings.items[i].name, name) == 0)
            return &findings.items[i];
    }
    ck_abort_msg("no finding %s", name);
    return NULL;
}

static void expect_ok(const char *name)
{
    const struct rl_finding *finding = find(name);

    ck_assert_msg(finding->state == RL_FINDING_OK, "%s: %s", name, finding->found);
    ck_assert_str_eq(finding->remedy, "");
}

static void expect_short(const char *name, const char *remedy)
{
    const struct rl_finding *finding = find(name);

    ck_assert_msg(finding->state == RL_FINDING_SHORT, "%s: %s", name, finding->found);
    ck_assert_msg(strstr(finding->remedy, remedy) != NULL, "%s: \"%s\", not \"%s\"", name, finding->remedy,
                  remedy);
}

START_TEST(enough_for_a_small_load)
{
    demand.target = RL_TARGET_HERE;
    rl_findings_make(&findings, &machine, &demand);
    ck_assert_uint_eq(rl_findings_short(&findings), 0);
    ck_assert_ptr_null(rl_findings_worst(&findings));
}
END_TEST

/* A worker has up to 64 rings, whose tables are limited each by itself. */
START_TEST(files_count_for_each_ring_with_direct_descriptors)
{
    machine.files_hard = 1000;
    demand.vus = 2 * 64 * 1000;
    expect_ok("open files (hard limit)");
    demand.vus++;
    expect_short("open files (hard limit)", "ulimit -n 1001");
    expect_short("open files (hard limit)", "--ulimit nofile=1001");
    expect_short("open files (hard limit)", "--workers 3");
    demand.workers = 3;
    expect_ok("open files (hard limit)");
}
END_TEST

/* A ring is a file, too. */
START_TEST(files_count_for_the_rings_themselves)
{
    machine.files_hard = 66;
    demand.vus = 2 * 66;
    expect_ok("open files (hard limit)");
    demand.vus++;
    expect_short("open files (hard limit)", "ulimit -n 68");
    ck_assert_ptr_null(strstr(find("open files (hard limit)")->remedy, "--workers 2"));
    machine.files_hard = 68;
    expect_ok("open files (hard limit)");
}
END_TEST

START_TEST(files_count_for_the_process_without_them)
{
    machine.io_uring &= ~RL_F_DIRECT;
    demand.vus = 20000 - 64;
    expect_ok("open files (hard limit)");
    demand.vus++;
    expect_short("open files (hard limit)", "ulimit -n 20001");
    ck_assert_ptr_null(strstr(find("open files (hard limit)")->remedy, "--workers"));
}
END_TEST

START_TEST(files_of_the_machine)
{
    machine.files_hard = INT64_MAX;
    machine.nr_open = 10000;
    machine.io_uring &= ~RL_F_DIRECT;
    demand.vus = 100000;
    expect_short("fs.nr_open", "sysctl -w fs.nr_open=100064");
    machine.io_uring |= RL_F_DIRECT;
    expect_ok("fs.nr_open");
    machine.file_max = 102024;
    expect_ok("fs.file-max");
    demand.target = RL_TARGET_HERE; /* both ends are files */
    expect_short("fs.file-max", "sysctl -w fs.file-max=202024");
}
END_TEST

START_TEST(ports_times_addresses_times_targets)
{
    demand.vus = 28232;
    expect_ok("source ports");
    demand.vus++;
    expect_short("source ports", "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"");
    ck_assert_ptr_null(strstr(find("source ports")->remedy, "--local-ips"));
    demand.vus = 1000000;
    expect_short("source ports", "--local-ips auto, if this machine has 16 addresses");
    demand.addresses = 36;
    expect_ok("source ports");
    demand.addresses = 18;
    demand.targets = 2;
    expect_ok("source ports");
}
END_TEST

/* TIME_WAIT holds a port for 60 s, or for one where it may be used again. */
START_TEST(ports_that_wait)
{
    demand.rate_per_s = 1000;
    demand.target = RL_TARGET_HERE;
    expect_ok("source ports");
    expect_ok("net.ipv4.tcp_tw_reuse");
    demand.target = RL_TARGET_AWAY;
    expect_short("source ports", "ip_local_port_range");
    expect_short("net.ipv4.tcp_tw_reuse", "sysctl -w net.ipv4.tcp_tw_reuse=1");
    machine.tw_reuse = 1;
    expect_ok("source ports");
    expect_ok("net.ipv4.tcp_tw_reuse");
    demand.rate_per_s = 2184;
    expect_ok("net.ipv4.tcp_max_tw_buckets");
    demand.rate_per_s = 2185;
    expect_short("net.ipv4.tcp_max_tw_buckets", "=131100");
}
END_TEST

START_TEST(conntrack_counts_only_where_it_tracks)
{
    demand.vus = 20000;
    expect_ok("net.netfilter.nf_conntrack_max");
    machine.conntrack_max = 1000;
    machine.conntrack_count = 0;
    expect_ok("net.netfilter.nf_conntrack_max");
    machine.conntrack_count = 5;
    expect_short("net.netfilter.nf_conntrack_max", "sysctl -w net.netfilter.nf_conntrack_max=40005");
    demand.rate_per_s = 10;
    expect_short("net.netfilter.nf_conntrack_max", "=41205"); /* 120 s each */
}
END_TEST

START_TEST(memory_of_tcp)
{
    demand.vus = 600000;
    expect_ok("net.ipv4.tcp_mem (pages)");
    demand.vus = 600004;
    expect_short("net.ipv4.tcp_mem (pages)", "sysctl -w net.ipv4.tcp_mem=\"300002 450003 600004\"");
    demand.vus = 18000;
    expect_ok("net.ipv4.tcp_rmem (default)");
    demand.vus = 19000;
    expect_short("net.ipv4.tcp_rmem (default)", "sysctl -w net.ipv4.tcp_rmem=\"4096 16384 4194304\"");
    expect_ok("net.ipv4.tcp_wmem (default)");
    machine.tcp_rmem[1] = 16384; /* what the remedy sets is always enough */
    demand.vus = 10000000;
    expect_ok("net.ipv4.tcp_rmem (default)");
}
END_TEST

START_TEST(queues_of_the_target_are_judged_where_it_is)
{
    demand.vus = 5000;
    ck_assert_int_eq(find("net.core.somaxconn")->state, RL_FINDING_UNKNOWN);
    ck_assert_ptr_nonnull(strstr(find("net.core.somaxconn")->remedy, "on the target: sysctl -w net.core.somaxconn=5000"));
    ck_assert_ptr_null(find("net.core.somaxconn")->sysctl);
    demand.target = RL_TARGET_HERE;
    expect_short("net.core.somaxconn", "sysctl -w net.core.somaxconn=5000");
    demand.rate_per_s = 100;
    expect_ok("net.core.somaxconn");
    demand.rate_per_s = 0;
    demand.vus = 1000000;
    expect_short("net.core.somaxconn", "=65535");
    expect_short("net.core.netdev_max_backlog", "=30000");
}
END_TEST

START_TEST(memory_and_locked_memory)
{
    machine.memlock_bytes = 64 << 10;
    expect_short("locked memory", "ulimit -l 640");
    demand.vus = 2 * 20000 + 1; /* two rings a worker */
    expect_short("locked memory", "ulimit -l 960");
    demand.vus = 1000;
    expect_short("locked memory", "--ulimit memlock=-1:-1");
    machine.memory_bytes = 64 << 20;
    expect_ok("memory");
    demand.vus = 10000;
    expect_short("memory", "fewer VUs");
    machine.memory_by_cgroup = true;
    expect_short("memory", "memory.max");
}
END_TEST

START_TEST(io_uring_refused)
{
    machine.io_uring = -EPERM;
    machine.io_uring_disabled = 0;
    expect_short("io_uring", "seccomp");
    ck_assert_ptr_null(find("io_uring")->sysctl);
    machine.io_uring_disabled = 2;
    ck_assert_str_eq(find("io_uring")->sysctl, "kernel/io_uring_disabled");
    machine.io_uring = RL_F_ALL & ~RL_F_DIRECT;
    expect_ok("io_uring");
    ck_assert_str_eq(find("io_uring")->found, "allowed, without direct");
}
END_TEST

START_TEST(processors_and_the_card)
{
    machine.quota_cores = 1.5;
    expect_short("CPU quota (cores)", "--workers 1");
    strcpy(machine.governor, "powersave");
    machine.slow_cpus = 2;
    expect_short("CPU governor", "cpupower frequency-set -g performance");
    ck_assert_int_eq(find("interrupts of the network card")->state, RL_FINDING_UNKNOWN);
    machine.nic = (struct rl_nic){.name = "eth0", .irqs = 2, .irq_cpus = 1, .rx_queues = 1};
    expect_short("interrupts of the network card", "echo 3 > /sys/class/net/eth0/queues/rx-0/rps_cpus");
    ck_assert_ptr_null(rl_findings_worst(&findings)); /* it all works, only worse */
    machine.nic.rps_queues = 1;
    expect_ok("interrupts of the network card");
    machine.nic = (struct rl_nic){.name = "lo", .loopback = true};
    expect_ok("interrupts of the network card");
}
END_TEST

START_TEST(what_is_not_known_is_not_short)
{
    machine = (struct rl_machine){.io_uring = RL_F_ALL,
                                  .files_hard = RL_UNKNOWN,
                                  .nr_open = RL_UNKNOWN,
                                  .file_max = RL_UNKNOWN,
                                  .port_low = RL_UNKNOWN,
                                  .port_high = RL_UNKNOWN,
                                  .tcp_mem = {RL_UNKNOWN, RL_UNKNOWN, RL_UNKNOWN},
                                  .tcp_rmem = {RL_UNKNOWN, RL_UNKNOWN, RL_UNKNOWN},
                                  .tcp_wmem = {RL_UNKNOWN, RL_UNKNOWN, RL_UNKNOWN},
                                  .somaxconn = RL_UNKNOWN,
                                  .syn_backlog = RL_UNKNOWN,
                                  .tw_reuse = RL_UNKNOWN,
                                  .tw_buckets = RL_UNKNOWN,
                                  .netdev_backlog = RL_UNKNOWN,
                                  .busy_poll = RL_UNKNOWN,
                                  .conntrack_max = RL_UNKNOWN,
                                  .memlock_bytes = RL_UNKNOWN,
                                  .memory_bytes = RL_UNKNOWN,
                                  .page_bytes = 4096};
    demand.vus = 1000000;
    demand.rate_per_s = 1000;
    rl_findings_make(&findings, &machine, &demand);
    ck_assert_uint_eq(rl_findings_short(&findings), 0);
}
END_TEST

START_TEST(the_worst_and_the_capacity)
{
    const char *limit;
    char line[512];

    ck_assert(rl_findings_capacity(&machine, &demand, 1000000, &limit) == 28232);
    ck_assert_str_eq(limit, "source ports");
    demand.addresses = 1000;
    machine.files_hard = 1000;
    ck_assert(rl_findings_capacity(&machine, &demand, 1000000, &limit) == 2 * 64 * 1000);
    ck_assert_str_eq(limit, "open files (hard limit)");
    machine.files_hard = 20000;
    ck_assert(rl_findings_capacity(&machine, &demand, 1000000, &limit) == 1000000);
    ck_assert_ptr_null(limit);
    machine.io_uring = -EPERM;
    ck_assert(rl_findings_capacity(&machine, &demand, 1000000, &limit) == 0);
    ck_assert_str_eq(limit, "io_uring");

    machine.io_uring = RL_F_ALL;
    machine.files_hard = 600;
    demand = (struct rl_demand){.vus = 100000, .addresses = 1, .targets = 1, .workers = 2};
    rl_findings_make(&findings, &machine, &demand);
    ck_assert_str_eq(rl_findings_worst(&findings)->name, "source ports");
    ck_assert(rl_limits_one_line(&findings, demand.vus, line, sizeof(line)));
    ck_assert_str_eq(line, "source ports: 28232 for 100000 VUs with a connection each to one target, which need "
                           "100000 (and 1 more): see 'ringload doctor --vus 100000'");
    demand.vus = 100;
    rl_findings_make(&findings, &machine, &demand);
    ck_assert(!rl_limits_one_line(&findings, demand.vus, line, sizeof(line)));
}
END_TEST

/* All that is written to out by apply, in one text. */
static char *applied(unsigned refused)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    rl_findings_make(&findings, &machine, &demand);
    ck_assert_uint_eq(rl_limits_apply(&findings, tree_root, out), refused);
    fclose(out);
    return text;
}

/* Below the root: every sysctl that is short, and nothing else. */
START_TEST(apply_sets_sysctls)
{
    char *text;

    tree_put("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
    tree_put("/proc/sys/net/ipv4/tcp_rmem", "as it was\n");
    tree_put("/proc/sys/net/ipv4/tcp_wmem", "as it was\n");
    tree_put("/proc/sys/net/core/netdev_max_backlog", "1000\n");
    demand.vus = 38000;
    text = applied(0);
    ck_assert_ptr_nonnull(strstr(text, "applied"));
    ck_assert_ptr_null(strstr(text, "refused"));
    free(text);
    ck_assert_int_eq(strncmp(tree_get("/proc/sys/net/ipv4/ip_local_port_range"), "1024 65535", 10), 0);
    ck_assert_int_eq(strncmp(tree_get("/proc/sys/net/ipv4/tcp_rmem"), "4096 16384 4194304", 18), 0);
    ck_assert_int_eq(strncmp(tree_get("/proc/sys/net/core/netdev_max_backlog"), "11400", 5), 0);
    ck_assert_str_eq(tree_get("/proc/sys/net/ipv4/tcp_wmem"), "as it was\n");
}
END_TEST

START_TEST(apply_says_what_it_cannot_do)
{
    char *text;

    demand.vus = 100000;
    machine.memlock_bytes = 64 << 10;
    text = applied(3); /* no such files in the tree: ports, tcp_rmem, netdev_max_backlog */
    ck_assert_ptr_nonnull(strstr(text, "refused      source ports: "));
    ck_assert_ptr_nonnull(strstr(text, "there is no such file here"));
    ck_assert_ptr_nonnull(strstr(text, "not applied  locked memory: "));
    free(text);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("findings");

    rl_case(s, enough_for_a_small_load, setup, tree_close);
    rl_case(s, files_count_for_each_ring_with_direct_descriptors, setup, tree_close);
    rl_case(s, files_count_for_the_rings_themselves, setup, tree_close);
    rl_case(s, files_count_for_the_process_without_them, setup, tree_close);
    rl_case(s, files_of_the_machine, setup, tree_close);
    rl_case(s, ports_times_addresses_times_targets, setup, tree_close);
    rl_case(s, ports_that_wait, setup, tree_close);
    rl_case(s, conntrack_counts_only_where_it_tracks, setup, tree_close);
    rl_case(s, memory_of_tcp, setup, tree_close);
    rl_case(s, queues_of_the_target_are_judged_where_it_is, setup, tree_close);
    rl_case(s, memory_and_locked_memory, setup, tree_close);
    rl_case(s, io_uring_refused, setup, tree_close);
    rl_case(s, processors_and_the_card, setup, tree_close);
    rl_case(s, what_is_not_known_is_not_short, setup, tree_close);
    rl_case(s, the_worst_and_the_capacity, setup, tree_close);
    rl_case(s, apply_sets_sysctls, setup, tree_close);
    rl_case(s, apply_says_what_it_cannot_do, setup, tree_close);
    return s;
}

RL_TEST_MAIN(suite)
