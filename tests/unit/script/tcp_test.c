/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The socket as scripts see it, against a real server: section 15 of the socket's specification. */
#include "base/rng.h"
#include "script_rig.h"
#include "test.h"

enum { BURST = 100000 };

static const char *const prelude =
    "local tcp, k6 = require 'k6/x/tcp', require 'k6'\n"
    "assert(tcp == require 'ringload/tcp')\n"
    "local PORT, SILENT = %d, %d\n"
    "local function connected(opts) local s = tcp.Socket.new(opts) s:connect(PORT, '127.0.0.1') "
    "return s end\n"
    "local function raises(code, f, ...)\n"
    "  local ok, e = pcall(f, ...)\n"
    "  assert(not ok, 'it did not raise')\n"
    "  assert(getmetatable(e) == tcp.TCPError, tostring(e))\n"
    "  assert(e.code == code, tostring(e) .. ' ' .. tostring(e.code))\n"
    "  return e\n"
    "end\n"
    "function default() assert(k6) end\n";

/* What the peer is to do is what it is sent. */
static void *serve_one(void *arg)
{
    struct linger at_once = {.l_onoff = 1};
    int fd = (int)(intptr_t)arg;
    static char burst[BURST];
    char data[4096];
    ssize_t size;

    while ((size = recv(fd, data, sizeof(data), 0)) > 0) {
        if (size >= 3 && memcmp(data, "FIN", 3) == 0)
            break;
        if (size >= 3 && memcmp(data, "RST", 3) == 0) {
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
            break;
        }
        if (size >= 5 && memcmp(data, "BURST", 5) == 0)
            send(fd, burst, sizeof(burst), MSG_NOSIGNAL);
        else
            send(fd, data, (size_t)size, MSG_NOSIGNAL);
    }
    close(fd);
    return NULL;
}

static void *serve(void *arg)
{
    int fd, listener = (int)(intptr_t)arg;
    pthread_t thread;

    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        if (pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd) == 0)
            pthread_detach(thread);
    }
    return NULL;
}

/* On a port below those that the kernel chooses from: a load test may have left all of them in
 * TIME_WAIT. */
static int listen_somewhere(struct sockaddr_in *sin, int backlog)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1, rc = -1;
    uint64_t seed = rl_clock_ns();

    *sin = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    for (int i = 0; i < 200 && rc < 0; i++) {
        sin->sin_port = htons((uint16_t)(10000 + rl_splitmix64(&seed) % 20000));
        rc = bind(listener, (struct sockaddr *)sin, sizeof(*sin));
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(listen(listener, backlog), 0);
    return listener;
}

static int start_server(void)
{
    struct sockaddr_in sin;
    int listener = listen_somewhere(&sin, 64);
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, serve, (void *)(intptr_t)listener), 0);
    pthread_detach(thread);
    return ntohs(sin.sin_port);
}

/* A server whose backlog is full: connecting to it neither succeeds nor fails. */
static int start_silent_server(void)
{
    struct sockaddr_in sin;

    listen_somewhere(&sin, 0);
    for (int i = 0; i < 4; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

        (void)connect(fd, (struct sockaddr *)&sin, sizeof(sin));
    }
    return ntohs(sin.sin_port);
}

/* The prelude and the script, started. */
static void start(const char *source)
{
    static const struct rl_resolve_config config = {.dns = {.ttl_ns = 0}};
    static char text[16384];
    char why[100];
    int n = snprintf(text, sizeof(text), prelude, start_server(), start_silent_server());

    snprintf(text + n, sizeof(text) - (size_t)n, "%s", source);
    rig.resolver = rl_resolver_new(&config, why, sizeof(why));
    ck_assert_ptr_nonnull(rig.resolver);
    rig_start(text);
}

static void finish(void)
{
    rig_close();
    rl_resolver_free(rig.resolver);
}

static void pass(const char *source)
{
    start(source);
    rig_run_well(1, "test");
    finish();
}

