/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file zeus_amd_mpi.h
 *
 * The energy of an MPI job: the GPUs of all ranks of a communicator, each
 * package counted once, however many ranks see it. Header only; libzeus_amd
 * itself does not use MPI.
 *
 *     zeus_amd_session_t *z;
 *     zeus_amd_mpi_job_t job;
 *     zeus_amd_mpi_energy_t used;
 *     zeus_amd_status_t opened = zeus_amd_open(NULL, &z);
 *     if (zeus_amd_mpi_begin(MPI_COMM_WORLD, z, opened, 0, &job) == 0) {
 *         work();
 *         if (zeus_amd_mpi_end(&job, &used) == 0 && rank == 0)
 *             printf("%.3f J\n", (double)used.total.energy_mj / 1e3);
 *         zeus_amd_mpi_free(&used);
 *     }
 *     zeus_amd_close(z);
 *
 * Packages: two readings are of one package if host and package name
 * (zeus_amd_gpu_info()) are equal. A host is one running kernel
 * (/proc/sys/kernel/random/boot_id), so the containers of one machine are one
 * host, and two machines of equal names are two. If that file cannot be read,
 * the host is MPI_Get_processor_name(). The variable ZEUS_AMD_MPI_HOST replaces
 * both, for tests and for clusters where neither identifies a machine.
 *
 * Duplicates: every rank measures all GPUs that it sees. If several ranks see a
 * package, one reading counts: that of the best method (counter, integrated,
 * estimated), then the longest, then that of the lowest rank. Of the others the
 * result has the number, and the least, the most and the mean of all. A barrier
 * after the last begin and one before the first end make every reading include
 * all of the work in between. Without them (ZEUS_AMD_MPI_NO_BARRIER_BIT) a
 * package is measured for the time of the rank whose reading counts.
 *
 * The whole node: where a rank can read what the node measures beside its GPUs
 * (zeus_amd_node_window_begin()), the result has for each node the energy of the
 * widest scope, by the lowest rank that has it, and the sum over the nodes.
 *
 * Shares: the energy of a package is divided equally among the ranks that see it;
 * what each of them ran there is not known. The shares add up to the total
 * exactly.
 *
 * Cost: the ranks of a host bring their readings together there, each package
 * once; rank 0 receives and keeps a row for each package, node and rank, however
 * many GPUs each rank sees.
 *
 * All ranks call each function of a job in the same order, also those without a
 * GPU or a session. A job uses its own communicators and basic collectives of
 * MPI-3. All ranks must be of one architecture. C99 or later, C++11 or later.
 * Nothing is printed.
 *
 * The communicator may belong to an MPI session. The profiler
 * (libzeus_amd_pmpi.so) measures from MPI_Init to MPI_Finalize; it writes no
 * report for a program that only opens MPI sessions.
 */

#ifndef ZEUS_AMD_MPI_H
#define ZEUS_AMD_MPI_H

#include <mpi.h>
#include <zeus_amd.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** How MPI is called. The profiler, which intercepts MPI, uses PMPI. */
#ifndef ZEUS_AMD_MPI_CALL
#define ZEUS_AMD_MPI_CALL(name) MPI_##name
#endif

/* Internal: casts of both languages. */
#ifdef __cplusplus
#define ZEUS_AMD_MPI_I_CAST(type, value) static_cast<type>(value)
#else
#define ZEUS_AMD_MPI_I_CAST(type, value) ((type)(value))
#endif
#define ZEUS_AMD_MPI_I_NEW(type, count) ZEUS_AMD_MPI_I_CAST(type *, calloc(count, sizeof(type)))

/** No barriers at begin and end: ranks measure different times. */
#define ZEUS_AMD_MPI_NO_BARRIER_BIT 1u

/** The reading of one GPU by one rank. */
typedef struct zeus_amd_mpi_reading_t {
    /** Rank in the communicator. */
    int32_t rank;
    /** The GPU's index on that rank. */
    uint32_t gpu;
    /** As in zeus_amd_gpu_energy_t. */
    zeus_amd_method_t method;
    /** As in zeus_amd_gpu_energy_t. */
    zeus_amd_counter_state_t counter_state;
    /** ZEUS_AMD_GPU_ENERGY_FLAG_..._BIT. */
    uint32_t flags;
    /** ZEUS_AMD_STATUS_OK, or with ZEUS_AMD_METHOD_NONE why there is no energy. */
    zeus_amd_status_t status;
    /** ZEUS_AMD_STATUS_OK, or why limited is not set. */
    zeus_amd_status_t limited_status;
    /** Zero. */
    uint32_t reserved;
    /** As in zeus_amd_gpu_energy_t. */
    uint64_t energy_mj;
    /** The uncertainty of energy_mj. */
    uint64_t uncertainty_mj;
    /** See energy_mj. */
    uint64_t duration_ns;
    /** See energy_mj. */
    uint64_t begin_ns;
    /** See energy_mj. */
    uint64_t end_ns;
    /** For how long a limit held the package's clocks down. */
    zeus_amd_limited_time_t limited;
    /** As in zeus_amd_gpu_info_t. */
    char key[64];
    /** See key. */
    char pci_address[32];
    /** See key. */
    char name[64];
} zeus_amd_mpi_reading_t;

/** One rank, and its share. */
typedef struct zeus_amd_mpi_rank_t {
    /** Rank in the communicator. */
    int32_t rank;
    /** Index in the table of nodes. */
    int32_t node;
    /** ZEUS_AMD_STATUS_OK, or why this rank measured nothing. */
    zeus_amd_status_t status;
    /** The number of GPUs that it sees. */
    uint32_t gpus;
    /** The number of packages of these GPUs. */
    uint32_t packages;
    /** Zero. */
    uint32_t reserved;
    /** Its share of the energies of these packages. */
    uint64_t share_mj;
    /** The uncertainty of share_mj. */
    uint64_t share_uncertainty_mj;
    /** CLOCK_BOOTTIME of its node at its begin. */
    uint64_t begin_ns;
    /** CLOCK_BOOTTIME of its node at its end. */
    uint64_t end_ns;
} zeus_amd_mpi_rank_t;

/** What a rank brings to zeus_amd_mpi_reduce() beside its readings. */
typedef struct zeus_amd_mpi_part_t {
    /** Its rank, status, gpus, begin_ns and end_ns; the rest is zero. */
    zeus_amd_mpi_rank_t rank;
    /** What it measured of its node; ZEUS_AMD_NODE_TOTAL_INIT: nothing. */
    zeus_amd_node_total_t node;
    /** MPI_Get_processor_name(), or ZEUS_AMD_MPI_HOST. */
    char host[256];
    /** Identifies its host. */
    char host_id[256];
} zeus_amd_mpi_part_t;

/* Not for callers: the ranks of a host, or the lowest ranks of the hosts; on their rank 0 room for counts. The status is the same
 * on all: whether there is that room. */
