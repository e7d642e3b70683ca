/* NULL in every pointer argument, one at a time and all at once: a status with words, nothing written, no crash. */
#include "readers.h"

#define REFUSED(call)                                                          \
    do {                                                                       \
        CHECK_IS(call, ZEUS_AMD_STATUS_INVALID_ARGUMENT);                      \
        CHECK(says("NULL"));                                                   \
        wipe();                                                                \
    } while (0)

/* Makes this thread's last error another one, so that each text is seen to be new. */
static void wipe(void)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    options.flags = 1u << 30;
    CHECK_IS(zeus_amd_probe(&options), ZEUS_AMD_STATUS_INVALID_ARGUMENT);
    CHECK(!says("NULL"));
}

int main(void)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z = open_quickly();
    uint64_t a = 0;
    uint32_t c = 0;
    zeus_amd_window_t *w = NULL;
    zeus_amd_sampler_t *sampler = NULL;
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    zeus_amd_gpu_energy_t each[2] = {ZEUS_AMD_GPU_ENERGY_INIT};
    zeus_amd_sample_t samples[2] = {ZEUS_AMD_SAMPLE_INIT};
    zeus_amd_limit_counts_t counts = ZEUS_AMD_LIMIT_COUNTS_INIT;
    zeus_amd_limited_time_t limited = ZEUS_AMD_LIMITED_TIME_INIT;
    zeus_amd_node_window_t *node = NULL;
    zeus_amd_node_total_t of_node = ZEUS_AMD_NODE_TOTAL_INIT;
    zeus_amd_node_energy_t domains[2] = {ZEUS_AMD_NODE_ENERGY_INIT};
    zeus_amd_reading_t readings[2] = {ZEUS_AMD_READING_INIT};
    uint32_t room;
    size_t i, length = 0;
    char text[8] = "1234567";

    wipe();
    for (i = 0; i < COUNT(READ_U64); i++) {
        REFUSED(READ_U64[i](z, 0, NULL));
        REFUSED(READ_U64[i](NULL, 0, &a));
        REFUSED(READ_U64[i](NULL, 0, NULL));
    }
    for (i = 0; i < COUNT(READ_U32); i++) {
        REFUSED(READ_U32[i](z, 0, NULL));
        REFUSED(READ_U32[i](NULL, 0, &c));
        REFUSED(READ_U32[i](NULL, 0, NULL));
    }
    for (i = 0; i < COUNT(READ_PAIR); i++) {
        REFUSED(READ_PAIR[i](z, 0, NULL, &c));
        REFUSED(READ_PAIR[i](z, 0, &c, NULL));
        REFUSED(READ_PAIR[i](z, 0, NULL, NULL));
        REFUSED(READ_PAIR[i](NULL, 0, NULL, NULL));
    }
    for (i = 0; i < COUNT(READ_I32); i++) {
        REFUSED(READ_I32[i](z, 0, NULL));
        REFUSED(READ_I32[i](NULL, 0, NULL));
    }
    for (i = 0; i < COUNT(READ_RANGE); i++) {
        REFUSED(READ_RANGE[i](z, 0, NULL, &a));
        REFUSED(READ_RANGE[i](z, 0, &a, NULL));
        REFUSED(READ_RANGE[i](z, 0, NULL, NULL));
        REFUSED(READ_RANGE[i](NULL, 0, NULL, NULL));
    }
    REFUSED(zeus_amd_gpu_count(z, NULL));
    REFUSED(zeus_amd_gpu_count(NULL, NULL));
    REFUSED(zeus_amd_session_info(z, NULL));
    REFUSED(zeus_amd_session_info(NULL, NULL));
    REFUSED(zeus_amd_gpu_info(z, 0, NULL));
    REFUSED(zeus_amd_gpu_info(NULL, 0, NULL));
    REFUSED(zeus_amd_energy_raw(z, 0, NULL));
    REFUSED(zeus_amd_energy_raw(NULL, 0, NULL));
    REFUSED(zeus_amd_read_all(z, NULL, NULL));
    REFUSED(zeus_amd_read_all(NULL, NULL, &c));
    REFUSED(zeus_amd_read_all(z, readings, NULL));
    REFUSED(zeus_amd_find_by_pci(z, NULL, &c));
    REFUSED(zeus_amd_find_by_pci(z, "0000:01:00.0", NULL));
    REFUSED(zeus_amd_find_by_pci(NULL, NULL, NULL));
    REFUSED(zeus_amd_find_by_uuid(z, NULL, &c));
    REFUSED(zeus_amd_find_by_uuid(z, "GPU-0123456789abcdef", NULL));
    REFUSED(zeus_amd_find_by_uuid(NULL, NULL, NULL));
    REFUSED(zeus_amd_explain(z, NULL, 8, &length));
    REFUSED(zeus_amd_explain(z, NULL, 8, NULL));
    REFUSED(zeus_amd_explain(NULL, NULL, 0, NULL));
    REFUSED(zeus_amd_set_power_limit_mw(NULL, 0, 0));
    REFUSED(zeus_amd_reset_power_limit(NULL, 0));
    REFUSED(zeus_amd_set_persistence_mode(NULL, 0, 0));
    REFUSED(zeus_amd_lock_memory_clocks_mhz(NULL, 0, 0, 0));
    REFUSED(zeus_amd_lock_graphics_clocks_mhz(NULL, 0, 0, 0));
    REFUSED(zeus_amd_reset_memory_clocks(NULL, 0));
    REFUSED(zeus_amd_reset_graphics_clocks(NULL, 0));
    REFUSED(zeus_amd_reset_clocks(NULL, 0));
    REFUSED(zeus_amd_guard_begin(z, 0, NULL));
    REFUSED(zeus_amd_guard_begin(NULL, 0, NULL));
    REFUSED(zeus_amd_guard_info(NULL, 0, NULL));
    REFUSED(zeus_amd_window_begin(z, NULL));
    REFUSED(zeus_amd_window_begin(NULL, NULL));
    REFUSED(zeus_amd_window_read(NULL, NULL, NULL, NULL));
    REFUSED(zeus_amd_window_read(NULL, &total, NULL, NULL));
    REFUSED(zeus_amd_window_lap(NULL, NULL, NULL, NULL));
    REFUSED(zeus_amd_window_restart(NULL));
    REFUSED(zeus_amd_window_end(NULL, NULL, NULL, NULL));
    REFUSED(zeus_amd_window_end(NULL, &total, NULL, NULL));
    REFUSED(zeus_amd_limit_counts(z, 0, NULL));
    REFUSED(zeus_amd_limited_time(NULL, &counts, &limited));
    REFUSED(zeus_amd_limited_time(&counts, NULL, &limited));
    REFUSED(zeus_amd_limited_time(&counts, &counts, NULL));
    REFUSED(zeus_amd_node_domain_count(z, NULL));
    REFUSED(zeus_amd_node_domain_info(z, 0, NULL));
    REFUSED(zeus_amd_node_energy_uj(z, 0, NULL, &a));
    REFUSED(zeus_amd_node_power_mw(z, 0, NULL, &a));
    REFUSED(zeus_amd_node_window_begin(z, NULL));
    REFUSED(zeus_amd_node_window_gpus(NULL, &w));
    REFUSED(zeus_amd_node_window_read(NULL, &of_node, NULL, NULL));
    REFUSED(zeus_amd_node_window_end(NULL, NULL, NULL, NULL));
    CHECK_OK(zeus_amd_node_window_begin(z, &node));
    room = 2;
    REFUSED(zeus_amd_node_window_gpus(node, NULL));
    REFUSED(zeus_amd_node_window_read(node, NULL, domains, NULL));
    REFUSED(zeus_amd_node_window_read(node, NULL, NULL, &room));
    REFUSED(zeus_amd_node_window_end(node, &of_node, domains, NULL));
    CHECK(of_node.domains == 0 && domains[0].method == 0 && w == NULL);
    CHECK_OK(zeus_amd_node_window_end(node, NULL, NULL, NULL));
    REFUSED(zeus_amd_sampler_start(z, NULL, NULL));
    REFUSED(zeus_amd_sampler_start(NULL, NULL, NULL));
    REFUSED(zeus_amd_sampler_stop(NULL));
    REFUSED(zeus_amd_sampler_drain(NULL, NULL, NULL, NULL));
    REFUSED(zeus_amd_sampler_drain(NULL, samples, &c, &a));
    REFUSED(zeus_amd_sampler_energy_between(NULL, 0, 1, 2, NULL));
    REFUSED(zeus_amd_sampler_energy_between(NULL, 0, 1, 2, each));
    CHECK_OK(zeus_amd_window_begin(z, &w));
    room = 2;
    /* An array without its count; room without an array. The window is still open afterwards. */
    REFUSED(zeus_amd_window_read(w, NULL, each, NULL));
    REFUSED(zeus_amd_window_read(w, NULL, NULL, &room));
    REFUSED(zeus_amd_window_end(w, &total, each, NULL));
    REFUSED(zeus_amd_window_end(w, &total, NULL, &room));
    CHECK(total.packages == 0 && each[0].method == 0);
    CHECK_OK(zeus_amd_sampler_start(z, NULL, &sampler));
    REFUSED(zeus_amd_sampler_drain(sampler, samples, NULL, &a));
    room = 2;
    REFUSED(zeus_amd_sampler_drain(sampler, NULL, &room, &a));
    REFUSED(zeus_amd_sampler_energy_between(sampler, 0, 1, 2, NULL));
    REFUSED(zeus_amd_open(&options, NULL));
    REFUSED(zeus_amd_open(NULL, NULL));
    CHECK(a == 0 && c == 0);
    all_refuse(NULL, ZEUS_AMD_STATUS_INVALID_ARGUMENT);

    /* Here NULL is allowed. */
    CHECK_OK(zeus_amd_probe(NULL));
    CHECK_OK(zeus_amd_guard_end(NULL));
    CHECK_OK(zeus_amd_set_log(NULL, ZEUS_AMD_LOG_ERROR, NULL));
    CHECK_OK(zeus_amd_set_log(NULL, ZEUS_AMD_LOG_ERROR, &c));
    CHECK_IS(zeus_amd_set_log(NULL, 4, NULL), ZEUS_AMD_STATUS_INVALID_ARGUMENT);
    length = zeus_amd_last_error(NULL, 0);
    CHECK(length > 7);
    CHECK(zeus_amd_last_error(NULL, 100) == length);
    CHECK(zeus_amd_last_error(text, 0) == length && strcmp(text, "1234567") == 0);
    CHECK(zeus_amd_last_error(text, 1) == length && text[0] == 0 && text[1] == '2');
    CHECK(zeus_amd_last_error(text, sizeof text) == length && text[7] == 0 && strlen(text) == 7);
    CHECK_OK(zeus_amd_explain(z, NULL, 0, &length));
    CHECK_OK(zeus_amd_explain(z, NULL, 0, NULL));
    CHECK_OK(zeus_amd_explain(z, text, sizeof text, NULL));
    CHECK(strlen(text) == 7 && length > 7);
    zeus_amd_close(NULL);
    zeus_amd_sampler_free(NULL);
    CHECK(zeus_amd_now_ns() > 0);
    CHECK_OK(zeus_amd_window_read(w, NULL, NULL, NULL));
    room = 0;
    CHECK_OK(zeus_amd_window_read(w, NULL, NULL, &room));
    CHECK(room == 2);
    CHECK_OK(zeus_amd_window_read(w, &total, NULL, NULL));
    CHECK(total.packages == 2);
    CHECK_OK(zeus_amd_window_end(w, NULL, each, &room));
    CHECK(each[1].method != ZEUS_AMD_METHOD_NONE && each[1].struct_size == sizeof each[1]);
    room = 0;
    CHECK_OK(zeus_amd_sampler_drain(sampler, NULL, &room, NULL));
    room = 0;
    a = 77;
    CHECK_OK(zeus_amd_sampler_drain(sampler, NULL, &room, &a));
    CHECK(a == 0);
    CHECK(room >= 2);
    room = 2;
    CHECK_OK(zeus_amd_sampler_drain(sampler, samples, &room, NULL));
    CHECK(room == 2 && samples[0].gpu == 0 && samples[1].gpu == 1);
    zeus_amd_sampler_free(sampler);
    read_fake(z, 0);
    zeus_amd_close(z);
    return 0;
}
