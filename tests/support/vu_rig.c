/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vu_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/status.h"
#include "vu/socket_tls.h"

enum { MAX_CONNS = 64, DRAIN_MS = 4000, LOW_PORT = 10000, LOW_PORTS = 20000, PORT_TRIES = 100 };

struct rig rig;

static const char *const event_names[] = {
    [RL_EVENT_DATA] = "data", [RL_EVENT_CONNECT] = "connect", [RL_EVENT_TIMEOUT] = "timeout",
    [RL_EVENT_ERROR] = "error", [RL_EVENT_CLOSE] = "close",
};

/* --- Diary --- */

void rig_write_down(const char *format, ...)
{
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(rig.diary + rig.diary_bytes, RIG_DIARY - rig.diary_bytes, format, args);
    va_end(args);
    ck_assert_int_ge(size, 0);
    rig.diary_bytes += (size_t)size;
    ck_assert_uint_lt(rig.diary_bytes, RIG_DIARY);
}

void rig_forget_diary(void)
{
    rig.diary[0] = '\0';
    rig.diary_bytes = 0;
}

/* --- Program --- */

static struct rig_socket *of(struct rl_socket *socket)
{
    return rl_container_of(socket, struct rig_socket, socket);
}

static int create(struct rl_vu *vu)
{
    rig_write_down("create%u ", vu->id);
    return 0;
}

static void destroy(struct rl_vu *vu)
{
    (void)vu;
}

static void start(struct rl_vu *vu)
{
    rig_write_down("begin ");
    rig.main(vu);
    if (vu->state == RL_VU_RUNNING)
        rl_vu_release(vu);
}

static void event(struct rl_socket *socket, enum rl_event event, const struct rl_event_arg *arg)
{
    struct rig_socket *s = of(socket);

    ck_assert_msg(s->retained, "an event of a socket that is not retained");
    ck_assert_int_eq(socket->vu->state, RL_VU_RUNNING);
    if (arg->token != 0)
        s->captured--;
    else if ((s->handlers >> event & 1) == 0)
        return;
    if (event == RL_EVENT_ERROR)
        s->error = *arg->error;
    if (event == RL_EVENT_DATA) {
        ck_assert_uint_gt(arg->data.size, 0);
        ck_assert_uint_le(arg->data.size, socket->read_size);
        s->received += arg->data.size;
        if (!s->quiet)
            rig_write_down("%sdata(%zu) ", s->name, arg->data.size);
    } else if (event == RL_EVENT_ERROR) {
        rig_write_down("%serror(%s) ", s->name, rl_status_code(arg->error->status));
    } else {
        rig_write_down("%s%s ", s->name, event_names[event]);
    }
    if (s->on[event] != NULL)
        s->on[event](s, arg);
}

static int64_t capture(struct rl_socket *socket, enum rl_event event)
{
    struct rig_socket *s = of(socket);

    if ((s->handlers >> event & 1) == 0)
        return 0;
    s->captured++;
    return 1 + (int64_t)event;
}

static void forget(struct rl_socket *socket, int64_t token)
{
    ck_assert_int_gt(token, 0);
    ck_assert_uint_gt(of(socket)->captured, 0);
    of(socket)->captured--;
}

static void free_op(struct rig_op *op)
{
    rl_list_remove(&op->link);
    free(op);
}

static void cancel(struct rl_vu *vu)
{
    struct rl_list *node = rig.ops.next, *next;

    ck_assert(rl_list_empty(&vu->sockets));
    ck_assert(rl_list_empty(&vu->queue));
    for (; node != &rig.ops; node = next) {
        struct rig_op *op = rl_container_of(node, struct rig_op, link);

        next = node->next;
        if (op->vu == vu)
            free_op(op);
    }
}

static void retain(struct rl_socket *socket)
{
    ck_assert(!of(socket)->retained);
    of(socket)->retained = true;
    rig.retained++;
}

