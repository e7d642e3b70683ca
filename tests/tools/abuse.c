/* What no program should do with an annotation, and some do.
 * usage: abuse names|unbalanced|deep|many|calls|threads|exits-inside|aborts-inside|handler|exits-in-handler|aborts-in-handler|broken-heap|fork|exit|_exit|abort|killed|twice|busy */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <locale.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void *tool;
static void (*push)(const char *);
static void (*pop)(void);
static void (*end_for)(uint64_t);
static void (*start_section)(uint32_t), (*stop_section)(uint32_t), (*mark)(const char *), (*range_stop)(uint64_t);
static uint64_t (*range_start)(const char *);

static void *symbol(const char *name)
{
    void *at = dlsym(tool, name);
    if (at == NULL) {
        fprintf(stderr, "no %s\n", name);
        exit(2);
    }
    return at;
}

static void names(void)
{
    static char large[65537];
    const char *const all[] = {NULL, "", "\"quoted\"", "new\nline", "\\u0000 \\ back\\slash", "tab\tand \x01\x1b[31m", "/a;b,c/",
                               "\xff\xfe broken \xc3", "\xf0\x9f\x94\xa5 fire", "%s%n%d", "L\xc3\xb6sung \xe2\x82\xac" "x"};
    memset(large, 'x', sizeof large - 1);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        push(all[i]);
        pop();
    }
    push(large);
    large[0] = 'y';
    push(large);
    pop();
    pop();
}

static void unbalanced(void)
{
    pop();
    end_for(77);
    push("open");
    end_for(1);
    pop();
    pop();
    stop_section(99);
    start_section(99);
    push("left open");
    push("left open too");
}

static void deep(void)
{
    for (int i = 0; i < 10000; i++)
        push("deep");
    usleep(3000);
    for (int i = 0; i < 10000; i++)
        pop();
}

static void many(void)
{
    char name[32];
    for (int i = 0; i < 70000; i++) {
        snprintf(name, sizeof name, "region %d", i);
        push(name);
        pop();
    }
}

static void *ends_inside(void *unused)
{
    push("a thread");
    push("ends here");
    return unused;
}

static void threads(void)
{
    pthread_t one;
    for (int i = 0; i < 500; i++) {
        pthread_create(&one, NULL, ends_inside, NULL);
        pthread_join(one, NULL);
    }
}

static void inside(void)
{
    threads();
    push("outer");
    push("inner");
    range_start("a range");
    usleep(20000);
}

static void handles(int number)
{
    (void)number;
    push("in a handler");
    pop();
}

static void handler(void)
{
    const struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    signal(SIGALRM, handles);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 300000; i++) {
        push(i % 3 == 0 ? "a" : "b");
        pop();
    }
    setitimer(ITIMER_REAL, &never, NULL);
}

/* As a batch system's SIGTERM is often answered; it comes at any time, also within a push. */
static void exits(int number)
{
    (void)number;
    exit(9);
}

static void aborts(int number)
{
    (void)number;
    abort();
}

static void a_or_b(int i)
{
    push(i % 2 == 0 ? "a" : "b");
    pop();
}

static void ends_in_handler(void (*handler)(int))
{
    const struct itimerval soon = {{0, 0}, {0, 30000}};
    signal(SIGALRM, handler);
    /* A first visit allocates, which an exit in a handler must not interrupt. */
    a_or_b(0);
    a_or_b(1);
    setitimer(ITIMER_REAL, &soon, NULL);
    for (int i = 0;; i++)
        a_or_b(i);
}

/* The allocator finds out, and aborts while it holds its lock. */
static void *waits(void *unused)
{
    pause();
    return unused;
}

static void broken_heap(void)
{
    pthread_t one;
    char *volatile block;
    pthread_create(&one, NULL, waits, NULL);
    block = malloc(100000);
    memset(block + malloc_usable_size(block), 0x55, 8); /* the size of what is free */
    for (int i = 0; i < 10; i++)
        block = malloc(100000);
    exit(4);
}

