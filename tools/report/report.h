/* SPDX-License-Identifier: Apache-2.0 */
/* The report on regions, in its forms. */
#ifndef ZEUS_AMD_TOOLS_REPORT_H
#define ZEUS_AMD_TOOLS_REPORT_H

#include "../regions/regions.h"

#include <stdio.h>

typedef struct report {
    const regions_result *result;
    const char *program;
    /* What Kokkos was asked for: "off", "on", or why not. */
    const char *fences;
    /* The process aborted: what is known of it up to the last reading. */
    int aborted;
    /* Levels of regions in the text. */
    uint32_t depth;
} report;

/* The energy of a region over all GPUs, in microjoules. */
typedef struct report_energy {
    int64_t uj;
    double uncertainty_uj, shared_uj;
} report_energy;

/* prepare.c: rounds energies so that they add up, sorts regions by energy, and names them. Once, before any form. */
void report_prepare(const regions_result *result);
/* Whether a GPU has an energy. Without one no sum of energies is known. */
int report_is_measured(const regions_result *result);
/* All regions, each before its children; NULL: no more. */
regions_region *report_next(const regions_region *top, const regions_region *at);
report_energy report_sum(const regions_result *result, const regions_share *shares);
report_energy report_total(const regions_result *result);

/* The energy of the widest scope that was measured, and which that is. */
report_energy report_widest(const regions_result *result, zeus_amd_node_scope_t *scope);

/* A name of C++, to be freed; NULL: it is none, or there is no demangler. */
char *report_demangled(const char *name);
/* source.c: where in the source a call returns to this address; to be freed. NULL: not known. */
char *report_source(uint64_t return_address);

/* The forms, for report_write(). */
void report_text(FILE *to, const void *report);
void report_json(FILE *to, const void *report);
void report_csv(FILE *to, const void *report);
void report_folded(FILE *to, const void *report);
void report_trace(FILE *to, const void *report);
/* Lines on what was annotated as it should not be. */
void report_notes(FILE *to, const regions_result *result);

/* output.c: writes the forms that the environment asks for; whether one of them is the trace. The rank is a part of the files'
 * name; NULL: none. */
int report_is_traced(void);
void report_output(const regions_result *result, const char *folder, const char *rank, const char *fences, int aborted);
/* The library that reports, for messages. */
extern const char *const report_library;

#endif
