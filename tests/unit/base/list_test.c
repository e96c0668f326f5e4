/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/list.h"

#include "base/rng.h"
#include "cases.h"

enum { NODES = 40, LISTS = 3, STEPS = 20000 };

struct item {
    int number;
    struct rl_list link;
};

static struct item items[NODES];
static struct rl_list heads[LISTS];

/* The model: each list as an array of item numbers. */
static int model[LISTS][NODES];
static size_t model_count[LISTS];

static void setup(void)
{
    for (int i = 0; i < NODES; i++) {
        items[i].number = i;
        rl_list_init(&items[i].link);
    }
    for (int i = 0; i < LISTS; i++) {
        rl_list_init(&heads[i]);
        model_count[i] = 0;
    }
}

static struct item *item_of(struct rl_list *node)
{
    return rl_container_of(node, struct item, link);
}

static void model_remove(int number)
{
    for (int list = 0; list < LISTS; list++) {
        size_t kept = 0;

        for (size_t i = 0; i < model_count[list]; i++) {
            if (model[list][i] != number)
                model[list][kept++] = model[list][i];
        }
        model_count[list] = kept;
    }
}

static void compare(void)
{
    for (int list = 0; list < LISTS; list++) {
        struct rl_list *node = heads[list].next;

        rl_require(rl_list_empty(&heads[list]) == (model_count[list] == 0));
        for (size_t i = 0; i < model_count[list]; i++, node = node->next) {
            rl_require(item_of(node)->number == model[list][i]);
            rl_require(node->next->prev == node);
        }
        rl_require(node == &heads[list]);
    }
}

/* -1: the list was empty. */
static int pop_number(struct rl_list *head)
{
    struct rl_list *node = rl_list_pop(head);

    return node == NULL ? -1 : item_of(node)->number;
}

START_TEST(first_in_first_out)
{
    ck_assert(rl_list_empty(&heads[0]));
    ck_assert_ptr_null(rl_list_pop(&heads[0]));
    for (int i = 0; i < 3; i++)
        rl_list_push(&heads[0], &items[i].link);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pop_number(&heads[0]), i);
    ck_assert(rl_list_empty(&heads[0]));
}
END_TEST

START_TEST(removing_again_is_harmless)
{
    rl_list_push(&heads[0], &items[0].link);
    rl_list_push(&heads[0], &items[1].link);
    rl_list_remove(&items[0].link);
    rl_list_remove(&items[0].link);
    ck_assert(rl_list_empty(&items[0].link));
    ck_assert_int_eq(pop_number(&heads[0]), 1);
}
END_TEST

START_TEST(like_an_array)
{
    struct rl_rng rng;

    rl_rng_init(&rng, (uint64_t)_i);
    for (int step = 0; step < STEPS; step++) {
        size_t to = rl_rng_below(&rng, LISTS), from = rl_rng_below(&rng, LISTS);
        int number = (int)rl_rng_below(&rng, NODES);

        switch (rl_rng_below(&rng, 8)) {
        case 0:
            if (to != from) {
                for (size_t i = 0; i < model_count[from]; i++)
                    model[to][model_count[to]++] = model[from][i];
                model_count[from] = 0;
                rl_list_splice(&heads[to], &heads[from]);
            }
            break;
        case 1:
        case 2: {
            struct rl_list *node = rl_list_pop(&heads[from]);

            rl_require((node == NULL) == (model_count[from] == 0));
            if (node != NULL) {
                rl_require(item_of(node)->number == model[from][0]);
                rl_require(rl_list_empty(node));
                model_remove(item_of(node)->number);
            }
            break;
        }
        case 3:
            rl_list_remove(&items[number].link);
            model_remove(number);
            break;
        default:
            rl_list_remove(&items[number].link);
            model_remove(number);
            rl_list_push(&heads[to], &items[number].link);
            model[to][model_count[to]++] = number;
            break;
        }
        compare();
    }
}
END_TEST

static Suite *list_suite(void)
{
    Suite *suite = suite_create("base/list");

    rl_case(suite, first_in_first_out, setup, NULL);
    rl_case(suite, removing_again_is_harmless, setup, NULL);
    rl_case_loop(suite, like_an_array, setup, NULL, 1, 4);
    return suite;
}

RL_TEST_MAIN(list_suite)
