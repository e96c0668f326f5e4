/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The samples of ringload/http and ringload/redis, and metrics.recorder: their tags. What the
 * modules do on the wire, tests/system/protocols_test.py checks. */
#include "base/rng.h"
#include "script_rig.h"
#include "test.h"

/* A server with one answer to whatever comes. */
static struct {
    const char *answer;
    int listener;
} server;

static void *serve(void *arg)
{
    char buffer[1000];
    int fd;

    (void)arg;
    while ((fd = accept(server.listener, NULL, NULL)) >= 0) {
        while (recv(fd, buffer, sizeof(buffer), 0) > 0) {
            if (send(fd, server.answer, strlen(server.answer), MSG_NOSIGNAL) < 0)
                break;
        }
        close(fd);
    }
    return NULL;
}

/* On a port below those that the kernel chooses from. */
static int start_server(const char *answer)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint64_t seed = rl_clock_ns();
    pthread_t thread;
    int rc = -1;

    server.answer = answer;
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    for (int i = 0; i < 200 && rc < 0; i++) {
        sin.sin_port = htons((uint16_t)(10000 + rl_splitmix64(&seed) % 20000));
        rc = bind(server.listener, (struct sockaddr *)&sin, sizeof(sin));
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(listen(server.listener, 8), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
    pthread_detach(thread);
    return ntohs(sin.sin_port);
}

/* The script knows it as port. */
static void run_script(const char *body, int port)
{
    static const struct rl_resolve_config config = {.dns = {.ttl_ns = 0}};
    char script[4000], why[100];

    rig.resolver = rl_resolver_new(&config, why, sizeof(why));
    ck_assert_ptr_nonnull(rig.resolver);
    ck_assert_int_lt(snprintf(script, sizeof(script), "local port = %d\n%s", port, body),
                     (int)sizeof(script));
    rig_start(script);
    rig_run_well(1, "default");
}

static void expect_count(const char *name, const char *key, const char *value, unsigned count)
{
    double sum;
    unsigned got = rig_samples(name, key, value, &sum);

    ck_assert_msg(got == count, "%s %s=%s: %u samples", name, key, value, got);
}

static void finish(void)
{
    rig_close();
    rl_resolver_free(rig.resolver);
}

START_TEST(http_samples_have_k6s_tags)
{
    double sum;

    run_script(
        "local http, k6 = require 'ringload/http', require 'k6'\n"
        "function default()\n"
        "  local c <close> = http.client{host = '127.0.0.1', port = port, tags = {api = 'v1'}}\n"
        "  for i = 1, 3 do assert(c:get('/a?x=' .. i % 2).status == 404) end\n"
        "  c:post('/b', 'x', {name = 'B', tags = {extra = 'yes', proto = 'mine'}})\n"
        "  k6.group('g', function() c:get('/a?x=1') end)\n"
        "  local lost <close> = http.client{host = '127.0.0.1', port = 1}\n"
        "  assert(not pcall(lost.get, lost, '/c'))\n"
        "end\n",
        start_server("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"));
    expect_count("http_reqs", NULL, NULL, 6);
    expect_count("http_req_duration", NULL, NULL, 5); /* what is not connected takes no time */
    expect_count("http_reqs", "method", "GET", 5);
    expect_count("http_reqs", "method", "POST", 1);
    expect_count("http_reqs", "name", "/a", 4);
    expect_count("http_reqs", "name", "B", 1);
    expect_count("http_reqs", "extra", "yes", 1);
    expect_count("http_reqs", "proto", "mine", 1);
    expect_count("http_reqs", "proto", "HTTP/1.1", 5);
    expect_count("http_reqs", "api", "v1", 5);
    expect_count("http_reqs", "status", "404", 5);
    expect_count("http_reqs", "status", "0", 1);
    expect_count("http_reqs", "expected_response", "false", 6);
    expect_count("http_reqs", "group", "::g", 1);
    ck_assert_uint_eq(rig_samples("http_req_failed", NULL, NULL, &sum), 6);
    ck_assert_double_eq(sum, 6);
    expect_count("tcp_writes", "api", "v1", 5);
    finish();
}
END_TEST

START_TEST(http_success_is_expected)
{
    double sum;

    run_script("local http = require 'ringload/http'\n"
               "function default()\n"
               "  local c <close> = http.client('http://127.0.0.1:' .. port)\n"
               "  for i = 1, 4 do assert(c:get('/').body == 'ok') end\n"
               "end\n",
               start_server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    expect_count("http_reqs", "status", "200", 4);
    expect_count("http_reqs", "expected_response", "true", 4);
    ck_assert_uint_eq(rig_samples("http_req_failed", NULL, NULL, &sum), 4);
    ck_assert_double_eq(sum, 0);
    ck_assert_uint_eq(rig_samples("http_req_duration", "name", "/", &sum), 4);
    ck_assert_double_gt(sum, 0);
    finish();
}
END_TEST

START_TEST(redis_samples_have_the_command)
{
    double sum;

    run_script("local redis = require 'ringload/redis'\n"
               "function default()\n"
               "  local r <close> = redis.client{port = port}\n"
               "  for i = 1, 3 do assert(not pcall(r.get, r, 'k')) end\n"
               "  r:close()\n"
               "  local tagged <close> = redis.client{port = port, tags = {api = 'v1'}}\n"
               "  assert(not pcall(tagged.call, tagged, 'incr', 'k'))\n"
               "end\n",
               start_server("-ERR no\r\n"));
    expect_count("redis_commands", NULL, NULL, 4);
    expect_count("redis_command_duration", "command", "GET", 3);
    expect_count("redis_commands", "command", "INCR", 1);
    expect_count("redis_commands", "api", "v1", 1);
    ck_assert_uint_eq(rig_samples("redis_command_failed", NULL, NULL, &sum), 4);
    ck_assert_double_eq(sum, 4);
    finish();
}
END_TEST

START_TEST(recorder_adds_to_several)
{
    double sum;

    rig_start("local m, k6 = require 'k6/metrics', require 'k6'\n"
              "local exec = require 'k6/execution'\n"
              "local c, t, r = m.Counter('c1'), m.Trend('t1', true), m.Rate('r1')\n"
              "assert(not pcall(m.recorder, nil, c), 'not in init')\n"
              "function default()\n"
              "  local rec = m.recorder({kind = 'x'}, c, t, r)\n"
              "  rec(1, 1.5, true)\n"
              "  rec(2, nil, false)\n"
              "  k6.group('g', function() rec(4) end)\n"
              "  exec.vu.metrics.tags.phase = 'late'\n"
              "  rec(8, '2.5')\n"
              "  m.recorder(nil, c)(16)\n"
              "  assert(not pcall(rec, 'x') and not pcall(rec, 0/0) and not pcall(rec, {}))\n"
              "  assert(not pcall(m.recorder, 5, c) and not pcall(m.recorder, {}))\n"
              "  assert(not pcall(m.recorder, {}, {}) and not pcall(m.recorder, {}, rec))\n"
              "  assert(not pcall(m.recorder, {}, c, c, c, c, c, c, c, c, c))\n"
              "end\n");
    rig_run_well(1, "default");
    ck_assert_uint_eq(rig_samples("c1", NULL, NULL, &sum), 5);
    ck_assert_double_eq(sum, 31);
    ck_assert_uint_eq(rig_samples("c1", "kind", "x", &sum), 4);
    ck_assert_double_eq(sum, 15);
    ck_assert_uint_eq(rig_samples("c1", "group", "::g", &sum), 1);
    ck_assert_double_eq(sum, 4);
    ck_assert_uint_eq(rig_samples("c1", "phase", "late", &sum), 2);
    ck_assert_double_eq(sum, 24);
    ck_assert_uint_eq(rig_samples("t1", NULL, NULL, &sum), 2);
    ck_assert_double_eq(sum, 4);
    ck_assert_uint_eq(rig_samples("r1", NULL, NULL, &sum), 2);
    ck_assert_double_eq(sum, 1);
    rig_close();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("protocols");
    TCase *tc = tcase_create("samples");

    tcase_add_test(tc, http_samples_have_k6s_tags);
    tcase_add_test(tc, http_success_is_expected);
    tcase_add_test(tc, redis_samples_have_the_command);
    tcase_add_test(tc, recorder_adds_to_several);
    suite_add_tcase(s, tc);
    return s;
}

RL_TEST_MAIN(suite)