START_TEST(echo)
{
    pass("function test()\n"
         "  local s = connected()\n"
         "  local got, order = {}, {}\n"
         "  s:on('connect', function() error('too late for this one') end)\n"
         "  s:on('data', function(d) got[#got + 1] = d if #got < 3 then s:write('again') else "
         "s:destroy() end end)\n"
         "  s:on('close', function(...) order[#order + 1] = 'close' assert(select('#', ...) == 0) "
         "end)\n"
         "  assert(s:write('first') == nil)\n"
         "  assert(s:wait('close') == true)\n"
         "  assert(table.concat(got, ',') == 'first,again,again')\n"
         "  assert(s.bytes_read == 15 and s.bytes_written == 15 and s.bytesRead == 15)\n"
         "  assert(#order == 1 and s.ready_state == 'destroyed' and s:wait('close') == true)\n"
         "  assert(select('#', s:wait('data')) == 2 and select(2, s:wait('data')) == 'closed')\n"
         "end\n");
}
END_TEST

START_TEST(properties)
{
    pass(
        "function test()\n"
        "  local s = tcp.Socket{tags = {a = 1}}\n"
        "  assert(type(s) == 'userdata' and tostring(s):find('^Socket'))\n"
        "  assert(s.ready_state == 'disconnected' and s.connected == false and s.local_ip == nil)\n"
        "  assert(s.bytes_read == 0 and s.mine == nil and s.remote_port == nil)\n"
        "  s.mine = 5; s[1] = 'one'; assert(s.mine == 5 and s[1] == 'one')\n"
        "  for _, name in ipairs{'ready_state', 'connected', 'bytesRead', 'on', 'remotePort'} do\n"
        "    assert(not pcall(function() s[name] = 1 end), name) end\n"
        "  s:connect{port = tostring(PORT), host = '127.0.0.1'}\n"
        "  assert(s.ready_state == 'open' and s.connected == true and s.remote_port == PORT)\n"
        "  assert(s.local_ip == '127.0.0.1' and s.remoteIp == '127.0.0.1')\n"
        "  assert(math.type(s.local_port) == 'integer' and s.localPort == s.local_port)\n"
        "  s:destroy('ignored')\n"
        "  assert(s.ready_state == 'destroyed' and s.local_ip == nil and s.connected == false)\n"
        "  assert(getmetatable(s) == false)\n"
        "  assert(not pcall(s.write, {}) and not pcall(s.write) and not pcall(s.write, io))\n"
        "end\n");
}
END_TEST

START_TEST(constructor_arguments)
{
    pass("function test()\n"
         "  tcp.Socket.new(); tcp.Socket.new(nil); tcp.Socket.new{}; tcp.Socket(); "
         "tcp.Socket.new{unknown = 1}\n"
         "  for _, bad in ipairs{5, 'x', true, {tags = 5}, {tags = {a = {}}}, {read_size = 0}, "
         "{read_size = 'x'}} do\n"
         "    local ok, e = pcall(tcp.Socket.new, bad)\n"
         "    assert(not ok and type(e) == 'string', tostring(e)) end\n"
         "  assert(not pcall(function() tcp.Socket.new = 1 end))\n"
         "  assert(not pcall(function() tcp.TCPError.__tostring = 1 end))\n"
         "end\n");
}
END_TEST

START_TEST(invalid_connects)
{
    double sum;

    start("function test()\n"
          "  local s, errors = tcp.Socket.new(), 0\n"
          "  s:on('error', function(e) errors = errors + 1 assert(e.method == 'connect') end)\n"
          "  for _, bad in ipairs{true, print, 1.5, io or false} do\n"
          "    assert(raises('EINVAL', s.connect, s, bad).message:find('invalid type')) end\n"
          "  assert(raises('EINVAL', s.connect, s).message:find('invalid type'))\n"
          "  assert(errors == 5)\n"
          "  for _, bad in ipairs{'http', {}, {port = 1.5}, {port = 'x'}, {port = {}}, -1, 65536, "
          "'1.5', {port = 1e300}} do\n"
          "    assert(raises('EINVAL', s.connect, s, bad).message:find('invalid port')) end\n"
          "  raises('EINVAL', s.connect, s, {port = PORT, tags = 5})\n"
          "  raises('EINVAL', s.connect, s, {port = PORT, tags = {a = {}}})\n"
          "  raises('EINVAL', s.connect, s, {port = PORT, timeout = {}})\n"
          "  assert(raises('ETLS', s.connect, s, {port = PORT, tls = true}).message:find('^TLS "
          "handshake failed'))\n"
          "  raises('ENOTFOUND', s.connect, s, PORT, '')\n"
          "  raises('ENOTFOUND', s.connect, s, PORT, 'a\\0b')\n"
          "  raises('ENOTFOUND', s.connect, s, PORT, '[::1]')\n"
          "  assert(errors == 5 + 9 + 4 + 3 and s.ready_state == 'disconnected')\n"
          "  s:connect{port = (' %d '):format(PORT), host = ''}\n"
          "  s:destroy()\n"
          "  raises('EDESTROYED', s.connect, s, PORT)\n"
          "  raises('EINVAL', s.connect, s, true)\n"
          "end\n");
    rig_run_well(1, "test");
    ck_assert_uint_eq(rig_samples("tcp_errors", NULL, NULL, &sum), 5 + 9 + 4 + 3 + 2);
    ck_assert_uint_eq(rig_samples("tcp_sockets", NULL, NULL, &sum), 1);
    finish();
}
END_TEST

