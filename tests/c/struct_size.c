/* struct_size of every struct, in and out: 0, 1, v1-1, v1, v1+8 with a zero tail and with one that is set, 2^32-1.
 * Every struct ends where a page without access begins, so reading or writing past it ends the test. */
#include <sys/mman.h>
#include <unistd.h>

#include "readers.h"
#include "sizes_0_1.h"

static unsigned char *end; /* of the accessible memory */
static zeus_amd_session_t *z;

/* A struct of `size` bytes of `fill` at the very end, with that struct_size. */
static void *place(size_t size, uint32_t struct_size, int fill)
{
    unsigned char *at = end - size;
    memset(at - 64, 0x77, 64);
    memset(at, fill, size);
    memcpy(at, &struct_size, sizeof struct_size);
    return at;
}

static void untouched_before(const unsigned char *at)
{
    int i;
    for (i = 1; i <= 64; i++)
        CHECK(at[-i] == 0x77);
}

typedef zeus_amd_status_t (*get)(void *);

static zeus_amd_status_t get_session(void *at)
{
    return zeus_amd_session_info(z, at);
}

static zeus_amd_status_t get_gpu(void *at)
{
    return zeus_amd_gpu_info(z, 1, at);
}

static zeus_amd_status_t get_energy(void *at)
{
    return zeus_amd_energy_raw(z, 1, at);
}

static zeus_amd_status_t get_readings(void *at)
{
    uint32_t one = 1;
    return zeus_amd_read_all(z, at, &one);
}

static zeus_amd_window_t *w;
static zeus_amd_sampler_t *sampler;
static uint64_t from_ns, to_ns;

static zeus_amd_status_t get_total(void *at)
{
    return zeus_amd_window_read(w, at, NULL, NULL);
}

static zeus_amd_node_window_t *node;

static zeus_amd_status_t get_domain(void *at)
{
    return zeus_amd_node_domain_info(z, 1, at);
}

static zeus_amd_status_t get_node_total(void *at)
{
    return zeus_amd_node_window_read(node, at, NULL, NULL);
}

static zeus_amd_status_t get_node_energies(void *at)
{
    uint32_t one = 1;
    return zeus_amd_node_window_read(node, NULL, at, &one);
}

static zeus_amd_status_t get_limit_counts(void *at)
{
    return zeus_amd_limit_counts(z, 1, at);
}

static zeus_amd_status_t get_limited_time(void *at)
{
    zeus_amd_limit_counts_t counts = ZEUS_AMD_LIMIT_COUNTS_INIT;
    return zeus_amd_limited_time(&counts, &counts, at);
}

static zeus_amd_status_t take_limit_counts(void *at)
{
    zeus_amd_limited_time_t l = ZEUS_AMD_LIMITED_TIME_INIT;
    return zeus_amd_limited_time(at, at, &l);
}

static zeus_amd_status_t get_gpu_energies(void *at)
{
    uint32_t one = 1, two = 2;
    /* One is too few, and whatever its size is, nothing is written to it. */
    zeus_amd_status_t s = zeus_amd_window_read(w, NULL, at, &one);
    CHECK(s == ZEUS_AMD_STATUS_STRUCT_VERSION || s == ZEUS_AMD_STATUS_BUFFER_TOO_SMALL);
    if (s == ZEUS_AMD_STATUS_BUFFER_TOO_SMALL)
        CHECK(one == two);
    return zeus_amd_sampler_energy_between(sampler, 1, from_ns, to_ns, at);
}

static int has_energy(void)
{
    zeus_amd_gpu_energy_t e = ZEUS_AMD_GPU_ENERGY_INIT;
    return zeus_amd_sampler_energy_between(sampler, 1, from_ns, to_ns, &e) == ZEUS_AMD_STATUS_OK;
}

static zeus_amd_status_t get_sample(void *at)
{
    uint32_t one = 0;
    zeus_amd_status_t s = ZEUS_AMD_STATUS_OK;
    /* However long the sampler has to wait for a processor. */
    while (s == ZEUS_AMD_STATUS_OK && one == 0) {
        one = 1;
        s = zeus_amd_sampler_drain(sampler, at, &one, NULL);
        usleep(one == 0 ? 1000 : 0);
    }
    return s;
}

static zeus_amd_status_t start(void *at)
{
    zeus_amd_sampler_t *started = (zeus_amd_sampler_t *)at;
    zeus_amd_status_t s = zeus_amd_sampler_start(z, at, &started);
    CHECK((s == ZEUS_AMD_STATUS_OK) == (started != NULL));
    zeus_amd_sampler_free(started);
    return s;
}

