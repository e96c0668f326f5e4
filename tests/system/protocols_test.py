# SPDX-License-Identifier: GPL-3.0-or-later
"""s:exchange, ringload/http and ringload/redis against real servers, and against peers that answer in
single bytes, with garbage, too much, too late, or not at all."""

import pathlib
import re
import socket
import threading
import time
import unittest

import harness
import peers

LUA = harness.ROOT / "tests" / "lua"


# --- Peers: manners of peers.Peer. ---


def read_request(connection, end=b"\r\n\r\n"):
    data = b""
    while not data.endswith(end):
        piece = connection.recv(1 << 16)
        if not piece:
            return None
        data += piece
    return data


def answering(answer, then=None, step=1, end=b"\r\n\r\n"):
    """To each request the answer, step bytes a segment; then: what to do after so many of them."""
    def manner(peer, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        count = 0
        while read_request(connection, end) is not None:
            peer.count("requests")
            count += 1
            if count == then:
                return
            for at in range(0, len(answer), step):
                connection.sendall(answer[at:at + step])
    return manner


def early(peer, connection):
    """Answers at once, reads only later."""
    connection.sendall(b"early")
    time.sleep(0.3)
    connection.sendall(b"late")
    peer.drain(connection)


def never_reads(peer, connection):
    peer.wait_for_stop.wait(60)


def answers_and_resets(peer, connection):
    connection.recv(1000)
    connection.sendall(b"bye")
    time.sleep(0.1)
    harness.reset(connection)


class Peer(peers.Peer):
    def __init__(self, manner):
        self.wait_for_stop = threading.Event()
        peers.MANNERS["of this test"] = manner
        super().__init__("of this test", "127.0.0.1")
        self.counts["requests"] = 0

    def close(self):
        self.wait_for_stop.set()
        super().close()


class Scripted(unittest.TestCase):
    def run_default(self, body, peer, *flags, head="", seconds=60.0):
        """An iteration of body, with host, port; its run."""
        script = f"""
            local tcp, k6, json = require("k6/x/tcp"), require("k6"), require("json")
            local http, redis = require("ringload/http"), require("ringload/redis")
            local host, port = "{peer.host}", {peer.port}
            options = {{ vus = 1, iterations = 1 }}
            {head}
            function default()
              {body}
              print("reached the end")
            end
        """
        run = harness.run(script, "--log-format", "raw", *flags, seconds=seconds)
        self.assertEqual(run.code, 0, str(run))
        self.assertIn("reached the end", run.errors, str(run))
        return run


class Exchange(Scripted):
    def test_echo(self):
        with harness.serve("echo") as server:
            run = self.run_default("""
                local s <close> = tcp.Socket.new()
                assert(select("#", s:exchange("too early")) == 2)
                local none, err = s:exchange("x")
                assert(none == nil and err.code == "ENOTCONN" and getmetatable(err) == tcp.TCPError)
                s:connect(port, host)
                local before = k6.now()
                for i = 1, 100 do
                  local data, ms = s:exchange("hello " .. i, 5000)
                  assert(data == "hello " .. i and ms > 0 and ms < 60000, data)
                end
                assert(k6.now() > before)
                local none, why = s:exchange("", 20)
                assert(none == nil and why == "timeout")
                assert(s:exchange("again", 5000) == "again")
                assert(not pcall(s.exchange, s) and not pcall(s.exchange, s, 5))
                assert(not pcall(s.exchange, s, "x", 0/0) and not pcall(s.exchange, {}, "x"))
                local co = coroutine.wrap(function() coroutine.yield((s:exchange("in mine", 5000))) end)
                assert(co() == "in mine")
                k6.spawn(function() s:wait("data") end)
                k6.sleep(0)
                local ok, why = pcall(s.exchange, s, "x")
                assert(not ok and why:find("another coroutine"), why)
                s:destroy()
                local none, err = s:exchange("x")
                assert(none == nil and err.code == "ENOTCONN")
            """, server)
        self.assertEqual(run.count("tcp_writes"), 103)
        self.assertEqual(run.count("tcp_errors"), 0)

    def test_what_is_likely(self):
        with harness.serve("echo") as server:
            self.run_default("""
                local s <close> = tcp.Socket.new()
                s:connect(port, host)
                local long = ("x"):rep(100)
                for _, likely in ipairs{ "", "a", "abc", "abd", "abcd", long, ("x"):rep(99) .. "y", 5, false } do
                  for _, text in ipairs{ "a", "abc", long } do
                    local data, ms = s:exchange(text, 5000, likely)
                    assert(data == text and ms > 0, data)
                    local mine = coroutine.wrap(function() return s:exchange(text, 5000, likely) end)
                    assert(mine() == text)
                  end
                end
                local none, why = s:exchange("", 20, "abc")
                assert(none == nil and why == "timeout")
                local big = ("b"):rep(5000)
                local all, left = "", #big
                repeat
                  local data = s:exchange(left == #big and big or "", 5000, big)
                  all, left = all .. data, left - #data
                until left == 0
                assert(all == big)
            """, server)

    def test_handlers_run_first(self):
        with harness.serve("echo") as server:
            self.run_default("""
                local s <close> = tcp.Socket.new()
                local seen = {}
                s:on("data", function(d) seen[#seen + 1] = d end)
                s:connect(port, host)
                assert(s:exchange("abc", 5000) == "abc")
                assert(#seen == 1 and seen[1] == "abc")
            """, server)

    def test_peer_closes_or_resets(self):
        with Peer(answers_and_resets) as peer:
            self.run_default("""
                local s = tcp.Socket.new()
                s:connect(port, host)
                assert(s:exchange("hello", 5000) == "bye")
                local none, why = s:exchange("more", 5000)
                assert(none == nil and (why == "closed" or why.code), why)
            """, peer)

    def test_answer_before_the_write_has_ended(self):
        with Peer(early) as peer:
            run = self.run_default("""
                local s <close> = tcp.Socket.new()
                s:connect(port, host)
                local data = s:exchange(("x"):rep(16 * 1024 * 1024), 20000)
                assert(data == "early" or data == "earlylate", data)
            """, peer)
            self.assertEqual(run.count("tcp_writes"), 1)

    def test_time_is_over_before_the_write_has_ended(self):
        with Peer(never_reads) as peer:
            run = self.run_default("""
                local s <close> = tcp.Socket.new()
                s:connect(port, host)
                local none, err = s:exchange(("x"):rep(16 * 1024 * 1024), 200)
                assert(none == nil and err.code == "ETIMEDOUT" and err.method == "write", err)
                s:destroy()
            """, peer)
            self.assertEqual(run.count("tcp_writes"), 1)

    def test_destroyed_meanwhile(self):
        with Peer(never_reads) as peer:
            self.run_default("""
                local s = tcp.Socket.new()
                s:connect(port, host)
                k6.spawn(function() k6.sleep(0.05) s:destroy() end)
                local none, err = s:exchange(("x"):rep(16 * 1024 * 1024))
                assert(none == nil and err.code == "ECANCELED", err)
                local s = tcp.Socket.new()
                s:connect(port, host)
                k6.spawn(function() k6.sleep(0.05) s:destroy() end)
                local none, why = s:exchange("small")
                assert(none == nil and why == "closed", why)
            """, peer)

    def test_interrupted_while_it_waits(self):
        with Peer(never_reads) as peer:
            run = harness.run(f"""
                local tcp = require("k6/x/tcp")
                options = {{ scenarios = {{ a = {{ executor = "constant-vus", vus = 8, duration = "1s",
                            gracefulStop = "0s" }} }} }}
                function default()
                  local s = tcp.Socket.new()
                  s:connect({peer.port}, "{peer.host}")
                  s:exchange(("x"):rep(__VU % 2 == 0 and 16 * 1024 * 1024 or 8))
                  error("not to be reached")
                end
            """)
        self.assertEqual(run.code, 0, str(run))
        self.assertNotIn("not to be reached", run.errors)


class Parsers(unittest.TestCase):
    def test_samples(self):
        run = harness.run(pathlib.Path(LUA, "protocols.lua"))
        self.assertEqual(run.code, 0, str(run))
        self.assertEqual(run.count("iterations"), 1, str(run))
        self.assertNotIn("level=error", run.errors)
        checks = run.metric("checks")
        self.assertEqual((checks.get("passes"), checks.get("fails")), (70, 0), str(run))


class Http(Scripted):
    OK = b"HTTP/1.1 200 OK\r\nServer: t\r\nContent-Length: 5\r\n\r\nhello"
    CHUNKED = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nb;x=y\r\n"
               b"hello world\r\n0\r\nT: x\r\n\r\n")

    def test_against_nginx(self):
        with harness.nginx() as nginx:
            run = self.run_default("""
                local c <close> = http.client{ host = host, port = port, headers = { ["X-A"] = "b" } }
                for i = 1, 50 do
                  local r = c:get("/a?i=" .. i % 3)
                  assert(r.status == 200 and r.body == "hello\\n" and r.duration > 0)
                  assert(r.headers["content-length"] == "6" and r.headers.server:find("nginx"))
                end
                local r = c:head("/")
                assert(r.status == 200 and r.body == "" and r.headers["content-length"] == "6")
                local r = c:post("/", "data", { headers = { ["Content-Type"] = "text/plain" } })
                assert(r.status == 200 and r.body == "hello\\n")
                local get = c:prepare("GET", "/p", { tags = { kind = "prepared" } })
                for i = 1, 10 do assert(c:send(get).body == "hello\\n") end
                local all = c:pipeline{ get, c:prepare("HEAD", "/"), get, get }
                assert(#all == 4 and all[2].body == "" and all[4].body == "hello\\n" and all[1].body == "hello\\n")
                assert(#c:pipeline{} == 0)
                local r = c:get("/", { headers = { Connection = "close" } })
                assert(r.status == 200 and r.headers.connection == "close")
                assert(c:get("/").body == "hello\\n")
            """, nginx)
        self.assertEqual(run.count("http_reqs"), 50 + 1 + 1 + 10 + 4 + 2)
        self.assertEqual(run.count("tcp_sockets"), 2)
        self.assertEqual(run.metric("http_req_failed").get("fails"), run.count("http_reqs"))
        self.assertGreater(run.metric("http_req_duration").get("avg"), 0)

    def test_many_users(self):
        with harness.nginx() as nginx:
            run = harness.run(f"""
                local http, k6 = require("ringload/http"), require("k6")
                options = {{ vus = 50, iterations = 200 }}
                function default()
                  local function one()
                    local c <close> = http.client("http://{nginx.host}:{nginx.port}")
                    for i = 1, 10 do
                      assert(c:get("/").body == "hello\\n")
                    end
                  end
                  k6.all{{ one, one, one }}
                end
            """, "--workers", "3", "--vus-per-cell", "7")
        self.assertEqual(run.code, 0, str(run))
        self.assertEqual(run.count("http_reqs"), 200 * 30, str(run))
        self.assertEqual(run.count("tcp_sockets"), 200 * 3)

    def answers(self, answer, body, then=None, steps=(1, 7, 100000), **options):
        for step in steps:
            with self.subTest(step=step), Peer(answering(answer, then, step)) as peer:
                run = self.run_default("local c <close> = http.client{ host = host, port = port, timeout = "
                                       f"{int(20000 * harness.SLOWDOWN)}, max_header = 1000, "
                                       "max_body = 1000 }\n" + body, peer, **options)
        return run, peer

    def test_cut_anywhere(self):
        run, _ = self.answers(self.OK, """
            for i = 1, 5 do
              local r = c:get("/")
              assert(r.status == 200 and r.body == "hello" and r.headers.server == "t")
            end
        """)
        self.assertEqual(run.count("tcp_sockets"), 1)
        self.answers(self.CHUNKED, """
            for i = 1, 3 do
              local r = c:get("/")
              assert(r.status == 200 and r.body == "abchello world")
            end
        """)

    def test_until_close(self):
        run, _ = self.answers(b"", "assert(true)")
        def manner(peer, connection):
            read_request(connection)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nall ")
            time.sleep(0.05)
            connection.sendall(b"there is")
        with Peer(manner) as peer:
            run = self.run_default("""
                local c <close> = http.client{ host = host, port = port }
                for i = 1, 3 do assert(c:get("/").body == "all there is") end
            """, peer)
            self.assertEqual(run.count("tcp_sockets"), 3)

    def fails(self, answer, code, message, then=None, step=100000):
        run, peer = self.answers(answer, f"""
            local ok, e = pcall(c.get, c, "/x")
            assert(not ok and getmetatable(e) == http.HTTPError, e)
            assert(e.code == "{code}" and e.method == "GET" and e.path == "/x" and e.name == "HTTPError")
            assert(tostring(e):find("HTTP error during GET /x: ", 1, true) == 1)
            assert(tostring(e):find("{message}", 1, true), tostring(e))
            assert(not pcall(function() http.HTTPError.x = 1 end))
        """, then=then, steps=(step,))
        self.assertEqual(run.metric("http_req_failed").get("passes"), 1, str(run))
        self.assertEqual(run.count("http_reqs"), 1)
        return peer

    def test_what_is_not_http(self):
        self.fails(b"\0\1\2garbage\r\n\r\n", "EPROTO", "no HTTP/1 answer")
        self.fails(b"SSH-2.0-x\r\n\r\n", "EPROTO", "no HTTP/1 answer", step=1)

    def test_bounds(self):
        self.fails(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100000 + b"\r\n\r\n", "EMSGSIZE", "the header")
        self.fails(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "EMSGSIZE", "the body")
        self.fails(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100000, "EMSGSIZE", "the body")

    def test_closed_without_an_answer(self):
        peer = self.fails(b"", "ECLOSED", "without an answer", then=1)
        self.assertEqual(peer.counts["requests"], 1)

    def test_closed_in_the_middle(self):
        def manner(peer, connection):
            read_request(connection)
            peer.count("requests")
            connection.sendall(self.OK[:-2])
        with Peer(manner) as peer:
            self.run_default("""
                local c <close> = http.client{ host = host, port = port }
                local ok, e = pcall(c.get, c, "/")
                assert(not ok and e.code == "ECLOSED" and e.message:find("in the middle"), e)
            """, peer)
            self.assertEqual(peer.stop()["requests"], 1)

    def test_time_is_over(self):
        for answer in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"):
            with Peer(answering(answer)) as peer:
                run = self.run_default("""
                    local c <close> = http.client{ host = host, port = port, timeout = 100 }
                    local ok, e = pcall(c.get, c, "/")
                    assert(not ok and e.code == "ETIMEDOUT", e)
                    assert(c._socket == nil)
                """, peer)
                self.assertEqual(run.metric("http_req_failed").get("passes"), 1)

    def test_closed_between_requests(self):
        # The second request of each connection is read and not answered.
        run, peer = self.answers(self.OK, """
            for i = 1, 4 do assert(c:get("/").body == "hello") end
            local ok, e = pcall(c.post, c, "/", "x\\r\\n\\r\\n")
            assert(not ok and e.code == "ECLOSED", e)
            assert(c:get("/").body == "hello")
        """, then=2, steps=(100000,))
        self.assertEqual(run.count("tcp_sockets"), 5)
        self.assertEqual(run.count("http_reqs"), 6)
        self.assertEqual(run.metric("http_req_failed").get("passes"), 1)

    def test_more_than_was_asked_for(self):
        run, _ = self.answers(self.OK + b"and more", """
            for i = 1, 3 do assert(c:get("/").body == "hello") end
        """, steps=(100000,))
        self.assertEqual(run.count("tcp_sockets"), 3)

    def test_pipeline_cut_anywhere(self):
        def manner(step):
            def serve(peer, connection):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                data = b""
                while data.count(b"\r\n\r\n") < 3:
                    data += connection.recv(1000)
                answer = self.OK + self.CHUNKED + self.OK
                for at in range(0, len(answer), step):
                    connection.sendall(answer[at:at + step])
            return serve
        for step in (1, 5, 1000):
            with self.subTest(step=step), Peer(manner(step)) as peer:
                self.run_default("""
                    local c <close> = http.client{ host = host, port = port }
                    local get = c:prepare("GET", "/")
                    local r = c:pipeline{ get, get, get }
                    assert(r[1].body == "hello" and r[2].body == "abchello world" and r[3].body == "hello")
                """, peer)

    def test_changing_answers(self):
        """The head of the last answer is remembered: what differs from it must be seen."""
        answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\naa", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nbb",
                   b"HTTP/1.1 404 no\r\nContent-Length: 2\r\n\r\ncc", b"HTTP/1.1 404 no\r\nContent-Length: 2\r\n\r\ndd",
                   b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\neee", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nfff"]
        for times in (1, 2, 4): # something is remembered when it came twice
            def manner(peer, connection):
                for answer in answers:
                    for _ in range(times):
                        read_request(connection)
                        connection.sendall(answer)
            with self.subTest(times=times), Peer(manner) as peer:
                run = self.run_default(f"""
                    local c <close> = http.client{{ host = host, port = port }}
                    for _, expected in ipairs{{ "200aa", "200bb", "404cc", "404dd", "200eee", "200fff" }} do
                      for i = 1, {times} do
                        local r = c:get("/")
                        assert(r.status .. r.body == expected, r.status .. r.body)
                      end
                    end
                """, peer)
                self.assertEqual(run.metric("http_req_failed").get("passes"), 2 * times)

    def test_what_only_looks_plain(self):
        """An answer that is whole in one chunk is read the short way, unless its head says otherwise."""
        run, _ = self.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab", """
            for i = 1, 4 do assert(c:get("/").body == "ab") end
        """, steps=(100000,))
        self.assertEqual(run.count("tcp_sockets"), 4)
        body = b"a\ntransfer-encoding: chunked\r\ncontent-length: 7\r\n\r\n"
        run, _ = self.answers(b"HTTP/1.1 201 x\r\nconnection: keep-alive\r\ncontent-length: %d\r\n\r\n" % len(body) + body, """
            for i = 1, 4 do local r = c:get("/") assert(r.status == 201 and #r.body == %d) end
        """ % len(body), steps=(100000,))
        self.assertEqual(run.count("tcp_sockets"), 1)
        self.answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 10\r\n\r\n5\r\nhello\r\n0\r\n\r\n", """
            for i = 1, 4 do assert(c:get("/").body == "hello") end
        """, steps=(100000,))
        self.fails(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab", "EPROTO", "two different")
        self.fails(b"HTTP/1.1 5e2 OK\r\nContent-Length: 2\r\n\r\nab", "EPROTO", "no HTTP/1 answer")
        self.fails(b"HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nab", "EPROTO", "no number")

    def test_answers_have_nothing_in_common(self):
        """What one answer is told does not show in the next one with the same bytes."""
        def manner(peer, connection):
            count = 0
            while read_request(connection) is not None:
                count += 1
                body = b"[%d]" % (count // 4 % 10)
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 3\r\n\r\n" + body)

        with Peer(manner) as peer:
            self.run_default("""
                local c <close> = http.client{ host = host, port = port }
                local before
                for i = 1, 40 do
                  local r, expected = c:get("/"), i // 4 % 10
                  assert(r.status == 200 and r.duration > 0 and getmetatable(r) == false)
                  assert(r.headers["x-a"] == "b" and r.headers == r.headers and r.nothing == nil)
                  assert(r.body == "[" .. expected .. "]" and r.body == r.body, r.body)
                  assert(r:json()[1] == expected)
                  assert(not before or before.headers ~= r.headers)
                  r.headers["x-a"], r.body, r.status, r.mine = "changed", "changed", 1, 2
                  assert(r.headers["x-a"] == "changed" and r.body == "changed" and r.status == 1)
                  before = r
                end
            """, peer)

    def test_refused(self):
        with Peer(never_reads) as peer:
            pass
        run = self.run_default("""
            local c <close> = http.client{ host = host, port = port }
            local ok, e = pcall(c.get, c, "/")
            assert(not ok and e.code == "ECONNREFUSED" and getmetatable(e) == tcp.TCPError, e)
        """, peer)
        self.assertEqual(run.metric("http_req_failed").get("passes"), 1)

    def test_misuse(self):
        with Peer(never_reads) as peer:
            self.run_default("""
                local function raises(why, f, ...)
                  local ok, message = pcall(f, ...)
                  assert(not ok and type(message) == "string" and message:find(why), tostring(message))
                end
                raises("no option \\"prot\\"", http.client, { prot = 1 })
                raises("port must be", http.client, { port = "x" })
                raises("host must be", http.client, { host = "a b" })
                raises("timeout must be", http.client, { timeout = 0 })
                raises("must be a table, not a number", http.client, 5)
                raises("is not the address", http.client, "http://a/b")
                raises("name of a header", http.client, { headers = { ["a b"] = "c" } })
                local c <close> = http.client{ host = host, port = port }
                raises("no path", c.get, c, "a b")
                raises("no option \\"header\\"", c.get, c, "/", { header = {} })
                raises("what prepare returned", c.send, c, {})
                raises("what prepare returned", c.pipeline, c, { {} })
                assert(getmetatable(c) == false and not pcall(function() http.x = 1 end))
            """, peer)


class Redis(Scripted):
    def test_against_redis(self):
        for protocol in (2, 3):
            with self.subTest(protocol=protocol), harness.redis() as server:
                run = self.run_default(f"""
                    local r <close> = redis.client{{ host = host, port = port, protocol = {protocol}, db = 1 }}
                    local protocol = {protocol}
                    assert(r:get("nothing") == nil)
                    assert(r:set("k", "v") == "OK" and r:get("k") == "v")
                    assert(r:set("bytes", "\\r\\n\\0$3\\r\\n") == "OK" and r:get("bytes") == "\\r\\n\\0$3\\r\\n")
                    assert(r:set("", "") == "OK" and r:get("") == "")
                    assert(r:call("INCR", "n") == 1 and r:call("incrby", "n", 41) == 42)
                    assert(r:call("RPUSH", "l", "a", "b", 3) == 3)
                    local l = r:call("LRANGE", "l", 0, -1)
                    assert(#l == 3 and l[1] == "a" and l[3] == "3")
                    local m = r:call("MGET", "k", "nothing", "n")
                    assert(m[1] == "v" and m[2] == redis.null and m[3] == "42")
                    assert(r:call("EVAL", "return {{1,{{2,{{'x'}}}}}}", 0)[2][2][1] == "x")
                    r:call("HSET", "h", "f", "1")
                    local h = r:call("HGETALL", "h")
                    assert(protocol == 2 and h[1] == "f" and h[2] == "1" or h.f == "1")
                    local ok, e = pcall(r.call, r, "INCR", "k")
                    assert(not ok and getmetatable(e) == redis.RedisError and e.code == "ERR")
                    assert(e.command == "INCR" and tostring(e):find("redis error during INCR: ERR"), tostring(e))
                    local ok, e = pcall(r.call, r, "LPUSH", "k", "x")
                    assert(not ok and e.code == "WRONGTYPE")
                    local big = ("x"):rep(300000)
                    assert(r:set("big", big) == "OK" and r:get("big") == big)
                    local got = r:pipeline(function(p)
                      p:set("a", 1) p:call("INCR", "a") p:get("a") p:get("nothing") p:call("LPOP", "k") p:get("big")
                    end)
                    assert(#got == 6 and got[1] == "OK" and got[2] == 2 and got[3] == "2" and got[4] == redis.null)
                    assert(getmetatable(got[5]) == redis.RedisError and got[5].code == "WRONGTYPE" and got[6] == big)
                    local get = r:prepare("GET", "k")
                    for i = 1, 20 do assert(r:send(get) == "v") end
                    local got = r:pipeline{{ get, {{ "INCR", "n" }}, get }}
                    assert(got[1] == "v" and got[2] == 43 and got[3] == "v" and #r:pipeline{{}} == 0)
                    assert(r:call("QUIT") == "OK")
                    for _ = 1, 1000 do -- until the server's FIN is here
                      if not r._socket then break end
                      k6.sleep(0.01)
                    end
                    assert(r:get("k") == "v") -- on a new connection, of the same database
                """, server)
                self.assertEqual(run.count("tcp_sockets"), 2)
                self.assertEqual(run.metric("redis_command_failed").get("passes"), 3)
                self.assertEqual(run.count("tcp_errors"), 0)

    def test_changing_replies(self):
        with harness.redis() as server:
            self.run_default("""
                local c <close> = redis.client{ host = host, port = port }
                local get, long = c:prepare("GET", "changes"), ("v"):rep(3000)
                for i, value in ipairs{ "a", "a", "a", "b", "b", "b", "cc", long, long, long, "", "", "", "a", "a" } do
                  c:set("changes", value)
                  assert(c:send(get) == value and c:get("changes") == value, i)
                end
                c:call("DEL", "changes")
                assert(c:send(get) == nil and c:send(get) == nil)
                c:set("changes", "a")
                assert(c:send(get) == "a")
            """, server)

    def test_many_users(self):
        with harness.redis() as server:
            run = harness.run(f"""
                local redis = require("ringload/redis")
                options = {{ vus = 50, iterations = 200 }}
                function default()
                  local r <close> = redis.client{{ host = "{server.host}", port = {server.port} }}
                  local key, value = "key " .. __VU, ("v"):rep(__VU)
                  assert(r:set(key, value) == "OK")
                  for i = 1, 20 do assert(r:get(key) == value) end
                end
            """, "--workers", "3", "--vus-per-cell", "7")
        self.assertEqual(run.code, 0, str(run))
        self.assertEqual(run.count("redis_commands"), 200 * 21, str(run))

    def test_password(self):
        with harness.redis() as server:
            self.run_default("""
                local r <close> = redis.client{ host = host, port = port }
                assert(r:call("CONFIG", "SET", "requirepass", "secret") == "OK")
                local other <close> = redis.client{ host = host, port = port }
                local ok, e = pcall(other.get, other, "k")
                assert(not ok and e.code == "NOAUTH", e)
                local known <close> = redis.client{ host = host, port = port, password = "secret", username = "default" }
                assert(known:get("k") == nil)
                local wrong <close> = redis.client{ host = host, port = port, password = "no" }
                local ok, e = pcall(wrong.get, wrong, "k")
                assert(not ok and e.command == "AUTH" and e.code == "WRONGPASS", e)
            """, server)

    REPLY = b"*3\r\n$5\r\nhello\r\n:42\r\n*2\r\n$-1\r\n+x\r\n"

    def test_cut_anywhere(self):
        for step in (1, 7, 100000):
            with self.subTest(step=step), Peer(answering(self.REPLY, step=step, end=b"PING\r\n")) as peer:
                self.run_default("""
                    local r <close> = redis.client{ host = host, port = port }
                    for i = 1, 5 do
                      local v = r:call("PING")
                      assert(v[1] == "hello" and v[2] == 42 and v[3][1] == redis.null and v[3][2] == "x")
                    end
                """, peer)

    def fails(self, answer, code, then=None):
        # A time that is to pass is short, one that is not to is long; neither cuts a connect off.
        timeout = int((1000 if code == "ETIMEDOUT" else 20000) * harness.SLOWDOWN)
        with Peer(answering(answer, then, 100000, b"PING\r\n")) as peer:
            run = self.run_default(f"""
                local r <close> = redis.client{{ host = host, port = port, timeout = {timeout}, max_reply = 1000 }}
                local ok, e = pcall(r.call, r, "PING")
                assert(not ok and getmetatable(e) == redis.RedisError and e.code == "{code}", e)
                assert(tostring(e):find("redis error during PING: ", 1, true) == 1)
            """, peer)
        self.assertEqual(run.metric("redis_command_failed").get("passes"), 1, str(run))

    def test_what_goes_wrong(self):
        self.fails(b"HTTP/1.1 400 Bad Request\r\n\r\n", "EPROTO")
        self.fails(b"$1001\r\n", "EMSGSIZE")
        self.fails(b"+" + b"x" * 100000, "EMSGSIZE")
        self.fails(b"$5\r\nhel", "ETIMEDOUT")
        self.fails(b"", "ETIMEDOUT")
        self.fails(b"", "ECLOSED", then=1)

    def test_misuse(self):
        with Peer(never_reads) as peer:
            self.run_default("""
                local function raises(why, f, ...)
                  local ok, message = pcall(f, ...)
                  assert(not ok and type(message) == "string" and message:find(why), tostring(message))
                end
                raises("no option \\"prot\\"", redis.client, { prot = 1 })
                raises("db must be a number", redis.client, { db = "x" })
                raises("protocol must be", redis.client, { protocol = 4 })
                raises("timeout must be above 0", redis.client, { timeout = 0 })
                local r <close> = redis.client{ host = host, port = port }
                raises("a command is missing", r.call, r)
                raises("argument 2 of a command", r.get, r, nil)
                raises("argument 3 of a command", r.set, r, "k", {})
                raises("what prepare returned", r.send, r, "GET")
                raises("a function or a list", r.pipeline, r, 5)
            """, peer)


class Modules(unittest.TestCase):
    def test_all_that_are_compiled_in_load(self):
        folder = harness.ROOT / "lua"
        names = sorted(str(p.relative_to(folder))[:-4] for p in (folder / "ringload").rglob("*.lua"))
        self.assertGreaterEqual(len(names), 5)
        calls = "\n".join(f'assert(type(require("{name}")) == "table")' for name in names)
        run = harness.run(f"{calls}\noptions = {{ vus = 1, iterations = 1 }}\nfunction default() end\n")
        self.assertEqual(run.code, 0, str(run))
        self.assertTrue(all(re.fullmatch(r"[a-z/]+", name) for name in names), names)


if __name__ == "__main__":
    unittest.main()
