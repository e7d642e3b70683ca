/* SPDX-License-Identifier: Apache-2.0 */
/* Each visit and the power over time, for a trace. Only where one was asked for. */
#include "core.h"

#include <stdlib.h>

/* Of all threads together, some 100 MB; later ones are counted only. */
#define MOST_EVENTS (1u << 22)
/* Power is sampled this often, and so many samples are kept. */
#define PERIOD_NS 10000000u
#define SAMPLES (1u << 18)

regions_events core_range_events;

static atomic_uint kept;

void regions_trace(void)
{
    core.traced = 1;
}

void core_event(regions_events *events, const regions_region *region, uint64_t begin, uint64_t end)
{
    if (events->count == events->room) {
        const uint32_t room = events->room == 0 ? 1024 : events->room * 2;
        regions_event *more = NULL;
        if (atomic_fetch_add(&kept, room - events->room) + room - events->room <= MOST_EVENTS)
            more = realloc(events->all, room * sizeof *more);
        if (more == NULL) {
            atomic_fetch_sub(&kept, room - events->room);
            __atomic_fetch_add(&core.untraced, 1, __ATOMIC_RELAXED);
            return;
        }
        events->all = more;
        events->room = room;
    }
    events->all[events->count++] = (regions_event){region, begin, (int64_t)(end - begin) > 0 ? end : begin};
}

void core_trace_levels(core_thread *thread, const core_local *until, uint64_t end)
{
    for (const core_local *one = thread->current; one != until; one = one->parent)
        core_event(&thread->events, one->region, one->entered, end);
}

void core_trace_begin(const zeus_amd_session_t *session)
{
    zeus_amd_sampler_options_t options = ZEUS_AMD_SAMPLER_OPTIONS_INIT;
    options.capacity = SAMPLES;
    options.period_ns = PERIOD_NS;
    if (zeus_amd_sampler_start(session, &options, &core.sampler) != ZEUS_AMD_STATUS_OK)
        core.sampler = NULL;
}

void core_trace_end(uint64_t end)
{
    if (core.sampler != NULL)
        (void)!zeus_amd_sampler_stop(core.sampler);
    core_ranges_trace(end);
    core.events = &core_range_events;
    for (core_thread *t = core_threads; t != NULL; t = t->next) {
        core_trace_levels(t, &t->root, end);
        t->events.next = core.events;
        core.events = &t->events;
    }
}
