/* Energy of the phases of a computation.
 *
 *     region [--seconds N]
 *
 * A window measures each phase, and another one the whole. Every energy comes with
 * its uncertainty and with the method by which it was obtained. The phases here only
 * wait (N seconds in all, 2 by default); replace them with your own.
 */
#define _POSIX_C_SOURCE 200809L

#include <zeus_amd.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int failed(const char *what)
{
    char text[1024];
    zeus_amd_last_error(text, sizeof text);
    fprintf(stderr, "region: %s: %s\n", what, text);
    return 1;
}

/* Stands for a kernel launch and a wait for it. */
static void compute(double seconds)
{
    struct timespec t;
    t.tv_sec = (time_t)seconds;
    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    nanosleep(&t, NULL);
}

static void print_total(const char *name, const zeus_amd_total_energy_t *t)
{
    printf("%-8s %10.1f J +- %.1f J in %.3f s (%.1f W)", name, (double)t->energy_mj / 1e3,
           (double)t->uncertainty_mj / 1e3, (double)t->duration_ns / 1e9, (double)t->mean_power_mw / 1e3);
    if (t->missing > 0)
        printf(", without %" PRIu32 " of %" PRIu32 " packages", t->missing, t->missing + t->packages);
    if (t->flags & ZEUS_AMD_TOTAL_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT)
        printf(", too short for a small uncertainty");
    printf("\n");
}

static void print_gpus(const zeus_amd_gpu_energy_t *gpus, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const zeus_amd_gpu_energy_t *g = &gpus[i];
        if (g->method == ZEUS_AMD_METHOD_NONE)
            printf("  GPU %" PRIu32 ": none of its own: %s\n", g->gpu, zeus_amd_status_string(g->status));
        else
            printf("  GPU %" PRIu32 ": %10.1f J +- %.1f J, %s\n", g->gpu, (double)g->energy_mj / 1e3,
                   (double)g->uncertainty_mj / 1e3, zeus_amd_method_string(g->method));
    }
}

/* The phases, one after the other, each in a window of its own. */
static int run_phases(zeus_amd_session_t *z, double seconds)
{
    static const char *const names[] = {"load", "solve", "store"};
    static const double parts[] = {0.2, 0.7, 0.1};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
        zeus_amd_window_t *phase;
        if (zeus_amd_window_begin(z, &phase) != ZEUS_AMD_STATUS_OK)
            return failed("zeus_amd_window_begin");
        compute(seconds * parts[i]);
        if (zeus_amd_window_end(phase, &total, NULL, NULL) != ZEUS_AMD_STATUS_OK)
            return failed("zeus_amd_window_end");
        print_total(names[i], &total);
    }
    return 0;
}

/* The phases, and a window around them all. */
static int run(zeus_amd_session_t *z, double seconds)
{
    zeus_amd_window_t *whole;
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    const zeus_amd_gpu_energy_t empty = ZEUS_AMD_GPU_ENERGY_INIT;
    zeus_amd_gpu_energy_t *gpus;
    uint32_t count;
    int status;

    if (zeus_amd_gpu_count(z, &count) != ZEUS_AMD_STATUS_OK)
        return failed("zeus_amd_gpu_count");
    gpus = calloc(count + 1, sizeof *gpus);
    if (gpus == NULL) {
        fprintf(stderr, "region: out of memory\n");
        return 1;
    }
    gpus[0] = empty;
    if (zeus_amd_window_begin(z, &whole) != ZEUS_AMD_STATUS_OK) {
        status = failed("zeus_amd_window_begin");
    } else {
        status = run_phases(z, seconds);
        if (zeus_amd_window_end(whole, &total, gpus, &count) == ZEUS_AMD_STATUS_OK) {
            print_total("all", &total);
            print_gpus(gpus, count);
        } else {
            status = failed("zeus_amd_window_end");
        }
    }
    free(gpus);
    return status;
}

int main(int argc, char **argv)
{
    zeus_amd_session_t *z;
    double seconds = 2;
    int status;

    if (argc == 3 && strcmp(argv[1], "--seconds") == 0) {
        seconds = strtod(argv[2], NULL);
    } else if (argc != 1) {
        fprintf(stderr, "usage: region [--seconds N]\n");
        return 2;
    }
    if (zeus_amd_open(NULL, &z) != ZEUS_AMD_STATUS_OK)
        return failed("no session");
    status = run(z, seconds);
    zeus_amd_close(z);
    return status;
}
