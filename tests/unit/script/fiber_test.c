/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting, starting, stopping: what runs in a VU at the same time, and how it is ended. */
#include "script_rig.h"
#include "test.h"

START_TEST(sleep_suspends_its_coroutine_only)
{
    rig_pass("local k6 = require 'k6'\n"
             "function default()\n"
             "  local order = {}\n"
             "  k6.spawn(function(a, b) k6.sleep(0.1); order[#order + 1] = a + b end, 1, 2)\n"
             "  order[#order + 1] = 1\n"
             "  k6.sleep(0.01); order[#order + 1] = 2\n"
             "  k6.sleep(0.2)\n"
             "  assert(table.concat(order, ',') == '1,2,3', table.concat(order, ','))\n"
             "  k6.sleep(0)\n"
             "end\n");
}
END_TEST

START_TEST(iteration_lasts_while_something_waits)
{
    uint64_t from_ns = rl_clock_ns();

    rig_start("local k6 = require 'k6'\n"
              "function default() k6.spawn(function() k6.sleep(0.05) print('late') end) end\n");
    rig_run_well(1, "default");
    ck_assert_uint_ge(rl_clock_ns() - from_ns, 50 * RL_NS_PER_MS);
    rig_expect_log("late");
    rig_close();
}
END_TEST

START_TEST(spawned_start_in_order)
{
    rig_pass("local k6 = require 'k6'\n"
             "function default()\n"
             "  local order = {}\n"
             "  for i = 1, 5 do k6.spawn(function() order[#order + 1] = i end) end\n"
             "  assert(#order == 0)\n"
             "  k6.sleep(0.01)\n"
             "  assert(table.concat(order) == '12345')\n"
             "end\n");
}
END_TEST

START_TEST(all_waits_for_all)
{
    rig_pass("local k6 = require 'k6'\n"
             "function default()\n"
             "  local r = k6.all{function() k6.sleep(0.02) return 'a', 'x' end,\n"
             "                   function() return 'b' end, function() end}\n"
             "  assert(r[1] == 'a' and r[2] == 'b' and r[3] == nil and r.n == 3)\n"
             "  assert(r.left == nil and r.done == nil)\n"
             "  assert(#k6.all{} == 0)\n"
             "  local late = 0\n"
             "  local ok, e = pcall(k6.all, {function() k6.sleep(0.3) late = late + 1 end,\n"
             "                               function() k6.sleep(0.01) error({code = 5}) end,\n"
             "                               function() k6.sleep(0.015) error('second') end})\n"
             "  assert(not ok and e.code == 5 and late == 0)\n"
             "  k6.sleep(0.4)\n"
             "  assert(late == 1, 'the others run on')\n"
             "  assert(not pcall(k6.all, {1}) and not pcall(k6.all))\n"
             "  local nested = k6.all{function() return k6.all{function() return 1 end}[1] end}\n"
             "  assert(nested[1] == 1)\n"
             "end\n");
}
END_TEST

START_TEST(race_takes_the_first)
{
    rig_pass(
        "local k6 = require 'k6'\n"
        "function default()\n"
        "  local done = 0\n"
        "  local first = k6.race{function() k6.sleep(0.3) done = done + 1 return 'slow' end,\n"
        "                        function() k6.sleep(0.01) done = done + 1 return 'fast' end}\n"
        "  assert(first == 'fast' and done == 1)\n"
        "  k6.sleep(0.4)\n"
        "  assert(done == 2)\n"
        "  local ok, e = pcall(k6.race, {function() error('quick', 0) end,\n"
        "                                function() k6.sleep(0.01) end})\n"
        "  assert(not ok and e == 'quick')\n"
        "  assert(not pcall(k6.race, {}))\n"
        "end\n");
}
END_TEST