typedef struct zeus_amd_mpi_i_level_t {
    MPI_Comm comm;
    int rank, ranks;
    int *counts;
    zeus_amd_status_t status;
} zeus_amd_mpi_i_level_t;

/* Not for callers: leaders.comm is MPI_COMM_NULL on the other ranks. */
typedef struct zeus_amd_mpi_i_tree_t {
    zeus_amd_mpi_i_level_t node, leaders;
} zeus_amd_mpi_i_tree_t;

/** A measurement that is under way. */
typedef struct zeus_amd_mpi_job_t {
    /** ZEUS_AMD_MPI_..._BIT flags. */
    uint32_t flags;
    /** ZEUS_AMD_STATUS_OK, or why this rank measures nothing. */
    zeus_amd_status_t status;
    /** The code of an MPI call that failed, or MPI_SUCCESS. */
    int mpi_error;
    /** NULL if this rank measures nothing. */
    const zeus_amd_session_t *session;
    /** NULL if this rank measures nothing. */
    zeus_amd_window_t *window;
    /** NULL if this rank measures nothing of its node beside the GPUs. */
    zeus_amd_node_window_t *node_window;
    /** The counts of limits at the begin, one of each GPU; NULL: no memory. */
    zeus_amd_limit_counts_t *limits;
    /** This rank and its host; part.rank.begin_ns is when its window had begun. */
    zeus_amd_mpi_part_t part;
    /** The job's own communicators: of each host, and of the lowest rank of each. */
    zeus_amd_mpi_i_tree_t tree;
} zeus_amd_mpi_job_t;

/** One package of one node. */
typedef struct zeus_amd_mpi_package_t {
    /** Index in the table of nodes. */
    int32_t node;
    /** The number of ranks that see it. */
    uint32_t ranks;
    /** The number of readings with an energy beside the one that counts. */
    uint32_t duplicates;
    /** Zero. */
    uint32_t reserved;
    /** The least of the energies that were read, in millijoules. */
    uint64_t least_mj;
    /** The most of them. */
    uint64_t most_mj;
    /** Their mean. */
    uint64_t mean_mj;
    /** The reading that counts. With ZEUS_AMD_METHOD_NONE the package has no
     *  energy: the status says why. */
    zeus_amd_mpi_reading_t reading;
} zeus_amd_mpi_package_t;

/** A node, or the job. */
typedef struct zeus_amd_mpi_total_t {
    /** ZEUS_AMD_TOTAL_ENERGY_FLAG_..._BIT: each flag that a counted reading has, and
     *  INCOMPLETE if a package has no energy or a rank failed. */
    uint32_t flags;
    /** The number of hosts. */
    uint32_t nodes;
    /** The number of ranks. */
    uint32_t ranks;
    /** The number of readings: GPUs of all ranks. */
    uint32_t gpus;
    /** The number of packages in the sum. */
    uint32_t packages;
    /** The number of packages without an energy, which are not in the sum. */
    uint32_t missing;
    /** The number of duplicate readings. */
    uint32_t duplicates;
    /** The number of ranks that see no GPU: their machine has none, or all are masked. */
    uint32_t ranks_without_gpu;
    /** The number of ranks that could not measure: they have another status. */
    uint32_t ranks_failed;
    /** ZEUS_AMD_STATUS_OK, or that a rank ran out of memory. */
    zeus_amd_status_t status;
    /** The sum of the energies, in millijoules. */
    uint64_t energy_mj;
    /** The uncertainty of energy_mj. */
    uint64_t uncertainty_mj;
    /** The longest time from begin to end of a rank. */
    uint64_t duration_ns;
    /** The widest scope that a rank of the node measured: the node, GPUs with
     *  processors and memory, or GPUs. Of the job the narrowest of its nodes. */
    zeus_amd_node_scope_t scope;
    /** Zero. */
    uint32_t reserved;
    /** The energy of this scope, in millijoules: of the node, or of the packages
     *  and what one rank has beside them. Of the job the sum over its nodes, each
     *  by its widest scope. */
    uint64_t widest_mj;
    /** The uncertainty of widest_mj. */
    uint64_t widest_uncertainty_mj;
} zeus_amd_mpi_total_t;

/** One host. */
typedef struct zeus_amd_mpi_node_t {
    /** The lowest of its ranks. */
    int32_t first_rank;
    /** Zero. */
    uint32_t reserved;
    /** Of this node; nodes is 1. */
    zeus_amd_mpi_total_t total;
    /** MPI_Get_processor_name() of its lowest rank, or ZEUS_AMD_MPI_HOST. */
    char host[256];
} zeus_amd_mpi_node_t;

/** The energy of a job. */
typedef struct zeus_amd_mpi_energy_t {
    /** On every rank, the same on all. */
    zeus_amd_mpi_total_t total;
    /** On every rank: its share, in millijoules. */
    uint64_t share_mj;
    /** The uncertainty of share_mj. */
    uint64_t share_uncertainty_mj;
    /** The code of an MPI call that failed, or MPI_SUCCESS. */
    int mpi_error;
    /** On rank 0 total.ranks rows, by rank; else NULL. */
    zeus_amd_mpi_rank_t *ranks;
    /** On rank 0 total.packages + total.missing rows, by node; else NULL. */
    zeus_amd_mpi_package_t *packages;
    /** On rank 0 total.nodes rows, by their lowest ranks; else NULL. */
    zeus_amd_mpi_node_t *nodes;
} zeus_amd_mpi_energy_t;

/**
 * Frees the tables of a result; a second time does nothing. Not collective.
 *
 * @param[in,out] energy A result.
 * @threadsafety Any thread, but not while the result is in use elsewhere.
 * @forksafety  Works in a child.
 * @since 0.1
 */
static inline void zeus_amd_mpi_free(zeus_amd_mpi_energy_t *energy)
{
    free(energy->ranks);
    free(energy->packages);
    free(energy->nodes);
    energy->ranks = NULL;
    energy->packages = NULL;
    energy->nodes = NULL;
}

/* From here to zeus_amd_mpi_reduce: not for callers. */

/* Is this why a rank has no GPU, and no failure? */
static inline int zeus_amd_mpi_i_no_gpu(zeus_amd_status_t status)
{
    return status == ZEUS_AMD_STATUS_DRIVER_NOT_LOADED || status == ZEUS_AMD_STATUS_NO_DEVICE;
}

/* Fails if the boot id cannot be read for lack of a descriptor: some ranks would then know the node by its name, and the
 * node would count as two. */
