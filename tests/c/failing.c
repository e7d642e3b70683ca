/* Linked into the examples with the linker's --wrap: the call that $FAILING names fails, "name:2" after two good ones. */
#include <zeus_amd.h>

#include <stdlib.h>
#include <string.h>

static int fails(const char *name, int calls)
{
    const char *failing = getenv("FAILING");
    size_t length = strlen(name);
    if (failing == NULL || strncmp(failing, name, length) != 0)
        return 0;
    return failing[length] == 0 || (failing[length] == ':' && calls >= atoi(failing + length + 1));
}

#define WRAP(type, name, parameters, arguments, failure)                                                               \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters                                                                                      \
    {                                                                                                                  \
        static int calls;                                                                                              \
        return fails(#name, calls++) ? (failure) : __real_##name arguments;                                            \
    }

#define FAILS(name, parameters, arguments) WRAP(zeus_amd_status_t, name, parameters, arguments, ZEUS_AMD_STATUS_INTERNAL)
/* What it ends is ended all the same. */
#define ENDS(name, parameters, arguments)                                                                              \
    WRAP(zeus_amd_status_t, name, parameters, arguments, ((void)__real_##name arguments, ZEUS_AMD_STATUS_INTERNAL))
#define NO_MEMORY(name, parameters, arguments) WRAP(void *, name, parameters, arguments, NULL)

NO_MEMORY(malloc, (size_t size), (size))
NO_MEMORY(calloc, (size_t count, size_t size), (count, size))
FAILS(zeus_amd_session_info, (const zeus_amd_session_t *z, zeus_amd_session_info_t *info), (z, info))
FAILS(zeus_amd_gpu_count, (const zeus_amd_session_t *z, uint32_t *count), (z, count))
FAILS(zeus_amd_gpu_info, (const zeus_amd_session_t *z, uint32_t gpu, zeus_amd_gpu_info_t *info), (z, gpu, info))
FAILS(zeus_amd_explain, (const zeus_amd_session_t *z, char *text, size_t room, size_t *length), (z, text, room, length))
FAILS(zeus_amd_window_begin, (const zeus_amd_session_t *z, zeus_amd_window_t **w), (z, w))
ENDS(zeus_amd_window_end, (zeus_amd_window_t *w, zeus_amd_total_energy_t *total, zeus_amd_gpu_energy_t *gpus, uint32_t *count),
     (w, total, gpus, count))
FAILS(zeus_amd_sampler_start, (const zeus_amd_session_t *z, const zeus_amd_sampler_options_t *options, zeus_amd_sampler_t **s),
      (z, options, s))
FAILS(zeus_amd_sampler_stop, (zeus_amd_sampler_t *s), (s))
FAILS(zeus_amd_sampler_drain, (zeus_amd_sampler_t *s, zeus_amd_sample_t *to, uint32_t *count, uint64_t *lost),
      (s, to, count, lost))
FAILS(zeus_amd_power_limit_range_mw, (const zeus_amd_session_t *z, uint32_t gpu, uint64_t *low, uint64_t *high), (z, gpu, low, high))
FAILS(zeus_amd_set_power_limit_mw, (const zeus_amd_session_t *z, uint32_t gpu, uint64_t mw), (z, gpu, mw))
FAILS(zeus_amd_guard_begin, (const zeus_amd_session_t *z, uint32_t flags, zeus_amd_guard_t **guard), (z, flags, guard))
ENDS(zeus_amd_guard_end, (zeus_amd_guard_t *guard), (guard))