START_TEST(waiting_in_a_coroutine_suspends_the_user)
{
    rig_pass(
        "local k6 = require 'k6'\n"
        "function default()\n"
        "  local gen = coroutine.wrap(function(a)\n"
        "    k6.sleep(0.01)\n"
        "    local inner = coroutine.create(function() k6.sleep(0.01) return coroutine.yield('in') "
        "end)\n"
        "    local ok, v = coroutine.resume(inner)\n"
        "    assert(ok and v == 'in' and coroutine.status(inner) == 'suspended')\n"
        "    assert(select(2, coroutine.resume(inner, 'out')) == 'out')\n"
        "    assert(coroutine.status(inner) == 'dead')\n"
        "    local b = coroutine.yield(a + 1)\n"
        "    k6.sleep(0.01)\n"
        "    return b * 2\n"
        "  end)\n"
        "  assert(gen(1) == 2 and gen(10) == 20)\n"
        "  assert(not pcall(gen))\n"
        "  assert(not pcall(coroutine.yield))\n"
        "  local co, main = coroutine.running()\n"
        "  assert(main == true and coroutine.resume(co) == false)\n"
        "  local closed = false\n"
        "  local c = coroutine.create(function()\n"
        "    local x <close> = setmetatable({}, {__close = function() closed = true end})\n"
        "    coroutine.yield() end)\n"
        "  coroutine.resume(c)\n"
        "  assert(coroutine.close(c) and closed)\n"
        "  local ok, e = coroutine.resume(coroutine.create(function() error('inside', 0) end))\n"
        "  assert(not ok and e == 'inside')\n"
        "  for i in coroutine.wrap(function() for i = 1, 3 do k6.sleep(0.001) coroutine.yield(i) "
        "end end) do\n"
        "    last = i\n"
        "  end\n"
        "  assert(last == 3)\n"
        "end\n");
}
END_TEST

START_TEST(waiting_where_it_cannot_is_a_plain_error)
{
    rig_start("local k6 = require 'k6'\n"
              "ok, why = pcall(k6.sleep, 1)\n"
              "assert(not ok and why:find('init context'), why)\n"
              "assert(not pcall(k6.spawn, print))\n"
              "function default()\n"
              "  local ok, why = pcall(table.sort, {2, 1, 3}, function() k6.sleep(0.01) end)\n"
              "  assert(not ok and why:find('not possible here'), why)\n"
              "  ok, why = pcall(string.gsub, 'x', 'x', function()\n"
              "    coroutine.wrap(function() k6.sleep(0.01) end)() end)\n"
              "  assert(not ok and why:find('not possible here'), why)\n"
              "  k6.sleep(0.001)\n"
              "end\n");
    rig_run_well(1, "default");
    rig_close();
}
END_TEST

START_TEST(errors_are_logged_with_their_place)
{
    rig_start("#!/usr/bin/env ringload\n"
              "local k6 = require 'k6'\n"
              "local function inner(t) return t.field.x end\n"
              "function default() inner({}) end\n"
              "function spawned() k6.spawn(function() error({}) end) k6.sleep(1) end\n"
              "function values() error(setmetatable({}, {__tostring = function() return 'mine' "
              "end})) end\n"
              "function evil() error(setmetatable({}, {__tostring = function() error('again') "
              "end})) end\n"
              "function failing() k6.fail('enough') end\n");
    ck_assert(rig_run(1, "default")->failed);
    ck_assert_int_eq(rig.outcome, RL_ITERATION_COMPLETE);
    rig_expect_log(".lua:3: attempt to index a nil value (field 'field')");
    rig_expect_log(".lua:4: in ");
    rig_expect_log("executor=constant-vus scenario=steady source=stacktrace");
    ck_assert(rig_run(1, "spawned")->failed);
    ck_assert(rig_run(1, "values")->failed);
    rig_expect_log("msg=\"mine\\nstack traceback");
    ck_assert(rig_run(1, "evil")->failed);
    rig_expect_log("has no text");
    ck_assert(rig_run(1, "failing")->failed);
    rig_expect_log(".lua:8: enough");
    rig_close();
}
END_TEST

