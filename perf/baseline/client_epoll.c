/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The same client with epoll, level-triggered: one recv and one send a reply, both straight
 * from one buffer. It says how much of a ratio is io_uring and how much is TCP itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

enum { EVENTS = 256 };

struct conn {
    int fd;
    uint32_t got;  /* bytes of the reply under way */
    uint32_t left; /* bytes of the message that the kernel has not taken */
    bool connecting;
};

struct client {
    struct bench bench;
    int epoll;
    struct conn *conns;
    struct sockaddr_in to[BENCH_MAX_ADDRESSES];
    unsigned started, opening;
    uint8_t buffer[BENCH_CHUNK];
};

static void watch(struct client *client, uint32_t index, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = index};

    if (epoll_ctl(client->epoll, operation, client->conns[index].fd, &event) != 0)
        bench_error(&client->bench, "epoll_ctl", errno);
}

static void end_socket(struct client *client, uint32_t index)
{
    struct conn *conn = &client->conns[index];

    close(conn->fd);
    conn->fd = -1;
}

static void fail(struct client *client, uint32_t index, const char *what, int error)
{
    struct conn *conn = &client->conns[index];

    bench_error(&client->bench, what, error);
    if (conn->connecting)
        client->opening--;
    else
        client->bench.connected--;
    if (conn->fd >= 0)
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

static void open_socket(struct client *client, uint32_t index)
{
    struct conn *conn = &client->conns[index];
    int error;

    *conn = (struct conn){.connecting = true};
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    client->opening++;
    client->bench.in_flight++;
    if (conn->fd < 0) {
        fail(client, index, "socket", errno);
        return;
    }
    for (unsigned i = 0; i < BENCH_SOCKOPTS; i++)
        setsockopt(conn->fd, bench_sockopts[i].level, bench_sockopts[i].name, &bench_sockopts[i].value,
                   sizeof(int));
    error = start_connect(client, index);
    if (error != 0) {
        fail(client, index, "connect", error);
        return;
    }
    watch(client, index, EPOLL_CTL_ADD, EPOLLOUT);
}

static void send_left(struct client *client, uint32_t index, const uint8_t *data)
{
    struct conn *conn = &client->conns[index];
    bool was_short = data == NULL;
    ssize_t sent;

    if (was_short)
        data = client->bench.message + client->bench.options.size_bytes - conn->left;
    sent = send(conn->fd, data, conn->left, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        fail(client, index, "send", errno);
        return;
    }
    conn->left -= sent > 0 ? (uint32_t)sent : 0;
    if (conn->left > 0 && !was_short)
        watch(client, index, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    else if (conn->left == 0 && was_short)
        watch(client, index, EPOLL_CTL_MOD, EPOLLIN);
}

static void send_message(struct client *client, uint32_t index, const uint8_t *data)
{
    client->conns[index].left = client->bench.options.size_bytes;
    client->bench.bytes_sent += client->bench.options.size_bytes;
    send_left(client, index, data);
}

static void on_open(struct client *client, uint32_t index)
{
    struct bench *bench = &client->bench;
    struct conn *conn = &client->conns[index];
    socklen_t len = sizeof(int);
    int error = 0;

    getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error != 0) {
        fail(client, index, "connect", error);
        return;
    }
    conn->connecting = false;
    client->opening--;
    bench->connected++;
    watch(client, index, EPOLL_CTL_MOD, EPOLLIN);
    if (bench->options.mode == BENCH_CONNECT)
        send_message(client, index, bench->message);
    else
        bench->in_flight--;
}

static void on_reply(struct client *client, uint32_t index, const uint8_t *message)
{
    struct bench *bench = &client->bench;

    bench->completed++;
    if (bench->options.mode == BENCH_CONNECT) {
        end_socket(client, index);
        bench->connected--;
        bench->in_flight--;
        if (bench->phase < BENCH_DRAIN)
            open_socket(client, index);
    } else if (bench->phase < BENCH_DRAIN) {
        send_message(client, index, message);
    } else {
        bench->in_flight--;
    }
}

static void on_readable(struct client *client, uint32_t index)
{
    struct bench *bench = &client->bench;
    struct conn *conn = &client->conns[index];
    uint32_t size = bench->options.size_bytes;
    ssize_t len = recv(conn->fd, client->buffer, sizeof(client->buffer), 0);

    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0) {
        fail(client, index, "receive", len < 0 ? errno : ECONNRESET);
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
}

static void turn(struct client *client)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(client->epoll, events, EVENTS, BENCH_TICK_NS / 1000000);

    for (int i = 0; i < count; i++) {
        uint32_t index = events[i].data.u32;
        struct conn *conn = &client->conns[index];

        if (conn->connecting) {
            on_open(client, index);
            continue;
        }
        if ((events[i].events & EPOLLOUT) != 0 && conn->left > 0)
            send_left(client, index, NULL);
        if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0 && conn->fd >= 0)
            on_readable(client, index);
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

int main(int argc, char **argv)
{
    static struct client client;
    struct bench *bench = &client.bench;

    bench_init(bench, "epoll", argc, argv);
    bench_raise_files();
    for (unsigned i = 0; i < bench->options.addresses; i++)
        client.to[i] = bench_destination(bench, i);
    client.conns = bench_alloc(bench->options.connections, sizeof(struct conn));
    client.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (client.epoll < 0) {
        bench_error(bench, "epoll_create1", errno);
        return 1;
    }
    run(&client);
    for (unsigned index = 0; index < client.started; index++) {
        if (client.conns[index].fd >= 0)
            end_socket(&client, index);
    }
    return bench_report(bench);
}
