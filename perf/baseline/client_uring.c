/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The smallest honest io_uring client: what ringload would be without Lua, virtual users and
 * metrics. Direct descriptors in slots of its own choice; a socket's life:
 *
 *   SOCKET, options, IP_LOCAL_PORT_RANGE, CONNECT                 in order, one completion
 *   multishot RECV; a reply, once whole, is copied to the arena and sent again
 *   CANCEL of the receive + CLOSE of the slot (FIN)               ends with the receive
 *
 * With --tls a handshake follows the connect, and close_notify comes before the close. The same
 * in mode handshake, with nothing in between.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "tls.h"
#include "uring.h"

enum { ARENA_LEN = 4 << 20 };

struct conn {
    struct bench_out out;
    bench_tls_session *session; /* NULL without TLS */
    uint32_t generation;
    uint32_t got;        /* bytes of the reply under way */
    uint32_t port_range; /* the kernel reads it as it is submitted */
    uint16_t tries;
    bool open;
    bool closing;
    bool secure; /* the handshake is through */
};

struct client {
    struct bench bench;
    struct bench_tls tls;
    char names[BENCH_MAX_ADDRESSES][INET_ADDRSTRLEN]; /* for the certificate to be checked */
    struct bench_uring uring;
    struct conn *conns;
    struct sockaddr_in to[BENCH_MAX_ADDRESSES]; /* read by the kernel at submission */
    unsigned started;                           /* conns[0, started) have been opened once */
    unsigned opening;
};

/* None of the steps waits, so they run in order as they are submitted: no link, which would cost a round
 * of deferred work each. */
static void prepare_option(struct client *client, uint32_t slot, int level, int name, void *value)
{
    struct io_uring_sqe *sqe = bench_uring_sqe(&client->uring, 1);

    io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_SETSOCKOPT, (int)slot, level, name, value,
                           sizeof(int));
    sqe->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = bench_tag_pack(BENCH_OP_STEP, client->conns[slot].generation, slot);
}

/* The last step. Also the retry with another port: the socket is there already. */
static void connect_socket(struct client *client, uint32_t slot)
{
    struct conn *conn = &client->conns[slot];
    struct sockaddr_in *to = &client->to[slot % client->bench.options.addresses];
    struct io_uring_sqe *sqe;

    conn->port_range = bench_next_port(&client->bench, slot);
    prepare_option(client, slot, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &conn->port_range);
    sqe = bench_uring_sqe(&client->uring, 1);
    io_uring_prep_connect(sqe, (int)slot, (struct sockaddr *)to, sizeof(*to));
    sqe->flags |= IOSQE_FIXED_FILE;
    sqe->user_data = bench_tag_pack(BENCH_OP_OPEN, conn->generation, slot);
}

