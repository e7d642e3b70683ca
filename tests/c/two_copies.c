/* Two copies of this library (argv[1], argv[2]) over one libamd_smi: 8 threads read GPU 0 to 7, by turns through one copy and
 * the other. Prints "calls N wrong N errors N": GPU g draws 100 + 10 g watts. argv[3]: calls of each thread. */
#include <zeus_amd.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 8 };

static struct {
    zeus_amd_session_t *session;
    __typeof__(zeus_amd_open) *open;
    __typeof__(zeus_amd_power_instant_mw) *power;
    __typeof__(zeus_amd_close) *close;
} copies[2];
static atomic_ulong calls, wrong, errors;
static unsigned long each;

static void *read_power(void *number)
{
    uint32_t gpu = (uint32_t)(size_t)number;
    for (unsigned long i = 0; i < each; i++) {
        uint64_t mw = 0;
        zeus_amd_status_t s = copies[i % 2].power(copies[i % 2].session, gpu, &mw);
        calls++;
        errors += s != ZEUS_AMD_STATUS_OK;
        wrong += s == ZEUS_AMD_STATUS_OK && mw != 100000 + 10000 * gpu;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    if (argc != 4)
        return 2;
    each = strtoul(argv[3], NULL, 10);
    for (int i = 0; i < 2; i++) {
        void *library = dlopen(argv[1 + i], RTLD_NOW | RTLD_LOCAL);
        if (!library)
            return 3;
        *(void **)(&copies[i].open) = dlsym(library, "zeus_amd_open");
        *(void **)(&copies[i].power) = dlsym(library, "zeus_amd_power_instant_mw");
        *(void **)(&copies[i].close) = dlsym(library, "zeus_amd_close");
        if (copies[i].open(NULL, &copies[i].session) != ZEUS_AMD_STATUS_OK)
            return 4;
    }
    if (copies[0].power == copies[1].power)
        return 5;
    for (size_t i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, read_power, (void *)i) != 0)
            return 6;
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++)
        copies[i].close(copies[i].session);
    printf("calls %lu wrong %lu errors %lu\n", calls, wrong, errors);
    return 0;
}
