/* Prints what a program finds when it starts: its signals, its open files, its group and session, its limits of files. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    char line[256];
    int numbers[1024], count = 0;
    FILE *status = fopen("/proc/self/status", "r");
    DIR *files;
    struct dirent *entry;
    if (status == NULL)
        return 1;
    while (fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, "Sig", 3) == 0 || strncmp(line, "Threads", 7) == 0)
            if (strncmp(line, "SigQ", 4) != 0)
                fputs(line, stdout);
    fclose(status);
    files = opendir("/proc/self/fd");
    if (files == NULL)
        return 1;
    while ((entry = readdir(files)) != NULL) {
        int number = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && number != dirfd(files) && count < 1024)
            numbers[count++] = number;
    }
    closedir(files);
    for (int n = 0; n < 65536; n++)
        for (int i = 0; i < count; i++)
            if (numbers[i] == n)
                printf("file %d\n", n);
    printf("group %d session %d\n", (int)getpgrp(), (int)getsid(0));
    return 0;
}
