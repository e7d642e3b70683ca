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
 * estimated), then the longest, then that of the lowest rank. The others stay in
 * the table of readings as duplicates. A barrier after the last begin and one
 * before the first end make every reading include all of the work in between.
 * Without them (ZEUS_AMD_MPI_NO_BARRIER_BIT) a package is measured for the time
 * of the rank whose reading counts.
 *
 * The whole node: where a rank can read what the node measures beside its GPUs
 * (zeus_amd_node_window_begin()), the result has for each node the energy of the
 * widest scope, by the lowest rank that has it, and the sum over the nodes.
 *
 * Shares: the energy of a package is divided equally among the ranks that see it;
 * what each of them ran there is not known. The shares add up to the total
 * exactly.
 *
 * All ranks call each function of a job in the same order, also those without a
 * GPU or a session. A job uses its own communicator and basic collectives of
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

/** A measurement that is under way. */
typedef struct zeus_amd_mpi_job_t {
    /** The job's own communicator. */
    MPI_Comm comm;
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
    /** CLOCK_BOOTTIME when this rank's window had begun, in nanoseconds. */
    uint64_t begin_ns;
    /** NULL if this rank measures nothing of its node beside the GPUs. */
    zeus_amd_node_window_t *node_window;
} zeus_amd_mpi_job_t;

/** What a rank has of its node beside the packages of GPUs. */
typedef struct zeus_amd_mpi_beside_t {
    /** ZEUS_AMD_NODE_SCOPE_NODE: all of the node, packages included;
     *  ZEUS_AMD_NODE_SCOPE_PARTS: processors and memory; else nothing. */
    zeus_amd_node_scope_t scope;
    /** Zero. */
    uint32_t reserved;
    /** The energy, in microjoules. */
    uint64_t energy_uj;
    /** The uncertainty of energy_uj. */
    uint64_t uncertainty_uj;
} zeus_amd_mpi_beside_t;

/** The reading of one GPU by one rank. */
typedef struct zeus_amd_mpi_reading_t {
    /** Rank in the communicator. */
    int32_t rank;
    /** Index in the table of nodes. */
    int32_t node;
    /** Index in the table of packages. */
    int32_t package;
    /** 1 if this is the reading that counts for its package. */
    int32_t counted;
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
    /** MPI_Get_processor_name(), or ZEUS_AMD_MPI_HOST. */
    char host[256];
    /** Identifies its host. */
    char host_id[256];
    /** Of its node; the lowest rank with the widest scope counts. */
    zeus_amd_mpi_beside_t beside;
} zeus_amd_mpi_rank_t;

/** One package of one node. */
typedef struct zeus_amd_mpi_package_t {
    /** Index in the table of nodes. */
    int32_t node;
    /** Index in the table of readings of the one that counts; -1: none has an
     *  energy. */
    int32_t reading;
    /** The number of ranks that see it. */
    uint32_t ranks;
    /** The number of duplicate readings. */
    uint32_t duplicates;
    /** ZEUS_AMD_STATUS_OK, or why there is no energy. */
    zeus_amd_status_t status;
    /** Zero. */
    uint32_t reserved;
    /** The energy, 0 if there is none. */
    uint64_t energy_mj;
    /** The uncertainty of energy_mj. */
    uint64_t uncertainty_mj;
    /** As in zeus_amd_gpu_info_t, of the GPU that was read. */
    char key[64];
    /** See key. */
    char pci_address[32];
    /** See key. */
    char name[64];
} zeus_amd_mpi_package_t;

/** One host. */
typedef struct zeus_amd_mpi_node_t {
    /** The lowest of its ranks. */
    int32_t first_rank;
    /** The number of its ranks. */
    uint32_t ranks;
    /** The number of packages with an energy. */
    uint32_t packages;
    /** The number of packages without an energy. */
    uint32_t missing;
    /** Sums over these packages. */
    uint64_t energy_mj;
    /** The uncertainty of energy_mj. */
    uint64_t uncertainty_mj;
    /** The widest scope that a rank measured: the node, GPUs with processors and
     *  memory, or GPUs. */
    zeus_amd_node_scope_t scope;
    /** Zero. */
    uint32_t reserved;
    /** The energy of this scope, in millijoules: of the node, or of
     *  the packages and what one rank has beside them. */
    uint64_t widest_mj;
    /** The uncertainty of widest_mj. */
    uint64_t widest_uncertainty_mj;
} zeus_amd_mpi_node_t;

