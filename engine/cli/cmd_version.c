/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cmd_version.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/log.h"
#include "ring/probe.h"
#include "ringload_version.h"
#include "run/run.h"
#include "tls/tls_library.h"

static void print_kernel(void)
{
    int features = rl_probe();
    struct utsname name;
    char text[256];

    if (uname(&name) == 0)
        printf("kernel: %s %s %s\n", name.sysname, name.release, name.machine);
    if (features < 0) {
        rl_probe_advice(features, text, sizeof(text));
        printf("io_uring: no: %s\n", text);
        return;
    }
    rl_probe_describe(features, text, sizeof(text));
    printf("io_uring: %s\n", text);
    if (features == RL_F_ALL)
        return;
    rl_probe_describe(RL_F_ALL & ~features, text, sizeof(text));
    printf("without: %s (there is a fallback for each but napi and min_wait, which only options want)\n", text);
}

int rl_cmd_version(int argc, char *const *argv)
{
    bool verbose = false;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
            puts("Say which version this is, and which TLS library it has; with --verbose (-v), what io_uring gives on\nthis kernel.\n\n"
                 "Usage:\n  ringload version [--verbose]");
            return 0;
        }
        if (strcmp(argv[i], "-v") != 0 && strcmp(argv[i], "--verbose") != 0) {
            rl_log_error("unknown argument %s: ringload version [--verbose]", argv[i]);
            return RL_EXIT_OTHER;
        }
        verbose = true;
    }
    printf("ringload %s\n", RINGLOAD_VERSION_FULL);
    printf("TLS: %s; without: %s\n", rl_tls_library_version(), rl_tls_library_lacks());
    if (verbose) {
        printf("TLS has: %s\n", rl_tls_library_has());
        print_kernel();
    }
    return 0;
}
