-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- SMTP with STARTTLS: a few lines in the clear, then TLS on the same connection, then the rest of the
-- session in it. For each mail a message is left with the server, which should be one for tests:
--
--   aiosmtpd -n -l 127.0.0.1:8025 --tlscert server.pem --tlskey server.key
--   ringload run -e SMTP_CA=server.pem lua/examples/starttls.lua
--
-- SMTP_CA is what signed the server's certificate; without it the system's roots are trusted.

local tcp = require("k6/x/tcp")
local k6 = require("k6")
local metrics = require("k6/metrics")

local host = __ENV.SMTP_HOST or "localhost"
local port = __ENV.SMTP_PORT or 8025
local ca = __ENV.SMTP_CA and open(__ENV.SMTP_CA)
local mails = metrics.Counter("smtp_mails")

options = {
  vus = 5,
  duration = "5s",
}

-- A connection whose say() sends a line and waits for the reply: lines "250-..." and a last one "250 ...".
local function open_session()
  local socket = tcp.Socket.new({ tags = { server = "smtp" } })
  local session, buffer = { socket = socket }, ""

  socket:on("data", function(chunk) buffer = buffer .. chunk end)

  local function reply()
    while true do
      for line, behind in buffer:gmatch("([^\r\n]*)\r\n()") do
        if line:match("^%d%d%d ") or #line == 3 then
          buffer = buffer:sub(behind)
          return tonumber(line:sub(1, 3)), line
        end
      end
      assert(socket:wait("data", 5000), "no reply")
    end
  end

  function session.say(line, expected)
    if line then
      socket:write(line .. "\r\n")
    end
    local code, text = reply()
    if code ~= expected then
      error(("%s: %s"):format(line or "greeting", text))
    end
  end

  socket:connect({ host = host, port = port, timeout = 5000 })
  session.say(nil, 220)
  return session
end

function default()
  local session = open_session()
  local socket <close> = session.socket

  session.say("EHLO ringload.test", 250)
  session.say("STARTTLS", 220)
  socket:start_tls({ ca = ca }) -- from here on all of it is encrypted
  k6.check(socket, { ["it has TLS"] = function(s) return s.tls_version ~= nil end })

  session.say("EHLO ringload.test", 250) -- the server has forgotten the first one
  session.say("MAIL FROM:<load@ringload.test>", 250)
  session.say("RCPT TO:<someone@example.com>", 250)
  session.say("DATA", 354)
  session.say("Subject: hello\r\n\r\nA line.\r\n.", 250)
  mails:add(1)
  session.say("QUIT", 221)
end
