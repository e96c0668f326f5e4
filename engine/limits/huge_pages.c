/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/huge_pages.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/pages.h"
#include "limits/sys.h"

enum { ARGS_BYTES = 1 << 20, KIB = 1024 };

static const char tunable[] = "glibc.malloc.hugetlb=";

/* A thread's heap is advised only by what it begins with, so it begins with all 64 MiB of address space. */
static const char threads_too[] = "1:glibc.malloc.top_pad=67108864";

int rl_huge_pages_check(enum rl_huge_pages mode, const char *root, char *why, size_t why_bytes)
{
    char text[128];
    int64_t free_pages;

    if (mode == RL_HUGE_TRANSPARENT) {
        rl_sys_text(root, "/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof(text));
        if (strstr(text, "[always]") != NULL || strstr(text, "[madvise]") != NULL)
            return 0;
        snprintf(why, why_bytes, "--huge-pages: transparent ones are switched off here: echo madvise > "
                 "/sys/kernel/mm/transparent_hugepage/enabled");
        return -EINVAL;
    }
    free_pages = rl_sys_line_number(root, "/proc/meminfo", "HugePages_Free:");
    if (mode == RL_HUGE_OFF || free_pages > 0)
        return 0;
    snprintf(why, why_bytes, "--huge-pages: none are reserved and free: sysctl -w vm.nr_hugepages=512 (for 1 GiB)");
    return -EINVAL;
}

/* "2.35" and later have the tunable. */
static int check_library(char *why, size_t why_bytes)
{
    int major = 0, minor = 0;

    if (sscanf(gnu_get_libc_version(), "%d.%d", &major, &minor) == 2 &&
        (major > 2 || (major == 2 && minor >= 35)))
        return 0;
    snprintf(why, why_bytes, "--huge-pages: needs glibc 2.35 or later, and this is %s", gnu_get_libc_version());
    return -EINVAL;
}

/* The words of /proc/self/cmdline; memory is not given back, since exec follows. */
static char **own_arguments(void)
{
    char *text = malloc(ARGS_BYTES), **argv;
    FILE *file = fopen("/proc/self/cmdline", "re");
    size_t size = 0, count = 0;

    if (text != NULL && file != NULL)
        size = fread(text, 1, ARGS_BYTES, file);
    if (file != NULL)
        fclose(file);
    if (size == 0 || size == ARGS_BYTES)
        return NULL;
    argv = calloc(size + 1, sizeof(*argv));
    for (size_t at = 0; argv != NULL && at < size; at += strlen(text + at) + 1)
        argv[count++] = text + at;
    return argv;
}

int rl_huge_pages_ensure(enum rl_huge_pages mode, char *why, size_t why_bytes)
{
    const char *old = getenv("GLIBC_TUNABLES");
    char value[1024], **argv;
    int rc;

    if (mode == RL_HUGE_OFF)
        return 0;
    if (old != NULL && strstr(old, tunable) != NULL) {
        rl_pages_choose(mode == RL_HUGE_RESERVED ? RL_PAGES_HUGE : RL_PAGES_ADVISED);
        return 0;
    }
    rc = rl_huge_pages_check(mode, "", why, why_bytes);
    if (rc == 0)
        rc = check_library(why, why_bytes);
    if (rc < 0)
        return rc;
    snprintf(value, sizeof(value), "%.900s%s%s%s", old == NULL ? "" : old, old == NULL ? "" : ":", tunable,
             mode == RL_HUGE_RESERVED ? "2" : threads_too);
    argv = own_arguments();
    if (argv != NULL && setenv("GLIBC_TUNABLES", value, 1) == 0)
        execv("/proc/self/exe", argv);
    snprintf(why, why_bytes, "--huge-pages: the program cannot start itself anew: %s", strerror(errno));
    return -EINVAL;
}

int64_t rl_huge_pages_bytes(const char *root, int64_t *all)
{
    static const char path[] = "/proc/self/smaps_rollup";
    int64_t transparent = rl_sys_line_number(root, path, "AnonHugePages:");
    int64_t reserved = rl_sys_line_number(root, path, "Private_Hugetlb:");
    int64_t rss = rl_sys_line_number(root, path, "Rss:");

    *all = RL_UNKNOWN;
    if (transparent == RL_UNKNOWN || reserved == RL_UNKNOWN || rss == RL_UNKNOWN)
        return RL_UNKNOWN;
    *all = (rss + reserved) * KIB; /* Rss leaves reserved pages out */
    return (transparent + reserved) * KIB;
}
