/* The node beside its GPUs. argv[1]:
 * list:     a line for each domain: index kind source status valid flags parent gpu refresh_ns name
 * windows:  argv: count, shortest and longest in us, seed. For each window and domain: window domain flags method status
 *           energy_uj uncertainty_uj duration_ns, when the begin had returned and the end was called; the total as domain -1,
 *           with its scope for the method, its missing domains for the status.
 * readings: argv: pause in us. For each domain: index status energy_uj uncertainty_uj before after, then status power_mw
 *           uncertainty_mw before after; twice.
 * gpus:     a window of the GPUs alone.
 * explain:  argv: length of a window in us; what zeus_amd_explain() says after it.
 * fork:     a child with a window of its parent, whose thread reads the registers; then both go on.
 * limits:   argv: pause in us. For each GPU: status of the first reading, and of the difference: valid flags duration_ns
 *           cycles prochot ppt socket vr hbm, and both readings' driver times. */
#include <inttypes.h>

#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { MOST = 64, STEP_US = 15000000 };

static uint64_t state;

static double chance(void)
{
    uint64_t v = state += UINT64_C(0x9E3779B97F4A7C15);
    v = (v ^ v >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    v = (v ^ v >> 27) * UINT64_C(0x94D049BB133111EB);
    return (double)((v ^ v >> 31) >> 11) / (double)(UINT64_C(1) << 53);
}

static void list(const zeus_amd_session_t *z, uint32_t count)
{
    uint32_t i;
    for (i = 0; i < count; i++) {
        zeus_amd_node_domain_info_t d = ZEUS_AMD_NODE_DOMAIN_INFO_INIT;
        CHECK_OK(zeus_amd_node_domain_info(z, i, &d));
        CHECK(d.domain == i && d.reserved == 0);
        printf("%" PRIu32 " %d %d %d %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64 " %s\n", i, (int)d.kind,
               (int)d.source, (int)d.status, d.valid, d.flags, d.parent, d.gpu, d.refresh_ns, d.name);
    }
}

static void one_window(const zeus_amd_session_t *z, uint32_t domains, int number, unsigned us)
{
    zeus_amd_node_window_t *w;
    zeus_amd_window_t *gpus;
    zeus_amd_node_total_t t = ZEUS_AMD_NODE_TOTAL_INIT;
    zeus_amd_total_energy_t of_gpus = ZEUS_AMD_TOTAL_ENERGY_INIT;
    zeus_amd_node_energy_t each[MOST] = {ZEUS_AMD_NODE_ENERGY_INIT};
    uint64_t from, to, sum = 0, beside = 0;
    uint32_t i, n = MOST, in_total = 0;
    CHECK_OK(zeus_amd_node_window_begin(z, &w));
    from = zeus_amd_now_ns();
    CHECK_OK(zeus_amd_node_window_gpus(w, &gpus));
    /* A read now and then, as the session's thread does. */
    for (; us > STEP_US; us -= STEP_US) {
        sleep_us(STEP_US);
        (void)!zeus_amd_node_window_read(w, &t, NULL, NULL);
    }
    sleep_us(us);
    /* Either may have nothing. */
    (void)!zeus_amd_window_read(gpus, &of_gpus, NULL, NULL);
    to = zeus_amd_now_ns();
    CHECK(zeus_amd_node_window_end(w, &t, each, &n) == (t.valid ? ZEUS_AMD_STATUS_OK : each[0].status));
    CHECK(n == domains);
    for (i = 0; i < n; i++) {
        zeus_amd_node_energy_t *e = &each[i];
        CHECK(e->domain == i);
        if (e->flags & ZEUS_AMD_NODE_ENERGY_FLAG_IN_TOTAL_BIT) {
            zeus_amd_node_domain_info_t d = ZEUS_AMD_NODE_DOMAIN_INFO_INIT;
            CHECK_OK(zeus_amd_node_domain_info(z, i, &d));
            sum += e->energy_uj;
            beside += d.kind == ZEUS_AMD_NODE_DOMAIN_GPU || d.kind == ZEUS_AMD_NODE_DOMAIN_ACCELERATOR ? 0 : e->energy_uj;
            in_total++;
        }
        printf("%d %" PRIu32 " %" PRIu32 " %d %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", number, i,
               e->flags, (int)e->method, (int)e->status, e->energy_uj, e->uncertainty_uj, e->duration_ns, from, to);
    }
    CHECK(sum == t.energy_uj && in_total == t.domains && t.duration_ns >= to - from);
    CHECK(beside == t.beside_uj && t.beside_uncertainty_uj <= t.uncertainty_uj);
    printf("%d -1 %" PRIu32 " %d %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", number, t.flags,
           (int)t.scope, t.missing, t.energy_uj, t.uncertainty_uj, t.duration_ns, from, to);
}

static void readings(const zeus_amd_session_t *z, uint32_t domains, unsigned us)
{
    uint32_t i;
    int turn;
    for (turn = 0; turn < 2; turn++) {
        for (i = 0; i < domains; i++) {
            uint64_t energy = 0, error = 0, power = 0, mw = 0, t[3];
            int status, of_power;
            t[0] = zeus_amd_now_ns();
            status = zeus_amd_node_energy_uj(z, i, &energy, &error);
            t[1] = zeus_amd_now_ns();
            of_power = zeus_amd_node_power_mw(z, i, &power, &mw);
            t[2] = zeus_amd_now_ns();
            printf("%" PRIu32 " %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %d %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", i,
                   status, energy, error, t[0], t[1], of_power, power, mw, t[2]);
        }
        sleep_us(us);
    }
}

static void limits(const zeus_amd_session_t *z, unsigned us)
{
    zeus_amd_limit_counts_t begin[MOST] = {ZEUS_AMD_LIMIT_COUNTS_INIT};
    int status[MOST];
    uint32_t i, gpus;
    CHECK_OK(zeus_amd_gpu_count(z, &gpus));
    CHECK(gpus <= MOST);
    for (i = 0; i < gpus; i++) {
        begin[i] = begin[0];
        begin[i].struct_size = sizeof begin[i];
        status[i] = zeus_amd_limit_counts(z, i, &begin[i]);
    }
    sleep_us(us);
    for (i = 0; i < gpus; i++) {
        zeus_amd_limit_counts_t end = ZEUS_AMD_LIMIT_COUNTS_INIT;
        zeus_amd_limited_time_t l = ZEUS_AMD_LIMITED_TIME_INIT;
        CHECK_IS(zeus_amd_limit_counts(z, i, &end), status[i]);
        if (status[i] == ZEUS_AMD_STATUS_OK)
            CHECK_OK(zeus_amd_limited_time(&begin[i], &end, &l));
        printf("%d %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
               " %" PRIu64 " %" PRIu64 "\n",
               status[i], l.valid, l.flags, l.duration_ns, l.cycles, l.prochot_cycles, l.ppt_cycles, l.socket_thermal_cycles,
               l.vr_thermal_cycles, l.hbm_thermal_cycles, begin[i].driver_time_ns, end.driver_time_ns);
    }
}

/* Refusals, with sound and unsound arguments. */
static void refusals(const zeus_amd_session_t *z, uint32_t domains)
{
    zeus_amd_node_window_t *w = NULL;
    zeus_amd_node_domain_info_t info = ZEUS_AMD_NODE_DOMAIN_INFO_INIT;
    zeus_amd_node_energy_t small[1] = {ZEUS_AMD_NODE_ENERGY_INIT};
    zeus_amd_limit_counts_t a = ZEUS_AMD_LIMIT_COUNTS_INIT, b = ZEUS_AMD_LIMIT_COUNTS_INIT;
    zeus_amd_limited_time_t l = ZEUS_AMD_LIMITED_TIME_INIT;
    uint64_t value = 7;
    uint32_t n = 0;
    CHECK_IS(zeus_amd_node_domain_info(z, domains, &info), ZEUS_AMD_STATUS_NOT_FOUND);
    CHECK_IS(zeus_amd_node_energy_uj(z, domains, &value, NULL), ZEUS_AMD_STATUS_NOT_FOUND);
    CHECK_IS(zeus_amd_node_power_mw(z, domains, &value, NULL), ZEUS_AMD_STATUS_NOT_FOUND);
    CHECK_IS(zeus_amd_node_energy_uj(z, 0, NULL, NULL), ZEUS_AMD_STATUS_INVALID_ARGUMENT);
    CHECK_IS(zeus_amd_node_window_begin(z, NULL), ZEUS_AMD_STATUS_INVALID_ARGUMENT);
    CHECK_IS(zeus_amd_node_window_end(NULL, NULL, NULL, NULL), ZEUS_AMD_STATUS_INVALID_ARGUMENT);
    CHECK_IS(zeus_amd_limited_time(&a, NULL, &l), ZEUS_AMD_STATUS_INVALID_ARGUMENT);
    b.gpu = 1;
    CHECK_IS(zeus_amd_limited_time(&a, &b, &l), ZEUS_AMD_STATUS_INVALID_ARGUMENT);
    info.struct_size = 0;
    CHECK_IS(zeus_amd_node_domain_info(z, 0, &info), ZEUS_AMD_STATUS_STRUCT_VERSION);
    CHECK(value == 7);
    CHECK_OK(zeus_amd_node_window_begin(z, &w));
    CHECK_IS(zeus_amd_node_window_gpus(w, NULL), ZEUS_AMD_STATUS_INVALID_ARGUMENT);
    CHECK_OK(zeus_amd_node_window_read(w, NULL, NULL, &n));
    CHECK(n == domains);
    n = 1;
    if (domains > 1)
        CHECK_IS(zeus_amd_node_window_end(w, NULL, small, &n), ZEUS_AMD_STATUS_BUFFER_TOO_SMALL);
    /* So it is still open. */
    CHECK_OK(zeus_amd_node_window_end(w, NULL, NULL, NULL));
}

static void forks(const zeus_amd_session_t *z, uint32_t domains)
{
    zeus_amd_node_window_t *w;
    zeus_amd_window_t *gpus;
    zeus_amd_node_total_t total = ZEUS_AMD_NODE_TOTAL_INIT;
    int status = -1;
    pid_t pid;
    CHECK_OK(zeus_amd_node_window_begin(z, &w));
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        zeus_amd_session_t *own;
        CHECK_IS(zeus_amd_node_window_gpus(w, &gpus), ZEUS_AMD_STATUS_FORKED);
        CHECK_IS(zeus_amd_node_window_read(w, &total, NULL, NULL), ZEUS_AMD_STATUS_FORKED);
        CHECK_IS(zeus_amd_node_window_end(w, &total, NULL, NULL), ZEUS_AMD_STATUS_FORKED);
        own = open_quickly();
        one_window(own, domains, 0, 1000);
        zeus_amd_close(own);
        exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_OK(zeus_amd_node_window_end(w, &total, NULL, NULL));
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    zeus_amd_session_t *z = open_quickly();
    zeus_amd_node_energy_t each[MOST] = {ZEUS_AMD_NODE_ENERGY_INIT};
    uint32_t domains = 0, n = MOST;
    int i;
    if (!strcmp(mode, "gpus")) {
        zeus_amd_window_t *w;
        CHECK_OK(zeus_amd_window_begin(z, &w));
        CHECK_OK(zeus_amd_window_end(w, NULL, NULL, NULL));
        zeus_amd_close(z);
        return 0;
    }
    CHECK_OK(zeus_amd_node_domain_count(z, &domains));
    CHECK(domains <= MOST);
    if (!strcmp(mode, "list")) {
        list(z, domains);
        refusals(z, domains);
    } else if (!strcmp(mode, "windows")) {
        double shortest = atof(argv[3]), longest = atof(argv[4]);
        state = strtoull(argv[5], NULL, 10);
        for (i = 0; i < atoi(argv[2]); i++) {
            double us = shortest;
            while (us * 2 <= longest && chance() < 0.75)
                us *= 2;
            sleep_us((unsigned)(chance() * 100e3));
            one_window(z, domains, i, (unsigned)(us * (1 + chance())));
        }
    } else if (!strcmp(mode, "readings")) {
        readings(z, domains, (unsigned)atoi(argv[2]));
    } else if (!strcmp(mode, "fork")) {
        forks(z, domains);
    } else if (!strcmp(mode, "explain")) {
        char text[16384];
        zeus_amd_node_window_t *w;
        size_t needed = 0;
        CHECK_OK(zeus_amd_node_window_begin(z, &w));
        sleep_us((unsigned)atoi(argv[2]));
        CHECK_OK(zeus_amd_node_window_end(w, NULL, each, &n));
        CHECK_OK(zeus_amd_explain(z, text, sizeof text, &needed));
        CHECK(needed == strlen(text));
        printf("%s", text);
    } else if (!strcmp(mode, "limits")) {
        limits(z, (unsigned)atoi(argv[2]));
    }
    zeus_amd_close(z);
    return 0;
}
