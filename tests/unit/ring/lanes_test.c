/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A ring of several tables: what is in a further one works as in the first, and none of it is slept through. */
#include "ring_rig.h"

#include "ring/ring_impl.h"

#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { SLOTS = 2, TABLES = RR_CONNS / SLOTS, LONG_MS = 3000, ROUNDS = 300 };

static int files[RR_CONNS];

/* RR_CONNS slots, SLOTS a table. Without the feature that variant leaves out, unless tables need it. */
static void start(int variant, unsigned cq)
{
    int features = rr_features(variant);
    const char *advice;

    if ((features & RL_F_DIRECT) == 0)
        features = rr_features(0);
    rr_start_with(&(struct rl_ring_config){
        .features = features, .cq_entries = cq, .slot_count = SLOTS, .more_slots = SLOTS});
    ck_assert_uint_eq(rl_ring_slots(rr.ring), SLOTS);
    for (int i = 0; i < SLOTS; i++)
        files[i] = i;
    for (int table = 1; table < TABLES; table++) {
        int first = -1;

        ck_assert_int_eq(rl_ring_extend(rr.ring, &first, &advice), SLOTS);
        ck_assert_str_eq(advice, "");
        for (int i = 0; i < SLOTS; i++)
            files[table * SLOTS + i] = first + i;
    }
}

static void connect_all(void)
{
    for (int i = 0; i < RR_CONNS; i++)
        rr_connect_as(i, files[i]);
}

static void receive_on_all(void)
{
    for (int i = 0; i < RR_CONNS; i++)
        rl_ring_recv(rr.ring, rr.file[i], rl_op(RL_OP_RECV, (uint64_t)i));
    ck_assert_int_eq(rl_ring_enter(rr.ring, 0), 0);
}

START_TEST(numbers_of_files)
{
    const char *advice;
    int first, tables = TABLES;

    start(0, 0);
    for (int i = 0; i < RR_CONNS; i++) {
        for (int k = 0; k < i; k++)
            ck_assert_int_ne(files[i], files[k]);
    }
    while (rl_ring_extend(rr.ring, &first, &advice) == SLOTS)
        ck_assert_int_le(++tables, RL_RING_TABLES);
    ck_assert_int_eq(tables, RL_RING_TABLES);
    ck_assert_int_eq(rl_ring_extend(rr.ring, &first, &advice), 0);
    rr_stop();
}
END_TEST

/* Ordinary descriptors need no table, and a ring that is not to have more has none. */
START_TEST(no_further_table)
{
    const char *advice;
    int first;

    rr_start_with(&(struct rl_ring_config){
        .features = rr_features(0) & ~RL_F_DIRECT, .slot_count = 1, .more_slots = 1});
    ck_assert_int_eq(rl_ring_extend(rr.ring, &first, &advice), 0);
    rr_stop();
    rr_start(rr_features(0), 0, 0);
    ck_assert_int_eq(rl_ring_extend(rr.ring, &first, &advice), 0);
    rr_stop();
}
END_TEST

/* Larger than the limit of files: refused with advice, and the ring goes on. */
START_TEST(a_table_that_is_too_large)
{
    struct rlimit limit = {1024, 1024};
    const char *advice;
    int first;

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    rr_start_with(&(struct rl_ring_config){
        .features = rr_features(0), .slot_count = RR_CONNS, .more_slots = 1025});
    ck_assert_int_eq(rl_ring_extend(rr.ring, &first, &advice), -EMFILE);
    ck_assert_ptr_nonnull(strstr(advice, "ulimit -n"));
    rr_connect(0);
    rr_stop();
}
END_TEST