static inline zeus_amd_status_t zeus_amd_mpi_i_host(char *host, char *host_id, size_t size)
{
    const char *chosen = getenv("ZEUS_AMD_MPI_HOST");
    char name[MPI_MAX_PROCESSOR_NAME + 1];
    const int room = ZEUS_AMD_MPI_I_CAST(int, size) - 6;
    int length = 0;
    FILE *file;
    memset(name, 0, sizeof name);
    if (chosen != NULL && chosen[0] != '\0') {
        snprintf(host, size, "%.*s", room, chosen);
        snprintf(host_id, size, "name %.*s", room, chosen);
        return ZEUS_AMD_STATUS_OK;
    }
    if (ZEUS_AMD_MPI_CALL(Get_processor_name)(name, &length) != MPI_SUCCESS)
        name[0] = '\0';
    snprintf(host, size, "%.*s", room, name);
    snprintf(host_id, size, "name %.*s", room, name);
    errno = 0;
    file = fopen("/proc/sys/kernel/random/boot_id", "r");
    if (file == NULL && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
        return ZEUS_AMD_STATUS_NO_MEMORY;
    if (file != NULL) {
        char id[64];
        if (fgets(id, ZEUS_AMD_MPI_I_CAST(int, sizeof id), file) != NULL && strlen(id) >= 32)
            snprintf(host_id, size, "boot %s", id);
        fclose(file);
    }
    return ZEUS_AMD_STATUS_OK;
}

/* A rank is its place on the node here. */
static inline int zeus_amd_mpi_i_by_package(const void *a, const void *b)
{
    const zeus_amd_mpi_reading_t *x = *ZEUS_AMD_MPI_I_CAST(zeus_amd_mpi_reading_t *const *, a);
    const zeus_amd_mpi_reading_t *y = *ZEUS_AMD_MPI_I_CAST(zeus_amd_mpi_reading_t *const *, b);
    int order = strcmp(x->key, y->key);
    if (order == 0)
        order = (x->rank > y->rank) - (x->rank < y->rank);
    return order != 0 ? order : (x->gpu > y->gpu) - (x->gpu < y->gpu);
}

static inline int zeus_amd_mpi_i_by_rank(const void *a, const void *b)
{
    const zeus_amd_mpi_rank_t *x = ZEUS_AMD_MPI_I_CAST(const zeus_amd_mpi_rank_t *, a);
    const zeus_amd_mpi_rank_t *y = ZEUS_AMD_MPI_I_CAST(const zeus_amd_mpi_rank_t *, b);
    return (x->rank > y->rank) - (x->rank < y->rank);
}

/* Does x count rather than y, which comes before it? Without an energy a first die or partition says why; the others only
 * name it. */
static inline int zeus_amd_mpi_i_better(const zeus_amd_mpi_reading_t *x, const zeus_amd_mpi_reading_t *y)
{
    if (x->method == ZEUS_AMD_METHOD_NONE)
        return y->method == ZEUS_AMD_METHOD_NONE && x->counter_state != ZEUS_AMD_COUNTER_STATE_SECONDARY_DIE &&
               x->counter_state != ZEUS_AMD_COUNTER_STATE_SECONDARY_PARTITION;
    if (y->method == ZEUS_AMD_METHOD_NONE || x->method != y->method)
        return y->method == ZEUS_AMD_METHOD_NONE || x->method < y->method;
    return x->duration_ns > y->duration_ns;
}

/* Of a node, or of the job, to which a node is added. */
static inline void zeus_amd_mpi_i_add(zeus_amd_mpi_total_t *to, const zeus_amd_mpi_total_t *node)
{
    to->scope = to->nodes == 0 || node->scope < to->scope ? node->scope : to->scope;
    to->flags |= node->flags;
    to->nodes += node->nodes;
    to->ranks += node->ranks;
    to->gpus += node->gpus;
    to->packages += node->packages;
    to->missing += node->missing;
    to->duplicates += node->duplicates;
    to->ranks_without_gpu += node->ranks_without_gpu;
    to->ranks_failed += node->ranks_failed;
    to->energy_mj += node->energy_mj;
    to->uncertainty_mj += node->uncertainty_mj;
    to->duration_ns = node->duration_ns > to->duration_ns ? node->duration_ns : to->duration_ns;
    to->widest_mj += node->widest_mj;
    to->widest_uncertainty_mj += node->widest_uncertainty_mj;
}

/* The widest scope of a node, once its packages are in the sum. */
static inline void zeus_amd_mpi_i_widest(zeus_amd_mpi_total_t *t, const zeus_amd_mpi_rank_t *ranks,
                                         const zeus_amd_node_total_t *nodes)
{
    int has_cpu = 0;
    uint32_t i;
    t->scope = t->packages > 0 ? ZEUS_AMD_NODE_SCOPE_GPUS : ZEUS_AMD_NODE_SCOPE_NONE;
    t->widest_mj = t->energy_mj;
    t->widest_uncertainty_mj = t->uncertainty_mj;
    /* Where the packages of one rank are all that it counts, they may have the processor too, as those of an MI300A. A rank
       without GPUs, or with none that it could measure, cannot know that. */
    for (i = 0; i < t->ranks; i++)
        has_cpu = has_cpu || (nodes[i].scope == ZEUS_AMD_NODE_SCOPE_GPUS && nodes[i].missing == 0);
    for (i = 0; i < t->ranks; i++) {
        const int whole = nodes[i].scope == ZEUS_AMD_NODE_SCOPE_NODE;
        if (nodes[i].scope < ZEUS_AMD_NODE_SCOPE_PARTS || nodes[i].scope <= t->scope)
            continue;
        if (!whole && t->packages > 0 && (has_cpu || ranks[i].gpus == 0))
            continue;
        t->scope = nodes[i].scope;
        t->widest_mj = (whole ? 0 : t->energy_mj) + nodes[i].beside_uj / 1000;
        t->widest_uncertainty_mj = (whole ? 0 : t->uncertainty_mj) + nodes[i].beside_uncertainty_uj / 1000 + 1;
    }
}

/* One package: its readings are at[0] to at[count - 1], by rank. */
static inline void zeus_amd_mpi_i_package(zeus_amd_mpi_energy_t *e, zeus_amd_mpi_package_t *package, zeus_amd_mpi_reading_t **at,
                                          size_t count)
{
    zeus_amd_mpi_reading_t *best = at[0];
    uint64_t sum = 0, rest;
    uint32_t known = 0;
    size_t i;
    for (i = 0; i < count; i++) {
        package->ranks += i == 0 || at[i]->rank != at[i - 1]->rank;
        if (i > 0 && zeus_amd_mpi_i_better(at[i], best))
            best = at[i];
        if (at[i]->method == ZEUS_AMD_METHOD_NONE)
            continue;
        package->least_mj = known == 0 || at[i]->energy_mj < package->least_mj ? at[i]->energy_mj : package->least_mj;
        package->most_mj = at[i]->energy_mj > package->most_mj ? at[i]->energy_mj : package->most_mj;
        sum += at[i]->energy_mj;
        known++;
    }
    package->reading = *best;
    package->reading.rank = e->ranks[best->rank].rank;
    if (known == 0) {
        package->reading.energy_mj = package->reading.uncertainty_mj = 0;
        e->total.missing++;
    } else {
        package->duplicates = known - 1;
        package->mean_mj = sum / known;
        e->total.packages++;
        e->total.duplicates += known - 1;
        e->total.flags |= best->flags;
        e->total.energy_mj += best->energy_mj;
        e->total.uncertainty_mj += best->uncertainty_mj;
    }
    /* What does not divide goes to the first ranks, a millijoule each. */
    rest = package->reading.energy_mj % package->ranks;
    for (i = 0; i < count; i++) {
        zeus_amd_mpi_rank_t *rank = &e->ranks[at[i]->rank];
        if (i > 0 && at[i]->rank == at[i - 1]->rank)
            continue;
        rank->packages++;
        rank->share_mj += package->reading.energy_mj / package->ranks + (rest > 0);
        rank->share_uncertainty_mj += (package->reading.uncertainty_mj + package->ranks - 1) / package->ranks;
        rest -= rest > 0;
    }
}

/* All of a node, from its ranks and their readings, which are in the order of the ranks. */
static inline zeus_amd_status_t zeus_amd_mpi_i_merge(zeus_amd_mpi_energy_t *e, zeus_amd_mpi_reading_t *readings, size_t gpus,
                                                     const zeus_amd_node_total_t *nodes)
{
    zeus_amd_mpi_reading_t **sorted = ZEUS_AMD_MPI_I_NEW(zeus_amd_mpi_reading_t *, gpus + 1);
    zeus_amd_mpi_total_t *t = &e->total;
    zeus_amd_mpi_package_t *package;
    size_t from, to = 0;
    uint32_t i, gpu;
    package = e->packages = ZEUS_AMD_MPI_I_NEW(zeus_amd_mpi_package_t, gpus + 1);
    if (sorted == NULL || package == NULL) {
        free(sorted);
        return ZEUS_AMD_STATUS_NO_MEMORY;
    }
    for (i = 0; i < t->ranks; i++) {
        const zeus_amd_mpi_rank_t *rank = &e->ranks[i];
        uint64_t ns = rank->end_ns > rank->begin_ns ? rank->end_ns - rank->begin_ns : 0;
        t->duration_ns = ns > t->duration_ns ? ns : t->duration_ns;
        if (rank->status != ZEUS_AMD_STATUS_OK && !zeus_amd_mpi_i_no_gpu(rank->status))
            t->ranks_failed++;
        else if (rank->gpus == 0)
            t->ranks_without_gpu++;
        for (gpu = 0; gpu < rank->gpus; gpu++, to++) {
            sorted[to] = &readings[to];
            readings[to].rank = ZEUS_AMD_MPI_I_CAST(int32_t, i);
        }
    }
    t->nodes = 1;
    t->gpus = ZEUS_AMD_MPI_I_CAST(uint32_t, to);
    qsort(sorted, to, sizeof *sorted, zeus_amd_mpi_i_by_package);
    for (from = 0; from < gpus; from = to) {
        for (to = from + 1; to < gpus && strcmp(sorted[to]->key, sorted[from]->key) == 0;)
            to++;
        zeus_amd_mpi_i_package(e, package++, sorted + from, to - from);
    }
    zeus_amd_mpi_i_widest(t, e->ranks, nodes);
    if (t->missing > 0 || t->ranks_failed > 0)
        t->flags |= ZEUS_AMD_TOTAL_ENERGY_FLAG_INCOMPLETE_BIT;
    free(sorted);
    return ZEUS_AMD_STATUS_OK;
}

/* Rows of each rank of a communicator, and on its rank 0 those of all. */
typedef struct zeus_amd_mpi_i_table_t {
    const void *own;
    size_t row, count;
    void *all;
    size_t all_count;
} zeus_amd_mpi_i_table_t;

enum { ZEUS_AMD_MPI_I_TABLES = 3 };

static inline void zeus_amd_mpi_i_table(zeus_amd_mpi_i_table_t *table, const void *own, size_t row, size_t count)
{
    memset(table, 0, sizeof *table);
    table->own = own;
    table->row = row;
    table->count = count;
}

/* Room for what the ranks have of each table, by their counts, with which their statuses come. */
static inline zeus_amd_status_t zeus_amd_mpi_i_room(zeus_amd_mpi_i_table_t *tables, int n, const zeus_amd_mpi_i_level_t *level)
{
    int i, j, worst = ZEUS_AMD_STATUS_OK;
    for (j = 0; j < level->ranks; j++) {
        const int *of = level->counts + j * (n + 1);
        worst = of[n] < worst ? of[n] : worst;
        for (i = 0; i < n; i++)
            tables[i].all_count += ZEUS_AMD_MPI_I_CAST(size_t, of[i]);
    }
    for (i = 0; i < n && worst == ZEUS_AMD_STATUS_OK; i++) {
        /* MPI counts bytes in an int. */
        if (tables[i].all_count < INT_MAX / tables[i].row)
            tables[i].all = calloc(tables[i].all_count + 1, tables[i].row);
        if (tables[i].all == NULL)
            worst = ZEUS_AMD_STATUS_NO_MEMORY;
    }
    return ZEUS_AMD_MPI_I_CAST(zeus_amd_status_t, worst);
}

/* Gathers n tables on rank 0, if the status is OK on all ranks; the worst one is then everyone's. */
static inline int zeus_amd_mpi_i_gather(const zeus_amd_mpi_i_level_t *level, zeus_amd_mpi_i_table_t *tables, int n,
                                        zeus_amd_status_t *status)
{
    int *counts = level->counts, *bytes = NULL, *starts = NULL;
    int own[ZEUS_AMD_MPI_I_TABLES + 1], error, i, j, at;
    if (level->status != ZEUS_AMD_STATUS_OK) {
        *status = level->status;
        return MPI_SUCCESS;
    }
    for (i = 0; i < n; i++)
        own[i] = ZEUS_AMD_MPI_I_CAST(int, tables[i].count);
    own[n] = *status;
    error = ZEUS_AMD_MPI_CALL(Gather)(own, n + 1, MPI_INT, counts, n + 1, MPI_INT, 0, level->comm);
    if (error == MPI_SUCCESS) {
        if (level->rank == 0)
            own[n] = zeus_amd_mpi_i_room(tables, n, level);
        error = ZEUS_AMD_MPI_CALL(Bcast)(&own[n], 1, MPI_INT, 0, level->comm);
    }
    *status = ZEUS_AMD_MPI_I_CAST(zeus_amd_status_t, own[n]);
    if (level->rank == 0) {
        bytes = counts + (ZEUS_AMD_MPI_I_TABLES + 1) * level->ranks;
        starts = bytes + level->ranks;
    }
    for (i = 0; i < n && error == MPI_SUCCESS && *status == ZEUS_AMD_STATUS_OK; i++) {
        const int row = ZEUS_AMD_MPI_I_CAST(int, tables[i].row);
        for (j = 0, at = 0; level->rank == 0 && j < level->ranks; at += bytes[j++]) {
            bytes[j] = counts[j * (n + 1) + i] * row;
            starts[j] = at;
        }
        error = ZEUS_AMD_MPI_CALL(Gatherv)(tables[i].own, own[i] * row, MPI_BYTE, tables[i].all, bytes, starts, MPI_BYTE, 0,
                                           level->comm);
    }
    return error;
}

static inline void zeus_amd_mpi_i_tree_free(zeus_amd_mpi_i_tree_t *tree)
{
    if (tree->node.comm != MPI_COMM_NULL)
        ZEUS_AMD_MPI_CALL(Comm_free)(&tree->node.comm);
    if (tree->leaders.comm != MPI_COMM_NULL)
        ZEUS_AMD_MPI_CALL(Comm_free)(&tree->leaders.comm);
    free(tree->node.counts);
    free(tree->leaders.counts);
    tree->node.counts = tree->leaders.counts = NULL;
}

/* MPI_Comm_split, errors returned. */
static inline int zeus_amd_mpi_i_split(MPI_Comm comm, int color, int rank, MPI_Comm *part)
{
    int error = ZEUS_AMD_MPI_CALL(Comm_split)(comm, color, rank, part);
    if (error == MPI_SUCCESS && *part != MPI_COMM_NULL)
        error = ZEUS_AMD_MPI_CALL(Comm_set_errhandler)(*part, MPI_ERRORS_RETURN);
    return error;
}

/* A level's place of this rank, and on rank 0 its room. */
static inline int zeus_amd_mpi_i_level(zeus_amd_mpi_i_level_t *level)
{
    int error = ZEUS_AMD_MPI_CALL(Comm_rank)(level->comm, &level->rank);
    if (error == MPI_SUCCESS)
        error = ZEUS_AMD_MPI_CALL(Comm_size)(level->comm, &level->ranks);
    if (error == MPI_SUCCESS && level->rank == 0) {
        /* Of each rank the counts of its rows and its status, then bytes and where they start. */
        level->counts = ZEUS_AMD_MPI_I_NEW(int, ZEUS_AMD_MPI_I_CAST(size_t, level->ranks) * (ZEUS_AMD_MPI_I_TABLES + 3));
        level->status = level->counts != NULL ? ZEUS_AMD_STATUS_OK : ZEUS_AMD_STATUS_NO_MEMORY;
    }
    return error;
}

/* Leaves those ranks together whose host is that of the lowest one, and so on with the others: different hosts may have one
 * hash. */
static inline int zeus_amd_mpi_i_same_host(zeus_amd_mpi_i_level_t *node, const zeus_amd_mpi_part_t *mine)
{
    enum { SAME, DIFFERS, NO_ROOM };
    for (;;) {
        MPI_Comm all = node->comm;
        char first[sizeof mine->host_id];
        int own = SAME, any = SAME, error = zeus_amd_mpi_i_level(node);
        memcpy(first, mine->host_id, sizeof first);
        if (error == MPI_SUCCESS)
            error = ZEUS_AMD_MPI_CALL(Bcast)(first, ZEUS_AMD_MPI_I_CAST(int, sizeof first), MPI_BYTE, 0, all);
        if (strcmp(first, mine->host_id) != 0)
            own = DIFFERS;
        if (node->status != ZEUS_AMD_STATUS_OK)
            own = NO_ROOM;
        if (error == MPI_SUCCESS)
            error = ZEUS_AMD_MPI_CALL(Allreduce)(&own, &any, 1, MPI_INT, MPI_MAX, all);
        node->status = any == NO_ROOM ? ZEUS_AMD_STATUS_NO_MEMORY : ZEUS_AMD_STATUS_OK;
        if (error != MPI_SUCCESS || any != DIFFERS)
            return error;
        free(node->counts);
        node->counts = NULL;
        node->comm = MPI_COMM_NULL;
        error = zeus_amd_mpi_i_split(all, own, mine->rank.rank, &node->comm);
        ZEUS_AMD_MPI_CALL(Comm_free)(&all);
        if (error != MPI_SUCCESS)
            return error;
    }
}

/* Not by MPI_COMM_TYPE_SHARED, for which two containers of a host are two nodes. zeus_amd_mpi_i_tree_free has to follow in
 * any case. */
static inline int zeus_amd_mpi_i_tree_make(MPI_Comm comm, const zeus_amd_mpi_part_t *mine, zeus_amd_mpi_i_tree_t *tree)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    const char *c;
    int own, worst = ZEUS_AMD_STATUS_OK, error;
    memset(tree, 0, sizeof *tree);
    tree->node.comm = tree->leaders.comm = MPI_COMM_NULL;
    for (c = mine->host_id; *c != '\0'; c++)
        hash = (hash ^ ZEUS_AMD_MPI_I_CAST(unsigned char, *c)) * 16777619u;
    error = zeus_amd_mpi_i_split(comm, ZEUS_AMD_MPI_I_CAST(int, hash >> 1), mine->rank.rank, &tree->node.comm);
    if (error == MPI_SUCCESS)
        error = zeus_amd_mpi_i_same_host(&tree->node, mine);
    if (error == MPI_SUCCESS)
        error = zeus_amd_mpi_i_split(comm, tree->node.rank == 0 ? 0 : MPI_UNDEFINED, mine->rank.rank, &tree->leaders.comm);
    if (error != MPI_SUCCESS || tree->leaders.comm == MPI_COMM_NULL)
        return error;
    error = zeus_amd_mpi_i_level(&tree->leaders);
    own = tree->leaders.status;
    if (error == MPI_SUCCESS)
        error = ZEUS_AMD_MPI_CALL(Allreduce)(&own, &worst, 1, MPI_INT, MPI_MIN, tree->leaders.comm);
    tree->leaders.status = ZEUS_AMD_MPI_I_CAST(zeus_amd_status_t, worst);
    return error;
}

