/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who serves a network card: its interrupts by CPU, and how software spreads what they bring. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limits/machine.h"

enum { IRQS_MAX = 512, ARPHRD_LOOPBACK_TYPE = 772 };

struct irqs {
    long numbers[IRQS_MAX];
    size_t count;
};

/* The card's numbers are names in a folder: of the device itself, or, of a virtual one (virtio), of the
 * device that it hangs on. */
static void list_irqs(const char *root, const char *name, struct irqs *irqs)
{
    static const char *const folders[] = {"device/msi_irqs", "device/../msi_irqs"};

    irqs->count = 0;
    for (size_t i = 0; i < 2 && irqs->count == 0; i++) {
        char path[RL_SYS_PATH];
        struct dirent *entry;
        DIR *dir;

        snprintf(path, sizeof(path), "%s/sys/class/net/%s/%s", root, name, folders[i]);
        dir = opendir(path);
        while (dir != NULL && (entry = readdir(dir)) != NULL && irqs->count < IRQS_MAX) {
            if (isdigit((unsigned char)entry->d_name[0]))
                irqs->numbers[irqs->count++] = strtol(entry->d_name, NULL, 10);
        }
        if (dir != NULL)
            closedir(dir);
    }
}

static bool has_irq(const struct irqs *irqs, long number)
{
    for (size_t i = 0; i < irqs->count; i++) {
        if (irqs->numbers[i] == number)
            return true;
    }
    return false;
}

/* " 24:   0   1234   PCI-MSIX-0000:00:03.0   1-edge   eth0-rx-0": mark the CPUs that served one; a line
 * may also be the card's by its name, where the folder tells nothing. */
static bool mark_cpus(char *line, const struct irqs *irqs, const char *name, bool *cpus, size_t max)
{
    char *end, *at;
    long number = strtol(line, &end, 10);

    if (end == line || *end != ':' ||
        (!has_irq(irqs, number) && (irqs->count > 0 || strstr(end, name) == NULL)))
        return false;
    at = end + 1;
    for (size_t cpu = 0; cpu < max; cpu++, at = end) {
        unsigned long long served = strtoull(at, &end, 10);

        if (end == at)
            break;
        cpus[cpu] |= served > 0;
    }
    return true;
}

static void read_interrupts(struct rl_nic *nic, const char *root, const char *name)
{
    bool cpus[1024] = {false};
    struct irqs irqs;
    char path[RL_SYS_PATH], *line = NULL;
    size_t size = 0;
    FILE *file;

    list_irqs(root, name, &irqs);
    snprintf(path, sizeof(path), "%s/proc/interrupts", root);
    file = fopen(path, "re");
    while (file != NULL && getline(&line, &size, file) > 0)
        nic->irqs += mark_cpus(line, &irqs, name, cpus, sizeof(cpus) / sizeof(cpus[0]));
    free(line);
    if (file != NULL)
        fclose(file);
    for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++)
        nic->irq_cpus += cpus[i];
}

/* A mask of CPUs such as "00000000,0000000f" that has any. */
static bool is_set(const char *root, const char *path)
{
    char text[512];

    return rl_sys_text(root, path, text, sizeof(text)) && strspn(text, "0,") != strlen(text);
}

/* Queues of one direction ("rx", "tx"), and those whose mask is set. */
static void read_queues(const char *root, const char *name, const char *direction, const char *mask,
                        uint32_t *queues, uint32_t *set)
{
    char path[RL_SYS_PATH], file[RL_SYS_PATH];
    DIR *dir;

    for (*queues = *set = 0;; (*queues)++) {
        snprintf(path, sizeof(path), "%s/sys/class/net/%s/queues/%s-%u", root, name, direction,
                 *queues);
        dir = opendir(path);
        if (dir == NULL)
            return;
        closedir(dir);
        snprintf(file, sizeof(file), "/sys/class/net/%s/queues/%s-%u/%s", name, direction, *queues,
                 mask);
        *set += is_set(root, file);
    }
}

void rl_machine_read_nic(struct rl_nic *nic, const char *root, const char *name)
{
    char path[RL_SYS_PATH];

    *nic = (struct rl_nic){.irqs = 0};
    snprintf(nic->name, sizeof(nic->name), "%s", name);
    snprintf(path, sizeof(path), "/sys/class/net/%s/type", name);
    nic->loopback = rl_sys_number(root, path) == ARPHRD_LOOPBACK_TYPE;
    if (nic->loopback)
        return;
    read_interrupts(nic, root, name);
    read_queues(root, name, "rx", "rps_cpus", &nic->rx_queues, &nic->rps_queues);
    read_queues(root, name, "tx", "xps_cpus", &nic->tx_queues, &nic->xps_queues);
}
