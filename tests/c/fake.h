/* The knobs of the fake library in this process; ZEUS_AMD_AMDSMI says which file it is. */
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

#endif
