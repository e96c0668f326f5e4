/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tags from Lua tables to series, to the letter. Below Lua: tests/unit/vu. */
#include "base/rng.h"
#include "script_rig.h"
#include "test.h"

static int listener;
static char port[8];

/* On a port below those that the kernel chooses from: a load test may have left all of them in
 * TIME_WAIT. */
static void listen_somewhere(void)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint64_t seed = rl_clock_ns();
    int on = 1, rc = -1;

    listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    for (int i = 0; i < 200 && rc < 0; i++) {
        sin.sin_port = htons((uint16_t)(10000 + rl_splitmix64(&seed) % 20000));
        rc = bind(listener, (struct sockaddr *)&sin, sizeof(sin));
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(listen(listener, 16), 0);
    snprintf(port, sizeof(port), "%u", (unsigned)ntohs(sin.sin_port));
}

/* A listener whose queue is all that a connection needs; %s in source is its port. */
static void start(const char *source)
{
    static const struct rl_resolve_config config = {.dns = {.ttl_ns = 0}};
    static char text[4096];
    char why[100];

    listen_somewhere();
    snprintf(text, sizeof(text), "local tcp = require('k6/x/tcp')\nlocal port = %s\n%s", port,
             source);
    rig.resolver = rl_resolver_new(&config, why, sizeof(why));
    ck_assert_ptr_nonnull(rig.resolver);
    rig_start(text);
    rig_run_well(1, "test");
}

static void finish(void)
{
    rig_close();
    rl_resolver_free(rig.resolver);
    close(listener);
}

/* The tag sets of a metric's samples, as "a=1,b=2;c=3"; the listener's port as PORT. */
static const char *tags_of(uint32_t metric)
{
    static char text[2048];
    size_t n = 0;

    text[0] = '\0';
    for (uint32_t i = RL_SERIES_LOST + 1; i < rl_shard_series_count(&rig.shard); i++) {
        struct rl_series series = rl_shard_series_at(&rig.shard, i);

        if (series.metric->id != metric || rig.shard.active->sinks[i].count == 0)
            continue;
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", n == 0 ? "" : ";");
        for (uint32_t k = 0; k < series.tags->count; k++) {
            const struct rl_tag *tag = &series.tags->tags[k];

            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s=%s", k == 0 ? "" : ",",
                                  tag->key, strcmp(tag->value, port) == 0 ? "PORT" : tag->value);
        }
    }
    return text;
}

/* T-006: values in text; T-203, T-204: the four of the module's own, and no more. */
START_TEST(values)
{
    start("function test()\n"
          "  local s <close> = tcp.Socket.new{tags = {whole = 5, float = 2.0, half = 1.5, yes = "
          "true,\n"
          "                                           no = false, text = 'x', empty = ''}}\n"
          "  s:connect{port = port, host = '127.0.0.1', tags = {more = 7}}\n"
          "end\n");
    ck_assert_str_eq(tags_of(RL_M_TCP_SOCKETS),
                     "empty=,float=2,group=,half=1.5,host=127.0.0.1,ip=127.0.0.1,more=7,no=false,"
                     "port=PORT,proto=TCP,text=x,whole=5,yes=true");
    finish();
}
END_TEST

/* T-202: base, proto, constructor, connect, write, then host, port, ip. T-194, T-195, T-197. */
START_TEST(precedence)
{
    static const char connected[] =
        "a=connect,b=constructor,group=mine,host=127.0.0.1,ip=127.0.0.1,"
        "port=PORT,proto=own";

    start("function test()\n"
          "  local s <close> = tcp.Socket.new{tags = {a = 'constructor', b = 'constructor',\n"
          "                                           proto = 'own', host = 'mine'}}\n"
          "  s:connect{port = tostring(port), host = '127.0.0.1',\n"
          "            tags = {a = 'connect', ip = 'mine', group = 'mine'}}\n"
          "  s:write('x', {tags = {a = 'write', port = 'mine', c = 'write'}})\n"
          "  pcall(s.write, s, 5, {tags = {a = 'refused'}})\n"
          "end\n");
    ck_assert_str_eq(tags_of(RL_M_TCP_SOCKETS), connected);
    ck_assert_str_eq(tags_of(RL_M_TCP_SOCKET_CONNECTING), connected);
    ck_assert_str_eq(tags_of(RL_M_TCP_SOCKET_DURATION), connected);
    ck_assert_str_eq(tags_of(RL_M_TCP_WRITES),
                     "a=write,b=constructor,c=write,group=mine,host=127.0.0.1,ip=127.0.0.1,"
                     "port=PORT,proto=own");
    ck_assert_str_eq(tags_of(RL_M_TCP_ERRORS),
                     "a=refused,b=constructor,group=mine,host=127.0.0.1,ip=127.0.0.1,port=PORT,"
                     "proto=own");
    ck_assert_str_eq(tags_of(RL_M_DATA_SENT), "group="); /* T-201 */
    finish();
}
END_TEST

/* T-042: a later connect's tags replace those of the one before. T-196: an invalid one has neither. */
START_TEST(two_attempts)
{
    start("function test()\n"
          "  local s <close> = tcp.Socket.new{tags = {a = '1'}}\n"
          "  pcall(s.connect, s, {port = port, host = '', tags = {b = '2'}, timeout = 'soon'})\n"
          "  pcall(s.connect, s, {port = 0, host = '127.0.0.1', tags = {c = '3'}})\n"
          "  s:connect{port = port, host = '127.0.0.1', tags = {d = '4'}}\n"
          "  s:write('x')\n"
          "end\n");
    ck_assert_str_eq(tags_of(RL_M_TCP_ERRORS),
                     "a=1,group=,proto=TCP;a=1,c=3,group=,host=127.0.0.1,ip=127.0.0.1,port=0,"
                     "proto=TCP");
    ck_assert_str_eq(tags_of(RL_M_TCP_WRITES),
                     "a=1,d=4,group=,host=127.0.0.1,ip=127.0.0.1,port=PORT,proto=TCP");
    finish();
}
END_TEST

/* The VU's tags are those of the moment; T-203: localhost where no host is given, as requested. */
START_TEST(base_of_the_moment)
{
    start("local exec = require('k6/execution')\n"
          "function test()\n"
          "  exec.vu.metrics.tags.phase = 'one'\n"
          "  local s <close> = tcp.Socket.new()\n"
          "  s:connect(port)\n"
          "  exec.vu.metrics.tags.phase = 'two'\n"
          "  s:write('x')\n"
          "end\n");
    ck_assert_str_eq(tags_of(RL_M_TCP_SOCKET_RESOLVING),
                     "group=,host=localhost,phase=one,port=PORT,proto=TCP");
    ck_assert_str_eq(tags_of(RL_M_TCP_WRITES),
                     "group=,host=localhost,ip=127.0.0.1,phase=two,port=PORT,proto=TCP");
    finish();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("tcp_tags");
    TCase *tc = tcase_create("tags");

    tcase_add_test(tc, values);
    tcase_add_test(tc, precedence);
    tcase_add_test(tc, two_attempts);
    tcase_add_test(tc, base_of_the_moment);
    suite_add_tcase(s, tc);
    return s;
}

RL_TEST_MAIN(suite)
