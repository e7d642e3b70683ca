/* SPDX-License-Identifier: Apache-2.0 */
/* Where the report goes: ZEUS_AMD_TOOLS_OUTPUT=base writes base.txt and so on, "-" the text to standard error; without it a
 * name that no file has yet. ZEUS_AMD_TOOLS_FORMATS lists the forms, ZEUS_AMD_TOOLS_DEPTH limits the text's levels. */
#define _GNU_SOURCE
#include "report.h"

#include "../files.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 8

static const struct {
    const char *name;
    report_form form;
} all_forms[] = {
    {"text", {".txt", report_text}},
    {"json", {".json", report_json}},
    {"csv", {".csv", report_csv}},
    {"folded", {".folded", report_folded}},
    {"trace", {".trace.json", report_trace}},
};
enum { FORMS = sizeof all_forms / sizeof *all_forms };

static const char *listed_forms(void)
{
    const char *list = getenv("ZEUS_AMD_TOOLS_FORMATS");
    return list != NULL && list[0] != '\0' ? list : "text,json";
}

int report_is_traced(void)
{
    for (const char *list = listed_forms(); *list != '\0'; list += strcspn(list, ","), list += *list == ',')
        if (strcspn(list, ",") == 5 && strncmp(list, "trace", 5) == 0)
            return 1;
    return 0;
}

/* Each once: a second file of a name would find the first. */
static int chosen_forms(report_form *forms)
{
    const char *list = listed_forms();
    int count = 0, taken[FORMS] = {0};
    while (*list != '\0') {
        const size_t length = strcspn(list, ",");
        int known = 0;
        for (int i = 0; i < FORMS; i++)
            if (strlen(all_forms[i].name) == length && strncmp(all_forms[i].name, list, length) == 0) {
                if (!taken[i]++)
                    forms[count++] = all_forms[i].form;
                known = 1;
            }
        if (!known)
            fprintf(stderr, "%s: ZEUS_AMD_TOOLS_FORMATS: no form %.*s\n", report_library, (int)length, list);
        list += length + (list[length] == ',');
    }
    return count;
}

static uint32_t chosen_depth(void)
{
    const char *text = getenv("ZEUS_AMD_TOOLS_DEPTH");
    char *end = NULL;
    const unsigned long depth = text != NULL ? strtoul(text, &end, 10) : 0;
    return text != NULL && end != text && *end == '\0' && depth > 0 && depth < UINT32_MAX ? (uint32_t)depth : DEPTH;
}

/* Ranks of one job have one base, and a report each. */
static char *base_of_rank(const char *base, const char *rank)
{
    char *name = NULL;
    if (rank == NULL)
        return strdup(base);
    return asprintf(&name, "%s.rank%s", base, rank) < 0 ? NULL : name;
}

static void write_report(const report *p, const char *folder, const char *rank)
{
    const char *base = getenv("ZEUS_AMD_TOOLS_OUTPUT");
    const int fresh = base == NULL || base[0] == '\0';
    report_form forms[FORMS];
    const int count = chosen_forms(forms);
    char *name;
    if (!fresh && strcmp(base, "-") == 0) {
        (void)!report_print(&all_forms[0].form, p);
        return;
    }
    name = base_of_rank(fresh ? "zeus_amd_regions" : base, rank);
    errno = ENOMEM;
    if (name == NULL || !report_write(forms, count, p, folder, name, fresh))
        fprintf(stderr, "%s: the energy report cannot be written: %s\n", report_library,
                name == NULL ? strerror(errno) : report_failure(folder, name));
    free(name);
}

void report_output(const regions_result *result, const char *folder, const char *rank, const char *fences, int aborted)
{
    const report p = {result, program_invocation_name, fences, aborted, chosen_depth()};
    const int saved = errno;
    /* Numbers with points, whatever the program's language. */
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0), before = (locale_t)0;
    if (plain != (locale_t)0)
        before = uselocale(plain);
    report_prepare(result);
    write_report(&p, folder, rank);
    if (plain != (locale_t)0) {
        uselocale(before);
        freelocale(plain);
    }
    errno = saved;
}
