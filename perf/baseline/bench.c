/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const uint64_t second_ns = 1000000000;

static const uint64_t connect_limit_ns = 120 * second_ns;
static const uint64_t drain_limit_ns = 3 * second_ns;

struct bench_sockopt bench_sockopts[BENCH_SOCKOPTS] = {{IPPROTO_TCP, TCP_NODELAY, 1},
                                                       {SOL_SOCKET, SO_KEEPALIVE, 1},
                                                       {IPPROTO_TCP, TCP_KEEPIDLE, 30},
                                                       {IPPROTO_TCP, TCP_KEEPINTVL, 15},
                                                       {IPPROTO_TCP, TCP_KEEPCNT, 9}};

static const char *const mode_names[] = {"echo", "connect", "idle", "handshake"};

static _Noreturn void usage(const char *name, const char *problem)
{
    fprintf(stderr,
            "%s: %s\n"
            "usage: %s --host 127.0.0.1 --port P --connections N --size 64 --duration S\n"
            "       [--mode echo|connect|idle] [--addresses K] [--slice I/K] [--verify]\n"
            "       [--tls CA.pem [--mode handshake]]\n",
            name, problem, name);
    exit(2);
}

static unsigned parse_count(const char *name, const char *text, unsigned most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (end == text || *end != '\0' || value == 0 || value > most)
        usage(name, text);
    return (unsigned)value;
}

static void parse_slice(struct bench_options *options, const char *name, const char *text)
{
    char *end;

    options->slice = (unsigned)strtoul(text, &end, 10);
    if (end == text || *end != '/')
        usage(name, text);
    options->slices = parse_count(name, end + 1, 64);
    if (options->slice >= options->slices)
        usage(name, text);
}

static enum bench_mode parse_mode(const char *name, const char *text)
{
    for (unsigned i = 0; i < sizeof(mode_names) / sizeof(mode_names[0]); i++) {
        if (strcmp(text, mode_names[i]) == 0)
            return (enum bench_mode)i;
    }
    usage(name, text);
}