START_TEST(refused)
{
    pass("function test()\n"
         "  local s, seen = tcp.Socket.new(), {}\n"
         "  s:on('error', function(e) seen[#seen + 1] = e.code end)\n"
         "  s:on('close', function() seen[#seen + 1] = 'close' end)\n"
         "  local e = raises('ECONNREFUSED', s.connect, s, 1, '127.0.0.1')\n"
         "  assert(e.name == 'TCPError' and e.method == 'connect' and e.message:find('connection "
         "refused'))\n"
         "  assert(e.message:find('127.0.0.1:1', 1, true))\n"
         "  assert(tostring(e) == 'TCP error during connect: ' .. e.message)\n"
         "  assert(seen[1] == 'ECONNREFUSED' and #seen == 1, 'the handler runs before the raise')\n"
         "  assert(s.ready_state == 'disconnected')\n"
         "  s:connect(PORT, '127.0.0.1')\n"
         "  raises('EISCONN', s.connect, s, PORT, '127.0.0.1')\n"
         "  assert(s.connected)\n"
         "  s:destroy() s:wait('close')\n"
         "  assert(table.concat(seen, ',') == 'ECONNREFUSED,EISCONN,close')\n"
         "end\n");
}
END_TEST

START_TEST(encodings)
{
    pass("function test()\n"
         "  local s, errors = connected(), {}\n"
         "  s:on('error', function(e) errors[#errors + 1] = e.method end)\n"
         "  local function echoed(data, encoding, expected)\n"
         "    k6.spawn(function() s:write(data, {encoding = encoding, tags = {op = 'x'}}) end)\n"
         "    local ok, got = s:wait('data', 2000)\n"
         "    assert(ok and got == expected, tostring(got)) end\n"
         "  echoed('plain', nil, 'plain'); echoed('\\xff\\0', 'utf8', '\\xff\\0'); echoed('a', "
         "'UTF-8', 'a')\n"
         "  echoed('b', 'ascii', 'b'); echoed('c', '', 'c')\n"
         "  echoed('48656c6C6f', 'HEX', 'Hello'); echoed('SGVs\\nbG8=', 'base64', 'Hello')\n"
         "  echoed('Pj4_', 'base64url', '>>?')\n"
         "  for _, bad in ipairs{{'4', 'hex'}, {'SGVsbG8', 'base64'}, {'!', 'base64url'}} do\n"
         "    raises('EINVAL', s.write, s, bad[1], {encoding = bad[2]}) end\n"
         "  assert(raises('EINVAL', s.write, s, 'x', {encoding = "
         "'latin1'}).message:find('unsupported encoding: latin1'))\n"
         "  for _, bad in ipairs{5, true, {}, print} do\n"
         "    assert(raises('EINVAL', s.write, s, bad).message:find('invalid type')) end\n"
         "  assert(raises('EINVAL', s.write, s).method == 'write')\n"
         "  assert(#errors == 9)\n"
         "  for _, bad in ipairs{5, 'x', {tags = 5}, {tags = {a = print}}} do\n"
         "    local ok, e = pcall(s.write, s, 'x', bad)\n"
         "    assert(not ok and type(e) == 'string' and #errors == 9) end\n"
         "  s:write('')\n"
         "  s:destroy()\n"
         "  raises('ENOTCONN', s.write, s, 'x')\n"
         "  raises('ENOTCONN', tcp.Socket.new().write, tcp.Socket.new(), 'x')\n"
         "end\n");
}
END_TEST

