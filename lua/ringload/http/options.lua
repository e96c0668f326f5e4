-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- options: what a script says of an HTTP client and of a request: checked, with defaults, addresses taken apart.
-- Errors are the caller's, at level.

local question = require("ringload/http/question")

local find, match, format = string.find, string.match, string.format
local pairs, type, error, tonumber, tostring = pairs, type, error, tonumber, tostring

local TIMEOUT_MS = 60000
local MAX_HEADER, MAX_BODY = 65536, 64 * 1024 * 1024 -- bytes

local CLIENT_OPTIONS = {
  host = true,
  port = true,
  tls = true,
  headers = true,
  tags = true,
  timeout = true,
  max_header = true,
  max_body = true,
}

-- A table with nothing but known names; none is an empty one.
local function check(options, known, what, level)
  if options == nil then
    return {}
  end
  if type(options) ~= "table" then
    error(what .. " must be a table, not a " .. type(options), level + 1)
  end
  for key in pairs(options) do
    if not known[key] then
      error(format("%s: there is no option %q", what, tostring(key)), level + 1)
    end
  end
  return options
end

-- Those of more go before those of base; either may be nil.
local function merge(base, more)
  if not base or not more then
    return more or base
  end
  local merged = {}
  for key, value in pairs(base) do
    merged[key] = value
  end
  for key, value in pairs(more) do
    merged[key] = value
  end
  return merged
end

local function from_url(url, level)
  local scheme, host, port, rest = match(url, "^(%a+)://([^/:%[%]]+):?(%d*)(.*)$")
  if not scheme then
    scheme, host, port, rest = match(url, "^(%a+)://%[([%x:.]+)%]:?(%d*)(.*)$")
  end
  scheme = scheme and scheme:lower()
  if scheme ~= "http" and scheme ~= "https" or rest ~= "" and rest ~= "/" then
    error(format("%q is not the address of a server, such as http://127.0.0.1:8080", url), level + 1)
  end
  return { host = host, port = tonumber(port), tls = scheme == "https" or nil }
end

local function positive(options, key, default, level)
  local value = options[key]
  if value == nil then
    return default
  end
  if type(value) ~= "number" or not (value > 0) then
    error(format("%s must be a number above 0", key), level + 1)
  end
  return value
end

local function authority(host, port, default)
  local name = find(host, ":", 1, true) and "[" .. host .. "]" or host
  return port == default and name or format("%s:%d", name, port)
end

-- What a client is made with, an address or a table: host, port, authority (as the Host header has it), tls, headers,
-- tags, timeout (ms), max_header, max_body (bytes); and given, the table as the script wrote it.
local function read(given, level)
  local options = type(given) == "string" and from_url(given, level + 1) or given
  options = check(options, CLIENT_OPTIONS, "the options of a client", level + 1)
  local host, default_port = options.host or "127.0.0.1", options.tls and 443 or 80
  local port = math.tointeger(tonumber(options.port or default_port))
  if type(host) ~= "string" or not match(host, "^[^%c%s/]+$") then
    error("host must be a name or an address", level + 1)
  end
  if not port then
    error(format("port must be a whole number, not %s", tostring(options.port)), level + 1)
  end
  if options.headers then
    question.check_headers(options.headers, level + 1)
  end
  return {
    given = options,
    host = host,
    port = port,
    authority = authority(host, port, default_port),
    tls = options.tls,
    headers = options.headers,
    tags = options.tags,
    timeout = positive(options, "timeout", TIMEOUT_MS, level + 1),
    max_header = positive(options, "max_header", MAX_HEADER, level + 1),
    max_body = positive(options, "max_body", MAX_BODY, level + 1),
  }
end

return { check = check, merge = merge, read = read }
