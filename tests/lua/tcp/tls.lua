-- SPDX-License-Identifier: GPL-3.0-or-later
-- TLS: T-070 to T-083 and T-044; and what is beyond k6: options of connect, start_tls, properties, metrics.
-- The peers TLS... are tests/support/tls_report.py (which say what they saw of the handshake, then echo) and
-- tests/support/tls_faults.py.
local k6 = require("k6")
local t = require("./lib")

local function file(name)
  return __ENV[name] and open(__ENV[name])
end

local CA, STRANGER_CA = file("TLS_CA_FILE"), file("TLS_STRANGER_CA_FILE")
local CLIENT = { cert = file("TLS_CLIENT_CERT_FILE"), key = file("TLS_CLIENT_KEY_FILE") }
local CLIENT2 = { cert = file("TLS_CLIENT2_CERT_FILE"), key = file("TLS_CLIENT2_KEY_FILE") }
local LOCKED_KEY, LOCKED_PKCS8 = file("TLS_LOCKED_KEY_FILE"), file("TLS_LOCKED_PKCS8_FILE")
local PASSWORD = __ENV.TLS_PASSWORD
local TLS12, TLS13 = 0x0303, 0x0304
local TRUST = { SSL_CERT_FILE = __ENV.TLS_CA_FILE }
local BY_NAME = { hosts = { ["server.test"] = __ENV.TLS_HOST } }

-- The options of a connect to peer that trusts the test's root, with more on top.
local function to(peer, more)
  local host, port = t.peer(peer)
  local options = { host = host, port = port, tls = true, ca = CA }
  for key, value in pairs(more or {}) do
    options[key] = value
  end
  if more and more.ca == false then
    options.ca = nil
  end
  return options
end

-- A new socket and what happens to it, connected.
local function open_to(peer, more)
  local s = t.socket()
  local seen = t.watch(s)
  s:connect(to(peer, more))
  return s, seen
end

-- What the peer saw of the handshake.
local function report(seen)
  return json.decode(t.eventually(function() return seen.data:match("^(.-)\n") end, "the peer's line"))
end

local function refuses(peer, more, expected)
  expected.method = "connect"
  return t.refused(expected, function() t.socket():connect(to(peer, more)) end)
end

local function contains(list, value)
  for _, each in ipairs(list) do
    if each == value then
      return true
    end
  end
  return false
end

-- --- T-070: inside connect ---

t.case("T-070 the handshake is part of connect and of tcp_socket_connecting", function()
  local s, seen = open_to("TLS_SLOW")
  t.equal(s.ready_state, "open", "the state")
  t.equal(seen.list[1], "connect", "the first event")
  t.equal(s.tls_version, "tls1.3", "tls_version")
  report(seen)
end, { alone = true, metrics = {
  tcp_socket_connecting = { count = 1, at_least = 300 }, tcp_tls_handshaking = { count = 1, at_least = 300 },
  tcp_sockets = 1, tcp_errors = 0 } })

t.case("T-070 opening while the handshake goes on", function()
  local s = t.socket()
  k6.spawn(function() s:connect(to("TLS_SLOW")) end)
  k6.sleep(0.1)
  t.equal(s.ready_state, "opening", "the state")
  t.equal(s.tls_version, nil, "tls_version")
  t.equal(s.local_ip, nil, "local_ip")
  t.refused({ method = "write", code = "ENOTCONN" }, s.write, s, "x")
  t.eventually(function() return s.connected end)
end)

