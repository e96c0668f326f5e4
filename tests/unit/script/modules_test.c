/* SPDX-License-Identifier: GPL-3.0-or-later */
/* k6, k6/metrics, k6/execution. */
#include "script_rig.h"
#include "test.h"

static void expect_samples(const char *name, const char *key, const char *value, unsigned count,
                           double sum)
{
    double got_sum;
    unsigned got = rig_samples(name, key, value, &got_sum);

    ck_assert_msg(got == count, "%s %s=%s: %u samples", name, key, value, got);
    ck_assert_double_eq(got_sum, sum);
}

START_TEST(checks_count)
{
    rig_start("local k6 = require 'k6'\n"
              "assert(k6 == require 'ringload')\n"
              "assert(not pcall(k6.check, 1, {}), 'not in init')\n"
              "function default()\n"
              "  assert(k6.check(5, {five = function(v) return v == 5 end, yes = 1}))\n"
              "  local order = {}\n"
              "  local function note(name, result) return function() k6.sleep(0.001)\n"
              "    order[#order + 1] = name return result end end\n"
              "  assert(not k6.check(5, {c = note('c'), a = note('a', true), b = note('b', "
              "false)}, {step = 2.0}))\n"
              "  assert(table.concat(order) == 'abc')\n"
              "  assert(k6.check(nil, {{'z', note('z', 1)}, {'y', true}}) == true)\n"
              "  assert(order[4] == 'z')\n"
              "  local ok, e = pcall(k6.check, 1, {{'raises', function() error('oops', 0) end}, "
              "{'skipped', true}})\n"
              "  assert(not ok and e == 'oops')\n"
              "  assert(not pcall(k6.check, 1, {['a::b'] = true}) and not pcall(k6.check, 1, "
              "{[true] = 1}))\n"
              "  assert(not pcall(k6.check, 1))\n"
              "end\n");
    rig_run_well(1, "default");
    expect_samples("checks", "check", "five", 1, 1);
    expect_samples("checks", "check", "b", 1, 0);
    expect_samples("checks", "step", "2", 3, 1);
    expect_samples("checks", "check", "raises", 1, 0);
    expect_samples("checks", "check", "skipped", 0, 0);
    expect_samples("checks", "group", "", 8, 5);
    rig_close();
}
END_TEST

START_TEST(groups_nest)
{
    double sum;

    rig_start("local k6, metrics = require 'k6', require 'k6/metrics'\n"
              "local hits = metrics.Counter('hits')\n"
              "function default()\n"
              "  local a, b = k6.group('one', function()\n"
              "    hits:add(1)\n"
              "    k6.group('two', function() k6.sleep(0.005) hits:add(2) end)\n"
              "    local ok, e = pcall(k6.group, 'bad', function() error('in group', 0) end)\n"
              "    assert(not ok and e == 'in group')\n"
              "    hits:add(4)\n"
              "    return 'x', 'y' end)\n"
              "  assert(a == 'x' and b == 'y')\n"
              "  hits:add(8)\n"
              "  assert(not pcall(k6.group, 'a::b', print) and not pcall(k6.group, 'a'))\n"
              "end\n"
              "function broken() k6.group('g', function() error('out') end) end\n"
              "function after() hits:add(16) end\n");
    rig_run_well(1, "default");
    expect_samples("hits", "group", "::one", 2, 5);
    expect_samples("hits", "group", "::one::two", 1, 2);
    expect_samples("hits", "group", "", 1, 8);
    ck_assert_uint_eq(rig_samples("group_duration", "group", "::one::bad", &sum), 1);
    ck_assert_uint_eq(rig_samples("group_duration", NULL, NULL, &sum), 3);
    ck_assert_double_ge(sum, 10); /* two of them contain the sleep */
    ck_assert(rig_run(1, "broken")->failed);
    rig_run_well(1, "after");
    expect_samples("hits", "group", "", 2, 24);
    rig_close();
}
END_TEST

START_TEST(group_of_an_interrupted_iteration_ends)
{
    struct rl_vu *vu;

    rig_start("local k6 = require 'k6'\n"
              "function default() k6.group('g', function() k6.sleep(10) end) end\n");
    vu = rig_vu(1);
    rl_vu_begin(vu);
    ck_assert_str_eq(rl_tagset_get(vu->tags, "group"), "::g");
    rl_vu_interrupt(vu);
    ck_assert_str_eq(rl_tagset_get(vu->tags, "group"), "");
    rig_close();
}
END_TEST

