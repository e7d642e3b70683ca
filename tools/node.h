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

/* What may hold the clocks down, and how the reports name it. */
static const struct limit_word { uint32_t valid; const char *key, *words; } limit_words[] = {
    {ZEUS_AMD_LIMITED_TIME_VALID_PPT_BIT, "package_power", "package power"},
    {ZEUS_AMD_LIMITED_TIME_VALID_SOCKET_THERMAL_BIT, "socket_temperature", "socket temperature"},
    {ZEUS_AMD_LIMITED_TIME_VALID_VR_THERMAL_BIT, "regulator_temperature", "temperature of the voltage regulators"},
    {ZEUS_AMD_LIMITED_TIME_VALID_HBM_THERMAL_BIT, "memory_temperature", "memory temperature"},
    {ZEUS_AMD_LIMITED_TIME_VALID_PROCHOT_BIT, "prochot", "PROCHOT"},
    {0, NULL, NULL},
};

static inline uint64_t limit_cycles(const zeus_amd_limited_time_t *l, uint32_t valid)
{
    switch (valid) {
    case ZEUS_AMD_LIMITED_TIME_VALID_PPT_BIT: return l->ppt_cycles;
    case ZEUS_AMD_LIMITED_TIME_VALID_SOCKET_THERMAL_BIT: return l->socket_thermal_cycles;
    case ZEUS_AMD_LIMITED_TIME_VALID_VR_THERMAL_BIT: return l->vr_thermal_cycles;
    case ZEUS_AMD_LIMITED_TIME_VALID_HBM_THERMAL_BIT: return l->hbm_thermal_cycles;
    default: return l->prochot_cycles;
    }
}

/* A line with the shares of the time in which limits held the clocks down, if any did. mean_w, limit_w: 0: not known. */
static inline void limited_text(FILE *to, const char *of, zeus_amd_status_t status, const zeus_amd_limited_time_t *l, double mean_w,
                                double limit_w)
{
    const char *before = " of the time limited by ", *comma = "";
    if (status != ZEUS_AMD_STATUS_OK || l->cycles == 0)
        return;
    for (const struct limit_word *w = limit_words; w->valid != 0; w++) {
        const uint64_t cycles = limit_cycles(l, w->valid);
        if (!(l->valid & w->valid) || cycles == 0)
            continue;
        if (comma[0] == '\0')
            fprintf(to, "%s: ", of);
        fprintf(to, "%s%.1f %%%s%s", comma, 100 * (double)cycles / (double)l->cycles, before, w->words);
        if (w->valid == ZEUS_AMD_LIMITED_TIME_VALID_PPT_BIT && mean_w > 0)
            fprintf(to, ", %.1f W", mean_w);
        if (w->valid == ZEUS_AMD_LIMITED_TIME_VALID_PPT_BIT && limit_w > 0)
            fprintf(to, " (limit %.1f W)", limit_w);
        before = " by ";
        comma = ", ";
    }
    if (comma[0] != '\0')
        fputs(l->flags & ZEUS_AMD_LIMITED_TIME_FLAG_RESET_BIT ? "; since its reset\n" : "\n", to);
}

/* Members of a JSON object. */
static inline void limit_members(FILE *to, const zeus_amd_limited_time_t *l)
{
    fprintf(to, "\"cycles\": %" PRIu64, l->cycles);
    for (const struct limit_word *w = limit_words; w->valid != 0; w++)
        if (l->valid & w->valid)
            fprintf(to, ", \"%s\": %" PRIu64, w->key, limit_cycles(l, w->valid));
        else
            fprintf(to, ", \"%s\": null", w->key);
}

/* A member of a JSON object that has others before it. */
static inline void limited_json(FILE *to, zeus_amd_status_t status, const zeus_amd_limited_time_t *l)
{
    if (status != ZEUS_AMD_STATUS_OK || l->struct_size == 0)
        return;
    fputs(", \"limited\": {", to);
    limit_members(to, l);
    fputc('}', to);
}

#endif
