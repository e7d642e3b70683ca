/* Does what the lines on standard input say, one answer line each: a status, values, and after " | " the text of a
 * failure. Arguments: validation, init_timeout_ms, backend (zeus_amd_backend_t), flags (ZEUS_AMD_OPEN_..._BIT). */
#include <zeus_amd.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static zeus_amd_session_t *z;
static zeus_amd_window_t *window;
static char heard[1 << 16];
static size_t heard_length;

static void hear(uint32_t level, const char *text, void *user)
{
    int n = snprintf(heard + heard_length, sizeof heard - heard_length, "%s; ", text);
    (void)level;
    (void)user;
    if (n > 0 && heard_length + (size_t)n < sizeof heard)
        heard_length += (size_t)n;
}

/* On one line. */
static const char *flat(char *text)
{
    for (char *c = text; *c; c++)
        if (*c == '\n')
            *c = ';';
    return text;
}

static void end(zeus_amd_status_t s)
{
    char text[1024] = "";
    if (s != ZEUS_AMD_STATUS_OK)
        zeus_amd_last_error(text, sizeof text);
    printf(" | %s\n", flat(text));
}

static void u64(zeus_amd_status_t s, uint64_t v)
{
    printf("%d %" PRIu64, (int)s, s == ZEUS_AMD_STATUS_OK ? v : 0);
    end(s);
}

static void info(uint32_t gpu)
{
    zeus_amd_gpu_info_t i = ZEUS_AMD_GPU_INFO_INIT;
    zeus_amd_status_t s = zeus_amd_gpu_info(z, gpu, &i);
    printf("%d %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %s %s", (int)s, i.source, i.counter_state, i.flags,
           i.die_role, i.valid, i.pci_address, i.name);
    end(s);
}

static void raw(uint32_t gpu)
{
    zeus_amd_energy_raw_t e = ZEUS_AMD_ENERGY_RAW_INIT;
    zeus_amd_status_t s = zeus_amd_energy_raw(z, gpu, &e);
    printf("%d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %" PRIu32, (int)s, e.accumulator, e.driver_time_ns,
           e.firmware_time_ns, e.valid, e.flags);
    end(s);
}

/* All GPUs with room for `room` and `stride` bytes each; behind the last byte a mark. */
static void all(uint32_t room, uint32_t stride)
{
    static unsigned char bytes[1 << 16];
    zeus_amd_reading_t first = ZEUS_AMD_READING_INIT;
    uint32_t count = room;
    zeus_amd_status_t s;
    memset(bytes, 0x5A, sizeof bytes);
    first.struct_size = stride;
    memcpy(bytes, &first, sizeof first.struct_size);
    s = zeus_amd_read_all(z, (zeus_amd_reading_t *)(void *)bytes, &count);
    printf("%d %" PRIu32, (int)s, count);
    for (uint32_t i = 0; s == ZEUS_AMD_STATUS_OK && i < count && i < room; i++) {
        zeus_amd_reading_t r;
        memset(&r, 0, sizeof r);
        memcpy(&r, bytes + i * stride, stride < sizeof r ? stride : sizeof r);
        printf(" [ %" PRIu32 " %" PRIu32 " %" PRIu32 " %d %" PRIu64 " %" PRIu64 " %.17g %" PRIu64 " %" PRIu64 " %" PRIu64
               " %" PRIu64 " %d %" PRIu32 " %" PRIu32,
               r.struct_size, r.gpu, r.valid, (int)r.status, r.energy_mj, r.accumulator, r.resolution_uj, r.driver_time_ns,
               r.firmware_time_ns, r.power_instant_mw, r.power_average_mw, (int)r.temperature_c, r.flags, r.counter_state);
        for (uint32_t b = (uint32_t)sizeof r; b < stride; b++)
            if (bytes[i * stride + b] != 0)
                printf(" tail");
        printf(" ]");
    }
    for (size_t b = (size_t)room * stride; b < sizeof bytes; b++)
        if (bytes[b] != 0x5A && !(room == 0 && b < 4)) {
            printf(" overrun");
            break;
        }
    end(s);
}

static void window_end(uint32_t gpu)
{
    zeus_amd_gpu_energy_t e[64] = {ZEUS_AMD_GPU_ENERGY_INIT};
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    uint32_t count = 64;
    zeus_amd_status_t s = zeus_amd_window_end(window, &total, e, &count);
    window = NULL;
    printf("%d %" PRIu32 " %" PRIu32 " %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, (int)s, e[gpu].method,
           e[gpu].flags, (int)e[gpu].status, e[gpu].energy_mj, e[gpu].uncertainty_mj, e[gpu].begin_ns, e[gpu].end_ns);
    end(s);
}

static void explain(void)
{
    static char text[65536];
    zeus_amd_session_info_t about = ZEUS_AMD_SESSION_INFO_INIT;
    zeus_amd_status_t s = zeus_amd_explain(z, text, sizeof text, NULL);
    if (zeus_amd_session_info(z, &about) != ZEUS_AMD_STATUS_OK)
        exit(3);
    printf("%d %" PRIu32 " %" PRIu32 " %" PRIu32 ".%" PRIu32 " | %s\n", (int)s, about.gpu_count, about.backend,
           about.amdsmi_version_0, about.amdsmi_version_1, flat(text));
}

