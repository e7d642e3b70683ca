/* SPDX-License-Identifier: Apache-2.0 */
/* Where reports go. Shared by the tools. */
#ifndef ZEUS_AMD_TOOLS_FILES_H
#define ZEUS_AMD_TOOLS_FILES_H

#include "rank.h"

#include <stdio.h>

/* One form of a report: the ending of its file's name, and what writes it. */
typedef struct report_form {
    const char *ending;
    void (*write)(FILE *to, const void *report);
} report_form;

/* Writes each form to base + ending, relative to a folder, without which the base has to be absolute. Fresh: to a name of its own, BASE.JOB, or BASE.JOB-2 and so on, never one
 * of a file that exists; JOB is the job's number, or the process's. 0 and errno where that fails: then none of them is left. */
int report_write(const report_form *forms, int count, const void *report, const char *folder, const char *base, int fresh);
/* Why that failed. */
const char *report_failure(const char *folder, const char *base);
/* To standard error, in one piece: the ranks of a job may have one terminal. 0 and errno where that fails. */
int report_print(const report_form *form, const void *report);
/* The process that a report is of, if a copy of it writes: else 0. */
extern long report_process;

#endif
