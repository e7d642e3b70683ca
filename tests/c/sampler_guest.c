/* A sampler as a guest in somebody else's process. argv[1]: what happens meanwhile. */
#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"
#include "readers.h"

/* Calls of libamd_smi have a thread of their own, which ends when there was none for a second. */
static int is_helper(const char *task)
{
    char path[300], name[32] = "";
    FILE *f;
    snprintf(path, sizeof path, "/proc/self/task/%s/comm", task);
    f = fopen(path, "r");
    if (f) {
        CHECK(fgets(name, sizeof name, f) || !*name);
        fclose(f);
    }
    return strcmp(name, "zeus_amd-amdsmi\n") == 0;
}

static int threads(void)
{
    int n = 0;
    struct dirent *e;
    DIR *d = opendir("/proc/self/task");
    CHECK(d != NULL);
    while ((e = readdir(d)))
        n += e->d_name[0] != '.' && !is_helper(e->d_name);
    closedir(d);
    return n;
}

/* A thread that has ended may be seen for a moment more. */
static void settle(int expected)
{
    while (threads() != expected)
        usleep(1000);
}

static zeus_amd_sampler_t *start(const zeus_amd_session_t *z, uint64_t period_ns)
{
    zeus_amd_sampler_options_t how = ZEUS_AMD_SAMPLER_OPTIONS_INIT;
    zeus_amd_sampler_t *s = NULL;
    how.period_ns = period_ns;
    /* Room for a minute: nothing is lost while a busy machine does not drain it. */
    how.capacity = 1 << 18;
    CHECK_OK(zeus_amd_sampler_start(z, &how, &s));
    CHECK(s != NULL);
    return s;
}

/* Takes all; those of a GPU come in the order of their times, and none twice. How many there were, and the least time
 * between two of a GPU, if that is less than before. */
static uint32_t drain_apart(zeus_amd_sampler_t *s, uint64_t *least_ns)
{
    zeus_amd_sample_t some[64] = {ZEUS_AMD_SAMPLE_INIT};
    uint64_t last[2] = {0, 0}, lost = 1;
    uint32_t n = 64, i, all = 0;
    while (n == 64) {
        CHECK_OK(zeus_amd_sampler_drain(s, some, &n, &lost));
        CHECK(lost == 0);
        for (i = 0; i < n; i++) {
            uint64_t *before = &last[some[i].gpu % 2], apart = some[i].time_ns - *before;
            CHECK(some[i].gpu < 2 && some[i].time_ns > *before);
            *least_ns = apart < *least_ns ? apart : *least_ns;
            *before = some[i].time_ns;
        }
        all += n;
    }
    return all;
}

static uint32_t drain(zeus_amd_sampler_t *s)
{
    uint64_t least_ns = 0;
    return drain_apart(s, &least_ns);
}

/* Until so many wait to be drained, however busy the machine is. */
static void wait_for(zeus_amd_sampler_t *s, uint32_t wanted)
{
    uint32_t waiting = 0;
    while (waiting < wanted) {
        usleep(1000);
        waiting = 0;
        CHECK_OK(zeus_amd_sampler_drain(s, NULL, &waiting, NULL));
    }
}

/* Until both GPUs have been looked at after this. */
static void wait_for_more(zeus_amd_sampler_t *s)
{
    uint32_t waiting = 0;
    CHECK_OK(zeus_amd_sampler_drain(s, NULL, &waiting, NULL));
    wait_for(s, waiting + 4);
}

static void between(zeus_amd_sampler_t *s, uint64_t from, uint64_t to)
{
    zeus_amd_gpu_energy_t e = ZEUS_AMD_GPU_ENERGY_INIT;
    CHECK_OK(zeus_amd_sampler_energy_between(s, 1, from, to, &e));
    /* GPU 1 draws 101 W. */
    double truth = (double)(to - from) * 101e-6;
    CHECK(e.gpu == 1 && e.status == 0 && e.begin_ns == from && e.end_ns == to && e.duration_ns == to - from);
    CHECK((double)e.energy_mj <= truth + (double)e.uncertainty_mj && (double)e.energy_mj >= truth - (double)e.uncertainty_mj);
}

