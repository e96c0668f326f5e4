/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The echo server that all contenders talk to: one thread a process on io_uring, more than one
 * process with --processes K (SO_REUSEPORT spreads the connections over them).
 *
 * --stats FILE is a file of eleven counters of 64 bits a process, in the machine's order, written
 * once a turn. Whoever maps it reads them without disturbing the server:
 *
 *      accepted  closed  resets  messages  bytes_in  bytes_out  wire_in  wire_out  handshakes
 *      errors  turns
 *
 * The bytes are payload; on the wire they are more with TLS (--cert, --key) and the same without.
 * --reply TEXT answers each message with this text instead of itself.
 * --gather US naps for US microseconds after a turn with little to do. A server that is woken for each connection or
 * message makes its clients pay for that: on loopback the waking is part of their own send. (The ring's own minimal
 * wait does not help: an accept always wakes.)
 * --intervals adds the median time from one message to the next to what is printed (one process, one connection).
 * `messages` counts receives; a message that came in two pieces counts as two. `closed` counts
 * connections that ended with FIN, `resets` those that ended with RST. The sum of all is printed
 * as JSON at SIGTERM or SIGINT, and after --seconds at the latest.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "intervals.h"
#include "tls.h"
#include "uring.h"

enum { ENOUGH = 256, ARENA_LEN = 4 << 20, SPARE_FILES = 64, MAX_PROCESSES = 64 };

struct stats {
    uint64_t accepted, closed, resets, messages, bytes_in, bytes_out, wire_in, wire_out, handshakes,
        errors, turns;
};

struct conn {
    struct bench_out out;
    bench_tls_session *session; /* NULL without TLS */
    uint32_t generation;
    bool open;
    bool secure;    /* the handshake is through */
    bool receiving; /* the multishot has not ended */
    bool ending;    /* close the slot as soon as nothing is under way */
};

struct server {
    struct bench_uring uring;
    struct bench_tls tls;
    const char *reply; /* NULL: echo */
    struct conn *conns;
    unsigned slots;
    int listener;
    bool accepting;
    struct timespec nap; /* after a turn with little to do */
    bool spin;           /* never sleep, so that no client pays for waking us */
    bool intervals;      /* note the time of each message */
    uint64_t retry_ns;   /* when to accept again after a failure */
    struct stats stats;
    volatile struct stats *shared;
};

struct options {
    struct in_addr host;
    uint16_t port;
    unsigned processes;
    unsigned seconds;
    const char *stats;
    const char *cert, *key; /* NULL: no TLS */
    const char *reply;
    unsigned gather_us;
    bool spin;
    bool intervals;
};

static struct intervals intervals;
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static void arm_accept(struct server *server)
{
    struct io_uring_sqe *sqe = bench_uring_sqe(&server->uring, 1);

    io_uring_prep_multishot_accept_direct(sqe, server->listener, NULL, NULL, 0);
    sqe->user_data = bench_tag_pack(BENCH_OP_ACCEPT, 0, 0);
    server->accepting = true;
}

static void on_accept(struct server *server, const struct io_uring_cqe *cqe)
{
    if ((cqe->flags & IORING_CQE_F_MORE) == 0) {
        server->accepting = false;
        server->retry_ns = cqe->res < 0 ? bench_now_ns() + 10000000 : 0;
    }
    if (cqe->res >= 0) {
        struct conn *conn = &server->conns[cqe->res];

        conn->generation++;
        conn->open = true;
        conn->ending = false;
        conn->receiving = true;
        conn->secure = false;
        conn->session = server->tls.context != NULL ? bench_tls_begin(&server->tls, NULL) : NULL;
        server->stats.accepted++;
        bench_uring_receive(&server->uring, (uint32_t)cqe->res, conn->generation);
    } else if (cqe->res != -EAGAIN && cqe->res != -EINTR && cqe->res != -ECONNABORTED) {
        if (server->stats.errors++ < 5)
            fprintf(stderr, "echo server: accept: %s\n", strerror(-cqe->res));
    }
}

