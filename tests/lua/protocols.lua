-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The parsers of ringload/http and ringload/redis without a network: each sample whole, cut in two at
-- every place, byte by byte, and cut off at every place. A check a sample.

local json = require("json")
local k6 = require("k6")
local new_reader = require("ringload/reader").new
local answer = require("ringload/http/answer")
local question = require("ringload/http/question")
local reply = require("ringload/redis/reply")

options = { vus = 1, iterations = 1 }

local LIMITS = { max_header = 200, max_body = 60, max_reply = 60 }

-- What a socket gives that receives these chunks, then FIN.
local function socket_of(chunks)
  local at = 0
  return {
    wait = function()
      at = at + 1
      if chunks[at] then
        return true, chunks[at]
      end
      return nil, "closed"
    end,
  }
end

-- What read makes of the chunks: values, or "CODE: message"; and what is left.
local function parse(read, chunks)
  local reader = new_reader(socket_of(chunks), "", nil, function(code, message)
    error({ text = code .. ": " .. message })
  end)
  local result = table.pack(pcall(read, reader))
  if not result[1] then
    assert(type(result[2]) == "table", result[2])
    return result[2].text, ""
  end
  return json.encode(table.pack(table.unpack(result, 2, result.n))), reader.buffer:sub(reader.at)
end

local function bytes_of(text)
  local chunks = {}
  for i = 1, #text do
    chunks[i] = text:sub(i, i)
  end
  return chunks
end

local function check_sample(name, read, text, expected, rest)
  local function one(chunks, how)
    local got, left = parse(read, chunks)
    local fits = got == expected or got:find(expected, 1, true) == 1 and expected:find("^E%u+: ")
    if not fits or #chunks == 1 and rest and left ~= rest then
      error(("%s, %s: got %s and %q left, not %s"):format(name, how, got, left, expected))
    end
  end
  one({ text }, "whole")
  one(bytes_of(text), "byte by byte")
  for cut = 1, #text - 1 do
    one({ text:sub(1, cut), text:sub(cut + 1) }, "cut at " .. cut)
  end
  k6.check(name, { [name] = true })
end

local function http(method)
  return function(reader)
    local status, head, body, frame, keep = answer.read(reader, method, LIMITS)
    assert(head:sub(-4) == "\r\n\r\n")
    return status, body, frame, keep
  end
end

local function values(...)
  return json.encode(table.pack(...))
end

local OK = "HTTP/1.1 200 OK\r\n"