START_TEST(handlers)
{
    start("function test()\n"
          "  local s, calls = tcp.Socket.new(), {}\n"
          "  assert(s:on('connect', function() calls[#calls + 1] = 'old' end) == nil)\n"
          "  s:on('connect', function() calls[#calls + 1] = 'connect' end)\n"
          "  s:on('data', setmetatable({}, {__call = function(_, d) calls[#calls + 1] = d end}))\n"
          "  s:on('nothing', print)\n"
          "  for _, f in ipairs{5, 'x', {}} do assert(not pcall(s.on, s, 'data', f)) end\n"
          "  assert(not pcall(s.on, s, 'data', nil) and not pcall(s.on, s, 5, print))\n"
          "  s:connect(PORT, '127.0.0.1')\n"
          "  calls[#calls + 1] = 'returned'\n"
          "  s:write('x'); s:wait('data')\n"
          "  s:on('close', function() calls[#calls + 1] = 'captured' end)\n"
          "  s:destroy()\n"
          "  s:on('close', function() calls[#calls + 1] = 'not me' end)\n"
          "  s:wait('close')\n"
          "  assert(table.concat(calls, ',') == 'connect,returned,x,captured', table.concat(calls, "
          "','))\n"
          "end\n");
    rig_run_well(1, "test");
    rig_expect_log("which is replaced\" module=tcp event=connect");
    rig_expect_log("there is no such event; its handler is ignored\" module=tcp event=nothing");
    finish();
}
END_TEST

START_TEST(peers_that_end)
{
    pass("local function events(command)\n"
         "  local s, seen = connected(), {}\n"
         "  s:on('error', function(e) seen[#seen + 1] = e.method .. ' ' .. e.code\n"
         "    assert(s.ready_state == 'destroyed') end)\n"
         "  s:on('close', function() seen[#seen + 1] = 'close' end)\n"
         "  s:write(command)\n"
         "  s:wait('close')\n"
         "  return table.concat(seen, ',')\n"
         "end\n"
         "function test()\n"
         "  assert(events('FIN') == 'close')\n"
         "  assert(events('RST') == 'read ECONNRESET,close')\n"
         "end\n");
}
END_TEST

START_TEST(chunks_have_a_bound)
{
    pass("function test()\n"
         "  local s, total, largest = connected{read_size = 1000}, 0, 0\n"
         "  s:on('data', function(d)\n"
         "    total = total + #d; largest = math.max(largest, #d)\n"
         "    if total == 100000 then s:destroy() end end)\n"
         "  s:on('close', function() assert(total == s.bytes_read) end)\n"
         "  s:write('BURST')\n"
         "  s:wait('close')\n"
         "  assert(total == 100000 and largest == 1000)\n"
         "end\n");
}
END_TEST

START_TEST(timeouts)
{
    pass("function test()\n"
         "  local s, n = connected(), 0\n"
         "  s:on('timeout', function() n = n + 1 end)\n"
         "  assert(s:set_timeout(20.9) == s and s:setTimeout('30') == s)\n"
         "  k6.sleep(0.3)\n"
         "  assert(n >= 2 and n <= 10 and s.connected, n)\n"
         "  s:set_timeout(); n = 0\n"
         "  for _, off in ipairs{0, -1, 'x', 0.9} do s:set_timeout(off) end\n"
         "  k6.sleep(0.05)\n"
         "  assert(n == 0)\n"
         "  assert(not pcall(s.set_timeout, s, {}))\n"
         "  local t, why = s:wait('data', 10)\n"
         "  assert(t == nil and why == 'timeout')\n"
         "  s:set_timeout(10); assert(s:wait('timeout') == true)\n"
         "  s:destroy()\n"
         "  assert(s:set_timeout(10) == s)\n"
         "end\n");
}
END_TEST

