/* SPDX-License-Identifier: Apache-2.0 */
/* The report as text and as JSON, written by rank 0 of the program. */
#define _GNU_SOURCE
#include "pmpi.h"

#include "../connect/tool.h"
#include "../files.h"
#include "../json_text.h"
#include "../node.h"
#include "../numbers.h"
#include "../report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <unistd.h>

const char *const report_library = "libzeus_amd_pmpi.so";

/* Characters of a region's name in the text. */
#define MOST_SHOWN 63

static const char *const how_in_mpi =
    "estimate: the counters are read at edges of MPI calls and regions, for no more than 1 % of the time; "
    "between two readings the energy is split by the times in and out of MPI. Of a package that ranks share, "
    "the mean over them";
static const char *const how_share = "a package's energy in equal parts to the ranks that see it";

static double joules(uint64_t mj)
{
    return (double)mj / 1e3;
}

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

/* The name of a region, to be freed: of a level ZEUS_AMD_PMPI_REGIONS="1=solve,2=output", else its number; of others their path.
 * NULL: no memory. */
static char *region_name(const profile_region_sums *sums)
{
    const char *at = sums->number > 0 ? getenv("ZEUS_AMD_PMPI_REGIONS") : NULL;
    while (at != NULL && *at != '\0') {
        const size_t length = strcspn(at, ",");
        char *end;
        if (strtoull(at, &end, 10) == sums->number && *end == '=' && (size_t)(end + 1 - at) <= length)
            return strndup(end + 1, (size_t)(at + length - end - 1));
        at += length + (at[length] == ',');
    }
    return profile_shown(sums->path);
}

/* Of a long path the inner end: there the regions of one parent differ. */
static void text_name(FILE *to, const char *name)
{
    size_t length, characters = 0;
    for (const char *at = name; *at != '\0'; at += length, characters++)
        (void)utf8_next(at, &length);
    if (characters > MOST_SHOWN)
        fputc('<', to);
    for (; characters > MOST_SHOWN; name += length, characters--)
        (void)utf8_next(name, &length);
    utf8_print(to, name, 24);
}

static void json_member(FILE *to, const char *name, const char *text)
{
    fprintf(to, "\"%s\": ", name);
    json_string(to, text);
}

/* Without a package there is no energy to have a share of. */
static int has_share(const zeus_amd_mpi_rank_t *rank)
{
    return rank->share_uncertainty_mj > 0;
}

/* The energy of a job or a node, and that of its widest scope. */
static void json_total(FILE *to, const zeus_amd_mpi_total_t *t)
{
    json_number(to, "energy_j", t->packages > 0, joules(t->energy_mj), 3);
    json_number(to, "uncertainty_j", t->packages > 0, joules(t->uncertainty_mj), 3);
    fprintf(to, ", \"scope\": \"%s\"", scope_key(t->scope));
    json_number(to, "widest_energy_j", t->scope != ZEUS_AMD_NODE_SCOPE_NONE, joules(t->widest_mj), 3);
    json_number(to, "widest_uncertainty_j", t->scope != ZEUS_AMD_NODE_SCOPE_NONE, joules(t->widest_uncertainty_mj), 3);
}

static int is_measured(const zeus_amd_mpi_package_t *package)
{
    return package->reading.method != ZEUS_AMD_METHOD_NONE;
}

static double total_in_mpi(const profile_report *r)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < r->energy->total.packages + r->energy->total.missing; i++)
        sum += r->in_mpi_mj[i];
    return joules(sum);
}

