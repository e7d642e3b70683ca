/* The picture: power over time, one line a GPU, and under it a table that is the legend. It needs no font, no script and no
 * style of its own, and says what it shows without colours: each line has its number at its end, from the ninth on dashes.
 */
#include "run.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 960, LEFT = 62, RIGHT = 920, TOP = 84, BOTTOM = 444, TABLE = 512, ROW = 18, COLUMNS = 750, LABEL = 12 };

/* Distinct also with red-green colour blindness, and dark enough on white. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#b8559a", "#e69f00", "#56b4e9", "#882255", "#555555"};
static const char *const dashes[] = {"", " stroke-dasharray=\"7 3\"", " stroke-dasharray=\"2 2\"", " stroke-dasharray=\"9 3 2 3\""};
enum { COLOURS = 8, DASHES = 4 };

struct axis {
    double span, tick; /* in its unit */
    const char *unit;
    double unit_ns;
};

/* 1, 2 or 5 times a power of ten, so that there are no more than so many. */
static double nice(double span, int most)
{
    double least = span / most, ten = pow(10, floor(log10(least)));
    return least <= ten ? ten : least <= 2 * ten ? 2 * ten : least <= 5 * ten ? 5 * ten : 10 * ten;
}

static struct axis time_axis(uint64_t ns)
{
    static const struct { double below_s, unit_s; const char *unit; } units[] = {
        {0.9, 1e-3, "ms"}, {300, 1, "s"}, {3 * 3600.0, 60, "min"}, {HUGE_VAL, 3600, "h"}};
    struct axis a;
    double seconds = (double)(ns > 0 ? ns : 1) / 1e9;
    size_t i = 0;
    while (seconds >= units[i].below_s)
        i++;
    a.unit = units[i].unit;
    a.unit_ns = units[i].unit_s * 1e9;
    a.span = seconds / units[i].unit_s;
    a.tick = nice(a.span, 10);
    return a;
}

static struct axis power_axis(const struct measure *m)
{
    struct axis a = {0, 0, "W", 0};
    for (uint32_t i = 0; i < m->count; i++)
        if (m->gpus[i].steps > 0 && m->gpus[i].peak_mw / 1e3 > a.span)
            a.span = m->gpus[i].peak_mw / 1e3;
    if (a.span <= 0)
        a.span = 1;
    a.tick = nice(a.span, 6);
    a.span = ceil(a.span * 1.02 / a.tick) * a.tick;
    return a;
}

static double x_of(const struct axis *t, double ns)
{
    double x = LEFT + (RIGHT - LEFT) * ns / t->unit_ns / t->span;
    return x > RIGHT ? RIGHT : x;
}

static double y_of(const struct axis *p, double mw)
{
    return BOTTOM - (BOTTOM - TOP) * mw / 1e3 / p->span;
}

static void grid(FILE *f, const struct axis *t, const struct axis *p)
{
    fputs("<g stroke=\"#dddddd\" stroke-width=\"1\" fill=\"#444444\" font-size=\"12\">\n", f);
    for (int i = 0; i * p->tick < p->span * 1.0001; i++) {
        double y = y_of(p, i * p->tick * 1e3);
        fprintf(f, "<path d=\"M%d %.1fH%d\"%s/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" stroke=\"none\">%.12g</text>\n", LEFT, y, RIGHT,
                i == 0 ? " stroke=\"#444444\"" : "", LEFT - 7, y + 4, i * p->tick);
    }
    for (int i = 0; i * t->tick < t->span * 1.0001; i++) {
        double x = x_of(t, i * t->tick * t->unit_ns);
        fprintf(f, "<path d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" stroke=\"none\">%.12g</text>\n", x, TOP, BOTTOM + 5,
                x, BOTTOM + 20, i * t->tick);
    }
    fprintf(f, "<text x=\"%d\" y=\"%d\" stroke=\"none\">power in %s</text>\n", 14, TOP - 12, p->unit);
    fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" stroke=\"none\" fill=\"#666666\">lines: mean; shade: minimum to maximum</text>\n", WIDTH - 14,
            TOP - 12);
    fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" stroke=\"none\">time in %s</text>\n</g>\n", (LEFT + RIGHT) / 2, BOTTOM + 40,
            t->unit);
}

/* So many buckets are drawn as one. */
static size_t each_column(const struct series *s)
{
    return s->used > COLUMNS ? (s->used + COLUMNS - 1) / COLUMNS : 1;
}

