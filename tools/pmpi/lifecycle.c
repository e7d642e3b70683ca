/* SPDX-License-Identifier: Apache-2.0 */
/* From MPI_Init to MPI_Finalize: opens the session, and at the end brings the ranks together. */
#define _GNU_SOURCE
#include "pmpi.h"

#include "../files.h"

#include <dlfcn.h>
#include <unistd.h>

/* The working directory at MPI_Init, which only the rank that writes needs; NULL: there was none. */
static char *directory;
static int started, profiling;

/* Room for any MPI's: at start it may be another one than this is built for. */
static char version[16384];

/* Kinds of MPI, by what a program hands over: Open MPI's handles are addresses, those of MPICH and its kin are numbers, and
 * those of the MPI standard's ABI are addresses again. MPICH has both of these, and its version string says MPICH of both. */
enum { OPEN_MPI_HANDLES, MPICH_HANDLES, STANDARD_HANDLES };

static int built_for(void)
{
#ifdef OPEN_MPI
    return OPEN_MPI_HANDLES;
#else
    /* The standard fixes the value. */
    return (uintptr_t)MPI_COMM_WORLD == 0x101 ? STANDARD_HANDLES : MPICH_HANDLES;
#endif
}

static const char *mpi_library(void)
{
    Dl_info info = {0};
    return dladdr(dlsym(RTLD_DEFAULT, "PMPI_Init"), &info) != 0 && info.dli_fname != NULL ? info.dli_fname : "unknown";
}

static int program_has(void)
{
    const char *path = mpi_library(), *slash = strrchr(path, '/');
    int length = 0;
    if (PMPI_Get_library_version(version, &length) != MPI_SUCCESS)
        return -1;
    if (strncmp(slash != NULL ? slash + 1 : path, "libmpi_abi.", 11) == 0)
        return STANDARD_HANDLES;
    return strstr(version, "Open MPI") != NULL ? OPEN_MPI_HANDLES : MPICH_HANDLES;
}

/* With another kind of MPI this library only hands calls on. */
static int same_mpi(void)
{
    const int same = program_has() == built_for();
    /* MPICH prints how it was configured; its first line is enough. */
    version[strcspn(version, "\n")] = '\0';
    for (char *c = version; *c != '\0'; c++)
        *c = *c == '\t' ? ' ' : *c;
    return same;
}

void profile_start(void)
{
    int threads = MPI_THREAD_MULTIPLE;
    if (started)
        return;
    started = 1;
    if (!same_mpi()) {
        fprintf(stderr, "libzeus_amd_pmpi.so: built for another MPI than the program's (%s), so there is no energy report\n",
                mpi_library());
        if (built_for() == MPICH_HANDLES) {
            /* Its handles are larger than those that the wrappers would hand on. */
            fputs("libzeus_amd_pmpi.so: nor can the program go on with it; take it out of LD_PRELOAD\n", stderr);
            exit(1);
        }
        return;
    }
    profiling = 1;
    directory = getcwd(NULL, 0);
    (void)PMPI_Query_thread(&threads);
    profile_meter_begin(threads == MPI_THREAD_MULTIPLE);
}

static void sessions_only(void)
{
    if (!started && report_is_first())
        fputs("libzeus_amd_pmpi.so: no energy report: the program uses sessions of MPI only; the report is made between MPI_Init "
              "and MPI_Finalize\n",
              stderr);
}

void profile_session(void)
{
    static int said;
    if (!said)
        atexit(sessions_only);
    said = 1;
}

int32_t profile_agree(MPI_Comm comm, int32_t status)
{
    int32_t worst = ZEUS_AMD_STATUS_IO;
    return PMPI_Allreduce(&status, &worst, 1, MPI_INT32_T, MPI_MIN, comm) == MPI_SUCCESS ? worst : ZEUS_AMD_STATUS_IO;
}

