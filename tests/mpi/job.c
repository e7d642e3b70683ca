/* The energy of a job by zeus_amd_mpi.h, as JSON on rank 0. Ranks come and go at different times; the last argument
 * is the time of work in seconds. With "loose" first: without barriers. With "part" all ranks but the
 * first, in the opposite order, are a job. With "full", "early" or "late" rank 1 has no free
 * descriptor while it opens its session, at the begin of the job, or at its end. With "busy" the GPUs do not tell the time at a
 * limit at the begin, with "tight" there is no memory for it. Compiles as C99 and as C++11. */
#ifndef __cplusplus
#define _POSIX_C_SOURCE 200809L
#endif

#include <mpi.h>
#include <stdlib.h>
#include <zeus_amd.h>

/* What the header calls at the begin. */
static int busy, tight;

static zeus_amd_status_t limit_counts(const zeus_amd_session_t *z, uint32_t gpu, zeus_amd_limit_counts_t *counts)
{
    return busy ? ZEUS_AMD_STATUS_BUSY : zeus_amd_limit_counts(z, gpu, counts);
}

static void *memory(size_t count, size_t size)
{
    return tight && size == sizeof(zeus_amd_limit_counts_t) ? NULL : calloc(count, size);
}

#define zeus_amd_limit_counts limit_counts
#define calloc memory
#include <zeus_amd_mpi.h>
#undef zeus_amd_limit_counts
#undef calloc

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
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