/* The last one takes the rest with it: the mean of a moment at the end says little. */
static size_t column_count(const struct series *s, size_t each)
{
    return s->used > each ? s->used / each : 1;
}

static size_t column_end(const struct series *s, size_t i, size_t each)
{
    return i + 1 == column_count(s, each) ? s->used : (i + 1) * each;
}

/* The buckets of one stretch of the picture. */
static struct bucket column(const struct series *s, size_t i, size_t each)
{
    struct bucket b = {0, 0, 0, 0};
    for (size_t k = i * each; k < column_end(s, i, each); k++)
        bucket_join(&b, &s->buckets[k]);
    return b;
}

static const char *colour(uint32_t nth)
{
    return colours[nth % COLOURS];
}

static const char *dash(uint32_t nth)
{
    return dashes[nth / COLOURS % DASHES];
}

/* A line that goes up and down within each dot covers all others: its means are then over more time. */
static size_t each_step(const struct series *s, const struct axis *p)
{
    enum { MOST_TRAVEL = 40 * (BOTTOM - TOP), LEAST_STEPS = 90 };
    size_t each = each_column(s);
    for (;; each *= 2) {
        double travel = 0, last = -1;
        for (size_t i = 0; i < column_count(s, each); i++) {
            struct bucket b = column(s, i, each);
            double y = b.ns > 0 ? y_of(p, b.mw_ns / b.ns) : last;
            travel += last < 0 ? 0 : fabs(y - last);
            last = y;
        }
        if (travel <= MOST_TRAVEL || s->used / each <= LEAST_STEPS)
            return each;
    }
}

/* From the least to the most, so that no peak is lost where much is drawn together. */
static void range(FILE *f, const struct axis *t, const struct axis *p, uint32_t nth, double opacity, const struct series *s)
{
    size_t each = each_step(s, p), count = column_count(s, each);
    double width = (double)s->width_ns;
    fprintf(f, "<path class=\"range\" fill=\"%s\" fill-opacity=\"%.2f\" d=\"", colour(nth), opacity);
    for (size_t i = 0; i < count; i++) {
        struct bucket b = column(s, i, each);
        if (b.ns > 0 && b.max_mw > b.min_mw)
            fprintf(f, "M%.1f %.1fV%.1fH%.1fV%.1fz", x_of(t, (double)(i * each) * width), y_of(p, (double)b.min_mw), y_of(p, (double)b.max_mw),
                    x_of(t, (double)column_end(s, i, each) * width), y_of(p, (double)b.min_mw));
    }
    fputs("\"/>\n", f);
}

/* The mean, as steps; the height at which it ends. */
static double line(FILE *f, const struct axis *t, const struct axis *p, uint32_t gpu, uint32_t nth, const struct series *s)
{
    size_t each = each_step(s, p), count = column_count(s, each);
    double width = (double)s->width_ns, last = BOTTOM;
    int drawn = 0;
    fprintf(f, "<path class=\"line\" id=\"gpu%" PRIu32 "\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"%s d=\"", gpu, colour(nth), dash(nth));
    for (size_t i = 0; i < count; i++) {
        struct bucket b = column(s, i, each);
        if (b.ns <= 0) {
            drawn = 0;
            continue;
        }
        last = y_of(p, b.mw_ns / b.ns);
        if (drawn)
            fprintf(f, "V%.1f", last);
        else
            fprintf(f, "M%.1f %.1f", x_of(t, (double)(i * each) * width), last);
        fprintf(f, "H%.1f", x_of(t, (double)column_end(s, i, each) * width));
        drawn = 1;
    }
    fputs("\"/>\n", f);
    return last;
}

struct label {
    double y, line_y;
    uint32_t gpu, nth;
};

static int by_height(const void *a, const void *b)
{
    const struct label *l = a, *r = b;
    return l->line_y < r->line_y ? -1 : l->line_y > r->line_y ? 1 : l->gpu < r->gpu ? -1 : 1;
}

