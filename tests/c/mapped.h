/* Is a file mapped into this process? */
#ifndef ZEUS_AMD_TESTS_MAPPED_H
#define ZEUS_AMD_TESTS_MAPPED_H

#include "plain.h"

static int is_mapped(const char *path)
{
    char line[4096];
    int found = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    CHECK(f != NULL);
    while (fgets(line, sizeof line, f))
        found |= strstr(line, path) != NULL;
    fclose(f);
    return found;
}

#endif