static void open_socket(struct client *client, uint32_t slot)
{
    struct conn *conn = &client->conns[slot];
    struct io_uring_sqe *sqe = bench_uring_sqe(&client->uring, 1);

    conn->generation++;
    conn->got = 0;
    conn->tries = 0;
    conn->closing = false;
    client->opening++;
    client->bench.in_flight++;
    io_uring_prep_socket_direct(sqe, AF_INET, SOCK_STREAM, 0, slot, 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = bench_tag_pack(BENCH_OP_STEP, conn->generation, slot);
    for (unsigned i = 0; i < BENCH_SOCKOPTS; i++)
        prepare_option(client, slot, bench_sockopts[i].level, bench_sockopts[i].name,
                       &bench_sockopts[i].value);
    connect_socket(client, slot);
}

static void send_bytes(struct client *client, uint32_t slot, const uint8_t *data, size_t len)
{
    struct conn *conn = &client->conns[slot];

    if (!bench_uring_send(&client->uring, &conn->out, slot, conn->generation, data, len))
        bench_error(&client->bench, "send queue", ENOBUFS);
}

/* What TLS has made of all that was written since the last time. */
static void flush(struct client *client, uint32_t slot)
{
    if (client->tls.out_len > 0)
        send_bytes(client, slot, client->tls.out, client->tls.out_len);
    client->tls.out_len = 0;
}

static void send_message(struct client *client, uint32_t slot, const uint8_t *data)
{
    struct conn *conn = &client->conns[slot];
    uint32_t size = client->bench.options.size_bytes;

    client->bench.bytes_sent += size;
    if (conn->session == NULL) {
        send_bytes(client, slot, data, size);
        return;
    }
    if (!bench_tls_write(conn->session, data, size))
        bench_error(&client->bench, "TLS write", EPROTO);
    flush(client, slot);
}

/* FIN, not RST: the cancelled receive lets go of the socket, then the slot does. */
static void close_socket(struct client *client, uint32_t slot)
{
    struct conn *conn = &client->conns[slot];
    struct io_uring_sqe *sqe;

    conn->closing = true;
    if (conn->session != NULL) {
        bench_tls_bye(conn->session);
        flush(client, slot);
    }
    sqe = bench_uring_sqe(&client->uring, 2);
    io_uring_prep_cancel64(sqe, bench_tag_pack(BENCH_OP_RECV, conn->generation, slot), 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = bench_tag_pack(BENCH_OP_IGNORE, 0, 0);
    sqe = bench_uring_sqe(&client->uring, 1);
    io_uring_prep_close_direct(sqe, slot);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = bench_tag_pack(BENCH_OP_IGNORE, 0, 0);
}

/* Connected, and with TLS through the handshake. */
static void on_ready(struct client *client, uint32_t slot)
{
    struct bench *bench = &client->bench;

    bench->connected++;
    if (bench->options.mode == BENCH_HANDSHAKE)
        close_socket(client, slot);
    else if (bench->options.mode == BENCH_CONNECT)
        send_message(client, slot, bench->message);
    else
        bench->in_flight--;
}

static void on_open(struct client *client, uint32_t slot, int res)
{
    struct bench *bench = &client->bench;
    struct conn *conn = &client->conns[slot];

    if (res == -EADDRNOTAVAIL && ++conn->tries < BENCH_PORT_TRIES) {
        bench_port_taken(bench, slot);
        connect_socket(client, slot);
        return;
    }
    client->opening--;
    if (res < 0) {
        bench->in_flight--;
        bench_error(bench, "connect", -res);
        return;
    }
    conn->open = true;
    bench_uring_receive(&client->uring, slot, conn->generation);
    if (bench->options.tls_ca == NULL) {
        on_ready(client, slot);
        return;
    }
    conn->secure = false;
    conn->session = bench_tls_begin(&client->tls, client->names[slot % bench->options.addresses]);
    if (bench_tls_connect(conn->session) < 0)
        bench_error(bench, "handshake", EPROTO);
    flush(client, slot);
}

static void on_reply(struct client *client, uint32_t slot, const uint8_t *message)
{
    struct bench *bench = &client->bench;

    if (bench->options.mode == BENCH_CONNECT) {
        close_socket(client, slot);
        return;
    }
    bench->completed++;
    if (bench->phase < BENCH_DRAIN)
        send_message(client, slot, message);
    else
        bench->in_flight--;
}

static void on_data(struct client *client, uint32_t slot, const uint8_t *data, size_t len)
{
    struct bench *bench = &client->bench;
    struct conn *conn = &client->conns[slot];
    uint32_t size = bench->options.size_bytes;

    bench->bytes_received += len;
    if (!bench_expected(bench, conn->got, data, len)) {
        bench_error(bench, "not the reply that was due", EBADMSG);
        return;
    }
    conn->got += (uint32_t)len;
    if (conn->got == size) {
        conn->got = 0;
        on_reply(client, slot, len == size ? data : bench->message);
    }
}

static void on_records(struct client *client, uint32_t slot, const uint8_t *data, size_t len)
{
    struct conn *conn = &client->conns[slot];
    int result = 1;

    if (conn->closing)
        return;
    bench_tls_give(&client->tls, data, len);
    if (!conn->secure) {
        result = bench_tls_connect(conn->session);
        conn->secure = result > 0;
        if (result > 0)
            on_ready(client, slot);
        flush(client, slot);
    }
    while (result > 0 && !conn->closing) {
        result = bench_tls_read(&client->tls, conn->session);
        if (result > 0)
            on_data(client, slot, client->tls.plain, (size_t)result);
    }
    if (result < 0) {
        bench_error(&client->bench, "TLS", EPROTO);
        close_socket(client, slot);
    }
}

static void on_closed(struct client *client, uint32_t slot)
{
    struct bench *bench = &client->bench;

    client->conns[slot].open = false;
    bench_tls_end(client->conns[slot].session);
    client->conns[slot].session = NULL;
    bench->connected--;
    if (!bench_cycles(bench))
        return;
    bench->in_flight--;
    bench->completed++;
    if (bench->phase < BENCH_DRAIN)
        open_socket(client, slot);
}

static void on_receive(struct client *client, uint32_t slot, const struct io_uring_cqe *cqe,
                       const uint8_t *data)
{
    struct conn *conn = &client->conns[slot];

    if (cqe->res > 0 && conn->session != NULL)
        on_records(client, slot, data, (size_t)cqe->res);
    else if (cqe->res > 0)
        on_data(client, slot, data, (size_t)cqe->res);
    if ((cqe->flags & IORING_CQE_F_MORE) != 0)
        return;
    if (conn->closing) {
        on_closed(client, slot);
    } else if (cqe->res > 0 || cqe->res == -ENOBUFS) {
        bench_uring_receive(&client->uring, slot, conn->generation);
    } else {
        bench_error(&client->bench, "receive", cqe->res < 0 ? -cqe->res : ECONNRESET);
        conn->closing = true;
        on_closed(client, slot);
    }
}

static void dispatch(struct client *client, const struct io_uring_cqe *cqe)
{
    struct bench_tag tag = bench_tag_unpack(cqe->user_data);
    const uint8_t *data = NULL;
    struct conn *conn = &client->conns[tag.slot];
    int result;

    if ((cqe->flags & IORING_CQE_F_BUFFER) != 0)
        data = bench_uring_view(&client->uring, cqe);
    if (tag.op == BENCH_OP_IGNORE || tag.generation != (conn->generation & 0xffffff))
        return;
    switch (tag.op) {
    case BENCH_OP_OPEN:
        on_open(client, tag.slot, cqe->res);
        break;
    case BENCH_OP_RECV:
        on_receive(client, tag.slot, cqe, data);
        break;
    case BENCH_OP_SEND:
    case BENCH_OP_SEND_ON:
        result = bench_uring_sent(&client->uring, &conn->out, tag, cqe->res);
        if (result < 0)
            bench_error(&client->bench, "send", -result);
        break;
    case BENCH_OP_STEP: /* heard of only if it failed */
        bench_error(&client->bench, "a step of opening", -cqe->res);
        break;
    case BENCH_OP_ACCEPT:
    case BENCH_OP_IGNORE:
        break;
    }
}

static struct bench_out *find_out(void *owner, uint32_t slot, uint32_t *generation)
{
    struct client *client = owner;

    *generation = client->conns[slot].generation;
    return &client->conns[slot].out;
}

static int turn(struct client *client, uint64_t timeout_ns)
{
    struct io_uring *ring = &client->uring.ring;
    struct io_uring_cqe *cqe;
    unsigned head, count = 0;
    int error = bench_uring_wait(&client->uring, timeout_ns);

    io_uring_for_each_cqe(ring, head, cqe)
    {
        dispatch(client, cqe);
        count++;
    }
    io_uring_cq_advance(ring, count);
    bench_uring_reaped(&client->uring, find_out, client);
    return error;
}

static void start_load(struct client *client)
{
    if (client->bench.options.mode != BENCH_ECHO)
        return;
    for (uint32_t slot = 0; slot < client->bench.options.connections; slot++) {
        client->bench.in_flight++;
        send_message(client, slot, client->bench.message);
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
        if (turn(client, BENCH_TICK_NS) < 0) {
            bench_error(bench, "the ring failed", EIO);
            return;
        }
        bench_tick(bench, bench_now_ns());
        if (before == BENCH_PHASE_CONNECT && bench->phase == BENCH_WARM)
            start_load(client);
        before = bench->phase;
    }
}

/* The server counts a connection that ends with FIN, so end all of them that way. */
static void close_all(struct client *client)
{
    struct bench *bench = &client->bench;
    uint64_t limit_ns = bench_now_ns() + 3000000000;

    if (bench_cycles(bench))
        return;
    for (uint32_t slot = 0; slot < client->started; slot++) {
        if (client->conns[slot].open && !client->conns[slot].closing)
            close_socket(client, slot);
    }
    while (bench->connected > 0 && bench_now_ns() < limit_ns) {
        if (turn(client, BENCH_TICK_NS) < 0)
            break;
    }
    if (bench->connected > 0)
        bench_error(bench, "not all sockets were closed", ETIMEDOUT);
}

int main(int argc, char **argv)
{
    static struct client client;
    struct bench *bench = &client.bench;

    bench_init(bench, "io_uring", argc, argv);
    bench_raise_files();
    for (unsigned i = 0; i < bench->options.addresses; i++) {
        client.to[i] = bench_destination(bench, i);
        inet_ntop(AF_INET, &client.to[i].sin_addr, client.names[i], sizeof(client.names[i]));
    }
    if (bench->options.tls_ca != NULL &&
        bench_tls_open_client(&client.tls, bench->options.tls_ca) != 0)
        return 1;
    client.conns = bench_alloc(bench->options.connections, sizeof(struct conn));
    if (bench_uring_open(&client.uring, bench->options.connections, ARENA_LEN) != 0)
        return 1;
    run(&client);
    close_all(&client);
    return bench_report(bench);
}
