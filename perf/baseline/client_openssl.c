/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What TLS costs a client of the usual make: OpenSSL on non-blocking sockets, epoll, level-triggered.
 * It reads ahead, so a record is one recv, and gives its buffers back when idle.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

enum { EVENTS = 256 };

struct conn {
    SSL *session; /* NULL: not open */
    int fd;
    uint32_t got; /* bytes of the reply under way */
    bool secure;  /* the handshake is through */
};

struct client {
    struct bench bench;
    SSL_CTX *context;
    int epoll;
    struct conn *conns;
    struct sockaddr_in to[BENCH_MAX_ADDRESSES];
    char names[BENCH_MAX_ADDRESSES][INET_ADDRSTRLEN]; /* for the certificate to be checked */
    unsigned started, opening;
    uint8_t buffer[BENCH_CHUNK];
};

static void watch(struct client *client, uint32_t index, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = index};

    if (epoll_ctl(client->epoll, operation, client->conns[index].fd, &event) != 0)
        bench_error(&client->bench, "epoll_ctl", errno);
}

/* close_notify and FIN, without waiting for the other's. */
static void end_socket(struct client *client, uint32_t index)
{
    struct conn *conn = &client->conns[index];

    if (conn->secure)
        SSL_shutdown(conn->session);
    SSL_free(conn->session);
    conn->session = NULL;
    close(conn->fd);
}

static void fail(struct client *client, uint32_t index, const char *what, int error)
{
    struct conn *conn = &client->conns[index];

    bench_error(&client->bench, what, error);
    ERR_print_errors_fp(stderr);
    if (!conn->secure)
        client->opening--;
    else
        client->bench.connected--;
    end_socket(client, index);
}

/* With a source port of our choice; a port that is taken costs another try. */
static int start_connect(struct client *client, uint32_t index)
{
    struct bench *bench = &client->bench;
    const struct sockaddr_in *to = &client->to[index % bench->options.addresses];
    int fd = client->conns[index].fd;

    for (unsigned tries = 0; tries < BENCH_PORT_TRIES; tries++) {
        uint32_t range = bench_next_port(bench, index);

        setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, sizeof(range));
        if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0 || errno == EINPROGRESS)
            return 0;
        if (errno != EADDRNOTAVAIL)
            return errno;
        bench_port_taken(bench, index);
    }
    return EADDRNOTAVAIL;
}

static SSL *begin_session(struct client *client, uint32_t index)
{
    const char *name = client->names[index % client->bench.options.addresses];
    SSL *session = SSL_new(client->context);

    if (session == NULL || SSL_set_fd(session, client->conns[index].fd) != 1 ||
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name) != 1) {
        ERR_print_errors_fp(stderr);
        exit(1);
    }
    SSL_set_connect_state(session);
    return session;
}