/* Each table's data is its own, whoever's receive comes first. */
START_TEST(data_both_ways)
{
    char text[RR_CONNS][16], got[16];

    start(_i, 0);
    connect_all();
    receive_on_all();
    for (int i = 0; i < RR_CONNS; i++) {
        int size = snprintf(text[i], sizeof(text[i]), "of number %d", i);

        rl_ring_send(rr.ring, rr.file[i], rl_slice_of(text[i], (size_t)size), RL_SEND_LAST,
                     rl_op(RL_OP_SEND, (uint64_t)i));
    }
    for (int i = 0; i < RR_CONNS; i++)
        ck_assert_int_eq(rr_next_of(RL_OP_SEND).res, (int)strlen(text[0]));
    for (int i = RR_CONNS - 1; i >= 0; i--) {
        ck_assert_int_eq(recv(rr.peer[i], got, sizeof(got), 0), (int)strlen(text[i]));
        ck_assert_mem_eq(got, text[i], strlen(text[i]));
        ck_assert_int_eq(send(rr.peer[i], text[i], strlen(text[i]), 0), (int)strlen(text[i]));
    }
    for (int i = 0; i < RR_CONNS; i++) {
        struct rl_completion c = rr_next_of(RL_OP_RECV);
        struct rl_slice view = rl_ring_view(rr.ring, &c);
        const char *sent = text[rl_op_handle(c.user_data)];

        ck_assert_uint_eq(view.size, strlen(sent));
        ck_assert_mem_eq(view.data, sent, view.size);
        rl_ring_return(rr.ring, &c);
        if (!rl_completion_more(&c)) {
            int n = (int)rl_op_handle(c.user_data);

            rl_ring_recv(rr.ring, rr.file[n], rl_op(RL_OP_RECV, (uint64_t)n));
        }
    }
    ck_assert_int_eq(rl_ring_enter(rr.ring, 0), 0);
    ck_assert(rl_ring_settled(rr.ring));
    rr_stop();
}
END_TEST

/* A message to any of them ends a sleep, again and again. */
START_TEST(none_is_slept_through)
{
    start(_i, 0);
    connect_all();
    receive_on_all();
    for (int round = 0; round < ROUNDS; round++) {
        int i = round * 7 % RR_CONNS;
        uint64_t begin_ns = rl_clock_ns();
        struct rl_completion c;

        ck_assert_int_eq(send(rr.peer[i], "x", 1, 0), 1);
        ck_assert(rr_next_within(&c, LONG_MS * RL_NS_PER_MS));
        ck_assert_uint_eq(c.user_data, rl_op(RL_OP_RECV, (uint64_t)i));
        ck_assert_uint_lt(rl_clock_ns() - begin_ns, LONG_MS * RL_NS_PER_MS / 2);
        ck_assert_uint_eq(rl_ring_view(rr.ring, &c).size, 1);
        rl_ring_return(rr.ring, &c);
        if (!rl_completion_more(&c))
            rl_ring_recv(rr.ring, rr.file[i], rl_op(RL_OP_RECV, (uint64_t)i));
    }
    rr_stop();
}
END_TEST

/* The same with a peer that sends while we sleep, as another thread would. */
START_TEST(a_sleep_that_has_begun)
{
    start(_i, 0);
    connect_all();
    receive_on_all();
    for (int i = 0; i < RR_CONNS; i++) {
        uint64_t begin_ns = rl_clock_ns();
        struct rl_completion c;
        pid_t child = fork();

        ck_assert_int_ge(child, 0);
        if (child == 0) {
            poll(NULL, 0, 20);
            _exit(send(rr.peer[i], "y", 1, 0) == 1 ? 0 : 1);
        }
        ck_assert(rr_next_within(&c, LONG_MS * RL_NS_PER_MS));
        ck_assert_uint_eq(c.user_data, rl_op(RL_OP_RECV, (uint64_t)i));
        ck_assert_uint_lt(rl_clock_ns() - begin_ns, LONG_MS * RL_NS_PER_MS / 2);
        rl_ring_view(rr.ring, &c);
        rl_ring_return(rr.ring, &c);
        waitpid(child, NULL, 0);
    }
    rr_stop();
}
END_TEST

/* With nothing to hear a sleep lasts as long as it should. */
START_TEST(a_timeout)
{
    struct rl_completion c;
    uint64_t begin_ns;

    start(_i, 0);
    connect_all();
    receive_on_all();
    for (int i = 0; i < 3; i++) {
        begin_ns = rl_clock_ns();
        ck_assert(!rr_next_within(&c, 10 * RL_NS_PER_MS));
        ck_assert_uint_ge(rl_clock_ns() - begin_ns, 10 * RL_NS_PER_MS);
    }
    rr_stop();
}
END_TEST

/* The kernel may leave the flag that speaks of work where there is none any more. */
START_TEST(an_old_flag)
{
    uint64_t begin_ns;

    start(0, 0);
    connect_all();
    receive_on_all();
    for (unsigned i = 1; i < TABLES; i++)
        __atomic_fetch_or(rr.ring->lanes[i]->uring.sq.kflags, IORING_SQ_TASKRUN, __ATOMIC_SEQ_CST);
    begin_ns = rl_clock_ns();
    ck_assert_int_eq(rl_ring_enter(rr.ring, 20 * RL_NS_PER_MS), 0);
    ck_assert_uint_ge(rl_clock_ns() - begin_ns, 20 * RL_NS_PER_MS);
    rr_stop();
}
END_TEST