/* Of all packages that count it. A sum that lacks the count of one is not set. */
static zeus_amd_limited_time_t limited(const profile_report *r)
{
    zeus_amd_limited_time_t sum = ZEUS_AMD_LIMITED_TIME_INIT;
    sum.valid = ~0u;
    for (uint32_t i = 0; i < r->energy->total.packages + r->energy->total.missing; i++) {
        const zeus_amd_mpi_reading_t *one = &r->energy->packages[i].reading;
        if (one->limited_status != ZEUS_AMD_STATUS_OK)
            continue;
        sum.valid &= one->limited.valid;
        sum.flags |= one->limited.flags;
        sum.cycles += one->limited.cycles;
        sum.ppt_cycles += one->limited.ppt_cycles;
        sum.socket_thermal_cycles += one->limited.socket_thermal_cycles;
        sum.vr_thermal_cycles += one->limited.vr_thermal_cycles;
        sum.hbm_thermal_cycles += one->limited.hbm_thermal_cycles;
        sum.prochot_cycles += one->limited.prochot_cycles;
    }
    return sum;
}

/* Why a rank has a status, if it has one. */
static const char *why(const profile_report *r, uint32_t rank)
{
    const zeus_amd_status_t status = r->energy->ranks[rank].status;
    for (size_t i = 0; i < r->why_count; i++)
        if (r->whys[i].rank == (int32_t)rank)
            return r->whys[i].text;
    return zeus_amd_status_string(status);
}

static uint64_t mpi_ns(const profile_report *r)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < r->energy->total.ranks; i++)
        sum += r->ranks[i].mpi_ns;
    return sum;
}

/* Of the slowest rank, without the opening, which is before the time that is measured. */
static profile_rank overhead(const profile_report *r)
{
    profile_rank most;
    memset(&most, 0, sizeof most);
    for (uint32_t i = 0; i < r->energy->total.ranks; i++) {
        const profile_rank *one = &r->ranks[i];
        most.open_ns = one->open_ns > most.open_ns ? one->open_ns : most.open_ns;
        most.gather_ns = one->gather_ns > most.gather_ns ? one->gather_ns : most.gather_ns;
        most.ignored += one->ignored;
        most.unbalanced += one->unbalanced;
        most.unfinished += one->unfinished;
        most.too_many += one->too_many;
        most.in_handlers += one->in_handlers;
        most.left_out += one->left_out;
        if (one->read_ns + one->call_ns >= most.read_ns + most.call_ns) {
            most.read_ns = one->read_ns;
            most.call_ns = one->call_ns;
            most.reads = one->reads;
            most.calls = one->calls;
        }
    }
    return most;
}

static int measures_more(const zeus_amd_mpi_energy_t *e)
{
    for (uint32_t i = 0; i < e->total.nodes; i++)
        if (e->nodes[i].total.scope >= ZEUS_AMD_NODE_SCOPE_PARTS)
            return 1;
    return 0;
}

