/* Power over time in bounded memory. */
#include "run.h"

static void put(struct bucket *b, double ns, double mw)
{
    if (ns <= 0)
        return;
    if (b->ns <= 0 || (float)mw < b->min_mw)
        b->min_mw = (float)mw;
    if (b->ns <= 0 || (float)mw > b->max_mw)
        b->max_mw = (float)mw;
    b->ns += ns;
    b->mw_ns += mw * ns;
}

void bucket_join(struct bucket *into, const struct bucket *b)
{
    if (b->ns <= 0)
        return;
    if (into->ns <= 0) {
        *into = *b;
        return;
    }
    into->ns += b->ns;
    into->mw_ns += b->mw_ns;
    into->min_mw = b->min_mw < into->min_mw ? b->min_mw : into->min_mw;
    into->max_mw = b->max_mw > into->max_mw ? b->max_mw : into->max_mw;
}

static void halve(struct series *s)
{
    static const struct bucket empty;
    for (size_t i = 0; i < BUCKETS / 2; i++) {
        struct bucket b = s->buckets[2 * i];
        bucket_join(&b, &s->buckets[2 * i + 1]);
        s->buckets[i] = b;
    }
    for (size_t i = BUCKETS / 2; i < BUCKETS; i++)
        s->buckets[i] = empty;
    s->used = (s->used + 1) / 2;
    s->width_ns *= 2;
}

void series_add(struct series *s, uint64_t from_ns, uint64_t to_ns, double mw)
{
    if (s->width_ns == 0)
        s->width_ns = 250000;
    if (from_ns >= to_ns)
        return;
    while ((to_ns - 1) / s->width_ns >= BUCKETS)
        halve(s);
    for (size_t i = (size_t)(from_ns / s->width_ns); i <= (to_ns - 1) / s->width_ns; i++) {
        uint64_t begin = i * s->width_ns, end = begin + s->width_ns;
        put(&s->buckets[i], (double)((to_ns < end ? to_ns : end) - (from_ns > begin ? from_ns : begin)), mw);
        s->used = i + 1 > s->used ? i + 1 : s->used;
    }
}

static void finish_cell(struct sum *s)
{
    double *cell = &s->mw_ns[s->first % CELLS], *error = &s->error_mw_ns[s->first % CELLS];
    s->first++;
    if (*cell / (double)CELL_NS > s->peak_mw) {
        s->peak_mw = *cell / (double)CELL_NS;
        s->peak_error_mw = *error / (double)CELL_NS;
    }
    *cell = 0;
    *error = 0;
}

void sum_done_until(struct sum *s, uint64_t ns)
{
    while ((s->first + 1) * CELL_NS <= ns)
        finish_cell(s);
}

/* A GPU that lags by more than the cells hold is left out of the peak for that time. */
void sum_add(struct sum *s, uint64_t from_ns, uint64_t to_ns, double mw, double error_mw)
{
    for (uint64_t i = from_ns / CELL_NS; i * CELL_NS < to_ns; i++) {
        uint64_t begin = i * CELL_NS, end = begin + CELL_NS;
        if (i < s->first)
            continue;
        while (i >= s->first + CELLS)
            finish_cell(s);
        double ns = (double)((to_ns < end ? to_ns : end) - (from_ns > begin ? from_ns : begin));
        s->mw_ns[i % CELLS] += mw * ns;
        s->error_mw_ns[i % CELLS] += error_mw * ns;
    }
}