static void open_socket(struct client *client, uint32_t index)
{
    static const int one = 1;
    struct conn *conn = &client->conns[index];
    int error;

    *conn = (struct conn){.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    client->opening++;
    client->bench.in_flight++;
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    conn->session = begin_session(client, index);
    error = start_connect(client, index);
    if (error != 0)
        fail(client, index, "connect", error);
    else
        watch(client, index, EPOLL_CTL_ADD, EPOLLOUT);
}

/* One message is under way at a time, so the kernel has room for it. */
static void send_message(struct client *client, uint32_t index, const uint8_t *data)
{
    int size = (int)client->bench.options.size_bytes;

    client->bench.bytes_sent += client->bench.options.size_bytes;
    if (SSL_write(client->conns[index].session, data, size) != size)
        fail(client, index, "SSL_write", EPROTO);
}

static void end_cycle(struct client *client, uint32_t index)
{
    struct bench *bench = &client->bench;

    bench->completed++;
    bench->connected--;
    bench->in_flight--;
    end_socket(client, index);
    if (bench->phase < BENCH_DRAIN)
        open_socket(client, index);
}

static bool wants_more(struct client *client, uint32_t index, int result, const char *what)
{
    int error = SSL_get_error(client->conns[index].session, result);

    if (error == SSL_ERROR_WANT_READ)
        return true;
    fail(client, index, what, error == SSL_ERROR_SYSCALL && errno != 0 ? errno : EPROTO);
    return false;
}

static void on_handshake(struct client *client, uint32_t index)
{
    struct bench *bench = &client->bench;
    struct conn *conn = &client->conns[index];
    int result = SSL_do_handshake(conn->session);

    if (result != 1) {
        wants_more(client, index, result, "handshake");
        return;
    }
    conn->secure = true;
    client->opening--;
    bench->connected++;
    if (bench->options.mode == BENCH_HANDSHAKE)
        end_cycle(client, index);
    else if (bench->options.mode == BENCH_CONNECT)
        send_message(client, index, bench->message);
    else
        bench->in_flight--;
}

static void on_reply(struct client *client, uint32_t index, const uint8_t *message)
{
    struct bench *bench = &client->bench;

    if (bench->options.mode == BENCH_CONNECT) {
        end_cycle(client, index);
        return;
    }
    bench->completed++;
    if (bench->phase < BENCH_DRAIN)
        send_message(client, index, message);
    else
        bench->in_flight--;
}

static void on_readable(struct client *client, uint32_t index)
{
    struct bench *bench = &client->bench;
    struct conn *conn = &client->conns[index];
    uint32_t size = bench->options.size_bytes;

    do {
        int len = SSL_read(conn->session, client->buffer, sizeof(client->buffer));

        if (len <= 0) {
            wants_more(client, index, len, "SSL_read");
            return;
        }
        bench->bytes_received += (uint64_t)len;
        if (!bench_expected(bench, conn->got, client->buffer, (size_t)len)) {
            bench_error(bench, "not the reply that was due", EBADMSG);
            return;
        }
        conn->got += (uint32_t)len;
        if (conn->got == size) {
            conn->got = 0;
            on_reply(client, index, (uint32_t)len == size ? client->buffer : bench->message);
        }
    } while (conn->session != NULL && conn->secure && SSL_has_pending(conn->session));
}

static void on_open(struct client *client, uint32_t index)
{
    socklen_t len = sizeof(int);
    int error = 0;

    getsockopt(client->conns[index].fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error != 0) {
        fail(client, index, "connect", error);
        return;
    }
    watch(client, index, EPOLL_CTL_MOD, EPOLLIN);
    on_handshake(client, index);
}

static void turn(struct client *client)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(client->epoll, events, EVENTS, BENCH_TICK_NS / 1000000);

    for (int i = 0; i < count; i++) {
        uint32_t index = events[i].data.u32;
        struct conn *conn = &client->conns[index];

        if (conn->session == NULL)
            continue;
        if (conn->secure)
            on_readable(client, index);
        else if ((events[i].events & EPOLLOUT) != 0)
            on_open(client, index);
        else
            on_handshake(client, index);
    }
}

static void start_load(struct client *client)
{
    if (client->bench.options.mode != BENCH_ECHO)
        return;
    for (uint32_t index = 0; index < client->bench.options.connections; index++) {
        client->bench.in_flight++;
        send_message(client, index, client->bench.message);
    }
}

static void run(struct client *client)
{
    struct bench *bench = &client->bench;
    enum bench_phase before = bench->phase;

    while (bench->phase != BENCH_DONE) {
        while (client->started < bench->options.connections && client->opening < BENCH_OPENING &&
               bench->phase < BENCH_DRAIN)
            open_socket(client, client->started++);
        turn(client);
        bench_tick(bench, bench_now_ns());
        if (before == BENCH_PHASE_CONNECT && bench->phase == BENCH_WARM)
            start_load(client);
        before = bench->phase;
    }
}

static SSL_CTX *make_context(const char *ca)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1 ||
        SSL_CTX_set1_groups_list(context, "X25519:P-256") != 1 ||
        SSL_CTX_load_verify_locations(context, ca, NULL) != 1) {
        ERR_print_errors_fp(stderr);
        exit(1);
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return context;
}

int main(int argc, char **argv)
{
    static struct client client;
    struct bench *bench = &client.bench;

    bench_init(bench, "openssl", argc, argv);
    if (bench->options.tls_ca == NULL) {
        fprintf(stderr, "openssl: --tls is needed\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    bench_raise_files();
    for (unsigned i = 0; i < bench->options.addresses; i++) {
        client.to[i] = bench_destination(bench, i);
        inet_ntop(AF_INET, &client.to[i].sin_addr, client.names[i], sizeof(client.names[i]));
    }
    client.context = make_context(bench->options.tls_ca);
    client.conns = bench_alloc(bench->options.connections, sizeof(struct conn));
    client.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (client.epoll < 0) {
        bench_error(bench, "epoll_create1", errno);
        return 1;
    }
    run(&client);
    for (unsigned index = 0; index < client.started; index++) {
        if (client.conns[index].session != NULL)
            end_socket(&client, index);
    }
    return bench_report(bench);
}
