/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The net of a worker: what its connections share, and their completions by kind. */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/status.h"
#include "net/net_impl.h"

enum {
    ARENA_BLOCK = 64 * 1024,
    PREFETCH_CONNS = 512, /* fewer stay in the second-level cache, with their users */
};

static void on_connect(void *ctx, uint64_t handle, const struct rl_completion *c,
                       struct rl_slice view)
{
    struct rl_net *net = ctx;
    struct rl_conn *conn = rl_pool_get(&net->conns, handle);

    (void)view;
    if (conn != NULL)
        rl_conn_on_connect(conn, c->res);
}

/* A step of opening failed; what connect says comes after it. */
static void on_open(void *ctx, uint64_t handle, const struct rl_completion *c,
                    struct rl_slice view)
{
    struct rl_net *net = ctx;
    struct rl_conn *conn = rl_pool_get(&net->conns, handle);

    (void)view;
    if (conn != NULL && conn->state == RL_CONN_OPENING && conn->open_status == 0)
        conn->open_status = (int16_t)c->res;
}

static void on_recv(void *ctx, uint64_t handle, const struct rl_completion *c, struct rl_slice view)
{
    struct rl_net *net = ctx;
    struct rl_conn *conn = rl_pool_get(&net->conns, handle);

    if (RL_LIKELY(conn != NULL))
        rl_conn_on_recv(conn, c, view);
}

static void on_send(void *ctx, uint64_t handle, const struct rl_completion *c, struct rl_slice view)
{
    struct rl_net *net = ctx;
    struct rl_conn *conn = rl_pool_get(&net->conns, handle);

    (void)view;
    if (conn != NULL)
        rl_conn_on_send(conn, c->res);
}

static void on_ask(void *ctx, uint64_t handle, const struct rl_completion *c, struct rl_slice view)
{
    struct rl_net *net = ctx;
    struct rl_conn *conn = rl_pool_get(&net->conns, handle);

    (void)view;
    if (conn != NULL && c->res < 0)
        rl_conn_on_missed_reset(conn);
}

/* Stage 0: the connection; then what its owner says. An owner is there while the connection is open. */
static void prefetch(void *ctx, uint64_t handle, unsigned stage)
{
    struct rl_net *net = ctx;
    const struct rl_conn *conn;

    if (stage == 0) {
        rl_pool_prefetch(&net->conns, handle);
        return;
    }
    conn = rl_pool_get(&net->conns, handle);
    if (conn != NULL && conn->state == RL_CONN_OPEN && conn->events->prefetch != NULL)
        conn->events->prefetch(conn->owner, stage - 1);
}

/* One send for each connection that was written to. Not before the last batch has settled: a second
 * send could overtake a first that stopped short, and the kernel may still read the other arena. */
static void flush(void *ctx)
{
    struct rl_net *net = ctx;
    struct rl_list *node;

    net->loop->prefetch = net->conns.used_count >= net->prefetch_conns ? prefetch : NULL;
    if (net->unsettled) {
        net->loop->urgent = true; /* the next turn must not wait for something else */
        return;
    }
    if (!net->arena_used)
        return;
    while ((node = rl_list_pop(&net->dirty)) != NULL) {
        struct rl_conn *conn = rl_container_of(node, struct rl_conn, batch);

        conn->answered = false;
        conn->submitted = true;
        rl_ring_send(net->ring, conn->file, rl_piece_bytes(conn->piece), RL_SEND_TRY,
                     rl_conn_op(conn, RL_OP_SEND));
        rl_list_push(&net->flushed, node);
        if (conn->events->sent != NULL)
            net->loop->urgent = true;
    }
    net->unsettled = true;
    net->arena_used = false;
    net->arena_index ^= 1;
    rl_arena_reset(rl_net_arena(net));
}

static void sent(void *ctx)
{
    struct rl_net *net = ctx;
    bool silent = (rl_ring_features(net->ring) & RL_F_SEND_SKIP) != 0;
    struct rl_list batch;
    struct rl_list *node;

    rl_list_init(&batch);
    rl_list_splice(&batch, &net->flushed);
    while ((node = rl_list_pop(&batch)) != NULL) {
        struct rl_conn *conn = rl_container_of(node, struct rl_conn, batch);

        if (silent || conn->answered)
            rl_conn_settle(conn);
        else
            rl_list_push(&net->flushed, node);
    }
    net->unsettled = !rl_list_empty(&net->flushed);
}

