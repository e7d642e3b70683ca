/* The knobs of the fake library in this process, whose file ZEUS_AMD_AMDSMI names; and what it noted in FAKE_LOG. */
#ifndef ZEUS_AMD_TESTS_FAKE_H
#define ZEUS_AMD_TESTS_FAKE_H

#include <dlfcn.h>

#include "check.h"

static inline volatile int *fake(const char *name)
{
    void *library = dlopen(getenv("ZEUS_AMD_AMDSMI"), RTLD_NOW | RTLD_LOCAL);
    void *found = library ? dlsym(library, name) : NULL;
    CHECK(found != NULL);
    return found;
}

static inline int fake_has_noted(const char *event)
{
    char line[64];
    int found = 0;
    FILE *events = fopen(getenv("FAKE_LOG"), "r");
    while (events && fgets(line, sizeof line, events))
        found |= strcmp(line, event) == 0;
    if (events)
        fclose(events);
    return found;
}

#endif
