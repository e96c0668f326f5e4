/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/parse.h"
#include "limits/findings.h"
#include "limits/limits.h"
#include "limits/pin.h"
#include "limits/report.h"
#include "net/local_ips.h"
#include "run/config.h"
#include "run/control.h"
#include "run/report.h"
#include "run/ui.h"
#include "serve/serve.h"
#include "serve/serve_tls.h"
#include "tls/tls_library.h"

enum { MIN_SLOTS = 4096 };

static uint32_t lower(uint64_t a, uint64_t b)
{
    return (uint32_t)(a < b ? a : b);
}

/* Room for several sockets a VU. The limit of open files bounds each table of direct descriptors by itself, of which
 * a ring may have several, and ordinary descriptors all together. */
static void size_tables(struct rl_test *test, uint64_t vus, uint64_t files)
{
    uint64_t conns = 4 * (vus / test->worker_count + 1) + MIN_SLOTS;
    bool direct = (test->features & RL_F_DIRECT) != 0;
    uint32_t table = lower(files, RL_RING_TABLE_MAX);

    test->slot_count = lower(conns, table);
    test->more_slots = direct ? table : 0;
    test->max_conns = lower(conns, direct ? (uint64_t)table * RL_RING_TABLES : files);
}

static int check_kernel(struct rl_test *test)
{
    char advice[256];

    test->features = rl_probe();
    if (test->features >= 0)
        return 0;
    rl_probe_advice(test->features, advice, sizeof(advice));
    rl_log_error("%s", advice);
    return RL_EXIT_OTHER;
}

/* RINGLOAD_CQ: a completion queue that is too small, for tests. */
static unsigned small_cq(void)
{
    const char *text = getenv("RINGLOAD_CQ");
    int64_t entries = 0;

    return text != NULL && rl_parse_int(text, &entries) == 0 && entries >= 2 && entries <= 65536
               ? (unsigned)entries
               : 0;
}

/* What the kernel and the process must give for the flags that tune this machine; no fallback. */
static int check_rig(struct rl_test *test)
{
    const struct rl_run_flags *flags = test->flags;
    int cpu;

    if (flags->napi_busy_poll_us != 0 && (test->features & RL_F_NAPI) == 0) {
        rl_log_error("--napi-busy-poll: this kernel's io_uring has none (Linux 6.9, with "
                     "CONFIG_NET_RX_BUSY_POLL); leave it away");
        return RL_EXIT_INVALID_CONFIG;
    }
    if (flags->batch_wait_us != 0 && (test->features & RL_F_MIN_WAIT) == 0) {
        rl_log_error("--batch-wait: this kernel's io_uring has none (Linux 6.12); leave it away");
        return RL_EXIT_INVALID_CONFIG;
    }
    test->cq_entries = small_cq();
    if (flags->cpus_auto)
        rl_pin_usable(&test->cpus);
    else if (flags->cpus != NULL)
        test->cpus = *flags->cpus;
    cpu = rl_pin_unusable(&test->cpus);
    if (cpu >= 0) {
        rl_log_error("--cpus: CPU %d is not one that this process may use; 'taskset -cp $$' says which are", cpu);
        return RL_EXIT_INVALID_CONFIG;
    }
    return 0;
}

static uint32_t count_workers(const struct rl_test *test)
{
    if (test->flags->workers != 0)
        return test->flags->workers;
    return test->flags->cpus != NULL ? (uint32_t)test->cpus.count : rl_limits_cores();
}

/* One line where so many VUs cannot all have a connection; the run goes on, since they may not want one. */
static void warn_of_limits(const struct rl_test *test)
{
    struct rl_demand demand = {.vus = (uint64_t)test->plan.planned_vus,
                               .addresses = 1,
                               .targets = 1,
                               .workers = test->worker_count};
    struct rl_findings findings;
    struct rl_machine machine;
    char line[512];

    if (demand.vus == 0)
        return;
    if (test->local_ips != NULL) /* what auto gives depends on targets, which nobody knows yet */
        demand.addresses = rl_local_ips_is_auto(test->local_ips) ? INT32_MAX
                                                                 : rl_local_ips_count(test->local_ips);
    rl_machine_read(&machine, "", test->features, NULL);
    rl_findings_make(&findings, &machine, &demand);
    if (rl_limits_one_line(&findings, demand.vus, line, sizeof(line)))
        rl_log_warn("%s", line);
}

static int make_workers(struct rl_test *test)
{
    uint64_t files = rl_limits_raise_files(), vus = (uint64_t)test->plan.planned_vus;

    test->worker_count = count_workers(test);
    test->workers = calloc(test->worker_count, sizeof(*test->workers));
    if (test->workers == NULL)
        return RL_EXIT_OTHER;
    if (test->local_ips != NULL && (test->features & RL_F_BIND) == 0)
        test->features &= ~RL_F_DIRECT; /* binding needs an ordinary descriptor there */
    size_tables(test, vus, files);
    warn_of_limits(test);
    return 0;
}

