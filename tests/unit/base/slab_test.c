/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/slab.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "cases.h"

enum { SLOTS = 500, STEPS = 40000, PEAK = 2000, THREADS = 3, ROUNDS = 200, A_ROUND = 100 };

struct piece {
    uint8_t *start;
    size_t size;
    uint8_t mark;
};

static void fill(struct piece *piece)
{
    memset(piece->start, piece->mark, piece->size);
}

static void check_piece(const struct piece *piece, size_t size)
{
    for (size_t i = 0; i < size; i++)
        rl_require(piece->start[i] == piece->mark);
}

static struct piece make(size_t size, uint8_t mark)
{
    struct piece piece = {rl_slab_alloc(size), size, mark};

    rl_require(piece.start != NULL);
    rl_require((uintptr_t)piece.start % 16 == 0);
    fill(&piece);
    return piece;
}

static void drop(struct piece *piece)
{
    check_piece(piece, piece->size);
    rl_slab_free(piece->start);
    *piece = (struct piece){0};
}

/* Each size around the borders of classes, and past the largest. */
START_TEST(blocks_of_all_sizes_are_whole_and_apart)
{
    static struct piece pieces[3 * (RL_SLAB_MAX / 16 + 10)];
    size_t count = 0;

    for (size_t size = 0; size <= RL_SLAB_MAX + 64; size += 16)
        for (size_t more = 0; more < 3; more++, count++)
            pieces[count] = make(size + more, (uint8_t)count);
    for (size_t i = 0; i < count; i++)
        drop(&pieces[i]);
}
END_TEST

static size_t random_size(struct rl_rng *rng)
{
    return rl_rng_below(rng, 8) == 0 ? rl_rng_below(rng, 2 * RL_SLAB_MAX)
                                     : rl_rng_below(rng, 1500);
}

static void step(struct rl_rng *rng, struct piece *piece)
{
    size_t size = random_size(rng), kept;

    if (piece->start == NULL) {
        *piece = make(size, (uint8_t)rl_rng_below(rng, 256));
    } else if (rl_rng_below(rng, 3) == 0) {
        kept = size < piece->size ? size : piece->size;
        piece->start = rl_slab_resize(piece->start, size);
        rl_require(piece->start != NULL);
        check_piece(piece, kept);
        piece->size = size;
        fill(piece);
    } else {
        drop(piece);
    }
}

START_TEST(like_malloc)
{
    static struct piece pieces[SLOTS];
    struct rl_rng rng;

    rl_rng_init(&rng, (uint64_t)_i);
    for (int i = 0; i < STEPS; i++)
        step(&rng, &pieces[rl_rng_below(&rng, SLOTS)]);
    for (size_t i = 0; i < SLOTS; i++)
        if (pieces[i].start != NULL)
            drop(&pieces[i]);
    ck_assert_uint_le(rl_slab_usage().idle_bytes, RL_SLAB_IDLE);
    ck_assert_uint_eq(rl_slab_usage().busy_spans, 0);
}
END_TEST

START_TEST(resizing_nothing_is_an_allocation)
{
    void *block = rl_slab_resize(NULL, 100);

    ck_assert_ptr_nonnull(block);
    ck_assert_ptr_eq(rl_slab_resize(block, 97), block); /* of the same class */
    rl_slab_free(block);
    rl_slab_free(NULL);
}
END_TEST

/* What malloc gave before there was a slab: a library is told of its allocator late. */
START_TEST(blocks_of_malloc_may_be_given_back)
{
    void *block = malloc(100);

    block = rl_slab_resize(block, 200);
    ck_assert_ptr_nonnull(block);
    rl_slab_free(block);
}
END_TEST

/* Some 10 KB each that are gone after the handshake, around 1,328 that stay. */
START_TEST(what_a_peak_needed_goes_back)
{
    static const size_t passing[] = {3000, 4500, 1328, 700, 48, 1400};
    static void *stays[PEAK], *goes[PEAK][6];
    size_t peak;

    for (size_t i = 0; i < PEAK; i++) {
        for (size_t k = 0; k < 6; k++)
            goes[i][k] = rl_slab_alloc(passing[k] + (k == 2 ? 16 : 0));
        stays[i] = rl_slab_alloc(1328);
    }
    peak = rl_slab_usage().spans;
    for (size_t i = 0; i < PEAK; i++)
        for (size_t k = 0; k < 6; k++)
            rl_slab_free(goes[i][k]);
    ck_assert_uint_gt(peak * RL_SLAB_SPAN, PEAK * (1328 + 10976));
    ck_assert_uint_le(rl_slab_usage().idle_bytes, RL_SLAB_IDLE);
    ck_assert_uint_le(rl_slab_usage().spans * RL_SLAB_SPAN,
                      PEAK * 1328 + PEAK * 1328 / 20 + 2 * RL_SLAB_IDLE);
    for (size_t i = 0; i < PEAK; i++)
        rl_slab_free(stays[i]);
    ck_assert_uint_eq(rl_slab_usage().busy_spans, 0);
    ck_assert_uint_le(rl_slab_usage().idle_bytes, RL_SLAB_IDLE);
}
END_TEST

