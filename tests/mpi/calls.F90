! Calls of MPI from Fortran, by the module that MODULE names: 18 of them count for the profiler, two of them in region 3.
program calls
    use MODULE
    use, intrinsic :: iso_c_binding, only : c_ptr
    implicit none
    integer :: ierr, rank, n, i
    double precision :: x(3), y(3), begin
#ifdef OLD
    integer :: request, status(MPI_STATUS_SIZE), ring, file, window
#else
    type(MPI_Request) :: request
    type(MPI_Status) :: status
    type(MPI_Comm) :: ring
    type(MPI_File) :: file
    type(MPI_Win) :: window
#endif
    type(c_ptr) :: memory
    call MPI_Init(ierr)
    call MPI_Comm_rank(MPI_COMM_WORLD, rank, ierr)
    call MPI_Comm_size(MPI_COMM_WORLD, n, ierr)
    x = rank + 1
    begin = MPI_Wtime()
    do while (MPI_Wtime() < begin + 0.1)
    end do
    call MPI_Pcontrol(3)
    call MPI_Allreduce(x, y, 3, MPI_DOUBLE_PRECISION, MPI_SUM, MPI_COMM_WORLD, ierr)
    call MPI_Allreduce(MPI_IN_PLACE, x, 3, MPI_DOUBLE_PRECISION, MPI_SUM, MPI_COMM_WORLD, ierr)
    call MPI_Pcontrol(-3)
    if (any(x /= y)) stop 11
    do i = 1, 4
        call MPI_Barrier(MPI_COMM_WORLD, ierr)
    end do
    call MPI_Isend(y, 3, MPI_DOUBLE_PRECISION, mod(rank + 1, n), 7, MPI_COMM_WORLD, request, ierr)
    call MPI_Recv(x, 3, MPI_DOUBLE_PRECISION, mod(rank + n - 1, n), 7, MPI_COMM_WORLD, status, ierr)
    call MPI_Wait(request, MPI_STATUS_IGNORE, ierr)
    call MPI_Sendrecv(y, 3, MPI_DOUBLE_PRECISION, mod(rank + 1, n), 8, x, 3, MPI_DOUBLE_PRECISION, &
                      mod(rank + n - 1, n), 8, MPI_COMM_WORLD, MPI_STATUS_IGNORE, ierr)
    call MPI_Bcast(x, 3, MPI_DOUBLE_PRECISION, 0, MPI_COMM_WORLD, ierr)
    call MPI_Scan(rank, i, 1, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, ierr)
    call MPI_Cart_create(MPI_COMM_WORLD, 1, [n], [.true.], .false., ring, ierr)
    call MPI_Comm_free(ring, ierr)
    call MPI_Win_allocate(8_MPI_ADDRESS_KIND, 8, MPI_INFO_NULL, MPI_COMM_WORLD, memory, window, ierr)
    call MPI_Win_free(window, ierr)
    call MPI_File_open(MPI_COMM_SELF, '/dev/null', MPI_MODE_RDONLY, MPI_INFO_NULL, file, ierr)
    call MPI_File_close(file, ierr)
    if (rank == 0) print '(3f6.1)', x
    call MPI_Finalize(ierr)
end program
