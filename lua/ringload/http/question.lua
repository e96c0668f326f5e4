-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- question: the text of an HTTP/1.1 request.

local find, match, lower, format = string.find, string.match, string.lower, string.format
local concat, sort = table.concat, table.sort

local function check_headers(headers, level)
  if type(headers) ~= "table" then
    error("headers must be a table of name and value, not a " .. type(headers), level + 1)
  end
  for name, value in pairs(headers) do
    if type(name) ~= "string" or not match(name, "^[%w!#$%%&'*+.^_`|~-]+$") then
      error(format("%q is not the name of a header", tostring(name)), level + 1)
    end
    local kind = type(value)
    if kind ~= "string" and kind ~= "number" then
      error(format("the value of the header '%s' must be a string, not a %s", name, kind), level + 1)
    end
    if find(value, "[\r\n\0]") then
      error(format("the value of the header '%s' has a line end in it", name), level + 1)
    end
  end
end

-- Later tables win, whatever the case of the names; sorted, so that one request is one text.
local function header_lines(tables)
  local byname, names, lines = {}, {}, {}
  for _, headers in ipairs(tables) do
    for name, value in pairs(headers) do
      local key = lower(name)
      if not byname[key] then
        names[#names + 1] = key
      end
      byname[key] = name .. ": " .. value
    end
  end
  sort(names, function(a, b)
    if (a == "host") ~= (b == "host") then
      return a == "host"
    end
    return a < b
  end)
  for i, key in ipairs(names) do
    lines[i] = byname[key]
  end
  return concat(lines, "\r\n"), byname
end

local BODY_EXPECTED = { POST = true, PUT = true, PATCH = true }

-- base, client: of all requests of a client, checked. own: the request's. nil: none. level: whom an
-- argument error is blamed on.
local function text(method, path, base, client, own, body, level)
  if type(method) ~= "string" or not match(method, "^[%w!#$%%&'*+.^_`|~-]+$") then
    error(format("%q is no method of HTTP", tostring(method)), level + 1)
  end
  if type(path) ~= "string" or not match(path, "^[^%c ]+$") then
    error(format("%q is no path: it is empty, or has blanks or control characters in it", tostring(path)), level + 1)
  end
  if body ~= nil and type(body) ~= "string" then
    error("body must be a string, not a " .. type(body), level + 1)
  end
  if own then
    check_headers(own, level + 1)
  end
  local lines, byname = header_lines({ base, client or {}, own or {} })
  if byname["transfer-encoding"] == nil and byname["content-length"] == nil and (body or BODY_EXPECTED[method]) then
    lines = lines .. "\r\nContent-Length: " .. #(body or "")
  end
  return concat({ method, " ", path, " HTTP/1.1\r\n", lines, "\r\n\r\n", body or "" })
end

return { text = text, check_headers = check_headers }
