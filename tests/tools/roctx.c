/* A program that is linked to roctx, and knows nothing of energy. */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

uint32_t roctx_version_major(void);
void roctxMarkA(const char *message);
int roctxRangePushA(const char *message);
int roctxRangePop(void);
uint64_t roctxRangeStartA(const char *message);
void roctxRangeStop(uint64_t id);
int roctxProfilerPause(uint64_t thread);
int roctxProfilerResume(uint64_t thread);

int main(void)
{
    const uint64_t one = roctxRangeStartA("first");
    const int pushed = roctxRangePushA("outer");
    usleep(30000);
    roctxRangePushA("inner");
    usleep(40000);
    const uint64_t two = roctxRangeStartA("second");
    roctxRangeStop(one);
    roctxProfilerPause(0);
    usleep(20000);
    roctxProfilerResume(0);
    roctxRangePop();
    const int popped = roctxRangePop();
    roctxMarkA("here");
    roctxRangeStop(two);
    printf("%u %d %d %d\n", roctx_version_major(), pushed, popped, roctxRangePop());
    return 0;
}