static void free_socket(struct rig_socket *s)
{
    ck_assert_uint_eq(s->captured, 0);
    rl_socket_fini(&s->socket);
    free(s);
}

static void release(struct rl_socket *socket)
{
    struct rig_socket *s = of(socket);

    ck_assert(s->retained);
    s->retained = false;
    rig.retained--;
    if (s->dropped)
        free_socket(s);
}

static const struct rl_program program = {
    .create = create,
    .destroy = destroy,
    .start = start,
    .event = event,
    .capture = capture,
    .forget = forget,
    .cancel = cancel,
    .retain = retain,
    .release = release,
};

static void iteration_done(struct rl_vu *vu, enum rl_outcome outcome)
{
    ck_assert_int_eq(vu->state, RL_VU_IDLE);
    ck_assert(rl_list_empty(&vu->sockets));
    ck_assert(rl_list_empty(&vu->queue));
    ck_assert(!vu->dirty);
    rig_write_down(outcome == RL_ITERATION_COMPLETE ? "end " : "interrupted ");
    rig.done++;
    if (rig.over != NULL)
        rig.over(vu, outcome);
}

struct rig_socket *rig_socket_of(struct rl_vu *vu, const char *name, const struct rl_tagset *tags,
                                 uint32_t read_size)
{
    struct rig_socket *s = calloc(1, sizeof(*s));

    ck_assert_ptr_nonnull(s);
    s->name = name;
    s->handlers = (1U << RL_EVENT_COUNT) - 1;
    rl_socket_init(&s->socket, vu, tags, read_size);
    return s;
}

struct rig_socket *rig_socket(struct rl_vu *vu, const char *name)
{
    return rig_socket_of(vu, name, NULL, 0);
}

void rig_drop(struct rig_socket *s)
{
    s->dropped = true;
    if (!s->retained)
        free_socket(s);
}

static struct rig_op *new_op(struct rl_vu *vu, const char *name,
                             void (*then)(struct rl_vu *vu, int status))
{
    struct rig_op *op = calloc(1, sizeof(*op));

    ck_assert_ptr_nonnull(op);
    ck_assert_uint_lt(strlen(name), sizeof(op->name));
    strcpy(op->name, name);
    op->vu = vu;
    op->then = then;
    rl_list_init(&op->write.link);
    rl_list_push(&rig.ops, &op->link);
    return op;
}

static void woken(struct rl_waiter *waiter, int status, const struct rl_tcp_error *error)
{
    struct rig_op *op = rl_container_of(waiter, struct rig_op, write.waiter);
    struct rl_vu *vu = op->vu;
    void (*then)(struct rl_vu *, int) = op->then;

    ck_assert_int_eq(vu->state, RL_VU_RUNNING);
    ck_assert(status == 0 || error != NULL);
    if (error != NULL) {
        ck_assert_int_eq(error->status, status);
        rig.error = *error;
    }
    if (op->name[0] != '\0')
        rig_write_down("%s:%s ", op->name, status == 0 ? "ok" : rl_status_code(status));
    free_op(op);
    if (then != NULL)
        then(vu, status);
    if (vu->state == RL_VU_RUNNING)
        rl_vu_release(vu);
}

/* What a call gave: parked ones hold the VU, others are over. */
static int settle(struct rig_op *op, int result)
{
    if (result == RL_PENDING) {
        rl_vu_hold(op->vu);
        return result;
    }
    if (op->name[0] != '\0')
        rig_write_down("%s!%s ", op->name, result == 0 ? "ok" : rl_status_code(result));
    free_op(op);
    return result;
}

int rig_connect_to(struct rig_socket *s, const char *name, const char *host, int64_t port,
                   const struct rl_tagset *tags, uint64_t timeout_ns,
                   void (*then)(struct rl_vu *vu, int status))
{
    struct rig_op *op = new_op(s->socket.vu, name, then);

    op->write.waiter.wake = woken;
    return settle(op, rl_socket_connect(&s->socket, host, port, tags, timeout_ns, NULL, &op->write.waiter,
                                        &rig.error));
}