/* The number of each line beside its end, moved apart so that all can be read. */
static void labels(FILE *f, struct label *l, size_t count)
{
    if (count == 0 || count * LABEL > BOTTOM - TOP)
        return;
    qsort(l, count, sizeof *l, by_height);
    for (size_t i = 0; i < count; i++)
        l[i].y = i > 0 && l[i].line_y < l[i - 1].y + LABEL ? l[i - 1].y + LABEL : l[i].line_y;
    for (size_t i = count; i-- > 0;) {
        double most = i + 1 < count ? l[i + 1].y - LABEL : BOTTOM;
        if (l[i].y > most)
            l[i].y = most;
    }
    /* A heap of them lies around its lines, not below. */
    for (size_t i = 0; i < count;) {
        size_t n = i + 1;
        double off = l[i].line_y - l[i].y, room;
        while (n < count && l[n].y - l[n - 1].y < LABEL + 0.01) {
            off += l[n].line_y - l[n].y;
            n++;
        }
        off /= (double)(n - i);
        room = i > 0 ? l[i - 1].y + LABEL - l[i].y : TOP - l[i].y;
        if (off < room)
            off = room;
        for (size_t k = i; off < 0 && k < n; k++)
            l[k].y += off;
        i = n;
    }
    fputs("<g font-size=\"11\">\n", f);
    for (size_t i = 0; i < count; i++)
        fprintf(f, "<path d=\"M%d %.1fL%d %.1f\" stroke=\"%s\" stroke-width=\"0.8\"/><text x=\"%d\" y=\"%.1f\" fill=\"%s\">%" PRIu32 "</text>\n",
                RIGHT + 1, l[i].line_y, RIGHT + 11, l[i].y, colour(l[i].nth), RIGHT + 14, l[i].y + 4, colour(l[i].nth), l[i].gpu);
    fputs("</g>\n", f);
}

static void cell(FILE *f, int x, int y, int is_known, const char *format, double value)
{
    fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", x, y);
    if (is_known)
        fprintf(f, format, value);
    else
        fputs("\xE2\x80\x93", f);
    fputs("</text>", f);
}

enum { X_NAME = 112, X_PCI = 372, X_ENERGY = 590, X_BOUND = 660, X_MEAN = 740, X_PEAK = 815, X_HOW = 832 };

static void numbers(FILE *f, int y, int known, uint64_t energy_mj, uint64_t uncertainty_mj, uint64_t mean_mw, double peak_mw)
{
    cell(f, X_ENERGY, y, known, "%.3f", (double)energy_mj / 1e3);
    cell(f, X_BOUND, y, known, "%.3f", (double)uncertainty_mj / 1e3);
    cell(f, X_MEAN, y, known, "%.1f", (double)mean_mw / 1e3);
    cell(f, X_PEAK, y, peak_mw > 0, "%.1f", peak_mw / 1e3);
}

static void rows(FILE *f, const struct measure *m)
{
    static const struct { int x; const char *anchor, *words; } heads[] = {
        {LEFT, "start", "GPU"}, {X_NAME, "start", "name"}, {X_PCI, "start", "PCI"}, {X_ENERGY, "end", "energy J"},
        {X_BOUND, "end", "\xC2\xB1 J"}, {X_MEAN, "end", "mean W"}, {X_PEAK, "end", "peak W"}, {X_HOW, "start", "by"}};
    const zeus_amd_total_energy_t *t = &m->total;
    uint32_t nth = 0;
    int y = TABLE;
    fputs("<g font-size=\"12\" fill=\"#222222\">\n<g fill=\"#666666\">", f);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>", heads[i].x, y, heads[i].anchor, heads[i].words);
    fputs("</g>\n", f);
    for (uint32_t i = 0; i < m->count; i++) {
        const struct gpu *g = &m->gpus[i];
        const zeus_amd_gpu_energy_t *u = &g->used;
        if (!g->chosen)
            continue;
        y += ROW;
        if (g->steps > 0) {
            fprintf(f, "<path d=\"M%d %dh30\" stroke=\"%s\" stroke-width=\"2.5\"%s/>", LEFT - 44, y - 4, colour(nth), dash(nth));
            nth++;
        }
        fprintf(f, "<text x=\"%d\" y=\"%d\">%" PRIu32 "</text><text x=\"%d\" y=\"%d\">", LEFT, y, i, X_NAME, y);
        put_xml(f, g->info.name, 38);
        fprintf(f, "</text><text x=\"%d\" y=\"%d\">", X_PCI, y);
        put_xml(f, g->info.pci_address, 16);
        fputs("</text>", f);
        numbers(f, y, u->method != ZEUS_AMD_METHOD_NONE, u->energy_mj, u->uncertainty_mj, u->mean_power_mw, g->steps > 0 ? g->peak_mw : 0);
        fprintf(f, "<text x=\"%d\" y=\"%d\">%s</text>\n", X_HOW, y,
                u->method != ZEUS_AMD_METHOD_NONE                                ? zeus_amd_method_string(u->method)
                : u->counter_state == ZEUS_AMD_COUNTER_STATE_SECONDARY_DIE       ? "see the primary die"
                : u->counter_state == ZEUS_AMD_COUNTER_STATE_SECONDARY_PARTITION ? "see partition 0"
                                                                                 : "no energy");
    }
    y += ROW;
    fprintf(f, "<path d=\"M%d %dH%d\" stroke=\"#bbbbbb\"/>\n<g font-weight=\"bold\"><text x=\"%d\" y=\"%d\">all</text><text x=\"%d\" y=\"%d\">", LEFT - 44,
            y - 13, WIDTH - 18, LEFT, y + 2, X_NAME, y + 2);
    fprintf(f, "%" PRIu32 " package%s", t->packages, t->packages == 1 ? "" : "s");
    if (t->missing > 0)
        fprintf(f, ", without %" PRIu32 " more", t->missing);
    fputs("</text>", f);
    numbers(f, y + 2, t->packages > 0, t->energy_mj, t->uncertainty_mj, t->mean_power_mw, m->sum.peak_mw);
    fputs("</g></g>\n", f);
}

