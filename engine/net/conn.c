/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/conn.h"

#include <errno.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/filter.h"
#include "net/net_impl.h"
#include "net/sendq.h"

enum { TRIES_A_PLACE = 8 }; /* taken ports in a row before looking elsewhere */

/* --- Memory. --- */

/* The ip that its owner told it to leave from. */
static const struct rl_addr *fixed_ip(const struct rl_conn *conn)
{
    return conn->bound ? &conn->local : NULL;
}

static void free_conn(struct rl_conn *conn)
{
    struct rl_net *net = conn->net;

    if (conn->own_slot)
        net->free_slots[net->free_slot_count++] = conn->file;
    if (conn->counted)
        rl_source_closed(net->source, fixed_ip(conn), &conn->peer);
    rl_sendq_free(conn->queue);
    rl_list_remove(&conn->batch);
    net->counts.closed++;
    rl_pool_release(&net->conns, conn);
}

/* What was submitted and not answered counts as an operation, though a silent one. */
void rl_conn_free_if_over(struct rl_conn *conn)
{
    if (conn->in_flight == 0 && !conn->submitted && conn->state == RL_CONN_CLOSING)
        free_conn(conn);
}

/* A closing connection goes with its last completion. */
void rl_conn_operation_ended(struct rl_conn *conn)
{
    RL_CHECK(conn->in_flight > 0);
    conn->in_flight--;
    rl_conn_free_if_over(conn);
}

static struct rl_conn *acquire(struct rl_net *net, const struct rl_stream_events *events,
                               void *owner)
{
    struct rl_conn *conn = rl_pool_acquire(&net->conns);

    if (conn == NULL)
        return NULL;
    conn->net = net;
    conn->events = events;
    conn->owner = owner;
    rl_list_init(&conn->batch);
    return conn;
}

/* --- Opening. --- */

static socklen_t sockaddr_in_arena(struct rl_net *net, const struct rl_addr *addr,
                                   const struct sockaddr **out)
{
    struct sockaddr_storage storage;
    socklen_t size = rl_addr_to_sockaddr(addr, &storage);
    void *copy = rl_net_alloc(net, size);

    if (copy == NULL)
        return 0;
    memcpy(copy, &storage, size);
    *out = copy;
    return size;
}

static enum rl_source_try which_try(const struct rl_conn *conn)
{
    if (conn->tries_left == RL_SOURCE_TRIES)
        return RL_SOURCE_FIRST;
    return conn->tries_left % TRIES_A_PLACE == 0 ? RL_SOURCE_ELSEWHERE : RL_SOURCE_AGAIN;
}

/* The next ip and port to leave from. */
static int next_source(struct rl_conn *conn)
{
    enum rl_source_try try = which_try(conn);
    struct rl_addr local;
    int rc = rl_source_next(conn->net->source, fixed_ip(conn), &conn->peer, try, &local);

    if (rc == 0 && try == RL_SOURCE_FIRST)
        conn->counted = true;
    if (rc < 0 && conn->own_slot)
        return rc;
    if (conn->tries_left == 1 && !conn->own_slot)
        local.port = 0; /* the kernel may still find one, slowly; of a descriptor we can ask which */
    conn->local = local;
    return 0;
}

/* Which address and port to leave from, as the kernel can be told. */
static int choose_source(struct rl_conn *conn, struct rl_open *open)
{
    struct rl_net *net = conn->net;
    struct rl_addr local;
    int rc = next_source(conn);

    if (rc < 0)
        return rc;
    local = conn->local;
    local.port = 0;
    if (conn->local.port != 0 && (rl_ring_features(net->ring) & RL_F_PORT_RANGE) != 0) {
        conn->port_range = (uint32_t)conn->local.port << 16 | conn->local.port;
        open->port_range = &conn->port_range;
    } else if (conn->local.port != 0) {
        local.port = conn->local.port;
        local.family = conn->peer.family;
    }
    if (local.family == 0)
        return 0;
    open->local_is_ours = !conn->bound && local.port == 0;
    open->local_bytes = sockaddr_in_arena(net, &local, &open->local);
    return open->local_bytes == 0 ? -ENOBUFS : 0;
}

