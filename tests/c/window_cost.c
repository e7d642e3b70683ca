/* What windows do to their process: argv[1] windows with no system call but reads, in this thread; then argv[2] windows that
 * leave memory, descriptors and threads as they were. Where a GPU has no counter to rely on, the thread that samples it may
 * have to be woken up. A window that a busy machine has made long may look again whether the counter stands, and so may one
 * between whose readings the simulator moves its files at last: two looks in the first 2 ms, and seldom. */
#define _DEFAULT_SOURCE
#include "check.h"
#include "process.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static zeus_amd_session_t *z;
static long checked;
static int wakes, sleeps;
/* When the window under way began, and whether this is the thread that is checked. */
static uint64_t begun_ns;
static __thread int is_strict;

/* Instead of libc's. */
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
{
    CHECK(!is_strict || zeus_amd_now_ns() - begun_ns > 2000000 || ++sleeps <= 6);
    return syscall(SYS_clock_nanosleep, clock, flags, time, left) == 0 ? 0 : errno;
}

static void windows(long n)
{
    zeus_amd_window_t *w;
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    while (n--) {
        begun_ns = zeus_amd_now_ns();
        CHECK_OK(zeus_amd_window_begin(z, &w));
        CHECK_OK(zeus_amd_window_end(w, &total, NULL, NULL));
    }
}

static void restarts(zeus_amd_window_t *w, long n)
{
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    while (n--) {
        begun_ns = zeus_amd_now_ns();
        CHECK_OK(zeus_amd_window_restart(w));
        CHECK_OK(zeus_amd_window_read(w, &total, NULL, NULL));
    }
}

/* From now on this thread may read and nothing else, or the process dies. */
static void only_reads(void)
{
    static const int allowed[] = {SYS_pread64, SYS_clock_gettime, SYS_clock_nanosleep, SYS_exit, SYS_futex};
    unsigned n = 0, i, count = sizeof allowed / sizeof *allowed - !wakes;
    struct sock_filter filter[16];
    struct sock_fprog program = {0, filter};
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (i = 0; i < count; i++) {
        filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)allowed[i], 0, 1);
        filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    program.len = (unsigned short)n;
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void *strict(void *window)
{
    /* The allocator's pool of this thread. */
    windows(1);
    is_strict = 1;
    only_reads();
    windows(checked);
    restarts(window, checked);
    syscall(SYS_exit, 0);
    return NULL;
}

int main(int argc, char **argv)
{
    zeus_amd_gpu_energy_t gpus[64] = {ZEUS_AMD_GPU_ENERGY_INIT};
    zeus_amd_window_t *w;
    pthread_t thread;
    uint32_t i, count = 64;
    int descriptors, threads;
    long resident;
    CHECK(argc == 3);
    checked = atol(argv[1]);
    CHECK_OK(zeus_amd_open(NULL, &z));
    threads = entries("/proc/self/task");
    CHECK_OK(zeus_amd_window_begin(z, &w));
    CHECK_OK(zeus_amd_window_read(w, NULL, gpus, &count));
    for (i = 0; i < count; i++) {
        uint32_t state = gpus[i].counter_state;
        wakes |= state != ZEUS_AMD_COUNTER_STATE_TRUSTED && state != ZEUS_AMD_COUNTER_STATE_SECONDARY_DIE &&
                 state != ZEUS_AMD_COUNTER_STATE_SECONDARY_PARTITION;
    }
    CHECK(pthread_create(&thread, NULL, strict, w) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    descriptors = entries("/proc/self/fd");
    windows(1000);
    resident = resident_kb();
    windows(atol(argv[2]));
    restarts(w, atol(argv[2]));
    CHECK(resident_kb() - resident < 256);
    CHECK(entries("/proc/self/fd") == descriptors && entries("/proc/self/task") == threads);
    CHECK_OK(zeus_amd_window_end(w, NULL, NULL, NULL));
    zeus_amd_close(z);
    return 0;
}
