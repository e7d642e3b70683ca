/* fork() with a session open. argv[1]: what the parent is doing then. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"
#include "readers.h"

static zeus_amd_session_t *z;
static volatile int stop, messages;

static void count(uint32_t level, const char *text, void *user)
{
    (void)level;
    (void)text;
    (void)user;
    messages = 1;
}

/* What a child has a right to: it is told, a close does no harm, and it has a life of its own. */
static void child(void)
{
    zeus_amd_session_t *own;
    if (z) {
        all_refuse(z, ZEUS_AMD_STATUS_FORKED);
        CHECK(says("fork"));
        zeus_amd_close(z);
        all_refuse(z, ZEUS_AMD_STATUS_FORKED);
    }
    CHECK_OK(zeus_amd_probe(NULL));
    CHECK(zeus_amd_version() == ZEUS_AMD_VERSION_NUMBER);
    messages = 0;
    CHECK_OK(zeus_amd_set_log(count, ZEUS_AMD_LOG_DEBUG, NULL));
    *fake("fake_block") = 0;
    own = open_quickly();
    read_fake(own, 0);
    read_fake(own, 1);
    zeus_amd_close(own);
    CHECK(messages == 1);
    CHECK_OK(zeus_amd_set_log(NULL, 0, NULL));
    exit(0);
}

static void fork_once(void)
{
    int status = -1;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        child();
    CHECK(waitpid(pid, &status, 0) == pid);
    if (WIFSIGNALED(status))
        fprintf(stderr, "the child died of signal %d\n", WTERMSIG(status));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A child's child is told as well, about both sessions. */
static void grandchild(void)
{
    int status = -1;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        zeus_amd_session_t *parents = z;
        z = open_quickly();
        read_fake(z, 1);
        fork_once();
        read_fake(z, 0);
        all_refuse(parents, ZEUS_AMD_STATUS_FORKED);
        zeus_amd_close(z);
        exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void *hold(void *unused)
{
    int32_t t = 0;
    CHECK_OK(zeus_amd_temperature_c(z, 0, &t));
    return unused;
}

static void *keep_reading(void *unused)
{
    while (!stop) {
        read_fake(z, 0);
        read_fake(z, 1);
    }
    return unused;
}

static void *keep_opening(void *unused)
{
    while (!stop) {
        zeus_amd_session_t *other = open_quickly();
        zeus_amd_close(other);
    }
    return unused;
}

static void *open_slowly(void *unused)
{
    z = open_quickly();
    return unused;
}

static void with_threads(void *(*first)(void *), void *(*others)(void *), int forks)
{
    pthread_t threads[4];
    int i;
    for (i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, i == 0 ? first : others, NULL) == 0);
    for (i = 0; i < forks; i++)
        fork_once();
    stop = 1;
    for (i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

int main(int argc, char **argv)
{
    pthread_t thread;
    CHECK(argc == 2);
    if (strcmp(argv[1], "initialising") == 0) {
        /* The first open waits for amdsmi_init, which takes a second; the child has to call it itself. */
        CHECK(pthread_create(&thread, NULL, open_slowly, NULL) == 0);
        while (!fake_has_noted("init\n"))
            usleep(1000);
        fork_once();
        CHECK(pthread_join(thread, NULL) == 0);
    } else {
        z = open_quickly();
    }
    if (strcmp(argv[1], "nothing") == 0) {
        fork_once();
        fork_once();
        grandchild();
    } else if (strcmp(argv[1], "holding") == 0) {
        /* A thread is inside libamd_smi, with the lock, and is not there any more in the child. */
        *fake("fake_block") = 1;
        CHECK(pthread_create(&thread, NULL, hold, NULL) == 0);
        while (!*fake("fake_inside"))
            usleep(1000);
        fork_once();
        CHECK(*fake("fake_inside") == 1);
        *fake("fake_block") = 0;
        CHECK(pthread_join(thread, NULL) == 0);
    } else if (strcmp(argv[1], "logging") == 0) {
        /* Threads that hand messages to the log all the time. */
        CHECK_OK(zeus_amd_set_log(count, ZEUS_AMD_LOG_DEBUG, NULL));
        with_threads(keep_opening, keep_opening, 150);
    } else if (strcmp(argv[1], "everything") == 0) {
        /* Threads everywhere: in libamd_smi, waiting for the lock, opening, closing. */
        with_threads(keep_opening, keep_reading, 150);
    }
    read_fake(z, 0);
    read_fake(z, 1);
    zeus_amd_close(z);
    return 0;
}
