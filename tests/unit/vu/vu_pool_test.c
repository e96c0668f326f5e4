/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vu_pool: ids striped over workers (E-011), the lowest idle one lent first (E-012). */
#include "vu/vu_pool.h"

#include <errno.h>

#include "base/rng.h"
#include "vu_rig.h"

static int fail_create(struct rl_vu *vu)
{
    return vu->id == 3 ? -EIO : 0;
}

START_TEST(ids_are_striped)
{
    struct rl_share share;
    struct rl_vu_pool pool;

    ck_assert_int_eq(rl_share_equal(&share, 1, 3), 0);
    ck_assert_int_eq(rl_vu_pool_init(&pool, 4), 0);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(rl_vu_pool_create(&pool, &rig.env, &share), 0);
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(pool.vus[i].id, 3 * i + 2);
        ck_assert_uint_eq(pool.vus[i].global_id, 3 * i + 2);
        ck_assert_int_eq(pool.vus[i].state, RL_VU_IDLE);
    }
    rl_vu_pool_fini(&pool);
    rl_share_fini(&share);
}
END_TEST

START_TEST(the_lowest_idle_one_is_lent)
{
    enum { COUNT = 57, STEPS = 3000 };
    bool lent[COUNT] = {false};
    struct rl_share share;
    struct rl_vu_pool pool;
    struct rl_rng rng;

    rl_rng_init(&rng, 7);
    ck_assert_int_eq(rl_share_equal(&share, 0, 1), 0);
    ck_assert_int_eq(rl_vu_pool_init(&pool, COUNT), 0);
    ck_assert_ptr_null(rl_vu_pool_take(&pool));
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(rl_vu_pool_create(&pool, &rig.env, &share), 0);
    for (int step = 0; step < STEPS; step++) {
        uint64_t which = rl_rng_below(&rng, COUNT);

        if (lent[which]) {
            rl_vu_pool_give(&pool, &pool.vus[which]);
            lent[which] = false;
        } else {
            struct rl_vu *vu = rl_vu_pool_take(&pool);
            uint32_t lowest = 0;

            while (lent[lowest])
                lowest++;
            ck_assert_uint_eq(vu->id, lowest + 1);
            lent[lowest] = true;
        }
    }
    rl_vu_pool_fini(&pool);
    rl_share_fini(&share);
}
END_TEST

START_TEST(a_vu_that_cannot_be_made)
{
    struct rl_program program = *rig.env.program;
    const struct rl_program *usual = rig.env.program;
    struct rl_share share;
    struct rl_vu_pool pool;

    program.create = fail_create;
    rig.env.program = &program;
    ck_assert_int_eq(rl_share_equal(&share, 0, 1), 0);
    ck_assert_int_eq(rl_vu_pool_init(&pool, 4), 0);
    ck_assert_int_eq(rl_vu_pool_create(&pool, &rig.env, &share), 0);
    ck_assert_int_eq(rl_vu_pool_create(&pool, &rig.env, &share), 0);
    ck_assert_int_eq(rl_vu_pool_create(&pool, &rig.env, &share), -EIO);
    ck_assert_uint_eq(pool.created, 2);
    ck_assert_uint_eq(pool.idle_count, 2);
    rl_vu_pool_fini(&pool);
    rl_share_fini(&share);
    rig.env.program = usual;
}
END_TEST

static Suite *vu_pool_suite(void)
{
    Suite *suite = suite_create("vu_pool");

    rl_case(suite, ids_are_striped, rig_set_up, rig_tear_down);
    rl_case(suite, the_lowest_idle_one_is_lent, rig_set_up, rig_tear_down);
    rl_case(suite, a_vu_that_cannot_be_made, rig_set_up, rig_tear_down);
    return suite;
}

RL_TEST_MAIN(vu_pool_suite)
