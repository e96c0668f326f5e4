/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serve/serve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/status.h"
#include "ring/probe.h"
#include "serve/modes.h"
#include "serve/worker.h"

enum { CONNS_MAX = 256 * 1024, PORT_TRIES = 100, LOW_PORT = 10000, LOW_PORTS = 20000 };

struct rl_server {
    uint32_t worker_count;
    struct rl_serve_worker *workers;
};

/* Several sockets may share the endpoint, but only ours: a first one that does not share finds out
 * whether somebody else listens there. */
static int check_free(const struct rl_addr *addr)
{
    const int on = 1;
    struct sockaddr_storage sa;
    socklen_t size = rl_addr_to_sockaddr(addr, &sa);
    int fd = socket(addr->family, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0;

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (struct sockaddr *)&sa, size) < 0)
        status = -errno;
    close(fd);
    return status;
}

/* Port 0 fails when a load test has left all of ip_local_port_range in TIME_WAIT, though any port
 * below that range would do. */
static int find_port(struct rl_addr *addr)
{
    int status = check_free(addr);
    struct rl_rng rng;

    if (addr->port != 0 || status != -EADDRINUSE)
        return status;
    rl_rng_init(&rng, rl_clock_ns());
    for (int i = 0; i < PORT_TRIES && status == -EADDRINUSE; i++) {
        addr->port = (uint16_t)(LOW_PORT + rl_rng_below(&rng, LOW_PORTS));
        status = check_free(addr);
    }
    if (status < 0)
        addr->port = 0;
    return status;
}

static uint32_t conns_within_limits(const struct rl_server_config *config)
{
    struct rlimit limit;

    if (config->max_conns > 0)
        return config->max_conns;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > CONNS_MAX)
        return CONNS_MAX;
    return (uint32_t)limit.rlim_cur;
}

static void explain(const struct rl_addr *addr, const char *problem, int status, char *why,
                    size_t why_bytes)
{
    char endpoint[RL_ADDR_TEXT];

    rl_addr_format(addr, endpoint);
    if (status == -EADDRINUSE && addr->port != 0)
        snprintf(why, why_bytes,
                 "cannot listen on %s: another program does; choose another port, or port 0 for "
                 "any free one",
                 endpoint);
    else
        snprintf(why, why_bytes, "cannot serve on %s: %s: %s", endpoint, problem,
                 rl_status_text(status));
}

static void explain_mode(const char *mode, char *why, size_t why_bytes)
{
    const char *name, *help;
    int used = snprintf(why, why_bytes, "\"%s\" is not a mode of the server; these are", mode);

    for (size_t i = 0; used >= 0 && (size_t)used < why_bytes; i++) {
        if (!rl_serve_mode_at(i, &name, &help))
            return;
        used += snprintf(why + used, why_bytes - (size_t)used, "%s %s", i == 0 ? ":" : ",", name);
    }
}

static struct rl_server *server_new(uint32_t worker_count)
{
    struct rl_server *server = calloc(1, sizeof(*server));

    if (server == NULL)
        return NULL;
    server->workers = calloc(worker_count, sizeof(*server->workers));
    server->worker_count = worker_count;
    if (server->workers != NULL)
        return server;
    free(server);
    return NULL;
}

/* One after another: the first one settles the port. */
static int start_workers(struct rl_server *server, const struct rl_serve_mode *mode,
                         const struct rl_server_config *config, struct rl_addr *addr,
                         const char **problem)
{
    int status = 0;

    for (uint32_t i = 0; i < server->worker_count && status == 0; i++) {
        status =
            rl_serve_worker_start(&server->workers[i], mode, addr, conns_within_limits(config),
                                  config->tls);
        *addr = server->workers[i].addr;
        *problem = server->workers[i].problem;
    }
    return status;
}

struct rl_server *rl_server_start(const struct rl_server_config *config, struct rl_addr *bound,
                                  char *why, size_t why_bytes)
{
    const struct rl_serve_mode *mode = rl_serve_mode(config->mode);
    struct rl_addr addr = config->listen;
    const char *problem = "listen";
    struct rl_server *server;
    int status;

    if (mode == NULL) {
        explain_mode(config->mode, why, why_bytes);
        return NULL;
    }
    if (mode->holds && config->tls != NULL) {
        snprintf(why, why_bytes, "%s reads nothing, so it has no TLS", config->mode);
        return NULL;
    }
    status = rl_probe();
    if (status < 0 && !mode->holds) {
        rl_probe_advice(status, why, why_bytes);
        return NULL;
    }
    server = server_new(config->workers == 0 ? 1 : config->workers);
    if (server == NULL) {
        snprintf(why, why_bytes, "out of memory");
        return NULL;
    }
    status = find_port(&addr);
    if (status == 0)
        status = start_workers(server, mode, config, &addr, &problem);
    if (status < 0) {
        explain(&addr, problem, status, why, why_bytes);
        rl_server_free(server);
        return NULL;
    }
    *bound = addr;
    return server;
}

void rl_server_stop(struct rl_server *server)
{
    for (uint32_t i = 0; i < server->worker_count; i++)
        rl_serve_worker_stop(&server->workers[i]);
    for (uint32_t i = 0; i < server->worker_count; i++)
        rl_serve_worker_join(&server->workers[i]);
}

void rl_server_free(struct rl_server *server)
{
    if (server == NULL)
        return;
    rl_server_stop(server);
    free(server->workers);
    free(server);
}

static uint64_t read_count(const atomic_uint_fast64_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

void rl_server_counts(const struct rl_server *server, struct rl_server_counts *out)
{
    *out = (struct rl_server_counts){0};
    for (uint32_t i = 0; i < server->worker_count; i++) {
        const struct rl_serve_counts *counts = &server->workers[i].counts;

        out->closed += read_count(&counts->closed); /* before accepted: open is never negative */
        out->resets += read_count(&counts->resets);
        out->aborted += read_count(&counts->aborted);
        out->refused += read_count(&counts->refused);
        out->pauses += read_count(&counts->pauses);
        out->bytes_in += read_count(&counts->bytes_in);
        out->bytes_out += read_count(&counts->bytes_out);
        out->messages += read_count(&counts->messages);
        out->handshakes += read_count(&counts->handshakes);
        out->tls_failed += read_count(&counts->tls_failed);
        out->requests += read_count(&counts->requests);
        out->accepted += read_count(&counts->accepted);
    }
    out->open = out->accepted - out->closed;
}
