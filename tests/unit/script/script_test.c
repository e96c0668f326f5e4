/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a file to what the run needs to know of it; everything that can be wrong with it. */
#include <sys/stat.h>

#include "script_rig.h"
#include "test.h"

static char folder[64];

static void write_file(const char *name, const char *text)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void make_folder(void)
{
    char path[128];

    strcpy(folder, "/tmp/rig-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/lib", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    rig.log = open_memstream(&rig.log_text, &rig.log_bytes);
    rl_log_open(&(struct rl_log_config){.stream = rig.log, .level = RL_LOG_DEBUG});
}

static void remove_folder(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Load and probe main.lua of the folder. */
static int probe_folder(void)
{
    char path[128], why[300] = "";

    snprintf(path, sizeof(path), "%s/main.lua", folder);
    rig.script = rl_script_load(path, why, sizeof(why));
    ck_assert_msg(rig.script != NULL, "%s", why);
    rig.registry = rl_registry_new();
    return rl_script_probe(rig.script, rig.registry, rig_environment, &rig.probe);
}

START_TEST(missing_file)
{
    char why[300];

    ck_assert_ptr_null(rl_script_load("/tmp/rig-no-such-file.lua", why, sizeof(why)));
    ck_assert_str_eq(why, "/tmp/rig-no-such-file.lua: no such file or directory");
    ck_assert_ptr_null(rl_script_load("/tmp", why, sizeof(why)));
}
END_TEST

START_TEST(syntax_error)
{
    char why[300], expected[100];

    ck_assert_ptr_null(
        rig_compile("#!/usr/bin/env ringload\nlocal x = 1\nlocal = 5\n", why, sizeof(why)));
    snprintf(expected, sizeof(expected), "%s:3: ", rig.path);
    ck_assert_msg(strncmp(why, expected, strlen(expected)) == 0, "%s", why);
    ck_assert_ptr_null(rig_compile("\x1bLua", why, sizeof(why)));
}
END_TEST

START_TEST(error_in_init)
{
    ck_assert_int_eq(rig_probe("local t = nil\nfunction default() end\nt.x = 1\n"), 107);
    rig_expect_log(".lua:3: attempt to index a nil value (local 't')");
    rig_expect_log("stack traceback");
}
END_TEST

START_TEST(abort_in_init)
{
    ck_assert_int_eq(
        rig_probe("pcall(require('k6/execution').test.abort, 'no')\nerror('not reached')"), 108);
    rig_expect_log("test aborted: no");
    rig_expect_no_log("not reached");
}
END_TEST

START_TEST(no_function)
{
    ck_assert_int_eq(rig_probe("options = {vus = 1}\nfunction setup() end"), 255);
    rig_expect_log("exports no function");
}
END_TEST

START_TEST(setup_that_is_none)
{
    ck_assert_int_eq(rig_probe("function default() end setup = 5"), 255);
    rig_expect_log("setup must be a function, but it is a number");
}
END_TEST

START_TEST(sockets_in_init)
{
    ck_assert_int_eq(rig_probe("require('k6/x/tcp').Socket.new()\nfunction default() end"), 107);
    rig_expect_log("sockets are not available in the init context");
}
END_TEST

START_TEST(exports)
{
    ck_assert_int_eq(
        rig_probe("function default() end\nlocal function hidden() end\nx = 5\n"
                  "function beta() end\nfunction setup() end\nfunction handleSummary() end\n"
                  "return {alpha = hidden, default = hidden, options = {vus = 7}}"),
        0);
    ck_assert_str_eq(rig.probe.functions[0], "alpha");
    ck_assert_str_eq(rig.probe.functions[1], "beta");
    ck_assert_str_eq(rig.probe.functions[2], "default");
    ck_assert_ptr_null(rig.probe.functions[3]);
    ck_assert(rig.probe.has_setup && !rig.probe.has_teardown && rig.probe.has_handle_summary);
    ck_assert_int_eq(rl_value_get(rig.probe.options, "vus")->integer, 7);
}
END_TEST

START_TEST(returned_functions_go_first)
{
    rig_start("function default() error('the global') end\n"
              "return {default = function() assert(__VU == 1) end}\n");
    rig_run_well(1, "default");
    rig_close();
}
END_TEST

START_TEST(options_as_data)
{
    const struct rl_value *options, *stage;

    ck_assert_int_eq(
        rig_probe("options = {vus = __ENV.VUS or 5, duration = '1s', rate = 1.5, on = true,\n"
                  "  stages = {{duration = '1s', target = 2}, {target = 3}}, empty = {},\n"
                  "  none = json.null, scenarios = {a = {exec = 'default'}}}\n"
                  "function default() end"),
        0);
    options = rig.probe.options;
    ck_assert_int_eq(options->kind, RL_MAP);
    ck_assert_int_eq(rl_value_get(options, "vus")->integer, 5);
    ck_assert_str_eq(rl_value_get(options, "duration")->text, "1s");
    ck_assert_double_eq(rl_value_get(options, "rate")->number, 1.5);
    ck_assert(rl_value_get(options, "on")->boolean);
    ck_assert_int_eq(rl_value_get(options, "none")->kind, RL_NIL);
    stage = rl_value_get(options, "stages");
    ck_assert_int_eq(stage->kind, RL_LIST);
    ck_assert_uint_eq(stage->size, 2);
    ck_assert_int_eq(rl_value_get(stage->last, "target")->integer, 3);
    ck_assert_uint_eq(rl_value_get(options, "empty")->size, 0);
}
END_TEST

static const struct {
    const char *source, *message;
} wrong_options[] = {
    {"options = 5", "options must be a table, but it is a number"},
    {"options = {tags = {f = print}}", "options.tags.f: a function is not an option's value"},
    {"options = {stages = {{}, {x = coroutine.create(print)}}}", "options.stages[2].x: a thread"},
    {"options = {1, x = 2}", "options: its keys must be"},
    {"options = {} options.self = options", "contains itself"},
};

START_TEST(options_that_are_no_data)
{
    char source[200];

    snprintf(source, sizeof(source), "function default() end %s", wrong_options[_i].source);
    ck_assert_int_eq(rig_probe(source), 104);
    rig_expect_log(wrong_options[_i].message);
}
END_TEST

START_TEST(modules_and_files)
{
    write_file("lib/counter.lua",
               "local M = {n = 0}\nfunction M.up() M.n = M.n + 1 return M.n end\n"
               "local sibling = require './sibling'\nM.sibling = sibling\nreturn M\n");
    write_file("lib/sibling.lua",
               "name = ...\nassert(open('data.txt') == 'content')\nreturn 'sibling'\n");
    write_file("data.txt", "content");
    write_file(
        "main.lua",
        "local counter = require 'lib.counter'\n"
        "assert(counter == require './lib/counter.lua' and counter == require 'lib/counter')\n"
        "assert(counter.sibling == 'sibling')\n"
        "assert(open('./data.txt') == 'content' and open('lib/../data.txt', 'b') == 'content')\n"
        "assert(open('file://' .. 'data.txt') == 'content')\n"
        "for _, name in ipairs{'', 'lib', 'nowhere'} do assert(not pcall(open, name)) end\n"
        "local ok, e = pcall(require, 'absent')\n"
        "assert(not ok and e:find(\"module 'absent' not found\"), e)\n"
        "assert(require 'json' == json)\n"
        "function default() assert(counter.up() == __ITER + 1) end\n");
    ck_assert_msg(probe_folder() == 0, "%s", rig_log());
    remove_folder(); /* VUs live on what the probe has read */
    rl_registry_close(rig.registry);
    rig_open_kernel_side();
    ck_assert_int_eq(rl_shard_init(&rig.shard, rig.registry), 0);
    rig.env = (struct rl_vu_env){
        .loop = &rig.loop, .net = &rig.net, .shard = &rig.shard, .done = rig_done};
    ck_assert_int_eq(rl_vu_env_init(&rig.env), 0);
    rig.config = (struct rl_script_config){.script = rig.script,
                                           .registry = rig.registry,
                                           .env = rig_environment,
                                           .exec_names = rig.probe.functions,
                                           .vus_per_cell = 2};
    rig.host = rl_script_host_new(&rig.config, &rig.env);
    rig.env.program = rl_script_host_program(rig.host);
    for (uint32_t id = 1; id <= 3; id++) {
        rig_run_well(id, "default");
        rig_run_well(id, "default");
    }
    rig_close();
}
END_TEST

START_TEST(module_with_an_error)
{
    write_file("bad.lua", "\nlocal x = = 1\n");
    write_file("main.lua", "require './bad'\nfunction default() end\n");
    ck_assert_int_eq(probe_folder(), 107);
    rig_expect_log("bad.lua:2: ");
    remove_folder();
}
END_TEST

START_TEST(modules_in_a_circle)
{
    write_file("a.lua", "require './b'\n");
    write_file("b.lua", "require './a'\n");
    write_file("main.lua", "require './a'\nfunction default() end\n");
    ck_assert_int_eq(probe_folder(), 107);
    rig_expect_log("a circle");
    remove_folder();
}
END_TEST

START_TEST(a_user_fails_to_start)
{
    rig_start("if __VU == 2 then error('not me') end function default() end");
    rig_run_well(1, "default");
    rl_vu_init(&rig.vus[2], &rig.env, 2, 2);
    ck_assert_int_lt(rig.env.program->create(&rig.vus[2]), 0);
    rig_expect_log("not me");
    rig.vus[2].env = NULL;
    rig_close();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("script");
    TCase *tc = tcase_create("bad input");

    tcase_add_test(tc, missing_file);
    tcase_add_test(tc, syntax_error);
    tcase_add_test(tc, error_in_init);
    tcase_add_test(tc, abort_in_init);
    tcase_add_test(tc, no_function);
    tcase_add_test(tc, setup_that_is_none);
    tcase_add_test(tc, sockets_in_init);
    tcase_add_test(tc, a_user_fails_to_start);
    suite_add_tcase(s, tc);
    tc = tcase_create("exports");
    tcase_add_test(tc, exports);
    tcase_add_test(tc, returned_functions_go_first);
    tcase_add_test(tc, options_as_data);
    tcase_add_loop_test(tc, options_that_are_no_data, 0,
                        sizeof(wrong_options) / sizeof(wrong_options[0]));
    suite_add_tcase(s, tc);
    tc = tcase_create("files");
    tcase_add_checked_fixture(tc, make_folder, NULL);
    tcase_add_test(tc, modules_and_files);
    tcase_add_test(tc, module_with_an_error);
    tcase_add_test(tc, modules_in_a_circle);
    suite_add_tcase(s, tc);
    return s;
}

RL_TEST_MAIN(suite)
