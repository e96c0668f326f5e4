/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/pool.h"

#include <stdbool.h>
#include <string.h>

#include "base/rng.h"
#include "cases.h"

enum { MAX_COUNT = 700, STEPS = 50000 };

struct object {
    struct rl_pooled pooled;
    uint64_t value;
    char rest[40];
};

static struct rl_pool pool;

static void setup(void)
{
    rl_pool_init(&pool, sizeof(struct object), MAX_COUNT);
}

static void teardown(void)
{
    rl_pool_fini(&pool);
}

START_TEST(objects_come_zeroed)
{
    for (int round = 0; round < 3; round++) {
        struct object *object = rl_pool_acquire(&pool);

        ck_assert_uint_eq(object->value, 0);
        for (size_t i = 0; i < sizeof(object->rest); i++)
            ck_assert_int_eq(object->rest[i], 0);
        memset(object->rest, 0xff, sizeof(object->rest));
        object->value = 1;
        rl_pool_release(&pool, object);
    }
}
END_TEST

START_TEST(a_handle_finds_its_object_until_release)
{
    struct object *object = rl_pool_acquire(&pool), *next;
    uint64_t handle = rl_pool_handle(object);

    ck_assert_ptr_eq(rl_pool_get(&pool, handle), object);
    ck_assert_ptr_eq(rl_pool_at(&pool, object->pooled.index), object);
    rl_pool_release(&pool, object);
    ck_assert_ptr_null(rl_pool_get(&pool, handle));
    next = rl_pool_acquire(&pool);
    ck_assert_ptr_eq(next, object); /* last in, first out */
    ck_assert_ptr_null(rl_pool_get(&pool, handle));
    ck_assert_ptr_eq(rl_pool_get(&pool, rl_pool_handle(next)), next);
}
END_TEST

START_TEST(handles_of_nothing)
{
    ck_assert_ptr_null(rl_pool_get(&pool, 0));
    ck_assert_ptr_null(rl_pool_get(&pool, UINT64_MAX));
    rl_pool_release(&pool, rl_pool_acquire(&pool));
    ck_assert_ptr_null(rl_pool_get(&pool, 0));
    ck_assert_ptr_null(rl_pool_get(&pool, 5)); /* in a chunk, never used */
    ck_assert_ptr_null(rl_pool_get(&pool, UINT64_C(1) << 32 | 4000000000));
}
END_TEST

START_TEST(a_handle_has_56_bits_and_its_generation_wraps)
{
    struct object *object = rl_pool_acquire(&pool);

    rl_pool_release(&pool, object);
    object->pooled.generation = (1 << RL_POOL_GENERATION_BITS) - 2;
    object = rl_pool_acquire(&pool);
    ck_assert_uint_eq(rl_pool_handle(object) >> 56, 0);
    ck_assert_uint_eq(rl_pool_handle(object) >> 32, (1 << RL_POOL_GENERATION_BITS) - 1);
    ck_assert_ptr_eq(rl_pool_get(&pool, rl_pool_handle(object)), object);
    rl_pool_release(&pool, object);
    ck_assert_ptr_null(rl_pool_get(&pool, 0));
    object = rl_pool_acquire(&pool);
    ck_assert_uint_eq(rl_pool_handle(object) >> 32, 1);
}
END_TEST

START_TEST(at_most_max_count)
{
    static struct object *objects[MAX_COUNT];

    for (uint32_t i = 0; i < MAX_COUNT; i++) {
        objects[i] = rl_pool_acquire(&pool);
        ck_assert_ptr_nonnull(objects[i]);
        ck_assert_uint_eq(objects[i]->pooled.index, i);
    }
    ck_assert_ptr_null(rl_pool_acquire(&pool));
    ck_assert_uint_eq(pool.used_count, MAX_COUNT);
    rl_pool_release(&pool, objects[3]);
    ck_assert_ptr_eq(rl_pool_acquire(&pool), objects[3]);
    ck_assert_ptr_null(rl_pool_acquire(&pool));
}
END_TEST

START_TEST(a_pool_may_be_used_again_after_fini)
{
    rl_pool_acquire(&pool);
    rl_pool_fini(&pool);
    ck_assert_uint_eq(pool.used_count, 0);
    ck_assert_ptr_nonnull(rl_pool_acquire(&pool));
}
END_TEST

/* The model: which handles are alive, and what was written into their objects. */
START_TEST(like_a_table_of_handles)
{
    static uint64_t handles[MAX_COUNT], dead[MAX_COUNT];
    size_t count = 0, dead_count = 0;
    struct rl_rng rng;

    rl_rng_init(&rng, (uint64_t)_i);
    for (int step = 0; step < STEPS; step++) {
        bool grow = rl_rng_below(&rng, 1000) < (uint64_t)(step / 5000 % 2 == 0 ? 700 : 300);

        if (grow) {
            struct object *object = rl_pool_acquire(&pool);

            rl_require((object == NULL) == (count == MAX_COUNT));
            if (object != NULL) {
                rl_require(object->pooled.index < MAX_COUNT);
                rl_require(object->value == 0);
                object->value = rl_pool_handle(object);
                handles[count++] = object->value;
            }
        } else if (count > 0) {
            size_t i = rl_rng_below(&rng, count);
            struct object *object = rl_pool_get(&pool, handles[i]);

            rl_require(object != NULL);
            rl_require(object->value == handles[i]);
            rl_pool_release(&pool, object);
            dead[dead_count++ % MAX_COUNT] = handles[i];
            handles[i] = handles[--count];
        }
        rl_require(pool.used_count == count);
        if (count > 0) {
            uint64_t handle = handles[rl_rng_below(&rng, count)];
            struct object *object = rl_pool_get(&pool, handle);

            rl_require(object != NULL);
            rl_require(object->value == handle);
        }
        if (dead_count > 0) {
            size_t known = dead_count < MAX_COUNT ? dead_count : MAX_COUNT;

            rl_require(rl_pool_get(&pool, dead[rl_rng_below(&rng, known)]) == NULL);
        }
    }
}
END_TEST

static Suite *pool_suite(void)
{
    Suite *suite = suite_create("base/pool");

    rl_case(suite, objects_come_zeroed, setup, teardown);
    rl_case(suite, a_handle_finds_its_object_until_release, setup, teardown);
    rl_case(suite, handles_of_nothing, setup, teardown);
    rl_case(suite, a_handle_has_56_bits_and_its_generation_wraps, setup, teardown);
    rl_case(suite, at_most_max_count, setup, teardown);
    rl_case(suite, a_pool_may_be_used_again_after_fini, setup, teardown);
    rl_case_loop(suite, like_a_table_of_handles, setup, teardown, 1, 4);
    return suite;
}

RL_TEST_MAIN(pool_suite)