t.case("T-070 bytes go both ways, many records of them", function()
  local s, seen = open_to("TLS")
  report(seen)
  local head, block = #seen.data, ("0123456789abcdef"):rep(6250)
  s:write(block)
  t.eventually(function() return #seen.data >= head + #block end, "the echo", 10)
  t.yes(seen.data:sub(head + 1) == block, "the echo differs")
  t.equal(s.bytes_written, #block, "bytes_written")
  t.equal(s.bytes_read, #seen.data, "bytes_read")
  for _, size in ipairs(seen.chunks) do
    t.yes(size <= 16384, "a chunk of more than a record")
  end
end)

-- --- T-071: names ---

t.case("T-071 SNI is the host given, wherever hosts leads it", function()
  local s = t.socket()
  local seen = t.watch(s)
  s:connect(to("TLS", { host = "server.test" }))
  t.equal(report(seen).sni, "server.test", "SNI")
end, { options = BY_NAME })

t.case("T-071 no SNI for an address, which the certificate must carry", function()
  local _, seen = open_to("TLS")
  t.equal(report(seen).sni, json.null, "SNI")
  refuses("TLS_DNS_ONLY", {}, { code = "ETLS", has = "TLS handshake failed: certificate" })
end)

t.case("T-071 a certificate for another name is refused", function()
  refuses("TLS", { host = "other.test" }, { code = "ETLS", has = "certificate is not valid" })
end, { options = { hosts = { ["other.test"] = __ENV.TLS_HOST } } })

t.case("T-071 X servername is what SNI says and what the certificate must carry", function()
  local _, seen = open_to("TLS", { servername = "a.wild.test" })
  t.equal(report(seen).sni, "a.wild.test", "SNI")
  refuses("TLS", { servername = "other.test" }, { code = "ETLS", has = "certificate is not valid" })
end)

-- --- T-072: trust ---

t.case("T-072 a stranger's certificate is refused", function()
  refuses("TLS_UNKNOWN", {}, { code = "ETLS", has = "certificate signed by unknown authority" })
  refuses("TLS", { ca = STRANGER_CA }, { code = "ETLS", has = "certificate signed by unknown authority" })
end)

t.case("T-072 an expired one, too", function()
  refuses("TLS_EXPIRED", {}, { code = "ETLS", has = "certificate has expired" })
end)

t.case("T-072 the system's roots do not have the test's", function()
  refuses("TLS", { ca = false }, { code = "ETLS", has = "TLS handshake failed: certificate" })
end, { options = {} })

t.case("T-072 SSL_CERT_FILE is trusted in their place", function()
  local _, seen = open_to("TLS", { ca = false })
  report(seen)
end, { system = TRUST })

t.case("T-072 SSL_CERT_DIR is trusted in their place", function()
  local _, seen = open_to("TLS", { ca = false })
  report(seen)
end, { system = { SSL_CERT_DIR = __ENV.TLS_CA_DIR } })

t.case("T-072 insecureSkipTLSVerify skips chain, date and name", function()
  for _, peer in ipairs({ "TLS_UNKNOWN", "TLS_EXPIRED", "TLS_DNS_ONLY" }) do
    local _, seen = open_to(peer, { ca = false })
    report(seen)
  end
end, { options = { insecureSkipTLSVerify = true } })

t.case("T-072 the flag does the same, and K6_INSECURE_SKIP_TLS_VERIFY", function()
  local _, seen = open_to("TLS_UNKNOWN", { ca = false })
  report(seen)
end, { flags = { "--insecure-skip-tls-verify" } })

t.case("T-072 the variable K6_INSECURE_SKIP_TLS_VERIFY", function()
  local _, seen = open_to("TLS_UNKNOWN", { ca = false })
  report(seen)
end, { system = { K6_INSECURE_SKIP_TLS_VERIFY = "true" } })

-- --- T-073: ALPN ---

t.case("T-073 ALPN offers http/1.1 and nothing else", function()
  local s, seen = open_to("TLS")
  local saw = report(seen)
  t.equal(saw.alpn, { "http/1.1" }, "the offer")
  t.equal(saw.selected, "http/1.1", "the selection")
  t.equal(s.tls_alpn, "http/1.1", "tls_alpn")
end)

t.case("T-073 a server that selects nothing is fine", function()
  local s, seen = open_to("TLS12")
  t.equal(report(seen).selected, json.null, "the selection")
  t.equal(s.tls_alpn, nil, "tls_alpn")
end)

t.case("T-073 X alpn: a list, in order; an empty one offers none", function()
  local s, seen = open_to("TLS", { alpn = { "x/9", "h2" } })
  local saw = report(seen)
  t.equal(saw.alpn, { "x/9", "h2" }, "the offer")
  t.equal(s.tls_alpn, "h2", "tls_alpn")
  s, seen = open_to("TLS", { alpn = {} })
  saw = report(seen)
  t.yes(not contains(saw.extensions, 16), "there is an ALPN extension")
  t.equal(s.tls_alpn, nil, "tls_alpn")
end)

t.case("T-073 a strict server without overlap ends the handshake", function()
  refuses("TLS_STRICT_ALPN", { alpn = { "x/9" } },
          { code = "ETLS", has = "TLS handshake failed: remote error: tls: no application protocol" })
  open_to("TLS_STRICT_ALPN")
end)

-- --- T-074: versions ---

t.case("T-074 1.2 and 1.3 by default", function()
  local s, seen = open_to("TLS")
  local saw = report(seen)
  t.yes(contains(saw.versions, TLS12) and contains(saw.versions, TLS13), "the offer")
  t.equal(#saw.versions, 2, "number of versions")
  t.equal(saw.version, "TLSv1.3", "the version")
  s = open_to("TLS12")
  t.equal(s.tls_version, "tls1.2", "tls_version")
end)

local function exactly(name, number, others)
  return function()
    local s, seen = open_to("TLS")
    t.equal(s.tls_version, name, "tls_version")
    local versions = report(seen).versions
    t.yes(#versions == 0 and number == TLS12 or #versions == 1 and versions[1] == number, "the offer")
    refuses(others, {}, { code = "ETLS" })
  end
end

t.case("T-074 tlsVersion tls1.2 means exactly that", exactly("tls1.2", TLS12, "TLS13"),
       { options = { tlsVersion = "tls1.2" } })
t.case("T-074 tlsVersion tls1.3 means exactly that", exactly("tls1.3", TLS13, "TLS12"),
       { options = { tlsVersion = "tls1.3" } })
t.case("T-074 tlsVersion with min and max", exactly("tls1.2", TLS12, "TLS13"),
       { options = { tls_version = { min = "tls1.2", max = "tls1.2" } } })
t.case("T-074 the flag --tls-version", exactly("tls1.3", TLS13, "TLS12"), { flags = { "--tls-version", "tls1.3" } })
t.case("T-074 the variable RINGLOAD_TLS_VERSION", exactly("tls1.2", TLS12, "TLS13"),
       { system = { RINGLOAD_TLS_VERSION = "min=tls1.2,max=tls1.2" } })

for name, part in pairs({ ["ssl3.0"] = "must be", ["tls1.0"] = "not in this wolfSSL",
                          ["tls1.1"] = "not in this wolfSSL", ["TLSv1.2"] = "must be" }) do
  t.case("T-074 tlsVersion " .. name .. " is an option error", function() end,
         { options = { tlsVersion = name }, code = 104, log = { { level = "error", has = part } } })
end

-- --- T-075: cipher suites ---

local GCM256, CHACHA = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305"

t.case("T-075 tlsCipherSuites restricts 1.2", function()
  local s, seen = open_to("TLS12")
  t.equal(s.tls_cipher, GCM256, "tls_cipher")
  local saw = report(seen)
  t.yes(contains(saw.ciphers, 0xC030), "the suite is offered")
  t.yes(not contains(saw.ciphers, 0xC02F), "another one is offered")
end, { options = { tlsCipherSuites = { GCM256 } } })

t.case("T-075 Go's name of a suite", function()
  t.equal(open_to("TLS12").tls_cipher, CHACHA .. "_SHA256", "tls_cipher")
end, { options = { tls_cipher_suites = { CHACHA } } })

t.case("T-075 no effect on 1.3", function()
  local s, seen = open_to("TLS13")
  t.equal(s.tls_version, "tls1.3", "tls_version")
  local saw = report(seen)
  for _, number in ipairs({ 0x1301, 0x1302, 0x1303 }) do
    t.yes(contains(saw.ciphers, number), "a suite of 1.3 is missing")
  end
end, { options = { tlsCipherSuites = { GCM256 } } })

t.case("T-075 no suite in common", function()
  refuses("TLS12", {}, { code = "ETLS", has = "TLS handshake failed" })
end, { options = { tlsCipherSuites = { "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" }, tlsVersion = "tls1.2" } })

t.case("T-075 an unknown suite is an option error, with the nearest", function() end,
       { options = { tlsCipherSuites = { "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA265" } }, code = 104,
         log = { { level = "error", has = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" } } })
t.case("T-075 a static RSA suite is known and refused", function() end,
       { options = { tlsCipherSuites = { "TLS_RSA_WITH_AES_128_CBC_SHA" } }, code = 104,
         log = { { level = "error", has = "not in this wolfSSL" } } })

-- --- T-076: certificates of the client ---

local FIRST, SECOND = "ringload test client_rsa", "ringload test client_ecdsa"

local function shows(name, more)
  return function()
    for _, peer in ipairs({ "TLS12_CLIENT", "TLS13_CLIENT" }) do
      local _, seen = open_to(peer, more)
      t.equal(report(seen).client, name, "the certificate at " .. peer)
    end
  end
end

t.case("T-076 tlsAuth", shows(FIRST), { options = { tlsAuth = { CLIENT } } })
t.case("T-076 a key in legacy PEM encryption", shows(FIRST),
       { options = { tls_auth = { { cert = CLIENT.cert, key = LOCKED_KEY, password = PASSWORD } } } })
t.case("T-076 domains do not restrict raw sockets", shows(FIRST),
       { options = { tlsAuth = { { cert = CLIENT.cert, key = CLIENT.key, domains = { "other.test" } } } } })
t.case("T-076 of several the one whose domains match", shows(SECOND), { options = { tlsAuth = {
  CLIENT, { cert = CLIENT2.cert, key = CLIENT2.key, domains = { __ENV.TLS_HOST } } } } })
t.case("T-076 of several without a match the first", shows(FIRST), { options = { tlsAuth = {
  CLIENT, { cert = CLIENT2.cert, key = CLIENT2.key, domains = { "other.test" } } } } })
t.case("T-076 X cert and key of a connect go before", shows(SECOND, CLIENT2), { options = { tlsAuth = { CLIENT } } })
t.case("T-076 X a key with a password in connect",
       shows(FIRST, { cert = CLIENT.cert, key = LOCKED_KEY, password = PASSWORD }))

for name, auth in pairs({
  ["a key of another"] = { cert = CLIENT.cert, key = CLIENT2.key },
  ["a wrong password"] = { cert = CLIENT.cert, key = LOCKED_KEY, password = "wrong" },
  ["no password"] = { cert = CLIENT.cert, key = LOCKED_KEY },
  ["encrypted PKCS#8"] = { cert = CLIENT.cert, key = LOCKED_PKCS8, password = PASSWORD },
  ["no PEM"] = { cert = "client.pem", key = CLIENT.key },
  ["half of a certificate"] = { cert = (CLIENT.cert or ""):sub(1, 300), key = CLIENT.key },
}) do
  t.case("T-076 " .. name .. " is an option error that names the entry", function() end,
         { options = { tlsAuth = { CLIENT2, auth } }, code = 104,
           log = { { level = "error", has = "tlsAuth[2]" } } })
end

t.case("T-076 TLS 1.2 without the certificate that is required", function()
  refuses("TLS12_CLIENT", {}, { code = "ETLS", has = "TLS handshake failed: remote error: tls:" })
end)

-- --- T-077: sessions ---

local function resumption(peer, more)
  local resumed = {}
  for i = 1, 3 do
    local s, seen = open_to(peer, more)
    local saw = report(seen) -- a ticket of 1.3 comes with it or before it
    t.equal(s.tls_resumed, saw.resumed, "tls_resumed")
    resumed[i] = saw.resumed
    s:destroy()
    t.settle()
  end
  return resumed
end

t.case("T-077 each connect is a full handshake", function()
  t.equal(resumption("TLS13"), { false, false, false }, "TLS 1.3")
  t.equal(resumption("TLS12"), { false, false, false }, "TLS 1.2")
end, { alone = true, metrics = { tcp_tls_handshaking = 6, tcp_tls_resumed = 0 } })

t.case("T-077 X tls_resume takes up the session of the VU", function()
  t.equal(resumption("TLS13", { tls_resume = true }), { false, true, true }, "TLS 1.3")
  t.equal(resumption("TLS12", { tlsResume = true }), { false, true, true }, "TLS 1.2")
end, { alone = true, metrics = { tcp_tls_handshaking = 6, tcp_tls_resumed = { fails = 2 } } })

-- --- T-078: handshakes that fail ---

t.case("T-078 a failed handshake leaves the socket disconnected", function()
  local s = t.socket()
  local seen = t.watch(s)
  local e = t.refused({ method = "connect", code = "ETLS", has = "TLS handshake failed: " }, s.connect, s,
                      to("TLS_UNKNOWN"))
  t.has(e.message, "certificate", "the message")
  t.equal(e.message:find("TLS handshake failed", 1, true), 1, "where that stands")
  t.equal(s.ready_state, "disconnected", "the state")
  t.settle()
  t.equal(seen.text(), "error ETLS", "events")
  s:connect(to("TLS")) -- T-024: it may connect again
  t.equal(s.ready_state, "open", "the state")
end, { alone = true, metrics = { tcp_socket_connecting = 2, tcp_tls_handshaking = 2, tcp_errors = 1, tcp_sockets = 1,
                                 data_sent = { at_least = 300 } } })

t.case("T-078 a peer that does not speak TLS", function()
  local host, port = t.peer("ECHO")
  t.refused({ method = "connect", code = "ETLS", has = "TLS handshake failed" }, function()
    t.socket():connect({ host = host, port = port, tls = true, ca = CA })
  end)
end)

t.case("T-078 a peer that leaves in the middle", function()
  refuses("TLS_FIN_HELLO", {}, { code = "ETLS", has = "TLS handshake failed" })
  refuses("TLS_RST_SERVER_HELLO", {}, { code = "ETLS", has = "TLS handshake failed" })
  refuses("TLS_ALERT_HELLO", {}, { code = "ETLS", has = "TLS handshake failed: remote error: tls: handshake failure" })
end)

-- --- T-079 to T-081: after the handshake ---

t.case("T-079 TLS 1.3 tells a missing certificate after connect", function()
  local s, seen = open_to("TLS13_CLIENT")
  t.eventually(function() return seen.close end, "close")
  t.equal(seen.text(), "connect error ETLS close", "events")
  t.is_error(seen.errors[1], { method = "read", has = "remote error: tls: certificate required" })
  t.equal(s.ready_state, "destroyed", "the state")
end)

t.case("T-080 close_notify is the end", function()
  local _, seen = open_to("TLS_CLOSE_NOTIFY")
  t.eventually(function() return seen.close end, "close")
  t.equal(seen.text():gsub("data ", ""), "connect close", "events")
end)

t.case("T-080 the end of TCP between records is one, too", function()
  local _, seen = open_to("TLS_CUT_BETWEEN")
  t.eventually(function() return seen.close end, "close")
  t.equal(seen.text():gsub("data ", ""), "connect close", "events")
end)

t.case("T-080 inside a record it is a read error", function()
  local _, seen = open_to("TLS_CUT_INSIDE")
  t.eventually(function() return seen.close end, "close")
  t.equal(seen.text():gsub("data ", ""), "connect error ETLS close", "events")
  t.is_error(seen.errors[1], { method = "read" })
end)

t.case("T-081 destroy sends close_notify and does not wait for the peer's", function()
  local s, seen = open_to("TLS_OWN")
  report(seen)
  s:destroy()
  t.equal(s.ready_state, "destroyed", "the state")
  t.equal(s.tls_version, nil, "tls_version") -- as the addresses (T-012)
end, { server = { TLS_OWN = { handshakes = 1, notified = 1, cut = 0 } } })

t.case("T-081 X bytes that were written before destroy come before close_notify", function()
  local s, seen = open_to("TLS_OWN")
  report(seen)
  s:write(("x"):rep(5000))
  s:destroy()
end, { server = { TLS_OWN = { notified = 1, bytes_in = 5000 } } })

-- --- T-082: bytes ---

t.case("T-082 data_* are of the wire, bytes_* of the script", function()
  local s, seen = open_to("TLS")
  report(seen)
  s:write("hello")
  t.eventually(function() return seen.data:find("\nhello") end, "the echo")
  t.equal(s.bytes_written, 5, "bytes_written")
  t.equal(s.bytes_read, #seen.data, "bytes_read")
end, { alone = true, metrics = { data_sent = { at_least = 250, at_most = 2000 },
                                 data_received = { at_least = 1000, at_most = 6000 } } })

-- --- T-044 ---

t.case("T-044 a handshake that never ends runs into its time", function()
  local s = t.socket()
  local seen = t.watch(s)
  t.refused({ method = "connect", code = "ETIMEDOUT", has = "TLS handshake failed: i/o timeout" }, s.connect, s,
            to("TLS_NEVER", { timeout = 200 }))
  t.equal(s.ready_state, "disconnected", "the state")
  t.equal(seen.text(), "error ETIMEDOUT", "events")
end, { alone = true, metrics = { tcp_socket_connecting = { count = 1, at_least = 190 }, tcp_sockets = 0,
                                 tcp_tls_handshaking = { count = 1, at_least = 190 } } })

-- --- What is beyond k6. ---

t.case("X properties of the connection", function()
  local s = open_to("TLS13")
  t.equal(s.tls_version, "tls1.3", "tls_version")
  t.equal(s.tlsVersion, "tls1.3", "tlsVersion")
  t.has(s.tls_cipher, "TLS_", "tls_cipher")
  t.equal(s.tlsCipher, s.tls_cipher, "tlsCipher")
  t.equal(s.tls_resumed, false, "tls_resumed")
  t.has(s.tls_peer_subject, "CN=server.test", "tls_peer_subject")
  t.raises("read-only", function() s.tls_version = "x" end)
  local plain = t.open("ECHO")
  for _, name in ipairs({ "tls_version", "tls_cipher", "tls_alpn", "tls_resumed", "tls_peer_subject" }) do
    t.equal(plain[name], nil, name)
  end
end)

t.case("X options of connect of a wrong type", function()
  for name, value in pairs({ servername = 5, alpn = "h2", ca = {}, cert = 5, key = true, password = 5 }) do
    refuses("TLS", { [name] = value }, { code = "EINVAL", has = "invalid type of " .. name })
  end
  refuses("TLS", { alpn = { "h2", 5 } }, { code = "EINVAL", has = "invalid type of a name in alpn: number" })
  refuses("TLS", { alpn = { "" } }, { code = "EINVAL", has = "alpn" })
  refuses("TLS", { ca = "ca.pem" }, { code = "EINVAL", has = "ca" })
  refuses("TLS", { cert = CLIENT.cert }, { code = "EINVAL", has = "cert" })
  refuses("TLS", { cert = CLIENT.cert, key = CLIENT2.key }, { code = "EINVAL", has = "cert" })
  refuses("TLS", { servername = "" }, { code = "EINVAL", has = "servername" })
end)

t.case("X options of TLS without tls are left alone", function()
  local host, port = t.peer("ECHO")
  t.socket():connect({ host = host, port = port, ca = 5, alpn = false })
end)

local function starttls(more, method)
  local s = t.socket()
  local seen = t.watch(s)
  t.connect(s, "TLS_STARTTLS")
  t.eventually(function() return seen.data == "220 ready\r\n" end, "the greeting")
  s:write("STARTTLS\r\n")
  t.eventually(function() return seen.data == "220 ready\r\n220 go on\r\n" end, "the answer")
  seen.data = ""
  s[method or "start_tls"](s, more)
  return s, seen
end

t.case("X start_tls puts TLS on an open socket", function()
  local s, seen = starttls({ ca = CA })
  t.equal(s.ready_state, "open", "the state")
  t.equal(s.tls_version, "tls1.3", "tls_version")
  report(seen)
  s:write("hello")
  t.eventually(function() return seen.data:find("\nhello") end, "the echo")
  t.equal(seen.text(), "connect data", "events")
  t.refused({ method = "start_tls", code = "EISCONN" }, s.start_tls, s, { ca = CA })
end, { alone = true, metrics = { tcp_sockets = 1, tcp_tls_handshaking = 1, tcp_errors = 0,
                                 data_received = { at_least = 1000 } } })

t.case("X startTls is the same; servername", function()
  local _, seen = starttls({ ca = CA, servername = "server.test", alpn = {} }, "startTls")
  t.equal(report(seen).sni, "server.test", "SNI")
end)

t.case("X start_tls that fails destroys the socket", function()
  local s = t.socket()
  local seen = t.watch(s)
  t.connect(s, "ECHO")
  t.refused({ method = "start_tls", code = "ETLS", has = "TLS handshake failed" }, s.start_tls, s, { ca = CA })
  t.equal(s.ready_state, "destroyed", "the state")
  t.eventually(function() return seen.close end, "close")
  t.equal(seen.text(), "connect error ETLS close", "events")
end, { alone = true, metrics = { tcp_sockets = 1, tcp_errors = 1, tcp_socket_duration = 1 } })

t.case("X start_tls runs into its time", function()
  local s = t.open("SILENT")
  t.refused({ method = "start_tls", code = "ETIMEDOUT" }, s.start_tls, s, { ca = CA, timeout = 100 })
  t.equal(s.ready_state, "destroyed", "the state")
end)

t.case("X start_tls without a connection, and with wrong options", function()
  local s = t.socket()
  t.refused({ method = "start_tls", code = "ENOTCONN" }, s.start_tls, s, { ca = CA })
  t.connect(s, "ECHO")
  t.refused({ method = "start_tls", code = "EINVAL", has = "invalid type of ca" }, s.start_tls, s, { ca = 5 })
  t.equal(s.ready_state, "open", "the state")
  t.raises("table expected", s.start_tls, s, 5)
end)

t.case("X destroy during start_tls cancels it", function()
  local s = t.open("SILENT")
  local e
  k6.spawn(function()
    local _, why = pcall(s.start_tls, s, { ca = CA })
    e = why
  end)
  k6.sleep(0.02)
  s:destroy()
  t.eventually(function() return e end, "the error")
  t.is_error(e, { method = "start_tls", code = "ECANCELED" })
end)

options, default, setup, teardown = t.suite()
