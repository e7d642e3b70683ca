/* Which GPU is which: how environment and topology led to the list of this
 * process, and every number that HIP, KFD, DRM and amd-smi give to each of its GPUs.
 *
 *     which_gpu
 */
#include <zeus_amd.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int complain(const char *what)
{
    char text[1024];
    zeus_amd_last_error(text, sizeof text);
    fprintf(stderr, "which_gpu: %s: %s\n", what, text);
    return 1;
}

/* A number, or "-" where there is none. */
static void number(uint32_t have, uint32_t value)
{
    if (have)
        printf("  %8" PRIu32, value);
    else
        printf("  %8s", "-");
}

static int print_table(const zeus_amd_session_t *z, uint32_t count)
{
    printf("\n%5s  %8s  %8s  %8s  %-12s  %-20s  %s\n", "HIP", "unmasked", "amd-smi", "KFD node", "PCI address", "UUID",
           "name");
    for (uint32_t i = 0; i < count; i++) {
        zeus_amd_gpu_info_t gpu = ZEUS_AMD_GPU_INFO_INIT;
        if (zeus_amd_gpu_info(z, i, &gpu) != ZEUS_AMD_STATUS_OK)
            return complain("zeus_amd_gpu_info");
        printf("%5" PRIu32, i);
        number(gpu.valid & ZEUS_AMD_GPU_INFO_VALID_UNMASKED_INDEX_BIT, gpu.unmasked_index);
        number(gpu.valid & ZEUS_AMD_GPU_INFO_VALID_AMDSMI_INDEX_BIT, gpu.amdsmi_index);
        number(gpu.valid & ZEUS_AMD_GPU_INFO_VALID_KFD_NODE_BIT, gpu.kfd_node);
        printf("  %-12s  %-20s  %s\n", gpu.pci_address, gpu.uuid[0] != '\0' ? gpu.uuid : "-", gpu.name);
    }
    return 0;
}

int main(void)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z = NULL;
    uint32_t count = 0;
    size_t length = 0;
    char *text;
    int status = 1;

    options.validation = ZEUS_AMD_VALIDATION_OFF; /* nothing is measured here */
    if (zeus_amd_open(&options, &z) != ZEUS_AMD_STATUS_OK)
        return complain("zeus_amd_open");
    if (zeus_amd_explain(z, NULL, 0, &length) != ZEUS_AMD_STATUS_OK ||
        zeus_amd_gpu_count(z, &count) != ZEUS_AMD_STATUS_OK) {
        complain("zeus_amd_explain");
    } else if ((text = malloc(length + 1)) != NULL) {
        if (zeus_amd_explain(z, text, length + 1, NULL) == ZEUS_AMD_STATUS_OK) {
            printf("%s", text);
            status = count > 0 ? print_table(z, count) : 0;
        }
        free(text);
    }
    zeus_amd_close(z);
    z = NULL;
    return status;
}
