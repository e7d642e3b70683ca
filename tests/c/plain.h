/* What every C test has, linked with the library or not. */
#ifndef ZEUS_AMD_TESTS_PLAIN_H
#define ZEUS_AMD_TESTS_PLAIN_H

#include "zeus_amd.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(x)                                                               \
    do {                                                                       \
        if (!(x)) {                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);            \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

#endif