/* The slot goes when the receive has ended and no send of ours is under way. */
static void end_if_idle(struct server *server, uint32_t slot)
{
    struct conn *conn = &server->conns[slot];
    struct io_uring_sqe *sqe;

    if (!conn->ending || conn->receiving || !bench_out_idle(&conn->out))
        return;
    conn->open = false;
    conn->ending = false;
    bench_tls_end(conn->session);
    conn->session = NULL;
    sqe = bench_uring_sqe(&server->uring, 1);
    io_uring_prep_close_direct(sqe, slot);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = bench_tag_pack(BENCH_OP_IGNORE, 0, 0);
}

static void end_receive(struct server *server, uint32_t slot)
{
    struct conn *conn = &server->conns[slot];

    conn->ending = true;
    if (conn->receiving) {
        struct io_uring_sqe *sqe = bench_uring_sqe(&server->uring, 1);

        io_uring_prep_cancel64(sqe, bench_tag_pack(BENCH_OP_RECV, conn->generation, slot), 0);
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
        sqe->user_data = bench_tag_pack(BENCH_OP_IGNORE, 0, 0);
    }
    end_if_idle(server, slot);
}

static void on_broken(struct server *server, uint32_t slot, int error)
{
    if (error != EPIPE && error != ECONNRESET)
        server->stats.errors++;
    bench_out_clear(&server->conns[slot].out);
    end_receive(server, slot);
}

static void send_bytes(struct server *server, uint32_t slot, const uint8_t *data, size_t len)
{
    struct conn *conn = &server->conns[slot];

    server->stats.wire_out += len;
    if (!bench_uring_send(&server->uring, &conn->out, slot, conn->generation, data, len)) {
        server->stats.errors++;
        end_receive(server, slot);
    }
}

/* The answer to some payload, by way of TLS if there is any. */
static void answer(struct server *server, uint32_t slot, const uint8_t *data, size_t len)
{
    struct conn *conn = &server->conns[slot];

    if (server->intervals)
        intervals_record(&intervals, bench_now_ns());
    server->stats.messages++;
    server->stats.bytes_in += len;
    if (server->reply != NULL) {
        data = (const uint8_t *)server->reply;
        len = strlen(server->reply);
    }
    server->stats.bytes_out += len;
    if (conn->session == NULL)
        send_bytes(server, slot, data, len);
    else if (!bench_tls_write(conn->session, data, len))
        server->stats.errors++;
}

static void on_records(struct server *server, uint32_t slot, const uint8_t *data, size_t len)
{
    struct conn *conn = &server->conns[slot];
    int result = 1;

    bench_tls_give(&server->tls, data, len);
    if (!conn->secure) {
        result = bench_tls_accept(conn->session);
        conn->secure = result > 0;
        server->stats.handshakes += result > 0;
    }
    while (result > 0) {
        result = bench_tls_read(&server->tls, conn->session);
        if (result > 0)
            answer(server, slot, server->tls.plain, (size_t)result);
    }
    if (server->tls.out_len > 0)
        send_bytes(server, slot, server->tls.out, server->tls.out_len);
    server->tls.out_len = 0;
    if (result < 0) {
        server->stats.errors++;
        end_receive(server, slot);
    }
}

static void on_data(struct server *server, uint32_t slot, const uint8_t *data, size_t len)
{
    struct conn *conn = &server->conns[slot];

    server->stats.wire_in += len;
    if (conn->ending)
        return;
    if (conn->session != NULL)
        on_records(server, slot, data, len);
    else
        answer(server, slot, data, len);
}

static void on_receive(struct server *server, uint32_t slot, const struct io_uring_cqe *cqe,
                       const uint8_t *data)
{
    struct conn *conn = &server->conns[slot];

    if (cqe->res > 0)
        on_data(server, slot, data, (size_t)cqe->res);
    if ((cqe->flags & IORING_CQE_F_MORE) != 0)
        return;
    if ((cqe->res > 0 || cqe->res == -ENOBUFS) && !conn->ending) {
        bench_uring_receive(&server->uring, slot, conn->generation);
        return;
    }
    conn->receiving = false;
    conn->ending = true;
    if (cqe->res == 0)
        server->stats.closed++;
    else if (cqe->res == -ECONNRESET || cqe->res == -EPIPE || cqe->res == -ECANCELED)
        server->stats.resets++;
    else
        server->stats.errors++;
    end_if_idle(server, slot);
}

