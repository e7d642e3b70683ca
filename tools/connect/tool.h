/* SPDX-License-Identifier: Apache-2.0 */
/* What the connectors of libzeus_amd_tools.so share. */
#ifndef ZEUS_AMD_TOOLS_TOOL_H
#define ZEUS_AMD_TOOLS_TOOL_H

#include "../regions/regions.h"

/* The only symbols that others see are those of the interfaces. */
#define TOOL_EXPORT __attribute__((visibility("default")))

/* Before the first region: opens the session, and lets the process report at its end. Cheap after the first time. */
void tool_start(void);
/* Reports now, once. Later regions are not counted. */
void tool_report(void);

/* Of Kokkos's kernels, for the report: "on" or "off". */
extern const char *tool_fences;

#endif
