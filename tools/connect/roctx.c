/* SPDX-License-Identifier: Apache-2.0 */
/* roctx: stands in for libroctx64 and for rocprofiler-sdk's roctx, preloaded or by a link of that name. Each call is handed on
 * to the real library where there is one, and what that returns is returned.
 * https://github.com/ROCm/rocm-systems/blob/develop/projects/rocprofiler-sdk/source/include/rocprofiler-sdk-roctx/roctx.h */
#define _GNU_SOURCE
#include "tool.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* All that the interface has: result, name, arguments. */
#define REAL_FUNCTIONS(FUNCTION)                                                                                       \
    FUNCTION(uint32_t, roctx_version_major, (void))                                                                    \
    FUNCTION(uint32_t, roctx_version_minor, (void))                                                                    \
    FUNCTION(void, roctxMarkA, (const char *))                                                                         \
    FUNCTION(int, roctxRangePushA, (const char *))                                                                     \
    FUNCTION(int, roctxRangePop, (void))                                                                               \
    FUNCTION(uint64_t, roctxRangeStartA, (const char *))                                                               \
    FUNCTION(void, roctxRangeStop, (uint64_t))                                                                         \
    FUNCTION(int, roctxProfilerPause, (uint64_t))                                                                      \
    FUNCTION(int, roctxProfilerResume, (uint64_t))                                                                     \
    FUNCTION(int, roctxGetThreadId, (uint64_t *))                                                                      \
    FUNCTION(int, roctxNameOsThread, (const char *))                                                                   \
    FUNCTION(int, roctxNameHsaAgent, (const char *, const void *))                                                     \
    FUNCTION(int, roctxNameHipDevice, (const char *, int))                                                             \
    FUNCTION(int, roctxNameHipStream, (const char *, const void *))

#define DECLARE(result, name, arguments) TOOL_EXPORT result name arguments;
REAL_FUNCTIONS(DECLARE)

#define MEMBER(result, name, arguments) result(*name) arguments;
static struct {
    REAL_FUNCTIONS(MEMBER)
} real;

static pthread_once_t found = PTHREAD_ONCE_INIT;

/* A library in which the name is not this one's own. */
static void *opened(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL), *push;
    if (library == NULL)
        return NULL;
    push = dlsym(library, "roctxRangePushA");
    if (push != NULL && push != (void *)roctxRangePushA)
        return library;
    dlclose(library);
    return NULL;
}

static void *opened_below(const char *folder, const char *name)
{
    char path[4096];
    if (folder == NULL || folder[0] == '\0' || snprintf(path, sizeof path, "%s/lib/%s", folder, name) >= (int)sizeof path)
        return NULL;
    return opened(path);
}

/* The one that the variable names; the one that the program has loaded; else where ROCm is. */
static void *library(void)
{
    static const char *const names[] = {"libroctx64.so.4", "librocprofiler-sdk-roctx.so.1", "librocprofiler-sdk-roctx.so.0"};
    const char *named = getenv("ZEUS_AMD_TOOLS_ROCTX");
    const void *next = dlsym(RTLD_NEXT, "roctxRangePushA");
    void *at = NULL;
    if (named != NULL && named[0] != '\0') {
        at = opened(named);
        if (at == NULL)
            fprintf(stderr, "libzeus_amd_tools.so: ZEUS_AMD_TOOLS_ROCTX: %s is no roctx library\n", named);
        return at;
    }
    if (next != NULL && next != (const void *)roctxRangePushA)
        return RTLD_NEXT;
    for (size_t i = 0; i < sizeof names / sizeof *names && at == NULL; i++) {
        at = opened_below(getenv("ROCM_PATH"), names[i]);
        at = at != NULL ? at : opened_below("/opt/rocm", names[i]);
        at = at != NULL ? at : opened(names[i]);
    }
    return at;
}

static void find(void)
{
    void *const from = library();
    if (from == NULL)
        return;
#define LOOKUP(result, name, arguments) *(void **)&real.name = dlsym(from, #name);
    REAL_FUNCTIONS(LOOKUP)
}

/* Before each call. */
static inline void ready(void)
{
    pthread_once(&found, find);
    tool_start();
}

/* How many ranges are open on this thread, for programs without the real library. */
static __thread int level;

int roctxRangePushA(const char *message)
{
    int answer;
    ready();
    answer = real.roctxRangePushA != NULL ? real.roctxRangePushA(message) : level;
    level++;
    regions_push(REGIONS_ROCTX, message);
    return answer;
}

int roctxRangePop(void)
{
    const int before = level;
    ready();
    regions_pop(REGIONS_ROCTX);
    level -= level > 0;
    return real.roctxRangePop != NULL ? real.roctxRangePop() : before > 0 ? level : -1;
}

uint64_t roctxRangeStartA(const char *message)
{
    uint64_t own;
    ready();
    own = real.roctxRangeStartA != NULL ? real.roctxRangeStartA(message) : 0;
    return regions_range_start(REGIONS_ROCTX, message, own);
}

void roctxRangeStop(uint64_t id)
{
    uint64_t own = id;
    ready();
    regions_range_stop(id, &own);
    if (real.roctxRangeStop != NULL)
        real.roctxRangeStop(own);
}

void roctxMarkA(const char *message)
{
    ready();
    regions_mark(message);
    if (real.roctxMarkA != NULL)
        real.roctxMarkA(message);
}

/* The energy of the time in which the program wanted no profile is a range. 0: all threads. */
static atomic_uint_fast64_t paused;

int roctxProfilerPause(uint64_t thread)
{
    uint_fast64_t none = 0, range;
    ready();
    if (atomic_load(&paused) == 0) {
        range = regions_range_start(REGIONS_ROCTX_PAUSED, "profiler paused", 0);
        if (!atomic_compare_exchange_strong(&paused, &none, range))
            regions_range_stop(range, NULL);
    }
    return real.roctxProfilerPause != NULL ? real.roctxProfilerPause(thread) : 0;
}

int roctxProfilerResume(uint64_t thread)
{
    uint_fast64_t range;
    ready();
    range = atomic_exchange(&paused, 0);
    if (range != 0)
        regions_range_stop(range, NULL);
    return real.roctxProfilerResume != NULL ? real.roctxProfilerResume(thread) : 0;
}

/* The rest is for the real library only; without one the answers are those of the last version. */
uint32_t roctx_version_major(void)
{
    ready();
    return real.roctx_version_major != NULL ? real.roctx_version_major() : 4;
}

uint32_t roctx_version_minor(void)
{
    ready();
    return real.roctx_version_minor != NULL ? real.roctx_version_minor() : 1;
}

int roctxGetThreadId(uint64_t *thread)
{
    ready();
    if (real.roctxGetThreadId != NULL)
        return real.roctxGetThreadId(thread);
    if (thread != NULL)
        *thread = (uint64_t)(uintptr_t)pthread_self();
    return 0;
}

int roctxNameOsThread(const char *name)
{
    ready();
    return real.roctxNameOsThread != NULL ? real.roctxNameOsThread(name) : 0;
}

int roctxNameHsaAgent(const char *name, const void *agent)
{
    ready();
    return real.roctxNameHsaAgent != NULL ? real.roctxNameHsaAgent(name, agent) : 0;
}

int roctxNameHipDevice(const char *name, int device)
{
    ready();
    return real.roctxNameHipDevice != NULL ? real.roctxNameHipDevice(name, device) : 0;
}

int roctxNameHipStream(const char *name, const void *stream)
{
    ready();
    return real.roctxNameHipStream != NULL ? real.roctxNameHipStream(name, stream) : 0;
}