static void write_json(FILE *to, const profile_report *r)
{
    const zeus_amd_mpi_energy_t *e = r->energy;
    const zeus_amd_mpi_total_t *t = &e->total;
    const profile_rank most = overhead(r);
    const zeus_amd_limited_time_t at_limit = limited(r);
    fputs("{\n  ", to);
    json_member(to, "program", program_invocation_name);
    fputs(",\n  ", to);
    json_member(to, "mpi", r->mpi_version);
    fputs(",\n  ", to);
    json_member(to, "zeus_amd", zeus_amd_version_string());
    fprintf(to,
            ",\n  \"job\": {\"ranks\": %" PRIu32 ", \"nodes\": %" PRIu32 ", \"packages\": %" PRIu32
            ", \"missing_packages\": %" PRIu32 ", \"duplicate_readings\": %" PRIu32 ", \"ranks_without_gpu\": %" PRIu32
            ", \"ranks_failed\": %" PRIu32 ", \"complete\": %s, \"flags\": %" PRIu32
            ", \"duration_s\": %.6f, \"time_in_mpi_s\": %.6f",
            t->ranks, t->nodes, t->packages, t->missing, t->duplicates, t->ranks_without_gpu, t->ranks_failed,
            t->flags & ZEUS_AMD_TOTAL_ENERGY_FLAG_INCOMPLETE_BIT ? "false" : "true", t->flags, seconds(t->duration_ns),
            seconds(mpi_ns(r)));
    json_number(to, "energy_in_mpi_j", t->packages > 0, total_in_mpi(r), 3);
    json_total(to, t);
    limited_json(to, at_limit.cycles > 0 ? ZEUS_AMD_STATUS_OK : ZEUS_AMD_STATUS_NOT_SUPPORTED, &at_limit);
    fputs("},\n  \"how\": {", to);
    json_member(to, "energy_in_mpi_j", how_in_mpi);
    fputs(", ", to);
    json_member(to, "share_j", how_share);
    fputs("},\n  \"nodes\": [", to);
    for (uint32_t i = 0; i < t->nodes; i++) {
        const zeus_amd_mpi_total_t *n = &e->nodes[i].total;
        fprintf(to, "%s\n    {", i == 0 ? "" : ",");
        json_member(to, "host", e->nodes[i].host);
        fprintf(to,
                ", \"ranks\": %" PRIu32 ", \"packages\": %" PRIu32 ", \"missing_packages\": %" PRIu32,
                n->ranks, n->packages, n->missing);
        json_total(to, n);
        fputc('}', to);
    }
    fputs("\n  ],\n  \"packages\": [", to);
    for (uint32_t i = 0; i < t->packages + t->missing; i++) {
        const zeus_amd_mpi_package_t *p = &e->packages[i];
        const zeus_amd_mpi_reading_t *one = &p->reading;
        fprintf(to, "%s\n    {\"node\": %" PRId32 ", ", i == 0 ? "" : ",", p->node);
        json_member(to, "pci_address", one->pci_address);
        fputs(", ", to);
        json_member(to, "name", one->name);
        fprintf(to, ", \"ranks\": %" PRIu32 ", \"duplicate_readings\": %" PRIu32, p->ranks, p->duplicates);
        if (is_measured(p))
            fprintf(to,
                    ", \"energy_j\": %.3f, \"uncertainty_j\": %.3f, \"least_energy_j\": %.3f, \"most_energy_j\": %.3f"
                    ", \"duration_s\": %.6f, \"begin_ns\": %" PRIu64 ", \"end_ns\": %" PRIu64
                    ", \"method\": \"%s\", \"flags\": %" PRIu32 ", \"read_by_rank\": %" PRId32 ", \"energy_in_mpi_j\": %.3f",
                    joules(one->energy_mj), joules(one->uncertainty_mj), joules(p->least_mj), joules(p->most_mj),
                    seconds(one->duration_ns), one->begin_ns, one->end_ns, zeus_amd_method_string(one->method), one->flags, one->rank,
                    joules(r->in_mpi_mj[i]));
        limited_json(to, one->limited_status, &one->limited);
        fprintf(to, ", \"status\": %" PRId32 ", ", one->status);
        json_member(to, "status_text", zeus_amd_status_string(one->status));
        fputs("}", to);
    }
    fputs("\n  ],\n  \"ranks\": [", to);
    for (uint32_t i = 0; i < t->ranks; i++) {
        const zeus_amd_mpi_rank_t *one = &e->ranks[i];
        const profile_rank *mine = &r->ranks[i];
        fprintf(to,
                "%s\n    {\"rank\": %" PRIu32 ", \"node\": %" PRId32 ", \"gpus\": %" PRIu32 ", \"packages\": %" PRIu32,
                i == 0 ? "" : ",", i, one->node, one->gpus, one->packages);
        json_number(to, "share_j", has_share(one), joules(one->share_mj), 3);
        json_number(to, "share_uncertainty_j", has_share(one), joules(one->share_uncertainty_mj), 3);
        fprintf(to,
                ", \"begin_ns\": %" PRIu64 ", \"end_ns\": %" PRIu64
                ", \"time_in_mpi_s\": %.6f, \"mpi_calls\": %" PRIu64 ", \"status\": %" PRId32 ", ",
                one->begin_ns, one->end_ns, seconds(mine->mpi_ns), mine->calls, one->status);
        json_member(to, "status_text", why(r, i));
        fputs("}", to);
    }
    fputs("\n  ],\n  \"regions\": [", to);
    for (int i = 0; i < r->region_count; i++) {
        const profile_region_sums *g = &r->region_sums[i];
        char *name = region_name(g);
        fprintf(to, "%s\n    {\"number\": %" PRIu64 ", ", i == 0 ? "" : ",", r->region_sums[i].number);
        json_member(to, "name", name != NULL ? name : "");
        free(name);
        fputs(", ", to);
        json_member(to, "kind", regions_kind_name(profile_kind(r->region_sums[i].path)));
        fprintf(to,
                ", \"times\": %" PRIu64 ", \"duration_s\": %.6f, \"time_in_mpi_s\": %.6f, \"packages\": %" PRIu32
                ", \"missing_packages\": %" PRIu32,
                r->region_sums[i].times, seconds(r->region_sums[i].ns), seconds(r->region_sums[i].mpi_ns), g->packages, g->missing);
        json_number(to, "energy_j", g->packages > 0, joules(g->energy_mj), 3);
        json_number(to, "uncertainty_j", g->packages > 0, joules(g->uncertainty_mj), 3);
        fprintf(to, ", \"flags\": %" PRIu32 "}", g->flags);
    }
    fprintf(to,
            "\n  ],\n  \"overhead\": {\"open_s\": %.6f, \"readings\": %" PRIu64 ", \"readings_s\": %.9f, \"calls\": %" PRIu64
            ", \"calls_s\": %.9f, \"finish_s\": %.6f, \"ignored_pcontrol\": %" PRIu64 "},\n"
            "  \"counted\": {\"unbalanced\": %" PRIu64 ", \"unfinished\": %" PRIu64 ", \"beyond_limit\": %" PRIu64
            ", \"in_signal_handlers\": %" PRIu64 ", \"left_out_regions\": %" PRIu64 "}\n}\n",
            seconds(most.open_ns), most.reads, seconds(most.read_ns), most.calls, seconds(most.call_ns),
            seconds(most.gather_ns), most.ignored, most.unbalanced, most.unfinished, most.too_many, most.in_handlers,
            most.left_out);
}

