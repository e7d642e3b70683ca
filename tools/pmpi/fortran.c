/* SPDX-License-Identifier: Apache-2.0 */
/* MPI's functions in Fortran, where they go straight to PMPI: all of Open MPI's, and "use mpi_f08" of MPICH and its kin,
 * whose mpif.h and "use mpi" call the functions in C, where wrappers.c waits.
 *
 * Forms of a name: mpi_send_ (mpif.h and "use mpi"), mpi_send_f08_ and, with descriptors of arrays, mpi_send_f08ts_
 * and mpi_send_f08ts_large_ ("use mpi_f08"). All arguments are addresses, or lengths of their size, so they are passed on unread. */
#define _GNU_SOURCE
#include "pmpi.h"

#include <dlfcn.h>

#define P1 void *a
#define P2 P1, void *b
#define P3 P2, void *c
#define P4 P3, void *d
#define P5 P4, void *e
#define P6 P5, void *f
#define P7 P6, void *g
#define P8 P7, void *h
#define P9 P8, void *i
#define P10 P9, void *j
#define P11 P10, void *k
#define P12 P11, void *l
#define P13 P12, void *m
#define P14 P13, void *n
#define A1 a
#define A2 A1, b
#define A3 A2, c
#define A4 A3, d
#define A5 A4, e
#define A6 A5, f
#define A7 A6, g
#define A8 A7, h
#define A9 A8, i
#define A10 A9, j
#define A11 A10, k
#define A12 A11, l
#define A13 A12, m
#define A14 A13, n

/* Programs in C have no Fortran library, hence weak; and where there is no PMPI name (MPICH's mpi_f08) the next library
 * with the plain one serves. */
#define FORTRAN(symbol, count, before, after)                                                                          \
    void p##symbol(P##count) __attribute__((weak));                                                                    \
    PROFILE_EXPORT void symbol(P##count);                                                                              \
    PROFILE_EXPORT void symbol(P##count)                                                                               \
    {                                                                                                                  \
        void (*next)(P##count) = p##symbol;                                                                            \
        if (next == NULL)                                                                                              \
            *(void **)&next = dlsym(RTLD_NEXT, #symbol);                                                               \
        before;                                                                                                        \
        next(A##count);                                                                                                \
        after;                                                                                                         \
    }

static void started(void)
{
    int initialized = 0;
    if (PMPI_Initialized(&initialized) == MPI_SUCCESS && initialized)
        profile_start();
}

#ifdef OPEN_MPI
#define BOTH(name, count, before, after)                                                                               \
    FORTRAN(mpi_##name##_, count, before, after)                                                                       \
    FORTRAN(mpi_##name##_f08_, count, before, after)
#else
#define BOTH(name, count, before, after)                                                                               \
    FORTRAN(mpi_##name##_f08_, count, before, after)                                                                   \
    FORTRAN(mpi_##name##_f08ts_, count, before, after)
#endif

BOTH(init, 1, (void)0, started())
BOTH(init_thread, 3, (void)0, started())
BOTH(finalize, 1, profile_finish(), (void)0)
BOTH(session_init, 4, profile_session(), (void)0)
BOTH(pcontrol, 1, profile_pcontrol(*(const int *)a), (void)0)

#define CALL(Name, name, count, parameters, arguments) BOTH(name, count, regions_often_enter(), regions_often_leave())
#ifdef OPEN_MPI
#define LARGE CALL
/* Of "use mpi", where the address comes as a type(c_ptr). */
FORTRAN(mpi_win_allocate_cptr_, 7, regions_often_enter(), regions_often_leave())
FORTRAN(mpi_win_allocate_shared_cptr_, 7, regions_often_enter(), regions_often_leave())
#else
#define LARGE(Name, name, count, parameters, arguments)                                                                \
    BOTH(name, count, regions_often_enter(), regions_often_leave())                                                                \
    FORTRAN(mpi_##name##_f08ts_large_, count, regions_often_enter(), regions_often_leave())
#endif
#include "calls.def"
