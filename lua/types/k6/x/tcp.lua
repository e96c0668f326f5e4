-- SPDX-License-Identifier: GPL-3.0-or-later
---@meta
--- # k6/x/tcp
---
---```lua
---local tcp = require("k6/x/tcp") -- or require("ringload/tcp")
---
---function default()
---  local s <close> = tcp.Socket.new({ tags = { endpoint = "echo" } })
---  s:connect(7000, "127.0.0.1")
---  s:write("hello")
---  local ok, data = s:wait("data", 1000)
---end
---```
---
---TCP connections. What waits suspends its own coroutine only; handlers and the VU's other coroutines run on. All times
---that scripts give are milliseconds. Names are snake_case; k6's camelCase is accepted too.
---
---There are two kinds of errors. An *argument error* is misuse: a Lua string that names the argument, with no event and
---in no metric. A [`TCPError`](#tcperror) is a table: what the network did, or would have done. Both are caught with
---`pcall`, and end the iteration if nobody does.
---
---The metrics are those of k6's module, and two more for TLS: the trend `tcp_tls_handshaking` is the time of each handshake,
---however it ended (`tcp_socket_connecting` has it, too); the rate `tcp_tls_resumed` is the share of resumed ones among those
---that `tls_resume` allowed to be. These two have the system tag `tls_version`.

---@class k6.tcp
---@field Socket k6.tcp.SocketClass makes sockets
---What `getmetatable(e)` gives for a TCPError `e`.
---@field TCPError k6.tcp.TCPErrorMeta
local tcp = {}

---Also callable: `tcp.Socket(options)` is `tcp.Socket.new(options)`.
---@class k6.tcp.SocketClass
---@overload fun(options?: k6.tcp.SocketOptions): k6.tcp.Socket
local Socket = {}

---A socket, not connected. It is closed when a `local s <close>` goes out of scope, and by the end of its iteration.
---
---Raises an argument error where options is no table, or an option has a wrong type; an error in the init context.
---@param options? k6.tcp.SocketOptions others are ignored
---@return k6.tcp.Socket socket
function Socket.new(options) end

---@class k6.tcp.SocketOptions
---Tags of all samples of this socket.
---@field tags? ringload.Tags
---Bytes of the largest chunk that `data` brings, from 1; 16384. What arrives at once and is larger comes as several
---chunks.
---@field read_size? integer

---Properties are read-only. Under any other name a socket keeps fields of the script's own; one that was not set is nil.
---@class k6.tcp.Socket
---`destroyed` also when the peer has closed.
---@field ready_state "disconnected"|"opening"|"open"|"destroyed"
---@field connected boolean whether `ready_state` is `open`
---@field local_ip string? address without brackets; nil unless open, so nil in a `close` handler
---@field local_port integer? nil unless open
---@field remote_ip string? the address that was connected to; nil unless open
---@field remote_port integer? the port that was connected to, after `hosts`; nil unless open
---@field bytes_written integer bytes that the kernel has accepted, also of writes that failed later
---@field bytes_read integer bytes that have arrived, also without a handler
---@field tls_version "tls1.2"|"tls1.3"|nil nil without TLS, and unless open; the following, too
---@field tls_cipher string? the cipher suite, by IANA's name
---@field tls_alpn string? the protocol that the server has selected; nil also if it selected none
---@field tls_resumed boolean? whether the handshake took up an earlier session
---@field tls_peer_subject string? whom the server's certificate names, such as `CN=example.com,O=Example`
---@field readyState "disconnected"|"opening"|"open"|"destroyed" As ready_state.
---@field localIp string? As local_ip.
---@field localPort integer? As local_port.
---@field remoteIp string? As remote_ip.
---@field remotePort integer? As remote_port.
---@field bytesWritten integer As bytes_written.
---@field bytesRead integer As bytes_read.
---@field tlsVersion "tls1.2"|"tls1.3"|nil As tls_version.
---@field tlsCipher string? As tls_cipher.
---@field tlsAlpn string? As tls_alpn.
---@field tlsResumed boolean? As tls_resumed.
---@field tlsPeerSubject string? As tls_peer_subject.
---@field [string] any fields of the script's own
local socket = {}

---Set the handler of an event. There is one for each event: a second takes the place of the first, with a warning. An
---unknown event is a warning too, and nothing else. Each call of a handler is a coroutine of its own and may wait; later
---events are delivered meanwhile.
---
---| Event | Handler gets | When |
---|---|---|---|
---| `connect` | nothing | connected; before `connect` returns |
---| `data` | a string | bytes have arrived: a chunk of 1 to `read_size` of them |
---| `timeout` | nothing | the time of `set_timeout` is over |
---| `error` | a TCPError | `connect` failed; `write` was refused because of its arguments; reading failed |
---| `close` | nothing | the socket has become `destroyed`; the last event, once |
---
---An event that has neither handler nor a waiting `wait` when it is raised is dropped. An error in a handler ends the
---iteration.
---
---Raises an argument error where event is no string, or handler no function.
---@param event "connect"|"timeout"|"close"
---@param handler fun()
---@overload fun(self: k6.tcp.Socket, event: "data", handler: fun(data: string))
---@overload fun(self: k6.tcp.Socket, event: "error", handler: fun(err: k6.tcp.TCPError))
function socket:on(event, handler) end

---Connect, and wait for it. One address of the name is tried. `TCP_NODELAY` is on. With `tls` the handshake is part of it.
---
---Raises a TCPError with method `connect`:
---
---| Code | Why |
---|---|---|
---| `EINVAL` | an argument of a wrong type; a port that is no whole number from 0 to 65535; PEM text that cannot be used |
---| `EISCONN`, `EALREADY` | the socket is open, or opening; that goes on |
---| `EDESTROYED` | the socket was destroyed: make another one |
---| `ENOTFOUND` | the name has no address |
---| `EBLOCKED` | `blockHostnames` or `blacklistIPs` forbids it |
---| `ETLS` | the TLS handshake failed; the message says why |
---| `ETIMEDOUT` | no answer for `timeout` |
---| `ECANCELED` | the socket was destroyed meanwhile, or the iteration has ended; no `error` event then |
---| `EMFILE`, `EADDRNOTAVAIL` | no file descriptor, or no source port is left |
---| `ECONNREFUSED`, `ECONNRESET`, `EHOSTUNREACH`, `ENETUNREACH`, ... | what the kernel says |
---
---The `error` handler runs first, unless the socket is destroyed. The socket is `disconnected` then, with no `close`
---event, and may connect again.
---
---Raises an argument error where it is not called with `:`; an error where nothing can wait (see `k6.sleep`).
---@async
---@param port integer|string a number, or a string that is one
---@param host? string name, IPv4 address, or IPv6 address without brackets; `localhost`
---@overload fun(self: k6.tcp.Socket, options: k6.tcp.ConnectOptions)
function socket:connect(port, host) end

---@class k6.tcp.ConnectOptions
---@field port integer|string
---@field host? string `localhost`, also for an empty string
---Tags of all later samples of this socket, in place of those of an earlier connect.
---@field tags? ringload.Tags
---For all of it together, in ms. Without it the lookup and the connection have 30000, and then the handshake 30000. 0 and
---less are as nil.
---@field timeout? number
---TLS 1.2 or 1.3, as the run's options say, and as the following, which count only then. Any value but false and nil.
---@field tls? boolean
---What SNI says, and the name that the certificate must carry; the host. SNI is not sent for an address.
---@field servername? string
---ALPN: the protocols to offer, in order; an empty list offers none; `{ "http/1.1" }`, as k6 does.
---@field alpn? string[]
---PEM text of the roots to trust, in place of the system's: what `open` returns.
---@field ca? string
---PEM text of a client certificate, with its chain, in place of `tlsAuth`.
---@field cert? string
---PEM text of its key.
---@field key? string
---Of a key in PEM's own encryption.
---@field password? string
---Take up the VU's last session with this host and port, and keep the session of this one. Counted in `tcp_tls_resumed`.
---@field tls_resume? boolean
---@field tlsResume? boolean As tls_resume.

---Put TLS on an open connection, after what the protocol says in the clear (SMTP's `STARTTLS`, PostgreSQL's `SSLRequest`), and
---wait for the handshake. All that was written before must have been accepted; nobody may write meanwhile.
---
---Raises a TCPError with method `start_tls`:
---
---| Code | Why |
---|---|---|
---| `EINVAL` | an option of a wrong type; PEM text that cannot be used. The connection goes on without TLS |
---| `ENOTCONN`, `EISCONN`, `EALREADY`, `EBUSY` | the socket is not open; it has TLS; start_tls is under way; an earlier write is not through. It goes on as it was |
---| `ETLS`, `ETIMEDOUT` | the handshake failed. The socket is `destroyed`, with the events `error` and `close` |
---| `ECANCELED` | the socket was destroyed meanwhile |
---
---Raises an argument error where options is no table, or where it is not called with `:`; an error where nothing can wait (see
---`k6.sleep`).
---@async
---@param options? k6.tcp.StartTlsOptions others are ignored
function socket:start_tls(options) end
socket.startTls = socket.start_tls

---As those of connect; `servername` is the host given to connect.
---@class k6.tcp.StartTlsOptions
---For the handshake, in ms; 30000.
---@field timeout? number
---@field servername? string what SNI says, and the name that the certificate must carry
---@field alpn? string[] the protocols to offer
---@field ca? string PEM text of the roots to trust
---@field cert? string PEM text of a client certificate, with its chain
---@field key? string PEM text of its key
---@field password? string of the key
---@field tls_resume? boolean take up the VU's last session with this host and port
---@field tlsResume? boolean As tls_resume.

---Write, and wait until the kernel has accepted all of data; that is not yet the peer. Writes of several coroutines go
---out in the order of their calls. An empty string is accepted at once.
---
---Raises a TCPError with method `write`:
---
---| Code | Why |
---|---|---|
---| `EINVAL` | data is no string, or not what `encoding` says; an unknown `encoding`; a wrong `timeout`. Counted in `tcp_errors`, with an `error` event |
---| `ENOTCONN` | the socket is not open. In no metric |
---| `ETIMEDOUT` | `timeout` is over. The socket stays open; what the kernel has not taken stays queued and goes out in order |
---| `ECANCELED` | the socket was destroyed meanwhile, or the peer has closed it |
---| `EPIPE`, `ECONNRESET`, ... | what the kernel says; the message has the bytes accepted |
---
---Only the first kind has an `error` event.
---
---Raises an argument error where options is no table, where its `tags` are none, and where it is not called with `:`; an
---error where nothing can wait (see `k6.sleep`).
---@async
---@param data string any bytes; numbers are not converted
---@param options? k6.tcp.WriteOptions others are ignored
function socket:write(data, options) end

---@class k6.tcp.WriteOptions
---What data is: `utf8`, `utf-8` and `ascii` are sent as they are, the others decoded. `base64` needs its padding,
---`base64url` does not. In any case of letters.
---@field encoding? "utf8"|"utf-8"|"ascii"|"hex"|"base64"|"base64url"
---Tags of the samples of this write.
---@field tags? ringload.Tags
---How long to wait, in ms; without limit if it is nil, 0 or less.
---@field timeout? number

---Wait for the next event of that name, with or without a handler; a handler runs first. What came before the call is not
---kept.
---
---Raises an argument error where there is no such event, or ms is no number; an error where nothing can wait (see
---`k6.sleep`).
---@async
---@param event "connect"|"data"|"timeout"|"error"|"close"
---@param ms? number how long, in ms; without limit if it is nil or negative
---@return boolean? happened true, at once for `close` of a socket that is closed; nil if it did not happen
---@return string|k6.tcp.TCPError|nil what the argument of the event; `"timeout"` after ms; `"closed"` where it will not happen any more
function socket:wait(event, ms) end

---`write` and `wait("data")` in one, at the price of one wait: send a request, get the first chunk of what comes back.
---A handler of `data` runs first. The time begins with this turn of the loop. Failures are returned, not raised. Time that
---is over while the kernel has not taken all of data is a TCPError with code `ETIMEDOUT`; the rest stays queued.
---
---A chunk that has the bytes of likely is that string, which saves the cost of another one; such as the answer to the
---same request before.
---
---Raises an argument error where data is no string or ms no number; an error where another coroutine waits for this socket, and
---where nothing can wait (see `k6.sleep`).
---@async
---@param data string any bytes; an empty string only waits
---@param ms? number how long, in ms; without limit if it is nil or negative
---@param likely? string others are ignored
---@return string? chunk nil if there was none
---@return number|string|k6.tcp.TCPError ms the time it took, in ms; or why there was none: `"timeout"`, `"closed"`, or the error of the write
function socket:exchange(data, ms, likely) end

---Raise `timeout` whenever no data came for ms milliseconds, again and again. The time begins when the socket opens, and
---anew with data, with this call and with each `timeout`; not with writes. The socket stays open. Possible in any state.
---
---Raises an argument error where ms is no number, string or nil, or where it is not called with `:`.
---@param ms? number whole milliseconds, the fraction is dropped; nil and less than 1: never
---@return k6.tcp.Socket self
function socket:set_timeout(ms) end
socket.setTimeout = socket.set_timeout

---Close. The state changes at once; `close` comes later, after data that had arrived. Pending `connect` and `write`
---raise `ECANCELED`. Bytes that the kernel has accepted are still sent. Harmless when repeated.
---
---Raises an argument error where it is not called with `:`.
function socket:destroy() end

---What the network did. `tostring(e)` is `TCP error during <method>: <message>`.
---@class k6.tcp.TCPError
---@field name "TCPError"
---@field method "connect"|"read"|"write"|"start_tls" what failed; `read` comes with an `error` event only
---@field message string for people
---The name of the system's error, such as `ECONNREFUSED`, `ECONNRESET`, `EPIPE`, `ETIMEDOUT`, `EHOSTUNREACH`,
---`EADDRNOTAVAIL`, `EMFILE`, `ECANCELED`, `EISCONN`, `EALREADY`, `EINVAL`; or `ENOTFOUND` (no such host), `EBLOCKED` (by the
---options), `ETLS`, `EDESTROYED` (of a destroyed socket), `ENOTCONN` (no connection), `ENOBUFS` (a limit of ringload or of
---the system).
---@field code string
local err = {}

---@class k6.tcp.TCPErrorMeta
---@field name "TCPError"
local err_meta = {}

return tcp
