/* Anybody's MPI program: it knows nothing of zeus_amd. */
#define _POSIX_C_SOURCE 200809L

#include <mpi.h>
#include <stdio.h>
#include <time.h>

int main(int argc, char **argv)
{
    const struct timespec work = {0, 300000000};
    int rank, sum;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    nanosleep(&work, NULL);
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    if (rank == 0)
        printf("sum %d\n", sum);
    MPI_Finalize();
    return sum == 1 ? 0 : 1;
}
