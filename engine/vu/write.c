/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing: one FIFO a socket; a write ends when the kernel has taken all of it, or never will. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/status.h"
#include "vu/queue.h"
#include "vu/socket_impl.h"

/* A call's tags go between connect's and host, port, ip (T-202). */
void rl_socket_write_sample(struct rl_socket *socket, enum rl_tcp_metric metric,
                            const struct rl_tagset *tags)
{
    static const char *const fixed[] = {"host", "port", "ip"};
    struct rl_vu *vu = socket->vu;
    struct rl_vu_env *env = vu->env;
    struct rl_tags *interner = env->shard->tags;
    const struct rl_tagset *under, *full;

    if (tags == NULL || vu->state != RL_VU_RUNNING) {
        rl_socket_sample(socket, metric, 1);
        return;
    }
    under = socket->overlay != NULL ? socket->overlay : socket->tags;
    full = rl_tags_with(interner, vu->tags, "proto", "TCP");
    if (under != NULL)
        full = rl_tags_over(interner, full, under);
    full = rl_tags_over(interner, full, tags);
    for (int i = 0; i < 3 && socket->overlay != NULL; i++) {
        const char *value = rl_tagset_get(socket->overlay, fixed[i]);

        if (value != NULL)
            full = rl_tags_with(interner, full, fixed[i], value);
    }
    rl_shard_count(env->shard, rl_tcp_series_number(env, rl_tcp_series_of(env, full), metric), 1);
}

/* The write is over: count it and let it be woken when all connections have heard. */
static void end_write(struct rl_write *write, int status)
{
    struct rl_socket *socket = write->socket;
    struct rl_vu_env *env = socket->vu->env;

    rl_list_remove(&write->link);
    write->status = status;
    rl_socket_write_sample(socket, RL_TCP_WRITES, write->tags);
    if (status < 0 && write->accepted_bytes > 0)
        rl_socket_write_sample(socket, RL_TCP_PARTIAL_WRITES, write->tags); /* T-108 */
    if (status < 0 && status != -ECANCELED)
        rl_socket_write_sample(socket, RL_TCP_ERRORS, write->tags); /* O-3 */
    rl_socket_retain(socket); /* the waking needs it, after a destroy too */
    rl_list_push(&env->woken, &write->link);
    env->loop->urgent = true;
}

/* What is left of a write that ran out of time: its bytes are queued and go out in order, but nobody
 * waits for them. */
static bool is_rest(const struct rl_write *write)
{
    return write->waiter.wake == NULL;
}

static void end_first(struct rl_socket *socket, int status)
{
    struct rl_write *write = rl_container_of(socket->writes.next, struct rl_write, link);

    if (RL_LIKELY(!is_rest(write))) {
        end_write(write, status);
        return;
    }
    rl_list_remove(&write->link);
    free(write);
}

void rl_socket_fail_writes(struct rl_socket *socket, int status)
{
    while (!rl_list_empty(&socket->writes))
        end_first(socket, status);
}

void rl_socket_forget_writes(struct rl_socket *socket)
{
    struct rl_list *node;

    while ((node = rl_list_pop(&socket->writes)) != NULL) {
        struct rl_write *write = rl_container_of(node, struct rl_write, link);

        if (is_rest(write))
            free(write);
    }
}

void rl_socket_expire_write(struct rl_write *write)
{
    struct rl_write *rest;

    if (write->status != RL_PENDING) /* its end is known, and will be told */
        return;
    rest = calloc(1, sizeof(*rest));
    RL_CHECK(rest != NULL);
    rest->socket = write->socket;
    rest->size_bytes = write->size_bytes - write->accepted_bytes;
    rl_list_push(&write->link, &rest->link); /* before write: it takes the place */
    end_write(write, -ETIMEDOUT);
}

static inline __attribute__((always_inline)) void take_sent(struct rl_socket *socket,
                                                            size_t size_bytes, int status)
{
    socket->bytes_written += size_bytes;
    rl_socket_debug(socket, "%zu bytes written", size_bytes);
    while (size_bytes > 0) {
        struct rl_write *write = rl_container_of(socket->writes.next, struct rl_write, link);
        uint64_t left;

        RL_ASSERT(!rl_list_empty(&socket->writes));
        left = write->size_bytes - write->accepted_bytes;
        if (size_bytes < left) {
            write->accepted_bytes += size_bytes;
            break;
        }
        write->accepted_bytes = write->size_bytes;
        size_bytes -= left;
        end_first(socket, 0);
    }
    if (status < 0)
        rl_socket_fail_writes(socket, status);
}

void rl_socket_on_sent(void *owner, size_t size_bytes, int status)
{
    struct rl_socket *socket = owner;

    rl_vu_count_bytes(socket->vu, size_bytes, 0);
    take_sent(socket, size_bytes, status);
}

void rl_socket_on_plain_sent(void *owner, size_t size_bytes, int status)
{
    take_sent(owner, size_bytes, status);
}

void rl_write_error(const struct rl_write *write, struct rl_tcp_error *error)
{
    struct rl_socket *socket = write->socket;
    char pair[RL_PAIR_TEXT + 1] = "";

    if (socket->state == RL_SOCKET_OPEN) {
        rl_conn_pair(socket->conn, pair);
        strcat(pair, ":");
    }
    /* T-107: the true number. */
    rl_tcp_error_set(error, RL_METHOD_WRITE, write->status,
                     "write tcp %s%swrite: %s (%llu of %llu bytes accepted)", pair,
                     pair[0] == '\0' ? "" : " ", rl_status_text(write->status),
                     (unsigned long long)write->accepted_bytes,
                     (unsigned long long)write->size_bytes);
    if (write->status != -ECANCELED)
        rl_tcp_error_note(socket->vu, error);
}

void rl_writes_forget(struct rl_vu *vu)
{
    struct rl_list *node = vu->env->woken.next, *next;

    for (; node != &vu->env->woken; node = next) {
        struct rl_write *write = rl_container_of(node, struct rl_write, link);

        next = node->next;
        if (write->socket->vu == vu) {
            rl_list_remove(node);
            rl_socket_release(write->socket);
        }
    }
}

int rl_socket_write(struct rl_socket *socket, struct rl_slice data, struct rl_write *write,
                    struct rl_tcp_error *error)
{
    int rc;

    if (socket->state != RL_SOCKET_OPEN) { /* T-101, T-102 */
        rl_tcp_error_set(error, RL_METHOD_WRITE, RL_ENOTCONN, "no active connection");
        return RL_ENOTCONN;
    }
    if (data.size == 0) { /* T-103 */
        rl_socket_write_sample(socket, RL_TCP_WRITES, write->tags);
        return 0;
    }
    rc = rl_conn_send(socket->conn, data);
    write->socket = socket;
    write->size_bytes = data.size;
    write->accepted_bytes = 0;
    write->status = RL_PENDING;
    if (rc < 0) { /* the kernel has refused an earlier one (T-106) */
        write->status = rc;
        rl_socket_write_sample(socket, RL_TCP_WRITES, write->tags);
        rl_socket_write_sample(socket, RL_TCP_ERRORS, write->tags);
        rl_write_error(write, error);
        return rc;
    }
    rl_list_push(&socket->writes, &write->link);
    return RL_PENDING;
}
