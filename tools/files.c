/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_FORMS 8

long report_process;

/* The job's number, or the process's. */
static void job_name(char *name, size_t size)
{
    static const char *const variables[] = {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID"};
    const char *step = getenv("SLURM_STEP_ID");
    const char *job = report_variable(variables, sizeof variables / sizeof *variables);
    if (job == NULL)
        snprintf(name, size, "%ld", report_process != 0 ? report_process : (long)getpid());
    else if (job == getenv("SLURM_JOB_ID") && step != NULL && strchr(step, '/') == NULL)
        snprintf(name, size, "%s.%s", job, step);
    else
        snprintf(name, size, "%s", job);
}

static char *path_of(const char *folder, const char *base, const char *ending)
{
    const int plain = base[0] == '/' || folder == NULL;
    char *path = NULL;
    return asprintf(&path, "%s%s%s%s", plain ? "" : folder, plain ? "" : "/", base, ending) < 0 ? NULL : path;
}

static FILE *create(const char *path, int fresh)
{
    FILE *file = NULL;
    int fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (fresh ? O_EXCL : O_TRUNC), 0666);
    if (fd >= 0 && (file = fdopen(fd, "w")) == NULL)
        close(fd);
    return file;
}

static int written(FILE *file, const void *report, void (*write)(FILE *, const void *))
{
    int good;
    if (file == NULL)
        return 0;
    write(file, report);
    good = !ferror(file);
    return fclose(file) == 0 && good;
}

/* A part of a report may be taken for all of it. From a device nothing can be taken back. */
static void discard(const char *path)
{
    struct stat now;
    if (path != NULL && lstat(path, &now) == 0 && S_ISREG(now.st_mode))
        unlink(path);
}

/* 1; or none of them and 0 with errno, which is EEXIST where a fresh name is taken, by whichever of them. */
static int write_files(const report_form *forms, int count, const void *report, const char *folder, const char *base, int fresh)
{
    FILE *files[MOST_FORMS] = {NULL};
    int error = 0, opened = 0, made;
    for (; opened < count && error == 0; opened++) {
        char *path = path_of(folder, base, forms[opened].ending);
        errno = ENOMEM;
        files[opened] = create(path, fresh);
        error = files[opened] == NULL ? errno : 0;
        free(path);
    }
    made = error == 0 ? opened : opened - 1;
    for (int i = 0; i < made; i++) {
        errno = 0;
        if (!written(files[i], report, forms[i].write) && error == 0)
            error = errno != 0 ? errno : EIO;
    }
    for (int i = 0; error != 0 && i < made; i++) {
        char *path = path_of(folder, base, forms[i].ending);
        discard(path);
        free(path);
    }
    errno = error;
    return error == 0;
}

int report_write(const report_form *forms, int count, const void *report, const char *folder, const char *base)
{
    return write_files(forms, count, report, folder, base, 0);
}

int report_write_fresh(const report_form *forms, int count, const void *report, const char *folder, const char *prefix)
{
    char job[128], base[256];
    int done;
    job_name(job, sizeof job);
    snprintf(base, sizeof base, "%s.%s", prefix, job);
    done = write_files(forms, count, report, folder, base, 1);
    for (int n = 2; !done && errno == EEXIST && n < 10000; n++) {
        snprintf(base, sizeof base, "%s.%s-%d", prefix, job, n);
        done = write_files(forms, count, report, folder, base, 1);
    }
    return done;
}
