/* Does one thing N times, for callgrind: the difference between two runs with different N is the cost of one.
 *
 *     instructions energy|all|window|restart N */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zeus_amd.h>

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    long n = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    zeus_amd_session_t *session;
    uint32_t gpus = 0;
    static zeus_amd_reading_t readings[64];
    if (zeus_amd_open(NULL, &session) != 0 || zeus_amd_gpu_count(session, &gpus) != 0 || gpus == 0 || gpus > 64) {
        char text[512];
        zeus_amd_last_error(text, sizeof text);
        fprintf(stderr, "%s\n", text);
        return 1;
    }
    for (long i = 0; i < n; i++) {
        int failed = 1;
        if (strcmp(what, "energy") == 0) {
            uint64_t mj;
            failed = zeus_amd_energy_mj(session, 0, &mj) != 0;
        } else if (strcmp(what, "all") == 0) {
            uint32_t count = gpus;
            readings[0].struct_size = sizeof readings[0];
            failed = zeus_amd_read_all(session, readings, &count) != 0;
        } else if (strcmp(what, "window") == 0) {
            zeus_amd_window_t *window;
            zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
            failed = zeus_amd_window_begin(session, &window) != 0 || zeus_amd_window_end(window, &total, NULL, NULL) != 0;
        } else if (strcmp(what, "restart") == 0) {
            static zeus_amd_window_t *window;
            zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
            if (window == NULL)
                failed = zeus_amd_window_begin(session, &window) != 0;
            failed = zeus_amd_window_restart(window) != 0 || zeus_amd_window_read(window, &total, NULL, NULL) != 0;
        }
        if (failed) {
            fprintf(stderr, "%s failed\n", what);
            return 1;
        }
    }
    zeus_amd_close(session);
    return 0;
}
