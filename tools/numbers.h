/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in reports that may not be known: never 0 then. Shared by the tools. */
#ifndef ZEUS_AMD_TOOLS_NUMBERS_H
#define ZEUS_AMD_TOOLS_NUMBERS_H

#include <stdio.h>

/* A column of a table, after a blank. */
static inline void text_number(FILE *to, int is_known, int width, int digits, double value)
{
    if (is_known)
        fprintf(to, " %*.*f", width, digits, value);
    else
        fprintf(to, " %*s", width, "-");
}

/* A member of a JSON object that has others before it. */
static inline void json_number(FILE *to, const char *name, int is_known, double value, int digits)
{
    if (is_known)
        fprintf(to, ", \"%s\": %.*f", name, digits, value);
    else
        fprintf(to, ", \"%s\": null", name);
}

#endif