START_TEST(metrics_take_values)
{
    rig_start(
        "local m = require 'k6/metrics'\n"
        "local c, g, r, t = m.Counter('c1'), m.Gauge('g1'), m.Rate('r1'), m.Trend('t1', true)\n"
        "assert(m.Counter('c1').name == 'c1' and not pcall(m.Gauge, 'c1') and not pcall(m.Counter, "
        "'no way'))\n"
        "assert(not pcall(c.add, c, 1))\n"
        "function default()\n"
        "  assert(c:add(2, {kind = 'x'}) == true and c:add('3') and g:add(1.5) and r:add(true) and "
        "r:add(0))\n"
        "  assert(t:add(1.25, {size = 64, on = true, f = 2.0}))\n"
        "  assert(c:add(nil) == false and c:add(0/0) == false and c:add({}) == false)\n"
        "  assert(c:add(1, {bad = {}}))\n"
        "  assert(not pcall(m.Counter, 'late') and c.nothing == nil)\n"
        "  assert(not pcall(c.add, {}, 1) and not pcall(c.add, io, 1))\n"
        "end\n");
    rig_run_well(1, "default");
    expect_samples("c1", NULL, NULL, 3, 6);
    expect_samples("c1", "kind", "x", 1, 2);
    expect_samples("t1", "size", "64", 1, 1.25);
    expect_samples("t1", "on", "true", 1, 1.25);
    expect_samples("t1", "f", "2", 1, 1.25);
    expect_samples("r1", NULL, NULL, 2, 1);
    rig_expect_log("the value is not a number");
    rig_expect_log("tag 'bad' is left out");
    rig_close();
}
END_TEST

START_TEST(execution_tells_where)
{
    rig_start(
        "local exec = require 'k6/execution'\n"
        "assert(not pcall(function() return exec.vu.idInTest end))\n"
        "assert(not pcall(function() return exec.instance.vusActive end))\n"
        "assert(not pcall(function() return exec.scenario.name end))\n"
        "function default()\n"
        "  assert(exec.vu.idInInstance == 1 and exec.vu.idInTest == 1 and "
        "exec.vu.iterationInInstance == 0)\n"
        "  assert(exec.scenario.name == 'steady' and exec.scenario.executor == 'constant-vus')\n"
        "  assert(exec.scenario.iterationInTest == 0 and exec.scenario.nothing == nil)\n"
        "  local tags = exec.vu.metrics.tags\n"
        "  tags.phase = 'warm'; tags.n = 1.0; tags.bad = {}\n"
        "  assert(tags.phase == 'warm' and exec.vu.tags.n == '1' and tags.bad == nil)\n"
        "  local seen = {} for k, v in pairs(tags) do seen[k] = v end\n"
        "  assert(seen.phase == 'warm' and seen.group == '')\n"
        "  tags.phase = nil; assert(tags.phase == nil)\n"
        "  exec.vu.metrics.metadata.trace = 'x'\n"
        "  assert(exec.vu.metrics.metadata.trace == 'x')\n"
        "  assert(not pcall(function() exec.vu.idInTest = 5 end))\n"
        "  assert(not pcall(function() exec.test = 5 end))\n"
        "end\n"
        "function setup() assert(not pcall(function() return exec.scenario.name end)) end\n");
    rig_run_well(1, "default");
    rig_run_well(0, "setup");
    rig_close();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("modules");
    TCase *tc = tcase_create("k6");

    tcase_add_test(tc, checks_count);
    tcase_add_test(tc, groups_nest);
    tcase_add_test(tc, group_of_an_interrupted_iteration_ends);
    suite_add_tcase(s, tc);
    tc = tcase_create("metrics");
    tcase_add_test(tc, metrics_take_values);
    suite_add_tcase(s, tc);
    tc = tcase_create("execution");
    tcase_add_test(tc, execution_tells_where);
    suite_add_tcase(s, tc);
    return s;
}

RL_TEST_MAIN(suite)
