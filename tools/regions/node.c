/* SPDX-License-Identifier: Apache-2.0 */
/* The node beside its GPUs, from the begin to the end, and the limits that held the GPUs down. */
#define _GNU_SOURCE
#include "core.h"

#include "../node.h"

#include <stdlib.h>

static zeus_amd_node_window_t *window;

void core_node_begin(const zeus_amd_session_t *session)
{
    const zeus_amd_limit_counts_t init = ZEUS_AMD_LIMIT_COUNTS_INIT;
    /* A node may measure nothing but its GPUs. */
    if (zeus_amd_node_window_begin(session, &window) != ZEUS_AMD_STATUS_OK)
        window = NULL;
    for (uint32_t i = 0; i < core.gpu_count; i++) {
        core.gpus[i].counts = init;
        core.gpus[i].limited_status = zeus_amd_limit_counts(session, i, &core.gpus[i].counts);
    }
}

static void limits_end(const zeus_amd_session_t *session)
{
    for (uint32_t i = 0; i < core.gpu_count; i++) {
        regions_gpu *gpu = &core.gpus[i];
        gpu->limited_status = limited_since(session, i, &gpu->counts, gpu->limited_status, &gpu->limited);
    }
}

/* Of the domains in the total those that are no packages of GPUs, which the GPUs' own window has. */
void core_node_end(const zeus_amd_session_t *session)
{
    const zeus_amd_node_energy_t init = ZEUS_AMD_NODE_ENERGY_INIT;
    zeus_amd_node_total_t total = ZEUS_AMD_NODE_TOTAL_INIT;
    zeus_amd_node_energy_t *domains = NULL;
    uint32_t count = 0;
    if (core.gpu_count > 0)
        limits_end(session);
    if (window == NULL)
        return;
    if (zeus_amd_node_domain_count(session, &count) == ZEUS_AMD_STATUS_OK && count > 0)
        domains = calloc(count, sizeof *domains);
    if (domains != NULL)
        domains[0] = init;
    if (zeus_amd_node_window_end(window, &total, domains, domains != NULL ? &count : NULL) != ZEUS_AMD_STATUS_OK || domains == NULL)
        count = 0;
    window = NULL;
    for (uint32_t i = 0; i < count; i++) {
        zeus_amd_node_domain_info_t info = ZEUS_AMD_NODE_DOMAIN_INFO_INIT;
        if ((domains[i].flags & ZEUS_AMD_NODE_ENERGY_FLAG_IN_TOTAL_BIT) == 0 ||
            zeus_amd_node_domain_info(session, i, &info) != ZEUS_AMD_STATUS_OK || info.kind == ZEUS_AMD_NODE_DOMAIN_GPU ||
            info.kind == ZEUS_AMD_NODE_DOMAIN_ACCELERATOR)
            continue;
        core.beside_scope = total.scope;
        core.beside_uj += domains[i].energy_uj;
        core.beside_uncertainty_uj += domains[i].uncertainty_uj;
    }
    free(domains);
}
