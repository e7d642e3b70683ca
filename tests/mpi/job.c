/* The energy of a job by zeus_amd_mpi.h, as JSON on rank 0. Ranks come and go at different times; the last argument
 * is the time of work in seconds. With "loose" first: without barriers. With "full" or "late" rank 1 has no free
 * descriptor while it opens its session, or at the end of the job. Compiles as C99 and as C++11. */
#ifndef __cplusplus
#define _POSIX_C_SOURCE 200809L
#endif

#include <mpi.h>
#include <zeus_amd.h>
#include <zeus_amd_mpi.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void pass(double seconds)
{
    struct timespec t;
    t.tv_sec = (time_t)seconds;
    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    nanosleep(&t, NULL);
}

static int fillers[1024], filled;

static void take_descriptors(void)
{
    struct rlimit few;
    few.rlim_cur = few.rlim_max = 1024;
    setrlimit(RLIMIT_NOFILE, &few);
    while (filled < 1024 && (fillers[filled] = open("/dev/null", O_RDONLY)) >= 0)
        filled++;
}

static void free_descriptors(void)
{
    while (filled > 0)
        close(fillers[--filled]);
}

static void print(const zeus_amd_mpi_energy_t *e)
{
    const zeus_amd_mpi_total_t *t = &e->total;
    uint32_t i;
    printf("{\"energy_mj\": %" PRIu64 ", \"uncertainty_mj\": %" PRIu64 ", \"nodes\": %" PRIu32 ", \"packages\": %" PRIu32
           ", \"missing\": %" PRIu32 ", \"duplicates\": %" PRIu32 ", \"without_gpu\": %" PRIu32 ", \"failed\": %" PRIu32
           ", \"flags\": %" PRIu32 ", \"duration_ns\": %" PRIu64 ", \"ranks\": [",
           t->energy_mj, t->uncertainty_mj, t->nodes, t->packages, t->missing, t->duplicates, t->ranks_without_gpu,
           t->ranks_failed, t->flags, t->duration_ns);
    for (i = 0; i < t->ranks; i++) {
        const zeus_amd_mpi_rank_t *r = &e->ranks[i];
        printf("%s{\"node\": %d, \"status\": %d, \"gpus\": %" PRIu32 ", \"packages\": %" PRIu32 ", \"share_mj\": %" PRIu64
               ", \"begin_ns\": %" PRIu64 ", \"end_ns\": %" PRIu64 ", \"host\": \"%s\"}",
               i ? ", " : "", r->node, r->status, r->gpus, r->packages, r->share_mj, r->begin_ns, r->end_ns, r->host);
    }
    printf("], \"package\": [");
    for (i = 0; i < t->packages + t->missing; i++) {
        const zeus_amd_mpi_package_t *p = &e->packages[i];
        const zeus_amd_mpi_reading_t *read = p->reading < 0 ? NULL : &e->readings[p->reading];
        printf("%s{\"node\": %d, \"ranks\": %" PRIu32 ", \"duplicates\": %" PRIu32 ", \"status\": %d, \"energy_mj\": %" PRIu64
               ", \"uncertainty_mj\": %" PRIu64 ", \"begin_ns\": %" PRIu64 ", \"end_ns\": %" PRIu64
               ", \"pci\": \"%s\", \"rank\": %d}",
               i ? ", " : "", p->node, p->ranks, p->duplicates, p->status, p->energy_mj, p->uncertainty_mj,
               read ? read->begin_ns : 0, read ? read->end_ns : 0, p->pci_address, read ? read->rank : -1);
    }
    printf("]}\n");
}

int main(int argc, char **argv)
{
    const char *mode = argc > 2 ? argv[1] : "";
    const int loose = strcmp(mode, "loose") == 0;
    const double seconds = argc > 1 ? strtod(argv[argc - 1], NULL) : 0.3;
    zeus_amd_session_t *z = NULL;
    zeus_amd_mpi_job_t job;
    zeus_amd_mpi_energy_t energy;
    uint64_t sum = 0;
    zeus_amd_status_t opened;
    int rank, size, bad = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (rank == 1 && strcmp(mode, "full") == 0)
        take_descriptors();
    opened = zeus_amd_open(NULL, &z);
    free_descriptors();
    if (zeus_amd_mpi_begin(MPI_COMM_WORLD, z, opened, loose ? ZEUS_AMD_MPI_NO_BARRIER_BIT : 0, &job) !=
        ZEUS_AMD_STATUS_OK)
        return 1;
    pass(seconds + 0.02 * rank);
    if (rank == 1 && strcmp(mode, "late") == 0)
        take_descriptors();
    if (zeus_amd_mpi_end(&job, &energy) != ZEUS_AMD_STATUS_OK)
        return 1;
    free_descriptors();
    /* Every rank knows the total, and the shares add up to it. */
    MPI_Allreduce(&energy.share_mj, &sum, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
    if (sum != energy.total.energy_mj || (int)energy.total.ranks != size) {
        fprintf(stderr, "rank %d: shares %" PRIu64 " mJ of %" PRIu64 " mJ\n", rank, sum, energy.total.energy_mj);
        bad = 1;
    }
    if (rank == 0)
        print(&energy);
    else if (energy.ranks != NULL)
        bad = 1;
    zeus_amd_mpi_free(&energy);
    zeus_amd_close(z);
    MPI_Finalize();
    return bad;
}
