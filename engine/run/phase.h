/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * phase - the phases of a run (E-001), as a table: when each applies, what it starts, when it is over,
 * what interrupts it.
 *
 *      INIT_VUS -> SETUP -> RUNNING -> TEARDOWN
 *
 * The control loop (control.h) walks it. A phase that does not apply is skipped; after a failure or an
 * abort only those run that still should (E-032, E-033, E-062, E-647).
 */
#ifndef RL_RUN_PHASE_H
#define RL_RUN_PHASE_H

#include "run/test.h"

struct rl_phase {
    const char *name; /* as progress shows it */
    bool (*applies)(struct rl_test *test);
    void (*enter)(struct rl_test *test);
    bool (*over)(struct rl_test *test);
    void (*interrupt)(struct rl_test *test); /* once, when the run is ending or the timeout is over */
    void (*leave)(struct rl_test *test);

    /* 0: no limit of its own. Past it the run ends with timeout_code. */
    uint64_t (*timeout_ns)(struct rl_test *test);
    int timeout_code;
    bool goes_on; /* is not cut because the run is ending (E-033) */

    /* Is something of it to have ended by now_ns? Then Lua that runs on is stopped. */
    bool (*due)(struct rl_test *test, uint64_t now_ns);
};

extern const struct rl_phase rl_phases[];
enum { RL_PHASE_INIT, RL_PHASE_SETUP, RL_PHASE_RUNNING, RL_PHASE_TEARDOWN, RL_PHASE_COUNT };

#endif
