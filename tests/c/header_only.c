/* The header alone, with every INIT macro used. Compiled in each C standard, and as C++. */
#include "zeus_amd.h"
#include "zeus_amd.h"

#if !ZEUS_AMD_VERSION_AT_LEAST(0, 0, 0) || ZEUS_AMD_VERSION_AT_LEAST(1000, 0, 0)
#error "ZEUS_AMD_VERSION_AT_LEAST"
#endif
#if ZEUS_AMD_VERSION_NUMBER == 0
#error "ZEUS_AMD_VERSION_NUMBER"
#endif

int use_everything(void);

int use_everything(void)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_info_t session = ZEUS_AMD_SESSION_INFO_INIT;
    zeus_amd_gpu_info_t gpu = ZEUS_AMD_GPU_INFO_INIT;
    zeus_amd_energy_raw_t energy = ZEUS_AMD_ENERGY_RAW_INIT;
    zeus_amd_log_fn log = NULL;
    zeus_amd_status_t status = ZEUS_AMD_STATUS_OK;

    options.flags = ZEUS_AMD_OPEN_ENSURE_HOMOGENEOUS_BIT | ZEUS_AMD_OPEN_SHUTDOWN_ON_CLOSE_BIT;
    options.backend = ZEUS_AMD_BACKEND_AUTO;
    options.validation = ZEUS_AMD_VALIDATION_OFF;
    options.energy_resolution = ZEUS_AMD_ENERGY_RESOLUTION_FIRMWARE;
    return options.struct_size == sizeof options && session.struct_size == sizeof session &&
                   gpu.struct_size == sizeof gpu && energy.struct_size == sizeof energy &&
                   log == NULL && status == 0 && (gpu.valid & ZEUS_AMD_GPU_INFO_VALID_NAME_BIT) == 0
               ? 0
               : 1;
}
