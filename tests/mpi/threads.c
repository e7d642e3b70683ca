/* Four threads of a rank call MPI at once; says how often MPI was called in all. */
#include <mpi.h>
#include <pthread.h>
#include <stdio.h>

enum { THREADS = 4, TIMES = 4000 };

static void *work(void *comm)
{
    int rank, sum, word = 1;
    MPI_Comm_rank(*(MPI_Comm *)comm, &rank);
    for (int i = 0; i < TIMES; i++)
        MPI_Allreduce(&word, &sum, 1, MPI_INT, MPI_SUM, *(MPI_Comm *)comm);
    return NULL;
}

int main(void)
{
    MPI_Comm comms[THREADS];
    pthread_t threads[THREADS];
    int provided;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &provided);
    if (provided < MPI_THREAD_MULTIPLE)
        MPI_Abort(MPI_COMM_WORLD, 9);
    for (int i = 0; i < THREADS; i++)
        MPI_Comm_dup(MPI_COMM_WORLD, &comms[i]);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, &comms[i]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        MPI_Comm_free(&comms[i]);
    MPI_Finalize();
    printf("%d\n", THREADS * TIMES + 2 * THREADS);
    return 0;
}
