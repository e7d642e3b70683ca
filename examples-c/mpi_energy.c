/* Energy of an MPI job: every package once, however many ranks see it, and who used how much of it.
 *
 *     mpirun -n 4 mpi_energy [SECONDS]
 *
 * Ranks may share GPUs, have one or several each, or none. The work here only passes its time.
 */
#define _POSIX_C_SOURCE 200809L

#include <mpi.h>
#include <zeus_amd.h>
#include <zeus_amd_mpi.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Stands for kernels and messages. */
static void compute(double seconds)
{
    struct timespec t;
    t.tv_sec = (time_t)seconds;
    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    nanosleep(&t, NULL);
}

static void print(const zeus_amd_mpi_energy_t *used)
{
    const zeus_amd_mpi_total_t *t = &used->total;
    printf("%-8s %10.1f J +- %.1f J in %.3f s, %" PRIu32 " package(s) on %" PRIu32 " node(s)\n", "job",
           (double)t->energy_mj / 1e3, (double)t->uncertainty_mj / 1e3, (double)t->duration_ns / 1e9, t->packages, t->nodes);
    if (t->flags & ZEUS_AMD_TOTAL_ENERGY_FLAG_INCOMPLETE_BIT)
        printf("incomplete: %" PRIu32 " package(s) without an energy, %" PRIu32 " rank(s) that could not measure\n",
               t->missing, t->ranks_failed);
    for (uint32_t i = 0; i < t->nodes; i++)
        printf("node     %10.1f J  %s\n", (double)used->nodes[i].total.energy_mj / 1e3, used->nodes[i].host);
    for (uint32_t i = 0; i < t->ranks; i++) {
        const zeus_amd_mpi_rank_t *r = &used->ranks[i];
        printf("rank %-3" PRIu32 " %10.1f J  its share of %" PRIu32 " package(s)%s%s\n", i, (double)r->share_mj / 1e3,
               r->packages, r->status != 0 ? ": " : "", r->status != 0 ? zeus_amd_status_string(r->status) : "");
    }
}

int main(int argc, char **argv)
{
    zeus_amd_session_t *z = NULL;
    zeus_amd_mpi_job_t job;
    zeus_amd_mpi_energy_t used;
    zeus_amd_status_t opened;
    int rank, failed = 0;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    /* A rank that has no GPUs, or cannot measure, takes part with its status. */
    opened = zeus_amd_open(NULL, &z);
    if (zeus_amd_mpi_begin(MPI_COMM_WORLD, z, opened, 0, &job) == ZEUS_AMD_STATUS_OK) {
        compute(argc > 1 ? strtod(argv[1], NULL) : 1);
        if (zeus_amd_mpi_end(&job, &used) == ZEUS_AMD_STATUS_OK) {
            if (rank == 0)
                print(&used);
            zeus_amd_mpi_free(&used);
        } else {
            failed = 1;
        }
    } else {
        failed = 1;
    }
    zeus_amd_close(z);
    MPI_Finalize();
    return failed;
}