static void write_text(FILE *to, const profile_report *r)
{
    const zeus_amd_mpi_energy_t *e = r->energy;
    const zeus_amd_mpi_total_t *t = &e->total;
    const profile_rank most = overhead(r);
    const zeus_amd_limited_time_t at_limit = limited(r);
    const double time = seconds(t->duration_ns), in_mpi = seconds(mpi_ns(r)) / t->ranks;
    fputs("Energy of ", to);
    utf8_print(to, program_invocation_name, 0);
    fprintf(to, ": %" PRIu32 " rank(s) on %" PRIu32 " node(s)\n%.*s\n\n", t->ranks, t->nodes, (int)strcspn(r->mpi_version, "\n,"), r->mpi_version);
    if (t->packages > 0)
        fprintf(to, "energy    %12.3f J +- %.3f J, of %" PRIu32 " package(s), each counted once\n", joules(t->energy_mj),
                joules(t->uncertainty_mj), t->packages);
    else
        fprintf(to, "energy    none: no GPU was measured; the ranks below say why\n");
    if (measures_more(e))
        fprintf(to, "          %12.3f J +- %.3f J of the nodes, each by its widest scope\n", joules(t->widest_mj), joules(t->widest_uncertainty_mj));
    if (t->missing > 0)
        fprintf(to, "          %" PRIu32 " package(s) without an energy are not in it\n", t->missing);
    if (t->ranks_failed > 0)
        fprintf(to, "          %" PRIu32 " rank(s) could not measure; packages that only they see are missing\n", t->ranks_failed);
    fprintf(to, "time      %12.3f s from MPI_Init to MPI_Finalize\n", time);
    fprintf(to, "in MPI    %12.3f s, the mean of the ranks (%.1f %%)\n", in_mpi, time > 0 ? 100 * in_mpi / time : 0);
    if (t->packages > 0)
        fprintf(to, "          %12.3f J (estimate)\n", total_in_mpi(r));
    limited_text(to, "packages", ZEUS_AMD_STATUS_OK, &at_limit, 0, 0);
    fprintf(to,
            "overhead  %12.6f s in that time on the slowest rank (%.2f %%): %" PRIu64 " readings %.6f s, %" PRIu64
            " calls %.6f s\n          and %.3f s at most to open, %.3f s to bring this together\n",
            seconds(most.read_ns + most.call_ns), time > 0 ? 100 * seconds(most.read_ns + most.call_ns) / time : 0,
            most.reads, seconds(most.read_ns), most.calls, seconds(most.call_ns), seconds(most.open_ns),
            seconds(most.gather_ns));

    fprintf(to, "\n%-24s %6s %8s %14s %10s\n", "node", "ranks", "packages", "energy J", "+- J");
    for (uint32_t i = 0; i < t->nodes; i++) {
        const zeus_amd_mpi_total_t *n = &e->nodes[i].total;
        utf8_print(to, e->nodes[i].host, 24);
        fprintf(to, " %6" PRIu32 " %8" PRIu32, n->ranks, n->packages);
        text_number(to, n->packages > 0, 14, 3, joules(n->energy_mj));
        text_number(to, n->packages > 0, 10, 3, joules(n->uncertainty_mj));
        if (n->scope >= ZEUS_AMD_NODE_SCOPE_PARTS)
            fprintf(to, "  %s: %.3f J +- %.3f J", n->scope == ZEUS_AMD_NODE_SCOPE_NODE ? "whole node" : "with processors and memory",
                    joules(n->widest_mj), joules(n->widest_uncertainty_mj));
        fputc('\n', to);
    }
    if (t->packages + t->missing > 0)
        fprintf(to, "\n%-24s %-14s %5s %14s %10s %12s  %s\n", "package of", "PCI address", "ranks", "energy J", "+- J",
                "in MPI J", "by");
    for (uint32_t i = 0; i < t->packages + t->missing; i++) {
        const zeus_amd_mpi_package_t *p = &e->packages[i];
        const zeus_amd_mpi_reading_t *one = &p->reading;
        utf8_print(to, e->nodes[p->node].host, 24);
        fprintf(to, " %-14s %5" PRIu32, one->pci_address, p->ranks);
        if (is_measured(p))
            fprintf(to, " %14.3f %10.3f %12.3f  %s, rank %" PRId32 "\n", joules(one->energy_mj), joules(one->uncertainty_mj),
                    joules(r->in_mpi_mj[i]), zeus_amd_method_string(one->method), one->rank);
        else
            fprintf(to, " none: %s\n", zeus_amd_status_string(one->status));
    }
    for (uint32_t i = 0; i < t->packages + t->missing; i++) {
        const zeus_amd_mpi_reading_t *one = &e->packages[i].reading;
        limited_text(to, one->pci_address, one->limited_status, &one->limited,
                     one->duration_ns > 0 ? (double)one->energy_mj * 1e6 / (double)one->duration_ns : 0, 0);
    }
    fprintf(to, "\n%6s %-24s %5s %14s %10s %10s %10s\n", "rank", "node", "GPUs", "share J", "+- J", "in MPI s", "calls");
    for (uint32_t i = 0; i < t->ranks; i++) {
        const zeus_amd_mpi_rank_t *one = &e->ranks[i];
        const profile_rank *mine = &r->ranks[i];
        fprintf(to, "%6" PRIu32 " ", i);
        utf8_print(to, e->nodes[one->node].host, 24);
        fprintf(to, " %5" PRIu32, one->gpus);
        text_number(to, has_share(one), 14, 3, joules(one->share_mj));
        text_number(to, has_share(one), 10, 3, joules(one->share_uncertainty_mj));
        fprintf(to, " %10.3f %10" PRIu64 "%s", seconds(mine->mpi_ns), mine->calls, one->status != 0 ? "  " : "");
        utf8_print(to, one->status == 0 ? "" : why(r, i), 0);
        fputc('\n', to);
    }
    if (r->region_count > 0)
        fprintf(to, "\n%-24s %6s %10s %14s %10s %10s\n", "region", "times", "time s", "energy J", "+- J", "in MPI s");
    for (int i = 0; i < r->region_count; i++) {
        const profile_region_sums *g = &r->region_sums[i];
        char *name = region_name(g);
        text_name(to, name != NULL ? name : "");
        free(name);
        fprintf(to, " %6" PRIu64 " %10.3f", r->region_sums[i].times, seconds(r->region_sums[i].ns));
        text_number(to, g->packages > 0, 14, 3, joules(g->energy_mj));
        text_number(to, g->packages > 0, 10, 3, joules(g->uncertainty_mj));
        fprintf(to, " %10.3f%s\n", seconds(r->region_sums[i].mpi_ns) / t->ranks,
                g->flags & ZEUS_AMD_TOTAL_ENERGY_FLAG_INCOMPLETE_BIT ? "  incomplete" : "");
    }
    fprintf(to, "\nshare: %s.\nin MPI: %s.\n", how_share, how_in_mpi);
    if (r->region_count > 0)
        fprintf(to, "region: of a package the rank that was there longest; time and visits of the longest rank.\n");
    if (most.ignored > 0)
        fprintf(to, "%" PRIu64 " call(s) of MPI_Pcontrol with a level beyond %d were ignored.\n", most.ignored,
                PROFILE_REGIONS);
    if (most.left_out > 0)
        fprintf(to, "%" PRIu64 " region(s) of the ranks are left out here; ZEUS_AMD_PMPI_BY_RANK=1 writes them.\n", most.left_out);
    report_notes(to, &(regions_result){.unbalanced = most.unbalanced, .unfinished = most.unfinished, .too_many = most.too_many,
                                       .in_handlers = most.in_handlers});
}

