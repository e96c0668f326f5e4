/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/pin.h"

#include <errno.h>
#include <pthread.h>

void rl_pin_usable(struct rl_cpu_list *cpus)
{
    cpu_set_t set;

    cpus->count = 0;
    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return;
    for (unsigned cpu = 0; cpu < RL_CPUS_MAX; cpu++) {
        if (CPU_ISSET(cpu, &set))
            cpus->items[cpus->count++] = (uint16_t)cpu;
    }
}

int rl_pin_unusable(const struct rl_cpu_list *cpus)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return -1;
    for (size_t i = 0; i < cpus->count; i++) {
        if (!CPU_ISSET(cpus->items[i], &set))
            return cpus->items[i];
    }
    return -1;
}

int rl_pin(unsigned cpu, cpu_set_t *before)
{
    cpu_set_t set;
    int rc = pthread_getaffinity_np(pthread_self(), sizeof(*before), before);

    if (rc != 0)
        return -rc;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return -pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

void rl_unpin(const cpu_set_t *before)
{
    pthread_setaffinity_np(pthread_self(), sizeof(*before), before);
}
