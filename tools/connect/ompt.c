/* SPDX-License-Identifier: Apache-2.0 */
/* OMPT, the tools interface of OpenMP 5: OMP_TOOL_LIBRARIES, or preloaded. Parallel regions, by the thread that meets them, and
 * target regions where the runtime reports them. Numbers and types are those of the standard's omp-tools.h. */
#define _GNU_SOURCE
#include "tool.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct ompt_start {
    int (*initialize)(void (*(*lookup)(const char *))(void), int device, void *tool_data);
    void (*finalize)(void *tool_data);
    uint64_t tool_data;
} ompt_start;

enum { PARALLEL_BEGIN = 3, PARALLEL_END = 4, TARGET = 8, TARGET_EMI = 33, SET_NEVER = 1, SCOPE_BEGIN = 1, SCOPE_END = 2 };

/* Names of places in the code, made once: "0x" and the address, which the report turns into a line of the source. */
#define PLACES 8192u
static struct {
    _Atomic(const void *) address;
    _Atomic(char *) name;
} places[PLACES];

static const char *place_name(const void *address)
{
    const size_t first = (size_t)((uintptr_t)address * 0x9E3779B97F4A7C15u >> 51) % PLACES;
    if (address == NULL)
        return "(unknown place)";
    for (size_t i = 0; i < PLACES; i++) {
        const size_t at = (first + i) % PLACES;
        const void *there = atomic_load(&places[at].address);
        char *name;
        if (there == NULL && !atomic_compare_exchange_strong(&places[at].address, &there, address) && there != address)
            continue;
        if (there != NULL && there != address)
            continue;
        name = atomic_load(&places[at].name);
        if (name == NULL) {
            char *none = NULL;
            if (asprintf(&name, "%p", address) < 0)
                return "(unknown place)";
            if (!atomic_compare_exchange_strong(&places[at].name, &none, name)) {
                free(name);
                name = none;
            }
        }
        return name;
    }
    return "(other places)";
}

static void parallel_begin(void *task, const void *frame, void *parallel, unsigned wanted, int flags, const void *address)
{
    (void)task;
    (void)frame;
    (void)parallel;
    (void)wanted;
    (void)flags;
    regions_push(REGIONS_OMP_PARALLEL, place_name(address));
}

static void parallel_end(void *parallel, void *task, int flags, const void *address)
{
    (void)parallel;
    (void)task;
    (void)flags;
    (void)address;
    regions_pop(REGIONS_OMP_PARALLEL);
}

static void target_at(int endpoint, const void *address)
{
    if (endpoint == SCOPE_BEGIN)
        regions_push(REGIONS_OMP_TARGET, place_name(address));
    else if (endpoint == SCOPE_END)
        regions_pop(REGIONS_OMP_TARGET);
}

static void target(int kind, int endpoint, int device, void *task, uint64_t id, const void *address)
{
    (void)kind;
    (void)device;
    (void)task;
    (void)id;
    target_at(endpoint, address);
}

static void target_emi(int kind, int endpoint, int device, void *task, void *target_task, void *data, const void *address)
{
    (void)kind;
    (void)device;
    (void)task;
    (void)target_task;
    (void)data;
    target_at(endpoint, address);
}

/* Returns whether the tool is to stay. */
static int initialize(void (*(*lookup)(const char *))(void), int device, void *tool_data)
{
    int (*set_callback)(int, void (*)(void)) = (int (*)(int, void (*)(void)))lookup("ompt_set_callback");
    (void)device;
    (void)tool_data;
    if (set_callback == NULL)
        return 0;
    tool_start();
    set_callback(PARALLEL_BEGIN, (void (*)(void))parallel_begin);
    set_callback(PARALLEL_END, (void (*)(void))parallel_end);
    /* A runtime of 5.1 has both kinds, but calls one. */
    if (set_callback(TARGET_EMI, (void (*)(void))target_emi) <= SET_NEVER)
        set_callback(TARGET, (void (*)(void))target);
    return 1;
}

/* The report comes at the end of the process: not all runtimes end before it. */
static void finalize(void *tool_data)
{
    (void)tool_data;
}

TOOL_EXPORT ompt_start *ompt_start_tool(unsigned omp_version, const char *runtime_version);
TOOL_EXPORT ompt_start *ompt_start_tool(unsigned omp_version, const char *runtime_version)
{
    static ompt_start start = {initialize, finalize, 0};
    (void)omp_version;
    (void)runtime_version;
    return &start;
}
