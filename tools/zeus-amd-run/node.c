/* The node beside its GPUs, and what held those down. */
#include "run.h"

#include "../node.h"

#include <stdlib.h>
#include <string.h>

const char *domain_source(const zeus_amd_node_domain_info_t *d)
{
    static const char *const sources[] = {"pm_counters", "powercap", "gpu"};
    return d->source < 3 ? sources[d->source] : "other";
}

static char *explanation(const struct measure *m)
{
    size_t needed = 0;
    char *text;
    if (m->session == NULL || zeus_amd_explain(m->session, NULL, 0, &needed) != ZEUS_AMD_STATUS_OK)
        return NULL;
    text = calloc(needed + 1, 1);
    if (text != NULL && zeus_amd_explain(m->session, text, needed + 1, NULL) == ZEUS_AMD_STATUS_OK)
        return text;
    free(text);
    return NULL;
}

char *explained(const struct measure *m)
{
    char *text = explanation(m);
    if (text != NULL && m->node.count > 0 && strlen(text) > m->node.explained)
        text[m->node.explained] = 0;
    return text;
}

void node_find(struct measure *m)
{
    static const zeus_amd_node_domain_info_t empty = ZEUS_AMD_NODE_DOMAIN_INFO_INIT;
    struct node *n = &m->node;
    uint32_t count = 0;
    if (zeus_amd_node_domain_count(m->session, &count) != ZEUS_AMD_STATUS_OK || count == 0)
        return;
    n->domains = calloc(count, sizeof *n->domains);
    n->used = calloc(count, sizeof *n->used);
    if (n->domains == NULL || n->used == NULL)
        return;
    n->count = count;
    if (zeus_amd_explain(m->session, NULL, 0, &n->explained) != ZEUS_AMD_STATUS_OK)
        n->explained = SIZE_MAX;
    for (uint32_t i = 0; i < count; i++) {
        zeus_amd_node_domain_info_t *d = &n->domains[i];
        uint64_t uj;
        *d = empty;
        d->status = zeus_amd_node_domain_info(m->session, i, d) == ZEUS_AMD_STATUS_OK ? d->status : ZEUS_AMD_STATUS_INTERNAL;
        if (d->source == ZEUS_AMD_NODE_SOURCE_GPU)
            continue;
        n->readable += d->status == ZEUS_AMD_STATUS_OK;
        if (d->status == ZEUS_AMD_STATUS_NO_PERMISSION && n->why[0] == 0 &&
            zeus_amd_node_energy_uj(m->session, i, &uj, NULL) != ZEUS_AMD_STATUS_OK)
            keep_error(n->why, sizeof n->why, "not all of the node is measured");
    }
}

static void limits_begin(struct measure *m)
{
    static const zeus_amd_limit_counts_t empty = ZEUS_AMD_LIMIT_COUNTS_INIT;
    for (uint32_t i = 0; i < m->count; i++) {
        m->gpus[i].counts = empty;
        m->gpus[i].limited_status = zeus_amd_limit_counts(m->session, i, &m->gpus[i].counts);
    }
}

static void limits_end(struct measure *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        struct gpu *g = &m->gpus[i];
        if (g->limited_status != ZEUS_AMD_STATUS_OK)
            continue;
        g->limited_status = limited_since(m->session, i, &g->counts, g->limited_status, &g->limited);
        if (zeus_amd_power_limit_mw(m->session, i, &g->limit_mw) != ZEUS_AMD_STATUS_OK)
            g->limit_mw = 0;
    }
}

zeus_amd_status_t node_begin(struct measure *m)
{
    struct node *n = &m->node;
    limits_begin(m);
    if (n->readable > 0 && zeus_amd_node_window_begin(m->session, &n->window) == ZEUS_AMD_STATUS_OK) {
        if (zeus_amd_node_window_gpus(n->window, &m->window) == ZEUS_AMD_STATUS_OK)
            return ZEUS_AMD_STATUS_OK;
        (void)!zeus_amd_node_window_end(n->window, NULL, NULL, NULL);
        n->window = NULL;
    }
    return zeus_amd_window_begin(m->session, &m->window);
}

static void rows(struct measure *m, uint64_t now_ns)
{
    const struct node *n = &m->node;
    for (uint32_t i = 0; m->csv != NULL && i < n->count; i++)
        if (n->domains[i].source != ZEUS_AMD_NODE_SOURCE_GPU)
            csv_domain(m->csv, now_ns, &n->domains[i], &n->used[i]);
    m->node.written_ns = now_ns;
}

/* The controller of the board has ten values a second. */
void node_sample(struct measure *m)
{
    static const uint64_t LEAST_NS = 100000000;
    struct node *n = &m->node;
    uint64_t now_ns = zeus_amd_now_ns(), every_ns = m->every_ns > LEAST_NS ? m->every_ns : LEAST_NS;
    static const zeus_amd_node_energy_t empty = ZEUS_AMD_NODE_ENERGY_INIT;
    uint32_t room = n->count;
    if (m->csv == NULL || n->window == NULL || now_ns - n->written_ns < every_ns)
        return;
    n->used[0] = empty;
    if (zeus_amd_node_window_read(n->window, NULL, n->used, &room) == ZEUS_AMD_STATUS_OK)
        rows(m, zeus_amd_now_ns());
}

/* What the explanation says beyond what it said before any window. */
static void keep_opinion(struct measure *m)
{
    char *text = m->node.count > 0 ? explanation(m) : NULL;
    free(m->node.opinion);
    m->node.opinion = NULL;
    if (text != NULL && strlen(text) > m->node.explained) {
        memmove(text, text + m->node.explained, strlen(text) - m->node.explained + 1);
        m->node.opinion = text;
        return;
    }
    free(text);
}

static void end_node_window(struct measure *m)
{
    static const zeus_amd_node_energy_t empty = ZEUS_AMD_NODE_ENERGY_INIT;
    static const zeus_amd_node_total_t none = ZEUS_AMD_NODE_TOTAL_INIT;
    struct node *n = &m->node;
    uint32_t room = n->count;
    n->used[0] = empty;
    n->total = none;
    /* Also where the total has no energy, each domain says why. */
    (void)!zeus_amd_node_window_end(n->window, &n->total, n->used, &room);
    n->window = NULL;
}

void node_end(struct measure *m)
{
    if (m->node.window == NULL) {
        (void)!zeus_amd_window_end(m->window, NULL, NULL, NULL);
    } else {
        end_node_window(m);
        rows(m, zeus_amd_now_ns());
    }
    m->window = NULL;
    keep_opinion(m);
    limits_end(m);
}

void node_opinion(struct measure *m, unsigned ms)
{
    const struct timespec time = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    struct node *n = &m->node;
    int has_accelerator = 0;
    for (uint32_t i = 0; i < n->count; i++)
        has_accelerator |= n->domains[i].kind == ZEUS_AMD_NODE_DOMAIN_ACCELERATOR && n->domains[i].status == ZEUS_AMD_STATUS_OK;
    if (!has_accelerator || zeus_amd_node_window_begin(m->session, &n->window) != ZEUS_AMD_STATUS_OK)
        return;
    (void)nanosleep(&time, NULL);
    end_node_window(m);
    keep_opinion(m);
}

void node_close(struct measure *m)
{
    struct node *n = &m->node;
    if (n->window != NULL)
        (void)!zeus_amd_node_window_end(n->window, NULL, NULL, NULL);
    else if (m->window != NULL)
        (void)!zeus_amd_window_end(m->window, NULL, NULL, NULL);
    free(n->domains);
    free(n->used);
    free(n->opinion);
}
