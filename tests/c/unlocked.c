/* What happens without the lock: eight threads ask libamd_smi (argv[1]) itself for the powers of all GPUs, until one is
 * another GPU's. argv[2]: offset of the current power in the struct. */
#include <dlfcn.h>
#include <pthread.h>

#include "check.h"

#define THREADS 8
#define MOST 64

static uint32_t (*power_info)(void *, void *);
static void *gpus[MOST];
static uint32_t count, watts[MOST];
static volatile unsigned wrong;
static size_t at;

static uint32_t power(uint32_t gpu)
{
    uint64_t info[512];
    uint32_t w = 0;
    memset(info, 0, sizeof info);
    if (power_info(gpus[gpu], info) == 0)
        memcpy(&w, (char *)info + at, sizeof w);
    return w;
}

static void *work(void *unused)
{
    uint32_t i;
    while (!wrong)
        for (i = 0; i < count; i++)
            if (power(i) != watts[i])
                __sync_fetch_and_add(&wrong, 1);
    return unused;
}

int main(int argc, char **argv)
{
    uint32_t (*init)(uint64_t), (*sockets_of)(uint32_t *, void **), (*gpus_of)(void *, uint32_t *, void **);
    void *library, *sockets[MOST];
    pthread_t threads[THREADS];
    uint32_t n = MOST, i;
    CHECK(argc == 3);
    library = dlopen(argv[1], RTLD_NOW);
    CHECK(library != NULL);
    *(void **)&init = dlsym(library, "amdsmi_init");
    *(void **)&sockets_of = dlsym(library, "amdsmi_get_socket_handles");
    *(void **)&gpus_of = dlsym(library, "amdsmi_get_processor_handles");
    *(void **)&power_info = dlsym(library, "amdsmi_get_power_info");
    CHECK(init && sockets_of && gpus_of && power_info);
    CHECK(init(2) == 0 && sockets_of(&n, sockets) == 0);
    for (i = 0; i < n; i++) {
        uint32_t one = 1;
        CHECK(count < MOST && gpus_of(sockets[i], &one, &gpus[count]) == 0 && one == 1);
        count++;
    }
    CHECK(count == 8);
    at = strtoul(argv[2], NULL, 10);
    for (i = 0; i < count; i++)
        CHECK((watts[i] = power(i)) != 0);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, NULL) == 0);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    return 0;
}
