/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * control - the control thread's loop: waits for pokes, signals and ticks, and walks the phases.
 *
 *      every 50 ms    take the shards' figures, look for Lua that runs too long
 *      every 1 s      sample vus and vus_max
 *      every tick     paint progress (which decides for itself whether it is time)
 *
 * Near a hard end, or while the run is being ended, it looks every 2 ms.
 */
#ifndef RL_RUN_CONTROL_H
#define RL_RUN_CONTROL_H

#include "run/phase.h"

struct rl_ui;

struct rl_control {
    struct rl_test *test;
    struct rl_collect *collect;
    struct rl_ui *ui; /* NULL: nothing is shown */
    struct rl_shard shard; /* control's own: vus, vus_max */
    uint32_t vus_series, vus_max_series;
    int signal_fd;
    uint64_t next_collect_ns, next_sample_ns;
    unsigned signals; /* how many ended the run */
    struct rl_causes causes;       /* of all workers, once they have ended */
    struct rl_shortages shortages; /* the same */
    struct rl_strain strain;       /* the same */
};

int rl_control_init(struct rl_control *control, struct rl_test *test, struct rl_collect *collect);

/* All phases that apply; then the workers are stopped and their figures collected. */
void rl_control_run(struct rl_control *control);

/* --linger: wait for a signal, which changes nothing any more. */
void rl_control_linger(struct rl_control *control);

void rl_control_fini(struct rl_control *control);

#endif
