/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/machine.h"

#include "cases.h"
#include "tree.h"

static struct rl_machine machine;

static void read_machine(const char *nic)
{
    rl_machine_read(&machine, tree_root, 0, nic);
}

START_TEST(an_empty_tree_is_not_known)
{
    read_machine(NULL);
    ck_assert(machine.files_hard == RL_UNKNOWN);
    ck_assert(machine.nr_open == RL_UNKNOWN);
    ck_assert(machine.tcp_mem[2] == RL_UNKNOWN);
    ck_assert(machine.conntrack_max == RL_UNKNOWN);
    ck_assert(machine.memory_bytes == RL_UNKNOWN);
    ck_assert(machine.memlock_bytes == RL_UNKNOWN);
    ck_assert(rl_machine_ports(&machine) == RL_UNKNOWN);
    ck_assert(machine.quota_cores == 0);
    ck_assert_uint_eq(machine.cpus_allowed, 0);
    ck_assert_str_eq(machine.nic.name, "");
}
END_TEST

START_TEST(reads_limits_of_the_process)
{
    tree_put("/proc/self/limits",
             "Limit                     Soft Limit           Hard Limit           Units     \n"
             "Max open files            1024                 524288               files     \n"
             "Max locked memory         8388608              unlimited            bytes     \n");
    read_machine(NULL);
    ck_assert(machine.files_soft == 1024);
    ck_assert(machine.files_hard == 524288);
    ck_assert(machine.memlock_bytes == INT64_MAX);
}
END_TEST

/* A capability of another user namespace does not lift the limit. */
START_TEST(locked_memory_has_no_limit_for_who_may_lock)
{
    tree_put("/proc/self/limits", "Max locked memory         65536                65536                bytes\n");
    tree_put("/proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\nCpus_allowed_list:\t0-2,5\n");
    tree_put("/proc/self/uid_map", "         0       1000          1\n");
    read_machine(NULL);
    ck_assert(machine.memlock_bytes == 65536);
    ck_assert_uint_eq(machine.cpus_allowed, 4);
    tree_put("/proc/self/uid_map", "         0          0 4294967295\n");
    read_machine(NULL);
    ck_assert(machine.memlock_bytes == INT64_MAX);
    tree_put("/proc/self/status", "CapEff:\t0000000000000000\n");
    read_machine(NULL);
    ck_assert(machine.memlock_bytes == 65536);
}
END_TEST

START_TEST(counts_ports_without_those_that_are_reserved)
{
    tree_put("/proc/sys/net/ipv4/ip_local_port_range", "20000\t29999\n");
    read_machine(NULL);
    ck_assert(rl_machine_ports(&machine) == 10000);
    tree_put("/proc/sys/net/ipv4/ip_local_reserved_ports", "80,19990-20009,25000,29990-40000\n");
    read_machine(NULL);
    ck_assert(rl_machine_ports(&machine) == 10000 - 10 - 1 - 10);
}
END_TEST

START_TEST(reads_sysctls)
{
    tree_put("/proc/sys/net/ipv4/tcp_mem", "1\t2\t3\n");
    tree_put("/proc/sys/net/ipv4/tcp_tw_reuse", "2\n");
    tree_put("/proc/sys/net/netfilter/nf_conntrack_max", "262144\n");
    tree_put("/proc/sys/fs/file-nr", "1504\t0\t9223372036854775807\n");
    tree_put("/proc/sys/fs/file-max", "9223372036854775807\n");
    tree_put("/proc/sys/kernel/io_uring_disabled", "2\n");
    read_machine(NULL);
    ck_assert(machine.tcp_mem[0] == 1 && machine.tcp_mem[2] == 3);
    ck_assert(machine.tw_reuse == 2);
    ck_assert(machine.conntrack_max == 262144);
    ck_assert(machine.files_used == 1504);
    ck_assert(machine.file_max == INT64_MAX);
    ck_assert(machine.io_uring_disabled == 2);
}
END_TEST