static void dispatch(struct server *server, const struct io_uring_cqe *cqe)
{
    struct bench_tag tag = bench_tag_unpack(cqe->user_data);
    struct conn *conn = &server->conns[tag.slot];
    const uint8_t *data = NULL;
    int result;

    if ((cqe->flags & IORING_CQE_F_BUFFER) != 0)
        data = bench_uring_view(&server->uring, cqe);
    if (tag.op == BENCH_OP_ACCEPT) {
        on_accept(server, cqe);
        return;
    }
    if (tag.op == BENCH_OP_IGNORE || !conn->open || tag.generation != (conn->generation & 0xffffff))
        return;
    if (tag.op == BENCH_OP_RECV) {
        on_receive(server, tag.slot, cqe, data);
        return;
    }
    result = bench_uring_sent(&server->uring, &conn->out, tag, cqe->res);
    if (result < 0)
        on_broken(server, tag.slot, -result);
    else
        end_if_idle(server, tag.slot);
}

static struct bench_out *find_out(void *owner, uint32_t slot, uint32_t *generation)
{
    struct server *server = owner;

    *generation = server->conns[slot].generation;
    return &server->conns[slot].out;
}

static int turn(struct server *server)
{
    struct io_uring *ring = &server->uring.ring;
    struct io_uring_cqe *cqe;
    unsigned head, count = 0;
    int error;

    if (!server->accepting && (server->retry_ns == 0 || bench_now_ns() >= server->retry_ns))
        arm_accept(server);
    error = bench_uring_wait(&server->uring, server->spin ? 0 : BENCH_TICK_NS);
    io_uring_for_each_cqe(ring, head, cqe)
    {
        dispatch(server, cqe);
        count++;
    }
    io_uring_cq_advance(ring, count);
    bench_uring_reaped(&server->uring, find_out, server);
    server->stats.turns++;
    *server->shared = server->stats;
    if (count < ENOUGH && server->nap.tv_nsec > 0)
        nanosleep(&server->nap, NULL);
    return error;
}

static int listen_on(const struct options *options)
{
    static const int one = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(options->port), .sin_addr = options->host};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 65535) != 0) {
        perror("echo server: listen");
        return -1;
    }
    return fd;
}

static int serve(const struct options *options, volatile struct stats *shared)
{
    static struct server server;
    uint64_t end_ns = bench_now_ns() + (uint64_t)options->seconds * 1000000000;
    int result = 0;

    server.shared = shared;
    server.spin = options->spin;
    server.nap.tv_nsec = (long)options->gather_us * 1000;
    server.reply = options->reply;
    server.intervals = options->intervals;
    if (options->cert != NULL &&
        bench_tls_open_server(&server.tls, options->cert, options->key) != 0)
        return 1;
    server.slots = bench_raise_files() - SPARE_FILES;
    server.conns = bench_alloc(server.slots, sizeof(struct conn));
    server.listener = listen_on(options);
    if (server.listener < 0 || bench_uring_open(&server.uring, server.slots, ARENA_LEN) != 0)
        return 1;
    while (!stopped && result == 0 && bench_now_ns() < end_ns)
        result = turn(&server);
    return result == 0 ? 0 : 1;
}

static void print(const struct stats *all, unsigned processes)
{
    struct stats sum = {0};

    for (unsigned i = 0; i < processes; i++) {
        sum.accepted += all[i].accepted;
        sum.closed += all[i].closed;
        sum.resets += all[i].resets;
        sum.messages += all[i].messages;
        sum.bytes_in += all[i].bytes_in;
        sum.bytes_out += all[i].bytes_out;
        sum.wire_in += all[i].wire_in;
        sum.wire_out += all[i].wire_out;
        sum.handshakes += all[i].handshakes;
        sum.errors += all[i].errors;
        sum.turns += all[i].turns;
    }
    printf("{\"accepted\": %llu, \"closed\": %llu, \"resets\": %llu, \"messages\": %llu, "
           "\"bytes_in\": %llu, \"bytes_out\": %llu, \"wire_in\": %llu, \"wire_out\": %llu, "
           "\"handshakes\": %llu, \"errors\": %llu, \"turns\": %llu, \"interval_p50_ns\": %llu}\n",
           (unsigned long long)sum.accepted, (unsigned long long)sum.closed,
           (unsigned long long)sum.resets, (unsigned long long)sum.messages,
           (unsigned long long)sum.bytes_in, (unsigned long long)sum.bytes_out,
           (unsigned long long)sum.wire_in, (unsigned long long)sum.wire_out,
           (unsigned long long)sum.handshakes, (unsigned long long)sum.errors,
           (unsigned long long)sum.turns, (unsigned long long)intervals_median_ns(&intervals));
}

