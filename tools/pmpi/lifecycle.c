/* SPDX-License-Identifier: Apache-2.0 */
/* From MPI_Init to MPI_Finalize: opens the session, and at the end brings the ranks together. */
#define _GNU_SOURCE
#include "pmpi.h"

#include <unistd.h>

static zeus_amd_session_t *session;
static char *directory;
static int started;

/* Room for any MPI's: at start it may be another one than this is built for. */
static char version[16384];

/* The other kind of MPI has other handles: then this library only hands calls on. */
static int same_mpi(void)
{
    int length = 0, open_mpi;
    if (PMPI_Get_library_version(version, &length) != MPI_SUCCESS)
        return 0;
    open_mpi = strstr(version, "Open MPI") != NULL;
    /* MPICH prints how it was configured; its first line is enough. */
    version[strcspn(version, "\n")] = '\0';
    for (char *c = version; *c != '\0'; c++)
        *c = *c == '\t' ? ' ' : *c;
#ifdef OPEN_MPI
    return open_mpi;
#else
    return !open_mpi;
#endif
}

void profile_start(void)
{
    const uint64_t began_ns = profile_now_ns();
    if (started)
        return;
    started = 1;
    if (!same_mpi()) {
        fputs("libzeus_amd_pmpi.so: built for another MPI than the program's, so there is no energy report\n", stderr);
#ifndef OPEN_MPI
        /* Its handles are larger than those that the wrappers would hand on. */
        fputs("libzeus_amd_pmpi.so: nor can the program go on with it; take it out of LD_PRELOAD\n", stderr);
        exit(1);
#endif
        return;
    }
    directory = getcwd(NULL, 0);
    profile.status = zeus_amd_open(NULL, &session);
    if (profile.status == ZEUS_AMD_STATUS_OK)
        profile.status = zeus_amd_gpu_count(session, &profile.count);
    if (profile.status == ZEUS_AMD_STATUS_OK)
        profile.session = session;
    else
        zeus_amd_last_error(profile.sums.why, sizeof profile.sums.why);
    profile_meter_begin();
    profile.sums.open_ns = profile_now_ns() - began_ns;
}

/* Joules in MPI of each of this rank's readings, in the order of the table of readings. Returns an MPI code. */
static int gather_in_mpi(MPI_Comm comm, const zeus_amd_mpi_energy_t *energy, const zeus_amd_mpi_rank_t *mine,
                         double *all)
{
    const int size = (int)energy->total.ranks;
    int *counts = calloc((size_t)size + 1, sizeof *counts), *starts = calloc((size_t)size + 1, sizeof *starts);
    double *own = calloc((size_t)mine->gpus + 1, sizeof *own);
    int there = counts != NULL && starts != NULL && own != NULL && (mine->rank != 0 || all != NULL), everywhere = 0;
    int error = PMPI_Allreduce(&there, &everywhere, 1, MPI_INT, MPI_MIN, comm);
    if (error == MPI_SUCCESS && everywhere) {
        for (uint32_t i = 0; i < mine->gpus; i++) {
            const double used = (double)profile.gpus[i].energy_mj, in = profile.in_mpi_mj[i];
            own[i] = profile.gpus[i].method == ZEUS_AMD_METHOD_NONE ? -1 : in < 0 ? 0 : (in < used ? in : used) / 1e3;
        }
        if (mine->rank == 0)
            for (int i = 1; i < size; i++)
                starts[i] = starts[i - 1] + (int)energy->ranks[i - 1].gpus;
        for (int i = 0; mine->rank == 0 && i < size; i++)
            counts[i] = (int)energy->ranks[i].gpus;
        error = PMPI_Gatherv(own, (int)mine->gpus, MPI_DOUBLE, all, counts, starts, MPI_DOUBLE, 0, comm);
    } else if (mine->rank == 0 && all != NULL) {
        for (uint32_t i = 0; i < energy->total.gpus; i++)
            all[i] = -1;
    }
    free(counts);
    free(starts);
    free(own);
    return error;
}

/* One region over all ranks; those that were never there see no GPU of it. */
static int32_t reduce_region(MPI_Comm comm, const zeus_amd_mpi_rank_t *whole, int number, zeus_amd_mpi_energy_t *energy,
                             profile_region_sums *sums)
{
    const profile_region *region = &profile.regions[number];
    const int there = region->times > 0 && region->gpus != NULL;
    zeus_amd_mpi_reading_t *readings = calloc((size_t)profile.count + 1, sizeof *readings);
    zeus_amd_mpi_rank_t mine = *whole;
    uint64_t most[2], own[2];
    int32_t status = ZEUS_AMD_STATUS_OK;
    own[0] = region->times;
    own[1] = region->ns;
    if (readings != NULL)
        zeus_amd_mpi_describe(comm, there ? profile.session : NULL, whole->status, region->gpus, profile.count, &mine,
                              readings);
    if (readings == NULL)
        mine.gpus = 0;
    mine.begin_ns = 0;
    mine.end_ns = region->ns;
    memset(sums, 0, sizeof *sums);
    memset(energy, 0, sizeof *energy);
    sums->number = (uint64_t)number;
    if (PMPI_Reduce(own, most, 2, MPI_UINT64_T, MPI_MAX, 0, comm) != MPI_SUCCESS ||
        PMPI_Reduce((void *)&region->mpi_ns, &sums->mpi_ns, 1, MPI_UINT64_T, MPI_SUM, 0, comm) != MPI_SUCCESS)
        status = ZEUS_AMD_STATUS_IO;
    if (status == ZEUS_AMD_STATUS_OK)
        status = zeus_amd_mpi_reduce(comm, &mine, readings, energy);
    if (whole->rank == 0) {
        sums->times = most[0];
        sums->ns = most[1];
    }
    free(readings);
    return status;
}