/* An array has the stride that its first element says. */
static void strides(void)
{
    uint32_t stride, i;
    for (stride = GPU_ENERGY_0_1; stride < GPU_ENERGY_0_1 + 64; stride++) {
        uint32_t count = 2;
        unsigned char *at = place((size_t)stride * 2, stride, 0x5A);
        CHECK_OK(zeus_amd_window_read(w, NULL, (zeus_amd_gpu_energy_t *)(void *)at, &count));
        untouched_before(at);
        for (i = 0; i < 2; i++) {
            uint32_t head[5];
            memcpy(head, at + (size_t)stride * i, sizeof head);
            CHECK(head[0] == stride && head[1] == i && head[4] != ZEUS_AMD_METHOD_NONE);
            CHECK(stride == GPU_ENERGY_0_1 || at[(size_t)stride * (i + 1) - 1] == 0);
        }
    }
}

static zeus_amd_status_t probe(void *at)
{
    return zeus_amd_probe(at);
}

static zeus_amd_status_t open_it(void *at)
{
    zeus_amd_session_t *opened = (zeus_amd_session_t *)at;
    zeus_amd_status_t s = zeus_amd_open(at, &opened);
    CHECK((s == ZEUS_AMD_STATUS_OK) == (opened != NULL));
    zeus_amd_close(opened);
    return s;
}

/* Sizes that no struct has; `there` bytes exist, so that a huge size is seen to be refused before it is believed. */
static void refused(get f, const char *macro, size_t there, uint32_t struct_size)
{
    unsigned char *at = place(there, struct_size, 0x5A);
    size_t i;
    CHECK_IS(f(at), ZEUS_AMD_STATUS_STRUCT_VERSION);
    CHECK(says(macro) && says("struct_size"));
    for (i = sizeof struct_size; i < there; i++)
        CHECK(at[i] == 0x5A);
    untouched_before(at);
}

static void bad_sizes(get f, const char *macro, uint32_t v1)
{
    static const uint32_t huge[] = {0xFFFFFFFFu, 0xFFFFFFF0u, 0x80000000u, 0x7FFFFFFFu, 0x10001u, 1u << 20};
    uint32_t size;
    size_t i;
    /* Only the size itself exists: nothing behind it may be read. */
    for (size = 0; size < v1; size++)
        refused(f, macro, size < 4 ? 4 : size, size);
    for (i = 0; i < COUNT(huge); i++) {
        refused(f, macro, 4, huge[i]);
        refused(f, macro, v1, huge[i]);
    }
}

static void out(get f, const char *macro, uint32_t v1, uint32_t ours)
{
    unsigned char known[1024], *at;
    uint32_t size, i;
    bad_sizes(f, macro, v1);
    /* From the first release's size to far more than ours: what is known is written, the rest is zeroed. */
    at = place(ours, ours, 0x5A);
    CHECK_OK(f(at));
    CHECK(ours <= sizeof known);
    memcpy(known, at, ours);
    for (size = v1; size <= ours + 64; size++) {
        at = place(size, size, 0x5A);
        CHECK_OK(f(at));
        memcpy(&i, at, sizeof i);
        CHECK(i == size);
        untouched_before(at);
        /* Readings and samples differ from one to the next. */
        for (i = f == get_session || f == get_gpu ? 4 : ours; i < size; i++)
            CHECK(at[i] == (i < ours ? known[i] : 0));
    }
    at = place(0x10000, 0x10000, 0x5A);
    CHECK_OK(f(at));
    CHECK(end[-1] == 0 && at[ours] == 0);
    untouched_before(at);
}

static void in(get f, const char *macro, uint32_t v1, uint32_t ours)
{
    unsigned char *at;
    uint32_t size, byte;
    bad_sizes(f, macro, v1);
    for (size = v1; size <= ours + 8; size++) {
        CHECK_OK(f(place(size, size, 0)));
        /* Each byte that this library does not know must be zero. */
        for (byte = ours; byte < size; byte++) {
            at = place(size, size, 0);
            at[byte] = 1;
            CHECK_IS(f(at), ZEUS_AMD_STATUS_STRUCT_VERSION);
            CHECK(says(macro));
        }
    }
    CHECK_OK(f(place(0x10000, 0x10000, 0)));
    at = place(0x10000, 0x10000, 0);
    end[-1] = 0x80;
    CHECK_IS(f(at), ZEUS_AMD_STATUS_STRUCT_VERSION);
}

