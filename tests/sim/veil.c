/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "veil.h"

#include <stdlib.h>

#include "net/filter.h"
#include "peer.h"
#include "sim.h"
#include "user.h"

enum { WORDS_MOST = 64 };

struct veil {
    struct rl_filter filter;
    struct user_socket *s;
};

static struct veil *of(struct rl_filter *filter)
{
    return rl_container_of(filter, struct veil, filter);
}

/* Each calls the owner last: it may close the connection, and the veil goes with it. */
static void on_connected(void *owner, int status)
{
    struct rl_filter *filter = owner, copy = *filter;

    if (status < 0) /* the connection has gone already */
        free(of(filter));
    copy.events->connected(copy.owner, status);
}

static void on_data(void *owner, struct rl_slice view)
{
    struct rl_filter *filter = owner;

    filter->events->data(filter->owner, view);
}

static void on_sent(void *owner, size_t size_bytes, int status)
{
    struct rl_filter *filter = owner;

    filter->events->sent(filter->owner, size_bytes, status);
}

static void on_ended(void *owner, int status)
{
    struct rl_filter *filter = owner;

    filter->events->ended(filter->owner, status);
}

static const struct rl_stream_events events = {
    .connected = on_connected, .data = on_data, .sent = on_sent, .ended = on_ended};

static int send_on(struct rl_filter *filter, struct rl_slice data)
{
    return rl_conn_send_raw(filter->conn, data);
}

static size_t pending(const struct rl_filter *filter)
{
    return rl_conn_pending_raw(filter->conn);
}

static void say_last_words(struct veil *veil)
{
    uint8_t words[WORDS_MOST];
    size_t size = sim_chance(500) ? 0 : (size_t)sim_between(1, WORDS_MOST);

    sim_fill(veil->s->peer->id, veil->s->written, words, size);
    if (size > 0)
        sim_require(rl_conn_send_raw(veil->filter.conn, rl_slice_of(words, size)) == 0, "no last words");
    rl_conn_send_last(veil->filter.conn);
}

static void leave(struct rl_filter *filter, bool abort)
{
    if (!abort && rl_conn_may_send_last(filter->conn))
        say_last_words(of(filter));
    free(of(filter));
}

static const struct rl_filter_ops ops = {.send = send_on, .pending = pending, .leave = leave};

void veil_attach(struct user_socket *s)
{
    struct veil *veil = calloc(1, sizeof(*veil));

    sim_require(veil != NULL, "no memory");
    veil->s = s;
    rl_filter_attach(&veil->filter, s->socket.conn, &ops, &events);
}