static int exit_code(struct rl_test *test)
{
    int code = atomic_load(&test->verdict.code);

    if (code != 0)
        return code;
    return atomic_load(&test->verdict.failed) ? RL_EXIT_TEST_FAIL : 0;
}

/* Threads are running from here to the end of rl_control_run. */
static int run_workers(struct rl_test *test, const struct rl_run_request *request)
{
    struct rl_collect *collect = rl_collect_new(test->registry);
    struct rl_control control;
    int code;

    if (collect == NULL || rl_control_init(&control, test, collect) < 0) {
        rl_log_error("out of memory or of files before the run began");
        return RL_EXIT_OTHER;
    }
    if (!test->flags->quiet)
        control.ui = rl_ui_new(test, request->script_path);
    rl_control_run(&control);
    rl_causes_tell(&control.causes);
    rl_shortages_tell(&control.shortages, (uint64_t)test->plan.planned_vus, rl_test_roams(test));
    rl_strain_tell(&control.strain);
    code = exit_code(test);
    if (atomic_load(&test->clock_start_ns) != 0) {
        int rc = rl_report(test, collect);

        code = code != 0 ? code : rc;
    }
    rl_ui_end(control.ui);
    if (control.signals == 0 &&
        (test->flags->linger_set ? test->flags->linger : test->options.linger))
        rl_control_linger(&control);
    rl_ui_free(control.ui);
    rl_control_fini(&control);
    rl_collect_free(collect);
    return code;
}

static int run_test(struct rl_test *test, const struct rl_run_request *request,
                    const struct rl_pair *extra_env)
{
    int code = rl_config_init(test, request, extra_env);

    if (code == 0)
        code = check_kernel(test);
    if (code == 0)
        code = check_rig(test);
    if (code == 0)
        code = make_workers(test);
    if (code == 0)
        code = run_workers(test, request);
    for (uint32_t i = 0; i < test->worker_count; i++)
        rl_worker_fini(&test->workers[i]);
    free(test->workers);
    rl_config_fini(test);
    return code;
}

/* --serve: a server of our own in this process, for demos; the script finds it in __ENV. */
struct own_server {
    struct rl_server *server; /* NULL: none */
    struct rl_serve_tls tls;
    bool has_tls;
    struct rl_pair env[4];
    char port[8];
};

static void stop_server(struct own_server *own)
{
    if (own->server != NULL)
        rl_server_stop(own->server);
    rl_server_free(own->server);
    if (!own->has_tls)
        return;
    rl_serve_tls_fini(&own->tls);
    rl_tls_library_fini();
}

static int make_server_tls(struct own_server *own, const struct rl_addr *listen, char *why,
                           size_t why_bytes)
{
    const struct rl_serve_tls_request request = {.cert_file = NULL};
    int rc;

    if (rl_tls_library_init() < 0) {
        snprintf(why, why_bytes, "wolfSSL does not start");
        return -1;
    }
    rc = rl_serve_tls_init(&own->tls, &request, listen, why, why_bytes);
    own->has_tls = rc == 0;
    if (rc < 0)
        rl_tls_library_fini();
    return rc;
}

static int start_server(struct own_server *own, const struct rl_run_flags *flags)
{
    struct rl_server_config config = {.mode = flags->serve, .workers = 1};
    struct rl_addr addr;
    char why[256];

    rl_addr_parse_ip("127.0.0.1", &config.listen);
    rl_limits_raise_files();
    if (flags->serve_tls && make_server_tls(own, &config.listen, why, sizeof(why)) == 0)
        config.tls = &own->tls.config;
    if (!flags->serve_tls || own->has_tls)
        own->server = rl_server_start(&config, &addr, why, sizeof(why));
    if (own->server == NULL) {
        rl_log_error("--serve %s: %s", flags->serve, why);
        return -1;
    }
    snprintf(own->port, sizeof(own->port), "%u", (unsigned)addr.port);
    own->env[0] = (struct rl_pair){"SERVE_HOST", "127.0.0.1"};
    own->env[1] = (struct rl_pair){"SERVE_PORT", own->port};
    if (own->has_tls)
        own->env[2] = (struct rl_pair){"SERVE_CERT", own->tls.cert};
    return 0;
}

int rl_run(const struct rl_run_request *request)
{
    struct rl_test test = {.poke_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    struct own_server own = {.server = NULL};
    int code;

    if (test.poke_fd < 0) {
        rl_log_error("no file descriptor left: %s", strerror(errno));
        return RL_EXIT_OTHER;
    }
    rl_watch_init();
    code = request->flags->serve != NULL && start_server(&own, request->flags) < 0
               ? RL_EXIT_OTHER
               : run_test(&test, request, own.env);
    stop_server(&own);
    close(test.poke_fd);
    return code;
}
