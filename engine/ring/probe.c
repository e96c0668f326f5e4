/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ring/preflight.h"
#include "ring/ring_impl.h"

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif

static const struct {
    int feature;
    const char *name;
} names[] = {
    {RL_F_DEFER, "defer"},           {RL_F_NO_SQARRAY, "no_sqarray"}, {RL_F_REG_FD, "reg_fd"},
    {RL_F_NO_IOWAIT, "no_iowait"},   {RL_F_BUF_RING, "buf_ring"},     {RL_F_BUF_INC, "buf_inc"},
    {RL_F_SEND_SKIP, "send_skip"},   {RL_F_SETSOCKOPT, "setsockopt"}, {RL_F_BIND, "bind"},
    {RL_F_DIRECT, "direct"},         {RL_F_PORT_RANGE, "port_range"},
    {RL_F_NAPI, "napi"},             {RL_F_MIN_WAIT, "min_wait"},
};

enum { NAMES = sizeof(names) / sizeof(names[0]), PROBE_ENTRIES = 8 };

/* A feature is no use without what it stands on. */
static int consistent(int features)
{
    if ((features & RL_F_BUF_RING) == 0)
        features &= ~RL_F_BUF_INC;
    if ((features & RL_F_SETSOCKOPT) == 0)
        features &= ~RL_F_DIRECT;
    if ((features & RL_F_PORT_RANGE) == 0 && (features & RL_F_BIND) == 0)
        features &= ~RL_F_DIRECT;
    return features;
}

static int forced_off(void)
{
    const char *text = getenv("RINGLOAD_WITHOUT");
    int off = 0;

    if (text == NULL)
        return 0;
    for (size_t i = 0; i < NAMES; i++) {
        size_t size = strlen(names[i].name);

        for (const char *at = text; (at = strstr(at, names[i].name)) != NULL; at += size) {
            bool starts = at == text || at[-1] == ',', ends = at[size] == '\0' || at[size] == ',';

            if (starts && ends)
                off |= names[i].feature;
        }
    }
    return off;
}

static bool has_port_range(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint32_t range = 0;
    bool has;

    if (fd < 0)
        return false;
    has = setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, sizeof(range)) == 0;
    close(fd);
    return has;
}

/* Does the ring run SOCKET_URING_OP_SETSOCKOPT? */
static bool has_setsockopt(struct io_uring *uring)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct io_uring_sqe *sqe = io_uring_get_sqe(uring);
    struct io_uring_cqe *cqe;
    bool has = false;

    if (fd < 0 || sqe == NULL)
        return false;
    io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_SETSOCKOPT, fd, SOL_SOCKET, SO_KEEPALIVE, &on,
                           sizeof(on));
    if (io_uring_submit_and_wait(uring, 1) == 1 && io_uring_peek_cqe(uring, &cqe) == 0) {
        has = cqe->res == 0;
        io_uring_cqe_seen(uring, cqe);
    }
    close(fd);
    return has;
}

static bool has_napi(struct io_uring *uring)
{
    struct io_uring_napi napi = {.busy_poll_to = 1};

    return io_uring_register_napi(uring, &napi) == 0 && io_uring_unregister_napi(uring, &napi) == 0;
}

static bool has_bufs(struct io_uring *uring, int features)
{
    struct rl_bufs bufs;

    if (rl_bufs_open(&bufs, uring, features, 0) < 0)
        return false;
    rl_bufs_close(&bufs, uring);
    return true;
}

/* Set-up flags: drop one after the other until the kernel agrees. */
static int probe_setup(struct io_uring *uring)
{
    static const int tries[] = {RL_F_DEFER | RL_F_NO_SQARRAY, RL_F_DEFER, RL_F_NO_SQARRAY, 0};
    int rc = -EINVAL;

    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]) && rc == -EINVAL; i++) {
        rc = rl_lane_setup(uring, PROBE_ENTRIES, 2 * PROBE_ENTRIES, tries[i], 0);
        if (rc == 0)
            return tries[i];
    }
    return rc;
}

static int probe_features(void)
{
    struct io_uring uring;
    int features = probe_setup(&uring);
    struct io_uring_probe *ops;

    if (features < 0)
        return features;
    features |= RL_F_SEND_SKIP;
    if (io_uring_register_ring_fd(&uring) == 1)
        features |= RL_F_REG_FD;
    if ((uring.features & IORING_FEAT_NO_IOWAIT) != 0)
        features |= RL_F_NO_IOWAIT;
    if ((uring.features & IORING_FEAT_MIN_TIMEOUT) != 0)
        features |= RL_F_MIN_WAIT;
    if (has_napi(&uring))
        features |= RL_F_NAPI;
    if (has_bufs(&uring, RL_F_BUF_RING))
        features |= RL_F_BUF_RING;
    if (has_bufs(&uring, RL_F_BUF_RING | RL_F_BUF_INC))
        features |= RL_F_BUF_INC;
    if (has_setsockopt(&uring))
        features |= RL_F_SETSOCKOPT | RL_F_DIRECT;
    ops = io_uring_get_probe_ring(&uring);
    if (ops != NULL && io_uring_opcode_supported(ops, IORING_OP_BIND) != 0)
        features |= RL_F_BIND;
    io_uring_free_probe(ops);
    if (has_port_range())
        features |= RL_F_PORT_RANGE;
    io_uring_queue_exit(&uring);
    return features;
}

static int answer;

static void probe_once(void)
{
    int features = probe_features();

    if (features >= 0)
        features = rl_preflight(consistent(features & ~forced_off()));
    answer = features;
}

int rl_probe(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, probe_once);
    return answer;
}

/* The value of /proc/sys/kernel/io_uring_disabled, 0 if there is no such file. */
static int disabled_by_sysctl(void)
{
    FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
    int value = 0;

    if (file != NULL) {
        if (fscanf(file, "%d", &value) != 1)
            value = 0;
        fclose(file);
    }
    return value;
}

void rl_probe_advice(int status, char *out, size_t out_bytes)
{
    int disabled = disabled_by_sysctl();

    if (status == -ENOSYS)
        snprintf(out, out_bytes,
                 "this kernel has no io_uring: ringload needs Linux 6.1 or later, or, in a "
                 "container, a seccomp profile that allows the io_uring calls (docker/seccomp.json)");
    else if (status == -EPERM && disabled != 0)
        snprintf(out, out_bytes,
                 "io_uring is switched off here: run 'sysctl -w kernel.io_uring_disabled=0' as root "
                 "(it is %d now)", disabled);
    else if (status == -EPERM || status == -EACCES)
        snprintf(out, out_bytes,
                 "this container's seccomp profile refuses io_uring: run it with "
                 "--security-opt seccomp=docker/seccomp.json (Kubernetes: securityContext.seccompProfile)");
    else if (status == -ENOMEM)
        snprintf(out, out_bytes, "io_uring found no locked memory: run 'ulimit -l unlimited' first");
    else
        snprintf(out, out_bytes,
                 "io_uring cannot be set up (%s): ringload needs Linux 6.1 or later", strerror(-status));
}

void rl_probe_describe(int features, char *out, size_t out_bytes)
{
    size_t used = 0;

    if (out_bytes > 0)
        out[0] = '\0';
    for (size_t i = 0; i < NAMES && used < out_bytes; i++) {
        if ((features & names[i].feature) != 0)
            used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", used == 0 ? "" : " ",
                                     names[i].name);
    }
}
