/* Laps of one window. Prints a line for each GPU and lap: lap gpu method flags status energy_mj uncertainty_mj duration_ns
 * begin_ns end_ns; for each total: "total" lap status packages missing energy_mj uncertainty_mj duration_ns flags, and behind it
 * the library's words if the status is a failure. The lap of the whole window is -1.
 * argv: laps, us of each. */
#include <inttypes.h>
#include <time.h>

#include "check.h"

enum { MOST = 64 };

typedef zeus_amd_status_t (*ask)(zeus_amd_window_t *, zeus_amd_total_energy_t *, zeus_amd_gpu_energy_t *, uint32_t *);

static void print_one(int lap, ask call, zeus_amd_window_t *w)
{
    zeus_amd_total_energy_t t = ZEUS_AMD_TOTAL_ENERGY_INIT;
    zeus_amd_gpu_energy_t each[MOST] = {ZEUS_AMD_GPU_ENERGY_INIT};
    char text[1024] = "";
    uint32_t i, n = MOST;
    zeus_amd_status_t status = call(w, &t, each, &n);
    if (status != ZEUS_AMD_STATUS_OK)
        (void)zeus_amd_last_error(text, sizeof text);
    for (i = 0; i < n; i++)
        printf("%d %" PRIu32 " %" PRIu32 " %" PRIu32 " %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", lap, each[i].gpu,
               each[i].method, each[i].flags, (int)each[i].status, each[i].energy_mj, each[i].uncertainty_mj, each[i].duration_ns,
               each[i].begin_ns, each[i].end_ns);
    printf("total %d %d %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %s\n", lap, (int)status, t.packages,
           t.missing, t.energy_mj, t.uncertainty_mj, t.duration_ns, t.flags, text);
}

int main(int argc, char **argv)
{
    zeus_amd_session_t *z;
    zeus_amd_window_t *w;
    struct timespec t = {0, 0};
    int lap, laps;
    CHECK(argc == 3);
    laps = atoi(argv[1]);
    t.tv_nsec = atol(argv[2]) * 1000;
    CHECK_OK(zeus_amd_open(NULL, &z));
    CHECK_OK(zeus_amd_window_begin(z, &w));
    CHECK_OK(zeus_amd_window_lap(w, NULL, NULL, NULL));
    CHECK_IS(zeus_amd_window_lap(NULL, NULL, NULL, NULL), ZEUS_AMD_STATUS_INVALID_ARGUMENT);
    for (lap = 0; lap < laps; lap++) {
        nanosleep(&t, NULL);
        print_one(lap, zeus_amd_window_lap, w);
    }
    /* What is asked for without a total is no failure. */
    CHECK_OK(zeus_amd_window_read(w, NULL, NULL, NULL));
    print_one(-1, zeus_amd_window_end, w);
    zeus_amd_close(z);
    return 0;
}