static void heading(FILE *f, const struct measure *m, const struct child *c, const char *command)
{
    const zeus_amd_total_energy_t *t = &m->total;
    char when[32] = "";
    struct tm utc;
    if (gmtime_r(&c->begin_time.tv_sec, &utc) != NULL)
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &utc);
    fprintf(f, "<text x=\"14\" y=\"28\" font-size=\"16\" font-weight=\"bold\" fill=\"#111111\">");
    put_xml(f, command, 96);
    fprintf(f, "</text>\n<text x=\"14\" y=\"49\" font-size=\"13\" fill=\"#444444\">");
    if (m->none[0] != 0)
        put_xml(f, m->none, 120);
    else if (t->packages == 0)
        fputs("no energy", f);
    else
        fprintf(f, "%.1f J \xC2\xB1 %.1f J in %.3f s, %.1f W on average", (double)t->energy_mj / 1e3, (double)t->uncertainty_mj / 1e3,
                (double)(c->end_ns - c->begin_ns) / 1e9, (double)t->mean_power_mw / 1e3);
    fprintf(f, "</text>\n<text x=\"%d\" y=\"%d\" font-size=\"12\" text-anchor=\"end\" fill=\"#666666\">%s, exit status %d</text>\n", WIDTH - 14,
            m->none[0] != 0 ? TOP - 12 : 49, when, child_exit_status(c));
}

/* One line a GPU, over all that is behind lines; how many there are, and where they end. */
static size_t curves(FILE *f, const struct measure *m, const struct axis *t, const struct axis *p, struct label *ends)
{
    size_t count = 0;
    double opacity;
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->gpus[i].steps > 0) {
            ends[count].gpu = i;
            ends[count].nth = (uint32_t)count;
            count++;
        }
    }
    opacity = count > 6 ? 0.05 : count > 2 ? 0.30 / (double)count : 0.16;
    for (size_t k = 0; k < count; k++)
        range(f, t, p, ends[k].nth, opacity, &m->gpus[ends[k].gpu].series);
    for (size_t k = 0; k < count; k++)
        ends[k].line_y = line(f, t, p, ends[k].gpu, ends[k].nth, &m->gpus[ends[k].gpu].series);
    return count;
}

void draw(FILE *f, const struct options *o, const struct measure *m, const struct child *c)
{
    char *command = join_command(o->command);
    struct axis t = time_axis(c->end_ns - c->begin_ns), p = power_axis(m);
    struct label *ends = calloc(m->count + 1, sizeof *ends);
    int height = TABLE + (int)(m->chosen + 1) * ROW + 18;
    size_t lines = 0;
    fprintf(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" "
               "font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\">\n<title>Power of ", WIDTH, height, WIDTH, height);
    put_xml(f, command != NULL ? command : o->command[0], 0);
    fprintf(f, "</title>\n<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n", WIDTH, height);
    heading(f, m, c, command != NULL ? command : o->command[0]);
    if (m->none[0] == 0)
        grid(f, &t, &p);
    if (ends != NULL)
        lines = curves(f, m, &t, &p, ends);
    if (lines == 0)
        fprintf(f, "<text x=\"%d\" y=\"%d\" font-size=\"14\" text-anchor=\"middle\" fill=\"#666666\">no samples of power</text>\n", (LEFT + RIGHT) / 2,
                (TOP + BOTTOM) / 2);
    if (lines > 1)
        labels(f, ends, lines);
    if (m->none[0] == 0)
        rows(f, m);
    fputs("</svg>\n", f);
    free(ends);
    free(command);
}
