/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker_impl - what the files of the worker share. Not for others. */
#ifndef RL_RUN_WORKER_IMPL_H
#define RL_RUN_WORKER_IMPL_H

#include "run/worker.h"

/* Tags of samples: the run's, the scenario's (NULL: none), system tags (E-321). */
const struct rl_tagset *rl_worker_tags(struct rl_worker *worker, const struct rl_scenario *scenario);

#endif
