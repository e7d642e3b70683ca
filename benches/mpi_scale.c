/* What it costs to bring a job's ranks together (zeus_amd_mpi_reduce, the second half of zeus_amd_mpi_end): eight GPUs a node, which
 * all its eight ranks see; without a session. Prints ranks, the median in ms, and how much rank 0 receives and holds in kB.
 * usage: mpi_scale */
#include <mpi.h>
#include <zeus_amd_mpi.h>

enum { GPUS = 8, NODE = 8, TIMES = 21 };

static int up(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static zeus_amd_mpi_reading_t readings[GPUS];
    zeus_amd_mpi_rank_t mine;
    zeus_amd_mpi_energy_t energy;
    double took[TIMES];
    int size, wrong = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    memset(&mine, 0, sizeof mine);
    MPI_Comm_rank(MPI_COMM_WORLD, &mine.rank);
    mine.gpus = GPUS;
    mine.end_ns = 1000;
    snprintf(mine.host, sizeof mine.host, "node-%d", mine.rank / NODE);
    snprintf(mine.host_id, sizeof mine.host_id, "name node-%d", mine.rank / NODE);
    for (int i = 0; i < GPUS; i++) {
        readings[i].rank = mine.rank;
        readings[i].gpu = (uint32_t)i;
        readings[i].method = ZEUS_AMD_METHOD_COUNTER;
        readings[i].energy_mj = 1000;
        readings[i].duration_ns = 1000;
        snprintf(readings[i].key, sizeof readings[i].key, "package-%d", i);
    }
    for (int i = 0; i < TIMES; i++) {
        MPI_Barrier(MPI_COMM_WORLD);
        took[i] = MPI_Wtime();
        wrong |= zeus_amd_mpi_reduce(MPI_COMM_WORLD, &mine, readings, &energy) != ZEUS_AMD_STATUS_OK;
        took[i] = MPI_Wtime() - took[i];
        wrong |= energy.total.packages != (uint32_t)((size + NODE - 1) / NODE * GPUS);
        zeus_amd_mpi_free(&energy);
    }
    qsort(took, TIMES, sizeof *took, up);
    if (mine.rank == 0) {
        const double received = (double)size * (sizeof mine + GPUS * sizeof *readings);
        const double others = (double)size * (sizeof(zeus_amd_mpi_node_t) + GPUS * (sizeof(zeus_amd_mpi_package_t) + sizeof(void *)));
        printf("%d|%.2f|%.0f|%.0f\n", size, took[TIMES / 2] * 1e3, received / 1e3, (received + others) / 1e3);
    }
    MPI_Finalize();
    return wrong;
}
