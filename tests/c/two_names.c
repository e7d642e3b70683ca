/* Opens one libamd_smi twice: as the dynamic loader finds it, and by the path that is given. */
#include <zeus_amd.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *by_loader = NULL, *by_path = NULL;
    char text[1024];

    options.validation = ZEUS_AMD_VALIDATION_OFF;
    if (argc != 2 || zeus_amd_open(&options, &by_loader) != ZEUS_AMD_STATUS_OK) {
        zeus_amd_last_error(text, sizeof text);
        fprintf(stderr, "by the loader: %s\n", text);
        return 1;
    }
    options.amdsmi_path = argv[1];
    if (zeus_amd_open(&options, &by_path) != ZEUS_AMD_STATUS_OK) {
        zeus_amd_last_error(text, sizeof text);
        fprintf(stderr, "by path: %s\n", text);
        return 1;
    }
    zeus_amd_close(by_path);
    zeus_amd_close(by_loader);
    return 0;
}