static void text_form(FILE *to, const void *report)
{
    write_text(to, report);
}

static void json_form(FILE *to, const void *report)
{
    write_json(to, report);
}

static const report_form forms[] = {{".txt", text_form}, {".json", json_form}};

void profile_write(const profile_report *report)
{
    const char *chosen = getenv("ZEUS_AMD_PMPI_OUTPUT");
    const int saved = errno, fresh = chosen == NULL || chosen[0] == '\0';
    const char *base = fresh ? "zeus_amd_report" : chosen;
    /* Numbers with points, whatever the program's language. */
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0), before = (locale_t)0;
    if (plain != (locale_t)0)
        before = uselocale(plain);
    if (!fresh && strcmp(chosen, "-") == 0)
        (void)!report_print(&forms[0], report);
    else if (!report_write(forms, 2, report, report->directory, base, fresh))
        fprintf(stderr, "%s: the energy report cannot be written: %s\n", report_library,
                report_failure(report->directory, base));
    if (plain != (locale_t)0) {
        uselocale(before);
        freelocale(plain);
    }
    errno = saved;
}

int profile_by_rank(void)
{
    const char *asked = getenv("ZEUS_AMD_PMPI_BY_RANK");
    return asked != NULL && strcmp(asked, "1") == 0;
}

void profile_write_rank(int rank, const char *directory)
{
    char number[16];
    snprintf(number, sizeof number, "%d", rank);
    if (profile.result != NULL)
        report_output(profile.result, directory, number, tool_fences, 0);
}