static int start_connect(struct rl_conn *conn)
{
    struct rl_net *net = conn->net;
    struct rl_open open = {0};
    int rc;

    open.peer_bytes = sockaddr_in_arena(net, &conn->peer, &open.peer);
    if (open.peer_bytes == 0)
        return -ENOBUFS;
    rc = choose_source(conn, &open);
    if (rc == 0)
        rc = rl_ring_open(net->ring, &conn->file, &open, rl_conn_op(conn, RL_OP_CONNECT));
    if (rc < 0)
        return rc;
    conn->connecting = true;
    net->connecting_count++;
    conn->open_status = 0;
    conn->in_flight++;
    return 0;
}

static bool port_was_taken(int status)
{
    return status == -EADDRNOTAVAIL || status == -EADDRINUSE;
}

/* Count why opening failed. */
static void count_failure(struct rl_conn *conn, int status)
{
    struct rl_net *net = conn->net;

    net->counts.failed++;
    net->counts.out_of_files += status == -EMFILE || status == -ENFILE;
    if (!port_was_taken(status))
        return;
    net->counts.out_of_ports++;
    rl_shortage_note(&net->shortages, &conn->peer,
                     rl_source_open_count(net->source, fixed_ip(conn), &conn->peer),
                     rl_source_whole_count(net->source));
}

/* Connect, with the next port where one is taken at once (ordinary descriptors bind right away). */
static int try_ports(struct rl_conn *conn)
{
    int rc;

    do {
        rc = start_connect(conn);
    } while (port_was_taken(rc) && conn->local.port != 0 && conn->tries_left-- > 1);
    return rc;
}

int rl_conn_open(struct rl_net *net, const struct rl_addr *peer, const struct rl_addr *local,
                 const struct rl_stream_events *events, void *owner, struct rl_conn **out)
{
    bool direct = (rl_ring_features(net->ring) & RL_F_DIRECT) != 0;
    struct rl_conn *conn = acquire(net, events, owner);
    int rc;

    if (conn == NULL || (direct && net->free_slot_count == 0 && !rl_net_more_slots(net))) {
        net->counts.out_of_files++;
        if (conn != NULL)
            rl_pool_release(&net->conns, conn);
        return -EMFILE;
    }
    if (direct)
        conn->file = net->free_slots[--net->free_slot_count];
    conn->own_slot = direct;
    conn->state = RL_CONN_OPENING;
    conn->tries_left = RL_SOURCE_TRIES;
    conn->peer = *peer;
    conn->bound = local != NULL;
    if (local != NULL)
        conn->local = *local;
    net->counts.opened++;
    rc = try_ports(conn);
    if (rc < 0) {
        count_failure(conn, rc);
        free_conn(conn);
        return port_was_taken(rc) ? -EADDRNOTAVAIL : rc;
    }
    *out = conn;
    return 0;
}

static void arm_recv(struct rl_conn *conn)
{
    rl_ring_recv(conn->net->ring, conn->file, rl_conn_op(conn, RL_OP_RECV));
    conn->receiving = conn->fresh = true;
    conn->in_flight++;
}

static void connect_failed(struct rl_conn *conn, int status)
{
    const struct rl_stream_events *events = conn->events;
    void *owner = conn->owner;

    count_failure(conn, status);
    conn->state = RL_CONN_CLOSING;
    rl_conn_operation_ended(conn);
    events->connected(owner, port_was_taken(status) ? -EADDRNOTAVAIL : status);
}

void rl_conn_on_connect(struct rl_conn *conn, int32_t res)
{
    struct rl_net *net = conn->net;

    conn->connecting = false;
    net->connecting_count--;
    if (conn->state == RL_CONN_CLOSING) { /* its owner gave up */
        rl_conn_operation_ended(conn);
        return;
    }
    if (conn->open_status < 0)
        res = conn->open_status; /* without its port or options it is not the connection to be */
    if (res < 0) {
        rl_ring_close(net->ring, conn->file);
        if (port_was_taken(res) && conn->local.port != 0 && conn->tries_left-- > 1) {
            res = try_ports(conn);
            if (res == 0) {
                conn->in_flight--; /* the failed attempt's */
                return;
            }
        }
        connect_failed(conn, res);
        return;
    }
    conn->state = RL_CONN_OPEN;
    conn->send_res = conn->end_res = 0;
    net->counts.connected++;
    arm_recv(conn);
    conn->in_flight--; /* not operation_ended: receiving holds it now */
    conn->events->connected(conn->owner, 0);
}

