/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a cell remembers of TLS: a connect with the options of an earlier one takes its context, and reads
 * no PEM again. */
#include "cases.h"
#include "script_rig.h"
#include "tls/tls_library.h"
#include "tls/tls_stream.h"

enum { CERTIFICATES = 3, TEXT = 16384 };

static char *certs[CERTIFICATES], *keys[CERTIFICATES];

/* Nobody listens on port 1: a context is found before that is known. */
static const char *const script =
    "local tcp = require 'k6/x/tcp'\n"
    "local CA, OTHER_CA = [[%s]], [[%s]]\n"
    "local function code_of(host, more)\n"
    "  local options = { host = '127.0.0.1', port = 1, tls = true, servername = host }\n"
    "  for key, value in pairs(more) do options[key] = value end\n"
    "  local s = tcp.Socket.new()\n"
    "  local ok, e = pcall(s.connect, s, options)\n"
    "  assert(not ok)\n"
    "  return e.code\n"
    "end\n"
    "local function expect(code, host, more)\n"
    "  local got = code_of(host, more)\n"
    "  assert(got == code, host .. ': ' .. tostring(got))\n"
    "end\n"
    "function first()\n"
    "  expect('ECONNREFUSED', 'a.test', { ca = CA })\n"
    "  expect('ECONNREFUSED', 'b.test', { ca = CA })\n"
    "end\n"
    "function later()\n"
    "  expect('ECONNREFUSED', 'a.test', { ca = CA })\n"
    "  expect('ECONNREFUSED', 'b.test', { ca = CA })\n"
    "  expect('ECONNREFUSED', 'elsewhere.test', { ca = CA })\n" /* it takes the first, as a.test */
    "  expect('ETLS', 'c.test', { ca = CA })\n"
    "  expect('ETLS', 'a.test', { ca = OTHER_CA })\n"
    "  expect('ETLS', 'a.test', { ca = CA, tls_resume = true })\n"
    "end\n"
    "function default() end\n";

static struct rl_tls_contexts *contexts_of(struct rl_slice cert)
{
    static const char *const names[CERTIFICATES] = {"a.test", "b.test", "c.test"};
    static struct rl_tls_certificate certificates[2][CERTIFICATES];
    static int round;
    struct rl_tls_certificate *list = certificates[round++];
    struct rl_tls_config config = {.certificates = list, .certificate_count = CERTIFICATES};
    struct rl_tls_contexts *contexts;

    for (int i = 0; i < CERTIFICATES; i++)
        list[i] = (struct rl_tls_certificate){
            .cert = cert.size > 0 ? cert : rl_slice_str(certs[i]),
            .key = rl_slice_str(keys[i]),
            .domains = {&names[i], 1}};
    contexts = rl_tls_contexts_new(&config, NULL);
    ck_assert_ptr_nonnull(contexts);
    return contexts;
}

static void setup(void)
{
    static const struct rl_resolve_config config = {.dns = {.ttl_ns = 0}};
    static char text[TEXT];
    char why[100];

    ck_assert_int_eq(rl_tls_library_init(), 0);
    for (int i = 0; i < CERTIFICATES; i++)
        ck_assert_int_eq(rl_tls_self_signed(NULL, 0, &certs[i], &keys[i]), 0);
    ck_assert_int_lt(snprintf(text, sizeof(text), script, certs[0], certs[1]), (int)sizeof(text));
    rig.resolver = rl_resolver_new(&config, why, sizeof(why));
    ck_assert_ptr_nonnull(rig.resolver);
    rig_start(text);
    rig.env.tls_by_host = true;
    rig.env.tls_worker = rl_tls_worker_new(&rig.loop);
}

static void teardown(void)
{
    rig_close();
    rl_tls_worker_free(rig.env.tls_worker);
    rl_resolver_free(rig.resolver);
    for (int i = 0; i < CERTIFICATES; i++) {
        free(certs[i]);
        free(keys[i]);
    }
    rl_tls_library_fini();
}

/* Then none can be made any more: who asks for a new one fails. With several certificates of the run it is
 * one of each that hosts take. */
START_TEST(contexts_are_remembered)
{
    struct rl_tls_contexts *good = contexts_of(rl_slice_of(NULL, 0));
    struct rl_tls_contexts *bad = contexts_of(rl_slice_str("no PEM"));

    rig.env.tls_contexts = good;
    rig_run_well(1, "first");
    rig.env.tls_contexts = bad;
    rig_run_well(1, "later");
    rl_tls_contexts_free(good);
    rl_tls_contexts_free(bad);
    rig.env.tls_contexts = NULL;
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("script/tcp_tls");

    rl_case(s, contexts_are_remembered, setup, teardown);
    return s;
}

RL_TEST_MAIN(suite)