/** The job, the same on every rank. */
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
    /** ZEUS_AMD_STATUS_OK, or that rank 0 ran out of memory. */
    zeus_amd_status_t status;
    /** The sum of the energies, in millijoules. */
    uint64_t energy_mj;
    /** The uncertainty of energy_mj. */
    uint64_t uncertainty_mj;
    /** The longest time from begin to end of a rank. */
    uint64_t duration_ns;
    /** The narrowest scope of the nodes. */
    zeus_amd_node_scope_t scope;
    /** Zero. */
    uint32_t reserved;
    /** The energy of this scope, in millijoules: the sum over the
     *  nodes, each by its widest scope. */
    uint64_t widest_mj;
    /** The uncertainty of widest_mj. */
    uint64_t widest_uncertainty_mj;
} zeus_amd_mpi_total_t;

/** The energy of a job. */
typedef struct zeus_amd_mpi_energy_t {
    /** On every rank. */
    zeus_amd_mpi_total_t total;
    /** On every rank: its share, in millijoules. */
    uint64_t share_mj;
    /** The uncertainty of share_mj. */
    uint64_t share_uncertainty_mj;
    /** The code of an MPI call that failed, or MPI_SUCCESS. */
    int mpi_error;
    /** On rank 0 total.ranks rows, by rank; else NULL. */
    zeus_amd_mpi_rank_t *ranks;
    /** On rank 0 total.gpus rows, by rank; else NULL. */
    zeus_amd_mpi_reading_t *readings;
    /** On rank 0 total.packages + total.missing rows; else NULL. */
    zeus_amd_mpi_package_t *packages;
    /** On rank 0 total.nodes rows; else NULL. */
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
    free(energy->readings);
    free(energy->packages);
    free(energy->nodes);
    energy->ranks = NULL;
    energy->readings = NULL;
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
    int length = 0;
    FILE *file;
    memset(name, 0, sizeof name);
    if (chosen != NULL && chosen[0] != '\0') {
        snprintf(host, size, "%s", chosen);
        snprintf(host_id, size, "name %s", chosen);
        return ZEUS_AMD_STATUS_OK;
    }
    if (ZEUS_AMD_MPI_CALL(Get_processor_name)(name, &length) != MPI_SUCCESS)
        name[0] = '\0';
    snprintf(host, size, "%s", name);
    snprintf(host_id, size, "name %s", name);
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

static inline int zeus_amd_mpi_i_by_host(const void *a, const void *b)
{
    const zeus_amd_mpi_rank_t *x = *ZEUS_AMD_MPI_I_CAST(zeus_amd_mpi_rank_t *const *, a);
    const zeus_amd_mpi_rank_t *y = *ZEUS_AMD_MPI_I_CAST(zeus_amd_mpi_rank_t *const *, b);
    int order = strcmp(x->host_id, y->host_id);
    return order != 0 ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

static inline int zeus_amd_mpi_i_by_package(const void *a, const void *b)
{
    const zeus_amd_mpi_reading_t *x = *ZEUS_AMD_MPI_I_CAST(zeus_amd_mpi_reading_t *const *, a);
    const zeus_amd_mpi_reading_t *y = *ZEUS_AMD_MPI_I_CAST(zeus_amd_mpi_reading_t *const *, b);
    int order = (x->node > y->node) - (x->node < y->node);
    if (order == 0)
        order = strcmp(x->key, y->key);
    if (order == 0)
        order = (x->rank > y->rank) - (x->rank < y->rank);
    return order != 0 ? order : (x->gpu > y->gpu) - (x->gpu < y->gpu);
}

/* Does x count rather than y, which comes before it? */
static inline int zeus_amd_mpi_i_better(const zeus_amd_mpi_reading_t *x, const zeus_amd_mpi_reading_t *y)
{
    if (x->method == ZEUS_AMD_METHOD_NONE)
        return 0;
    if (y == NULL || x->method != y->method)
        return y == NULL || x->method < y->method;
    return x->duration_ns > y->duration_ns;
}

/* Ends a window of the node; of the domains in its total, those that are no packages of GPUs. */
static inline zeus_amd_mpi_beside_t zeus_amd_mpi_i_beside(const zeus_amd_session_t *session, zeus_amd_node_window_t *window)
{
    const zeus_amd_node_energy_t init = ZEUS_AMD_NODE_ENERGY_INIT;
    zeus_amd_node_total_t total = ZEUS_AMD_NODE_TOTAL_INIT;
    zeus_amd_node_energy_t *domains = NULL;
    zeus_amd_mpi_beside_t beside;
    uint32_t count = 0, i;
    memset(&beside, 0, sizeof beside);
    if (zeus_amd_node_domain_count(session, &count) == ZEUS_AMD_STATUS_OK && count > 0)
        domains = ZEUS_AMD_MPI_I_NEW(zeus_amd_node_energy_t, count);
    if (domains != NULL)
        domains[0] = init;
    if (zeus_amd_node_window_end(window, &total, domains, domains != NULL ? &count : NULL) != ZEUS_AMD_STATUS_OK || domains == NULL)
        count = 0;
    for (i = 0; i < count; i++) {
        zeus_amd_node_domain_info_t info = ZEUS_AMD_NODE_DOMAIN_INFO_INIT;
        if ((domains[i].flags & ZEUS_AMD_NODE_ENERGY_FLAG_IN_TOTAL_BIT) == 0 ||
            zeus_amd_node_domain_info(session, i, &info) != ZEUS_AMD_STATUS_OK ||
            info.kind == ZEUS_AMD_NODE_DOMAIN_GPU || info.kind == ZEUS_AMD_NODE_DOMAIN_ACCELERATOR)
            continue;
        beside.scope = total.scope;
        beside.energy_uj += domains[i].energy_uj;
        beside.uncertainty_uj += domains[i].uncertainty_uj;
    }
    free(domains);
    return beside;
}

/* Each node once, by its widest scope. */
static inline void zeus_amd_mpi_i_widest(zeus_amd_mpi_energy_t *e)
{
    uint32_t i;
    for (i = 0; i < e->total.nodes; i++) {
        zeus_amd_mpi_node_t *node = &e->nodes[i];
        node->scope = node->packages > 0 ? ZEUS_AMD_NODE_SCOPE_GPUS : ZEUS_AMD_NODE_SCOPE_NONE;
        node->widest_mj = node->energy_mj;
        node->widest_uncertainty_mj = node->uncertainty_mj;
    }
    for (i = 0; i < e->total.ranks; i++) {
        const zeus_amd_mpi_beside_t *beside = &e->ranks[i].beside;
        zeus_amd_mpi_node_t *node = &e->nodes[e->ranks[i].node];
        const int whole = beside->scope == ZEUS_AMD_NODE_SCOPE_NODE;
        if (beside->scope < ZEUS_AMD_NODE_SCOPE_PARTS || beside->scope <= node->scope)
            continue;
        /* A rank without GPUs cannot know whether a package has the processor too, as that of an MI300A. */
        if (!whole && e->ranks[i].gpus == 0 && node->packages > 0)
            continue;
        node->scope = beside->scope;
        node->widest_mj = (whole ? 0 : node->energy_mj) + beside->energy_uj / 1000;
        node->widest_uncertainty_mj = (whole ? 0 : node->uncertainty_mj) + beside->uncertainty_uj / 1000 + 1;
    }
    for (i = 0; i < e->total.nodes; i++) {
        const zeus_amd_mpi_node_t *node = &e->nodes[i];
        e->total.scope = i == 0 || node->scope < e->total.scope ? node->scope : e->total.scope;
        e->total.widest_mj += node->widest_mj;
        e->total.widest_uncertainty_mj += node->widest_uncertainty_mj;
    }
}

/* One package: its readings are at[0] to at[count - 1], by rank. */
static inline void zeus_amd_mpi_i_package(zeus_amd_mpi_energy_t *e, int32_t index, zeus_amd_mpi_reading_t **at,
                                          size_t count)
{
    zeus_amd_mpi_package_t *package = &e->packages[index];
    zeus_amd_mpi_node_t *node = &e->nodes[at[0]->node];
    zeus_amd_mpi_reading_t *best = NULL;
    uint32_t known = 0, rest;
    size_t i;
    for (i = 0; i < count; i++) {
        at[i]->package = index;
        package->ranks += i == 0 || at[i]->rank != at[i - 1]->rank;
        known += at[i]->method != ZEUS_AMD_METHOD_NONE;
        if (zeus_amd_mpi_i_better(at[i], best))
            best = at[i];
    }
    package->node = at[0]->node;
    package->reading = -1;
    package->status = at[0]->status;
    memcpy(package->key, at[0]->key, sizeof package->key);
    memcpy(package->pci_address, (best ? best : at[0])->pci_address, sizeof package->pci_address);
    memcpy(package->name, (best ? best : at[0])->name, sizeof package->name);
    if (best == NULL) {
        /* A first die or partition says why; the others only name it. */
        for (i = 0; i < count; i++)
            if (at[i]->counter_state != ZEUS_AMD_COUNTER_STATE_SECONDARY_DIE &&
                at[i]->counter_state != ZEUS_AMD_COUNTER_STATE_SECONDARY_PARTITION)
                package->status = at[i]->status;
        node->missing++;
        e->total.missing++;
    } else {
        best->counted = 1;
        package->reading = ZEUS_AMD_MPI_I_CAST(int32_t, best - e->readings);
        package->status = ZEUS_AMD_STATUS_OK;
        package->duplicates = known - 1;
        package->energy_mj = best->energy_mj;
        package->uncertainty_mj = best->uncertainty_mj;
        node->packages++;
        node->energy_mj += best->energy_mj;
        node->uncertainty_mj += best->uncertainty_mj;
        e->total.packages++;
        e->total.duplicates += known - 1;
        e->total.flags |= best->flags;
        e->total.energy_mj += best->energy_mj;
        e->total.uncertainty_mj += best->uncertainty_mj;
    }
    /* What does not divide goes to the first ranks, a millijoule each. */
    rest = ZEUS_AMD_MPI_I_CAST(uint32_t, package->energy_mj % package->ranks);
    for (i = 0; i < count; i++) {
        zeus_amd_mpi_rank_t *rank = &e->ranks[at[i]->rank];
        if (i > 0 && at[i]->rank == at[i - 1]->rank)
            continue;
        rank->packages++;
        rank->share_mj += package->energy_mj / package->ranks + (rest > 0);
        rank->share_uncertainty_mj += (package->uncertainty_mj + package->ranks - 1) / package->ranks;
        rest -= rest > 0;
    }
}

/* All of it, from the ranks and readings on rank 0. 0: no memory. */
static inline int zeus_amd_mpi_i_merge(zeus_amd_mpi_energy_t *e)
{
    const size_t ranks = e->total.ranks, gpus = e->total.gpus;
    zeus_amd_mpi_rank_t **hosts = ZEUS_AMD_MPI_I_NEW(zeus_amd_mpi_rank_t *, ranks + 1);
    zeus_amd_mpi_reading_t **sorted = ZEUS_AMD_MPI_I_NEW(zeus_amd_mpi_reading_t *, gpus + 1);
    size_t i, from;
    int32_t package = 0;
    e->nodes = ZEUS_AMD_MPI_I_NEW(zeus_amd_mpi_node_t, ranks + 1);
    e->packages = ZEUS_AMD_MPI_I_NEW(zeus_amd_mpi_package_t, gpus + 1);
    if (hosts == NULL || sorted == NULL || e->nodes == NULL || e->packages == NULL) {
        free(hosts);
        free(sorted);
        return 0;
    }

    /* Nodes are numbered by their lowest ranks, which here stand in for them first. */
    for (i = 0; i < ranks; i++)
        hosts[i] = &e->ranks[i];
    qsort(hosts, ranks, sizeof *hosts, zeus_amd_mpi_i_by_host);
    for (i = 0; i < ranks; i++) {
        int same = i > 0 && strcmp(hosts[i]->host_id, hosts[i - 1]->host_id) == 0;
        hosts[i]->node = same ? hosts[i - 1]->node : hosts[i]->rank;
    }
    for (i = 0; i < ranks; i++) {
        zeus_amd_mpi_rank_t *rank = &e->ranks[i];
        uint64_t ns = rank->end_ns > rank->begin_ns ? rank->end_ns - rank->begin_ns : 0;
        if (rank->node == rank->rank) {
            rank->node = ZEUS_AMD_MPI_I_CAST(int32_t, e->total.nodes++);
            e->nodes[rank->node].first_rank = rank->rank;
        } else {
            rank->node = e->ranks[rank->node].node;
        }
        e->nodes[rank->node].ranks++;
        if (ns > e->total.duration_ns)
            e->total.duration_ns = ns;
        if (rank->status != ZEUS_AMD_STATUS_OK && !zeus_amd_mpi_i_no_gpu(rank->status))
            e->total.ranks_failed++;
        else if (rank->gpus == 0)
            e->total.ranks_without_gpu++;
    }

    for (i = 0; i < gpus; i++) {
        e->readings[i].node = e->ranks[e->readings[i].rank].node;
        sorted[i] = &e->readings[i];
    }
    qsort(sorted, gpus, sizeof *sorted, zeus_amd_mpi_i_by_package);
    for (from = 0; from < gpus; from = i) {
        for (i = from + 1; i < gpus; i++)
            if (sorted[i]->node != sorted[from]->node || strcmp(sorted[i]->key, sorted[from]->key) != 0)
                break;
        zeus_amd_mpi_i_package(e, package++, sorted + from, i - from);
    }
    zeus_amd_mpi_i_widest(e);
    if (e->total.missing > 0 || e->total.ranks_failed > 0)
        e->total.flags |= ZEUS_AMD_TOTAL_ENERGY_FLAG_INCOMPLETE_BIT;
    free(hosts);
    free(sorted);
    return 1;
}

/* Gathers ranks and readings on rank 0; total.status says if there was room. Returns an MPI code. */
static inline int zeus_amd_mpi_i_gather(MPI_Comm comm, MPI_Datatype reading, const zeus_amd_mpi_rank_t *mine,
                                        const zeus_amd_mpi_reading_t *readings, zeus_amd_mpi_energy_t *e)
{
    const int root = mine->rank == 0, bytes = ZEUS_AMD_MPI_I_CAST(int, sizeof *mine);
    const int n = ZEUS_AMD_MPI_I_CAST(int, mine->gpus);
    int *counts = NULL, *starts = NULL, error, i;
    size_t gpus = 0;
    if (root) {
        e->ranks = ZEUS_AMD_MPI_I_NEW(zeus_amd_mpi_rank_t, e->total.ranks);
        counts = ZEUS_AMD_MPI_I_NEW(int, e->total.ranks);
        starts = ZEUS_AMD_MPI_I_NEW(int, e->total.ranks);
        if (e->ranks == NULL || counts == NULL || starts == NULL)
            e->total.status = ZEUS_AMD_STATUS_NO_MEMORY;
    }
    error = ZEUS_AMD_MPI_CALL(Bcast)(&e->total.status, 1, MPI_INT, 0, comm);
    if (error == MPI_SUCCESS && e->total.status == ZEUS_AMD_STATUS_OK)
        error = ZEUS_AMD_MPI_CALL(Gather)(mine, bytes, MPI_BYTE, e->ranks, bytes, MPI_BYTE, 0, comm);
    if (error == MPI_SUCCESS && e->total.status == ZEUS_AMD_STATUS_OK) {
        if (root) {
            for (i = 0; i < ZEUS_AMD_MPI_I_CAST(int, e->total.ranks); i++) {
                counts[i] = ZEUS_AMD_MPI_I_CAST(int, e->ranks[i].gpus);
                starts[i] = ZEUS_AMD_MPI_I_CAST(int, gpus);
                gpus += e->ranks[i].gpus;
            }
            e->total.gpus = ZEUS_AMD_MPI_I_CAST(uint32_t, gpus);
            e->readings = ZEUS_AMD_MPI_I_NEW(zeus_amd_mpi_reading_t, gpus + 1);
            if (e->readings == NULL)
                e->total.status = ZEUS_AMD_STATUS_NO_MEMORY;
        }
        error = ZEUS_AMD_MPI_CALL(Bcast)(&e->total.status, 1, MPI_INT, 0, comm);
        if (error == MPI_SUCCESS && e->total.status == ZEUS_AMD_STATUS_OK)
            error = ZEUS_AMD_MPI_CALL(Gatherv)(readings, n, reading, e->readings, counts, starts, reading, 0,
                                               comm);
    }
    free(counts);
    free(starts);
    return error;
}

/**
 * Brings together what the ranks of a communicator measured: the second half of
 * zeus_amd_mpi_end(), for energies that were measured in another way.
 * Collective over comm.
 *
 * @param[in]  comm     All its ranks call this.
 * @param[in]  mine     This rank: rank, status, gpus, begin_ns, end_ns, host and
 *                      host_id (zeus_amd_mpi_describe() fills all but the times and
 *                      beside).
 * @param[in]  readings mine->gpus of them; NULL if that is 0.
 * @param[out] energy   The result; zeus_amd_mpi_free() frees its tables.
 * @return ZEUS_AMD_STATUS_OK (some packages may be missing, see the total),
 *         ZEUS_AMD_STATUS_NO_MEMORY (on rank 0; all ranks return it),
 *         ZEUS_AMD_STATUS_IO (an MPI call failed: energy->mpi_error).
 * @threadsafety As MPI was initialised; like other collective calls not twice at
 *               once on one communicator.
 * @forksafety  Not in a child: it calls MPI.
 * @since 0.1
 */
static inline zeus_amd_status_t zeus_amd_mpi_reduce(MPI_Comm comm, const zeus_amd_mpi_rank_t *mine,
                                                    const zeus_amd_mpi_reading_t *readings,
                                                    zeus_amd_mpi_energy_t *energy)
{
    MPI_Datatype reading;
    uint64_t share[2], *shares = NULL;
    int error, size = 0, i;
    memset(energy, 0, sizeof *energy);
    error = ZEUS_AMD_MPI_CALL(Comm_size)(comm, &size);
    energy->total.ranks = ZEUS_AMD_MPI_I_CAST(uint32_t, size);
    if (error == MPI_SUCCESS)
        error = ZEUS_AMD_MPI_CALL(Type_contiguous)(ZEUS_AMD_MPI_I_CAST(int, sizeof *readings), MPI_BYTE, &reading);
    if (error == MPI_SUCCESS) {
        error = ZEUS_AMD_MPI_CALL(Type_commit)(&reading);
        if (error == MPI_SUCCESS)
            error = zeus_amd_mpi_i_gather(comm, reading, mine, readings, energy);
        ZEUS_AMD_MPI_CALL(Type_free)(&reading);
    }
    if (error == MPI_SUCCESS && energy->total.status == ZEUS_AMD_STATUS_OK) {
        if (mine->rank == 0) {
            shares = ZEUS_AMD_MPI_I_NEW(uint64_t, 2 * ZEUS_AMD_MPI_I_CAST(size_t, size));
            if (shares == NULL || !zeus_amd_mpi_i_merge(energy))
                energy->total.status = ZEUS_AMD_STATUS_NO_MEMORY;
            else
                for (i = 0; i < size; i++) {
                    shares[2 * i] = energy->ranks[i].share_mj;
                    shares[2 * i + 1] = energy->ranks[i].share_uncertainty_mj;
                }
        }
        error = ZEUS_AMD_MPI_CALL(Bcast)(&energy->total, ZEUS_AMD_MPI_I_CAST(int, sizeof energy->total), MPI_BYTE, 0,
                                         comm);
    }
    if (error == MPI_SUCCESS && energy->total.status == ZEUS_AMD_STATUS_OK) {
        error = ZEUS_AMD_MPI_CALL(Scatter)(shares, 2, MPI_UINT64_T, share, 2, MPI_UINT64_T, 0, comm);
        energy->share_mj = share[0];
        energy->share_uncertainty_mj = share[1];
    }
    free(shares);
    energy->mpi_error = error;
    if (error == MPI_SUCCESS && energy->total.status == ZEUS_AMD_STATUS_OK)
        return ZEUS_AMD_STATUS_OK;
    zeus_amd_mpi_free(energy);
    return error == MPI_SUCCESS ? ZEUS_AMD_STATUS_NO_MEMORY : ZEUS_AMD_STATUS_IO;
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
 * @param[out] mine     Everything but the times.
 * @param[out] readings Room for count.
 * @return MPI_SUCCESS or the code of an MPI call that failed.
 * @threadsafety As MPI was initialised.
 * @forksafety  Not in a child: it calls MPI.
 * @since 0.1
 */
static inline int zeus_amd_mpi_describe(MPI_Comm comm, const zeus_amd_session_t *session, zeus_amd_status_t status,
                                        const zeus_amd_gpu_energy_t *energies, uint32_t count,
                                        zeus_amd_mpi_rank_t *mine, zeus_amd_mpi_reading_t *readings)
{
    uint32_t i;
    int rank = 0, error = ZEUS_AMD_MPI_CALL(Comm_rank)(comm, &rank);
    zeus_amd_status_t host;
    memset(mine, 0, sizeof *mine);
    mine->rank = rank;
    mine->status = status;
    mine->gpus = session != NULL ? count : 0;
    host = zeus_amd_mpi_i_host(mine->host, mine->host_id, sizeof mine->host);
    if (host != ZEUS_AMD_STATUS_OK) {
        /* Without its node it is unknown whether its packages were counted. */
        mine->status = host;
        mine->gpus = 0;
    }
    for (i = 0; i < mine->gpus; i++) {
        zeus_amd_gpu_info_t info = ZEUS_AMD_GPU_INFO_INIT;
        zeus_amd_mpi_reading_t *to = &readings[i];
        zeus_amd_status_t known = zeus_amd_gpu_info(session, i, &info);
        memset(to, 0, sizeof *to);
        to->rank = rank;
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
        if (known != ZEUS_AMD_STATUS_OK) {
            /* Without its package it is unknown whether it was counted. */
            to->method = ZEUS_AMD_METHOD_NONE;
            to->status = known;
        }
        memcpy(to->key, info.package, sizeof to->key);
        memcpy(to->pci_address, info.pci_address, sizeof to->pci_address);
        memcpy(to->name, info.name, sizeof to->name - 1);
    }
    return error;
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
    job->comm = MPI_COMM_NULL;
    job->flags = flags;
    if ((flags & ~ZEUS_AMD_MPI_NO_BARRIER_BIT) != 0)
        return ZEUS_AMD_STATUS_INVALID_ARGUMENT;
    /* A split, not a copy: it calls none of the program's attribute callbacks. */
    job->mpi_error = ZEUS_AMD_MPI_CALL(Comm_split)(comm, 0, 0, &job->comm);
    if (job->mpi_error != MPI_SUCCESS)
        return ZEUS_AMD_STATUS_IO;
    job->mpi_error = ZEUS_AMD_MPI_CALL(Comm_set_errhandler)(job->comm, MPI_ERRORS_RETURN);
    job->session = session;
    if (session != NULL) {
        /* A node may measure nothing but its GPUs. */
        if (zeus_amd_node_window_begin(session, &job->node_window) != ZEUS_AMD_STATUS_OK)
            job->node_window = NULL;
        job->status = zeus_amd_window_begin(session, &job->window);
    } else
        job->status = opened != ZEUS_AMD_STATUS_OK ? opened : ZEUS_AMD_STATUS_NOT_INITIALIZED;
    job->begin_ns = zeus_amd_now_ns();
    if (job->mpi_error == MPI_SUCCESS && (flags & ZEUS_AMD_MPI_NO_BARRIER_BIT) == 0)
        job->mpi_error = ZEUS_AMD_MPI_CALL(Barrier)(job->comm);
    if (job->mpi_error == MPI_SUCCESS)
        return ZEUS_AMD_STATUS_OK;
    if (job->window != NULL && zeus_amd_window_end(job->window, NULL, NULL, NULL) == ZEUS_AMD_STATUS_OK)
        job->window = NULL;
    if (job->node_window != NULL && zeus_amd_node_window_end(job->node_window, NULL, NULL, NULL) == ZEUS_AMD_STATUS_OK)
        job->node_window = NULL;
    ZEUS_AMD_MPI_CALL(Comm_free)(&job->comm);
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
    zeus_amd_gpu_energy_t *gpus = NULL;
    zeus_amd_mpi_reading_t *readings = NULL;
    zeus_amd_mpi_rank_t mine;
    zeus_amd_mpi_beside_t beside;
    zeus_amd_status_t status = ZEUS_AMD_STATUS_IO;
    uint32_t count = 0;
    uint64_t end_ns;
    int error = MPI_SUCCESS;
    if ((job->flags & ZEUS_AMD_MPI_NO_BARRIER_BIT) == 0)
        error = ZEUS_AMD_MPI_CALL(Barrier)(job->comm);
    end_ns = zeus_amd_now_ns();
    if (job->window != NULL) {
        job->status = zeus_amd_gpu_count(job->session, &count);
        gpus = ZEUS_AMD_MPI_I_NEW(zeus_amd_gpu_energy_t, ZEUS_AMD_MPI_I_CAST(size_t, count) + 1);
        readings = ZEUS_AMD_MPI_I_NEW(zeus_amd_mpi_reading_t, ZEUS_AMD_MPI_I_CAST(size_t, count) + 1);
        if (gpus == NULL || readings == NULL)
            job->status = ZEUS_AMD_STATUS_NO_MEMORY;
        if (job->status == ZEUS_AMD_STATUS_OK) {
            gpus[0] = init;
            job->status = zeus_amd_window_end(job->window, NULL, gpus, &count);
        } else if (zeus_amd_window_end(job->window, NULL, NULL, NULL) != ZEUS_AMD_STATUS_OK) {
            count = 0; /* The reason is in job->status already. */
        }
        job->window = NULL;
    }
    memset(&beside, 0, sizeof beside);
    if (job->node_window != NULL)
        beside = zeus_amd_mpi_i_beside(job->session, job->node_window);
    job->node_window = NULL;
    if (job->status != ZEUS_AMD_STATUS_OK)
        job->session = NULL;
    if (error == MPI_SUCCESS)
        error = zeus_amd_mpi_describe(job->comm, job->session, job->status, gpus, count, &mine, readings);
    if (error == MPI_SUCCESS) {
        mine.begin_ns = job->begin_ns;
        mine.end_ns = end_ns;
        mine.beside = beside;
        status = zeus_amd_mpi_reduce(job->comm, &mine, readings, energy);
        error = ZEUS_AMD_MPI_CALL(Comm_free)(&job->comm);
        if (status == ZEUS_AMD_STATUS_OK && error != MPI_SUCCESS) {
            zeus_amd_mpi_free(energy);
            energy->mpi_error = error;
            status = ZEUS_AMD_STATUS_IO;
        }
    } else {
        memset(energy, 0, sizeof *energy);
        energy->mpi_error = error;
        ZEUS_AMD_MPI_CALL(Comm_free)(&job->comm);
    }
    free(gpus);
    free(readings);
    return status;
}

#endif /* ZEUS_AMD_MPI_H */
