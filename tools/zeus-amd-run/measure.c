/* The GPUs: a window for the energies, a sampler for the curve and the peaks. */
#include "run.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct flag_word flag_words[] = {
    {ZEUS_AMD_GPU_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT, "high_uncertainty", "too short a time for a small uncertainty"},
    {ZEUS_AMD_GPU_ENERGY_FLAG_RESET_BIT, "reset", "its counter was reset; the energy across the reset is from the power"},
    {ZEUS_AMD_GPU_ENERGY_FLAG_SHARED_PACKAGE_BIT, "shared_package", "of the whole package"},
    {ZEUS_AMD_GPU_ENERGY_FLAG_COUNTER_REJECTED_BIT, "counter_rejected", "its counter failed the check and is not used"},
    {ZEUS_AMD_GPU_ENERGY_FLAG_STALE_BIT, "stale", "the driver repeats an old reading"},
    {ZEUS_AMD_GPU_ENERGY_FLAG_SAMPLING_GAP_BIT, "sampling_gap", "with gaps in the samples"},
    {ZEUS_AMD_GPU_ENERGY_FLAG_AVERAGED_POWER_BIT, "averaged_power", "from a power that the firmware averages over seconds"},
    {ZEUS_AMD_GPU_ENERGY_FLAG_FIRMWARE_RESOLUTION_BIT, "firmware_resolution", ""},
    {ZEUS_AMD_GPU_ENERGY_FLAG_FIRMWARE_DURATION_BIT, "firmware_duration", ""},
    {ZEUS_AMD_GPU_ENERGY_FLAG_POLLED_AGAIN_BIT, "polled_again", ""},
    {ZEUS_AMD_TOTAL_ENERGY_FLAG_INCOMPLETE_BIT, "incomplete", "a package is missing"},
    {0, NULL, NULL},
};

/* In one line. */
static void keep_words(char *to, size_t room, const char *what, const char *words)
{
    int n = snprintf(to, room, "%s: ", what);
    char *end = to + room - 1;
    to += n;
    for (; *words != 0 && to + 1 < end; words++) {
        if (*words != '\n') {
            *to++ = *words;
        } else if (words[1] != 0) {
            *to++ = ';';
            *to++ = ' ';
        }
    }
    *to = 0;
}

