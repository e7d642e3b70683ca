/* Where this runs: host and rank, and names of files that have them. */
#include "run.h"

#include "../rank.h"

#include <errno.h>
#include <unistd.h>

static long count_of(const char *text)
{
    return text != NULL && *text >= '0' && *text <= '9' ? strtol(text, NULL, 10) : -1;
}

void place_find(struct place *p)
{
    if (gethostname(p->host, sizeof p->host - 1) != 0 || p->host[0] == 0 || strchr(p->host, '/') != NULL)
        strcpy(p->host, "unknown");
    p->rank = count_of(report_rank());
    p->ranks = count_of(report_ranks());
}

const char *place_name(const struct place *p, const char *pattern)
{
    size_t room = strlen(pattern) + 1, percents = 0;
    char *name, *to;
    errno = 0;
    if (strchr(pattern, '%') == NULL)
        return pattern;
    for (const char *s = pattern; *s != 0; s++)
        percents += *s == '%';
    room += percents * sizeof p->host;
    to = name = malloc(room);
    for (const char *s = pattern; name != NULL && *s != 0; s++) {
        size_t left = room - (size_t)(to - name);
        int n = -1;
        if (*s != '%')
            n = snprintf(to, left, "%c", *s);
        else if (*++s == 'h')
            n = snprintf(to, left, "%s", p->host);
        else if (*s == 'r' && p->rank >= 0)
            n = snprintf(to, left, "%ld", p->rank);
        else if (*s == 'p')
            n = snprintf(to, left, "%ld", (long)getpid());
        else if (*s == '%')
            n = snprintf(to, left, "%%");
        if (n < 0) {
            free(name);
            return NULL;
        }
        to += n;
    }
    if (name != NULL)
        *to = 0;
    return name;
}
