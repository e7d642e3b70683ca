/* SPDX-License-Identifier: Apache-2.0 */
/* The rooms of libzeus_amd_pmpi.so. */
#ifndef ZEUS_AMD_PROFILE_H
#define ZEUS_AMD_PROFILE_H

/* What this library does itself is not the program's: it goes past its own wrappers. */
#define ZEUS_AMD_MPI_CALL(name) PMPI_##name

#include <mpi.h>
#include <zeus_amd.h>
#include <zeus_amd_mpi.h>

/* The only symbols that others see are MPI's. */
#define PROFILE_EXPORT __attribute__((visibility("default")))

#define PROFILE_REGIONS 64

/* One rank, in numbers that zeus_amd_mpi.h does not know. Sent as it is. */
typedef struct profile_rank {
    uint64_t calls, mpi_ns;
    /* Own time: opening the session, readings of the counters (and how many), wrappers, bringing it together. */
    uint64_t open_ns, read_ns, reads, call_ns, gather_ns;
    /* MPI_Pcontrol with a level that is no region. */
    uint64_t ignored;
    /* Why the session did not open. */
    char why[512];
} profile_rank;

typedef struct profile_region_sums {
    uint64_t number, times, ns, mpi_ns;
} profile_region_sums;

/* What rank 0 writes down. */
typedef struct profile_report {
    const zeus_amd_mpi_energy_t *energy;
    const profile_rank *ranks;
    /* Joules of each reading while its rank was in MPI; negative: not known. */
    const double *in_mpi_j;
    const zeus_amd_mpi_energy_t *regions;
    /* The sum over ranks of times and of time in MPI, by region; the most visits and the longest time of a rank. */
    const profile_region_sums *region_sums;
    int region_count;
    const char *directory;
    const char *mpi_version;
} profile_report;

/* lifecycle.c: from MPI_Init to MPI_Finalize. */
void profile_start(void);
void profile_finish(void);

/* meter.c: time and energy in MPI, and regions, of this rank. */
void profile_enter(void);
void profile_leave(void);
void profile_pcontrol(int level);
uint64_t profile_now_ns(void);

typedef struct profile_region {
    zeus_amd_window_t *window;
    uint64_t since_ns, since_mpi_ns;
    uint64_t times, ns, mpi_ns, begin_ns, end_ns;
    zeus_amd_gpu_energy_t *gpus;
} profile_region;

typedef struct profile_meter {
    const zeus_amd_session_t *session;
    zeus_amd_window_t *window;
    uint32_t count;
    int32_t status;
    uint64_t begin_ns, end_ns;
    /* As of the last reading; at the end the result. */
    zeus_amd_gpu_energy_t *gpus;
    double *in_mpi_mj;
    profile_region regions[PROFILE_REGIONS + 1];
    profile_rank sums;
} profile_meter;

/* Only outside a measurement: before profile_meter_begin and after profile_meter_end. */
extern profile_meter profile;
void profile_meter_begin(void);
void profile_meter_end(void);

/* report.c, on rank 0. */
void profile_write(const profile_report *report);

#endif
