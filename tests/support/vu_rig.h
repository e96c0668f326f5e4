/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vu_rig - a worker below Lua: ring, loop, net, shard, a few VUs, and a program in C.
 *
 * The program keeps a diary of all that happens to it, in words:
 *
 *      "begin connect a:ok data(5) close end "
 *
 * An operation called "a" that ends leaves "a:ok" or "a:ECODE"; an event leaves its name; an iteration
 * "begin", then "end" or "interrupted". Handlers and what follows an operation are functions of the
 * test. Memory is as short-lived as a program may make it: an operation goes when it is woken or
 * cancelled, a socket that was dropped goes when the engine releases it.
 *
 * The peer is plain descriptors of the test, on 127.0.0.1.
 */
#ifndef RL_VU_RIG_H
#define RL_VU_RIG_H

#include "cases.h"
#include "loop/loop.h"
#include "net/conn.h"
#include "vu/socket.h"

enum { RIG_VUS = 8, RIG_VARIANTS = 13, RIG_DIARY = 8192, RIG_WAIT_MS = 4000 };

struct rig_socket {
    struct rl_socket socket;
    const char *name;  /* before its events in the diary; "" for none */
    unsigned handlers; /* 1 << event: who listens */
    bool retained, dropped;
    unsigned captured; /* tokens that are out */
    size_t received;   /* bytes that came as data */
    void (*on[RL_EVENT_COUNT])(struct rig_socket *s, const struct rl_event_arg *arg);
    struct rl_tcp_error error; /* the last one that an event brought */
    bool quiet;                /* its data events leave no word */
};

struct rig_op {
    struct rl_write write; /* or only its waiter */
    struct rl_list link;   /* in flight */
    struct rl_vu *vu;
    char name[8];
    void (*then)(struct rl_vu *vu, int status);
};

struct rig {
    struct rl_ring *ring;
    struct rl_loop loop;
    struct rl_net net;
    struct rl_shard shard;
    struct rl_registry *registry;
    struct rl_resolver *resolver;
    struct rl_local_ips *local_ips;
    struct rl_vu_env env;
    struct rl_vu vus[RIG_VUS + 1]; /* [0]: setup and teardown; [n]: id n */
    int listen_fd;
    uint16_t port;
    char diary[RIG_DIARY];
    size_t diary_bytes;
    struct rl_list ops;
    unsigned done, retained, ended_holds;
    struct rl_tcp_error error; /* the last one that an operation brought */
    void (*main)(struct rl_vu *vu);
    void (*over)(struct rl_vu *vu, enum rl_outcome outcome); /* may be NULL */
};

extern struct rig rig;

/* Variant 0: all features of the kernel; n: without feature number n - 1; the last one: with tables of
 * direct descriptors that have one slot each. */
int rig_features(int variant);

/* Everything, and a listener. rig_stop asserts that nothing was left. */
void rig_start(int variant);
void rig_start_with(const struct rl_ring_config *config, uint32_t max_conns);
void rig_stop(void);

/* All iterations are interrupted, and no connection is left; rig_stop does that, too. */
void rig_drain(void);

/* Fixtures. */
void rig_set_up(void);
void rig_tear_down(void);

/* --- The loop. --- */

void rig_turn(void); /* does not wait */
void rig_turns(int count);
void rig_wait_ms(double ms);
#define rig_until(condition)                                                                       \
    do {                                                                                           \
        uint64_t rig_end_ns = rl_clock_ns() + RIG_WAIT_MS * RL_NS_PER_MS;                          \
        while (!(condition)) {                                                                     \
            ck_assert_msg(rl_clock_ns() < rig_end_ns, "timed out; diary: %s", rig.diary);          \
            rig_turn();                                                                            \
        }                                                                                          \
    } while (0)

/* Begin an iteration of VU 1 with main. */
void rig_begin(void (*main)(struct rl_vu *vu));

/* Until count iterations were over since the start. */
void rig_until_done(unsigned count);

/* --- The diary. --- */

void rig_write_down(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* All of it since the last call. */
#define rig_expect(text)                                                                           \
    do {                                                                                           \
        ck_assert_str_eq(rig.diary, text);                                                         \
        rig_forget_diary();                                                                        \
    } while (0)
void rig_forget_diary(void);

/* --- The program. --- */

/* A socket that listens to all events, or to those in handlers. */
struct rig_socket *rig_socket(struct rl_vu *vu, const char *name);
struct rig_socket *rig_socket_of(struct rl_vu *vu, const char *name, const struct rl_tagset *tags,
                                 uint32_t read_size);

/* The program has no more use for it: its memory goes as soon as the engine lets it. */
void rig_drop(struct rig_socket *s);

/* Each gives what the engine gave. The name is for the diary; then may be NULL. */
int rig_connect(struct rig_socket *s, const char *name, void (*then)(struct rl_vu *vu, int status));
int rig_connect_to(struct rig_socket *s, const char *name, const char *host, int64_t port,
                   const struct rl_tagset *tags, uint64_t timeout_ns,
                   void (*then)(struct rl_vu *vu, int status));
int rig_connect_tls(struct rig_socket *s, const char *name, const struct rl_socket_tls *tls,
                    uint64_t timeout_ns, void (*then)(struct rl_vu *vu, int status));
int rig_start_tls(struct rig_socket *s, const char *name, const struct rl_socket_tls *tls,
                  uint64_t timeout_ns);
int rig_send(struct rig_socket *s, const char *name, struct rl_slice data,
             const struct rl_tagset *tags, void (*then)(struct rl_vu *vu, int status));
int rig_send_text(struct rig_socket *s, const char *name, const char *text);
int rig_refuse(struct rig_socket *s, const char *name, enum rl_method method, const char *message);

/* --- The peer. --- */

/* The next connection, accepted while the loop turns. */
int rig_accept(void);
void rig_reset(int fd); /* close with RST */
void rig_peer_send(int fd, const char *text);

/* What the peer gets until size bytes or the end came; how many. buffer may be NULL. */
size_t rig_peer_read(int fd, void *buffer, size_t size);

/* The peer sees FIN (true) or RST (false) next. */
bool rig_peer_sees_fin(int fd);

/* --- Samples. --- */

/* "host=127.0.0.1,ip=...": all tag sets with samples of the metric, in order of appearance, joined by ;.
 * The port of the listener shows as PORT. */
const char *rig_tags(uint32_t metric_id);
uint64_t rig_count(uint32_t metric_id); /* samples: of a counter, its additions */
double rig_sum(uint32_t metric_id);

const struct rl_tagset *rig_tag(const char *key, const char *value); /* a set of one */

#endif
