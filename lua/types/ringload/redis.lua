-- SPDX-License-Identifier: GPL-3.0-or-later
---@meta
--- # ringload/redis
---
---```lua
---local redis = require("ringload/redis")
---
---function default()
---  local r <close> = redis.client({ host = "127.0.0.1", port = 6379 }) -- closed when default() ends
---  r:set("key", "value")
---  print(r:get("key"), r:call("INCR", "hits"))
---end
---```
---
---Redis, and what speaks its protocol, over the sockets of [`k6/x/tcp`](tcp.md). A client is one connection, opened by the first
---command, and anew where the server has closed it. Several clients are several connections; one client has one command
---under way at a time. A command waits for its reply; whatever else the VU does goes on.
---
---| Reply | In Lua |
---|---|---|
---| simple, bulk and verbatim string, big number | string |
---| integer, double, boolean | integer, number, boolean |
---| nil | nil; `redis.null` in lists, maps and pipelines |
---| array, set | list |
---| map | table by key |
---| error | raised; in lists and pipelines an object |
---
---Each command is a sample of `redis_commands`, `redis_command_duration` (from its writing until the last byte of the reply)
---and `redis_command_failed` (an error, or no reply), with the tag `command`. Times are those of the loop's turns, as all
---that ringload measures.
---
---What the network does is raised as a [`TCPError`](tcp.md#tcperror), all else as a [`RedisError`](#rediserror). Misuse is an
---argument error.

---@class redis
---@field null lightuserdata what stands for nil in lists, maps and pipelines; the same as `json.null`
---What `getmetatable(e)` gives for a RedisError `e`.
---@field RedisError redis.RedisErrorMeta
local redis = {}

---A client of a server, not connected yet. Close it with `local r <close>` or `r:close()`: an iteration whose client is
---open does not end.
---
---Raises an argument error where an option is unknown, of a wrong type or out of range.
---@param options? redis.ClientOptions
---@return redis.Client client
function redis.client(options) end

---@class redis.ClientOptions
---`127.0.0.1`.
---@field host? string
---6379.
---@field port? integer|string
---Connect with TLS, where this version has it; false.
---@field tls? boolean
---With `password`: whose it is.
---@field username? string
---Sent with `AUTH` on each new connection.
---@field password? string
---Chosen with `SELECT` on each new connection.
---@field db? integer
---3: ask for RESP3 with `HELLO`; 2.
---@field protocol? 2|3
---Tags of all samples of its commands and of its sockets.
---@field tags? ringload.Tags
---How long connecting may take, and a reply, in ms; 60000.
---@field timeout? number
---Bytes of the longest string in a reply, and elements of the longest list; 67108864.
---@field max_reply? integer

---@class redis.Client
local client = {}

---Any command.
---
---Raises a TCPError where connecting or writing fails; a RedisError where the server replies with one, not at all, or not as
---Redis does; an argument error where an argument is no string or number.
---@async
---@param command string `"INCR"`
---@param ... string|number
---@return any reply
function client:call(command, ...) end

---`GET key`
---
---Raises what `call` does.
---@async
---@param key string|number
---@return string? value nil if there is none
function client:get(key) end

---`SET key value`, and what else is given: `r:set("k", "v", "EX", 10)`.
---
---Raises what `call` does.
---@async
---@param key string|number
---@param value string|number
---@param ... string|number
---@return string? reply `OK`, or what the options make of it
function client:set(key, value, ...) end

---A command to be sent many times: its text is built once.
---
---Raises an argument error where an argument is no string or number.
---@param command string
---@param ... string|number
---@return redis.Command command
function client:prepare(command, ...) end

---Send a prepared command.
---
---Raises what `call` does.
---@async
---@param command redis.Command
---@return any reply
function client:send(command) end

---Write several commands at once, and read their replies in order: those that a function calls on its argument, which has
---`call`, `get`, `set` and `send`; or a list of prepared commands and of lists of words.
---
---Raises what `call` does, but for errors that the server replies with: those are in the list.
---@async
---@param commands fun(p: redis.Pipeline)|(redis.Command|(string|number)[])[]
---@return any[] replies `redis.null` for nil
function client:pipeline(commands) end

---Close the connection, if there is one. The next command opens another. Harmless when repeated.
---
---Raises nothing.
function client:close() end

---What `prepare` returns. It has nothing for scripts.
---@class redis.Command
local command = {}

---Commands that are noted, to be sent together.
---@class redis.Pipeline
local pipeline = {}

---Note any command.
---
---Raises an argument error where an argument is no string or number.
---@param command string
---@param ... string|number
function pipeline:call(command, ...) end

---Note `GET key`.
---
---Raises what `call` does.
---@param key string|number
function pipeline:get(key) end

---Note `SET key value`, and what else is given.
---
---Raises what `call` does.
---@param key string|number
---@param value string|number
---@param ... string|number
function pipeline:set(key, value, ...) end

---Note a prepared command.
---
---Raises an argument error where it is none.
---@param command redis.Command
function pipeline:send(command) end

---An error that the server replied with, or why there is no reply. `tostring(e)` is `redis error during <command>:
---<message>`.
---@class redis.RedisError
---@field name "RedisError"
---@field command string
---@field message string as the server sent it, or for people
---The first word of the server's message: `ERR`, `WRONGTYPE`, `NOAUTH`, ...; or, with the connection closed: `ETIMEDOUT`;
---`ECLOSED`, by the server before the reply's end; `EPROTO`, no reply of Redis; `EMSGSIZE`, longer than `max_reply`.
---@field code string
local err = {}

---@class redis.RedisErrorMeta
---@field name "RedisError"
local err_meta = {}

return redis
