/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/strain.h"

#include <inttypes.h>

#include "base/log.h"

void rl_strain_note(struct rl_strain *strain, const struct rl_net *net, const struct rl_ring *ring)
{
    *strain = (struct rl_strain){.cq_overflows = rl_ring_overflows(ring),
                                 .out_of_buffers = net->counts.out_of_buffers,
                                 .cq_entries = rl_ring_capacity(ring)};
}

void rl_strain_merge(struct rl_strain *into, const struct rl_strain *from)
{
    into->cq_overflows += from->cq_overflows;
    into->out_of_buffers += from->out_of_buffers;
    if (from->cq_overflows > 0)
        into->cq_entries = from->cq_entries;
}

void rl_strain_tell(const struct rl_strain *strain)
{
    if (strain->cq_overflows > 0)
        rl_log_warn("the CQ is too small: %" PRIu64 " times more completions came than the %u that it holds; "
                    "none is lost, but it costs time: use more --workers", strain->cq_overflows,
                    strain->cq_entries);
    if (strain->out_of_buffers > 0)
        rl_log_warn("%" PRIu64 " times all receive buffers were in use, and reading waited a turn; nothing is "
                    "lost, but times are longer: use more --workers, or handlers that take less time",
                    strain->out_of_buffers);
}