/* All ranks of the job, by its own communicators. */
static inline int zeus_amd_mpi_i_barrier(const zeus_amd_mpi_i_tree_t *tree)
{
    int above = MPI_SUCCESS, error = ZEUS_AMD_MPI_CALL(Barrier)(tree->node.comm);
    if (error == MPI_SUCCESS && tree->leaders.comm != MPI_COMM_NULL)
        above = ZEUS_AMD_MPI_CALL(Barrier)(tree->leaders.comm);
    if (error == MPI_SUCCESS)
        error = ZEUS_AMD_MPI_CALL(Barrier)(tree->node.comm);
    return error != MPI_SUCCESS ? error : above;
}

/* Of a node: its total and tables on its lowest rank, and each rank's share. */
static inline int zeus_amd_mpi_i_reduce_node(const zeus_amd_mpi_i_level_t *node, const zeus_amd_mpi_part_t *mine,
                                             const zeus_amd_mpi_reading_t *readings, zeus_amd_mpi_energy_t *e)
{
    zeus_amd_mpi_i_table_t tables[ZEUS_AMD_MPI_I_TABLES];
    const int row = ZEUS_AMD_MPI_I_CAST(int, sizeof mine->rank);
    zeus_amd_mpi_rank_t own;
    int error;
    memset(e, 0, sizeof *e);
    memset(&own, 0, sizeof own);
    zeus_amd_mpi_i_table(&tables[0], &mine->rank, sizeof mine->rank, 1);
    zeus_amd_mpi_i_table(&tables[1], readings, sizeof *readings, mine->rank.gpus);
    zeus_amd_mpi_i_table(&tables[2], &mine->node, sizeof mine->node, 1);
    error = zeus_amd_mpi_i_gather(node, tables, 3, &e->total.status);
    e->ranks = ZEUS_AMD_MPI_I_CAST(zeus_amd_mpi_rank_t *, tables[0].all);
    if (error == MPI_SUCCESS && e->total.status == ZEUS_AMD_STATUS_OK) {
        e->total.ranks = ZEUS_AMD_MPI_I_CAST(uint32_t, tables[0].all_count);
        if (e->ranks != NULL)
            e->total.status = zeus_amd_mpi_i_merge(e, ZEUS_AMD_MPI_I_CAST(zeus_amd_mpi_reading_t *, tables[1].all),
                                                   tables[1].all_count,
                                                   ZEUS_AMD_MPI_I_CAST(const zeus_amd_node_total_t *, tables[2].all));
        error = ZEUS_AMD_MPI_CALL(Scatter)(e->ranks, row, MPI_BYTE, &own, row, MPI_BYTE, 0, node->comm);
    }
    e->share_mj = own.share_mj;
    e->share_uncertainty_mj = own.share_uncertainty_mj;
    free(tables[1].all);
    free(tables[2].all);
    return error;
}