static void parse(struct bench_options *options, const char *name, int argc, char **argv)
{
    static const struct option longs[] = {
        {"host", required_argument, NULL, 'h'},
        {"port", required_argument, NULL, 'p'},
        {"connections", required_argument, NULL, 'c'},
        {"size", required_argument, NULL, 's'},
        {"duration", required_argument, NULL, 'd'},
        {"mode", required_argument, NULL, 'm'},
        {"addresses", required_argument, NULL, 'a'},
        {"slice", required_argument, NULL, 'l'},
        {"verify", no_argument, NULL, 'v'},
        {"tls", required_argument, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    int letter;

    while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (letter) {
        case 'h':
            if (inet_pton(AF_INET, optarg, &options->host) != 1)
                usage(name, optarg);
            break;
        case 'p':
            options->port = (uint16_t)parse_count(name, optarg, 65535);
            break;
        case 'c':
            options->connections = parse_count(name, optarg, 1000000);
            break;
        case 's':
            options->size_bytes = parse_count(name, optarg, BENCH_CHUNK);
            break;
        case 'd':
            options->duration_ns = (uint64_t)(strtod(optarg, NULL) * (double)second_ns);
            break;
        case 'm':
            options->mode = parse_mode(name, optarg);
            break;
        case 'a':
            options->addresses = parse_count(name, optarg, BENCH_MAX_ADDRESSES);
            break;
        case 'l':
            parse_slice(options, name, optarg);
            break;
        case 'v':
            options->verify = true;
            break;
        case 't':
            options->tls_ca = optarg;
            break;
        default:
            usage(name, "unknown option");
        }
    }
    if (options->port == 0 || optind != argc)
        usage(name, "a port is needed");
    if (options->mode == BENCH_HANDSHAKE && options->tls_ca == NULL)
        usage(name, "--mode handshake needs --tls");
}

/* The first two numbers of a file; what it does not have stays as it is. */
static void read_two(const char *path, unsigned long numbers[2])
{
    char line[128] = "";
    char *at = line, *end;
    FILE *file = fopen(path, "r");

    if (file == NULL)
        return;
    if (fgets(line, sizeof(line), file) != NULL) {
        for (unsigned i = 0; i < 2; i++, at = end) {
            unsigned long number = strtoul(at, &end, 10);

            if (end == at)
                break;
            numbers[i] = number;
        }
    }
    fclose(file);
}

/* Start at a random place: ports of the last run may still be in TIME_WAIT for the second that
 * must pass before the kernel re-uses them (tcp_tw_reuse). */
static void read_ports(struct bench *bench)
{
    const struct bench_options *options = &bench->options;
    unsigned long range[2] = {32768, 60999};

    read_two("/proc/sys/net/ipv4/ip_local_port_range", range);
    if (range[0] == 0 || range[0] > range[1] || range[1] > 65535)
        usage(bench->name, "cannot read ip_local_port_range");
    bench->ports = (uint32_t)(range[1] - range[0] + 1) / options->slices;
    bench->first_port = (uint32_t)range[0] + options->slice * bench->ports;
    for (unsigned i = 0; i < options->addresses; i++)
        bench->cursor[i] = (uint32_t)(bench_now_ns() >> 10) % bench->ports;
}

static size_t read_rss(void)
{
    unsigned long pages[2] = {0, 0};

    read_two("/proc/self/statm", pages);
    return pages[1] * (size_t)sysconf(_SC_PAGESIZE);
}

void bench_init(struct bench *bench, const char *name, int argc, char **argv)
{
    static const struct bench_options defaults = {
        .addresses = 1, .connections = 64, .size_bytes = 64, .slices = 1};

    memset(bench, 0, sizeof(*bench));
    bench->name = name;
    bench->options = defaults;
    bench->options.host.s_addr = htonl(INADDR_LOOPBACK);
    bench->options.duration_ns = 3 * second_ns;
    parse(&bench->options, name, argc, argv);
    bench->message = bench_alloc(bench->options.size_bytes, 1);
    for (unsigned i = 0; i < bench->options.size_bytes; i++)
        bench->message[i] = (uint8_t)('!' + i % 94);
    read_ports(bench);
    bench->rss_before_bytes = read_rss();
    bench->phase_end_ns = bench_now_ns() + connect_limit_ns;
}

static struct bench_cpu read_cpu(void)
{
    struct rusage usage_now;

    getrusage(RUSAGE_SELF, &usage_now);
    return (struct bench_cpu){
        (double)usage_now.ru_utime.tv_sec + 1e-6 * (double)usage_now.ru_utime.tv_usec,
        (double)usage_now.ru_stime.tv_sec + 1e-6 * (double)usage_now.ru_stime.tv_usec};
}

static void enter(struct bench *bench, enum bench_phase phase, uint64_t end_ns)
{
    bench->phase = phase;
    bench->phase_end_ns = end_ns;
}

static void window_begin(struct bench *bench, uint64_t now_ns)
{
    struct mallinfo2 heap = mallinfo2();

    bench->rss_bytes = read_rss();
    bench->heap_bytes = heap.uordblks + heap.hblkhd;
    bench->begin_completed = bench->completed;
    bench->begin_turns = bench->turns;
    bench->begin_cpu = read_cpu();
    bench->begin_ns = now_ns;
    enter(bench, BENCH_TIMED, now_ns + bench->options.duration_ns);
}

static void window_end(struct bench *bench, uint64_t now_ns)
{
    bench->end_completed = bench->completed;
    bench->end_turns = bench->turns;
    bench->end_cpu = read_cpu();
    bench->end_ns = now_ns;
    enter(bench, BENCH_DRAIN, now_ns + drain_limit_ns);
}

enum bench_phase bench_tick(struct bench *bench, uint64_t now_ns)
{
    bool due = now_ns >= bench->phase_end_ns;

    bench->turns++;
    switch (bench->phase) {
    case BENCH_PHASE_CONNECT:
        if (bench_cycles(bench) || bench->connected == bench->options.connections) {
            enter(bench, BENCH_WARM, now_ns + second_ns);
        } else if (due || bench->errors > 0) {
            bench_error(bench, "not all sockets could be connected", ETIMEDOUT);
            enter(bench, BENCH_DONE, now_ns);
        }
        break;
    case BENCH_WARM:
        if (due)
            window_begin(bench, now_ns);
        break;
    case BENCH_TIMED:
        if (due)
            window_end(bench, now_ns);
        break;
    case BENCH_DRAIN:
        if (bench->in_flight == 0) {
            enter(bench, BENCH_DONE, now_ns);
        } else if (due) {
            bench_error(bench, "a reply did not come", ETIMEDOUT);
            enter(bench, BENCH_DONE, now_ns);
        }
        break;
    case BENCH_DONE:
        break;
    }
    return bench->phase;
}

int bench_report(const struct bench *bench)
{
    const struct bench_options *options = &bench->options;
    double seconds = 1e-9 * (double)(bench->end_ns - bench->begin_ns);
    double user_s = bench->end_cpu.user_s - bench->begin_cpu.user_s;
    double sys_s = bench->end_cpu.sys_s - bench->begin_cpu.sys_s;
    uint64_t completed = bench->end_completed - bench->begin_completed;
    uint64_t turns = bench->end_turns - bench->begin_turns;
    bool balanced = bench->bytes_sent == bench->bytes_received;
    bool measured = options->mode == BENCH_IDLE || completed > 0;

    printf("{\"contender\": \"%s\", \"mode\": \"%s\", \"connections\": %u, \"size\": %u, "
           "\"%s\": %llu, \"seconds\": %.6f, \"rate_per_s\": %.0f, "
           "\"cpu_user_s\": %.6f, \"cpu_sys_s\": %.6f, \"cpu_us_per_rt\": %.4f, "
           "\"per_turn\": %.2f, \"rss_bytes\": %zu, \"rss_before_bytes\": %zu, "
           "\"heap_bytes\": %zu, \"bytes_sent\": %llu, \"bytes_received\": %llu, "
           "\"total\": %llu, \"port_retries\": %llu, \"errors\": %llu}\n",
           bench->name, mode_names[options->mode], options->connections, options->size_bytes,
           bench_cycles(bench) ? "cycles" : "round_trips", (unsigned long long)completed, seconds,
           seconds > 0 ? (double)completed / seconds : 0.0, user_s, sys_s,
           completed > 0 ? 1e6 * (user_s + sys_s) / (double)completed : 0.0,
           turns > 0 ? (double)completed / (double)turns : 0.0, bench->rss_bytes,
           bench->rss_before_bytes, bench->heap_bytes, (unsigned long long)bench->bytes_sent,
           (unsigned long long)bench->bytes_received, (unsigned long long)bench->completed,
           (unsigned long long)bench->port_retries, (unsigned long long)bench->errors + !balanced);
    if (!balanced)
        fprintf(stderr, "%s: bytes sent and received differ\n", bench->name);
    return bench->errors == 0 && balanced && measured ? 0 : 1;
}

void bench_error(struct bench *bench, const char *what, int error)
{
    if (bench->errors++ < 10)
        fprintf(stderr, "%s: %s: %s\n", bench->name, what, strerror(error));
}

struct sockaddr_in bench_destination(const struct bench *bench, unsigned index)
{
    const struct bench_options *options = &bench->options;
    uint32_t address = ntohl(options->host.s_addr) + index % options->addresses;

    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(options->port), .sin_addr.s_addr = htonl(address)};
}

uint32_t bench_next_port(struct bench *bench, unsigned index)
{
    uint32_t *cursor = &bench->cursor[index % bench->options.addresses];
    uint32_t port = bench->first_port + *cursor;

    *cursor = *cursor + 1 < bench->ports ? *cursor + 1 : 0;
    return port << 16 | port;
}

void bench_port_taken(struct bench *bench, unsigned index)
{
    uint32_t *cursor = &bench->cursor[index % bench->options.addresses];

    bench->port_retries++;
    *cursor = (*cursor + 509) % bench->ports; /* a prime: all ports are met in time */
}

bool bench_expected(const struct bench *bench, uint32_t got, const uint8_t *data, size_t size)
{
    if (size > bench->options.size_bytes - got)
        return false;
    return !bench->options.verify || memcmp(data, bench->message + got, size) == 0;
}

uint64_t bench_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * second_ns + (uint64_t)now.tv_nsec;
}

unsigned bench_raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > 1000000 ? 1000000 : (unsigned)limit.rlim_cur;
}

void *bench_alloc(size_t count, size_t size_bytes)
{
    void *memory = calloc(count, size_bytes);

    if (memory == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    return memory;
}
