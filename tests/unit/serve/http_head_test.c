/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serve/http_head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

/* What came of text in pieces of at most piece bytes: "R" a request, "B" bad, then "." if bytes of a
 * request are left over. */
static const char *feed(const char *text, size_t size, size_t piece, struct rl_http_head *last)
{
    static char result[64];
    struct rl_http_head head;
    size_t count = 0, at = 0;
    bool inside = false;

    memset(&head, 0, sizeof(head));
    while (at < size && count < sizeof(result) - 2) {
        size_t given = size - at < piece ? size - at : piece, used;
        /* A copy of its own size, so that a sanitizer sees a byte read too many. */
        uint8_t *copy = malloc(given);
        enum rl_http_event event;

        memcpy(copy, text + at, given);
        event = rl_http_feed(&head, rl_slice_of(copy, given), &used);
        free(copy);
        ck_assert(used > 0 && used <= given);
        at += used;
        inside = event == RL_HTTP_MORE;
        if (event != RL_HTTP_MORE)
            result[count++] = event == RL_HTTP_REQUEST ? 'R' : 'B';
        if (event == RL_HTTP_REQUEST && last != NULL)
            *last = head;
        if (event == RL_HTTP_BAD) {
            if (last != NULL)
                *last = head;
            break;
        }
    }
    if (inside)
        result[count++] = '.';
    result[count] = '\0';
    return result;
}

/* Whatever the split, the outcome is the same. */
static void check(const char *text, const char *expected)
{
    size_t size = strlen(text);

    for (size_t piece = 1; piece <= size; piece++)
        ck_assert_msg(strcmp(feed(text, size, piece, NULL), expected) == 0, "%s by %zu: %s", text,
                      piece, feed(text, size, piece, NULL));
}

START_TEST(requests_end_where_they_end)
{
    check(GET, "R");
    check(GET GET GET, "RRR");
    check(GET "GET / HT", "R.");
    check("GET / HTTP/1.1\nHost: a\n\n" GET, "RR"); /* bare line feeds */
    check("\r\n\r\n" GET "\r\n" GET, "RR");         /* empty lines before a request */
    check("GET / HTTP/1.1\r\nHost: a\r\n\r", ".");
    check("GET / HTTP/1.1\r\n\r\n", "R");
}
END_TEST

START_TEST(bodies_are_skipped)
{
    check("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello" GET, "RR");
    check("POST / HTTP/1.1\r\ncontent-length:9 \r\n\r\nGET /\r\n\r\n" GET, "RR");
    check("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n" GET, "RR");
    check("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell", ".");
}
END_TEST

START_TEST(bad_requests)
{
    static const struct {
        const char *text;
        unsigned problem;
    } rows[] = {
        {"hello\r\n", 400},
        {"GET /\r\n", 400},
        {"GET / HTTP/2.0\r\n", 400},
        {"GET / xHTTP/1.1\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length: x\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length:\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length: -1\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length: 1234567890123456789\r\n", 400},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", 411},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rl_http_head head;

        check(rows[i].text, "B");
        feed(rows[i].text, strlen(rows[i].text), 1, &head);
        ck_assert_uint_eq(head.problem, rows[i].problem);
    }
}
END_TEST

START_TEST(lines_of_any_length)
{
    static char text[RL_HTTP_HEAD_MAX + 100];
    struct rl_http_head head;

    memset(text, 'x', sizeof(text));
    for (int path = 1; path < 300; path++) {
        int size = snprintf(text, sizeof(text), "GET %0*d HTTP/1.%d\r\n\r\n", path, 0, path % 2);

        for (int piece = 1; piece < size; piece += piece < 70 ? 1 : 13) {
            ck_assert_str_eq(feed(text, (size_t)size, (size_t)piece, &head), "R");
            ck_assert_int_eq(head.is_old, path % 2 == 0);
        }
    }
    memset(text, 'x', sizeof(text));
    text[snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nA: ")] = 'x';
    ck_assert_str_eq(feed(text, sizeof(text), 1000, &head), "B");
    ck_assert_uint_eq(head.problem, 431);
}
END_TEST

START_TEST(what_the_answer_must_obey)
{
    static const struct {
        const char *text;
        bool is_head, is_old, wants_end;
    } rows[] = {
        {"GET / HTTP/1.1\r\n\r\n", false, false, false},
        {"HEAD / HTTP/1.1\r\n\r\n", true, false, false},
        {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false, false, true},
        {"GET / HTTP/1.1\r\nCONNECTION:\tClose \r\n\r\n", false, false, true},
        {"GET / HTTP/1.1\r\nConnection: keep-alive\r\n\r\n", false, false, false},
        {"GET / HTTP/1.0\r\n\r\n", false, true, true},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", false, true, false},
        {"GET / HTTP/1.1\r\nX-Connection: close\r\n\r\n", false, false, false},
        {"GET / HTTP/1.1\r\nConnection: closed\r\n\r\n", false, false, false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rl_http_head head = {0};

        ck_assert_str_eq(feed(rows[i].text, strlen(rows[i].text), 7, &head), "R");
        ck_assert_int_eq(head.is_head, rows[i].is_head);
        ck_assert_int_eq(head.is_old, rows[i].is_old);
        ck_assert_int_eq(head.wants_end, rows[i].wants_end);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("serve/http_head");

    rl_case(s, requests_end_where_they_end, NULL, NULL);
    rl_case(s, bodies_are_skipped, NULL, NULL);
    rl_case(s, bad_requests, NULL, NULL);
    rl_case(s, lines_of_any_length, NULL, NULL);
    rl_case(s, what_the_answer_must_obey, NULL, NULL);
    return s;
}

RL_TEST_MAIN(suite)
