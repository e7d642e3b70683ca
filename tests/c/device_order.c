/* Prints which GPUs a session has: "open S", "zero S", "amdsmi S", "loaded B", "uncertain B", then "GPU PCI NODE UNMASKED AMDSMI PACKAGE POWER ENERGY FLAGS"
 * for each ("-" where there is none), "found S INDEX", then the explanation. Arguments: flags of the options, the ROCm release
 * ("-": not given); then, with the flag for explicit masks, the three masks ("-": not set); a UUID to be found. */
#include <zeus_amd.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void number(int have, uint64_t value)
{
    if (have)
        printf(" %" PRIu64, value);
    else
        printf(" -");
}

static const char *given(int argc, char **argv, int i)
{
    return i < argc && strcmp(argv[i], "-") != 0 ? argv[i] : NULL;
}

int main(int argc, char **argv)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_info_t about = ZEUS_AMD_SESSION_INFO_INIT;
    zeus_amd_session_t *z = NULL;
    static char text[65536];
    size_t needed = 0;
    zeus_amd_status_t s;

    options.validation = ZEUS_AMD_VALIDATION_OFF;
    if (argc > 1)
        options.flags = (uint32_t)strtoul(argv[1], NULL, 0);
    options.runtime_version = given(argc, argv, 2);
    options.rocr_visible_devices = given(argc, argv, 3);
    options.hip_visible_devices = given(argc, argv, 4);
    options.cuda_visible_devices = given(argc, argv, 5);
    s = zeus_amd_open(&options, &z);
    printf("open %d\n", (int)s);
    if (s != ZEUS_AMD_STATUS_OK) {
        zeus_amd_last_error(text, sizeof text);
        printf("error %s\n", text);
        return 0;
    }
    if (zeus_amd_session_info(z, &about) != ZEUS_AMD_STATUS_OK)
        return 1;
    printf("zero %d\n", (int)about.no_gpu_reason);
    printf("amdsmi %d\n", (int)about.amdsmi_status);
    printf("loaded %d\n", (about.valid & ZEUS_AMD_SESSION_INFO_VALID_AMDSMI_BIT) != 0);
    printf("uncertain %d\n", (about.flags & ZEUS_AMD_SESSION_INFO_FLAG_ORDER_UNCERTAIN_BIT) != 0);
    for (uint32_t i = 0; i < about.gpu_count; i++) {
        zeus_amd_gpu_info_t g = ZEUS_AMD_GPU_INFO_INIT;
        uint64_t power = 0, energy = 0;
        uint32_t found = 0;
        int have_power, have_energy;
        if (zeus_amd_gpu_info(z, i, &g) != ZEUS_AMD_STATUS_OK)
            return 1;
        have_power = zeus_amd_power_instant_mw(z, i, &power) == ZEUS_AMD_STATUS_OK ||
                     zeus_amd_power_average_mw(z, i, &power) == ZEUS_AMD_STATUS_OK;
        if (!have_power) {
            zeus_amd_last_error(text, sizeof text);
            printf("refused %" PRIu32 " %s\n", i, text);
        }
        have_energy = zeus_amd_energy_mj(z, i, &energy) == ZEUS_AMD_STATUS_OK;
        printf("gpu %" PRIu32 " %s", i, g.pci_address);
        number(g.valid & ZEUS_AMD_GPU_INFO_VALID_KFD_NODE_BIT, g.kfd_node);
        number(g.valid & ZEUS_AMD_GPU_INFO_VALID_UNMASKED_INDEX_BIT, g.unmasked_index);
        number(g.valid & ZEUS_AMD_GPU_INFO_VALID_AMDSMI_INDEX_BIT, g.amdsmi_index);
        printf(" %s", g.package);
        number(have_power, power);
        number(have_energy, energy);
        printf(" %" PRIu32 "\n", g.flags);
        /* An index found by its own names is that index. */
        if (zeus_amd_find_by_pci(z, g.pci_address, &found) != ZEUS_AMD_STATUS_OK || found != i)
            printf("not found by PCI: %" PRIu32 "\n", i);
        s = zeus_amd_find_by_uuid(z, g.uuid, &found);
        if ((g.valid & ZEUS_AMD_GPU_INFO_VALID_UNIQUE_ID_BIT) &&
            (s == ZEUS_AMD_STATUS_OK ? found != i : s != ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE))
            printf("another found by UUID: %" PRIu32 "\n", i);
    }
    if (given(argc, argv, 6) != NULL) {
        uint32_t found = 0;
        s = zeus_amd_find_by_uuid(z, argv[6], &found);
        printf("found %d %" PRIu32 "\n", (int)s, found);
    }
    if (zeus_amd_explain(z, text, sizeof text, &needed) != ZEUS_AMD_STATUS_OK || needed != strlen(text))
        return 1;
    printf("%s", text);
    zeus_amd_close(z);
    return 0;
}