int main(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 0x20000;
    unsigned char *memory = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    end = memory + size;
    CHECK(mprotect(end, page, PROT_NONE) == 0);
    z = open_quickly();
    out(get_session, "ZEUS_AMD_SESSION_INFO_INIT", SESSION_INFO_0_1, sizeof(zeus_amd_session_info_t));
    out(get_gpu, "ZEUS_AMD_GPU_INFO_INIT", GPU_INFO_0_1, sizeof(zeus_amd_gpu_info_t));
    out(get_energy, "ZEUS_AMD_ENERGY_RAW_INIT", ENERGY_RAW_0_1, sizeof(zeus_amd_energy_raw_t));
    /* One is too few here: what has a size that may be is refused for that, and not written to. */
    bad_sizes(get_readings, "ZEUS_AMD_READING_INIT", READING_0_1);
    CHECK_IS(get_readings(place(READING_0_1, READING_0_1, 0x5A)), ZEUS_AMD_STATUS_BUFFER_TOO_SMALL);
    CHECK(end[-1] == 0x5A);
    out(get_domain, "ZEUS_AMD_NODE_DOMAIN_INFO_INIT", NODE_DOMAIN_INFO_0_1, sizeof(zeus_amd_node_domain_info_t));
    bad_sizes(get_limit_counts, "ZEUS_AMD_LIMIT_COUNTS_INIT", LIMIT_COUNTS_0_1);
    in(take_limit_counts, "ZEUS_AMD_LIMIT_COUNTS_INIT", LIMIT_COUNTS_0_1, sizeof(zeus_amd_limit_counts_t));
    out(get_limited_time, "ZEUS_AMD_LIMITED_TIME_INIT", LIMITED_TIME_0_1, sizeof(zeus_amd_limited_time_t));
    CHECK_OK(zeus_amd_node_window_begin(z, &node));
    out(get_node_total, "ZEUS_AMD_NODE_TOTAL_INIT", NODE_TOTAL_0_1, sizeof(zeus_amd_node_total_t));
    bad_sizes(get_node_energies, "ZEUS_AMD_NODE_ENERGY_INIT", NODE_ENERGY_0_1);
    CHECK_IS(get_node_energies(place(NODE_ENERGY_0_1, NODE_ENERGY_0_1, 0x5A)), ZEUS_AMD_STATUS_BUFFER_TOO_SMALL);
    CHECK_OK(zeus_amd_node_window_end(node, NULL, NULL, NULL));
    CHECK_OK(zeus_amd_window_begin(z, &w));
    CHECK_OK(zeus_amd_sampler_start(z, NULL, &sampler));
    from_ns = zeus_amd_now_ns();
    usleep(30000);
    to_ns = zeus_amd_now_ns();
    /* However long the sampler has to wait for a processor. */
    while (!has_energy())
        usleep(1000);
    out(get_total, "ZEUS_AMD_TOTAL_ENERGY_INIT", TOTAL_ENERGY_0_1, sizeof(zeus_amd_total_energy_t));
    out(get_gpu_energies, "ZEUS_AMD_GPU_ENERGY_INIT", GPU_ENERGY_0_1, sizeof(zeus_amd_gpu_energy_t));
    usleep(100000);
    out(get_sample, "ZEUS_AMD_SAMPLE_INIT", SAMPLE_0_1, sizeof(zeus_amd_sample_t));
    strides();
    in(start, "ZEUS_AMD_SAMPLER_OPTIONS_INIT", SAMPLER_OPTIONS_0_1, sizeof(zeus_amd_sampler_options_t));
    CHECK_OK(zeus_amd_window_end(w, NULL, NULL, NULL));
    zeus_amd_sampler_free(sampler);
    in(probe, "ZEUS_AMD_OPTIONS_INIT", OPTIONS_0_1, sizeof(zeus_amd_options_t));
    /* Opening takes half a second with these: the sizes that are refused, then one that is not. */
    bad_sizes(open_it, "ZEUS_AMD_OPTIONS_INIT", OPTIONS_0_1);
    CHECK_OK(open_it(place(sizeof(zeus_amd_options_t) + 8, sizeof(zeus_amd_options_t) + 8, 0)));
    read_fake(z, 0);
    zeus_amd_close(z);
    return 0;
}