/* Rows of all ranks on rank 0, first on each node, then over the nodes; collective. */
static int32_t gather(const zeus_amd_mpi_i_tree_t *tree, const void *own, size_t row, size_t count, void **all, size_t *all_count)
{
    zeus_amd_mpi_i_table_t of_node, of_job = {0};
    zeus_amd_status_t status = ZEUS_AMD_STATUS_OK;
    zeus_amd_mpi_i_table(&of_node, own, row, count);
    if (zeus_amd_mpi_i_gather(&tree->node, &of_node, 1, &status) != MPI_SUCCESS)
        status = ZEUS_AMD_STATUS_IO;
    if (tree->leaders.comm != MPI_COMM_NULL) {
        zeus_amd_mpi_i_table(&of_job, of_node.all, row, of_node.all_count);
        if (zeus_amd_mpi_i_gather(&tree->leaders, &of_job, 1, &status) != MPI_SUCCESS)
            status = ZEUS_AMD_STATUS_IO;
    }
    free(of_node.all);
    *all = of_job.all;
    *all_count = of_job.all_count;
    return status;
}

static int by_rank(const void *a, const void *b)
{
    const int32_t x = ((const profile_rank *)a)->rank, y = ((const profile_rank *)b)->rank;
    return (x > y) - (x < y);
}

/* What the ranks have of themselves; collective. */
static int32_t gather_ranks(const zeus_amd_mpi_i_tree_t *tree, int32_t rank, profile_report *report)
{
    void *ranks, *whys;
    size_t count;
    int32_t status, of_whys;
    profile.sums.rank = profile.why.rank = rank;
    status = gather(tree, &profile.sums, sizeof profile.sums, 1, &ranks, &count);
    of_whys = gather(tree, &profile.why, sizeof profile.why, profile.why.text[0] != '\0', &whys, &report->why_count);
    report->ranks = ranks;
    report->whys = whys;
    if (ranks != NULL)
        qsort(ranks, count, sizeof *report->ranks, by_rank);
    return of_whys < status ? of_whys : status;
}

/* Energy in MPI of each package: on its node the mean of what its ranks have; collective. The readings become those. */
static int32_t gather_in_mpi(const zeus_amd_mpi_i_tree_t *tree, const zeus_amd_mpi_part_t *mine, zeus_amd_mpi_reading_t *readings,
                             profile_report *report)
{
    zeus_amd_mpi_i_table_t of_job = {0};
    zeus_amd_mpi_energy_t node;
    zeus_amd_status_t status;
    uint64_t *own;
    for (uint32_t i = 0; i < mine->rank.gpus; i++) {
        const double used = (double)readings[i].energy_mj, in = profile.in_mpi_mj[i];
        readings[i].energy_mj = (uint64_t)(in < 0 ? 0 : in < used ? in : used);
    }
    status = zeus_amd_mpi_i_reduce_node(&tree->node, mine, readings, &node) == MPI_SUCCESS ? node.total.status : ZEUS_AMD_STATUS_IO;
    if (tree->leaders.comm != MPI_COMM_NULL) {
        const uint32_t count = node.total.packages + node.total.missing;
        own = calloc((size_t)count + 1, sizeof *own);
        if (own == NULL)
            status = ZEUS_AMD_STATUS_NO_MEMORY;
        for (uint32_t i = 0; status == ZEUS_AMD_STATUS_OK && i < count; i++)
            own[i] = node.packages[i].mean_mj;
        zeus_amd_mpi_i_table(&of_job, own, sizeof *own, count);
        if (zeus_amd_mpi_i_gather(&tree->leaders, &of_job, 1, &status) != MPI_SUCCESS)
            status = ZEUS_AMD_STATUS_IO;
        free(own);
    }
    report->in_mpi_mj = of_job.all;
    zeus_amd_mpi_free(&node);
    return status;
}

/* The sums of all nodes on rank 0, each from its first rank; collective. */
static int32_t add_nodes(MPI_Comm comm, const zeus_amd_mpi_total_t *of_node, int first, int32_t status, profile_region_sums *sums)
{
    enum { PACKAGES, MISSING, ENERGY, UNCERTAINTY, SUMS };
    uint64_t own[SUMS] = {0}, all[SUMS] = {0};
    uint32_t flags = first ? of_node->flags : 0;
    if (first) {
        own[PACKAGES] = of_node->packages;
        own[MISSING] = of_node->missing;
        own[ENERGY] = of_node->energy_mj;
        own[UNCERTAINTY] = of_node->uncertainty_mj;
    }
    if (PMPI_Reduce(own, all, SUMS, MPI_UINT64_T, MPI_SUM, 0, comm) != MPI_SUCCESS ||
        PMPI_Reduce(&flags, &sums->flags, 1, MPI_UINT32_T, MPI_BOR, 0, comm) != MPI_SUCCESS)
        status = ZEUS_AMD_STATUS_IO;
    sums->packages = (uint32_t)all[PACKAGES];
    sums->missing = (uint32_t)all[MISSING];
    sums->energy_mj = all[ENERGY];
    sums->uncertainty_mj = all[UNCERTAINTY];
    return profile_agree(comm, status);
}