/* Of the job, from its nodes: the tables on rank 0, the total on all leaders. */
static inline int zeus_amd_mpi_i_reduce_job(const zeus_amd_mpi_i_level_t *leaders, const zeus_amd_mpi_part_t *mine,
                                            zeus_amd_mpi_energy_t *e)
{
    zeus_amd_mpi_i_table_t tables[ZEUS_AMD_MPI_I_TABLES];
    zeus_amd_status_t status = e->total.status;
    zeus_amd_mpi_node_t node;
    uint32_t packages = e->total.packages + e->total.missing, i;
    int error;
    memset(&node, 0, sizeof node);
    node.first_rank = mine->rank.rank;
    node.total = e->total;
    memcpy(node.host, mine->host, sizeof node.host);
    for (i = 0; i < packages; i++)
        e->packages[i].node = leaders->rank;
    for (i = 0; i < e->total.ranks; i++)
        e->ranks[i].node = leaders->rank;
    zeus_amd_mpi_i_table(&tables[0], &node, sizeof node, 1);
    zeus_amd_mpi_i_table(&tables[1], e->ranks, sizeof *e->ranks, e->total.ranks);
    zeus_amd_mpi_i_table(&tables[2], e->packages, sizeof *e->packages, packages);
    error = zeus_amd_mpi_i_gather(leaders, tables, 3, &status);
    zeus_amd_mpi_free(e);
    memset(&e->total, 0, sizeof e->total);
    e->nodes = ZEUS_AMD_MPI_I_CAST(zeus_amd_mpi_node_t *, tables[0].all);
    e->ranks = ZEUS_AMD_MPI_I_CAST(zeus_amd_mpi_rank_t *, tables[1].all);
    e->packages = ZEUS_AMD_MPI_I_CAST(zeus_amd_mpi_package_t *, tables[2].all);
    if (error == MPI_SUCCESS && status == ZEUS_AMD_STATUS_OK) {
        for (i = 0; i < tables[0].all_count; i++)
            zeus_amd_mpi_i_add(&e->total, &e->nodes[i].total);
        if (e->ranks != NULL)
            qsort(e->ranks, tables[1].all_count, sizeof *e->ranks, zeus_amd_mpi_i_by_rank);
    }
    e->total.status = status;
    if (error != MPI_SUCCESS)
        return error;
    return ZEUS_AMD_MPI_CALL(Bcast)(&e->total, ZEUS_AMD_MPI_I_CAST(int, sizeof e->total), MPI_BYTE, 0, leaders->comm);
}

