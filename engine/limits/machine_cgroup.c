/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cgroup's share of CPU and memory, version 2 (one tree) and 1 (a tree for each controller). A limit
 * of any level above counts as well, so all are looked at; inside a container the path that
 * /proc/self/cgroup tells may be the host's, and the container's own group is the mount's root. */
#include <stdio.h>
#include <string.h>

#include "limits/machine.h"

enum { PATH = 256 };

/* "<number>:<controllers>:<path>": the path of the line whose controllers have this one, "" for version
 * 2's line. False if there is none. */
static bool find_group(const char *root, const char *controller, char *out)
{
    char text[4096], *save = NULL;

    rl_sys_text(root, "/proc/self/cgroup", text, sizeof(text));
    for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        char *list = strchr(line, ':'), *path = list == NULL ? NULL : strchr(list + 1, ':');
        size_t size = strlen(controller);

        if (path == NULL)
            continue;
        *path++ = '\0';
        for (const char *at = list + 1;; at += strcspn(at, ",") + 1) {
            if (strcspn(at, ",") == size && memcmp(at, controller, size) == 0) {
                snprintf(out, PATH, "%.*s", PATH - 1, path);
                return true;
            }
            if (at[strcspn(at, ",")] == '\0')
                break;
        }
    }
    return false;
}

/* Calls visit with the directory of the group and of all above it, up to the mount's root. */
static void each_level(const char *root, const char *mount, const char *controller,
                       void (*visit)(const char *root, const char *folder, void *ctx), void *ctx)
{
    char path[PATH] = "", folder[RL_SYS_PATH];

    if (!find_group(root, controller, path))
        path[0] = '\0';
    for (;;) {
        char *slash = strrchr(path, '/');

        snprintf(folder, sizeof(folder), "%s%s", mount, strcmp(path, "/") == 0 ? "" : path);
        visit(root, folder, ctx);
        if (slash == NULL)
            return;
        *slash = '\0';
    }
}

static int64_t number_in(const char *root, const char *folder, const char *name)
{
    char path[RL_SYS_PATH + 64];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return rl_sys_number(root, path);
}

static void least_quota(double *cores, int64_t quota, int64_t period)
{
    double found;

    if (quota <= 0 || quota == INT64_MAX || period <= 0)
        return;
    found = (double)quota / (double)period;
    if (*cores == 0 || found < *cores)
        *cores = found;
}

static void quota_v2(const char *root, const char *folder, void *ctx)
{
    char path[RL_SYS_PATH + 64];
    int64_t pair[2];

    snprintf(path, sizeof(path), "%s/cpu.max", folder);
    rl_sys_numbers(root, path, pair, 2); /* "max 100000" or "150000 100000" */
    least_quota(ctx, pair[0], pair[1]);
}

static void quota_v1(const char *root, const char *folder, void *ctx)
{
    least_quota(ctx, number_in(root, folder, "cpu.cfs_quota_us"),
                number_in(root, folder, "cpu.cfs_period_us"));
}

double rl_machine_quota_cores(const char *root)
{
    double cores = 0;

    each_level(root, "/sys/fs/cgroup", "", quota_v2, &cores);
    if (cores == 0)
        each_level(root, "/sys/fs/cgroup/cpu", "cpu", quota_v1, &cores);
    return cores;
}

/* What a group leaves. Version 1's "no limit" is a number of nearly 2^63. */
static void least_memory(int64_t *left, int64_t max, int64_t used)
{
    int64_t rest;

    if (max < 0 || max >= INT64_MAX / 2)
        return;
    rest = used < 0 ? max : max > used ? max - used : 0;
    if (rest < *left)
        *left = rest;
}

static void memory_v2(const char *root, const char *folder, void *ctx)
{
    least_memory(ctx, number_in(root, folder, "memory.max"), number_in(root, folder, "memory.current"));
}

static void memory_v1(const char *root, const char *folder, void *ctx)
{
    least_memory(ctx, number_in(root, folder, "memory.limit_in_bytes"),
                 number_in(root, folder, "memory.usage_in_bytes"));
}

int64_t rl_machine_cgroup_memory(const char *root)
{
    int64_t left = INT64_MAX;

    each_level(root, "/sys/fs/cgroup", "", memory_v2, &left);
    if (left == INT64_MAX)
        each_level(root, "/sys/fs/cgroup/memory", "memory", memory_v1, &left);
    return left;
}
