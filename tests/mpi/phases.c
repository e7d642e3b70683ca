/* MPI calls at known times, for the profiler: the ranks take 6 turns of 0.5 s with rank 0, or LONGER times as many. In each
 * turn rank 0 is away from MPI, and the others wait in MPI_Recv for the first half of it; region 2 is around every second
 * turn. The turns begin with those of the machine's power: argv[1] is the time that the machine started. Says, in
 * CLOCK_BOOTTIME ns, when rank 1 waited ("wait 1 BEGIN END"), and when each rank was in the region: before and after
 * MPI_Pcontrol at both ends of it ("region RANK OUTER INNER INNER OUTER"), and when the profiler of rank 1 read the counters
 * ("read 1 BEGIN END"): that depends on what a reading costs, and so on what else the machine has to do. "whole RANK BEGIN
 * END": from before MPI_Init to after MPI_Finalize. */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifndef CLOCK_BOOTTIME
#define CLOCK_BOOTTIME 7
#endif
#define TURN 500000000LL
#define TURNS 6
#define MOST_TURNS (10 * TURNS)

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* The profiler's calls come here first: this is the program's. */
enum { MOST_READS = 10000 };
static long long reads[MOST_READS][2];
static int read_count;

int zeus_amd_window_read(void *window, void *total, void *gpus, void *count)
{
    int (*real)(void *, void *, void *, void *);
    const long long begin = now();
    int status;
    *(void **)&real = dlsym(RTLD_NEXT, "zeus_amd_window_read");
    status = real(window, total, gpus, count);
    if (read_count < MOST_READS) {
        reads[read_count][0] = begin;
        reads[read_count++][1] = now();
    }
    return status;
}

/* As this, which keeps no processor busy while it waits: the ranks are more than the processors. */
int PMPI_Recv(void *to, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Status *status)
{
    int (*real)(void *, int, MPI_Datatype, int, int, MPI_Comm, MPI_Status *);
    int there = 0;
    while (PMPI_Iprobe(from, tag, comm, &there, MPI_STATUS_IGNORE) == MPI_SUCCESS && !there)
        usleep(500);
    *(void **)&real = dlsym(RTLD_NEXT, "PMPI_Recv");
    return real(to, count, type, from, tag, comm, status);
}

static void until(long long ns)
{
    struct timespec t;
    long long left = ns - now();
    if (left <= 0)
        return;
    t.tv_sec = left / 1000000000;
    t.tv_nsec = left % 1000000000;
    nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
    /* Of each turn: before and after the wait, then around MPI_Pcontrol. */
    static long long waits[MOST_TURNS][2], visits[MOST_TURNS][4];
    const char *longer = getenv("LONGER");
    const int turns = TURNS * (longer != NULL ? atoi(longer) : 1);
    int rank, size, word = 1;
    long long first, began = now();
    if (turns > MOST_TURNS)
        return 1;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    first = now() - strtoll(argv[1], NULL, 10);
    first = now() + TURN - first % TURN;
    MPI_Bcast(&first, 1, MPI_LONG_LONG, 0, MPI_COMM_WORLD);
    for (int turn = 0; turn < turns; turn++) {
        const long long begin = first + turn * TURN;
        until(begin);
        visits[turn][0] = now();
        if (turn % 2 == 0)
            MPI_Pcontrol(2);
        visits[turn][1] = now();
        if (rank == 0) {
            until(begin + TURN / 2);
            for (int to = 1; to < size; to++)
                MPI_Send(&word, 1, MPI_INT, to, 0, MPI_COMM_WORLD);
        } else {
            waits[turn][0] = now();
            MPI_Recv(&word, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            waits[turn][1] = now();
        }
        until(begin + TURN - TURN / 10);
        visits[turn][2] = now();
        MPI_Pcontrol(-2);
        visits[turn][3] = now();
    }
    MPI_Finalize();
    printf("whole %d %lld %lld\n", rank, began, now());
    for (int i = 0; rank == 1 && i < read_count; i++)
        printf("read 1 %lld %lld\n", reads[i][0], reads[i][1]);
    for (int turn = 0; turn < turns; turn++) {
        const long long *v = visits[turn];
        if (rank == 1)
            printf("wait 1 %lld %lld\n", waits[turn][0], waits[turn][1]);
        if (turn % 2 == 0)
            printf("region %d %lld %lld %lld %lld\n", rank, v[0], v[1], v[2], v[3]);
    }
    return 0;
}