local function check_http()
  local function good(name, method, text, ...)
    check_sample(name, http(method), text, values(...), "")
  end
  local function bad(name, text, code)
    check_sample(name, http("GET"), text, code .. ": ")
  end

  good("length", "GET", OK .. "Content-Length: 5\r\n\r\nhello", 200, "hello", 5, true)
  good("length of nothing", "GET", OK .. "content-length:0  \r\n\r\n", 200, "", 0, true)
  good("the same length twice", "GET", OK .. "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", 2, true)
  good("close", "GET", OK .. "Content-Length: 2\r\nConnection: Close\r\n\r\nhi", 200, "hi", 2, false)
  good("1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", 2, false)
  good("1.0 kept", "GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", 2, true)
  good("head", "HEAD", OK .. "Content-Length: 5\r\n\r\n", 200, "", 0, true)
  good("204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", 0, true)
  good("304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, "", 0, true)
  good("no reason", "GET", "HTTP/1.1 404\r\nContent-Length: 1\r\n\r\nx", 404, "x", 1, true)
  good("continue first", "POST", "HTTP/1.1 100 Continue\r\n\r\n" .. OK .. "Content-Length: 1\r\n\r\nx", 200, "x", 1, true)
  good("until close", "GET", OK .. "\r\nall there is", 200, "all there is", "close", false)
  good("unknown coding", "GET", OK .. "Transfer-Encoding: gzip\r\n\r\nall", 200, "all", "close", false)
  good("chunked", "GET", OK .. "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
    200, "abc0123456789", "chunked", true)
  good("trailer", "GET", OK .. "Transfer-Encoding: gzip, Chunked\r\n\r\n1\r\nx\r\n00\r\nA: b\r\nC: d\r\n\r\n",
    200, "x", "chunked", true)
  good("chunked beats length", "GET", OK .. "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    200, "", "chunked", true)
  bad("garbage", "\0\1\2 not HTTP\r\n\r\n", "EPROTO")
  bad("another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "EPROTO")
  bad("status of two digits", "HTTP/1.1 20 OK\r\n\r\n", "EPROTO")
  bad("two lengths", OK .. "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "EPROTO")
  bad("negative length", OK .. "Content-Length: -1\r\n\r\n", "EPROTO")
  bad("long header", OK .. "X: " .. ("x"):rep(200) .. "\r\n\r\n", "EMSGSIZE")
  bad("header without end", ("x"):rep(300), "EMSGSIZE")
  bad("long body", OK .. "Content-Length: 61\r\n\r\n" .. ("x"):rep(61), "EMSGSIZE")
  bad("long chunks", OK .. "Transfer-Encoding: chunked\r\n\r\n1E\r\n" .. ("x"):rep(30) .. "\r\n1F\r\n" .. ("x"):rep(31)
    .. "\r\n0\r\n\r\n", "EMSGSIZE")
  bad("endless body", OK .. "\r\n" .. ("x"):rep(70), "EMSGSIZE")
  bad("size of a chunk", OK .. "Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n", "EPROTO")
  bad("end of a chunk", OK .. "Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n", "EPROTO")
  bad("huge chunk", OK .. "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n", "EPROTO")

  local whole = OK .. "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
  for cut = 0, #whole - 1 do
    local got = parse(http("GET"), { whole:sub(1, cut) })
    assert(got:find("^ECLOSED: "), got)
  end
  local two = OK .. "Content-Length: 1\r\n\r\nx"
  check_sample("what follows stays", http("GET"), two .. two, values(200, "x", 1, true), two)
end

local function check_headers()
  local headers = answer.headers(OK .. "A: 1\r\nb:2 \r\nSet-Cookie: x=1\r\nset-cookie: y=2\r\nEmpty:\r\n\r\n")
  k6.check(headers, {
    ["headers"] = function(h)
      return h.a == "1" and h.b == "2" and h["set-cookie"] == "x=1, y=2" and h.empty == "" and h.http == nil
    end,
  })
end

local function check_question()
  local base = { Host = "h:1", ["User-Agent"] = "u" }
  local function raises(why, ...)
    local ok, message = pcall(question.text, ...)
    return not ok and message:find(why, 1, true)
  end
  k6.check(question, {
    ["get"] = question.text("GET", "/", base, nil, nil, nil, 1) == "GET / HTTP/1.1\r\nHost: h:1\r\nUser-Agent: u\r\n\r\n",
    ["post"] = question.text("POST", "/a", base, { a = 1 }, { HOST = "x" }, "hi", 1)
      == "POST /a HTTP/1.1\r\nHOST: x\r\na: 1\r\nUser-Agent: u\r\nContent-Length: 2\r\n\r\nhi",
    ["no length of its own"] = not question.text("POST", "/", base, nil, { ["content-length"] = "0" }, nil, 1):find("Content-Length"),
    ["method"] = raises("no method", "GET /", "/", base, nil, nil, nil, 1),
    ["path"] = raises("no path", "GET", "/ HTTP/1.1\r\nX: y", base, nil, nil, nil, 1),
    ["name"] = raises("name of a header", "GET", "/", base, nil, { ["a b"] = "c" }, nil, 1),
    ["value"] = raises("line end", "GET", "/", base, nil, { a = "b\r\nc: d" }, nil, 1),
    ["type"] = raises("must be a string", "GET", "/", base, nil, { a = {} }, nil, 1),
    ["body"] = raises("body must be a string", "POST", "/", base, nil, nil, {}, 1),
  })
end

local function check_redis()
  local read = reply.reader_of(function(text) return { error = text } end)
  local function resp(reader)
    return read(reader, LIMITS)
  end
  local function good(name, text, value)
    check_sample(name, resp, text, values(value), "")
  end
  local function bad(name, text, code)
    check_sample(name, resp, text, code .. ": ")
  end

  good("simple", "+OK\r\n", "OK")
  good("error", "-WRONGTYPE no\r\n", { error = "WRONGTYPE no" })
  good("integer", ":-42\r\n", -42)
  good("bulk", "$7\r\na\r\nb\0cd\r\n", "a\r\nb\0cd")
  good("empty bulk", "$0\r\n\r\n", "")
  good("nil bulk", "$-1\r\n", nil)
  good("nil array", "*-1\r\n", nil)
  good("array", "*3\r\n:1\r\n$-1\r\n*2\r\n+a\r\n*0\r\n", { 1, json.null, { "a", {} } })
  good("error in an array", "*1\r\n-ERR x\r\n", { { error = "ERR x" } })
  good("null", "_\r\n", nil)
  good("boolean", "*2\r\n#t\r\n#f\r\n", { true, false })
  good("double", ",1.5\r\n", 1.5)
  good("big", "(3492890328409238509324850943850943825024385\r\n", "3492890328409238509324850943850943825024385")
  good("blob error", "!5\r\nERR x\r\n", { error = "ERR x" })
  good("verbatim", "=7\r\ntxt:abc\r\n", "abc")
  good("map", "%1\r\n+k\r\n*1\r\n:1\r\n", { k = { 1 } })
  good("set", "~1\r\n+a\r\n", { "a" })
  good("push before", ">2\r\n+x\r\n+y\r\n+OK\r\n", "OK")
  good("attribute before", "|1\r\n+x\r\n+y\r\n:1\r\n", 1)
  bad("garbage", "HTTP/1.1 400\r\n", "EPROTO")
  bad("no kind", "\r\n", "EPROTO")
  bad("size", "$x\r\n", "EPROTO")
  bad("negative size", "$-2\r\n", "EPROTO")
  bad("integer", ":1.5\r\n", "EPROTO")
  bad("end of a block", "$1\r\nabc\r\n", "EPROTO")
  bad("long block", "$61\r\n", "EMSGSIZE")
  bad("long array", "*61\r\n", "EMSGSIZE")
  bad("deep", ("*1\r\n"):rep(40), "EPROTO")
  local infinite = read(new_reader(socket_of({}), ",-inf\r\n"), LIMITS)
  k6.check(infinite, { ["infinite"] = infinite == -math.huge })

  local whole = "*2\r\n$3\r\nabc\r\n:12\r\n"
  for cut = 0, #whole - 1 do
    local got = parse(resp, { whole:sub(1, cut) })
    assert(got:find("^ECLOSED: "), got)
  end
  check_sample("what follows stays", resp, "+a\r\n+b\r\n", values("a"), "+b\r\n")
end

function default()
  check_http()
  check_headers()
  check_question()
  check_redis()
end
