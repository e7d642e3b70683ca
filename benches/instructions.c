/* Does one thing N times in the function repeat(), to which callgrind limits its count.
 *
 *     instructions energy|all|window|restart N */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zeus_amd.h>

static zeus_amd_session_t *session;

static int energy(void)
{
    uint64_t mj;
    return zeus_amd_energy_mj(session, 0, &mj) == 0;
}

static int all(void)
{
    static zeus_amd_reading_t readings[64] = {ZEUS_AMD_READING_INIT};
    uint32_t count = 64;
    return zeus_amd_read_all(session, readings, &count) == 0;
}

static int window(void)
{
    zeus_amd_window_t *window;
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    return zeus_amd_window_begin(session, &window) == 0 && zeus_amd_window_end(window, &total, NULL, NULL) == 0;
}

static int restart(void)
{
    static zeus_amd_window_t *reused;
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    if (reused == NULL && zeus_amd_window_begin(session, &reused) != 0)
        return 0;
    return zeus_amd_window_restart(reused) == 0 && zeus_amd_window_read(reused, &total, NULL, NULL) == 0;
}

static const struct {
    const char *name;
    int (*once)(void);
} whats[] = {{"energy", energy}, {"all", all}, {"window", window}, {"restart", restart}};

/* Half a second of reading: then the clocks of the driver are known. */
static int warm(void)
{
    const uint64_t begun = zeus_amd_now_ns();
    while (zeus_amd_now_ns() - begun < 500000000)
        if (!all() || !window())
            return 0;
    return 1;
}

__attribute__((noinline)) int repeat(int (*once)(void), long n)
{
    while (n-- > 0)
        if (!once())
            return 0;
    return 1;
}

int main(int argc, char **argv)
{
    const long n = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    int done = 0;
    if (zeus_amd_open(NULL, &session) == 0 && warm())
        for (size_t i = 0; i < sizeof whats / sizeof *whats; i++)
            if (argc > 1 && strcmp(argv[1], whats[i].name) == 0)
                done = repeat(whats[i].once, n);
    if (!done) {
        char text[512];
        zeus_amd_last_error(text, sizeof text);
        fprintf(stderr, "%s\n", text);
        return 1;
    }
    zeus_amd_close(session);
    return 0;
}
