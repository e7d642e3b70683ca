/* As libdrm_amdgpu where amdgpu.ids is missing: it prints that, in each way in which a library can. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

int amdgpu_device_initialize(void)
{
    static char text[] = "/usr/share/libdrm/amdgpu.ids: by write\n";
    struct iovec vector = {text, sizeof text - 1};
    /* First: perror is free to write elsewhere while nothing has been printed by stdio. */
    errno = ENOENT;
    perror("amdgpu.ids: by perror");
    fprintf(stderr, "/opt/amdgpu/share/libdrm/amdgpu.ids: %s\n", strerror(ENOENT));
    if (write(2, text, sizeof text - 1) < 0 || writev(2, &vector, 1) < 0)
        return 1;
    fputs("amdgpu.ids: by fputs\n", stderr);
    dprintf(2, "amdgpu.ids: by dprintf\n");
    return 0;
}
