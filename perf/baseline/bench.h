/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench - what the two baseline clients share, so that they differ only in how they talk to the
 * kernel: command line, source ports, the phases of a run, and the line of JSON at its end.
 *
 *   CONNECT  every socket is opened, nothing is sent       (cycles go straight to WARM)
 *   WARM     load runs for a second, not counted
 *   TIMED    load runs for --duration; CPU and round trips are read at both ends
 *   DRAIN    nothing new is started; what is under way is finished, so bytes in = bytes out
 *   DONE     report
 *
 * Thread: the only one. Memory: no allocation after the start.
 */
#ifndef BENCH_H
#define BENCH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51 /* Linux 6.3 */
#endif

enum {
    BENCH_MAX_ADDRESSES = 64,
    BENCH_PORT_TRIES = 64,
    BENCH_OPENING = 256, /* connects under way at once: the listener's queue is finite */
    BENCH_TICK_NS = 20000000,
    BENCH_CHUNK = 65536, /* a receive buffer, and the largest message */
};

enum bench_mode { BENCH_ECHO, BENCH_CONNECT, BENCH_IDLE, BENCH_HANDSHAKE };
enum bench_phase { BENCH_PHASE_CONNECT, BENCH_WARM, BENCH_TIMED, BENCH_DRAIN, BENCH_DONE };

struct bench_options {
    struct in_addr host; /* the first destination address */
    uint16_t port;
    unsigned addresses; /* destinations host, host + 1, ...: each has all source ports */
    unsigned connections;
    unsigned size_bytes;
    unsigned slice, slices; /* this process's share of the source ports */
    uint64_t duration_ns;
    enum bench_mode mode;
    bool verify;        /* compare each byte of a reply, not only their number */
    const char *tls_ca; /* speak TLS and trust this file; NULL: do not */
};

struct bench_cpu {
    double user_s, sys_s;
};

struct bench {
    struct bench_options options;
    const char *name;
    uint8_t *message; /* size_bytes of it, the same for all connections */

    enum bench_phase phase;
    uint64_t phase_end_ns;
    unsigned connected; /* open now; the caller counts */
    unsigned in_flight; /* connections that wait for a reply, an open or a close */

    uint64_t completed; /* round trips, or cycles in connect mode */
    uint64_t bytes_sent, bytes_received;
    uint64_t turns, errors, port_retries;

    uint32_t first_port, ports;
    uint32_t cursor[BENCH_MAX_ADDRESSES];

    uint64_t begin_ns, end_ns, begin_completed, end_completed, begin_turns, end_turns;
    struct bench_cpu begin_cpu, end_cpu;
    size_t rss_before_bytes, rss_bytes, heap_bytes;
};

void bench_init(struct bench *bench, const char *name, int argc, char **argv);

/* Move the phase on as time and counts allow. Call once a turn; returns the phase. */
enum bench_phase bench_tick(struct bench *bench, uint64_t now_ns);

/* Print the JSON line; returns the exit code: 0 if nothing failed and every byte came back. */
int bench_report(const struct bench *bench);

/* What ringload sets on each socket, so that both do the same work (T-046); values are only ever read. */
struct bench_sockopt {
    int level, name, value;
};
enum { BENCH_SOCKOPTS = 5 };
extern struct bench_sockopt bench_sockopts[BENCH_SOCKOPTS];

/* A connection is a cycle that ends, and the next one begins. */
static inline bool bench_cycles(const struct bench *bench)
{
    return bench->options.mode == BENCH_CONNECT || bench->options.mode == BENCH_HANDSHAKE;
}

/* A failure of connection or system call: counted, the first few told on stderr. */
void bench_error(struct bench *bench, const char *what, int error);

/* The destination of the n-th connection, and the next source port towards it as the value of
 * IP_LOCAL_PORT_RANGE: a range of one port, so that the kernel need not search. */
struct sockaddr_in bench_destination(const struct bench *bench, unsigned index);
uint32_t bench_next_port(struct bench *bench, unsigned index);

/* The port that was given last is taken: go on well past it, for ports are taken in long runs,
 * by the sockets of an earlier test. */
void bench_port_taken(struct bench *bench, unsigned index);

/* Check a piece of a reply of which `got` bytes had come before; false if it is not ours. */
bool bench_expected(const struct bench *bench, uint32_t got, const uint8_t *data, size_t size);

uint64_t bench_now_ns(void);
unsigned bench_raise_files(void); /* RLIMIT_NOFILE to its hard limit; returns it */
void *bench_alloc(size_t count, size_t size_bytes); /* zeroed; ends the process if there is none */

#endif
