/* What this process has: descriptors, threads, memory. */
#ifndef ZEUS_AMD_TESTS_PROCESS_H
#define ZEUS_AMD_TESTS_PROCESS_H

#include "plain.h"

#include <dirent.h>
#include <unistd.h>

/* How many entries a folder has, "." and ".." among them; of /proc/self/fd also the descriptor that reads it. */
static inline int entries(const char *folder)
{
    int count = 0;
    DIR *d = opendir(folder);
    CHECK(d != NULL);
    while (readdir(d))
        count++;
    closedir(d);
    return count;
}

static inline long resident_kb(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    CHECK(f != NULL && fscanf(f, "%*d %ld", &pages) == 1);
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

#endif
