/* ends HOW: the ends that a program may come to. All ranks do the same, but for those that rank 1 does alone. */
#define _POSIX_C_SOURCE 200809L

#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    int rank, sum = 0;
    if (strcmp(how, "no-mpi") == 0) {
        puts("no MPI");
        return 4;
    }
    MPI_Init(NULL, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    if (rank == 0) {
        printf("sum %d\n", sum);
        fflush(stdout);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    if (strcmp(how, "abort") == 0)
        MPI_Abort(MPI_COMM_WORLD, 5);
    if (strcmp(how, "exit") == 0)
        _exit(6); /* without MPI_Finalize */
    if (strcmp(how, "one-exits") == 0 && rank == 1)
        exit(7);
    if (strcmp(how, "killed") == 0)
        raise(SIGKILL);
    if (strcmp(how, "full") == 0) {
        /* As on a disk that has room for 1 KiB more. */
        const struct rlimit small = {1024, 1024};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &small);
    }
    MPI_Finalize();
    if (strcmp(how, "three") == 0)
        return 3;
    return 0;
}
