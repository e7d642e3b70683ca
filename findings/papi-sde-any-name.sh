#!/usr/bin/env bash
# PAPI 7.0.0: a software-defined event of any name can be added and started, and reads -1.
#
# A program registers its own counters with libsde; a tool adds "sde:::LIBRARY::COUNTER". Once libsde is in the process the name need
# not exist, now or ever: PAPI keeps a place for it. A wrong letter gives no error but the value -1, which as an energy or
# a count looks like an overflow. Without libsde the same name is refused with "Event does not exist".
# Seen: add, start and read return PAPI_OK and the value is -1; without libsde add returns PAPI_ENOEVNT (-7).
. "$(dirname "$0")/lib.sh"
need gcc
debian libpapi-dev=7.0.0-2 libpapi7.0=7.0.0-2 libsde1=7.0.0-2

cat >events.c <<'EOF'
#include <papi.h>
#include <stdio.h>
int main(void) {
    int set = PAPI_NULL;
    long long value = 7;
    if (PAPI_library_init(PAPI_VER_CURRENT) != PAPI_VER_CURRENT || PAPI_create_eventset(&set) != PAPI_OK) return 2;
    int added = PAPI_add_named_event(set, "sde:::nobody::registered this");
    printf("add %d", added);
    if (added == PAPI_OK) {
        printf(" start %d", PAPI_start(set));
        printf(" read %d", PAPI_read(set, &value));
        printf(" value %lld", value);
        PAPI_stop(set, &value);
    }
    puts("");
}
EOF
gcc -I"$debian/usr/include" events.c -o events -L"$lib" -Wl,-rpath-link,"$lib" -l:libpapi.so.7.0
check "with libsde" "add 0 start 0 read 0 value -1" env LD_PRELOAD="$lib/libsde.so.1" ./events
check "without" "add -7" ./events