static struct stats *map_stats(const struct options *options)
{
    size_t len = options->processes * sizeof(struct stats);
    int flags = MAP_SHARED | (options->stats == NULL ? MAP_ANONYMOUS : 0), fd = -1;
    void *memory;

    if (options->stats != NULL) {
        fd = open(options->stats, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0 || ftruncate(fd, (off_t)len) != 0) {
            perror(options->stats);
            return NULL;
        }
    }
    memory = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static _Noreturn void usage(void)
{
    fprintf(stderr, "usage: rl_echo_server --port P [--host 0.0.0.0] [--processes K] "
                    "[--seconds 600] [--stats FILE] [--spin] [--gather US]\n"
                    "       [--intervals] [--reply TEXT] [--cert CERT.pem --key KEY.pem]\n");
    exit(2);
}

static void parse(struct options *options, int argc, char **argv)
{
    static const struct option longs[] = {
        {"host", required_argument, NULL, 'h'},      {"port", required_argument, NULL, 'p'},
        {"processes", required_argument, NULL, 'k'}, {"seconds", required_argument, NULL, 's'},
        {"stats", required_argument, NULL, 'f'},     {"spin", no_argument, NULL, 'b'},
        {"cert", required_argument, NULL, 'c'},      {"key", required_argument, NULL, 'y'},
        {"reply", required_argument, NULL, 'r'},     {"intervals", no_argument, NULL, 'i'},
        {"gather", required_argument, NULL, 'g'},    {NULL, 0, NULL, 0},
    };
    int letter;

    while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (letter == 'h' && inet_pton(AF_INET, optarg, &options->host) == 1)
            continue;
        if (letter == 'p')
            options->port = (uint16_t)strtoul(optarg, NULL, 10);
        else if (letter == 'k')
            options->processes = (unsigned)strtoul(optarg, NULL, 10);
        else if (letter == 's')
            options->seconds = (unsigned)strtoul(optarg, NULL, 10);
        else if (letter == 'f')
            options->stats = optarg;
        else if (letter == 'g')
            options->gather_us = (unsigned)strtoul(optarg, NULL, 10);
        else if (letter == 'b')
            options->spin = true;
        else if (letter == 'i')
            options->intervals = true;
        else if (letter == 'c')
            options->cert = optarg;
        else if (letter == 'y')
            options->key = optarg;
        else if (letter == 'r')
            options->reply = optarg;
        else
            usage();
    }
    if (options->port == 0 || options->processes == 0 || options->processes > MAX_PROCESSES ||
        (options->intervals && options->processes != 1) || optind != argc ||
        (options->cert == NULL) != (options->key == NULL))
        usage();
}

/* The parent only waits; its children end with it. */
static int serve_all(const struct options *options, struct stats *stats)
{
    pid_t children[MAX_PROCESSES];
    int result = 0, status;

    for (unsigned i = 0; i < options->processes; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            _exit(serve(options, &stats[i]));
        }
        if (children[i] < 0)
            return 1;
    }
    while (!stopped && waitpid(-1, &status, 0) < 0 && errno == EINTR)
        continue;
    for (unsigned i = 0; i < options->processes; i++)
        kill(children[i], SIGTERM);
    while (waitpid(-1, &status, 0) > 0)
        result |= WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    return result;
}

int main(int argc, char **argv)
{
    struct options options = {.processes = 1, .seconds = 600};
    struct sigaction action = {.sa_handler = on_signal};
    struct stats *stats;
    int result;

    parse(&options, argc, argv);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    stats = map_stats(&options);
    if (stats == NULL)
        return 1;
    result = options.processes == 1 ? serve(&options, stats) : serve_all(&options, stats);
    print(stats, options.processes);
    return result;
}