static void child_of(const zeus_amd_session_t *z, zeus_amd_sampler_t *s, zeus_amd_window_t *w)
{
    zeus_amd_sample_t some[4] = {ZEUS_AMD_SAMPLE_INIT};
    zeus_amd_gpu_energy_t e = ZEUS_AMD_GPU_ENERGY_INIT;
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    uint32_t n = 4;
    uint64_t lost = 77;
    zeus_amd_session_t *own;
    CHECK_IS(zeus_amd_sampler_stop(s), ZEUS_AMD_STATUS_FORKED);
    CHECK_IS(zeus_amd_sampler_drain(s, some, &n, &lost), ZEUS_AMD_STATUS_FORKED);
    CHECK_IS(zeus_amd_sampler_energy_between(s, 0, 1, 2, &e), ZEUS_AMD_STATUS_FORKED);
    CHECK_IS(zeus_amd_window_read(w, &total, NULL, NULL), ZEUS_AMD_STATUS_FORKED);
    CHECK_IS(zeus_amd_window_end(w, NULL, NULL, NULL), ZEUS_AMD_STATUS_FORKED);
    CHECK(n == 4 && lost == 77 && total.packages == 0 && says("fork"));
    all_refuse(z, ZEUS_AMD_STATUS_FORKED);
    zeus_amd_sampler_free(s);
    zeus_amd_close((zeus_amd_session_t *)(uintptr_t)z);
    CHECK_IS(zeus_amd_sampler_stop(s), ZEUS_AMD_STATUS_FORKED);
    /* A life of its own, with a sampler of its own, which ends with a return from main. */
    own = open_quickly();
    s = start(own, 1000000);
    wait_for(s, 5);
    exit(0);
}

static void forks(void)
{
    zeus_amd_session_t *z = open_quickly();
    zeus_amd_sampler_t *s = start(z, 500000);
    zeus_amd_window_t *w;
    int i;
    CHECK_OK(zeus_amd_window_begin(z, &w));
    for (i = 0; i < 30; i++) {
        int status = -1;
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            child_of(z, s, w);
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        wait_for(s, 1);
        CHECK(drain(s) > 0);
    }
    settle(2);
    CHECK_OK(zeus_amd_window_end(w, NULL, NULL, NULL));
    zeus_amd_sampler_free(s);
    zeus_amd_close(z);
}

static void again_and_again(void)
{
    zeus_amd_session_t *z = open_quickly();
    int i, before = 1;
    for (i = 0; i < 1000; i++) {
        zeus_amd_sampler_t *s = start(z, 100000 + (uint64_t)i * 1000);
        settle(before + 1);
        if (i % 50 == 0)
            usleep(3000);
        if (i % 3 == 0)
            CHECK_OK(zeus_amd_sampler_stop(s));
        if (i % 6 == 0) {
            CHECK_OK(zeus_amd_sampler_stop(s));
            settle(before);
        }
        if (i % 2 == 0)
            CHECK(drain(s) >= 2);
        zeus_amd_sampler_free(s);
        settle(before);
    }
    zeus_amd_close(z);
}

/* Two samplers of one session have one thread, and each its own period and samples. */
static void two(void)
{
    zeus_amd_session_t *z = open_quickly();
    int before = 1;
    uint64_t fast_ns = UINT64_MAX, slow_ns = UINT64_MAX;
    zeus_amd_sampler_t *fast = start(z, 1000000), *slow = start(z, 50000000);
    settle(before + 1);
    wait_for(fast, 64);
    wait_for(slow, 8);
    CHECK_OK(zeus_amd_sampler_stop(fast));
    settle(before + 1);
    CHECK(drain_apart(fast, &fast_ns) >= 64);
    wait_for_more(slow);
    CHECK(drain(fast) == 0);
    zeus_amd_sampler_free(fast);
    CHECK_OK(zeus_amd_sampler_stop(slow));
    CHECK(drain_apart(slow, &slow_ns) >= 8);
    /* Four fifths of a period lie between two samples. A busy machine takes fewer, but some of the fast ones at once. */
    CHECK(fast_ns < 40000000 && slow_ns >= 40000000);
    zeus_amd_sampler_free(slow);
    settle(before);
    zeus_amd_close(z);
}

