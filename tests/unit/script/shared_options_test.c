/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A VU's options: one table a cell while nobody reads them, a private one from then on. */
#include "script/shared_options.h"

#include "cases.h"
#include "script_rig.h"

static const struct rl_script_vu *svu(uint32_t id)
{
    return rig.vus[id].state_of_program;
}

static const char usual[] =
    "options = {scenarios = {a = {executor = 'constant-vus', vus = 4, duration = '5s'}},\n"
    "           thresholds = {m = {'p(95)<200', true}}, noSetup = false, x = 1.5}\n"
    "function check()\n"
    "  assert(options.scenarios.a.vus == 4 and options.scenarios.a.executor == 'constant-vus')\n"
    "  assert(math.type(options.scenarios.a.vus) == 'integer' and options.x == 1.5)\n"
    "  assert(options.thresholds.m[1] == 'p(95)<200' and options.thresholds.m[2] == true)\n"
    "  assert(#options.thresholds.m == 2 and options.noSetup == false)\n"
    "  assert(options == options and options == _G.options and rawget(_G, 'options') == options)\n"
    "end\n"
    "function nothing() end\n"
    "function change() options.scenarios.a.vus = 5 options.new = true end\n"
    "function changed() assert(options.scenarios.a.vus == 5 and options.new) end\n"
    "function assign() options = 7 end\n"
    "function assigned() assert(options == 7) end\n";

START_TEST(they_are_shared_until_read)
{
    rig_start(usual);
    for (uint32_t id = 1; id <= 3; id++) {
        rig_run_well(id, "nothing");
        ck_assert(svu(id)->options_shared);
    }
    rig_run_well(1, "check");
    ck_assert(!svu(1)->options_shared);
    ck_assert(svu(2)->options_shared);
    rig_run_well(1, "check");
    rig_close();
}
END_TEST

START_TEST(what_one_changes_the_others_do_not_see)
{
    rig_start(usual);
    rig_run_well(1, "change");
    rig_run_well(1, "changed");
    rig_run_well(2, "check");
    rig_run_well(3, "assign");
    rig_run_well(3, "assigned");
    rig_run_well(2, "check");
    rig_close();
}
END_TEST

/* Each of these is the VU's own and stays where it is. */
static const char *const own[] = {
    "options = {vus = 1, tags = {vu = tostring(__VU)}}\n"
    "function default() assert(options.tags.vu == tostring(__VU)) end\n",
    "options = {vus = 1}\n"
    "if __VU == 2 then options.more = {} end\n"
    "function default() assert((options.more ~= nil) == (__VU == 2)) end\n",
    "options = setmetatable({}, {__index = function(t, k) return k .. __VU end})\n"
    "function default() assert(options.a == 'a' .. __VU) end\n",
    "options = {}\n"
    "options.me = options\n"
    "if __VU == 0 then options = nil end\n"
    "function default() assert(options.me == options) end\n",
    "options = {f = function() return __VU end}\n"
    "if __VU == 0 then options = nil end\n"
    "function default() assert(options.f() == __VU) end\n",
    "options = nil\n"
    "function default() assert(options == nil) end\n",
    "options = {n = __VU == 1 and 1 or 1.0}\n"
    "function default() assert(math.type(options.n) == (__VU == 1 and 'integer' or 'float')) end\n",
};

START_TEST(what_differs_is_not_shared)
{
    rig_start(own[_i]);
    rig_run_well(1, "default");
    rig_run_well(2, "default");
    ck_assert(!svu(2)->options_shared);
    rig_run_well(1, "default");
    rig_close();
}
END_TEST

static Suite *shared_options_suite(void)
{
    Suite *suite = suite_create("shared_options");

    rl_case(suite, they_are_shared_until_read, NULL, NULL);
    rl_case(suite, what_one_changes_the_others_do_not_see, NULL, NULL);
    rl_case_loop(suite, what_differs_is_not_shared, NULL, NULL, 0, sizeof(own) / sizeof(own[0]));
    return suite;
}

RL_TEST_MAIN(shared_options_suite)