/* zeus_amd_mpi_reduce, where the tree is there. */
static inline zeus_amd_status_t zeus_amd_mpi_i_reduce(const zeus_amd_mpi_i_tree_t *tree, const zeus_amd_mpi_part_t *mine,
                                                      const zeus_amd_mpi_reading_t *readings, zeus_amd_mpi_energy_t *energy)
{
    const int bytes = ZEUS_AMD_MPI_I_CAST(int, sizeof energy->total);
    int above = MPI_SUCCESS, error = zeus_amd_mpi_i_reduce_node(&tree->node, mine, readings, energy);
    if (error == MPI_SUCCESS && tree->leaders.comm != MPI_COMM_NULL)
        above = zeus_amd_mpi_i_reduce_job(&tree->leaders, mine, energy);
    if (above != MPI_SUCCESS) /* The ranks of the node wait for the total. */
        energy->total.status = ZEUS_AMD_STATUS_IO;
    if (error == MPI_SUCCESS)
        error = ZEUS_AMD_MPI_CALL(Bcast)(&energy->total, bytes, MPI_BYTE, 0, tree->node.comm);
    if (error == MPI_SUCCESS && energy->total.status == ZEUS_AMD_STATUS_IO)
        error = above != MPI_SUCCESS ? above : MPI_ERR_OTHER;
    energy->mpi_error = error;
    if (error != MPI_SUCCESS || energy->total.status != ZEUS_AMD_STATUS_OK)
        zeus_amd_mpi_free(energy);
    return error != MPI_SUCCESS ? ZEUS_AMD_STATUS_IO : energy->total.status;
}

/**
 * Brings together what the ranks of a communicator measured: the second half of
 * zeus_amd_mpi_end(), for energies that were measured in another way.
 * Collective over comm.
 *
 * @param[in]  comm     All its ranks call this.
 * @param[in]  mine     This rank (zeus_amd_mpi_describe() fills all but the times
 *                      and what was measured of the node).
 * @param[in]  readings mine->rank.gpus of them; NULL if that is 0.
 * @param[out] energy   The result; zeus_amd_mpi_free() frees its tables.
 * @return ZEUS_AMD_STATUS_OK (some packages may be missing, see the total),
 *         ZEUS_AMD_STATUS_NO_MEMORY (on the lowest rank of a host; all ranks
 *         return it), ZEUS_AMD_STATUS_IO (an MPI call failed:
 *         energy->mpi_error).
 * @threadsafety As MPI was initialised; like other collective calls not twice at
 *               once on one communicator.
 * @forksafety  Not in a child: it calls MPI.
 * @since 0.1
 */
