/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "world.h"

#include <string.h>

#include "base/log.h"
#include "fake_ring.h"
#include "metrics/registry.h"
#include "net/local_ips.h"
#include "net/resolve.h"
#include "peer.h"
#include "sim.h"
#include "tls/tls_stream_impl.h"
#include "tls_peer.h"
#include "user.h"

enum {
    USERS_MOST = 4,
    CONNS_MOST = 32,
    TURNS_MOST = 400000,
    RUN_S = 60,  /* by then all has been interrupted */
    DRAIN_S = 10
};

struct world {
    struct rl_ring *ring;
    struct rl_loop loop;
    struct rl_net net;
    struct rl_shard shard;
    struct rl_registry *registry;
    struct rl_resolver *resolver;
    struct rl_local_ips *local_ips;
    struct rl_vu_env env;
    struct rl_tls_worker *tls_worker;
    struct user users[USERS_MOST];
    uint32_t user_count;
    uint64_t interrupt_ns; /* of somebody, now and then */
};

struct world_totals world_totals;

static struct world world;

static unsigned long long number(uint64_t value)
{
    return value;
}

/* --- Set up. --- */

static int draw_features(void)
{
    static const int optional[] = {RL_F_BUF_RING, RL_F_BUF_INC, RL_F_SEND_SKIP, RL_F_BIND,
                                   RL_F_DIRECT, RL_F_PORT_RANGE};
    int features = RL_F_ALL;

    for (unsigned i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
        if (sim_chance(150))
            features &= ~optional[i];
    }
    if ((features & RL_F_BUF_RING) == 0)
        features &= ~RL_F_BUF_INC;
    if ((features & (RL_F_PORT_RANGE | RL_F_BIND)) == 0)
        features &= ~RL_F_DIRECT;
    return features;
}

static void open_ring(uint32_t conns)
{
    const char *advice;
    struct rl_ring_config config = {.features = draw_features(),
                                    .sq_entries = 8u << sim_between(0, 7),
                                    .cq_entries = 2u << sim_between(0, 10),
                                    .slot_count = conns};

    if (sim_chance(500)) { /* in several tables */
        config.slot_count = (uint32_t)sim_between(1, conns);
        config.more_slots = (uint32_t)sim_between(1, conns);
    }
    rl_ring_new(&world.ring, &config, &advice);
    sim_trace("ring: features %#x, %u submissions, %u completions, %u sockets, and %u more each time", config.features,
              config.sq_entries, config.cq_entries, config.slot_count, config.more_slots);
    world.ring->on_enter = world_check_told;
    world.ring->on_sleep = world_check_asleep;
}

/* With so few connections the limits would never be met. */
static void open_tls(void)
{
    world.tls_worker = world.env.tls_worker = rl_tls_worker_new(&world.loop);
    sim_require(world.tls_worker != NULL, "no memory");
    if (sim_chance(500))
        world.tls_worker->steps_a_turn = (uint32_t)sim_between(1, 2);
    if (sim_chance(300))
        world.tls_worker->handshakes_max = (uint32_t)sim_between(1, 2);
}

static void open_env(void)
{
    struct rl_resolve_config resolve = {.dns = {.ttl_ns = INT64_MAX}};
    char why[200];

    world.registry = rl_registry_new();
    rl_registry_close(world.registry);
    sim_require(rl_shard_init(&world.shard, world.registry) == 0, "no memory");
    world.resolver = rl_resolver_new(&resolve, why, sizeof(why));
    sim_require(world.resolver != NULL, "no memory");
    if (sim_chance(300) || (world.ring->features & RL_F_PORT_RANGE) == 0)
        world.local_ips = rl_local_ips_new("127.0.0.1-127.0.0.3", why, sizeof(why));
    world.env = (struct rl_vu_env){.loop = &world.loop,
                                   .net = &world.net,
                                   .shard = &world.shard,
                                   .resolver = world.resolver,
                                   .local_ips = world.local_ips,
                                   .program = &user_program,
                                   .done = user_done};
    if (tls_seed_begin())
        open_tls();
    sim_require(rl_vu_env_init(&world.env) == 0, "no memory");
}

