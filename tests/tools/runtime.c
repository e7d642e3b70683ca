/* An OpenMP runtime that reports target regions, as those of clang 14 and gcc do not; in one of both ways.
 * usage: runtime TOOL emi|plain */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef void (*function)(void);
static function callbacks[64];
static int emi;

static int set_callback(int which, function callback)
{
    if (which == 33 && !emi)
        return 1; /* never */
    callbacks[which] = callback;
    return 5; /* always */
}
static function lookup(const char *name) { return strcmp(name, "ompt_set_callback") == 0 ? (function)set_callback : NULL; }

typedef struct result {
    int (*initialize)(function (*)(const char *), int, void *);
    void (*finalize)(void *);
    uint64_t data;
} result;

static void target(int endpoint, const void *place)
{
    if (emi)
        ((void (*)(int, int, int, void *, void *, void *, const void *))callbacks[33])(1, endpoint, 0, NULL, NULL, NULL, place);
    else
        ((void (*)(int, int, int, void *, uint64_t, const void *))callbacks[8])(1, endpoint, 0, NULL, 1, place);
}

int main(int argc, char **argv)
{
    void *tool = argc > 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    result *(*start)(unsigned, const char *), *started;
    if (tool == NULL)
        return 2;
    emi = strcmp(argv[2], "emi") == 0;
    *(void **)&start = dlsym(tool, "ompt_start_tool");
    started = start(202011, "a runtime");
    if (started == NULL || !started->initialize(lookup, 0, &started->data) || emi != (callbacks[8] == NULL))
        return 3;
    for (int i = 0; i < 3; i++) {
        target(1, (const char *)(void *)main + 1);
        usleep(20000);
        target(2, NULL);
    }
    target(1, NULL);
    target(2, NULL);
    started->finalize(&started->data);
    return 0;
}
