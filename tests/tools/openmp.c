/* A program of OpenMP that knows nothing of energy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int sum;

__attribute__((noinline)) static void solve(void)
{
#pragma omp parallel num_threads(2) reduction(+ : sum)
    {
        usleep(30000);
        sum++;
    }
}

int main(int argc, char **argv)
{
    for (int i = 0; i < 4; i++)
        solve();
#pragma omp parallel num_threads(2)
    {
        usleep(10000);
        if (argc > 1 && strcmp(argv[1], "exit") == 0)
#pragma omp master
            exit(9);
    }
    printf("%d\n", sum);
    return 0;
}