static inline zeus_amd_status_t zeus_amd_mpi_reduce(MPI_Comm comm, const zeus_amd_mpi_part_t *mine,
                                                    const zeus_amd_mpi_reading_t *readings,
                                                    zeus_amd_mpi_energy_t *energy)
{
    zeus_amd_mpi_i_tree_t tree;
    zeus_amd_status_t status = ZEUS_AMD_STATUS_IO;
    memset(energy, 0, sizeof *energy);
    energy->mpi_error = zeus_amd_mpi_i_tree_make(comm, mine, &tree);
    if (energy->mpi_error == MPI_SUCCESS)
        status = zeus_amd_mpi_i_reduce(&tree, mine, readings, energy);
    zeus_amd_mpi_i_tree_free(&tree);
    return status;
}

/* Not for callers. This rank and its host, which it may fail to know: then nothing is known of its packages either. */
static inline int zeus_amd_mpi_i_who(MPI_Comm comm, zeus_amd_mpi_part_t *mine)
{
    const zeus_amd_node_total_t nothing = ZEUS_AMD_NODE_TOTAL_INIT;
    int rank = 0, error = ZEUS_AMD_MPI_CALL(Comm_rank)(comm, &rank);
    memset(mine, 0, sizeof *mine);
    mine->rank.rank = rank;
    mine->rank.status = zeus_amd_mpi_i_host(mine->host, mine->host_id, sizeof mine->host);
    mine->node = nothing;
    return error;
}

/* Not for callers. The readings of the GPUs of a session, mine->rank.gpus of them. */
static inline void zeus_amd_mpi_i_readings(const zeus_amd_session_t *session, const zeus_amd_gpu_energy_t *energies,
                                           const zeus_amd_mpi_part_t *mine, zeus_amd_mpi_reading_t *readings)
{
    const zeus_amd_limited_time_t unknown = ZEUS_AMD_LIMITED_TIME_INIT;
    uint32_t i;
    for (i = 0; i < mine->rank.gpus; i++) {
        zeus_amd_gpu_info_t info = ZEUS_AMD_GPU_INFO_INIT;
        zeus_amd_mpi_reading_t *to = &readings[i];
        zeus_amd_status_t known = zeus_amd_gpu_info(session, i, &info);
        memset(to, 0, sizeof *to);
        to->rank = mine->rank.rank;
        to->gpu = i;
        to->method = energies[i].method;
        to->counter_state = energies[i].counter_state;
        to->flags = energies[i].flags;
        to->status = energies[i].status;
        to->energy_mj = energies[i].energy_mj;
        to->uncertainty_mj = energies[i].uncertainty_mj;
        to->duration_ns = energies[i].duration_ns;
        to->begin_ns = energies[i].begin_ns;
        to->end_ns = energies[i].end_ns;
        to->limited = unknown;
        to->limited_status = ZEUS_AMD_STATUS_NOT_SUPPORTED;
        if (known != ZEUS_AMD_STATUS_OK) {
            /* Without its package it is unknown whether it was counted. */
            to->method = ZEUS_AMD_METHOD_NONE;
            to->status = known;
        }
        memcpy(to->key, info.package, sizeof to->key);
        memcpy(to->pci_address, info.pci_address, sizeof to->pci_address);
        memcpy(to->name, info.name, sizeof to->name - 1);
    }
}

/**
 * Converts this rank and the energies of a window to the arguments of
 * zeus_amd_mpi_reduce(). Not collective.
 *
 * @param[in]  comm     The communicator.
 * @param[in]  session  The session of the energies; NULL: none.
 * @param[in]  status   With NULL for session: why there is none.
 * @param[in]  energies count of them, in the order of indices.
 * @param[in]  count    How many GPUs the session has.
 * @param[out] mine     Everything but the times and what was measured of the node.
 * @param[out] readings Room for count; everything but the time at a limit.
 * @return MPI_SUCCESS or the code of an MPI call that failed.
 * @threadsafety As MPI was initialised.
 * @forksafety  Not in a child: it calls MPI.
 * @since 0.1
 */
static inline int zeus_amd_mpi_describe(MPI_Comm comm, const zeus_amd_session_t *session, zeus_amd_status_t status,
                                        const zeus_amd_gpu_energy_t *energies, uint32_t count,
                                        zeus_amd_mpi_part_t *mine, zeus_amd_mpi_reading_t *readings)
{
    const int error = zeus_amd_mpi_i_who(comm, mine);
    if (mine->rank.status == ZEUS_AMD_STATUS_OK) {
        mine->rank.status = status;
        mine->rank.gpus = session != NULL ? count : 0;
    }
    zeus_amd_mpi_i_readings(session, energies, mine, readings);
    return error;
}

/* Not for callers. The counts of limits of each GPU; without a struct_size there are none, and valid has the status. NULL: no
 * memory. */
static inline zeus_amd_limit_counts_t *zeus_amd_mpi_i_limits(const zeus_amd_session_t *session)
{
    const zeus_amd_limit_counts_t init = ZEUS_AMD_LIMIT_COUNTS_INIT;
    zeus_amd_limit_counts_t *counts;
    uint32_t count = 0, i;
    if (zeus_amd_gpu_count(session, &count) != ZEUS_AMD_STATUS_OK)
        return NULL;
    counts = ZEUS_AMD_MPI_I_NEW(zeus_amd_limit_counts_t, ZEUS_AMD_MPI_I_CAST(size_t, count) + 1);
    for (i = 0; counts != NULL && i < count; i++) {
        zeus_amd_status_t status;
        counts[i] = init;
        status = zeus_amd_limit_counts(session, i, &counts[i]);
        if (status != ZEUS_AMD_STATUS_OK) {
            counts[i].struct_size = 0;
            counts[i].valid = ZEUS_AMD_MPI_I_CAST(uint32_t, status);
        }
    }
    return counts;
}

/* Not for callers. The time at a limit since then. */
static inline void zeus_amd_mpi_i_limited(const zeus_amd_session_t *session, const zeus_amd_limit_counts_t *begin,
                                          zeus_amd_mpi_reading_t *readings, uint32_t count)
{
    uint32_t i;
    for (i = 0; i < count; i++) {
        zeus_amd_limit_counts_t end = ZEUS_AMD_LIMIT_COUNTS_INIT;
        zeus_amd_status_t *status = &readings[i].limited_status;
        if (begin == NULL)
            *status = ZEUS_AMD_STATUS_NO_MEMORY;
        else if (begin[i].struct_size == 0)
            *status = ZEUS_AMD_MPI_I_CAST(zeus_amd_status_t, begin[i].valid);
        else
            *status = zeus_amd_limit_counts(session, i, &end);
        if (*status == ZEUS_AMD_STATUS_OK)
            *status = zeus_amd_limited_time(&begin[i], &end, &readings[i].limited);
    }
}

