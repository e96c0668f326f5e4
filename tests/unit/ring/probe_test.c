/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each test runs in a process of its own, which probes anew. */
#include "ring/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "ring/preflight.h"

static const struct {
    const char *name;
    int off; /* what goes with it */
} switches[] = {
    {"defer", RL_F_DEFER},
    {"no_sqarray", RL_F_NO_SQARRAY},
    {"reg_fd", RL_F_REG_FD},
    {"no_iowait", RL_F_NO_IOWAIT},
    {"buf_ring", RL_F_BUF_RING | RL_F_BUF_INC},
    {"buf_inc", RL_F_BUF_INC},
    {"send_skip", RL_F_SEND_SKIP},
    {"setsockopt", RL_F_SETSOCKOPT | RL_F_DIRECT},
    {"bind", RL_F_BIND},
    {"direct", RL_F_DIRECT},
    {"port_range", RL_F_PORT_RANGE},
    {"defer,direct", RL_F_DEFER | RL_F_DIRECT},
    {"bind,port_range", RL_F_BIND | RL_F_PORT_RANGE | RL_F_DIRECT},
    {"direct,nonsense,buf_ring,", RL_F_DIRECT | RL_F_BUF_RING | RL_F_BUF_INC},
    {"", 0},
    {"buf,defe,xdirect,DEFER", 0}, /* names are whole */
};

enum { SWITCHES = sizeof(switches) / sizeof(switches[0]) };

/* What this kernel has. */
static int all_features;

START_TEST(a_feature_is_forced_off_by_name)
{
    int features;

    ck_assert_int_eq(setenv("RINGLOAD_WITHOUT", switches[_i].name, 1), 0);
    features = rl_probe();
    ck_assert_int_ge(features, 0);
    ck_assert_int_eq(features & switches[_i].off, 0);
    ck_assert_int_eq(features, all_features & ~switches[_i].off);
    ck_assert_int_eq(setenv("RINGLOAD_WITHOUT", "", 1), 0);
    ck_assert_int_eq(rl_probe(), features); /* asked once */
}
END_TEST

/* Preflight finds nothing wrong with what was probed, with or without each feature. */
START_TEST(preflight_agrees)
{
    int features = all_features & ~switches[_i].off;

    ck_assert_int_eq(rl_preflight(features), features);
}
END_TEST

START_TEST(features_are_described)
{
    char text[200], small[10];

    rl_probe_describe(RL_F_DEFER | RL_F_BUF_INC | RL_F_DIRECT, text, sizeof(text));
    ck_assert_str_eq(text, "defer buf_inc direct");
    rl_probe_describe(0, text, sizeof(text));
    ck_assert_str_eq(text, "");
    rl_probe_describe(RL_F_ALL, text, sizeof(text));
    ck_assert_str_eq(text, "defer no_sqarray reg_fd no_iowait buf_ring buf_inc send_skip setsockopt bind "
                           "direct port_range napi min_wait");
    rl_probe_describe(RL_F_ALL, small, sizeof(small));
    ck_assert_uint_lt(strlen(small), sizeof(small));
}
END_TEST

/* Each says in one line what to change. */
START_TEST(advice)
{
    static const struct {
        int status;
        const char *words;
    } rows[] = {
        {-ENOSYS, "Linux 6.1"},
        {-EPERM, "io_uring"},
        {-EACCES, "seccomp"},
        {-ENOMEM, "ulimit -l"},
        {-EINVAL, "Linux 6.1"},
    };
    char text[400];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rl_probe_advice(rows[i].status, text, sizeof(text));
        ck_assert_msg(strstr(text, rows[i].words) != NULL, "%s", text);
        ck_assert_ptr_null(strchr(text, '\n'));
    }
}
END_TEST

/* The features of this kernel, learnt in a child so that the tests' processes probe for themselves. */
static int learn(void)
{
    FILE *child;
    int features = -1;
    int fds[2];
    pid_t pid;

    if (pipe(fds) < 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        unsetenv("RINGLOAD_WITHOUT");
        dprintf(fds[1], "%d", rl_probe());
        _exit(0);
    }
    close(fds[1]);
    child = fdopen(fds[0], "r");
    if (child == NULL || fscanf(child, "%d", &features) != 1)
        features = -1;
    fclose(child);
    waitpid(pid, NULL, 0);
    return features;
}

static Suite *probe_suite(void)
{
    Suite *suite = suite_create("probe");

    all_features = learn();
    rl_case_loop(suite, a_feature_is_forced_off_by_name, NULL, NULL, 0, SWITCHES);
    rl_case_loop(suite, preflight_agrees, NULL, NULL, 0, SWITCHES);
    rl_case(suite, features_are_described, NULL, NULL);
    rl_case(suite, advice, NULL, NULL);
    return suite;
}

RL_TEST_MAIN(probe_suite)
