/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges: begun and ended by number, by any thread. One of them is rare beside a push, so they take the lock. */
#include "core.h"
#include "ticks.h"

#include <stdlib.h>

/* Open ranges by number: the place in this table, and how often it was used. */
typedef struct place {
    regions_region *range;
    uint64_t own, begin;
    uint32_t uses, next_free;
    int open;
} place;
static place *places;
static uint32_t count, first_free;

static uint64_t take(regions_region *range, uint64_t own)
{
    uint32_t at = first_free;
    if (at == 0) {
        place *more = realloc(places, ((size_t)count + 2) * sizeof *places);
        if (more == NULL)
            return 0;
        places = more;
        at = ++count;
        places[at] = (place){0};
    } else {
        first_free = places[at].next_free;
    }
    places[at].range = range;
    places[at].own = own;
    places[at].begin = ticks_now();
    places[at].open = 1;
    return ((uint64_t)++places[at].uses << 32) | at;
}

static void advance(regions_region *range, uint64_t now)
{
    if ((int64_t)(now - range->since) <= 0)
        return;
    if (range->open > 0) {
        range->ticks += now - range->since;
        range->all_ticks += now - range->since;
    }
    range->since = now;
}

void core_ranges_advance(uint64_t now)
{
    for (regions_region *range = core.ranges.child; range != NULL; range = range->sibling)
        if (!core_often_advance(range, now))
            advance(range, now);
}

static int at_edge(uint64_t now)
{
    if (atomic_load(&core_held) == CORE_NOT_STARTED)
        regions_start();
    if (now >= atomic_load_explicit(&core_next_read, memory_order_relaxed))
        core_read(now);
    return atomic_load(&core_held) != CORE_ENDED;
}

uint64_t regions_range_start(regions_kind kind, const char *name, uint64_t own)
{
    regions_region *range = NULL;
    uint64_t id;
    const int runs = at_edge(ticks_now());
    if (!core_lock())
        return 0;
    if (runs && (range = core_child(&core.ranges, kind, name != NULL ? name : "(NULL)")) != NULL) {
        advance(range, ticks_now());
        range->open++;
        range->count++;
    } else if (runs) {
        core.too_many++;
    }
    id = take(range, own);
    core_unlock();
    return id;
}

int regions_range_stop(uint64_t id, uint64_t *own)
{
    const uint32_t at = (uint32_t)id;
    const uint64_t now = ticks_now();
    int found;
    at_edge(now);
    if (!core_lock())
        return -1;
    found = at > 0 && at <= count && places[at].open && places[at].uses == id >> 32;
    if (found) {
        regions_region *range = places[at].range;
        if (own != NULL)
            *own = places[at].own;
        if (range != NULL && range->open > 0) {
            advance(range, now);
            range->open--;
            if (core.traced)
                core_event(&core_range_events, range, places[at].begin, now);
        }
        places[at].open = 0;
        places[at].next_free = first_free;
        first_free = at;
    } else {
        core.unbalanced++;
    }
    core_unlock();
    return found ? 0 : -1;
}

void core_ranges_trace(uint64_t end)
{
    for (uint32_t at = 1; at <= count; at++)
        if (places[at].open && places[at].range != NULL)
            core_event(&core_range_events, places[at].range, places[at].begin, end);
}

void regions_mark(const char *name)
{
    regions_region *mark;
    if (!at_edge(ticks_now()) || !core_lock())
        return;
    mark = core_child(&core.ranges, REGIONS_MARK, name != NULL ? name : "(NULL)");
    if (mark != NULL)
        mark->count++;
    core_unlock();
}