START_TEST(abort_closes_what_waits)
{
    rig_start(
        "local k6 = require 'k6'\n"
        "local function guard(name) return setmetatable({}, {__close = function()\n"
        "  print('closed', name)\n"
        "  assert(not pcall(k6.sleep, 1)); assert(not pcall(k6.spawn, print)) end}) end\n"
        "function default()\n"
        "  k6.spawn(function() local g <close> = guard('one') k6.sleep(10) print('never') end)\n"
        "  k6.spawn(function() local g <close> = guard('two') k6.sleep(0.01) error('boom') end)\n"
        "  local g <close> = guard('main')\n"
        "  k6.sleep(10)\n"
        "end\n"
        "function after() end\n");
    ck_assert(rig_run(1, "default")->failed);
    rig_expect_log("boom");
    rig_expect_log("closed one");
    rig_expect_log("closed two");
    rig_expect_log("closed main");
    rig_expect_no_log("never");
    rig_run_well(1, "after");
    rig_close();
}
END_TEST

START_TEST(loop_is_stopped)
{
    static const char *const loops[] = {"plain",  "protected", "handled",
                                        "nested", "joined",    "closing"};

    rig_start("local k6 = require 'k6'\n"
              "function plain() while true do end end\n"
              "function protected() while true do pcall(function() while true do end end) end end\n"
              "function handled() local function f() while true do end end\n"
              "  while true do xpcall(f, f) end end\n"
              "function nested() pcall(coroutine.wrap(function()\n"
              "  pcall(coroutine.wrap(function() while true do end end)) while true do end end))\n"
              "  while true do end end\n"
              "function joined() k6.all{function() while true do end end} end\n"
              "function closing() local x <close> = setmetatable({}, {__close = function() while "
              "true do end end})\n"
              "  k6.spawn(function() error('first') end) k6.sleep(5) end\n"
              "function default() x = (x or 0) + 1 end\n");
    rig_stop_after_ms(20, RL_STOP_OVERRUN);
    for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
        ck_assert(rig_run(1, loops[i])->failed);
        rig_run_well(1, "default");
        rig_run_well(2, "default");
    }
    rig_expect_log("one handler ran for longer than 1s (--handler-time)");
    rig_expect_log(".lua:2: in ");
    rig_stop_after_ms(0, RL_STOP_NONE);
    rig_close();
}
END_TEST

START_TEST(interruption_says_nothing)
{
    struct rl_vu *vu;

    rig_start("function default() while true do pcall(function() while true do end end) end end\n"
              "function next() assert(true) end\n");
    rig_stop_after_ms(20, RL_STOP_INTERRUPTED);
    vu = rig_vu(1);
    vu->exec = rig_function("default");
    rl_vu_begin(vu);
    ck_assert_int_eq(rig.done, 0);
    rl_vu_interrupt(vu);
    ck_assert_int_eq(rig.done, 1);
    ck_assert_int_eq(rig.outcome, RL_ITERATION_INTERRUPTED);
    rig_stop_after_ms(0, RL_STOP_NONE);
    ck_assert_str_eq(rig_log(), "");
    rig_run_well(1, "next");
    rig_close();
}
END_TEST

START_TEST(abort_of_the_test_is_not_caught)
{
    struct rl_vu *vu;

    rig_start("local exec = require 'k6/execution'\n"
              "function default() pcall(exec.test.abort, 'enough') print('survived')\n"
              "  while true do end end\n"
              "function failing() exec.test.fail('bad') print('went on') end\n");
    vu = rig_vu(1);
    vu->exec = rig_function("default");
    rl_vu_begin(vu);
    ck_assert_str_eq(rig.aborted, "enough");
    rig_expect_no_log("survived");
    rl_vu_interrupt(vu);
    rig_run_well(2, "failing");
    ck_assert_str_eq(rig.failed, "bad");
    rig_expect_log("went on");
    rig_close();
}
END_TEST

