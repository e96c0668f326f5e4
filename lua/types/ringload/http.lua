-- SPDX-License-Identifier: GPL-3.0-or-later
---@meta
--- # ringload/http
---
---```lua
---local http = require("ringload/http")
---
---function default()
---  local client <close> = http.client("http://127.0.0.1:8080") -- closed when default() ends
---  local r = client:get("/")
---  print(r.status, #r.body, r.headers["content-type"], r.duration)
---end
---```
---
---HTTP/1.1 over the sockets of [`k6/x/tcp`](tcp.md). A client is one connection, kept alive from one request to the next; it is
---opened by the first request, and anew where the server has closed it. Several clients are several connections; one client
---has one request under way at a time. A request waits for its answer; whatever else the VU does goes on.
---
---Each request is a sample of `http_reqs`, `http_req_duration` (from the request's writing until the last byte of the answer)
---and `http_req_failed` (the status is not 200 to 399, or there is no answer), with the tags `method`, `name` (the path
---without its query, unless the request says otherwise), `status` (0: no answer), `expected_response`, `proto`. Give requests
---whose paths hold numbers or keys a `name`: each name is a series of its own. Times are those of the loop's turns, as
---all that ringload measures.
---
---What the network does is raised as a [`TCPError`](tcp.md#tcperror), all else that ends a request as an
---[`HTTPError`](#httperror). A status of 400 or above is an answer and raises nothing. Misuse is an argument error.
---
---No redirects, cookies or compression: what is asked is what is sent. `https` needs a version of ringload with TLS.

---@class http
---What `getmetatable(e)` gives for an HTTPError `e`.
---@field HTTPError http.HTTPErrorMeta
local http = {}

---A client of a server, not connected yet. Close it with `local client <close>` or `client:close()`: an iteration whose
---client is open does not end.
---
---Raises an argument error where an option is unknown, of a wrong type or out of range, and where a string is no address of a
---server.
---@param options string|http.ClientOptions `"http://host:port"`, or options
---@return http.Client client
function http.client(options) end

---@class http.ClientOptions
---Name or address of the server; `127.0.0.1`.
---@field host? string
---Its port; 80, and 443 with `tls`.
---@field port? integer|string
---Connect with TLS, where this version has it; false.
---@field tls? boolean
---Headers of all requests. `Host` and `User-Agent` are there unless these have them.
---@field headers? table<string, string|number>
---Tags of all samples of its requests and of its sockets.
---@field tags? ringload.Tags
---How long connecting may take, and an answer, in ms; 60000.
---@field timeout? number
---Bytes of the longest header; 65536.
---@field max_header? integer
---Bytes of the longest body; 67108864.
---@field max_body? integer

---@class http.Client
local client = {}

---GET a path. Without options the request is prepared once for each path: the first 64 of a client, and of all clients without
---`headers`, `tags` and limits of their own some 1,000 more.
---
---Raises a TCPError where connecting or writing fails, an HTTPError where there is no answer, or none that can be read; an
---argument error where path or an option is wrong.
---@async
---@param path string with its query; no blanks
---@param options? http.RequestOptions
---@return http.Response answer
function client:get(path, options) end

---HEAD, otherwise as `get`.
---
---Raises what `get` does.
---@async
---@param path string
---@param options? http.RequestOptions
---@return http.Response answer
function client:head(path, options) end

---POST, otherwise as `get`.
---
---Raises what `get` does.
---@async
---@param path string
---@param body? string any bytes; empty if it is nil
---@param options? http.RequestOptions
---@return http.Response answer
function client:post(path, body, options) end

---Any request. Where the server closes a connection that was used before without an answer, a GET, HEAD, PUT, DELETE,
---OPTIONS or TRACE is sent once more, on a new connection.
---
---Raises what `get` does.
---@async
---@param method string as it is sent: `"PUT"`
---@param path string
---@param options? http.RequestOptions
---@return http.Response answer
function client:request(method, path, options) end

---A request to be sent many times: its text is built once, and what a server repeats in its answers is read once.
---
---Raises an argument error where an argument or an option is wrong.
---@param method string
---@param path string
---@param options? http.RequestOptions
---@return http.Request request
function client:prepare(method, path, options) end

---Send a prepared request.
---
---Raises what `get` does.
---@async
---@param request http.Request
---@return http.Response answer
function client:send(request) end

---Write several prepared requests at once, and read their answers in order. Nothing is sent again; a failure ends all of it.
---
---Raises what `get` does.
---@async
---@param requests http.Request[]
---@return http.Response[] answers
function client:pipeline(requests) end

---Close the connection, if there is one. The next request opens another. Harmless when repeated.
---
---Raises nothing.
function client:close() end

---What `prepare` returns. It has nothing for scripts.
---@class http.Request
local request = {}

---@class http.RequestOptions
---Headers that come before those of the client; names in any case. `Content-Length` is there where it is needed.
---@field headers? table<string, string|number>
---Any bytes.
---@field body? string
---Tag `name` of the samples; the path without its query.
---@field name? string
---More tags of the samples.
---@field tags? ringload.Tags

---@class http.Response
---@field status integer
---@field duration number from the request's writing to the last byte, in ms
---@field body string made when it is asked for
---Names in lower case; what comes several times is joined by a comma. Made when they are asked for.
---@field headers table<string, string>
local response = {}

---The body, decoded by [`json`](json.md).
---
---Raises an error where it is no JSON.
---@return any value
function response:json() end

---Why a request has no answer. `tostring(e)` is `HTTP error during <method> <path>: <message>`. The connection is closed.
---@class http.HTTPError
---@field name "HTTPError"
---@field method string of the request
---@field path string
---@field message string for people
---`ETIMEDOUT`; `ECLOSED`, by the server before the answer's end; `EPROTO`, no HTTP/1 or not a whole one; `EMSGSIZE`, longer
---than `max_header` or `max_body`.
---@field code "ETIMEDOUT"|"ECLOSED"|"EPROTO"|"EMSGSIZE"
local err = {}

---@class http.HTTPErrorMeta
---@field name "HTTPError"
local err_meta = {}

return http
