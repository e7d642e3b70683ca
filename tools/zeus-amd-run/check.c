/* What there is to measure, what of it does not work, and what to do. */
#include "run.h"

#include "../json_text.h"
#include "../numbers.h"

#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_FINDINGS = 6, WORDS = 1200 };

struct state {
    zeus_amd_reading_t reading;
    uint64_t limit_mw, least_mw, most_mw;
    int has_limit, may_cap, fails; /* fails: there is no energy of the package, or nothing at all */
    int findings;
    char words[MOST_FINDINGS][WORDS];
};

static const char *energy_from(const struct state *s)
{
    switch (s->reading.counter_state) {
    case ZEUS_AMD_COUNTER_STATE_TRUSTED: case ZEUS_AMD_COUNTER_STATE_NOT_CHECKED: return "counter";
    case ZEUS_AMD_COUNTER_STATE_SECONDARY_DIE: case ZEUS_AMD_COUNTER_STATE_SECONDARY_PARTITION: return "package";
    case ZEUS_AMD_COUNTER_STATE_PENDING: return "none";
    default: return (s->reading.valid & (ZEUS_AMD_READING_VALID_POWER_INSTANT_BIT | ZEUS_AMD_READING_VALID_POWER_AVERAGE_BIT)) != 0 ? "power" : "none";
    }
}

static void find(struct state *s, const char *what, const char *more)
{
    if (s->findings < MOST_FINDINGS)
        snprintf(s->words[s->findings++], WORDS, "%s%s", what, more);
}

static void find_counter(const struct measure *m, uint32_t i, struct state *s)
{
    const char *instead = strcmp(energy_from(s), "power") == 0 ? "; energies are integrated from its power" : ", and there is no power to integrate";
    char words[WORDS];
    uint64_t mj;
    switch (s->reading.counter_state) {
    case ZEUS_AMD_COUNTER_STATE_TRUSTED: case ZEUS_AMD_COUNTER_STATE_NOT_CHECKED: break;
    case ZEUS_AMD_COUNTER_STATE_STUCK: find(s, "its energy counter does not advance", instead); break;
    case ZEUS_AMD_COUNTER_STATE_IMPLAUSIBLE: find(s, "its energy counter does not agree with its power", instead); break;
    case ZEUS_AMD_COUNTER_STATE_NO_POWER_TO_COMPARE: find(s, "it reports no power to check its energy counter by, so that is not used", ""); break;
    case ZEUS_AMD_COUNTER_STATE_UNSUPPORTED: find(s, "it has no energy counter", instead); break;
    case ZEUS_AMD_COUNTER_STATE_SECONDARY_DIE: case ZEUS_AMD_COUNTER_STATE_SECONDARY_PARTITION:
        find(s, "the first GPU of its package has the energy of all; it must be visible to the process as well", "");
        break;
    case ZEUS_AMD_COUNTER_STATE_PENDING: find(s, "it is suspended or in reset; its counter is checked when work runs on it", ""); break;
    default:
        find(s, "its energy counter cannot be read", instead);
        if (zeus_amd_energy_mj(m->session, i, &mj) != ZEUS_AMD_STATUS_OK) {
            zeus_amd_last_error(words, sizeof words);
            find(s, "", words);
        }
        break;
    }
}

/* Root passes where /sys is writable, which it is not in most containers. */
static void find_rights(struct state *s, const char *pci_address)
{
    const char *root = getenv("ZEUS_AMD_ROOT");
    char pattern[512];
    glob_t files;
    snprintf(pattern, sizeof pattern, "%s/sys/bus/pci/devices/%s/hwmon/hwmon*/power1_cap", root != NULL ? root : "", pci_address);
    if (glob(pattern, 0, NULL, &files) != 0 || files.gl_pathc == 0) {
        find(s, "its limits cannot be set: there is no ", pattern);
    } else {
        s->may_cap = access(files.gl_pathv[0], W_OK) == 0;
        if (!s->may_cap)
            find(s, "its limits cannot be set by this user; become root, or see docs/permissions.md: not writable: ", files.gl_pathv[0]);
    }
    globfree(&files);
}