/* All the rest; collective. Rank 0 writes. Returns a status that is the same everywhere. */
static int32_t bring_together(MPI_Comm comm, uint64_t began_ns)
{
    static profile_region_sums sums[PROFILE_REGIONS];
    static zeus_amd_mpi_energy_t regions[PROFILE_REGIONS];
    zeus_amd_mpi_reading_t *readings = calloc((size_t)profile.count + 1, sizeof *readings);
    zeus_amd_mpi_rank_t mine;
    zeus_amd_mpi_energy_t energy;
    profile_rank *ranks = NULL;
    double *in_mpi = NULL;
    uint64_t own = 0, mask = 0;
    int error, count = 0;
    int32_t status;

    if (readings == NULL) {
        profile.session = NULL;
        profile.status = ZEUS_AMD_STATUS_NO_MEMORY;
    }
    if (profile.status != ZEUS_AMD_STATUS_OK)
        profile.session = NULL;
    error = zeus_amd_mpi_describe(comm, profile.session, profile.status, profile.gpus, profile.count, &mine, readings);
    mine.begin_ns = profile.begin_ns;
    mine.end_ns = profile.end_ns;
    status = error == MPI_SUCCESS ? zeus_amd_mpi_reduce(comm, &mine, readings, &energy) : ZEUS_AMD_STATUS_IO;
    free(readings);
    if (status != ZEUS_AMD_STATUS_OK)
        return status;

    if (mine.rank == 0) {
        ranks = calloc(energy.total.ranks, sizeof *ranks);
        in_mpi = calloc((size_t)energy.total.gpus + 1, sizeof *in_mpi);
        status = ranks != NULL ? ZEUS_AMD_STATUS_OK : ZEUS_AMD_STATUS_NO_MEMORY;
    }
    if (PMPI_Bcast(&status, 1, MPI_INT, 0, comm) != MPI_SUCCESS)
        status = ZEUS_AMD_STATUS_IO;
    if (status == ZEUS_AMD_STATUS_OK && gather_in_mpi(comm, &energy, &mine, in_mpi) != MPI_SUCCESS)
        status = ZEUS_AMD_STATUS_IO;
    for (int i = 1; i <= PROFILE_REGIONS; i++)
        own |= profile.regions[i].times > 0 ? (uint64_t)1 << (i - 1) : 0;
    if (status == ZEUS_AMD_STATUS_OK &&
        PMPI_Allreduce(&own, &mask, 1, MPI_UINT64_T, MPI_BOR, comm) != MPI_SUCCESS)
        status = ZEUS_AMD_STATUS_IO;
    for (int i = 1; i <= PROFILE_REGIONS && status == ZEUS_AMD_STATUS_OK; i++)
        if (mask & ((uint64_t)1 << (i - 1))) {
            status = reduce_region(comm, &mine, i, &regions[count], &sums[count]);
            count++;
        }
    profile.sums.gather_ns = profile_now_ns() - began_ns;
    if (status == ZEUS_AMD_STATUS_OK &&
        PMPI_Gather(&profile.sums, (int)sizeof profile.sums, MPI_BYTE, ranks, (int)sizeof profile.sums, MPI_BYTE, 0,
                    comm) != MPI_SUCCESS)
        status = ZEUS_AMD_STATUS_IO;
    if (status == ZEUS_AMD_STATUS_OK && mine.rank == 0) {
        profile_report report = {&energy, ranks, in_mpi, regions, sums, count, directory, version};
        profile_write(&report);
    }
    for (int i = 0; i < count; i++)
        zeus_amd_mpi_free(&regions[i]);
    zeus_amd_mpi_free(&energy);
    free(ranks);
    free(in_mpi);
    return status;
}

void profile_finish(void)
{
    MPI_Comm comm = MPI_COMM_NULL;
    uint64_t began_ns;
    int rank = 0;
    int32_t status = ZEUS_AMD_STATUS_IO;
    if (directory == NULL && session == NULL && profile.begin_ns == 0)
        return;
    /* Waiting for the others is time in MPI: MPI_Finalize would wait as well. */
    profile_pcontrol(0);
    profile_enter();
    if (PMPI_Comm_split(MPI_COMM_WORLD, 0, 0, &comm) == MPI_SUCCESS &&
        PMPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN) == MPI_SUCCESS)
        PMPI_Barrier(comm);
    profile_leave();
    profile.sums.calls--; /* That was not the program's. */
    began_ns = profile_now_ns();
    profile_meter_end();
    if (comm != MPI_COMM_NULL) {
        PMPI_Comm_rank(comm, &rank);
        status = bring_together(comm, began_ns);
        PMPI_Comm_free(&comm);
    }
    if (status != ZEUS_AMD_STATUS_OK && rank == 0)
        fprintf(stderr, "libzeus_amd_pmpi.so: no energy report: %s\n", zeus_amd_status_string(status));
    for (int i = 1; i <= PROFILE_REGIONS; i++)
        free(profile.regions[i].gpus);
    free(profile.gpus);
    free(profile.in_mpi_mj);
    free(directory);
    zeus_amd_close(session);
    memset(&profile, 0, sizeof profile);
    directory = NULL;
    session = NULL;
}
