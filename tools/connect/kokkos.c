/* SPDX-License-Identifier: Apache-2.0 */
/* Kokkos Tools: KOKKOS_TOOLS_LIBS, and KOKKOS_PROFILE_LIBRARY of Kokkos before 4. https://github.com/kokkos/kokkos-tools */
#define _GNU_SOURCE
#include "tool.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As Kokkos has them. */
typedef struct kokkos_space {
    char name[64];
} kokkos_space;
typedef struct kokkos_settings {
    _Bool requires_global_fencing;
    _Bool padding[255];
} kokkos_settings;

TOOL_EXPORT void kokkosp_init_library(int sequence, uint64_t version, uint32_t device_count, void *devices);
TOOL_EXPORT void kokkosp_init_library(int sequence, uint64_t version, uint32_t device_count, void *devices)
{
    (void)sequence;
    (void)version;
    (void)device_count;
    (void)devices;
    tool_start();
}

/* The program goes on, and may not be done with regions of other kinds: the report comes at its end. */
TOOL_EXPORT void kokkosp_finalize_library(void);
TOOL_EXPORT void kokkosp_finalize_library(void)
{
}

const char *tool_fences = "off";

/* With ZEUS_AMD_TOOLS_FENCE=1 the program waits for the GPU at each edge of a kernel. Without an answer Kokkos would have it so. */
TOOL_EXPORT void kokkosp_request_tool_settings(uint32_t count, kokkos_settings *settings);
TOOL_EXPORT void kokkosp_request_tool_settings(uint32_t count, kokkos_settings *settings)
{
    const char *wanted = getenv("ZEUS_AMD_TOOLS_FENCE");
    (void)count;
    settings->requires_global_fencing = wanted != NULL && strcmp(wanted, "1") == 0;
    tool_fences = settings->requires_global_fencing ? "on" : "off";
}

#define KERNELS(name, kind)                                                                                            \
    TOOL_EXPORT void kokkosp_begin_##name(const char *label, uint32_t device, uint64_t *id);                           \
    TOOL_EXPORT void kokkosp_begin_##name(const char *label, uint32_t device, uint64_t *id)                            \
    {                                                                                                                  \
        (void)device;                                                                                                  \
        if (id != NULL)                                                                                                \
            *id = kind;                                                                                                \
        regions_push(kind, label);                                                                                     \
    }                                                                                                                  \
    TOOL_EXPORT void kokkosp_end_##name(uint64_t id);                                                                  \
    TOOL_EXPORT void kokkosp_end_##name(uint64_t id)                                                                   \
    {                                                                                                                  \
        (void)id;                                                                                                      \
        regions_pop(kind);                                                                                             \
    }
KERNELS(parallel_for, REGIONS_KOKKOS_FOR)
KERNELS(parallel_reduce, REGIONS_KOKKOS_REDUCE)
KERNELS(parallel_scan, REGIONS_KOKKOS_SCAN)
KERNELS(fence, REGIONS_KOKKOS_FENCE)

TOOL_EXPORT void kokkosp_push_profile_region(const char *name);
TOOL_EXPORT void kokkosp_push_profile_region(const char *name)
{
    regions_push(REGIONS_KOKKOS_REGION, name);
}

TOOL_EXPORT void kokkosp_pop_profile_region(void);
TOOL_EXPORT void kokkosp_pop_profile_region(void)
{
    regions_pop(REGIONS_KOKKOS_REGION);
}

TOOL_EXPORT void kokkosp_begin_deep_copy(kokkos_space to, const char *to_name, const void *to_data, kokkos_space from,
                                         const char *from_name, const void *from_data, uint64_t size);
TOOL_EXPORT void kokkosp_begin_deep_copy(kokkos_space to, const char *to_name, const void *to_data, kokkos_space from,
                                         const char *from_name, const void *from_data, uint64_t size)
{
    char name[512];
    (void)to_data;
    (void)from_data;
    (void)size;
    snprintf(name, sizeof name, "%.63s %.150s <- %.63s %.150s", to.name, to_name != NULL ? to_name : "(NULL)", from.name,
             from_name != NULL ? from_name : "(NULL)");
    regions_push(REGIONS_KOKKOS_COPY, name);
}

TOOL_EXPORT void kokkosp_end_deep_copy(void);
TOOL_EXPORT void kokkosp_end_deep_copy(void)
{
    regions_pop(REGIONS_KOKKOS_COPY);
}

TOOL_EXPORT void kokkosp_profile_event(const char *name);
TOOL_EXPORT void kokkosp_profile_event(const char *name)
{
    regions_mark(name);
}

/* Sections: made once, started and stopped by number. */
typedef struct section {
    char *name;
    uint64_t range;
} section;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static section *sections;
static uint32_t section_count;

TOOL_EXPORT void kokkosp_create_profile_section(const char *name, uint32_t *id);
TOOL_EXPORT void kokkosp_create_profile_section(const char *name, uint32_t *id)
{
    uint32_t at = 0;
    section *more;
    pthread_mutex_lock(&lock);
    while (at < section_count && sections[at].name != NULL)
        at++;
    if (at == section_count && (more = realloc(sections, ((size_t)at + 1) * sizeof *more)) != NULL) {
        sections = more;
        section_count++;
    }
    if (at < section_count)
        sections[at] = (section){strdup(name != NULL ? name : "(NULL)"), 0};
    pthread_mutex_unlock(&lock);
    if (id != NULL)
        *id = at;
}

/* Its range, with another in its place; nothing is called with the lock held. */
static uint64_t exchange(uint32_t id, uint64_t range)
{
    uint64_t before = 0;
    pthread_mutex_lock(&lock);
    if (id < section_count) {
        before = sections[id].range;
        sections[id].range = range;
    }
    pthread_mutex_unlock(&lock);
    return before;
}

TOOL_EXPORT void kokkosp_stop_profile_section(uint32_t id);
TOOL_EXPORT void kokkosp_stop_profile_section(uint32_t id)
{
    regions_range_stop(exchange(id, 0), NULL);
}

TOOL_EXPORT void kokkosp_start_profile_section(uint32_t id);
TOOL_EXPORT void kokkosp_start_profile_section(uint32_t id)
{
    char *name;
    uint64_t before;
    pthread_mutex_lock(&lock);
    name = id < section_count && sections[id].name != NULL ? strdup(sections[id].name) : NULL;
    pthread_mutex_unlock(&lock);
    if (name == NULL)
        return;
    before = exchange(id, regions_range_start(REGIONS_KOKKOS_SECTION, name, 0));
    if (before != 0)
        regions_range_stop(before, NULL);
    free(name);
}

TOOL_EXPORT void kokkosp_destroy_profile_section(uint32_t id);
TOOL_EXPORT void kokkosp_destroy_profile_section(uint32_t id)
{
    const uint64_t range = exchange(id, 0);
    if (range != 0)
        regions_range_stop(range, NULL);
    pthread_mutex_lock(&lock);
    if (id < section_count) {
        free(sections[id].name);
        sections[id].name = NULL;
    }
    pthread_mutex_unlock(&lock);
}
