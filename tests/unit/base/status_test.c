/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/status.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "cases.h"

struct expected {
    int status;
    const char *code, *text;
};

/* What scripts compare and what the socket specification promises of messages. */
static const struct expected table[] = {
    {-ECONNREFUSED, "ECONNREFUSED", "connection refused"},
    {-ECONNRESET, "ECONNRESET", "connection reset by peer"},
    {-ETIMEDOUT, "ETIMEDOUT", "i/o timeout"},
    {-EPIPE, "EPIPE", "broken pipe"},
    {-EHOSTUNREACH, "EHOSTUNREACH", "no route to host"},
    {-ENETUNREACH, "ENETUNREACH", "network is unreachable"},
    {-EADDRNOTAVAIL, "EADDRNOTAVAIL", "cannot assign requested address"},
    {-EADDRINUSE, "EADDRINUSE", "address already in use"},
    {-EMFILE, "EMFILE", "too many open files"},
    {-ENOBUFS, "ENOBUFS", "no buffer space available"},
    {-ECANCELED, "ECANCELED", "operation canceled"},
    {-EISCONN, "EISCONN", "already connected"},
    {-EALREADY, "EALREADY", "connection attempt already in progress"},
    {-EINVAL, "EINVAL", "invalid argument"},
    {-EOPNOTSUPP, "EOPNOTSUPP", "operation not supported"},
    {-EAGAIN, "EAGAIN", "resource temporarily unavailable"},
    {RL_ENOTFOUND, "ENOTFOUND", "no such host"},
    {RL_ENOTCONN, "ENOTCONN", "no active connection"},
    {RL_EINVALIDPORT, "EINVAL", "invalid port"},
    {RL_ENOBLOCK, "ENOBUFS", "a limit of ringload was reached"},
    {RL_ETLS, "ETLS", "TLS handshake failed"},
    {RL_EDESTROYED, "EDESTROYED", "socket was destroyed"},
    {RL_EBLOCKED, "EBLOCKED", "blocked by the options of the test"},
    {RL_OK, "OK", "success"},
    {17, "OK", "success"},
};

START_TEST(codes_and_texts)
{
    const struct expected *want = &table[_i];

    ck_assert_str_eq(rl_status_code(want->status), want->code);
    ck_assert_str_eq(rl_status_text(want->status), want->text);
}
END_TEST

START_TEST(numbers_without_a_name)
{
    ck_assert_str_eq(rl_status_code(-4000), "E4000");
    ck_assert_str_eq(rl_status_text(-4000), "unknown error");
    ck_assert_str_eq(rl_status_code(-6000), "E6000");
    ck_assert_str_eq(rl_status_code(-2147483647 - 1), "E2147483648");
    ck_assert_str_eq(rl_status_text(-2147483647 - 1), "unknown error");
}
END_TEST

START_TEST(every_errno_has_a_code_and_a_text_in_lower_case)
{
    for (int number = 1; number < 134; number++) {
        const char *code = rl_status_code(-number), *text = rl_status_text(-number);
        size_t length = strlen(text);

        ck_assert_int_eq(code[0], 'E');
        ck_assert_uint_gt(length, 0);
        ck_assert_int_ne(text[length - 1], '.');
        if (islower((unsigned char)text[1]) && number != ELIBACC && number != EL2NSYNC &&
            number != EL3HLT && number != EL3RST && number != EL2HLT)
            ck_assert_msg(!isupper((unsigned char)text[0]), "%s: %s", code, text);
    }
}
END_TEST

static Suite *status_suite(void)
{
    Suite *suite = suite_create("base/status");

    rl_case_loop(suite, codes_and_texts, NULL, NULL, 0, sizeof(table) / sizeof(table[0]));
    rl_case(suite, numbers_without_a_name, NULL, NULL);
    rl_case(suite, every_errno_has_a_code_and_a_text_in_lower_case, NULL, NULL);
    return suite;
}

RL_TEST_MAIN(status_suite)