struct rl_conn *rl_conn_adopt(struct rl_net *net, int file, const struct rl_stream_events *events,
                              void *owner)
{
    struct rl_conn *conn = acquire(net, events, owner);

    if (conn == NULL) {
        net->counts.out_of_files++;
        rl_ring_close(net->ring, file);
        return NULL;
    }
    conn->file = file;
    conn->state = RL_CONN_OPEN;
    net->counts.opened++;
    net->counts.connected++;
    arm_recv(conn);
    return conn;
}

const struct rl_addr *rl_conn_local(struct rl_conn *conn)
{
    struct rl_net *net = conn->net;

    if (conn->local.port == 0 && !conn->own_slot) {
        struct sockaddr_storage storage;
        socklen_t size = sizeof(storage);

        if (getsockname(conn->file, (struct sockaddr *)&storage, &size) == 0)
            rl_addr_from_sockaddr((struct sockaddr *)&storage, &conn->local);
    } else if (conn->local.family == 0 && net->source != NULL) {
        uint16_t port = conn->local.port;

        conn->local = *rl_source_route(net->source, &conn->peer);
        conn->local.port = port;
    }
    return &conn->local;
}

/* --- Receiving. --- */

void rl_conn_end(struct rl_conn *conn)
{
    conn->state = RL_CONN_ENDED;
    conn->events->ended(conn->owner, conn->end_res);
}

/* The kernel tells of a reset once: if a send heard of it, the receive ends as if by a FIN. A send that
 * had got rid of a part keeps what it heard to itself, and the next one fails with EPIPE: only a
 * reset gives that, since nothing here closes one way. */
static bool was_reset(const struct rl_conn *conn)
{
    return conn->reset_missed ||
           (conn->send_failed && (conn->send_res == -ECONNRESET || conn->send_res == -EPIPE));
}

/* Where data and a reset come while a receive is being armed, the kernel (6.18) has one event for both: it gives the
 * data, and never the reset. So with the first data of each arming it is asked, by a send of nothing. */
static void ask_for_reset(struct rl_conn *conn)
{
    conn->fresh = false;
    if (conn->state == RL_CONN_OPEN)
        rl_ring_send(conn->net->ring, conn->file, rl_slice_of("", 0), RL_SEND_TRY, rl_conn_op(conn, RL_OP_ASK));
}

void rl_conn_on_missed_reset(struct rl_conn *conn)
{
    if (conn->state != RL_CONN_OPEN)
        return;
    conn->reset_missed = true;
    if (conn->receiving) /* the next one reads on to the end */
        rl_ring_cancel(conn->net->ring, conn->file, rl_conn_op(conn, RL_OP_RECV));
}

/* It may be a reset, too, that the send under way has not yet told of: sending nothing gives 0 after a
 * FIN, and fails after a reset. */
static void ask_which_end(struct rl_conn *conn)
{
    conn->asked = true;
    rl_ring_send(conn->net->ring, conn->file, rl_slice_of("", 0), RL_SEND_WHOLE,
                 rl_conn_op(conn, RL_OP_RECV));
    conn->receiving = true;
    conn->in_flight++;
}

/* How the connection ended, by the last answer to a receive or to ask_which_end. */
static int end_status(const struct rl_conn *conn, int32_t res)
{
    if (res == 0 && was_reset(conn))
        return -ECONNRESET;
    return conn->asked && res == -EPIPE ? -ECONNRESET : res;
}

/* A send under way has yet to say how much the kernel took before a reset: its owner is told that
 * first. It answers at once, since nothing can be sent any more. */
static bool must_wait(const struct rl_conn *conn, int status)
{
    return status < 0 && conn->queue != NULL && !conn->send_failed;
}