/* One region over all ranks; those that were never there see no GPU of it. Packages are brought together on their node, of
 * which rank 0 gets the sums: it may have many regions of many ranks. */
static int32_t reduce_region(MPI_Comm comm, const zeus_amd_mpi_i_tree_t *tree, const zeus_amd_mpi_part_t *whole, const char *path,
                             profile_region_sums *sums)
{
    const regions_region *region = profile_find(path);
    uint64_t most[2], own[2] = {region != NULL ? region->count : 0, region != NULL ? (uint64_t)region->wall_ns : 0};
    uint64_t mpi_ns = region != NULL ? profile_mpi_ns(region) : 0;
    zeus_amd_gpu_energy_t *gpus = region != NULL ? profile_energies(region->inclusive, own[1]) : NULL;
    zeus_amd_mpi_reading_t *readings = calloc((size_t)profile.count + 1, sizeof *readings);
    zeus_amd_mpi_part_t mine = *whole;
    zeus_amd_mpi_energy_t of_node;
    int32_t status = ZEUS_AMD_STATUS_IO;
    mine.rank.gpus = gpus != NULL && readings != NULL ? whole->rank.gpus : 0;
    mine.rank.begin_ns = 0;
    mine.rank.end_ns = own[1];
    zeus_amd_mpi_i_readings(profile.session, gpus, &mine, readings);
    memset(sums, 0, sizeof *sums);
    sums->path = path;
    sums->number = profile_kind(path) == REGIONS_PCONTROL ? strtoull(path + 1, NULL, 10) : 0;
    if (zeus_amd_mpi_i_reduce_node(&tree->node, &mine, readings, &of_node) == MPI_SUCCESS)
        status = of_node.total.status;
    status = add_nodes(comm, &of_node.total, tree->leaders.comm != MPI_COMM_NULL, status, sums);
    zeus_amd_mpi_free(&of_node);
    if (status == ZEUS_AMD_STATUS_OK && (PMPI_Reduce(own, most, 2, MPI_UINT64_T, MPI_MAX, 0, comm) != MPI_SUCCESS ||
                                         PMPI_Reduce(&mpi_ns, &sums->mpi_ns, 1, MPI_UINT64_T, MPI_SUM, 0, comm) != MPI_SUCCESS))
        status = ZEUS_AMD_STATUS_IO;
    if (whole->rank.rank == 0 && status == ZEUS_AMD_STATUS_OK) {
        sums->times = most[0];
        sums->ns = most[1];
    }
    free(readings);
    free(gpus);
    return status;
}

/* All regions of all ranks; collective. */
static int32_t reduce_regions(MPI_Comm comm, const zeus_amd_mpi_i_tree_t *tree, const zeus_amd_mpi_part_t *mine, profile_report *report,
                              char **text)
{
    int size = 0, count = 0;
    int32_t status = profile_all_paths(comm, tree, text, &size);
    for (int at = 0; status == ZEUS_AMD_STATUS_OK && at < size; at += (int)strlen(*text + at) + 1)
        count++;
    report->region_sums = calloc((size_t)count + 1, sizeof *report->region_sums);
    status = profile_agree(comm, report->region_sums != NULL ? status : ZEUS_AMD_STATUS_NO_MEMORY);
    for (int at = 0; at < size && status == ZEUS_AMD_STATUS_OK; at += (int)strlen(*text + at) + 1) {
        profile_region_sums *sums = &report->region_sums[report->region_count++];
        status = reduce_region(comm, tree, mine, *text + at, sums);
    }
    return status;
}

/* This rank, as the header has it. */
static void describe(MPI_Comm comm, zeus_amd_mpi_part_t *mine, zeus_amd_mpi_reading_t *readings)
{
    (void)zeus_amd_mpi_describe(comm, profile.session, profile.status, profile.gpus, profile.count, mine, readings);
    mine->rank.begin_ns = profile.begin_ns;
    mine->rank.end_ns = profile.end_ns;
    if (profile.result != NULL)
        mine->node = profile.result->node;
    for (uint32_t i = 0; i < mine->rank.gpus; i++) {
        readings[i].limited = profile.result->gpus[i].limited;
        readings[i].limited_status = profile.result->gpus[i].limited_status;
    }
}

