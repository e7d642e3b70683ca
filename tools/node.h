/* SPDX-License-Identifier: Apache-2.0 */
/* What the tools have in common of a node's scopes and of limits. */
#ifndef ZEUS_AMD_TOOLS_NODE_H
#define ZEUS_AMD_TOOLS_NODE_H

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

#endif