int rig_connect_tls(struct rig_socket *s, const char *name, const struct rl_socket_tls *tls,
                    uint64_t timeout_ns, void (*then)(struct rl_vu *vu, int status))
{
    struct rig_op *op = new_op(s->socket.vu, name, then);

    op->write.waiter.wake = woken;
    return settle(op, rl_socket_connect(&s->socket, "127.0.0.1", rig.port, NULL, timeout_ns, tls,
                                        &op->write.waiter, &rig.error));
}

int rig_start_tls(struct rig_socket *s, const char *name, const struct rl_socket_tls *tls,
                  uint64_t timeout_ns)
{
    struct rig_op *op = new_op(s->socket.vu, name, NULL);

    op->write.waiter.wake = woken;
    return settle(op, rl_socket_start_tls(&s->socket, tls, timeout_ns, &op->write.waiter, &rig.error));
}

int rig_connect(struct rig_socket *s, const char *name, void (*then)(struct rl_vu *vu, int status))
{
    return rig_connect_to(s, name, "127.0.0.1", rig.port, NULL, 0, then);
}

int rig_send(struct rig_socket *s, const char *name, struct rl_slice data,
             const struct rl_tagset *tags, void (*then)(struct rl_vu *vu, int status))
{
    struct rig_op *op = new_op(s->socket.vu, name, then);

    op->write.waiter.wake = woken;
    op->write.tags = tags;
    return settle(op, rl_socket_write(&s->socket, data, &op->write, &rig.error));
}

int rig_send_text(struct rig_socket *s, const char *name, const char *text)
{
    return rig_send(s, name, rl_slice_str(text), NULL, NULL);
}

int rig_refuse(struct rig_socket *s, const char *name, enum rl_method method, const char *message)
{
    struct rig_op *op = new_op(s->socket.vu, name, NULL);

    op->write.waiter.wake = woken;
    return settle(op, rl_socket_refuse(&s->socket, method, -EINVAL, message, NULL, &op->write.waiter,
                                       &rig.error));
}

/* --- Worker --- */

int rig_features(int variant)
{
    int features = rl_probe();

    ck_assert_int_ge(features, 0);
    if (variant > 0)
        features &= ~(1 << (variant - 1));
    if ((features & RL_F_BUF_RING) == 0)
        features &= ~RL_F_BUF_INC;
    if ((features & RL_F_SETSOCKOPT) == 0 || (features & (RL_F_PORT_RANGE | RL_F_BIND)) == 0)
        features &= ~RL_F_DIRECT;
    return features;
}

/* Names for tests: up.test is 127.0.0.1, slow.test too, but late; all else does not exist. */
static size_t look_up(void *ctx, const char *host, int family, struct rl_addr *addrs, size_t max,
                      const char **why)
{
    (void)ctx;
    (void)why;
    if (strcmp(host, "slow.test") == 0)
        usleep(50000);
    else if (strcmp(host, "up.test") != 0)
        return 0;
    if (family == AF_INET6)
        return 0;
    ck_assert_uint_ge(max, 1);
    ck_assert_int_eq(rl_addr_parse_ip("127.0.0.1", &addrs[0]), 0);
    return 1;
}

static void open_listener(void)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint64_t seed = rl_clock_ns();
    int rc = -1;

    rig.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    for (int i = 0; i < PORT_TRIES && rc < 0; i++) {
        rig.port = (uint16_t)(LOW_PORT + rl_splitmix64(&seed) % LOW_PORTS);
        sin.sin_port = htons(rig.port);
        rc = bind(rig.listen_fd, (struct sockaddr *)&sin, sizeof(sin));
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(listen(rig.listen_fd, 256), 0);
}

/* Without IP_LOCAL_PORT_RANGE each port is bound, and a load test may have left all of 127.0.0.1's in
 * TIME_WAIT: leave from another address. */