static void gather(const struct measure *m, uint32_t i, const zeus_amd_reading_t *reading, struct state *s)
{
    char error[WORDS - 100];
    zeus_amd_status_t status;
    memset(s, 0, sizeof *s);
    s->reading = *reading;
    if (reading->valid == 0)
        find(s, "it cannot be read: ", zeus_amd_status_string(reading->status));
    find_counter(m, i, s);
    s->fails = strcmp(energy_from(s), "none") == 0;
    if (strcmp(energy_from(s), "package") == 0)
        return; /* nor has it a limit of its own */
    status = zeus_amd_power_limit_mw(m->session, i, &s->limit_mw);
    if (status == ZEUS_AMD_STATUS_OK)
        status = zeus_amd_power_limit_range_mw(m->session, i, &s->least_mw, &s->most_mw);
    s->has_limit = status == ZEUS_AMD_STATUS_OK;
    if (!s->has_limit) {
        zeus_amd_last_error(error, sizeof error);
        find(s, "its power limit cannot be read: ", error);
    }
    if (status != ZEUS_AMD_STATUS_NOT_SUPPORTED)
        find_rights(s, m->gpus[i].info.pci_address);
}

/* Has no GPU of this process the energy of the package? */
static int is_lost(const struct measure *m, const struct state *states, uint32_t i)
{
    for (uint32_t k = 0; k < m->count; k++)
        if (strcmp(m->gpus[k].info.package, m->gpus[i].info.package) == 0 && strcmp(energy_from(&states[k]), "package") != 0)
            return 0;
    return 1;
}

/* All GPUs, or NULL: out of memory. */
static struct state *gather_all(const struct measure *m, int *all_works)
{
    static const zeus_amd_reading_t empty = ZEUS_AMD_READING_INIT;
    uint32_t count = m->count;
    struct state *states = calloc((size_t)m->count + 1, sizeof *states);
    zeus_amd_reading_t *readings = calloc((size_t)m->count + 1, sizeof *readings);
    *all_works = m->count > 0 && states != NULL && readings != NULL;
    if (*all_works) {
        readings[0] = empty;
        (void)!zeus_amd_read_all(m->session, readings, &count);
        for (uint32_t i = 0; i < m->count; i++)
            gather(m, i, &readings[i], &states[i]);
        for (uint32_t i = 0; i < m->count; i++) {
            states[i].fails |= is_lost(m, states, i);
            *all_works &= !m->gpus[i].chosen || !states[i].fails;
        }
    }
    free(readings);
    return states;
}

static int power_of(const struct state *s, uint64_t *mw)
{
    const zeus_amd_reading_t *r = &s->reading;
    int instant = (r->valid & ZEUS_AMD_READING_VALID_POWER_INSTANT_BIT) != 0;
    *mw = instant ? r->power_instant_mw : r->power_average_mw;
    return instant || (r->valid & ZEUS_AMD_READING_VALID_POWER_AVERAGE_BIT) != 0;
}

static void row(FILE *f, uint32_t i, const struct gpu *g, const struct state *s, int width)
{
    uint64_t mw;
    int has_power = power_of(s, &mw);
    fprintf(f, "%5" PRIu32 "  ", i);
    put_plain(f, g->info.name, width);
    fprintf(f, "  %-12s", g->info.pci_address);
    text_number(f, has_power, 8, 1, (double)mw / 1e3);
    text_number(f, (s->reading.valid & ZEUS_AMD_READING_VALID_TEMPERATURE_BIT) != 0, 8, 1, s->reading.temperature_c);
    text_number(f, s->has_limit, 8, 1, (double)s->limit_mw / 1e3);
    fprintf(f, "  %-3s  %-7s  %s\n", s->may_cap ? "yes" : "no", energy_from(s), zeus_amd_counter_state_string(s->reading.counter_state));
}

