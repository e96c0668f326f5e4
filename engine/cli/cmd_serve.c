/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cmd_serve.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "limits/limits.h"
#include "serve/serve.h"
#include "serve/serve_tls.h"
#include "tls/tls_library.h"

enum { EXIT_OK = 0, EXIT_OTHER = 255 };

static void print_counts(const struct rl_server_counts *counts)
{
    printf("{\"accepted\": %" PRIu64 ", \"open\": %" PRIu64 ", \"closed\": %" PRIu64
           ", \"resets\": %" PRIu64 ", \"aborted\": %" PRIu64 ", \"refused\": %" PRIu64
           ", \"pauses\": %" PRIu64 ", \"bytes_in\": %" PRIu64 ", \"bytes_out\": %" PRIu64
           ", \"messages\": %" PRIu64 ", \"requests\": %" PRIu64 ", \"handshakes\": %" PRIu64
           ", \"tls_failed\": %" PRIu64 "}\n",
           counts->accepted, counts->open, counts->closed, counts->resets, counts->aborted,
           counts->refused, counts->pauses, counts->bytes_in, counts->bytes_out, counts->messages,
           counts->requests, counts->handshakes, counts->tls_failed);
}

/* Until for_ns are over (0: for ever) or one of signals is there. */
static void wait_for_end(const sigset_t *signals, int64_t for_ns)
{
    uint64_t end_ns = rl_clock_ns() + (uint64_t)for_ns, now_ns;

    while (for_ns == 0 || (now_ns = rl_clock_ns()) < end_ns) {
        struct timespec left = {.tv_sec = 3600};
        int number;

        if (for_ns != 0) {
            left.tv_sec = (time_t)((end_ns - now_ns) / RL_NS_PER_S);
            left.tv_nsec = (long)((end_ns - now_ns) % RL_NS_PER_S);
        }
        number = sigtimedwait(signals, NULL, &left);
        if (number > 0)
            return;
    }
}

/* Serve until the end; an exit code. */
static int serve(const struct rl_serve_args *args, const struct rl_server_config *config)
{
    struct rl_server_counts counts;
    struct rl_server *server;
    struct rl_addr bound;
    char why[512], endpoint[RL_ADDR_TEXT];
    sigset_t signals;

    rl_limits_raise_files();
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    server = rl_server_start(config, &bound, why, sizeof(why));
    if (server == NULL) {
        rl_log_error("serve: %s", why);
        return EXIT_OTHER;
    }
    rl_addr_format(&bound, endpoint);
    printf("listening on %s\n", endpoint);
    fflush(stdout);
    wait_for_end(&signals, args->for_ns);
    rl_server_stop(server);
    rl_server_counts(server, &counts);
    if (args->stats)
        print_counts(&counts);
    fflush(stdout);
    rl_server_free(server);
    return EXIT_OK;
}

static int serve_tls(const struct rl_serve_args *args, struct rl_server_config *config)
{
    const struct rl_serve_tls_request request = {.cert_file = args->tls_cert,
                                                 .key_file = args->tls_key,
                                                 .cert_out = args->tls_cert_out,
                                                 .version = args->tls_version};
    struct rl_serve_tls tls;
    char why[512];
    int code;

    if (rl_tls_library_init() < 0) {
        rl_log_error("serve: wolfSSL does not start");
        return EXIT_OTHER;
    }
    if (rl_serve_tls_init(&tls, &request, &config->listen, why, sizeof(why)) < 0) {
        rl_log_error("serve: %s", why);
        rl_tls_library_fini();
        return EXIT_OTHER;
    }
    config->tls = &tls.config;
    code = serve(args, config);
    rl_serve_tls_fini(&tls);
    rl_tls_library_fini();
    return code;
}

int rl_cmd_serve(const struct rl_serve_args *args)
{
    struct rl_server_config config = {.mode = args->mode, .workers = args->workers};

    if (rl_addr_parse_endpoint(args->listen, &config.listen) < 0) {
        rl_log_error("--listen: \"%s\" is not IP:PORT; write, for example, 127.0.0.1:9000, or "
                     "[::1]:0 for any free port",
                     args->listen);
        return EXIT_OTHER;
    }
    return args->tls ? serve_tls(args, &config) : serve(args, &config);
}