static void set_up(void)
{
    uint32_t conns = sim_chance(100) ? (uint32_t)sim_between(1, 3) : CONNS_MOST;
    struct rl_net_config net = {.max_conns = conns,
                                .share_count = 1,
                                .seed = sim.seed,
                                .prefetch_conns = sim_chance(500) ? 1 : 0};

    memset(&world, 0, sizeof(world));
    rl_log_open(&(struct rl_log_config){.stream = NULL});
    open_ring(conns);
    sim_require(rl_loop_init(&world.loop, world.ring) == 0, "no loop");
    if (sim_chance(500))
        world.loop.part_bytes = (uint32_t)sim_between(1, 20000);
    sim_require(rl_net_init(&world.net, &world.loop, &net) == 0, "no net");
    open_env();
    world.user_count = (uint32_t)sim_between(1, USERS_MOST);
    for (uint32_t i = 0; i < world.user_count; i++) {
        user_init(&world.users[i], &world.env, i + 1);
        world.users[i].iterations_left = (unsigned)sim_between(1, 3);
    }
    world.interrupt_ns = sim.now_ns + sim_scale(RUN_S * RL_NS_PER_S / 2);
}

/* --- Turns. --- */

static void turn(void)
{
    sim.turn++;
    sim_require(sim.turn < TURNS_MOST, "%d turns, and no end", TURNS_MOST);
    sim_require(rl_loop_turn(&world.loop) == 0, "the loop failed");
    rl_timer_wheel_check(&world.loop.wheel);
}

static bool begin_iterations(void)
{
    bool busy = false;

    for (uint32_t i = 0; i < world.user_count; i++) {
        struct user *user = &world.users[i];

        if (user->vu.state == RL_VU_IDLE && user->iterations_left > 0 && sim_chance(700)) {
            user->iterations_left--;
            rl_vu_begin(&user->vu);
        }
        busy |= user->vu.state != RL_VU_IDLE || user->iterations_left > 0;
    }
    return busy;
}

static void interrupt_somebody(void)
{
    struct user *user = &world.users[sim_between(0, world.user_count - 1)];

    if (sim.now_ns < world.interrupt_ns)
        return;
    world_totals.interrupted += user->vu.state == RL_VU_RUNNING;
    rl_vu_interrupt(&user->vu);
    world.interrupt_ns = sim.now_ns + sim_scale(RUN_S * RL_NS_PER_S / 2);
}

static void run(void)
{
    uint64_t end_ns = sim.now_ns + RUN_S * RL_NS_PER_S;

    while (begin_iterations() && sim.now_ns < end_ns) {
        turn();
        interrupt_somebody();
    }
    for (uint32_t i = 0; i < world.user_count; i++)
        rl_vu_interrupt(&world.users[i].vu);
    end_ns = sim.now_ns + DRAIN_S * RL_NS_PER_S;
    while (!rl_net_idle(&world.net) || world.net.unsettled || rl_ring_unsubmitted(world.ring) > 0) {
        sim_require(sim.now_ns < end_ns, "%u connections are left", world.net.conns.used_count);
        turn();
    }
}

/* --- The end. --- */

static double sum_of(uint32_t metric_id)
{
    double sum = 0;

    for (uint32_t i = RL_SERIES_LOST + 1; i < rl_shard_series_count(&world.shard); i++) {
        if (rl_shard_series_at(&world.shard, i).metric->id == metric_id)
            sum += world.shard.active->sinks[i].sum;
    }
    return sum;
}