static void print(const zeus_amd_mpi_energy_t *e, const uint64_t *around)
{
    const zeus_amd_mpi_total_t *t = &e->total;
    uint32_t i;
    printf("{\"energy_mj\": %" PRIu64 ", \"uncertainty_mj\": %" PRIu64 ", \"nodes\": %" PRIu32 ", \"packages\": %" PRIu32
           ", \"missing\": %" PRIu32 ", \"duplicates\": %" PRIu32 ", \"without_gpu\": %" PRIu32 ", \"failed\": %" PRIu32
           ", \"flags\": %" PRIu32 ", \"duration_ns\": %" PRIu64 ", \"scope\": %d, \"widest_mj\": %" PRIu64
           ", \"widest_uncertainty_mj\": %" PRIu64 ", \"around\": [%" PRIu64 ", %" PRIu64 "], \"node\": [",
           t->energy_mj, t->uncertainty_mj, t->nodes, t->packages, t->missing, t->duplicates, t->ranks_without_gpu,
           t->ranks_failed, t->flags, t->duration_ns, (int)t->scope, t->widest_mj, t->widest_uncertainty_mj, around[0], around[1]);
    for (i = 0; i < t->nodes; i++) {
        const zeus_amd_mpi_node_t *n = &e->nodes[i];
        printf("%s{\"first_rank\": %d, \"host\": \"%s\", \"ranks\": %" PRIu32 ", \"packages\": %" PRIu32 ", \"energy_mj\": %" PRIu64
               ", \"uncertainty_mj\": %" PRIu64 ", \"scope\": %d, \"widest_mj\": %" PRIu64 ", \"widest_uncertainty_mj\": %" PRIu64 "}",
               i ? ", " : "", n->first_rank, n->host, n->total.ranks, n->total.packages, n->total.energy_mj, n->total.uncertainty_mj,
               (int)n->total.scope, n->total.widest_mj, n->total.widest_uncertainty_mj);
    }
    printf("], \"ranks\": [");
    for (i = 0; i < t->ranks; i++) {
        const zeus_amd_mpi_rank_t *r = &e->ranks[i];
        printf("%s{\"node\": %d, \"status\": %d, \"gpus\": %" PRIu32 ", \"packages\": %" PRIu32 ", \"share_mj\": %" PRIu64
               ", \"begin_ns\": %" PRIu64 ", \"end_ns\": %" PRIu64 ", \"host\": \"%s\"}",
               i ? ", " : "", r->node, r->status, r->gpus, r->packages, r->share_mj, r->begin_ns, r->end_ns, e->nodes[r->node].host);
    }
    printf("], \"package\": [");
    for (i = 0; i < t->packages + t->missing; i++) {
        const zeus_amd_mpi_package_t *p = &e->packages[i];
        const zeus_amd_mpi_reading_t *read = &p->reading;
        const zeus_amd_limited_time_t *l = &read->limited;
        printf("%s{\"node\": %d, \"ranks\": %" PRIu32 ", \"duplicates\": %" PRIu32 ", \"status\": %d, \"energy_mj\": %" PRIu64
               ", \"uncertainty_mj\": %" PRIu64 ", \"begin_ns\": %" PRIu64 ", \"end_ns\": %" PRIu64
               ", \"pci\": \"%s\", \"rank\": %d, \"spread_mj\": [%" PRIu64 ", %" PRIu64 ", %" PRIu64 "], \"limited_status\": %d"
               ", \"limited_ns\": %" PRIu64 ", \"limited\": [%" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64
               "]}",
               i ? ", " : "", p->node, p->ranks, p->duplicates, read->status, read->energy_mj, read->uncertainty_mj, read->begin_ns,
               read->end_ns, read->pci_address, read->method == ZEUS_AMD_METHOD_NONE ? -1 : read->rank, p->least_mj, p->mean_mj,
               p->most_mj, read->limited_status, l->duration_ns, l->cycles, l->prochot_cycles, l->ppt_cycles,
               l->socket_thermal_cycles, l->vr_thermal_cycles, l->hbm_thermal_cycles);
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
    uint64_t sum = 0, begin, end, around[2] = {0, 0};
    zeus_amd_status_t opened;
    MPI_Comm comm = MPI_COMM_WORLD;
    int rank, size, bad = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(comm, &rank);
    if (strcmp(mode, "part") == 0 && MPI_Comm_split(MPI_COMM_WORLD, rank == 0 ? MPI_UNDEFINED : 0, -rank, &comm) != MPI_SUCCESS)
        return 1;
    if (comm == MPI_COMM_NULL)
        return MPI_Finalize();
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    if (rank == 1 && strcmp(mode, "full") == 0)
        take_descriptors();
    opened = zeus_amd_open(NULL, &z);
    free_descriptors();
    if (rank == 1 && strcmp(mode, "early") == 0)
        take_descriptors();
    busy = strcmp(mode, "busy") == 0;
    tight = strcmp(mode, "tight") == 0;
    begin = zeus_amd_now_ns();
    if (zeus_amd_mpi_begin(comm, z, opened, loose ? ZEUS_AMD_MPI_NO_BARRIER_BIT : 0, &job) !=
        ZEUS_AMD_STATUS_OK)
        return 1;
    busy = tight = 0;
    free_descriptors();
    /* With barriers the others wait, and keep a processor busy. */
    pass(seconds + (loose ? 0.02 : 0.005) * rank);
    if (rank == 1 && strcmp(mode, "late") == 0)
        take_descriptors();
    if (zeus_amd_mpi_end(&job, &energy) != ZEUS_AMD_STATUS_OK)
        return 1;
    end = zeus_amd_now_ns();
    free_descriptors();
    MPI_Reduce(&begin, &around[0], 1, MPI_UINT64_T, MPI_MIN, 0, comm);
    MPI_Reduce(&end, &around[1], 1, MPI_UINT64_T, MPI_MAX, 0, comm);
    /* Every rank knows the total, and the shares add up to it. */
    MPI_Allreduce(&energy.share_mj, &sum, 1, MPI_UINT64_T, MPI_SUM, comm);
    if (sum != energy.total.energy_mj || (int)energy.total.ranks != size) {
        fprintf(stderr, "rank %d: shares %" PRIu64 " mJ of %" PRIu64 " mJ\n", rank, sum, energy.total.energy_mj);
        bad = 1;
    }
    for (; rank == 0 && size > 0; size--)
        bad |= energy.ranks[size - 1].rank != size - 1;
    if (rank == 0)
        print(&energy, around);
    else if (energy.ranks != NULL || energy.packages != NULL || energy.nodes != NULL)
        bad = 1;
    zeus_amd_mpi_free(&energy);
    zeus_amd_close(z);
    MPI_Finalize();
    return bad;
}
