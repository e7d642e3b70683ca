/* MPI calls at known times, for the profiler: two ranks take turns of 0.1 s. In each turn rank 0 is away from MPI, and
 * rank 1 waits in MPI_Recv for the first half of it. Rank 1 prints when it was in MPI_Recv (CLOCK_BOOTTIME, ns). The
 * turns begin with those of the machine's power: argv[1] is the time that the machine started. Region 2 is around every
 * second turn. */
#define _POSIX_C_SOURCE 200809L

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifndef CLOCK_BOOTTIME
#define CLOCK_BOOTTIME 7
#endif
#define TURN 100000000LL

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
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
    int rank, word = 1;
    long long first;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    first = now() - strtoll(argv[1], NULL, 10);
    first = now() + TURN - first % TURN;
    MPI_Bcast(&first, 1, MPI_LONG_LONG, 0, MPI_COMM_WORLD);
    for (int turn = 0; turn < 8; turn++) {
        const long long begin = first + turn * TURN;
        until(begin);
        if (turn % 2 == 0)
            MPI_Pcontrol(2);
        if (rank == 0) {
            until(begin + TURN / 2);
            MPI_Send(&word, 1, MPI_INT, 1, 0, MPI_COMM_WORLD);
        } else {
            const long long in = now();
            MPI_Recv(&word, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            printf("%lld %lld\n", in, now());
        }
        until(begin + TURN - TURN / 10);
        MPI_Pcontrol(-2);
    }
    MPI_Finalize();
    return 0;
}