static void choose_source(void)
{
    uint64_t seed = rl_clock_ns(), number = rl_splitmix64(&seed);
    char text[32], why[100];

    snprintf(text, sizeof(text), "127.77.%u.%u", (unsigned)number % 256, (unsigned)(number >> 8) % 254 + 1);
    rig.local_ips = rl_local_ips_new(text, why, sizeof(why));
    ck_assert_ptr_nonnull(rig.local_ips);
    rig.env.local_ips = rig.local_ips;
}

void rig_start_with(const struct rl_ring_config *config, uint32_t max_conns)
{
    static const char *const blocked[] = {"blocked.test"}, *const blacklist[] = {"127.9.0.0/16"};
    struct rl_net_config net = {.max_conns = max_conns, .share_count = 1, .seed = rl_clock_ns()};
    struct rl_resolve_config resolve = {.block_hostnames = blocked,
                                        .block_count = 1,
                                        .blacklist_ips = blacklist,
                                        .blacklist_count = 1,
                                        .dns = {.ttl_ns = INT64_MAX, .lookup = look_up}};
    const char *advice;
    char why[200];

    rl_log_open(&(struct rl_log_config){.stream = NULL});
    memset(&rig, 0, sizeof(rig));
    rl_list_init(&rig.ops);
    ck_assert_int_eq(rl_ring_new(&rig.ring, config, &advice), 0);
    ck_assert_int_eq(rl_loop_init(&rig.loop, rig.ring), 0);
    ck_assert_int_eq(rl_net_init(&rig.net, &rig.loop, &net), 0);
    rig.registry = rl_registry_new();
    rl_registry_close(rig.registry);
    ck_assert_int_eq(rl_shard_init(&rig.shard, rig.registry), 0);
    rig.resolver = rl_resolver_new(&resolve, why, sizeof(why));
    ck_assert_ptr_nonnull(rig.resolver);
    rig.env = (struct rl_vu_env){.loop = &rig.loop,
                                 .net = &rig.net,
                                 .shard = &rig.shard,
                                 .resolver = rig.resolver,
                                 .program = &program,
                                 .done = iteration_done};
    ck_assert_int_eq(rl_vu_env_init(&rig.env), 0);
    for (uint32_t id = 0; id <= RIG_VUS; id++) {
        rl_vu_init(&rig.vus[id], &rig.env, id, id);
        rig.vus[id].tags = rig_tag("scenario", "s");
    }
    open_listener();
    if ((config->features & RL_F_PORT_RANGE) == 0)
        choose_source();
}

void rig_start(int variant)
{
    struct rl_ring_config config = {.features = rig_features(variant), .slot_count = MAX_CONNS};

    if (variant == RIG_VARIANTS - 1)
        config.slot_count = config.more_slots = 1;
    rig_start_with(&config, MAX_CONNS);
}

void rig_drain(void)
{
    uint64_t end_ns = rl_clock_ns() + DRAIN_MS * RL_NS_PER_MS;

    for (uint32_t id = 0; id <= RIG_VUS; id++)
        rl_vu_interrupt(&rig.vus[id]);
    while (!rl_net_idle(&rig.net)) {
        ck_assert_msg(rl_clock_ns() < end_ns, "%u connections were left", rig.net.conns.used_count);
        rig_turn();
    }
}

void rig_stop(void)
{
    rig_drain();
    ck_assert_uint_eq(rig.net.counts.opened, rig.net.counts.closed);
    ck_assert_uint_eq(rig.retained, 0);
    ck_assert(rl_list_empty(&rig.ops));
    ck_assert(rl_list_empty(&rig.env.woken));
    if (rig.listen_fd >= 0)
        close(rig.listen_fd);
    for (uint32_t id = 0; id <= RIG_VUS; id++)
        rl_vu_fini(&rig.vus[id]);
    rl_vu_env_fini(&rig.env);
    rl_local_ips_free(rig.local_ips);
    rl_resolver_free(rig.resolver);
    rl_net_fini(&rig.net);
    rl_loop_fini(&rig.loop);
    rl_ring_free(rig.ring);
    rl_shard_fini(&rig.shard);
    rl_registry_free(rig.registry);
}

