/* Nothing of the process is changed by loading, opening, reading, failing and closing: signal handlers, masks, the
 * alternative stack, working directory, file mode mask, limits, locale, rights, system call filters; no descriptor and
 * no thread stays. The exit status is the program's own. */
#include <dirent.h>
#include <dlfcn.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plain.h"

struct state {
    struct sigaction handlers[NSIG];
    int known[NSIG];
    sigset_t mask;
    stack_t stack;
    char directory[4096];
    mode_t mode;
    struct rlimit limits[RLIM_NLIMITS];
    char locale[256];
    /* Rights and system call filters of the main thread. */
    char rights[512];
    int descriptors, threads;
};

/* The lines of /proc/self/status that tell what this thread may do. */
static void read_rights(char *to, size_t room)
{
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");
    CHECK(f != NULL);
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "NoNewPrivs", 10) == 0 || strncmp(line, "Seccomp", 7) == 0 || strncmp(line, "Cap", 3) == 0) {
            CHECK(strlen(to) + strlen(line) < room);
            strcat(to, line);
        }
    }
    fclose(f);
}

static int entries(const char *folder)
{
    DIR *d = opendir(folder);
    int n = 0;
    CHECK(d != NULL);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void look(struct state *s)
{
    int i;
    memset(s, 0, sizeof *s);
    for (i = 1; i < NSIG; i++)
        s->known[i] = sigaction(i, NULL, &s->handlers[i]) == 0;
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &s->mask) == 0);
    CHECK(sigaltstack(NULL, &s->stack) == 0);
    CHECK(getcwd(s->directory, sizeof s->directory) != NULL);
    s->mode = umask(0);
    umask(s->mode);
    for (i = 0; i < (int)RLIM_NLIMITS; i++)
        CHECK(getrlimit(i, &s->limits[i]) == 0);
    read_rights(s->rights, sizeof s->rights);
    s->descriptors = entries("/proc/self/fd");
    s->threads = entries("/proc/self/task");
    snprintf(s->locale, sizeof s->locale, "%s", setlocale(LC_ALL, NULL));
}

static void same(const struct state *a, const struct state *b)
{
    int i, j;
    for (i = 1; i < NSIG; i++) {
        /* glibc has two signals of its own, which it installs when the first thread is made. */
        if (!a->known[i] || i == 32 || i == 33)
            continue;
        CHECK(a->handlers[i].sa_handler == b->handlers[i].sa_handler);
        CHECK(a->handlers[i].sa_flags == b->handlers[i].sa_flags);
        for (j = 1; j < NSIG; j++)
            CHECK(sigismember(&a->handlers[i].sa_mask, j) == sigismember(&b->handlers[i].sa_mask, j));
    }
    for (i = 1; i < NSIG; i++)
        CHECK(sigismember(&a->mask, i) == sigismember(&b->mask, i));
    CHECK(a->stack.ss_sp == b->stack.ss_sp && a->stack.ss_flags == b->stack.ss_flags);
    CHECK(strcmp(a->directory, b->directory) == 0 && a->mode == b->mode);
    CHECK(memcmp(a->limits, b->limits, sizeof a->limits) == 0);
    CHECK(strcmp(a->locale, b->locale) == 0);
    CHECK(strcmp(a->rights, b->rights) == 0);
    CHECK(a->descriptors == b->descriptors && a->threads == b->threads);
}

/* Looks, and gives threads and descriptors that are about to go the time for it. */
static void look_after(struct state *s, const struct state *before)
{
    int i;
    look(s);
    for (i = 0; i < 500 && (s->threads != before->threads || s->descriptors != before->descriptors); i++) {
        usleep(10000);
        look(s);
    }
}

static void handler(int signal)
{
    (void)signal;
}

/* argv[1]: libzeus_amd.so. */
int main(int argc, char **argv)
{
    static struct state before, after;
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z = NULL;
    uint64_t mw = 0;
    void *library;
    sigset_t some;
    zeus_amd_status_t (*open_)(const zeus_amd_options_t *, zeus_amd_session_t **);
    zeus_amd_status_t (*power)(const zeus_amd_session_t *, uint32_t, uint64_t *);
    void (*close_)(zeus_amd_session_t *);

    /* A host with a life of its own. */
    CHECK(argc == 2);
    CHECK(signal(SIGUSR1, handler) != SIG_ERR && signal(SIGSEGV, handler) != SIG_ERR);
    CHECK(signal(SIGUSR2, SIG_IGN) != SIG_ERR);
    sigemptyset(&some);
    sigaddset(&some, SIGTERM);
    CHECK(pthread_sigmask(SIG_BLOCK, &some, NULL) == 0);

    look(&before);
    library = dlopen(argv[1], RTLD_NOW);
    CHECK(library != NULL);
    look_after(&after, &before);
    same(&before, &after);

    *(void **)&open_ = dlsym(library, "zeus_amd_open");
    *(void **)&power = dlsym(library, "zeus_amd_power_instant_mw");
    *(void **)&close_ = dlsym(library, "zeus_amd_close");
    CHECK(open_ && power && close_);
    CHECK(open_(NULL, &z) == ZEUS_AMD_STATUS_OK);
    look_after(&after, &before);
    same(&before, &after);
    CHECK(power(z, 0, &mw) == ZEUS_AMD_STATUS_OK && power(z, 9, &mw) == ZEUS_AMD_STATUS_NOT_FOUND);
    close_(z);
    options.amdsmi_path = "/not-there";
    CHECK(open_(&options, &z) == ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND);
    look_after(&after, &before);
    same(&before, &after);
    return 42;
}