/* The tightest level counts, and a path of the host's that is not seen here does not hide the mount's root. */
START_TEST(a_quota_of_version_2_at_any_level)
{
    tree_put("/proc/self/cgroup", "0::/a/b\n");
    tree_put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    tree_put("/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
    ck_assert_double_eq(rl_machine_quota_cores(tree_root), 1.5);
    tree_put("/sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
    ck_assert_double_eq(rl_machine_quota_cores(tree_root), 0.5);
    tree_put("/proc/self/cgroup", "0::/not/here\n");
    tree_put("/sys/fs/cgroup/cpu.max", "300000 100000\n");
    ck_assert_double_eq(rl_machine_quota_cores(tree_root), 3);
}
END_TEST

START_TEST(a_quota_of_version_1)
{
    tree_put("/proc/self/cgroup", "9:name=systemd:/\n4:cpu,cpuacct:/docker/x\n0::/\n");
    tree_put("/sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us", "-1\n");
    tree_put("/sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us", "100000\n");
    ck_assert_double_eq(rl_machine_quota_cores(tree_root), 0);
    tree_put("/sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us", "250000\n");
    ck_assert_double_eq(rl_machine_quota_cores(tree_root), 2.5);
}
END_TEST

START_TEST(memory_is_the_least_of_machine_and_cgroup)
{
    tree_put("/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable:     800 kB\n");
    tree_put("/proc/self/cgroup", "0::/\n");
    read_machine(NULL);
    ck_assert(machine.memory_bytes == 800 * 1024 && !machine.memory_by_cgroup);
    tree_put("/sys/fs/cgroup/memory.max", "500000\n");
    tree_put("/sys/fs/cgroup/memory.current", "200000\n");
    read_machine(NULL);
    ck_assert(machine.memory_bytes == 300000 && machine.memory_by_cgroup);
    tree_put("/sys/fs/cgroup/memory.max", "max\n");
    tree_put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    read_machine(NULL);
    ck_assert(machine.memory_bytes == 800 * 1024);
    tree_put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n");
    tree_put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "8192\n");
    read_machine(NULL);
    ck_assert(machine.memory_bytes == 0);
}
END_TEST

START_TEST(governors)
{
    tree_put("/sys/devices/system/cpu/online", "0-2\n");
    read_machine(NULL);
    ck_assert_uint_eq(machine.cpus_online, 3);
    ck_assert_str_eq(machine.governor, "");
    tree_put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    tree_put("/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "powersave\n");
    read_machine(NULL);
    ck_assert_str_eq(machine.governor, "powersave");
    ck_assert_uint_eq(machine.slow_cpus, 1);
}
END_TEST

/* By its folder, directly or through the device that a virtual card hangs on; else by name. */
START_TEST(interrupts_of_a_card)
{
    tree_put("/proc/interrupts", "           CPU0       CPU1\n"
                                 " 38:        500       1174 PCI-MSIX-0000:00:03.0   1-edge      virtio2-input.0\n"
                                 " 39:          0        755 PCI-MSIX-0000:00:03.0   2-edge      virtio2-output.0\n"
                                 " 40:          0          3 PCI-MSIX-0000:00:04.0   2-edge      eth0-rx\n"
                                 "NMI:          7          7   Non-maskable interrupts\n");
    tree_put("/sys/class/net/eth0/type", "1\n");
    read_machine("eth0");
    ck_assert_uint_eq(machine.nic.irqs, 1);
    ck_assert_uint_eq(machine.nic.irq_cpus, 1);
    tree_put("/sys/devices/pci0/msi_irqs/38", "msi\n");
    tree_put("/sys/devices/pci0/msi_irqs/39", "msi\n");
    tree_put("/sys/devices/pci0/virtio2/vendor", "0\n");
    ck_assert_int_eq(symlink("../../../devices/pci0/virtio2", tree_path("/sys/class/net/eth0/device")), 0);
    read_machine("eth0");
    ck_assert_uint_eq(machine.nic.irqs, 2);
    ck_assert_uint_eq(machine.nic.irq_cpus, 2);
}
END_TEST

START_TEST(queues_of_a_card)
{
    tree_put("/sys/class/net/eth0/type", "1\n");
    tree_put("/sys/class/net/eth0/queues/rx-0/rps_cpus", "00000000,00000003\n");
    tree_put("/sys/class/net/eth0/queues/rx-1/rps_cpus", "00000000,00000000\n");
    tree_put("/sys/class/net/eth0/queues/tx-0/xps_cpus", "0\n");
    read_machine("eth0");
    ck_assert_str_eq(machine.nic.name, "eth0");
    ck_assert(!machine.nic.loopback);
    ck_assert_uint_eq(machine.nic.rx_queues, 2);
    ck_assert_uint_eq(machine.nic.rps_queues, 1);
    ck_assert_uint_eq(machine.nic.tx_queues, 1);
    ck_assert_uint_eq(machine.nic.xps_queues, 0);
    tree_put("/sys/class/net/lo/type", "772\n");
    read_machine("lo");
    ck_assert(machine.nic.loopback);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("machine");

    rl_case(s, an_empty_tree_is_not_known, tree_open, tree_close);
    rl_case(s, reads_limits_of_the_process, tree_open, tree_close);
    rl_case(s, locked_memory_has_no_limit_for_who_may_lock, tree_open, tree_close);
    rl_case(s, counts_ports_without_those_that_are_reserved, tree_open, tree_close);
    rl_case(s, reads_sysctls, tree_open, tree_close);
    rl_case(s, a_quota_of_version_2_at_any_level, tree_open, tree_close);
    rl_case(s, a_quota_of_version_1, tree_open, tree_close);
    rl_case(s, memory_is_the_least_of_machine_and_cgroup, tree_open, tree_close);
    rl_case(s, governors, tree_open, tree_close);
    rl_case(s, interrupts_of_a_card, tree_open, tree_close);
    rl_case(s, queues_of_a_card, tree_open, tree_close);
    return s;
}

RL_TEST_MAIN(suite)
