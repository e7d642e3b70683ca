/* A program that works on a device with OpenMP, and knows nothing of energy. Without a GPU the processor is the device. */
#include <stdio.h>
#include <unistd.h>

static int sum;

__attribute__((noinline)) static void solve(void)
{
#pragma omp target map(tofrom : sum)
    {
        usleep(30000);
        sum++;
    }
}

__attribute__((noinline)) static void at_once(void)
{
#pragma omp target nowait map(tofrom : sum)
    {
        usleep(10000);
        sum += 10;
    }
#pragma omp taskwait
}

int main(void)
{
#pragma omp target enter data map(to : sum)
    for (int i = 0; i < 3; i++)
        solve();
    at_once();
#pragma omp target update from(sum)
    printf("%d\n", sum);
#pragma omp target exit data map(delete : sum)
    return 0;
}
