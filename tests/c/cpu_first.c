/* Other code initialises libamd_smi (argv[1]) for CPUs only, then a session is opened: prints the status, then the error or
 * the explanation. */
#include <zeus_amd.h>

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    static char text[8192];
    zeus_amd_session_t *z = NULL;
    zeus_amd_status_t s;
    uint32_t (*init)(uint64_t);
    void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!library)
        return 2;
    *(void **)(&init) = dlsym(library, "amdsmi_init");
    if (init(1) != 0)
        return 3;
    s = zeus_amd_open(NULL, &z);
    if (s != ZEUS_AMD_STATUS_OK)
        zeus_amd_last_error(text, sizeof text);
    else if (zeus_amd_explain(z, text, sizeof text, NULL) != ZEUS_AMD_STATUS_OK)
        return 4;
    printf("%d %s\n", (int)s, text);
    zeus_amd_close(z);
    return 0;
}
