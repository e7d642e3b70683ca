/* SPDX-License-Identifier: Apache-2.0 */
/* The node beside its GPUs, from the begin to the end, and the limits that held the GPUs down. */
#define _GNU_SOURCE
#include "core.h"

#include "../node.h"

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

void core_node_end(const zeus_amd_session_t *session)
{
    const zeus_amd_node_total_t none = ZEUS_AMD_NODE_TOTAL_INIT;
    for (uint32_t i = 0; i < core.gpu_count; i++) {
        regions_gpu *gpu = &core.gpus[i];
        gpu->limited_status = limited_since(session, i, &gpu->counts, gpu->limited_status, &gpu->limited);
    }
    core.node = none;
    /* A total without an energy has no scope. */
    if (window != NULL)
        (void)!zeus_amd_node_window_end(window, &core.node, NULL, NULL);
    window = NULL;
}