/* What a further lane does not submit is told at once. */
START_TEST(a_lane_that_fails)
{
    struct io_uring *uring;
    uint64_t begin_ns;
    int fd;

    start(0, 0);
    connect_all();
    uring = &rr.ring->lanes[1]->uring;
    fd = uring->enter_ring_fd;
    uring->enter_ring_fd = 1 << 20;
    rl_ring_recv(rr.ring, rr.file[SLOTS], rl_op(RL_OP_RECV, SLOTS));
    begin_ns = rl_clock_ns();
    ck_assert_int_lt(rl_ring_enter(rr.ring, LONG_MS * RL_NS_PER_MS), 0);
    ck_assert_uint_lt(rl_clock_ns() - begin_ns, LONG_MS * RL_NS_PER_MS / 2);
    uring->enter_ring_fd = fd;
    rr_stop();
}
END_TEST

/* More at once than one turn takes, or than a small queue holds: all of it comes, without sleeping in between. */
static void much(unsigned cq)
{
    enum { EACH = 60 };
    unsigned count[RR_CONNS] = {0};
    uint64_t begin_ns;

    start(0, cq);
    connect_all();
    for (int i = 0; i < RR_CONNS; i++) {
        for (unsigned k = 0; k < EACH; k++)
            rl_ring_send(rr.ring, rr.file[i], rl_slice_of("z", 1), RL_SEND_LAST,
                         rl_op(RL_OP_SEND, (uint64_t)i));
    }
    begin_ns = rl_clock_ns();
    for (unsigned all = 0; all < RR_CONNS * EACH; all++) {
        struct rl_completion c = rr_next_of(RL_OP_SEND);

        ck_assert_int_eq(c.res, 1);
        count[rl_op_handle(c.user_data)]++;
    }
    ck_assert_uint_lt(rl_clock_ns() - begin_ns, LONG_MS * RL_NS_PER_MS / 2);
    for (int i = 0; i < RR_CONNS; i++)
        ck_assert_uint_eq(count[i], EACH);
    ck_assert_int_eq(rl_ring_overflows(rr.ring) > 0, cq > 0);
    rr_stop();
}

START_TEST(much_at_once)
{
    much(0);
}
END_TEST

START_TEST(queues_that_are_too_small)
{
    much(16);
}
END_TEST

START_TEST(ends)
{
    char byte;

    start(_i, 0);
    connect_all();
    receive_on_all();
    for (int i = 0; i < RR_CONNS; i += 2) { /* FIN */
        rl_ring_cancel(rr.ring, rr.file[i], rl_op(RL_OP_RECV, (uint64_t)i));
        rl_ring_close(rr.ring, rr.file[i]);
        rr.file[i] = -1;
        ck_assert_int_eq(rr_next_of(RL_OP_RECV).res, -ECANCELED);
        ck_assert_int_eq(recv(rr.peer[i], &byte, 1, 0), 0);
    }
    for (int i = 1; i < RR_CONNS; i += 2) { /* RST */
        rl_ring_abort(rr.ring, rr.file[i]);
        rl_ring_close(rr.ring, rr.file[i]);
        rr.file[i] = -1;
        ck_assert_int_le(rr_next_of(RL_OP_RECV).res, 0);
        ck_assert_int_eq(recv(rr.peer[i], &byte, 1, 0), -1);
        ck_assert_int_eq(errno, ECONNRESET);
    }
    for (int i = 0; i < RR_CONNS; i++) { /* the slots are free again */
        close(rr.peer[i]);
        rr_connect_as(i, files[i]);
    }
    rr_stop();
}
END_TEST

static Suite *lanes_suite(void)
{
    Suite *suite = suite_create("lanes");
    const TTest *const variants[] = {data_both_ways, none_is_slept_through, a_sleep_that_has_begun,
                                     a_timeout, ends};

    rl_case(suite, numbers_of_files, NULL, NULL);
    rl_case(suite, no_further_table, NULL, NULL);
    rl_case(suite, a_table_that_is_too_large, NULL, NULL);
    rl_case(suite, an_old_flag, NULL, NULL);
    rl_case(suite, a_lane_that_fails, NULL, NULL);
    rl_case(suite, much_at_once, NULL, NULL);
    rl_case(suite, queues_that_are_too_small, NULL, NULL);
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
        rl_case_loop(suite, variants[i], NULL, NULL, 0, RR_VARIANTS);
    return suite;
}

RL_TEST_MAIN(lanes_suite)
