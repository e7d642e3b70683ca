/* What the C tests share: no framework, the first false CHECK ends the program. */
#ifndef ZEUS_AMD_TESTS_CHECK_H
#define ZEUS_AMD_TESTS_CHECK_H

#include "plain.h"

#include <time.h>

/* As CHECK, for a status: says what it was, and the library's words. */
#define CHECK_IS(call, expected)                                               \
    do {                                                                       \
        int is_ = (int)(call), expected_ = (int)(expected);                    \
        if (is_ != expected_) {                                                \
            char text_[1024] = "";                                             \
            (void)zeus_amd_last_error(text_, sizeof text_);                    \
            fprintf(stderr, "%s:%d: %s is %d, not %d (last error: %s)\n",      \
                    __FILE__, __LINE__, #call, is_, expected_, text_);         \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

#define CHECK_OK(call) CHECK_IS(call, ZEUS_AMD_STATUS_OK)

/* Does the last error of this thread say that? */
static inline int says(const char *words)
{
    char text[1024] = "";
    (void)zeus_amd_last_error(text, sizeof text);
    return strstr(text, words) != NULL;
}

static inline void sleep_us(unsigned us)
{
    const struct timespec time = {us / 1000000, (long)(us % 1000000) * 1000};
    nanosleep(&time, NULL);
}

/* Opens without the half second of validation. */
static inline zeus_amd_session_t *open_quickly(void)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z = NULL;
    options.validation = ZEUS_AMD_VALIDATION_OFF;
    CHECK_OK(zeus_amd_open(&options, &z));
    CHECK(z != NULL);
    return z;
}

#endif