/* How much memory a million more calls take that have been seen before. */
static void more_calls(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        pthread_t one;
        for (int j = 0; j < 1000; j++) {
            push(j % 2 == 0 ? "a" : "b");
            push("within");
            pop();
            pop();
            range_stop(range_start(j % 3 == 0 ? "x" : "y"));
            mark("here");
        }
        pthread_create(&one, NULL, ends_inside, NULL);
        pthread_join(one, NULL);
    }
}

static void calls(void)
{
    size_t before;
    more_calls(5);
    before = mallinfo2().uordblks;
    more_calls(200);
    /* Negative where the tool has meanwhile freed what it had before. */
    printf("%td\n", (ptrdiff_t)(mallinfo2().uordblks - before));
}

static volatile int stop;
static pthread_barrier_t both_inside;
static void *pushes(void *waits)
{
    push("busy");
    if (waits != NULL)
        pthread_barrier_wait(&both_inside);
    pop();
    while (!stop) {
        push("busy");
        push("inner");
        pop();
        pop();
    }
    return waits;
}

/* Threads that go on while the process ends; two have been in the region at one time, however busy the machine is. */
static void busy(void)
{
    pthread_t one;
    pthread_barrier_init(&both_inside, NULL, 3);
    for (int i = 0; i < 4; i++)
        pthread_create(&one, NULL, pushes, i < 2 ? &both_inside : NULL);
    pthread_barrier_wait(&both_inside);
    usleep(100000);
}

static void forks(void)
{
    int status = 0;
    push("parent");
    if (fork() == 0) {
        push("child");
        pop();
        exit(0);
    }
    wait(&status);
    if (status != 0)
        exit(3);
    pop();
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    setlocale(LC_ALL, "");
    tool = dlopen(getenv("TOOL"), RTLD_NOW);
    if (tool == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    *(void **)&push = symbol("kokkosp_push_profile_region");
    *(void **)&pop = symbol("kokkosp_pop_profile_region");
    *(void **)&end_for = symbol("kokkosp_end_parallel_for");
    *(void **)&start_section = symbol("kokkosp_start_profile_section");
    *(void **)&stop_section = symbol("kokkosp_stop_profile_section");
    *(void **)&mark = symbol("roctxMarkA");
    *(void **)&range_start = symbol("roctxRangeStartA");
    *(void **)&range_stop = symbol("roctxRangeStop");
    ((void (*)(int, uint64_t, uint32_t, void *))symbol("kokkosp_init_library"))(0, 20210225, 0, NULL);
    push("main");
    usleep(20000);
    pop();
    if (strcmp(what, "names") == 0)
        names();
    else if (strcmp(what, "unbalanced") == 0)
        unbalanced();
    else if (strcmp(what, "deep") == 0)
        deep();
    else if (strcmp(what, "many") == 0)
        many();
    else if (strcmp(what, "calls") == 0)
        calls();
    else if (strcmp(what, "exits-in-handler") == 0)
        ends_in_handler(exits);
    else if (strcmp(what, "aborts-in-handler") == 0)
        ends_in_handler(aborts);
    else if (strcmp(what, "broken-heap") == 0)
        broken_heap();
    else if (strcmp(what, "threads") == 0)
        threads();
    else if (strcmp(what, "exits-inside") == 0)
        inside(), exit(7);
    else if (strcmp(what, "aborts-inside") == 0)
        inside(), abort();
    else if (strcmp(what, "handler") == 0)
        handler();
    else if (strcmp(what, "busy") == 0)
        busy();
    else if (strcmp(what, "fork") == 0)
        forks();
    else if (strcmp(what, "exit") == 0)
        exit(7);
    else if (strcmp(what, "_exit") == 0)
        _exit(8);
    else if (strcmp(what, "abort") == 0)
        abort();
    else if (strcmp(what, "killed") == 0)
        return kill(getpid(), SIGABRT) == 0 ? 6 : 5;
    else if (strcmp(what, "twice") == 0)
        for (int i = 0; i < 2; i++)
            ((void (*)(void))symbol("kokkosp_finalize_library"))();
    else
        return 2;
    dlclose(tool);
    return 0;
}