/* Spans that went back come again, for any class, and idle ones are used before new ones. */
START_TEST(peak_after_peak_needs_no_more)
{
    static void *blocks[PEAK];
    size_t most = 0;

    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < PEAK; i++)
            blocks[i] = memset(rl_slab_alloc(1000 + round * 100), 1, 1000);
        if (round == 0)
            most = rl_slab_usage().spans * 4;
        ck_assert_uint_le(rl_slab_usage().spans, most);
        for (size_t i = 0; i < PEAK; i++)
            rl_slab_free(blocks[i]);
    }
}
END_TEST

/* --- Several threads. --- */

static _Atomic(struct piece *) mail[THREADS];

/* Each makes blocks for the next one, which frees them. */
static void *pass_on(void *arg)
{
    size_t self = (size_t)(uintptr_t)arg, next = (self + 1) % THREADS;
    struct piece *batch, *none, *heard;
    size_t most = 0;

    for (size_t sent = 0, freed = 0; sent < ROUNDS || freed < ROUNDS;) {
        none = NULL;
        if (sent < ROUNDS && atomic_load(&mail[next]) == NULL) {
            batch = rl_slab_alloc(A_ROUND * sizeof(*batch));
            for (size_t i = 0; i < A_ROUND; i++)
                batch[i] = make(16 + (sent * 7 + i * 31) % 900, (uint8_t)(sent + i));
            rl_require(atomic_compare_exchange_strong(&mail[next], &none, batch));
            sent++;
        }
        heard = atomic_exchange(&mail[self], NULL);
        if (heard != NULL) {
            for (size_t i = 0; i < A_ROUND; i++)
                drop(&heard[i]);
            rl_slab_free(heard);
            freed++;
        } else {
            sched_yield();
        }
        if (rl_slab_usage().spans > most)
            most = rl_slab_usage().spans;
    }
    rl_require(most < 200); /* one for each class, not one for each round */
    return NULL;
}

START_TEST(blocks_may_be_freed_by_other_threads)
{
    pthread_t threads[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, pass_on, (void *)(uintptr_t)i), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

static void *leave_blocks(void *arg)
{
    void **blocks = arg;

    for (size_t i = 0; i < PEAK; i++)
        blocks[i] = memset(rl_slab_alloc(200), 1, 200);
    return (void *)(uintptr_t)(rl_slab_usage().spans);
}

/* A worker's blocks outlive it, are freed by the thread that waited for it, and serve the next worker. */
START_TEST(a_heap_outlives_its_thread)
{
    static void *blocks[PEAK];
    void *spans = NULL, *first = NULL;
    pthread_t thread;

    for (int round = 0; round < 10; round++) {
        ck_assert_int_eq(pthread_create(&thread, NULL, leave_blocks, blocks), 0);
        pthread_join(thread, &spans);
        if (round == 0)
            first = spans;
        ck_assert_uint_le((uintptr_t)spans, (uintptr_t)first + 1);
        for (size_t i = 0; i < PEAK; i++)
            rl_slab_free(blocks[i]);
    }
    ck_assert_uint_eq(rl_slab_usage().spans, 0); /* none of them is ours */
}
END_TEST

static Suite *slab_suite(void)
{
    Suite *suite = suite_create("base/slab");

    rl_case(suite, blocks_of_all_sizes_are_whole_and_apart, NULL, NULL);
    rl_case_loop(suite, like_malloc, NULL, NULL, 1, 5);
    rl_case(suite, resizing_nothing_is_an_allocation, NULL, NULL);
    rl_case(suite, blocks_of_malloc_may_be_given_back, NULL, NULL);
    rl_case(suite, what_a_peak_needed_goes_back, NULL, NULL);
    rl_case(suite, peak_after_peak_needs_no_more, NULL, NULL);
    rl_case(suite, blocks_may_be_freed_by_other_threads, NULL, NULL);
    rl_case(suite, a_heap_outlives_its_thread, NULL, NULL);
    return suite;
}

RL_TEST_MAIN(slab_suite)