/* All the rest; collective. Rank 0 writes. Returns a status that is the same everywhere. */
static int32_t bring_together(MPI_Comm comm, uint64_t began_ns)
{
    zeus_amd_mpi_reading_t *readings = calloc((size_t)profile.count + 1, sizeof *readings);
    zeus_amd_mpi_i_tree_t tree;
    zeus_amd_mpi_part_t mine;
    zeus_amd_mpi_energy_t energy = {0};
    profile_report report = {.energy = &energy, .directory = directory, .mpi_version = version};
    char *paths = NULL;
    int32_t status = ZEUS_AMD_STATUS_IO;

    if (readings == NULL) {
        profile.session = NULL;
        profile.status = ZEUS_AMD_STATUS_NO_MEMORY;
    }
    describe(comm, &mine, readings);
    if (zeus_amd_mpi_i_tree_make(comm, &mine, &tree) == MPI_SUCCESS)
        status = zeus_amd_mpi_i_reduce(&tree, &mine, readings, &energy);
    if (status == ZEUS_AMD_STATUS_OK)
        status = profile_agree(comm, gather_in_mpi(&tree, &mine, readings, &report));
    if (status == ZEUS_AMD_STATUS_OK)
        status = reduce_regions(comm, &tree, &mine, &report, &paths);
    profile.sums.gather_ns = profile_now_ns() - began_ns;
    if (status == ZEUS_AMD_STATUS_OK)
        status = profile_agree(comm, gather_ranks(&tree, mine.rank.rank, &report));
    if (status == ZEUS_AMD_STATUS_OK && mine.rank.rank == 0)
        profile_write(&report);
    zeus_amd_mpi_i_tree_free(&tree);
    zeus_amd_mpi_free(&energy);
    free(readings);
    free(report.region_sums);
    free(report.ranks);
    free(report.whys);
    free(report.in_mpi_mj);
    free(paths);
    return status;
}

/* Each process that the launcher has started is a job of its own: its MPI is another one than the launcher's. Then each
 * would count the whole node. */
static int is_split(MPI_Comm comm)
{
    const char *ranks = report_ranks();
    int size = 0;
    if (PMPI_Comm_size(comm, &size) != MPI_SUCCESS || size != 1 || ranks == NULL || atoi(ranks) < 2)
        return 0;
    if (!report_is_first())
        return 1;
    fprintf(stderr,
            "libzeus_amd_pmpi.so: no energy report: the launcher has started %s ranks, but for MPI each is alone. This MPI is "
            "%s (%s), and not the launcher's: preload a profiler that is built for the program's MPI\n",
            ranks, version, mpi_library());
    return 1;
}

void profile_finish(void)
{
    MPI_Comm comm = MPI_COMM_NULL;
    uint64_t began_ns;
    int rank = 0, alone = 1;
    int32_t status = ZEUS_AMD_STATUS_IO;
    if (!profiling)
        return;
    profiling = 0;
    /* Waiting for the others is time in MPI: MPI_Finalize would wait as well. */
    profile_pcontrol(0);
    regions_often_enter();
    if (PMPI_Comm_split(MPI_COMM_WORLD, 0, 0, &comm) == MPI_SUCCESS &&
        PMPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN) == MPI_SUCCESS)
        PMPI_Barrier(comm);
    regions_often_leave();
    profile.sums.calls--; /* That was not the program's. */
    began_ns = profile_now_ns();
    profile_meter_end();
    if (comm != MPI_COMM_NULL) {
        PMPI_Comm_rank(comm, &rank);
        alone = is_split(comm);
        status = alone ? ZEUS_AMD_STATUS_OK : bring_together(comm, began_ns);
        PMPI_Comm_free(&comm);
    }
    if (status != ZEUS_AMD_STATUS_OK && rank == 0)
        fprintf(stderr, "libzeus_amd_pmpi.so: no energy report: %s\n", zeus_amd_status_string(status));
    profile_free_paths();
    if (!alone && profile_by_rank())
        profile_write_rank(rank, directory);
    free(profile.gpus);
    free(profile.in_mpi_mj);
    free(directory);
    regions_close();
    memset(&profile, 0, sizeof profile);
    directory = NULL;
}
