/* Stands for the real roctx library: writes each call to the file that ROCTX_LOG names, and answers as no other would. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void note(const char *call, const char *text, unsigned long number)
{
    FILE *file = fopen(getenv("ROCTX_LOG"), "a");
    if (file != NULL) {
        fprintf(file, "%s %s %lu\n", call, text, number);
        fclose(file);
    }
}

uint32_t roctx_version_major(void) { return 44; }
uint32_t roctx_version_minor(void) { return 55; }
void roctxMarkA(const char *message) { note("mark", message, 0); }
int roctxRangePushA(const char *message)
{
    note("push", message, 0);
    return 7000;
}
int roctxRangePop(void)
{
    note("pop", "-", 0);
    return 7001;
}
uint64_t roctxRangeStartA(const char *message)
{
    note("start", message, 0);
    return 4242;
}
void roctxRangeStop(uint64_t id) { note("stop", "-", (unsigned long)id); }
int roctxProfilerPause(uint64_t thread)
{
    note("pause", "-", (unsigned long)thread);
    return 0;
}
int roctxProfilerResume(uint64_t thread)
{
    note("resume", "-", (unsigned long)thread);
    return 0;
}
