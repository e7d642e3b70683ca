/* Two Rust archives in one program, each with a standard library of its own. */
#include <stdio.h>

#include <zeus_amd.h>

int32_t second_sum(const int32_t *values, size_t count);
int32_t second_panics(void);

int main(void)
{
    const int32_t values[3] = {1, 2, 39};
    zeus_amd_session_t *session;
    /* The other one's panic is caught by the other one. */
    if (second_sum(values, 3) != 42 || second_panics() != 7)
        return 1;
    if (zeus_amd_open(NULL, &session) != ZEUS_AMD_STATUS_OK)
        return 1;
    zeus_amd_close(session);
    return second_panics() == 7 && second_sum(values, 2) == 3 ? 0 : 1;
}
