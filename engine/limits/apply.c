/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/apply.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* One write, as the kernel wants it; 0 or -errno. */
static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC), status = 0;
    size_t size = strlen(text);

    if (fd < 0)
        return -errno;
    if (write(fd, text, size) != (ssize_t)size)
        status = errno != 0 ? -errno : -EIO;
    close(fd);
    return status;
}

static const char *why(int status)
{
    if (status == -EACCES || status == -EPERM)
        return "no right to write it; run this as root";
    if (status == -EROFS)
        return "/proc/sys is read-only here, as in most containers; set it on the host, or with "
               "docker run --sysctl";
    if (status == -ENOENT)
        return "there is no such file here; it is the host's to set, outside of this container's network";
    return strerror(-status);
}

static bool apply(const struct rl_finding *finding, const char *root, FILE *out)
{
    char path[RL_SYS_PATH];
    int status;

    if (finding->sysctl == NULL) {
        fprintf(out, "not applied  %s: not for a running program to do: %s\n", finding->name, finding->remedy);
        return true;
    }
    snprintf(path, sizeof(path), "%s/proc/sys/%s", root, finding->sysctl);
    errno = 0;
    status = write_file(path, finding->value);
    if (status < 0) {
        fprintf(out, "refused      %s: %s: %s\n", finding->name, path, why(status));
        return false;
    }
    fprintf(out, "applied      %s = %s\n", path, finding->value);
    return true;
}

unsigned rl_limits_apply(const struct rl_findings *findings, const char *root, FILE *out)
{
    unsigned refused = 0;

    for (unsigned i = 0; i < findings->count; i++) {
        if (findings->items[i].state == RL_FINDING_SHORT)
            refused += !apply(&findings->items[i], root, out);
    }
    return refused;
}