void rig_set_up(void)
{
    rig_start(0);
}

void rig_tear_down(void)
{
    rig_stop();
}

void rig_turn(void)
{
    rig.loop.urgent = true;
    ck_assert_int_eq(rl_loop_turn(&rig.loop), 0);
}

void rig_turns(int count)
{
    for (int i = 0; i < count; i++)
        rig_turn();
}

void rig_wait_ms(double ms)
{
    uint64_t end_ns = rl_clock_ns() + (uint64_t)(ms * 1e6);

    while (rl_clock_ns() < end_ns) {
        rig_turn();
        usleep(200);
    }
}

void rig_begin(void (*main)(struct rl_vu *vu))
{
    rig.main = main;
    rl_vu_begin(&rig.vus[1]);
}

void rig_until_done(unsigned count)
{
    rig_until(rig.done >= count);
    ck_assert_uint_eq(rig.done, count);
}

/* --- Peer --- */

int rig_accept(void)
{
    int fd = -1;

    rig_until((fd = accept(rig.listen_fd, NULL, NULL)) >= 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

void rig_reset(int fd)
{
    struct linger linger = {1, 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}

void rig_peer_send(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

size_t rig_peer_read(int fd, void *buffer, size_t size)
{
    char scratch[65536];
    size_t got = 0;
    ssize_t n = 1;

    while (got < size && n != 0) {
        size_t room = buffer != NULL || size - got < sizeof(scratch) ? size - got : sizeof(scratch);

        rig_until((n = recv(fd, buffer != NULL ? (char *)buffer + got : scratch, room, 0)) >= 0 ||
                  errno != EAGAIN);
        if (n < 0)
            break;
        got += (size_t)n;
    }
    return got;
}

bool rig_peer_sees_fin(int fd)
{
    char byte;
    ssize_t n;

    rig_until((n = recv(fd, &byte, 1, 0)) >= 0 || errno != EAGAIN);
    ck_assert_int_le(n, 0);
    return n == 0;
}

/* --- Samples --- */

const struct rl_tagset *rig_tag(const char *key, const char *value)
{
    return rl_tags_with(rig.shard.tags, rl_tags_empty(rig.shard.tags), key, value);
}

const char *rig_tags(uint32_t metric_id)
{
    static char text[2048];
    char port[8];
    size_t used = 0;

    text[0] = '\0';
    snprintf(port, sizeof(port), "%u", rig.port);
    for (uint32_t i = RL_SERIES_LOST + 1; i < rl_shard_series_count(&rig.shard); i++) {
        struct rl_series series = rl_shard_series_at(&rig.shard, i);

        if (series.metric->id != metric_id || rig.shard.active->sinks[i].count == 0)
            continue;
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", used == 0 ? "" : ";");
        for (uint32_t k = 0; k < series.tags->count; k++) {
            const struct rl_tag *tag = &series.tags->tags[k];
            bool own = strcmp(tag->key, "port") == 0 && strcmp(tag->value, port) == 0;

            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s=%s", k == 0 ? "" : ",",
                                     tag->key, own ? "PORT" : tag->value);
        }
    }
    return text;
}

/* Over all tag sets. */
static struct rl_sink all_of(uint32_t metric_id)
{
    struct rl_sink all = {0};

    for (uint32_t i = RL_SERIES_LOST + 1; i < rl_shard_series_count(&rig.shard); i++) {
        const struct rl_sink *sink = &rig.shard.active->sinks[i];

        if (rl_shard_series_at(&rig.shard, i).metric->id != metric_id)
            continue;
        all.count += sink->count;
        all.sum += sink->sum;
    }
    return all;
}

uint64_t rig_count(uint32_t metric_id)
{
    return all_of(metric_id).count;
}

double rig_sum(uint32_t metric_id)
{
    return all_of(metric_id).sum;
}