static void table(FILE *f, const struct measure *m, const struct state *states)
{
    int width = 4;
    for (uint32_t i = 0; i < m->count; i++)
        if (m->gpus[i].chosen && (int)strlen(m->gpus[i].info.name) > width)
            width = (int)strlen(m->gpus[i].info.name);
    fprintf(f, "%5s  %-*s  %-12s %8s %8s %8s  %-3s  %-7s  %s\n", "GPU", width, "name", "PCI", "power W", "temp C", "limit W", "cap", "energy", "counter");
    for (uint32_t i = 0; i < m->count; i++)
        if (m->gpus[i].chosen)
            row(f, i, &m->gpus[i], &states[i], width);
}

static void library(FILE *f, const struct measure *m)
{
    const zeus_amd_session_info_t *i = &m->info;
    which_library(f, m);
    if ((i->valid & ZEUS_AMD_SESSION_INFO_VALID_AMDSMI_BIT) != 0) {
        fprintf(f, "libamd_smi %" PRIu32 ".%" PRIu32 ".%" PRIu32 " (ROCm %s): ", i->amdsmi_version_0, i->amdsmi_version_1, i->amdsmi_version_2, i->rocm);
        put_plain(f, i->amdsmi_path, 0);
        fputc('\n', f);
    }
}

/* What the node has beside its GPUs. */
static void node(FILE *f, const struct node *n)
{
    for (uint32_t i = 0; i < n->count; i++) {
        const zeus_amd_node_domain_info_t *d = &n->domains[i];
        if (d->source == ZEUS_AMD_NODE_SOURCE_GPU)
            continue;
        fputs("node: ", f);
        put_plain(f, d->name, 18);
        fprintf(f, " %-17s  %s: %s\n", zeus_amd_node_domain_kind_string(d->kind), domain_source(d), zeus_amd_status_string(d->status));
    }
    if (n->readable == 0)
        fputs("node: nothing but the GPUs has an energy\n", f);
    if (n->why[0] != 0) {
        put_plain(f, n->why, 0);
        fputc('\n', f);
    }
    put_lines(f, n->opinion, "");
}

int check_text(FILE *f, const struct options *o, const struct measure *m)
{
    int all_works;
    struct state *states = gather_all(m, &all_works);
    fprintf(f, "zeus-amd-run %s on ", zeus_amd_version_string());
    put_plain(f, o->place.host, 0);
    fputc('\n', f);
    library(f, m);
    if (m->none[0] == 0) {
        which_gpus(f, o, m);
        table(f, m, states);
    } else {
        put_plain(f, m->none, 0);
        fputc('\n', f);
    }
    if (o->check == CHECK_GPUS) {
        fputs("zeus-amd-run --check says what does not work; zeus-amd-run -- COMMAND measures a command\n", f);
    } else {
        char *text = explained(m);
        for (uint32_t i = 0; i < m->count; i++)
            for (int k = 0; m->gpus[i].chosen && k < states[i].findings; k++) {
                fprintf(f, "GPU %" PRIu32 ": ", i);
                put_plain(f, states[i].words[k], 0);
                fputc('\n', f);
            }
        node(f, &m->node);
        fputs("how the list of GPUs was made:\n", f);
        put_lines(f, text, "  ");
        free(text);
        fprintf(f, "result: %s\n", all_works ? "energies can be measured" : "some energies cannot be measured, see above");
    }
    free(states);
    return all_works;
}

static void member(FILE *f, const char *name, const char *value)
{
    fprintf(f, "\"%s\": ", name);
    if (value == NULL)
        fputs("null", f);
    else
        json_string(f, value);
}