START_TEST(memory_is_bounded)
{
    static const char source[] =
        "local big\n"
        "function table_() big = {} pcall(function() for i = 1, 1e9 do big[i] = {i} end end)\n"
        "  print('survived') end\n"
        "function text() local s = 'x' pcall(function() while true do s = s .. s end end)\n"
        "  pcall(string.rep, 'x', 1e9) print('survived') end\n"
        "function garbage() for i = 1, 2e6 do local t = {i} end end\n"
        "function default() big = nil kept = kept or 1 end\n";

    rig.config.handler_memory_bytes = 8 << 20;
    rig_start(source);
    ck_assert(rig_run(1, "table_")->failed);
    rig_expect_log("more than 8MiB of memory (--handler-memory)");
    rig_run_well(1, "default");
    rig_run_well(2, "default");
    ck_assert(rig_run(1, "text")->failed);
    rig_run_well(2, "garbage");
    rig_expect_no_log("survived");
    rig_run_well(2, "default");
    rig_close();
}
END_TEST

START_TEST(memory_of_a_cell_is_bounded)
{
    rig.config.cell_memory_bytes = 16 << 20;
    rig_start(
        "local k6 = require 'k6'\n"
        "function default() local big = {} while true do\n"
        "  pcall(function() for i = 1, 10000 do big[#big + 1] = {i} end end) k6.sleep(0) end end\n"
        "function fine() local t = {} end\n");
    ck_assert(rig_run(1, "default")->failed);
    rig_expect_log("the VUs of one Lua state hold more than 16MiB of memory (--cell-memory)");
    rig_run_well(1, "fine");
    rig_close();
}
END_TEST

START_TEST(runaway_recursion_is_an_error)
{
    rig.config.handler_memory_bytes = 512 << 20;
    rig_start("local function f() return 1 + f() end\n"
              "function default() f() end\n"
              "function wrapped() local function g() return coroutine.wrap(g)() end g() end\n"
              "function fine() end\n");
    ck_assert(rig_run(1, "default")->failed);
    rig_expect_log("stack overflow");
    ck_assert(rig_run(1, "wrapped")->failed);
    rig_run_well(1, "fine");
    rig_close();
}
END_TEST

START_TEST(coroutines_of_a_user_are_bounded)
{
    rig_start("local k6 = require 'k6'\n"
              "function default() for i = 1, 6000 do k6.spawn(k6.sleep, 5) end end\n"
              "function fine() for i = 1, 500 do k6.spawn(k6.sleep, 0.01) end end\n");
    ck_assert(rig_run(1, "default")->failed);
    rig_expect_log("already has 5000 functions that wait");
    rig_run_well(1, "fine");
    rig_close();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("fiber");
    TCase *tc = tcase_create("waiting");

    tcase_add_test(tc, sleep_suspends_its_coroutine_only);
    tcase_add_test(tc, iteration_lasts_while_something_waits);
    tcase_add_test(tc, waiting_in_a_coroutine_suspends_the_user);
    tcase_add_test(tc, waiting_where_it_cannot_is_a_plain_error);
    suite_add_tcase(s, tc);
    tc = tcase_create("tasks");
    tcase_add_test(tc, spawned_start_in_order);
    tcase_add_test(tc, all_waits_for_all);
    tcase_add_test(tc, race_takes_the_first);
    tcase_add_test(tc, coroutines_of_a_user_are_bounded);
    suite_add_tcase(s, tc);
    tc = tcase_create("errors");
    tcase_add_test(tc, errors_are_logged_with_their_place);
    tcase_add_test(tc, abort_closes_what_waits);
    tcase_add_test(tc, runaway_recursion_is_an_error);
    suite_add_tcase(s, tc);
    tc = tcase_create("stopping");
    tcase_add_test(tc, loop_is_stopped);
    tcase_add_test(tc, interruption_says_nothing);
    tcase_add_test(tc, abort_of_the_test_is_not_caught);
    suite_add_tcase(s, tc);
    tc = tcase_create("memory");
    tcase_add_test(tc, memory_is_bounded);
    tcase_add_test(tc, memory_of_a_cell_is_bounded);
    suite_add_tcase(s, tc);
    return s;
}

RL_TEST_MAIN(suite)