bool rl_conn_heard_end(struct rl_conn *conn, int32_t res)
{
    conn->ending = false;
    if (res == 0 && conn->queue != NULL && !conn->asked) {
        ask_which_end(conn);
        return false;
    }
    conn->end_res = end_status(conn, res);
    conn->ending = must_wait(conn, conn->end_res);
    return !conn->ending;
}

void rl_conn_on_recv(struct rl_conn *conn, const struct rl_completion *c, struct rl_slice view)
{
    if (RL_LIKELY(conn->state == RL_CONN_OPEN && c->res > 0)) {
        conn->net->counts.bytes_received += view.size;
        conn->events->data(conn->owner, view);
    }
    if (RL_LIKELY(rl_completion_more(c))) {
        if (RL_UNLIKELY(conn->fresh))
            ask_for_reset(conn);
        return;
    }
    conn->receiving = false;
    if (conn->state != RL_CONN_OPEN) {
        rl_conn_operation_ended(conn);
        return;
    }
    conn->in_flight--;
    if (c->res > 0 || c->res == -ENOBUFS || c->res == -ECANCELED) {
        conn->net->counts.out_of_buffers += c->res == -ENOBUFS;
        conn->asked = false;
        if (!conn->paused) /* the multishot stopped; the buffers are back by then */
            arm_recv(conn);
        return;
    }
    if (RL_UNLIKELY(conn->submitted)) { /* what the kernel took of the piece is not known: rl_conn_settle */
        conn->ending = true;
        conn->end_res = c->res;
    } else if (rl_conn_heard_end(conn, c->res)) {
        rl_conn_end(conn);
    }
}

void rl_conn_pause(struct rl_conn *conn)
{
    if (conn->state != RL_CONN_OPEN || conn->paused)
        return;
    conn->paused = true;
    if (conn->receiving)
        rl_ring_cancel(conn->net->ring, conn->file, rl_conn_op(conn, RL_OP_RECV));
}

void rl_conn_resume(struct rl_conn *conn)
{
    if (!conn->paused)
        return;
    conn->paused = false;
    if (conn->state == RL_CONN_OPEN && !conn->receiving && !conn->ending)
        arm_recv(conn); /* otherwise the cancelled receive is still to answer, and is armed then */
}

/* --- Closing. --- */

static void begin_closing(struct rl_conn *conn)
{
    conn->state = RL_CONN_CLOSING;
    if (!conn->submitted) /* otherwise its answer is still to be counted: rl_conn_settle */
        rl_list_remove(&conn->batch);
    rl_conn_free_if_over(conn);
}

static void tell_filter(struct rl_conn *conn, bool abort)
{
    struct rl_filter *filter = conn->filter;

    if (filter == NULL)
        return;
    filter->ops->leave(filter, abort);
    conn->filter = NULL;
    conn->filtered = false;
}

/* reset: the kernel has been told to, and ends an armed receive by itself. */
static void close_file(struct rl_conn *conn, bool reset)
{
    struct rl_ring *ring = conn->net->ring;

    RL_ASSERT(conn->state != RL_CONN_CLOSING);
    if (conn->connecting)
        rl_ring_cancel(ring, conn->file, rl_conn_op(conn, RL_OP_CONNECT));
    if (conn->receiving && !reset)
        rl_ring_cancel(ring, conn->file, rl_conn_op(conn, RL_OP_RECV));
    if (conn->queue != NULL)
        rl_ring_cancel(ring, conn->file, rl_conn_op(conn, RL_OP_SEND));
    rl_ring_close(ring, conn->file);
    begin_closing(conn);
}

void rl_conn_close(struct rl_conn *conn)
{
    tell_filter(conn, false);
    close_file(conn, false);
}

void rl_conn_abort(struct rl_conn *conn)
{
    /* Kernels without direct descriptors of use are older than those on which this was seen. */
    bool ends_receive = (rl_ring_features(conn->net->ring) & RL_F_DIRECT) != 0;

    tell_filter(conn, true);
    rl_ring_abort(conn->net->ring, conn->file);
    close_file(conn, ends_receive);
}
