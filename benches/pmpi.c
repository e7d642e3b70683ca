/* What libzeus_amd_pmpi.so costs, preloaded: MPI_... is intercepted, PMPI_... is not, and PMPI_... between two clocks is the least
 * that time in MPI can cost; all in turns in one process.
 * usage: pmpi         with two ranks: an 8-byte ping-pong, and MPI_Test in loops of one and of four threads a rank
 *        pmpi single  the ping-pong of a program without MPI_THREAD_MULTIPLE
 *        pmpi count   with one rank, under callgrind: nothing but CALLS times MPI_Test ("pmpi none": not even that) */
#include <mpi.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 200, ROUNDS = 1500, THREADS = 4, CALLS = 100000 };

static int rank, threads;

enum how { DIRECT, INTERCEPTED, TIMED, HOW };

static inline void clock_edge(enum how how)
{
    static volatile uint64_t sink;
#if defined(__x86_64__)
    if (how == TIMED)
        sink = __builtin_ia32_rdtsc();
#else
    struct timespec t;
    if (how == TIMED && clock_gettime(CLOCK_MONOTONIC, &t) == 0)
        sink = (uint64_t)t.tv_nsec;
#endif
    (void)sink;
}

static void ping_pong(enum how how)
{
    char word[8] = "";
    for (int i = 0; i < BATCH; i++)
        for (int send = rank == 0, turn = 0; turn < 2; turn++, send = !send) {
            clock_edge(how);
            if (send && how == INTERCEPTED)
                MPI_Send(word, 8, MPI_CHAR, 1 - rank, 0, MPI_COMM_WORLD);
            else if (send)
                PMPI_Send(word, 8, MPI_CHAR, 1 - rank, 0, MPI_COMM_WORLD);
            else if (how == INTERCEPTED)
                MPI_Recv(word, 8, MPI_CHAR, 1 - rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            else
                PMPI_Recv(word, 8, MPI_CHAR, 1 - rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            clock_edge(how);
        }
}

/* Of a request that is not there yet: each asks the network. */
static MPI_Request requests[THREADS];
static enum how tests_how;
static void *test(void *at)
{
    const enum how how = tests_how;
    int done;
    for (int i = 0; i < 4 * BATCH; i++) {
        clock_edge(how);
        if (how == INTERCEPTED)
            MPI_Test(at, &done, MPI_STATUS_IGNORE);
        else
            PMPI_Test(at, &done, MPI_STATUS_IGNORE);
        clock_edge(how);
    }
    return NULL;
}

static void tests(enum how how)
{
    pthread_t all[THREADS];
    tests_how = how;
    for (int i = 0; i < threads; i++)
        pthread_create(&all[i], NULL, test, &requests[i]);
    for (int i = 0; i < threads; i++)
        pthread_join(all[i], NULL);
}

static int up(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The medians of rounds, of which each has all three in turns, and of their ratios. */
static void compare(const char *what, void (*run)(enum how), int rounds, double calls)
{
    static double took[HOW][ROUNDS], ratios[HOW][ROUNDS];
    for (int i = 0; i < rounds; i++) {
        for (int turn = 0; turn < HOW; turn++) {
            const enum how how = (enum how)((i + turn) % HOW);
            const double begun = PMPI_Wtime();
            run(how);
            took[how][i] = (PMPI_Wtime() - begun) / calls * 1e9;
        }
        for (int how = 0; how < HOW; how++)
            ratios[how][i] = took[how][i] / took[DIRECT][i];
    }
    for (int how = 0; how < HOW; how++) {
        qsort(took[how], (size_t)rounds, sizeof **took, up);
        qsort(ratios[how], (size_t)rounds, sizeof **ratios, up);
    }
    if (rank == 0)
        printf("profiler: %s (two clocks alone: %.2f)|%.0f ns|%.0f ns|%.3f|<= 1.02|%s\n", what, ratios[TIMED][rounds / 2],
               took[INTERCEPTED][rounds / 2], took[DIRECT][rounds / 2], ratios[INTERCEPTED][rounds / 2],
               ratios[INTERCEPTED][rounds / 2] <= 1.02 ? "yes" : "no");
}

int main(int argc, char **argv)
{
    static char words[THREADS];
    int provided, done;
    const int counts = argc > 1 && strcmp(argv[1], "single") != 0;
    const int level = argc > 1 ? MPI_THREAD_SINGLE : MPI_THREAD_MULTIPLE;
    MPI_Init_thread(NULL, NULL, level, &provided);
    PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
    for (int i = 0; i < THREADS; i++)
        PMPI_Irecv(&words[i], 1, MPI_CHAR, counts ? 0 : 1 - rank, 9 + i, MPI_COMM_WORLD, &requests[i]);
    for (int i = 0; counts && strcmp(argv[1], "count") == 0 && i < CALLS; i++)
        MPI_Test(&requests[0], &done, MPI_STATUS_IGNORE);
    if (!counts) {
        compare(argc > 1 ? "8 bytes to another rank and back" : "the same with MPI_THREAD_MULTIPLE", ping_pong, ROUNDS, BATCH);
        threads = 1;
        if (level == MPI_THREAD_MULTIPLE)
            compare("MPI_Test, one thread", tests, ROUNDS / 3, 4 * BATCH);
        threads = THREADS;
        if (level == MPI_THREAD_MULTIPLE)
            compare("MPI_Test, four threads at once", tests, ROUNDS / 3, 4 * BATCH * THREADS);
    }
    for (int i = 0; i < THREADS; i++) {
        PMPI_Cancel(&requests[i]);
        PMPI_Wait(&requests[i], MPI_STATUS_IGNORE);
    }
    MPI_Finalize();
    return 0;
}
