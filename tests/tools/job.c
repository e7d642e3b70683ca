/* An MPI program with regions of roctx and MPI_Pcontrol.
 * usage: job [names|deep|many|hybrid]    with such regions as well; the last with OpenMP */
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int roctxRangePushA(const char *message);
int roctxRangePop(void);
uint64_t roctxRangeStartA(const char *message);
void roctxRangeStop(uint64_t id);

static void names(void)
{
    static char large[65537];
    uint64_t range;
    static const char *const all[] = {NULL, "", "\"quoted\"", "new\nline", "\x1e", "a\x1ezz", "a\x1e", "sol/ve;b,c", "\xff\xfe broken \xc3", "%s%n"};
    memset(large, 'x', sizeof large - 1);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        roctxRangePushA(all[i]);
        roctxRangePushA("in");
        roctxRangePop();
        roctxRangePop();
    }
    roctxRangePushA(large);
    roctxRangePushA("first within");
    roctxRangePop();
    roctxRangePushA("second within");
    roctxRangePop();
    roctxRangePop();
    roctxRangePop();
    range = roctxRangeStartA("both");
    roctxRangePushA("both");
    roctxRangePop();
    roctxRangeStop(range);
    roctxRangePushA("left open");
}

/* Two in one line are two places. */
__attribute__((noinline)) static void hybrid(void)
{
#define FOR_10_MS _Pragma("omp parallel num_threads(2)") usleep(10000);
    FOR_10_MS FOR_10_MS
}

/* Few paths of such a length fit into a report. */
static void deep(void)
{
    static char name[1001];
    memset(name, 'd', sizeof name - 1);
    for (int i = 0; i < 10000; i++)
        roctxRangePushA(name);
    for (int i = 0; i < 10000; i++)
        roctxRangePop();
}

static void many(int rank)
{
    static char name[60001];
    for (int i = 0; i < 40; i++) {
        memset(name, 'm', sizeof name - 1);
        name[snprintf(name, 32, "%d of rank %d", i, rank)] = ' ';
        roctxRangePushA(name);
        roctxRangePop();
    }
}

int main(int argc, char **argv)
{
    int rank;
    uint64_t phase;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    phase = roctxRangeStartA("phase");
    MPI_Pcontrol(5);
    for (int i = 0; i < 2; i++) {
        roctxRangePushA("solve");
        usleep(50000);
        roctxRangePushA("exchange");
        MPI_Barrier(MPI_COMM_WORLD);
        roctxRangePop();
        roctxRangePop();
    }
    MPI_Pcontrol(-5);
    roctxRangeStop(phase);
    if (rank == 1) {
        roctxRangePushA("only 1");
        usleep(20000);
        roctxRangePop();
    }
    if (argc > 1 && strcmp(argv[1], "names") == 0)
        names();
    else if (argc > 1 && strcmp(argv[1], "deep") == 0)
        deep();
    else if (argc > 1 && strcmp(argv[1], "many") == 0)
        many(rank);
    else if (argc > 1 && strcmp(argv[1], "hybrid") == 0)
        hybrid();
    MPI_Finalize();
    return 0;
}
