-- A closed loop: each VU has one connection and one GET under way, for as long as the run lasts.
local redis = require("ringload/redis")

options = {
  scenarios = {
    redis = {
      executor = "constant-vus",
      vus = tonumber(__ENV.VUS or "1"),
      duration = __ENV.DURATION or "5s",
      gracefulStop = "0s",
    },
  },
}

function default()
  local client = redis.client({ host = __ENV.HOST, port = __ENV.PORT })
  local get = client:prepare("GET", __ENV.KEY)

  while client:send(get) == __ENV.VALUE do end
  error("a reply is not what was set")
end