/* Bytes are conserved: from the kernel through the connections to the metrics, both ways. */
static void check_bytes(void)
{
    uint64_t taken = 0, connected = 0;

    for (uint32_t id = 1; id <= peer_count(); id++) {
        const struct peer *peer = peer_at(id);

        taken += peer->taken;
        connected += peer->accepted;
        sim_require(!peer->graceful || !peer->saw_fin || peer->received == peer->taken,
                    "peer %u: %llu bytes were taken for it and it got %llu before the FIN", id,
                    number(peer->taken), number(peer->received));
        world_totals.resets += peer->rst_sent;
        world_totals.fins += peer->fin_sent;
        world_totals.goodbyes += peer->tls != NULL && tls_peer_heard_goodbye(peer->tls);
        world_totals.connect_failures += !peer->accepted;
    }
    sim_require(world.net.counts.bytes_sent == taken, "%llu bytes are counted as sent, %llu were taken",
                number(world.net.counts.bytes_sent), number(taken));
    sim_require(sum_of(RL_M_DATA_SENT) == (double)taken, "data_sent is %.0f, %llu were taken",
                sum_of(RL_M_DATA_SENT), number(taken));
    sim_require(sum_of(RL_M_DATA_RECEIVED) == (double)world.net.counts.bytes_received,
                "data_received is %.0f, %llu came", sum_of(RL_M_DATA_RECEIVED),
                number(world.net.counts.bytes_received));
    world_totals.connected += connected;
    world_totals.bytes_sent += taken;
    world_totals.bytes_received += world.net.counts.bytes_received;
}

static void check_tls_end(const struct rl_tls_worker *worker)
{
    const struct rl_tls_counts *counts = &worker->counts;

    sim_require(worker->under_way == 0 && rl_list_empty(&worker->ongoing) &&
                    rl_list_empty(&worker->fresh), "handshakes are left");
    /* One may fail before its turn comes. */
    sim_require(counts->done <= counts->started &&
                    counts->done + counts->failed <= counts->started + counts->waited,
                "%llu handshakes began, %llu waited, %llu were done, %llu failed",
                number(counts->started), number(counts->waited), number(counts->done),
                number(counts->failed));
    world_totals.tls_waited += counts->waited > 0;
}

static void check_end(void)
{
    const struct rl_net_counts *counts = &world.net.counts;

    fake_ring_check_idle(world.ring);
    sim_require(counts->opened == counts->closed, "%llu connections opened, %llu closed",
                number(counts->opened), number(counts->closed));
    sim_require(world.net.connecting_count == 0, "%u connections still count as connecting",
                world.net.connecting_count);
    sim_require(rl_list_empty(&world.env.woken), "writes are left that nobody was told of");
    sim_require(rl_list_empty(&world.net.dirty) && rl_list_empty(&world.net.flushed),
                "connections are left on a list");
    sim_require((world.ring->features & RL_F_DIRECT) == 0 ||
                    world.net.free_slot_count == world.net.slot_count,
                "%u of %u slots are free", world.net.free_slot_count, world.net.slot_count);
    if (world.tls_worker != NULL)
        check_tls_end(world.tls_worker);
    world_totals.turns += sim.turn;
    world_totals.overflows += world.ring->overflows;
    world_totals.sends_late += counts->bytes_sent_late > 0;
}

static void tear_down(void)
{
    check_end();
    for (uint32_t i = 0; i < world.user_count; i++) {
        world_totals.iterations += world.users[i].vu.iteration + 1;
        user_fini(&world.users[i]);
    }
    rl_vu_env_fini(&world.env);
    check_bytes();
    rl_tls_worker_free(world.tls_worker);
    rl_local_ips_free(world.local_ips);
    rl_resolver_free(world.resolver);
    rl_net_fini(&world.net);
    rl_loop_fini(&world.loop);
    rl_ring_free(world.ring);
    rl_shard_fini(&world.shard);
    rl_registry_free(world.registry);
    peers_free();
    tls_seed_end();
}

void world_run(uint64_t seed)
{
    sim_begin(seed);
    set_up();
    run();
    tear_down();
}
