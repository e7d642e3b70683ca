/* SPDX-License-Identifier: Apache-2.0 */
/* What the tools have in common of a node's scopes and of limits. */
#ifndef ZEUS_AMD_TOOLS_NODE_H
#define ZEUS_AMD_TOOLS_NODE_H

#include <inttypes.h>
#include <stdio.h>
#include <zeus_amd.h>

/* As reports for programs name it. */
static inline const char *scope_key(zeus_amd_node_scope_t scope)
{
    static const char *const keys[] = {"none", "gpus", "parts", "node"};
    return scope < 4 ? keys[scope] : keys[0];
}

/* The time at each limit since counts that were taken with a status. */
static inline zeus_amd_status_t limited_since(const zeus_amd_session_t *session, uint32_t gpu, const zeus_amd_limit_counts_t *begin,
                                              zeus_amd_status_t status, zeus_amd_limited_time_t *limited)
{
    const zeus_amd_limited_time_t init = ZEUS_AMD_LIMITED_TIME_INIT;
    zeus_amd_limit_counts_t end = ZEUS_AMD_LIMIT_COUNTS_INIT;
    *limited = init;
    if (status == ZEUS_AMD_STATUS_OK)
        status = zeus_amd_limit_counts(session, gpu, &end);
    return status == ZEUS_AMD_STATUS_OK ? zeus_amd_limited_time(begin, &end, limited) : status;
}

/* The share of the time in which the power limit or a temperature held the clocks down, where it did. mean_w: 0: not one GPU's. */
static inline void limited_text(FILE *to, const char *of, zeus_amd_status_t status, const zeus_amd_limited_time_t *l, double mean_w)
{
    const double percent = l->cycles > 0 ? 100 / (double)l->cycles : 0;
    if (status != ZEUS_AMD_STATUS_OK)
        return;
    if (l->ppt_cycles > 0) {
        fprintf(to, "%s: %.1f %% of the time limited by package power", of, percent * (double)l->ppt_cycles);
        if (mean_w > 0)
            fprintf(to, ", %.1f W", mean_w);
        fputc('\n', to);
    }
    if (l->socket_thermal_cycles + l->vr_thermal_cycles + l->hbm_thermal_cycles + l->prochot_cycles > 0)
        fprintf(to, "%s: limited by temperature: socket %.1f %%, voltage regulators %.1f %%, memory %.1f %%, PROCHOT %.1f %%\n", of,
                percent * (double)l->socket_thermal_cycles, percent * (double)l->vr_thermal_cycles,
                percent * (double)l->hbm_thermal_cycles, percent * (double)l->prochot_cycles);
}

/* A member of a JSON object that has others before it. */
static inline void limited_json(FILE *to, zeus_amd_status_t status, const zeus_amd_limited_time_t *l)
{
    if (status != ZEUS_AMD_STATUS_OK || l->struct_size == 0)
        return;
    fprintf(to,
            ", \"limited\": {\"cycles\": %" PRIu64 ", \"package_power\": %" PRIu64 ", \"socket_temperature\": %" PRIu64
            ", \"regulator_temperature\": %" PRIu64 ", \"memory_temperature\": %" PRIu64 ", \"prochot\": %" PRIu64 "}",
            l->cycles, l->ppt_cycles, l->socket_thermal_cycles, l->vr_thermal_cycles, l->hbm_thermal_cycles, l->prochot_cycles);
}

#endif
