-- A closed loop: each VU has one connection and one GET under way, for as long as the run lasts.
local http = require("ringload/http")

options = {
  scenarios = {
    http = {
      executor = "constant-vus",
      vus = tonumber(__ENV.VUS or "1"),
      duration = __ENV.DURATION or "5s",
      gracefulStop = "0s",
    },
  },
}

function default()
  local client = http.client({ host = __ENV.HOST, port = __ENV.PORT })

  while client:get("/").status == 200 do end
  error("an answer is not 200")
end