void rl_conn_end_soon(struct rl_conn *conn)
{
    struct rl_net *net = conn->net;

    conn->ending = true; /* nothing is armed meanwhile */
    rl_list_push(&net->ended, &conn->batch);
    rl_loop_ready(net->loop, &net->end_task);
}

static void tell_ended(struct rl_task *task)
{
    struct rl_net *net = rl_container_of(task, struct rl_net, end_task);
    struct rl_list *node;

    while ((node = rl_list_pop(&net->ended)) != NULL)
        rl_conn_end(rl_container_of(node, struct rl_conn, batch));
}

/* A table's slots, from file first on; the lower ones are used first. */
static int add_slots(struct rl_net *net, int first, uint32_t count)
{
    int *slots = realloc(net->free_slots, (net->slot_count + (size_t)count) * sizeof(*slots));

    if (slots == NULL)
        return -ENOMEM;
    net->free_slots = slots;
    for (uint32_t i = 0; i < count; i++)
        slots[net->free_slot_count + i] = first + (int)(count - 1 - i);
    net->free_slot_count += count;
    net->slot_count += count;
    return 0;
}

/* Once a thread; the first ring's is told by who made it. */
static void warn_of_small_ring(struct rl_net *net, const char *advice)
{
    if (advice[0] != '\0' && !net->told_small_ring)
        rl_log_warn("%s", advice);
    net->told_small_ring |= advice[0] != '\0';
}

bool rl_net_more_slots(struct rl_net *net)
{
    const char *advice;
    int first = 0, count;

    if (net->no_more_slots)
        return false;
    count = rl_ring_extend(net->ring, &first, &advice);
    if (count > 0) {
        int rc = add_slots(net, first, (uint32_t)count);

        warn_of_small_ring(net, advice);
        if (rc == 0)
            return true;
        count = rc;
    }
    net->no_more_slots = true;
    if (count < 0)
        rl_log_warn("no more than %u sockets on this thread: %s%s%s", net->slot_count, rl_status_text(count),
                    advice[0] != '\0' ? "; " : "", advice);
    return false;
}

int rl_net_init(struct rl_net *net, struct rl_loop *loop, const struct rl_net_config *config)
{
    const struct rl_loop_hooks hooks = {.flush = flush, .sent = sent, .ctx = net};
    int rc;

    *net = (struct rl_net){.loop = loop, .ring = loop->ring};
    rl_pool_init(&net->conns, sizeof(struct rl_conn), config->max_conns);
    net->prefetch_conns = config->prefetch_conns != 0 ? config->prefetch_conns : PREFETCH_CONNS;
    rl_list_init(&net->dirty);
    rl_list_init(&net->flushed);
    rl_list_init(&net->ended);
    rl_task_init(&net->end_task, tell_ended);
    for (int i = 0; i < 2; i++)
        rl_arena_init(&net->arenas[i], ARENA_BLOCK);
    if (!config->accepts) {
        net->source = rl_source_new(config->share_index, config->share_count, config->seed);
        if (net->source == NULL)
            return -ENOMEM;
        if (config->roams && rl_source_roam(net->source) < 0) {
            rl_source_free(net->source);
            return -ENOMEM;
        }
        if ((rl_ring_features(net->ring) & RL_F_DIRECT) != 0) {
            rc = add_slots(net, 0, rl_ring_slots(net->ring));
            if (rc < 0) {
                rl_source_free(net->source);
                return rc;
            }
        }
    }
    loop->prefetch_ctx = net;
    rl_loop_on(loop, RL_OP_OPEN, on_open, net);
    rl_loop_on(loop, RL_OP_CONNECT, on_connect, net);
    rl_loop_on(loop, RL_OP_RECV, on_recv, net);
    rl_loop_on(loop, RL_OP_SEND, on_send, net);
    rl_loop_on(loop, RL_OP_ASK, on_ask, net);
    rl_loop_hook(loop, &hooks);
    return 0;
}

void rl_net_fini(struct rl_net *net)
{
    RL_ASSERT(rl_net_idle(net));
    rl_task_cancel(&net->end_task);
    rl_source_free(net->source);
    rl_pool_fini(&net->conns);
    for (int i = 0; i < 2; i++)
        rl_arena_fini(&net->arenas[i]);
    free(net->free_slots);
}
