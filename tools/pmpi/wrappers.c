/* SPDX-License-Identifier: Apache-2.0 */
/* MPI's functions in C, each as calls.def has it. */
#include "pmpi.h"

PROFILE_EXPORT int MPI_Init(int *argc, char ***argv)
{
    int code = PMPI_Init(argc, argv);
    if (code == MPI_SUCCESS)
        profile_start();
    return code;
}

PROFILE_EXPORT int MPI_Init_thread(int *argc, char ***argv, int required, int *provided)
{
    int code = PMPI_Init_thread(argc, argv, required, provided);
    if (code == MPI_SUCCESS)
        profile_start();
    return code;
}

PROFILE_EXPORT int MPI_Finalize(void)
{
    profile_finish();
    return PMPI_Finalize();
}

/* Open MPI 5 has sessions, and says that it is MPI 3. */
#if MPI_VERSION >= 4 || (defined(OMPI_MAJOR_VERSION) && OMPI_MAJOR_VERSION >= 5)
PROFILE_EXPORT int MPI_Session_init(MPI_Info info, MPI_Errhandler handler, MPI_Session *session)
{
    profile_session();
    return PMPI_Session_init(info, handler, session);
}
#endif

/* What else is handed over cannot be known, so it is not read. */
PROFILE_EXPORT int MPI_Pcontrol(const int level, ...)
{
    profile_pcontrol(level);
    return MPI_SUCCESS;
}

#define WRAPPER(Name, parameters, arguments)                                                                            \
    PROFILE_EXPORT int MPI_##Name parameters                                                                           \
    {                                                                                                                  \
        int code;                                                                                                      \
        regions_often_enter();                                                                                         \
        code = PMPI_##Name arguments;                                                                                  \
        regions_often_leave();                                                                                         \
        return code;                                                                                                   \
    }
#define CALL(Name, name, count, parameters, arguments) WRAPPER(Name, parameters, arguments)
#define LARGE CALL
#define COUNT int
#define AT int
#include "calls.def"

#if MPI_VERSION >= 4
#undef CALL
#undef LARGE
#undef COUNT
#undef AT
#define CALL(Name, name, count, parameters, arguments)
#define LARGE(Name, name, count, parameters, arguments) WRAPPER(Name##_c, parameters, arguments)
#define COUNT MPI_Count
#define AT MPI_Aint
#include "calls.def"
#endif
