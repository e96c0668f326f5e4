/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dns_record.h"

#include <stdio.h>
#include <stdlib.h>

#include "test.h"

static struct rl_dns_table table;

static void fresh(void)
{
    ck_assert_int_eq(rl_dns_table_init(&table, 8), 0);
}

static void gone(void)
{
    rl_dns_table_fini(&table);
}

static struct rl_dns_record *need(unsigned number)
{
    char host[32];

    snprintf(host, sizeof(host), "h%u.test", number);
    return rl_dns_table_need(&table, host);
}

static bool knows(unsigned number)
{
    char host[32];

    snprintf(host, sizeof(host), "H%u.Test", number);
    return rl_dns_table_find(&table, host) != NULL;
}

START_TEST(found_whatever_the_case)
{
    struct rl_dns_record *record = rl_dns_table_need(&table, "A.Test");

    ck_assert_str_eq(record->host, "a.test");
    ck_assert_ptr_eq(rl_dns_table_need(&table, "a.TEST"), record);
    ck_assert_ptr_eq(rl_dns_table_find(&table, "a.test"), record);
    ck_assert_ptr_null(rl_dns_table_find(&table, "a.tes"));
    ck_assert_ptr_null(rl_dns_table_find(&table, ""));
}
END_TEST

START_TEST(the_oldest_go_first)
{
    for (unsigned i = 0; i < 20; i++)
        need(i)->addrs = calloc(1, sizeof(struct rl_addr));
    ck_assert_uint_eq(table.count, 8);
    for (unsigned i = 0; i < 20; i++)
        ck_assert_int_eq(knows(i), i >= 12);
}
END_TEST

START_TEST(what_is_looked_up_stays)
{
    need(0)->looking = true;
    for (unsigned i = 1; i < 20; i++)
        need(i);
    ck_assert(knows(0));
    ck_assert(!knows(1));
    ck_assert_uint_eq(table.count, 8);
}
END_TEST

START_TEST(look_ups_may_exceed_the_limit)
{
    for (unsigned i = 0; i < 20; i++)
        need(i)->looking = true;
    for (unsigned i = 0; i < 20; i++) {
        ck_assert(knows(i));
        need(i)->looking = false;
    }
    need(20);
    ck_assert_uint_eq(table.count, 8);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("net/dns_record");
    TCase *c = tcase_create("table");

    tcase_add_checked_fixture(c, fresh, gone);
    tcase_add_test(c, found_whatever_the_case);
    tcase_add_test(c, the_oldest_go_first);
    tcase_add_test(c, what_is_looked_up_stays);
    tcase_add_test(c, look_ups_may_exceed_the_limit);
    suite_add_tcase(s, c);
    return s;
}

RL_TEST_MAIN(suite)
