/* What it costs to bring a job's ranks together: eight GPUs a node, which all its eight ranks see; without a session. Prints ranks, the
 * medians in ms of what zeus_amd_mpi_begin does for it (communicators) and zeus_amd_mpi_end (readings), and how much rank 0 receives and
 * holds at most in kB, by the sizes of the rows that the header sends and keeps. With a number of ranks only the calculation for it.
 * usage: mpi_scale [RANKS] */
#include <mpi.h>
#include <zeus_amd_mpi.h>

enum { GPUS = 8, NODE = 8, TIMES = 21 };

static int up(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What rank 0 receives of the others of its node and of the other nodes, and what it holds once both are there. */
static void print(double size, double begin_ms, double end_ms)
{
    const double nodes = (double)((int)(size + NODE - 1) / NODE), near = size < NODE ? size : NODE;
    const double of_rank = sizeof(zeus_amd_mpi_rank_t) + sizeof(zeus_amd_node_total_t) + GPUS * sizeof(zeus_amd_mpi_reading_t);
    const double packages = GPUS * sizeof(zeus_amd_mpi_package_t), rank = sizeof(zeus_amd_mpi_rank_t);
    const double job = nodes * (packages + sizeof(zeus_amd_mpi_node_t)) + size * rank;
    const double from_nodes = (nodes - 1) * (packages + sizeof(zeus_amd_mpi_node_t)) + (size - near) * rank;
    const double while_node = near * (of_rank + GPUS * sizeof(void *) + packages);
    const double while_job = near * (packages + rank) + job + nodes * 5 * sizeof(int);
    const double received = (near - 1) * of_rank + from_nodes, held = while_job > while_node ? while_job : while_node;
    printf("%.0f|%.2f|%.2f|%.0f|%.0f\n", size, begin_ms, end_ms, received / 1e3, held / 1e3);
}

int main(int argc, char **argv)
{
    static zeus_amd_mpi_reading_t readings[GPUS];
    zeus_amd_mpi_part_t mine;
    zeus_amd_mpi_energy_t energy;
    zeus_amd_mpi_i_tree_t tree;
    double begins[TIMES], ends[TIMES];
    int size, wrong = 0;
    if (argc > 1) {
        print(atof(argv[1]), 0, 0);
        return 0;
    }
    MPI_Init(&argc, &argv);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    memset(&mine, 0, sizeof mine);
    MPI_Comm_rank(MPI_COMM_WORLD, &mine.rank.rank);
    mine.rank.gpus = GPUS;
    mine.rank.end_ns = 1000;
    snprintf(mine.host, sizeof mine.host, "node-%d", mine.rank.rank / NODE);
    snprintf(mine.host_id, sizeof mine.host_id, "name node-%d", mine.rank.rank / NODE);
    for (int i = 0; i < GPUS; i++) {
        readings[i].rank = mine.rank.rank;
        readings[i].gpu = (uint32_t)i;
        readings[i].method = ZEUS_AMD_METHOD_COUNTER;
        readings[i].energy_mj = 1000;
        readings[i].duration_ns = 1000;
        snprintf(readings[i].key, sizeof readings[i].key, "package-%d", i);
    }
    for (int i = 0; i < TIMES; i++) {
        MPI_Barrier(MPI_COMM_WORLD);
        begins[i] = MPI_Wtime();
        wrong |= zeus_amd_mpi_i_tree_make(MPI_COMM_WORLD, &mine, &tree) != MPI_SUCCESS;
        begins[i] = MPI_Wtime() - begins[i];
        MPI_Barrier(MPI_COMM_WORLD);
        ends[i] = MPI_Wtime();
        wrong |= zeus_amd_mpi_i_reduce(&tree, &mine, readings, &energy) != ZEUS_AMD_STATUS_OK;
        ends[i] = MPI_Wtime() - ends[i];
        wrong |= energy.total.packages != (uint32_t)((size + NODE - 1) / NODE * GPUS);
        zeus_amd_mpi_free(&energy);
        zeus_amd_mpi_i_tree_free(&tree);
    }
    qsort(begins, TIMES, sizeof *begins, up);
    qsort(ends, TIMES, sizeof *ends, up);
    if (mine.rank.rank == 0)
        print(size, begins[TIMES / 2] * 1e3, ends[TIMES / 2] * 1e3);
    MPI_Finalize();
    return wrong;
}
