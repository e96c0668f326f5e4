/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json in scripts (E-052, E-071, D-8), and what crosses from setup to VUs (E-030, E-031). */
#include "script_rig.h"
#include "test.h"

START_TEST(values_round_trip)
{
    rig_pass(
        "local function same(text) local got = json.encode(json.decode(text))\n"
        "  assert(got == text, text .. ' -> ' .. got) end\n"
        "function default()\n"
        "  for _, text in ipairs{'null', 'true', '-1', '1.5', '1e+300', '\"x\"', '[]', '{}', "
        "'[1,2,[3]]',\n"
        "    '{\"a\":{\"b\":[]},\"c\":null}', '9223372036854775807', '0.1',\n"
        "    [[\"q\\\" \\\\ \\n\\t\\r\\b\\f \\u0001 \xc3\xa9\"]]} do same(text) end\n"
        "  assert(math.type(json.decode('5')) == 'integer' and math.type(json.decode('5.0')) == "
        "'float')\n"
        "  assert(math.type(json.decode('92233720368547758080')) == 'float')\n"
        "  assert(json.decode(' [ 1 , 2 ] ')[2] == 2)\n"
        "  assert(json.decode([[\"\\u00e9\\ud83d\\ude00\\ud800x\\/\"]]) == 'é😀\\u{fffd}x/')\n"
        "  assert(json.decode('null') == json.null and tostring(json.null) == 'null')\n"
        "  assert(json.encode{b = 1, a = {1, 'x', json.null}} == "
        "'{\"a\":[1,\"x\",null],\"b\":1}')\n"
        "  assert(json.encode{} == '{}' and json.encode(json.array{}) == '[]')\n"
        "  assert(json.encode(json.object{}) == '{}' and json.encode(json.array{1}) == '[1]')\n"
        "  assert(json.encode{[1] = 'a', [3] = 'b'} == '{\"1\":\"a\",\"3\":\"b\"}')\n"
        "  assert(json.encode(5.0) == '5' and json.encode(nil) == 'null')\n"
        "  assert(json.encode('a\\0b') == [[\"a\\u0000b\"]])\n"
        "  assert(#json.encode(string.rep('x', 100000)) == 100002)\n"
        "  assert(require == require and json.array().x == nil)\n"
        "end\n");
}
END_TEST

START_TEST(what_is_no_json_raises)
{
    rig_pass("local function bad(text, what) local ok, e = pcall(json.decode, text)\n"
             "  assert(not ok and e:find(what, 1, true), text .. ': ' .. tostring(e)) end\n"
             "function default()\n"
             "  for _, text in ipairs{'', '{', '[1,', '[1 2]', '{\"a\" 1}', '{a:1}', 'nul', '01', "
             "'1.', '1e', '-',\n"
             "    '\"x', '\"\\1\"', [[\"\\x\"]], [[\"\\u12\"]], '1 2', '[1,]', string.rep('[', "
             "300), '\\0', '+1'} do\n"
             "    bad(text, 'invalid JSON at byte') end\n"
             "  bad('[1, x]', 'byte 5')\n"
             "  local t = {}; t.t = t\n"
             "  for _, v in ipairs{print, 0/0, 1/0, t, {print}, {[{}] = 1}, {[1.5] = 1}, "
             "coroutine.create(print)} do\n"
             "    assert(not pcall(json.encode, v)) end\n"
             "  assert(not pcall(json.encode)); assert(not pcall(json.decode, nil))\n"
             "  assert(not pcall(json.array, 5))\n"
             "  assert(not pcall(json.array, setmetatable({}, {})))\n"
             "end\n");
}
END_TEST

static const char setup_source[] =
    "function setup() return {token = 'abc', list = {}, n = 1} end\n"
    "function default(d) assert(d.token == 'abc'); d.count = (d.count or 0) + 1\n"
    "  assert(d.count == __ITER + 1, 'each VU keeps its own') end\n"
    "function teardown(d) assert(d.token == 'abc' and d.count == nil and __ITER == nil) end\n";

START_TEST(setup_data_reaches_all)
{
    rig_start(setup_source);
    rig_run_well(0, "setup");
    ck_assert_str_eq(rl_script_setup_result(rig.host), "{\"list\":{},\"n\":1,\"token\":\"abc\"}");
    rl_script_set_setup_data(rig.host, rl_script_setup_result(rig.host));
    rig.env.program->destroy(&rig.vus[0]);
    rig.vus[0].env = NULL;
    rig_run_well(1, "default");
    rig_run_well(1, "default");
    rig_run_well(2, "default");
    rig_run_well(0, "teardown");
    rig_close();
}
END_TEST

START_TEST(setup_without_data)
{
    rig_start("function setup() end function default(d) assert(d == nil) end");
    rig_run_well(0, "setup");
    ck_assert_ptr_null(rl_script_setup_result(rig.host));
    rl_script_set_setup_data(rig.host, NULL);
    rig_run_well(1, "default");
    rl_script_set_setup_data(rig.host, "null");
    rig_close();
}
END_TEST

START_TEST(setup_data_must_have_a_form)
{
    rig_start("function setup() return {f = print} end function default() end");
    ck_assert(rig_run(0, "setup")->failed);
    rig_expect_log("a function has no JSON form");
    ck_assert_ptr_null(rl_script_setup_result(rig.host));
    rig_close();
}
END_TEST

START_TEST(shared_arrays)
{
    rig_start("local data = require 'k6/data'\n"
              "local users = data.SharedArray('users', function()\n"
              "  assert(__VU == 0, 'made once')\n"
              "  return {{name = 'a'}, {name = 'b'}, 3} end)\n"
              "function default()\n"
              "  assert(#users == 3 and users[1].name == 'a' and users[3] == 3 and users[4] == nil "
              "and users[0] == nil)\n"
              "  users[1].name = 'changed'; assert(users[1].name == 'a', 'a fresh copy')\n"
              "  assert(not pcall(function() users[1] = 2 end))\n"
              "  local n = 0 for i, u in ipairs(users) do n = n + i end assert(n == 6)\n"
              "  n = 0 for i, u in pairs(users) do n = n + i end assert(n == 6)\n"
              "  assert(not pcall(data.SharedArray, 'late', function() return {} end))\n"
              "end\n");
    rig_run_well(1, "default");
    rig_run_well(2, "default");
    rig_close();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("json");
    TCase *tc = tcase_create("json");

    tcase_add_test(tc, values_round_trip);
    tcase_add_test(tc, what_is_no_json_raises);
    suite_add_tcase(s, tc);
    tc = tcase_create("setup");
    tcase_add_test(tc, setup_data_reaches_all);
    tcase_add_test(tc, setup_without_data);
    tcase_add_test(tc, setup_data_must_have_a_form);
    suite_add_tcase(s, tc);
    tc = tcase_create("shared");
    tcase_add_test(tc, shared_arrays);
    suite_add_tcase(s, tc);
    return s;
}

RL_TEST_MAIN(suite)