START_TEST(closing_by_scope)
{
    pass("function test()\n"
         "  local seen\n"
         "  do local s <close> = connected() s:on('close', function() seen = true end) end\n"
         "  k6.sleep(0.01)\n"
         "  assert(seen)\n"
         "  for i = 1, 5000 do tcp.Socket.new() end\n"
         "end\n");
}
END_TEST

START_TEST(writes_keep_their_order)
{
    pass("function test()\n"
         "  local s, got = connected(), {}\n"
         "  s:on('data', function(d) got[#got + 1] = d end)\n"
         "  for i = 0, 9 do k6.spawn(function() s:write(tostring(i)) end) end\n"
         "  k6.sleep(0.02)\n"
         "  while #table.concat(got) < 10 do s:wait('data') end\n"
         "  assert(table.concat(got) == '0123456789')\n"
         "  s:destroy()\n"
         "end\n");
}
END_TEST

START_TEST(destroy_while_opening)
{
    pass("function test()\n"
         "  local s, closed = tcp.Socket.new()\n"
         "  s:on('close', function() closed = true end)\n"
         "  s:on('error', function() error('no event') end)\n"
         "  k6.spawn(function()\n"
         "    assert(s.readyState == 'opening' and not s.connected)\n"
         "    s:destroy()\n"
         "  end)\n"
         "  local e = raises('ECANCELED', s.connect, s, SILENT, '127.0.0.1')\n"
         "  s:wait('close')\n"
         "  assert(closed)\n"
         "end\n");
}
END_TEST

START_TEST(failing_handlers_abort)
{
    start("local kept\n"
          "function test()\n"
          "  local s = connected() kept = s\n"
          "  s:on('data', function() error('in handler') end)\n"
          "  s:on('close', function() print('no handler after the abort') end)\n"
          "  s:write('x'); k6.sleep(5)\n"
          "end\n"
          "function uncaught() connected():connect(PORT) end\n"
          "function after()\n"
          "  assert(kept.ready_state == 'destroyed'); kept:destroy(); kept:set_timeout(5)\n"
          "  raises('ENOTCONN', kept.write, kept, 'x')\n"
          "end\n");
    ck_assert(rig_run(1, "test")->failed);
    rig_expect_log("in handler");
    rig_run_well(1, "after");
    rig_expect_no_log("no handler after");
    ck_assert(rig_run(1, "uncaught")->failed);
    rig_expect_log("msg=\"TCP error during connect: ");
    finish();
}
END_TEST

START_TEST(open_socket_holds_the_iteration)
{
    struct rl_vu *vu;

    start("function test() connected():on('data', print) end\n");
    vu = rig_vu(1);
    vu->exec = rig_function("test");
    rl_vu_begin(vu);
    for (uint64_t until_ns = rl_clock_ns() + 100 * RL_NS_PER_MS; rl_clock_ns() < until_ns;)
        rig_turn();
    ck_assert_int_eq(rig.done, 0);
    rl_vu_interrupt(vu);
    ck_assert_int_eq(rig.outcome, RL_ITERATION_INTERRUPTED);
    finish();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("tcp");
    TCase *tc = tcase_create("socket");

    tcase_add_test(tc, echo);
    tcase_add_test(tc, properties);
    tcase_add_test(tc, constructor_arguments);
    tcase_add_test(tc, closing_by_scope);
    suite_add_tcase(s, tc);
    tc = tcase_create("connect");
    tcase_add_test(tc, invalid_connects);
    tcase_add_test(tc, refused);
    tcase_add_test(tc, destroy_while_opening);
    suite_add_tcase(s, tc);
    tc = tcase_create("write");
    tcase_add_test(tc, encodings);
    tcase_add_test(tc, writes_keep_their_order);
    suite_add_tcase(s, tc);
    tc = tcase_create("events");
    tcase_add_test(tc, handlers);
    tcase_add_test(tc, peers_that_end);
    tcase_add_test(tc, chunks_have_a_bound);
    tcase_add_test(tc, timeouts);
    suite_add_tcase(s, tc);
    tc = tcase_create("iteration");
    tcase_add_test(tc, failing_handlers_abort);
    tcase_add_test(tc, open_socket_holds_the_iteration);
    suite_add_tcase(s, tc);
    return s;
}

RL_TEST_MAIN(suite)
