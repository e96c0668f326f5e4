# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's own lateness: what it took for its turns is told when a run has ended."""

import unittest

import harness

BUSY_MS = 90  # of CPU time, which other threads of the run may share a little
SCRIPT = """
local k6 = require("k6")
function default()
  for i = 1, 1100 do
    k6.sleep(0.001)
    if i % 40 == 0 then
      local stop = os.clock() + BUSY_S
      while os.clock() < stop do end
    end
  end
end
""".replace("BUSY_S", str(BUSY_MS / 1000))


class Lateness(unittest.TestCase):
    def test_long_turns_are_told(self):
        run = harness.run(SCRIPT)
        self.assertEqual(run.code, 0, run)
        turns = run.summary["worker_turns"]
        self.assertGreaterEqual(turns["count"], 1000)
        self.assertGreaterEqual(turns["p(99.99)"], BUSY_MS / 2)
        self.assertGreaterEqual(turns["max"], turns["p(99.99)"])
        self.assertIn("the generator was late", run.errors)

    def test_a_run_of_a_few_turns_says_nothing(self):
        run = harness.run("function default() end")
        self.assertGreater(run.summary["worker_turns"]["count"], 0)
        self.assertNotIn("the generator was late", run.errors)


if __name__ == "__main__":
    unittest.main()