/* Not for callers. Frees all that a job has. */
static inline void zeus_amd_mpi_i_drop(zeus_amd_mpi_job_t *job)
{
    if (job->window != NULL)
        (void)!zeus_amd_window_end(job->window, NULL, NULL, NULL);
    if (job->node_window != NULL)
        (void)!zeus_amd_node_window_end(job->node_window, NULL, NULL, NULL);
    job->window = NULL;
    job->node_window = NULL;
    free(job->limits);
    job->limits = NULL;
    zeus_amd_mpi_i_tree_free(&job->tree);
}

/**
 * Begins to measure a job. Collective over comm, with a barrier at its end
 * unless flags say otherwise.
 *
 * A rank without a session takes part with NULL and the status of its
 * zeus_amd_open(), which the result shows. A rank whose window cannot be begun takes
 * part as well; job->status has the reason.
 *
 * @param[in]  comm    An intracommunicator, such as MPI_COMM_WORLD.
 * @param[in]  session This rank's session, to stay open until the end; NULL: none.
 * @param[in]  opened  With NULL for session: why there is none.
 * @param[in]  flags   0 or ZEUS_AMD_MPI_NO_BARRIER_BIT.
 * @param[out] job     The measurement; zeus_amd_mpi_end() has to follow if this
 *                     returns ZEUS_AMD_STATUS_OK.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (unknown flags),
 *         ZEUS_AMD_STATUS_IO (an MPI call failed: job->mpi_error).
 * @threadsafety As MPI was initialised; like other collective calls not twice at
 *               once on one communicator.
 * @forksafety  Not in a child: it calls MPI.
 * @since 0.1
 */
static inline zeus_amd_status_t zeus_amd_mpi_begin(MPI_Comm comm, const zeus_amd_session_t *session, zeus_amd_status_t opened,
                                                   uint32_t flags, zeus_amd_mpi_job_t *job)
{
    memset(job, 0, sizeof *job);
    job->flags = flags;
    if ((flags & ~ZEUS_AMD_MPI_NO_BARRIER_BIT) != 0)
        return ZEUS_AMD_STATUS_INVALID_ARGUMENT;
    /* Splits, not copies: they call none of the program's attribute callbacks. */
    job->mpi_error = zeus_amd_mpi_i_who(comm, &job->part);
    if (job->mpi_error != MPI_SUCCESS)
        return ZEUS_AMD_STATUS_IO;
    job->mpi_error = zeus_amd_mpi_i_tree_make(comm, &job->part, &job->tree);
    if (job->mpi_error != MPI_SUCCESS) {
        zeus_amd_mpi_i_tree_free(&job->tree);
        return ZEUS_AMD_STATUS_IO;
    }
    job->status = job->part.rank.status;
    if (session != NULL && job->status == ZEUS_AMD_STATUS_OK) {
        job->session = session;
        job->limits = zeus_amd_mpi_i_limits(session);
        /* A node may measure nothing but its GPUs. */
        if (zeus_amd_node_window_begin(session, &job->node_window) != ZEUS_AMD_STATUS_OK)
            job->node_window = NULL;
        job->status = zeus_amd_window_begin(session, &job->window);
    } else if (job->status == ZEUS_AMD_STATUS_OK) {
        job->status = opened != ZEUS_AMD_STATUS_OK ? opened : ZEUS_AMD_STATUS_NOT_INITIALIZED;
    }
    job->part.rank.begin_ns = zeus_amd_now_ns();
    if ((flags & ZEUS_AMD_MPI_NO_BARRIER_BIT) == 0)
        job->mpi_error = ZEUS_AMD_MPI_CALL(Barrier)(comm);
    if (job->mpi_error == MPI_SUCCESS)
        return ZEUS_AMD_STATUS_OK;
    zeus_amd_mpi_i_drop(job);
    return ZEUS_AMD_STATUS_IO;
}

/**
 * Ends the measurement of a job and returns its energy. Collective over the
 * communicator of the begin, with a barrier at its start unless the begin had
 * ZEUS_AMD_MPI_NO_BARRIER_BIT. The job ends whatever the status.
 *
 * @param[in,out] job    From zeus_amd_mpi_begin().
 * @param[out]    energy The result, total and share on every rank, tables on
 *                       rank 0; zeus_amd_mpi_free() frees them.
 * @return As zeus_amd_mpi_reduce(). Packages without an energy and ranks that
 *         could not measure are no failure: see energy->total.
 * @threadsafety As MPI was initialised; like other collective calls not twice at
 *               once on one communicator.
 * @forksafety  Not in a child: it calls MPI.
 * @since 0.1
 */
static inline zeus_amd_status_t zeus_amd_mpi_end(zeus_amd_mpi_job_t *job, zeus_amd_mpi_energy_t *energy)
{
    const zeus_amd_gpu_energy_t init = ZEUS_AMD_GPU_ENERGY_INIT;
    zeus_amd_mpi_rank_t *mine = &job->part.rank;
    zeus_amd_gpu_energy_t *gpus = NULL;
    zeus_amd_mpi_reading_t *readings = NULL;
    zeus_amd_status_t status = ZEUS_AMD_STATUS_IO;
    uint32_t count = 0;
    memset(energy, 0, sizeof *energy);
    if ((job->flags & ZEUS_AMD_MPI_NO_BARRIER_BIT) == 0)
        energy->mpi_error = zeus_amd_mpi_i_barrier(&job->tree);
    mine->end_ns = zeus_amd_now_ns();
    if (job->window != NULL) {
        job->status = zeus_amd_gpu_count(job->session, &count);
        gpus = ZEUS_AMD_MPI_I_NEW(zeus_amd_gpu_energy_t, ZEUS_AMD_MPI_I_CAST(size_t, count) + 1);
        readings = ZEUS_AMD_MPI_I_NEW(zeus_amd_mpi_reading_t, ZEUS_AMD_MPI_I_CAST(size_t, count) + 1);
        if (gpus == NULL || readings == NULL)
            job->status = ZEUS_AMD_STATUS_NO_MEMORY;
    }
    if (job->window != NULL && job->status == ZEUS_AMD_STATUS_OK) {
        gpus[0] = init;
        job->status = zeus_amd_window_end(job->window, NULL, gpus, &count);
        job->window = NULL;
    }
    if (job->node_window != NULL)
        (void)!zeus_amd_node_window_end(job->node_window, &job->part.node, NULL, NULL);
    job->node_window = NULL;
    mine->status = job->status;
    mine->gpus = job->status == ZEUS_AMD_STATUS_OK ? count : 0;
    zeus_amd_mpi_i_readings(job->session, gpus, &job->part, readings);
    zeus_amd_mpi_i_limited(job->session, job->limits, readings, mine->gpus);
    if (energy->mpi_error == MPI_SUCCESS)
        status = zeus_amd_mpi_i_reduce(&job->tree, &job->part, readings, energy);
    zeus_amd_mpi_i_drop(job);
    free(gpus);
    free(readings);
    return status;
}

#endif /* ZEUS_AMD_MPI_H */