static void domains(FILE *f, const struct node *n)
{
    const char *comma = "\n    ";
    fputs(",\n  \"node\": [", f);
    for (uint32_t i = 0; i < n->count; i++) {
        const zeus_amd_node_domain_info_t *d = &n->domains[i];
        if (d->source == ZEUS_AMD_NODE_SOURCE_GPU)
            continue;
        fprintf(f, "%s{", comma);
        member(f, "name", d->name);
        fputs(", ", f);
        member(f, "kind", zeus_amd_node_domain_kind_string(d->kind));
        fputs(", ", f);
        member(f, "source", domain_source(d));
        fputs(", ", f);
        member(f, "path", d->path);
        fputs(", ", f);
        member(f, "status", zeus_amd_status_string(d->status));
        fputc('}', f);
        comma = ",\n    ";
    }
    fputs("],\n  ", f);
    member(f, "node_finding", n->why[0] != 0 ? n->why : NULL);
    fputs(",\n  ", f);
    member(f, "second_opinion", n->opinion);
}

static void gpu(FILE *f, uint32_t i, const zeus_amd_gpu_info_t *info, const struct state *s)
{
    uint64_t mw;
    int has_power = power_of(s, &mw);
    fprintf(f, "{\"gpu\": %" PRIu32 ", ", i);
    member(f, "name", info->name);
    fputs(", ", f);
    member(f, "pci_address", info->pci_address);
    fputs(", ", f);
    member(f, "uuid", info->uuid);
    fputs(", ", f);
    member(f, "package", info->package);
    fputs(",\n     ", f);
    member(f, "status", zeus_amd_status_string(s->reading.status));
    fputs(", ", f);
    member(f, "counter", zeus_amd_counter_state_string(s->reading.counter_state));
    fputs(", ", f);
    member(f, "energy_from", energy_from(s));
    json_number(f, "power_w", has_power, (double)mw / 1e3, 3);
    json_number(f, "temperature_c", (s->reading.valid & ZEUS_AMD_READING_VALID_TEMPERATURE_BIT) != 0, s->reading.temperature_c, 0);
    json_number(f, "limit_w", s->has_limit, (double)s->limit_mw / 1e3, 3);
    json_number(f, "limit_min_w", s->has_limit, (double)s->least_mw / 1e3, 3);
    json_number(f, "limit_max_w", s->has_limit, (double)s->most_mw / 1e3, 3);
    fprintf(f, ", \"may_cap\": %s,\n     \"findings\": [", s->may_cap ? "true" : "false");
    for (int k = 0; k < s->findings; k++) {
        fputs(k == 0 ? "" : ", ", f);
        json_string(f, s->words[k]);
    }
    fputs("]}", f);
}

int check_json(FILE *f, const struct options *o, const struct measure *m)
{
    const zeus_amd_session_info_t *info = &m->info;
    int all_works, has_library = (info->valid & ZEUS_AMD_SESSION_INFO_VALID_AMDSMI_BIT) != 0;
    struct state *states = gather_all(m, &all_works);
    const char *comma = "\n    ";
    char version[64], *text = explained(m);
    snprintf(version, sizeof version, "%" PRIu32 ".%" PRIu32 ".%" PRIu32, info->amdsmi_version_0, info->amdsmi_version_1, info->amdsmi_version_2);
    fprintf(f, "{\n  \"zeus_amd_version\": \"%s\", ", zeus_amd_version_string());
    member(f, "host", o->place.host);
    fprintf(f, ", \"all_works\": %s, ", all_works ? "true" : "false");
    member(f, "no_gpus", m->none[0] != 0 ? m->none : NULL);
    fputs(",\n  \"amdsmi\": {", f);
    member(f, "status", zeus_amd_status_string(info->amdsmi_status));
    fputs(", ", f);
    member(f, "version", has_library ? version : NULL);
    fputs(", ", f);
    member(f, "rocm", has_library ? info->rocm : NULL);
    fputs(", ", f);
    member(f, "path", has_library ? info->amdsmi_path : NULL);
    fputs("},\n  \"gpus\": [", f);
    for (uint32_t i = 0; states != NULL && i < m->count; i++) {
        if (m->gpus[i].chosen) {
            fputs(comma, f);
            gpu(f, i, &m->gpus[i].info, &states[i]);
            comma = ",\n    ";
        }
    }
    fputs("],\n  ", f);
    member(f, "order", text);
    domains(f, &m->node);
    fputs("\n}\n", f);
    free(text);
    free(states);
    return all_works;
}
