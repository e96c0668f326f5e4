/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/tls.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/log.h"
#include "tls/tls_context.h"
#include "tls/tls_library.h"

static struct rl_tls_texts texts_of(const struct rl_texts *texts)
{
    return (struct rl_tls_texts){texts->items, texts->count};
}

static const struct rl_tls_certificate *certificates_of(struct rl_test *test)
{
    const struct rl_tls_auths *auths = &test->options.tls_auth;
    struct rl_tls_certificate *items =
        rl_arena_alloc(&test->arena, (auths->count + 1) * sizeof(*items));

    if (items == NULL)
        abort();
    for (size_t i = 0; i < auths->count; i++)
        items[i] = (struct rl_tls_certificate){.cert = rl_slice_str(auths->items[i].cert),
                                               .key = rl_slice_str(auths->items[i].key),
                                               .password = auths->items[i].password,
                                               .domains = texts_of(&auths->items[i].domains)};
    return items;
}

static void tell(void *ctx, const char *option, const char *text)
{
    rl_problems_error(ctx, "options: %s: %s", option, text);
}

static void open_keylog(struct rl_test *test, struct rl_problems *problems)
{
    const char *path = getenv("SSLKEYLOGFILE");
    char why[512];

    if (path == NULL || path[0] == '\0')
        return;
    test->tls_keylog = rl_tls_keylog_open(path, why, sizeof(why));
    if (test->tls_keylog == NULL)
        rl_problems_error(problems, "SSLKEYLOGFILE: %s", why);
    else
        rl_log_warn("SSLKEYLOGFILE is set: the keys of all TLS connections go to %s; whoever has them "
                    "can read what was sent", path);
}

/* A script may come to TLS as it likes, but hardly without the word. If it does, or has a connect's own options,
 * the roots are read, or taken into a context, when the first connect needs them: a pause of the loop. */
static void prepare_roots(struct rl_test *test)
{
    test->tls_roots = rl_tls_roots_new();
    RL_CHECK(test->tls_roots != NULL);
    test->tls_config.roots = test->tls_roots;
    test->tls_expected = rl_script_mentions(test->script, "tls");
    if (test->tls_expected && !test->tls_config.insecure_skip_verify)
        rl_tls_roots_read(test->tls_roots);
}

void rl_run_tls_init(struct rl_test *test, struct rl_problems *problems)
{
    const struct rl_options *options = &test->options;

    if (rl_tls_library_init() < 0) {
        rl_problems_error(problems, "wolfSSL does not start");
        return;
    }
    test->tls_started = true;
    test->tls_config = (struct rl_tls_config){
        .min_version = (enum rl_tls_version)options->tls_version.min,
        .max_version = (enum rl_tls_version)options->tls_version.max,
        .cipher_suites = texts_of(&options->tls_cipher_suites),
        .insecure_skip_verify = options->insecure_skip_tls_verify,
        .certificates = certificates_of(test),
        .certificate_count = options->tls_auth.count,
    };
    rl_tls_config_check(&test->tls_config, tell, problems);
    prepare_roots(test);
    open_keylog(test, problems);
}

void rl_run_tls_fini(struct rl_test *test)
{
    rl_tls_keylog_close(test->tls_keylog);
    rl_tls_roots_free(test->tls_roots);
    if (test->tls_started)
        rl_tls_library_fini();
}
