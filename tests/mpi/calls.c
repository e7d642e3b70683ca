/* Calls of MPI of all kinds, by two ranks or more; argv[1] is a file to work on. Says how many count for the profiler. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static int count;

#define DO(call)                                                                                                       \
    do {                                                                                                               \
        count++;                                                                                                       \
        if ((call) != MPI_SUCCESS)                                                                                     \
            MPI_Abort(MPI_COMM_WORLD, __LINE__);                                                                       \
    } while (0)

int main(int argc, char **argv)
{
    MPI_Comm c = MPI_COMM_WORLD, cart, half, inter, all;
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_Request r;
    MPI_Group group;
    MPI_Win w;
    MPI_File f;
    int rank, size, periods = 1, found = 0, word = 1, got[64], *shared;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(c, &rank);
    MPI_Comm_size(c, &size);
    if (argc != 2 || size < 2 || size > 32)
        MPI_Abort(c, 2);

    /* Communicators: a ring, two halves and what is between them. */
    DO(MPI_Cart_create(c, 1, &size, &periods, 0, &cart));
    MPI_Comm_group(c, &group);
    DO(MPI_Comm_create_group(c, group, 3, &all));
    MPI_Group_free(&group);
    DO(MPI_Comm_disconnect(&all));
    DO(MPI_Comm_split(c, rank % 2, 0, &half));
    DO(MPI_Intercomm_create(half, 0, c, 1 - rank % 2, 5, &inter));
    DO(MPI_Intercomm_merge(inter, rank % 2, &all));
    DO(MPI_Comm_free(&inter));

    /* Messages that are looked for first, and collective calls that are waited for. */
    DO(MPI_Isend(&word, 1, MPI_INT, (rank + 1) % size, 7, cart, &r));
    while (!found)
        DO(MPI_Improbe(MPI_ANY_SOURCE, 7, cart, &found, &message, MPI_STATUS_IGNORE));
    DO(MPI_Wait(&r, MPI_STATUS_IGNORE));
    DO(MPI_Imrecv(got, 1, MPI_INT, &message, &r));
    DO(MPI_Request_get_status(r, &found, MPI_STATUS_IGNORE));
    DO(MPI_Wait(&r, MPI_STATUS_IGNORE));
    DO(MPI_Neighbor_allgather(&word, 1, MPI_INT, got, 1, MPI_INT, cart));
    DO(MPI_Ineighbor_alltoall(got, 1, MPI_INT, got + 2, 1, MPI_INT, cart, &r));
    DO(MPI_Wait(&r, MPI_STATUS_IGNORE));
    DO(MPI_Igather(&word, 1, MPI_INT, got, 1, MPI_INT, 0, all, &r));
    DO(MPI_Wait(&r, MPI_STATUS_IGNORE));
    DO(MPI_Iscan(&word, got, 1, MPI_INT, MPI_SUM, c, &r));
    DO(MPI_Wait(&r, MPI_STATUS_IGNORE));

    /* Memory of others. */
    DO(MPI_Win_allocate(sizeof *shared, sizeof *shared, MPI_INFO_NULL, c, &shared, &w));
    *shared = 0;
    DO(MPI_Barrier(c));
    DO(MPI_Win_lock_all(0, w));
    DO(MPI_Fetch_and_op(&word, got, MPI_INT, 0, 0, MPI_SUM, w));
    DO(MPI_Win_flush_local(0, w));
    DO(MPI_Win_flush_local_all(w));
    DO(MPI_Win_unlock_all(w));
    DO(MPI_Barrier(c));
    if (rank == 0 && *shared != size)
        MPI_Abort(c, 3);
    DO(MPI_Win_free(&w));

    /* A file, written in the order of ranks. */
    DO(MPI_File_open(c, argv[1], MPI_MODE_CREATE | MPI_MODE_RDWR, MPI_INFO_NULL, &f));
    DO(MPI_File_set_view(f, 0, MPI_INT, MPI_INT, "native", MPI_INFO_NULL));
    DO(MPI_File_write_ordered(f, &rank, 1, MPI_INT, MPI_STATUS_IGNORE));
    DO(MPI_File_sync(f));
    DO(MPI_Barrier(c));
    DO(MPI_File_iread_at(f, rank, got, 1, MPI_INT, &r));
    DO(MPI_Wait(&r, MPI_STATUS_IGNORE));
    if (got[0] != rank)
        MPI_Abort(c, 4);
    DO(MPI_File_close(&f));

#if MPI_VERSION >= 4
    /* Counts of more than an int. */
    DO(MPI_Isend_c(&word, (MPI_Count)1, MPI_INT, (rank + 1) % size, 8, c, &r));
    DO(MPI_Recv_c(got, (MPI_Count)1, MPI_INT, (rank + size - 1) % size, 8, c, MPI_STATUS_IGNORE));
    DO(MPI_Wait(&r, MPI_STATUS_IGNORE));
    DO(MPI_Allreduce_c(&word, got, (MPI_Count)1, MPI_INT, MPI_SUM, c));
    if (got[0] != size)
        MPI_Abort(c, 5);
#endif
    DO(MPI_Comm_free(&all));
    DO(MPI_Comm_free(&half));
    DO(MPI_Comm_free(&cart));
    MPI_Finalize();
    printf("%d %d\n", rank, count);
    return 0;
}
