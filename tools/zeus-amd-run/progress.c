/* One line on a terminal while the command runs. */
#include "run.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static int shown;

/* A background job does not write over what is in front. */
static int is_in_front(void)
{
    return isatty(STDERR_FILENO) && tcgetpgrp(STDERR_FILENO) == getpgrp();
}

void live_show(const struct measure *m, const struct child *c)
{
    char text[128];
    struct winsize size;
    int width = 80, length;
    uint64_t now = zeus_amd_now_ns();
    double watts = 0;
    if (m->none[0] != 0 || m->sampler == NULL || !is_in_front())
        return;
    for (uint32_t i = 0; i < m->count; i++)
        if (m->gpus[i].steps > 0)
            watts += m->gpus[i].last_mw / 1e3;
    length = snprintf(text, sizeof text, "zeus-amd-run: %.1f s, %.1f J, now %.0f W", (double)(now - c->begin_ns) / 1e9, measure_joules_so_far(m), watts);
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        width = size.ws_col;
    if (length > width - 1)
        length = width - 1;
    /* Back to the left, so that what the command prints goes over it. */
    fprintf(stderr, "\r\033[K%.*s\r", length, text);
    fflush(stderr);
    shown = 1;
}

void live_clear(void)
{
    if (shown && is_in_front()) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
}
