/* An MPI program with regions of roctx and MPI_Pcontrol. */
#include <mpi.h>
#include <stdint.h>
#include <unistd.h>

int roctxRangePushA(const char *message);
int roctxRangePop(void);
uint64_t roctxRangeStartA(const char *message);
void roctxRangeStop(uint64_t id);

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
    MPI_Finalize();
    return 0;
}
