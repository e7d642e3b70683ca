/* Wrong on purpose, for those who look for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *volatile lost;

int main(int argc, char **argv)
{
    char *volatile block = malloc(16);
    volatile int large = 2147483647;
    if (argc != 2 || block == NULL)
        return 1;
    if (strcmp(argv[1], "overrun") == 0)
        printf("%c\n", block[16]);
    if (strcmp(argv[1], "overflow") == 0)
        printf("%d\n", large + argc);
    lost = block;
    if (strcmp(argv[1], "leak") == 0)
        lost = malloc(17);
    free(lost);
    lost = NULL;
    block = NULL;
    return 0;
}
