/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What scripts may not reach, and that VUs of one cell do not see each other. (E-049, E-010) */
#include "script_rig.h"
#include "test.h"

/* Each is a function that must raise; the text is for messages. */
static const char escapes[] =
    "local function refused(what, f, ...)\n"
    "  local ok = pcall(f, ...)\n"
    "  assert(not ok, what .. ' is possible')\n"
    "end\n"
    "function default()\n"
    "  refused('a write to string', function() string.foo = 1 end)\n"
    "  refused('rawset on string', rawset, string, 'foo', 1)\n"
    "  refused('a write through the string metatable',\n"
    "          function() getmetatable('').__index.foo = 1 end)\n"
    "  refused('setmetatable on _G', setmetatable, _G, {})\n"
    "  refused('setmetatable on string', setmetatable, string, {})\n"
    "  refused('table.insert into string', table.insert, string, 1)\n"
    "  refused('table.move into string', table.move, {1}, 1, 1, 1, string)\n"
    "  refused('a finaliser', setmetatable, {}, {__gc = function() end})\n"
    "  refused('stopping the collector', collectgarbage, 'stop')\n"
    "  refused('bytecode', function() assert(load('\\27Lua')) end)\n"
    "  refused('bytecode by mode', function() assert(load('return 1', 'x', 'b')) end)\n"
    "  refused('open after init', open, 'x')\n"
    "  refused('require after init', require, 'k6')\n"
    "  for _, name in ipairs{'io', 'package', 'dofile', 'loadfile', 'loadstring', 'warn'} do\n"
    "    assert(_G[name] == nil, name)\n"
    "  end\n"
    "  for _, name in ipairs{'execute', 'exit', 'remove', 'rename', 'tmpname', 'getenv', "
    "'setlocale'} do\n"
    "    assert(os[name] == nil, name)\n"
    "  end\n"
    "  for _, name in ipairs{'sethook', 'getregistry', 'getmetatable', 'getupvalue', 'getinfo'} "
    "do\n"
    "    assert(debug[name] == nil, name)\n"
    "  end\n"
    "  assert(string.dump == nil)\n"
    "  assert(next(string) == nil and rawget(string, 'format') == nil)\n"
    "  local f, real = pairs(string)\n"
    "  assert(real == nil)\n"
    "  local seen = {}\n"
    "  for name in pairs(string) do seen[name] = true end\n"
    "  assert(seen.format and seen.rep)\n"
    "  assert(getmetatable('') == false and getmetatable(_G) == false)\n"
    "  assert(os.time() > 0 and os.clock() >= 0 and #os.date() > 0)\n"
    "  assert(debug.traceback('x'):find('traceback'))\n"
    "  assert(collectgarbage('count') > 0)\n"
    "  assert(load('return _G')() == _G and load('x = 5; return x')() == 5 and x == 5)\n"
    "  assert(load('return y', 'name', 't', {y = 7})() == 7)\n"
    "  local pieces = {'return ', '1 + ', '2'}\n"
    "  local n = 0\n"
    "  assert(load(function() n = n + 1; return pieces[n] end)() == 3)\n"
    "  local ok, why = load('x = = 1', '=here')\n"
    "  assert(ok == nil and why:find('here:1:'))\n"
    "end\n";

START_TEST(escapes_are_refused)
{
    rig_pass(escapes);
}
END_TEST

START_TEST(users_do_not_see_each_other)
{
    rig_start("local up = 0\n"
              "count = 0\n"
              "function default()\n"
              "  up = up + 1; count = count + 1; _G['u' .. __VU] = true\n"
              "  assert(up == __ITER + 1 and count == up, 'state is shared')\n"
              "  assert(u1 == (__VU == 1 or nil) and u2 == (__VU == 2 or nil))\n"
              "  assert(_G.up == nil and _G._G == _G)\n"
              "end\n");
    for (int i = 0; i < 3; i++) {
        rig_run_well(1, "default");
        rig_run_well(2, "default");
    }
    rig_close();
}
END_TEST

START_TEST(random_numbers_are_each_users_own)
{
    rig_start("local k6 = require 'k6'\n"
              "function default()\n"
              "  k6.randomSeed(7)\n"
              "  local a, b = math.random(), math.random(1, 100)\n"
              "  local c = math.random(math.mininteger, math.maxinteger)\n"
              "  assert(math.type(c) == 'integer' and b >= 1 and b <= 100 and a >= 0 and a < 1)\n"
              "  math.randomseed(7)\n"
              "  assert(a == math.random() and b == math.random(100))\n"
              "  assert(not pcall(math.random, 2, 1))\n"
              "end\n"
              "function draw() first = first or math.random(0) print('drew', first) end\n");
    rig_run_well(1, "default");
    rig_run_well(2, "draw");
    rig_run_well(3, "draw");
    rig_close();
    const char *one = strstr(rig_log(), "drew "), *two;
    ck_assert_ptr_nonnull(one);
    two = strstr(one + 4, "drew ");
    ck_assert_ptr_nonnull(two);
    ck_assert_int_ne(strncmp(one, two, 24), 0);
}
END_TEST

START_TEST(environment_is_a_copy)
{
    rig_start("assert(__ENV.NAME == 'rig' and __ENV.MISSING == nil)\n"
              "function default()\n"
              "  local seen = {}\n"
              "  for k, v in pairs(__ENV) do seen[k] = v end\n"
              "  assert(seen.HOST == '127.0.0.1')\n"
              "  assert(__ENV.NAME == 'rig'); __ENV.NAME = 'mine'; assert(__ENV.NAME == 'mine')\n"
              "  assert(not pcall(setmetatable, __ENV, {}))\n"
              "end\n");
    rig_run_well(1, "default");
    rig_run_well(2, "default");
    rig_close();
}
END_TEST

START_TEST(tables_are_printed)
{
    rig_start("function default()\n"
              "  local t = {1, 'two', x = {y = true}}\n"
              "  t.self = t\n"
              "  console.warn('table:', {1, 'two', {y = true}}, nil, 1.5)\n"
              "  print(t)\n"
              "  print(setmetatable({}, {__tostring = function() return 'mine' end}))\n"
              "  console.debug(json.null)\n"
              "end\n");
    rig_run_well(1, "default");
    rig_close();
    rig_expect_log(
        "level=warning msg=\"table: {1, \\\"two\\\", {y = true}} nil 1.5\" source=console");
    rig_expect_log("{cycle}");
    rig_expect_log("msg=\"mine\"");
    rig_expect_log("level=debug msg=\"null\"");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sandbox");
    TCase *tc = tcase_create("escapes");

    tcase_add_test(tc, escapes_are_refused);
    suite_add_tcase(s, tc);
    tc = tcase_create("isolation");
    tcase_add_test(tc, users_do_not_see_each_other);
    tcase_add_test(tc, random_numbers_are_each_users_own);
    tcase_add_test(tc, environment_is_a_copy);
    suite_add_tcase(s, tc);
    tc = tcase_create("print");
    tcase_add_test(tc, tables_are_printed);
    suite_add_tcase(s, tc);
    return s;
}

RL_TEST_MAIN(suite)
