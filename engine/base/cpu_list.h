/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cpu_list - CPUs as the kernel and taskset write them: "0-3,8". The order is kept.
 */
#ifndef RL_BASE_CPU_LIST_H
#define RL_BASE_CPU_LIST_H

#include <stddef.h>
#include <stdint.h>

enum { RL_CPUS_MAX = 1024 };

struct rl_cpu_list {
    uint16_t items[RL_CPUS_MAX];
    size_t count;
};

/* -EINVAL: malformed or empty; -ERANGE: a number of RL_CPUS_MAX or more, or more CPUs than that. Nothing
 * is written on failure. */
int rl_cpu_list_parse(const char *text, struct rl_cpu_list *list);

#endif
