/* SPDX-License-Identifier: Apache-2.0 */
/* OMPT, the tools interface of OpenMP 5: OMP_TOOL_LIBRARIES, or preloaded. Parallel regions, by the thread that meets them, and
 * target regions where the runtime reports them. Numbers and types are those of the standard's omp-tools.h. */
#define _GNU_SOURCE
#include "tool.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>

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

/* Where the runtime is loaded, unless it is a part of the program. Regions that it makes for threads of its own, such as those
 * that target nowait runs on, are not the program's. */
static const void *runtime;
static char in_runtime[] = "";

static const void *loaded_at(const void *address)
{
    Dl_info info;
    return dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}

static char *new_name(const void *address)
{
    char *name;
    if (runtime != NULL && loaded_at(address) == runtime)
        return in_runtime;
    return asprintf(&name, "%p", address) < 0 ? NULL : name;
}

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
            name = new_name(address);
            if (name == NULL)
                return "(unknown place)";
            if (!atomic_compare_exchange_strong(&places[at].name, &none, name)) {
                if (name != in_runtime)
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
    if (place_name(address) != in_runtime)
        regions_push(REGIONS_OMP_PARALLEL, place_name(address));
}

static void parallel_end(void *parallel, void *task, int flags, const void *address)
{
    (void)parallel;
    (void)task;
    (void)flags;
    if (place_name(address) != in_runtime)
        regions_pop(REGIONS_OMP_PARALLEL);
}

/* A kernel with its data, or data alone; the same numbers follow eight further on for those with nowait. */
static void target_at(int kind, int endpoint, const void *address)
{
    static const regions_kind kinds[] = {REGIONS_OMP_TARGET, REGIONS_OMP_ENTER_DATA, REGIONS_OMP_EXIT_DATA, REGIONS_OMP_UPDATE};
    if (endpoint == SCOPE_BEGIN)
        regions_push(kinds[(kind - 1) & 3], place_name(address));
    else if (endpoint == SCOPE_END)
        regions_pop(kinds[(kind - 1) & 3]);
}

static void target(int kind, int endpoint, int device, void *task, uint64_t id, const void *address)
{
    (void)device;
    (void)task;
    (void)id;
    target_at(kind, endpoint, address);
}

static void target_emi(int kind, int endpoint, int device, void *task, void *target_task, void *data, const void *address)
{
    (void)device;
    (void)task;
    (void)target_task;
    (void)data;
    target_at(kind, endpoint, address);
}

/* Returns whether the tool is to stay. */
static int initialize(void (*(*lookup)(const char *))(void), int device, void *tool_data)
{
    int (*set_callback)(int, void (*)(void)) = (int (*)(int, void (*)(void)))lookup("ompt_set_callback");
    (void)device;
    (void)tool_data;
    if (set_callback == NULL)
        return 0;
    runtime = loaded_at((const void *)set_callback);
    if (runtime == loaded_at((const void *)getauxval(AT_ENTRY)))
        runtime = NULL;
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
