/* Energy of the whole node, and why its GPUs were slow.
 *
 *     node_energy [SECONDS]
 *
 * Waits (1 second by default) and prints the energy of each domain of the node: the
 * node itself, processors, memory, accelerators, packages of GPUs, as far as this
 * node measures them. Then the total, in which nothing is twice, and for how much of
 * the time each GPU was held down by its power limit or a temperature.
 */
#define _POSIX_C_SOURCE 200809L

#include <zeus_amd.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST = 64 };

static int complain(const char *what)
{
    char text[1024];
    zeus_amd_last_error(text, sizeof text);
    fprintf(stderr, "node_energy: %s: %s\n", what, text);
    return 1;
}

static void wait_for(double seconds)
{
    struct timespec time;
    time.tv_sec = (time_t)seconds;
    time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
    nanosleep(&time, NULL);
}

static void print_domain(zeus_amd_session_t *z, const zeus_amd_node_energy_t *e)
{
    zeus_amd_node_domain_info_t info = ZEUS_AMD_NODE_DOMAIN_INFO_INIT;
    if (zeus_amd_node_domain_info(z, e->domain, &info) != ZEUS_AMD_STATUS_OK)
        return;
    printf("%-18s %-17s ", info.name, zeus_amd_node_domain_kind_string(info.kind));
    if (e->status == ZEUS_AMD_STATUS_OK)
        printf("%10.1f J +- %6.1f J %9.1f W%s\n", (double)e->energy_uj / 1e6, (double)e->uncertainty_uj / 1e6,
               (double)e->mean_power_mw / 1e3, e->flags & ZEUS_AMD_NODE_ENERGY_FLAG_IN_TOTAL_BIT ? "  in the total" : "");
    else
        printf("%s\n", zeus_amd_status_string(e->status));
}

static void print_limits(zeus_amd_session_t *z, uint32_t gpu, const zeus_amd_limit_counts_t *begin)
{
    zeus_amd_limit_counts_t end = ZEUS_AMD_LIMIT_COUNTS_INIT;
    zeus_amd_limited_time_t l = ZEUS_AMD_LIMITED_TIME_INIT;
    if (zeus_amd_limit_counts(z, gpu, &end) != ZEUS_AMD_STATUS_OK ||
        zeus_amd_limited_time(begin, &end, &l) != ZEUS_AMD_STATUS_OK || l.cycles == 0)
        return;
    if (l.valid & ZEUS_AMD_LIMITED_TIME_VALID_PPT_BIT)
        printf("GPU %u: %.1f %% of the time at its power limit\n", (unsigned)gpu, 100 * (double)l.ppt_cycles / (double)l.cycles);
    if (l.valid & ZEUS_AMD_LIMITED_TIME_VALID_HBM_THERMAL_BIT)
        printf("GPU %u: %.1f %% of the time at a temperature of the memory\n", (unsigned)gpu,
               100 * (double)l.hbm_thermal_cycles / (double)l.cycles);
}

int main(int argc, char **argv)
{
    static const char *const SCOPES[] = {"nothing", "the GPUs", "the parts that are measured", "the node"};
    zeus_amd_session_t *z;
    zeus_amd_node_window_t *w;
    zeus_amd_node_total_t total = ZEUS_AMD_NODE_TOTAL_INIT;
    zeus_amd_node_energy_t domains[MOST] = {ZEUS_AMD_NODE_ENERGY_INIT};
    zeus_amd_limit_counts_t limits[MOST] = {ZEUS_AMD_LIMIT_COUNTS_INIT};
    zeus_amd_status_t counted[MOST];
    uint32_t count = MOST, gpus = 0, i;
    int status = 0;

    if (zeus_amd_open(NULL, &z) != ZEUS_AMD_STATUS_OK)
        return complain("zeus_amd_open");
    if (zeus_amd_gpu_count(z, &gpus) != ZEUS_AMD_STATUS_OK || gpus > MOST)
        gpus = 0;
    for (i = 0; i < gpus; i++) {
        limits[i].struct_size = sizeof limits[i];
        counted[i] = zeus_amd_limit_counts(z, i, &limits[i]);
    }
    if (zeus_amd_node_window_begin(z, &w) != ZEUS_AMD_STATUS_OK) {
        status = complain("zeus_amd_node_window_begin");
        zeus_amd_close(z);
        return status;
    }
    wait_for(argc > 1 ? atof(argv[1]) : 1.0);
    if (zeus_amd_node_window_end(w, &total, domains, &count) != ZEUS_AMD_STATUS_OK)
        status = complain("zeus_amd_node_window_end");
    /* Also where the total has no energy, each domain says why. */
    for (i = 0; i < count && i < MOST && total.duration_ns > 0; i++)
        print_domain(z, &domains[i]);
    if (status == 0)
        printf("total of %s: %.1f J +- %.1f J%s\n", SCOPES[total.scope], (double)total.energy_uj / 1e6,
               (double)total.uncertainty_uj / 1e6,
               total.flags & ZEUS_AMD_NODE_TOTAL_FLAG_INCOMPLETE_BIT ? " (incomplete)" : "");
    for (i = 0; i < gpus; i++)
        if (counted[i] == ZEUS_AMD_STATUS_OK)
            print_limits(z, i, &limits[i]);
    zeus_amd_close(z);
    return status;
}
