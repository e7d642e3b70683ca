/* SPDX-License-Identifier: Apache-2.0 */
/* The rooms of libzeus_amd_pmpi.so. */
#ifndef ZEUS_AMD_PROFILE_H
#define ZEUS_AMD_PROFILE_H

/* What this library does itself is not the program's: it goes past its own wrappers. */
#define ZEUS_AMD_MPI_CALL(name) PMPI_##name

#include <mpi.h>
#include <zeus_amd.h>
#include <zeus_amd_mpi.h>

#include "../connect/tool.h"
#include "../regions/regions.h"
#include "../report/report.h"

/* The only symbols that others see are MPI's. */
#define PROFILE_EXPORT __attribute__((visibility("default")))

/* Levels of MPI_Pcontrol. */
#define PROFILE_REGIONS 64

/* One rank, in numbers that zeus_amd_mpi.h does not know. Sent as it is. */
typedef struct profile_rank {
    int32_t rank, reserved;
    uint64_t calls, mpi_ns;
    /* Own time: opening the session, readings of the counters (and how many), wrappers, bringing it together. */
    uint64_t open_ns, read_ns, reads, call_ns, gather_ns;
    /* MPI_Pcontrol with a level that is no region. */
    uint64_t ignored;
    /* As in regions_result; and regions that are left out. */
    uint64_t unbalanced, unfinished, too_many, in_handlers, left_out;
} profile_rank;

/* Why a rank's session did not open. Most ranks have none. */
typedef struct profile_why {
    int32_t rank;
    char text[512];
} profile_why;

typedef struct profile_region_sums {
    /* The level of MPI_Pcontrol, or 0. */
    uint64_t number;
    const char *path;
    uint64_t times, ns, mpi_ns;
    /* As in zeus_amd_mpi_total_t. */
    uint32_t packages, missing, flags;
    uint64_t energy_mj, uncertainty_mj;
} profile_region_sums;

/* What rank 0 writes down. */
typedef struct profile_report {
    const zeus_amd_mpi_energy_t *energy;
    /* By rank. */
    profile_rank *ranks;
    profile_why *whys;
    size_t why_count;
    /* By package: millijoules while a rank was in MPI, the mean over its ranks. */
    uint64_t *in_mpi_mj;
    /* The sum over ranks of times and of time in MPI, by region; the most visits and the longest time of a rank. */
    profile_region_sums *region_sums;
    int region_count;
    const char *directory;
    const char *mpi_version;
} profile_report;

/* lifecycle.c: from MPI_Init to MPI_Finalize. */
void profile_start(void);
void profile_finish(void);
void profile_session(void);
/* The worst status of all ranks; collective. */
int32_t profile_agree(MPI_Comm comm, int32_t status);

/* meter.c: time and energy in MPI, and regions, of this rank. */
void profile_pcontrol(int level);
uint64_t profile_now_ns(void);

typedef struct profile_meter {
    /* What the core has measured; NULL until the end. */
    const regions_result *result;
    const zeus_amd_session_t *session;
    uint32_t count;
    int32_t status;
    uint64_t begin_ns, end_ns;
    zeus_amd_gpu_energy_t *gpus;
    double *in_mpi_mj;
    profile_rank sums;
    profile_why why;
} profile_meter;

/* Only outside a measurement: before profile_meter_begin and after profile_meter_end. */
extern profile_meter profile;
void profile_meter_begin(int by_several_threads);
void profile_meter_end(void);
/* After the end: time in MPI during a level of MPI_Pcontrol, and energies to be freed. */
uint64_t profile_mpi_ns(const regions_region *region);
zeus_amd_gpu_energy_t *profile_energies(const regions_share *shares, uint64_t ns);

/* paths.c: the paths of all ranks, each once, one after the other; collective. Returns a status, the same on all. */
int32_t profile_all_paths(MPI_Comm comm, const zeus_amd_mpi_i_tree_t *tree, char **text, int *size);
void profile_free_paths(void);
typedef struct profile_path {
    const char *path;
    const regions_region *region;
} profile_path;
/* This rank's region of that path; NULL: it was never there. */
const regions_region *profile_find(const char *path);
/* The path for readers, to be freed, and what its region is. */
char *profile_shown(const char *path);
regions_kind profile_kind(const char *path);

/* report.c, on rank 0. */
void profile_write(const profile_report *report);
/* Whether each rank's regions are asked for as well; writes those of this one. */
int profile_by_rank(void);
void profile_write_rank(int rank, const char *directory);

#endif