/* Opens and closes so often: how many GPUs in all were not read from the file. */
static void opens(const zeus_amd_options_t *options, unsigned times)
{
    unsigned others = 0;
    for (unsigned i = 0; i < times; i++) {
        uint32_t count = 0;
        struct timespec pause = {0, 1000000L * (i % 7)};
        if (z)
            zeus_amd_close(z);
        nanosleep(&pause, NULL);
        if (zeus_amd_open(options, &z) != ZEUS_AMD_STATUS_OK || zeus_amd_gpu_count(z, &count) != ZEUS_AMD_STATUS_OK)
            exit(3);
        for (uint32_t gpu = 0; gpu < count; gpu++) {
            zeus_amd_gpu_info_t about = ZEUS_AMD_GPU_INFO_INIT;
            if (zeus_amd_gpu_info(z, gpu, &about) != ZEUS_AMD_STATUS_OK)
                exit(3);
            others += about.source != ZEUS_AMD_BACKEND_SYSFS;
        }
    }
    printf("0 %u | %s\n", others, flat(heard));
}

int main(int argc, char **argv)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    char line[256], what[32];
    unsigned long long a, b;

    options.validation = argc > 1 ? (uint32_t)atoi(argv[1]) : ZEUS_AMD_VALIDATION_OFF;
    options.init_timeout_ms = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;
    options.backend = argc > 3 ? (uint32_t)atoi(argv[3]) : ZEUS_AMD_BACKEND_AUTO;
    options.flags = argc > 4 ? (uint32_t)atoi(argv[4]) : 0;
    if (zeus_amd_set_log(hear, ZEUS_AMD_LOG_INFO, NULL) != ZEUS_AMD_STATUS_OK)
        return 3;
    while (fgets(line, sizeof line, stdin)) {
        uint64_t v = 0;
        int32_t c = 0;
        zeus_amd_status_t s;
        a = b = 0;
        if (sscanf(line, "%31s %llu %llu", what, &a, &b) < 1)
            return 2;
        if (strcmp(what, "open") == 0) {
            if (z)
                zeus_amd_close(z);
            s = zeus_amd_open(&options, &z);
            u64(s, 0);
        } else if (strcmp(what, "hurry") == 0) {
            /* From now on calls may take so many milliseconds, whatever the first open took. */
            zeus_amd_options_t hurried = options;
            zeus_amd_session_t *other = NULL;
            hurried.init_timeout_ms = (uint32_t)a;
            if (zeus_amd_open(&hurried, &other) == ZEUS_AMD_STATUS_OK)
                zeus_amd_close(other);
            u64(ZEUS_AMD_STATUS_OK, 0);
        } else if (strcmp(what, "probe") == 0) {
            s = zeus_amd_probe(&options);
            u64(s, 0);
        } else if (strcmp(what, "opens") == 0) {
            opens(&options, (unsigned)a);
        } else if (strcmp(what, "log") == 0) {
            printf("0 | %s\n", flat(heard));
        } else if (strcmp(what, "explain") == 0) {
            explain();
        } else if (strcmp(what, "info") == 0) {
            info((uint32_t)a);
        } else if (strcmp(what, "raw") == 0) {
            raw((uint32_t)a);
        } else if (strcmp(what, "energy") == 0) {
            s = zeus_amd_energy_mj(z, (uint32_t)a, &v);
            u64(s, v);
        } else if (strcmp(what, "instant") == 0) {
            s = zeus_amd_power_instant_mw(z, (uint32_t)a, &v);
            u64(s, v);
        } else if (strcmp(what, "average") == 0) {
            s = zeus_amd_power_average_mw(z, (uint32_t)a, &v);
            u64(s, v);
        } else if (strcmp(what, "temperature") == 0) {
            s = zeus_amd_temperature_c(z, (uint32_t)a, &c);
            u64(s, (uint64_t)c);
        } else if (strcmp(what, "limit") == 0) {
            s = zeus_amd_power_limit_mw(z, (uint32_t)a, &v);
            u64(s, v);
        } else if (strcmp(what, "levels") == 0 || strcmp(what, "range") == 0) {
            uint32_t x = 0, y = 0;
            s = what[0] == 'l' ? zeus_amd_graphics_clock_levels_mhz(z, (uint32_t)a, &x, &y)
                               : zeus_amd_graphics_clock_range_mhz(z, (uint32_t)a, &x, &y);
            printf("%d %" PRIu32 " %" PRIu32, (int)s, x, y);
            end(s);
        } else if (strcmp(what, "lock") == 0) {
            s = zeus_amd_lock_graphics_clocks_mhz(z, (uint32_t)a, 500, 2000);
            u64(s, 0);
        } else if (strcmp(what, "all") == 0) {
            all((uint32_t)a, (uint32_t)b);
        } else if (strcmp(what, "flags") == 0) {
            zeus_amd_reading_t r[64] = {ZEUS_AMD_READING_INIT};
            uint32_t count = 64;
            s = zeus_amd_read_all(z, r, &count);
            u64(s, r[a % 64].flags);
        } else if (strcmp(what, "begin") == 0) {
            s = zeus_amd_window_begin(z, &window);
            u64(s, 0);
        } else if (strcmp(what, "end") == 0) {
            window_end((uint32_t)a);
        } else {
            return 2;
        }
        fflush(stdout);
    }
    zeus_amd_close(z);
    return 0;
}