void keep_error(char *to, size_t room, const char *what)
{
    char words[1000];
    zeus_amd_last_error(words, sizeof words);
    keep_words(to, room, what, words);
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "0,2-3" */
static int choose(struct measure *m, const char *list)
{
    const char *at = list;
    for (uint32_t i = 0; i < m->count; i++)
        m->gpus[i].chosen = list == NULL;
    while (at != NULL) {
        char *end;
        unsigned long first, last;
        first = last = strtoul(at, &end, 10);
        if (*end == '-' && is_digit(end[1]))
            last = strtoul(end + 1, &end, 10);
        if (!is_digit(*at) || (*end != ',' && *end != 0) || first > last || last >= m->count) {
            fprintf(stderr, "zeus-amd-run: --gpus %s: not a list such as 0,2-3 of the %" PRIu32 " GPUs, from 0 on\n", list, m->count);
            return EXIT_USAGE;
        }
        for (; first <= last; first++)
            m->gpus[first].chosen = 1;
        at = *end == ',' ? end + 1 : NULL;
    }
    for (uint32_t i = 0; i < m->count; i++)
        m->chosen += m->gpus[i].chosen != 0;
    return 0;
}

/* On any thread. */
static void show_message(uint32_t level, const char *message, void *context)
{
    (void)level;
    (void)context;
    fputs("zeus-amd-run: ", stderr);
    put_plain(stderr, message, 0);
    fputc('\n', stderr);
}

int measure_open(struct measure *m, const struct options *o)
{
    static const zeus_amd_session_info_t no_info = ZEUS_AMD_SESSION_INFO_INIT;
    static const zeus_amd_gpu_info_t no_gpu = ZEUS_AMD_GPU_INFO_INIT;
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    options.backend = o->backend;
    options.energy_resolution = o->resolution;
    options.flags = o->all ? ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT : 0;
    m->info = no_info;
    m->end_ns = UINT64_MAX;
    if (o->verbose)
        (void)!zeus_amd_set_log(show_message, ZEUS_AMD_LOG_DEBUG, NULL);
    if (zeus_amd_open(&options, &m->session) != ZEUS_AMD_STATUS_OK) {
        keep_error(m->none, sizeof m->none, "no session");
        return 0;
    }
    if (zeus_amd_session_info(m->session, &m->info) != ZEUS_AMD_STATUS_OK ||
        zeus_amd_gpu_count(m->session, &m->count) != ZEUS_AMD_STATUS_OK) {
        keep_error(m->none, sizeof m->none, "no session");
        m->count = 0;
        return 0;
    }
    node_find(m);
    if (m->count == 0) {
        char words[900] = "";
        size_t needed;
        if (zeus_amd_explain(m->session, words, sizeof words, &needed) != ZEUS_AMD_STATUS_OK && words[0] == 0)
            snprintf(words, sizeof words, "%s", zeus_amd_status_string(m->info.no_gpu_reason));
        keep_words(m->none, sizeof m->none, "no GPU", words);
        return 0;
    }
    m->gpus = calloc(m->count, sizeof *m->gpus);
    if (m->gpus == NULL) {
        keep_words(m->none, sizeof m->none, "no session", "out of memory");
        m->count = 0;
        return 0;
    }
    for (uint32_t i = 0; i < m->count; i++) {
        m->gpus[i].info = no_gpu;
        if (zeus_amd_gpu_info(m->session, i, &m->gpus[i].info) != ZEUS_AMD_STATUS_OK)
            m->gpus[i].info.index = i;
    }
    return choose(m, o->gpus);
}

void measure_begin(struct measure *m, const struct options *o)
{
    zeus_amd_sampler_options_t options = ZEUS_AMD_SAMPLER_OPTIONS_INIT;
    if (m->none[0] != 0)
        return;
    options.period_ns = o->period_us * 1000;
    if (zeus_amd_sampler_start(m->session, &options, &m->sampler) != ZEUS_AMD_STATUS_OK)
        keep_error(m->no_curve, sizeof m->no_curve, "no samples");
    if (node_begin(m) != ZEUS_AMD_STATUS_OK)
        keep_error(m->none, sizeof m->none, "no measurement");
}

/* The GPU drew so much since the last power. Where the counter's time is not accurate enough for the power of each step, one
 * of several is known at once: only the rest before the end is what the energy says. */
static void step(struct measure *m, struct gpu *g, const zeus_amd_sample_t *s)
{
    int by_counter = (s->valid & ZEUS_AMD_SAMPLE_VALID_COUNTER_POWER_BIT) != 0;
    int known = by_counter || (s->flags & ZEUS_AMD_SAMPLE_FLAG_INTEGRATED_BIT) != 0;
    int ends = s->time_ns >= m->end_ns || (s->flags & ZEUS_AMD_SAMPLE_FLAG_RESET_BIT) != 0;
    uint64_t since_ns = s->time_ns - g->power_ns;
    uint64_t from_ns = g->power_ns < m->origin_ns ? m->origin_ns : g->power_ns;
    uint64_t to_ns = s->time_ns < m->end_ns ? s->time_ns : m->end_ns;
    double mw = by_counter ? (double)s->counter_power_mw : (double)(s->energy_uj - g->power_uj) * 1e6 / (double)since_ns;
    double error_mw = by_counter ? (double)s->counter_power_uncertainty_mw : HUGE_VAL;
    trace_sample(m, g, s);
    if (!known && !ends)
        return;
    g->power_ns = s->time_ns;
    g->power_uj = s->energy_uj;
    if (from_ns >= to_ns)
        return;
    if (g->steps == 0 || (known && mw > g->peak_mw)) {
        g->peak_mw = mw;
        g->peak_error_mw = error_mw;
    }
    g->last_mw = mw;
    g->steps++;
    g->steps_ns += since_ns;
    series_add(&g->series, from_ns - m->origin_ns, to_ns - m->origin_ns, mw);
    if (known)
        sum_add(&m->sum, from_ns - m->origin_ns, to_ns - m->origin_ns, mw, error_mw);
}

static void take(struct measure *m, const zeus_amd_sample_t *s)
{
    struct gpu *g = &m->gpus[s->gpu];
    /* The first sample behind the end is the last one. */
    if (!g->chosen || g->last_ns >= m->end_ns)
        return;
    csv_sample(m, g, s);
    if (!(s->valid & ZEUS_AMD_SAMPLE_VALID_ENERGY_BIT))
        return;
    if (g->samples == 0) {
        g->first_ns = s->time_ns;
        g->first_uj = s->energy_uj;
        g->power_ns = s->time_ns;
        g->power_uj = s->energy_uj;
    } else if (s->time_ns > g->last_ns) {
        step(m, g, s);
    }
    g->samples++;
    g->last_ns = s->time_ns;
    g->last_uj = s->energy_uj;
    g->integrated |= (s->flags & ZEUS_AMD_SAMPLE_FLAG_INTEGRATED_BIT) != 0;
    g->averaged |= (s->flags & ZEUS_AMD_SAMPLE_FLAG_AVERAGED_POWER_BIT) != 0;
    g->gaps += (s->flags & ZEUS_AMD_SAMPLE_FLAG_SAMPLING_GAP_BIT) != 0;
}

/* The time until which every GPU is known. */
static uint64_t known_until(const struct measure *m)
{
    uint64_t least = m->end_ns;
    for (uint32_t i = 0; i < m->count; i++)
        if (m->gpus[i].samples > 0 && m->gpus[i].power_ns < least)
            least = m->gpus[i].power_ns;
    return least;
}

void measure_drain(struct measure *m)
{
    enum { ROOM = 2048 };
    static zeus_amd_sample_t samples[ROOM];
    static const zeus_amd_sample_t empty = ZEUS_AMD_SAMPLE_INIT;
    uint32_t count = ROOM;
    node_sample(m);
    if (m->sampler == NULL)
        return;
    while (count == ROOM) {
        uint64_t lost = 0, known;
        samples[0] = empty;
        if (zeus_amd_sampler_drain(m->sampler, samples, &count, &lost) != ZEUS_AMD_STATUS_OK) {
            keep_error(m->no_curve, sizeof m->no_curve, "samples are missing");
            return;
        }
        m->lost += lost;
        for (uint32_t i = 0; i < count; i++)
            if (samples[i].gpu < m->count)
                take(m, &samples[i]);
        known = known_until(m);
        if (known != UINT64_MAX && known > m->origin_ns)
            sum_done_until(&m->sum, known - m->origin_ns);
    }
}

/* Each package once, of the GPUs that are chosen. */
static void add_up(struct measure *m, const zeus_amd_gpu_energy_t *used, uint64_t duration_ns)
{
    static const zeus_amd_total_energy_t empty = ZEUS_AMD_TOTAL_ENERGY_INIT;
    zeus_amd_total_energy_t *t = &m->total;
    *t = empty;
    t->duration_ns = duration_ns;
    for (uint32_t i = 0; i < m->count; i++)
        m->gpus[i].used = used[i];
    for (uint32_t i = 0; i < m->count; i++) {
        const struct gpu *g = &m->gpus[i];
        int first = g->chosen, has = 0;
        if (!g->chosen)
            continue;
        t->flags |= g->used.flags;
        if (g->used.method != ZEUS_AMD_METHOD_NONE) {
            t->packages++;
            t->valid |= ZEUS_AMD_TOTAL_ENERGY_VALID_ENERGY_BIT;
            t->energy_mj += g->used.energy_mj;
            t->uncertainty_mj += g->used.uncertainty_mj;
            t->mean_power_mw += g->used.mean_power_mw;
            continue;
        }
        for (uint32_t k = 0; k < m->count; k++) {
            const struct gpu *other = &m->gpus[k];
            if (!other->chosen || strcmp(other->info.package, g->info.package) != 0)
                continue;
            has |= other->used.method != ZEUS_AMD_METHOD_NONE;
            first &= k >= i;
        }
        t->missing += first && !has;
    }
    if (t->missing > 0)
        t->flags |= ZEUS_AMD_TOTAL_ENERGY_FLAG_INCOMPLETE_BIT;
}

void measure_end(struct measure *m, const struct child *c)
{
    static const zeus_amd_gpu_energy_t empty = ZEUS_AMD_GPU_ENERGY_INIT;
    zeus_amd_total_energy_t whole = ZEUS_AMD_TOTAL_ENERGY_INIT;
    zeus_amd_gpu_energy_t *used;
    uint32_t room = m->count;
    m->end_ns = c->end_ns;
    if (m->window == NULL)
        return;
    used = calloc(m->count, sizeof *used);
    if (used == NULL) {
        keep_words(m->none, sizeof m->none, "no energies", "out of memory");
    } else {
        used[0] = empty;
        /* Where no GPU has an energy the total is refused, and the rest is written all the same. */
        if (zeus_amd_window_read(m->window, &whole, used, &room) != ZEUS_AMD_STATUS_OK && whole.duration_ns == 0)
            keep_error(m->none, sizeof m->none, "no energies");
        else
            add_up(m, used, whole.duration_ns);
    }
    free(used);
    node_end(m);
    if (m->sampler != NULL && zeus_amd_sampler_stop(m->sampler) != ZEUS_AMD_STATUS_OK)
        keep_error(m->no_curve, sizeof m->no_curve, "samples are missing");
    measure_drain(m);
    samples_end(m);
    /* All together drew at least what one of them did, also in less than a millisecond. */
    for (uint32_t i = 0; i < m->count; i++)
        if (m->gpus[i].peak_mw > m->sum.peak_mw) {
            m->sum.peak_mw = m->gpus[i].peak_mw;
            m->sum.peak_error_mw = m->gpus[i].peak_error_mw;
        }
}

void measure_close(struct measure *m)
{
    node_close(m);
    zeus_amd_sampler_free(m->sampler);
    zeus_amd_close(m->session);
    free(m->gpus);
}

double sampler_joules(const struct gpu *g)
{
    return (double)(g->last_uj - g->first_uj) / 1e6;
}

double measure_joules_so_far(const struct measure *m)
{
    double sum = 0;
    for (uint32_t i = 0; i < m->count; i++)
        sum += sampler_joules(&m->gpus[i]);
    return sum;
}