/* The session ends first: the thread with it, samples and windows stay. */
static void closed(void)
{
    int i, before = 1;
    for (i = 0; i < 20; i++) {
        zeus_amd_session_t *z = open_quickly();
        zeus_amd_sampler_t *s = start(z, 1000000);
        zeus_amd_window_t *w;
        zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
        uint64_t from = zeus_amd_now_ns(), to;
        CHECK_OK(zeus_amd_window_begin(z, &w));
        usleep(10000);
        to = zeus_amd_now_ns();
        wait_for_more(s);
        zeus_amd_close(z);
        settle(before);
        between(s, from, to);
        if (i % 2 == 0)
            CHECK_OK(zeus_amd_sampler_stop(s));
        CHECK(drain(s) >= 4);
        CHECK_OK(zeus_amd_window_end(w, &total, NULL, NULL));
        CHECK(total.packages == 2 && total.energy_mj > 0);
        zeus_amd_sampler_free(s);
    }
}

/* libamd_smi forks itself in the middle of a reading. */
static void vendor_forks(void)
{
    zeus_amd_session_t *z = open_quickly();
    zeus_amd_sampler_t *s = start(z, 1000000);
    uint64_t from = zeus_amd_now_ns(), to;
    wait_for(s, 200);
    to = zeus_amd_now_ns();
    wait_for_more(s);
    CHECK_OK(zeus_amd_sampler_stop(s));
    between(s, from, to);
    CHECK(drain(s) > 200);
    read_fake(z, 0);
    zeus_amd_sampler_free(s);
    zeus_amd_close(z);
}

/* NULL for what was lost: the next drain says it. */
static void lost(void)
{
    zeus_amd_session_t *z = open_quickly();
    zeus_amd_sampler_options_t how = ZEUS_AMD_SAMPLER_OPTIONS_INIT;
    zeus_amd_sampler_t *s, *large;
    zeus_amd_sample_t some[16] = {ZEUS_AMD_SAMPLE_INIT};
    uint32_t n = 16, again = 16;
    uint64_t told = 0;
    how.capacity = 16;
    how.period_ns = 1000000;
    CHECK_OK(zeus_amd_sampler_start(z, &how, &s));
    wait_for(s, 16);
    /* One with room for all, in the same rounds, shows how many more there were. */
    large = start(z, how.period_ns);
    wait_for(large, 64);
    zeus_amd_sampler_free(large);
    CHECK_OK(zeus_amd_sampler_stop(s));
    CHECK_OK(zeus_amd_sampler_drain(s, some, &n, NULL));
    CHECK(n == 16);
    CHECK_OK(zeus_amd_sampler_drain(s, some, &again, &told));
    CHECK(again == 0 && told > 16);
    again = 16;
    CHECK_OK(zeus_amd_sampler_drain(s, some, &again, &told));
    CHECK(again == 0 && told == 0);
    zeus_amd_sampler_free(s);
    how.period_ns = 99999;
    CHECK_IS(zeus_amd_sampler_start(z, &how, &s), ZEUS_AMD_STATUS_INVALID_ARGUMENT);
    CHECK(s == NULL && says("period_ns"));
    how.period_ns = 0;
    how.capacity = UINT32_MAX;
    CHECK_IS(zeus_amd_sampler_start(z, &how, &s), ZEUS_AMD_STATUS_INVALID_ARGUMENT);
    CHECK(s == NULL && says("capacity"));
    zeus_amd_close(z);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    if (strcmp(argv[1], "forks") == 0)
        forks();
    else if (strcmp(argv[1], "again_and_again") == 0)
        again_and_again();
    else if (strcmp(argv[1], "two") == 0)
        two();
    else if (strcmp(argv[1], "closed") == 0)
        closed();
    else if (strcmp(argv[1], "vendor_forks") == 0)
        vendor_forks();
    else if (strcmp(argv[1], "lost") == 0)
        lost();
    else
        CHECK(!"known");
    return 0;
}
