# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run ends, by phase and cause: what still runs, and the exit code (E-350)."""

import unittest

import harness

TEARDOWN = "function teardown() print('torn down') end\n"


class ExitCodes(unittest.TestCase):
    def run_script(self, script, code, *flags):
        run = harness.run(script, *flags)
        self.assertEqual(run.code, code, run)
        return run

    def test_E_350_success_is_0(self):
        self.run_script("function default() end", 0)

    def test_E_005_a_script_that_exports_no_function_is_255(self):
        run = self.run_script("x = 1", 255)
        self.assertIn("exports no function", run.errors)

    def test_E_032_an_error_in_setup_is_107_and_nothing_else_runs(self):
        run = self.run_script("function setup() error('no') end\n"
                              "function default() print('iteration') end\n" + TEARDOWN, 107)
        self.assertNotIn("iteration\"", run.errors)
        self.assertNotIn("torn down", run.errors)

    def test_E_032_setup_and_teardown_have_timeouts(self):
        k6 = "local k6 = require('k6')\n"
        self.run_script(k6 + "options = { setupTimeout = '300ms' }\n"
                        "function setup() k6.sleep(60) end\nfunction default() end", 100)
        self.run_script(k6 + "options = { teardownTimeout = '300ms' }\n"
                        "function default() end\nfunction teardown() k6.sleep(60) end", 101)

    def test_E_032_an_error_in_teardown_is_107(self):
        self.run_script("function default() end\nfunction teardown() error('no') end", 107)

    def test_E_033_E_062_abort_is_108_uncatchable_and_tears_down(self):
        run = self.run_script("local exec = require('k6/execution')\n"
                              "function default() pcall(exec.test.abort, 'enough') print('went on') end\n"
                              + TEARDOWN, 108)
        self.assertNotIn("went on", run.errors)
        self.assertIn("enough", run.errors)
        self.assertIn("torn down", run.errors)

    def test_E_062_abort_in_setup_leaves_teardown_out(self):
        run = self.run_script("local exec = require('k6/execution')\n"
                              "function setup() exec.test.abort('early') end\n"
                              "function default() end\n" + TEARDOWN, 108)
        self.assertNotIn("torn down", run.errors)

    def test_E_063_fail_is_110_and_the_run_goes_on(self):
        run = self.run_script("local exec = require('k6/execution')\n"
                              "function default() exec.test.fail('bad') end", 110,
                              "--iterations", "3")
        self.assertEqual(run.count("iterations"), 3, run)

    def test_E_014_E_350_a_failing_iteration_leaves_0(self):
        run = self.run_script("function default() error('oops') end", 0, "--iterations", "2")
        self.assertEqual(run.count("iterations"), 2, run)

    def test_E_070_lua_that_computes_for_ever_ends_at_the_hard_end(self):
        run = self.run_script("options = { scenarios = { a = { executor = 'constant-vus', vus = 1, "
                              "duration = '1s', gracefulStop = '0s' } } }\n"
                              "function default() while true do pcall(function() while true do end end) end end",
                              0, "--handler-time", "1m")
        self.assertEqual(run.count("iterations"), 0, run)
        self.assertLess(run.seconds, 15)

    def test_E_004_setup_has_a_state_of_its_own_without_an_iteration(self):
        run = self.run_script("seen = 0\nfunction setup() seen = 1 return { vu = __VU, iter = tostring(__ITER) } end\n"
                              "function default(d) print('got', d.vu, d.iter, seen) end", 0)
        self.assertIn("got 0 nil 0", run.errors)

    def test_E_340_all_checks_are_evaluated_in_the_order_of_names(self):
        run = self.run_script("local k6 = require('k6')\nfunction default()\n"
                              "  print(k6.check(1, { b = function() return false end, a = true }))\nend", 0)
        self.assertIn("false", run.errors)
        self.assertEqual(run.metric("checks")["passes"], 1, run)
        self.assertEqual(run.metric("checks")["fails"], 1, run)


if __name__ == "__main__":
    unittest.main()
