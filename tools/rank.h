/* SPDX-License-Identifier: Apache-2.0 */
/* Which process of a job this is, by the launcher's environment. Shared by the tools. */
#ifndef ZEUS_AMD_TOOLS_RANK_H
#define ZEUS_AMD_TOOLS_RANK_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The first that is set to something that may be a part of a file's name. */
static inline const char *report_variable(const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0' && strchr(value, '/') == NULL)
            return value;
    }
    return NULL;
}

/* Which rank the launcher says that this is, and of how many; NULL: it does not. */
static inline const char *report_rank(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID"};
    /* A batch script has the last one too, and is no rank. */
    return report_variable(names, sizeof names / sizeof *names - (getenv("SLURM_STEP_NUM_TASKS") == NULL));
}

/* SLURM_NTASKS is also set in a batch script, whose programs are no ranks. */
static inline const char *report_ranks(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"};
    return report_variable(names, sizeof names / sizeof *names);
}

/* Messages of a job come once, where its launcher numbers the ranks. */
static inline int report_is_first(void)
{
    return report_rank() == NULL || atoi(report_rank()) == 0;
}

#endif
