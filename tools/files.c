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
    const int plain = base[0] == '/';
    char *path = NULL;
    return asprintf(&path, "%s%s%s%s", plain ? "" : folder, plain ? "" : "/", base, ending) < 0 ? NULL : path;
}

/* A report is made before its file is: what fails on the way leaves nothing behind. */
typedef struct rendered {
    char *text;
    size_t length;
} rendered;

/* 1; or 0 with errno, and nothing to be freed. */
static int render(const report_form *form, const void *report, rendered *to)
{
    FILE *file;
    int good;
    *to = (rendered){NULL, 0};
    file = open_memstream(&to->text, &to->length);
    if (file == NULL)
        return 0;
    form->write(file, report);
    good = !ferror(file);
    if (fclose(file) == 0 && good)
        return 1;
    free(to->text);
    to->text = NULL;
    errno = ENOMEM;
    return 0;
}

/* 0 or errno. Closes the file. */
static int put(int fd, const rendered *from)
{
    int error = 0;
    for (size_t at = 0; at < from->length && error == 0;) {
        const ssize_t n = write(fd, from->text + at, from->length - at);
        if (n < 0 && errno != EINTR)
            error = errno;
        at += n > 0 ? (size_t)n : 0;
    }
    return close(fd) != 0 && error == 0 ? errno : error;
}

/* A part of a report may be taken for all of it. From a device nothing can be taken back. */
static void discard(const char *path)
{
    struct stat now;
    if (path != NULL && lstat(path, &now) == 0 && S_ISREG(now.st_mode))
        unlink(path);
}

/* Not in the place of a standard stream that is closed: what the program writes there would be in the report. */
static int open_apart(const char *path, int flags)
{
    const int fd = open(path, flags, 0666), high = fd < 0 || fd > STDERR_FILENO ? fd : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    const int error = errno;
    if (high != fd)
        close(fd);
    if (high < 0 && fd >= 0)
        discard(path);
    errno = error;
    return high;
}

/* 1; or none of them and 0 with errno, which is EEXIST where a fresh name is taken, by whichever of them. */
static int write_files(const report_form *forms, int count, const rendered *all, const char *folder, const char *base, int fresh)
{
    int files[MOST_FORMS], error = 0, made = 0;
    for (; made < count && error == 0; made += error == 0) {
        char *path = path_of(folder, base, forms[made].ending);
        errno = ENOMEM;
        files[made] = path == NULL ? -1 : open_apart(path, O_WRONLY | O_CREAT | O_CLOEXEC | (fresh ? O_EXCL : O_TRUNC));
        error = files[made] < 0 ? errno : 0;
        free(path);
    }
    for (int i = 0; i < made; i++) {
        const int failed = put(files[i], &all[i]);
        error = error != 0 ? error : failed;
    }
    for (int i = 0; error != 0 && i < made; i++) {
        char *path = path_of(folder, base, forms[i].ending);
        discard(path);
        free(path);
    }
    errno = error;
    return error == 0;
}

static int write_fresh(const report_form *forms, int count, const rendered *all, const char *folder, const char *prefix)
{
    char job[128], base[256];
    int done;
    job_name(job, sizeof job);
    snprintf(base, sizeof base, "%s.%s", prefix, job);
    done = write_files(forms, count, all, folder, base, 1);
    for (int n = 2; !done && errno == EEXIST && n < 10000; n++) {
        snprintf(base, sizeof base, "%s.%s-%d", prefix, job, n);
        done = write_files(forms, count, all, folder, base, 1);
    }
    return done;
}

/* Where the program is by now may be another folder than the one that was meant. */
static int has_no_place(const char *folder, const char *base)
{
    return folder == NULL && base[0] != '/';
}

const char *report_failure(const char *folder, const char *base)
{
    return has_no_place(folder, base) ? "there was no working directory at the start; an absolute name needs none" : strerror(errno);
}

int report_write(const report_form *forms, int count, const void *report, const char *folder, const char *base, int fresh)
{
    rendered all[MOST_FORMS];
    int made = 0, done = 0, error;
    if (has_no_place(folder, base)) {
        errno = ENOENT;
        return 0;
    }
    while (made < count && made < MOST_FORMS && render(&forms[made], report, &all[made]))
        made++;
    if (made == count)
        done = fresh ? write_fresh(forms, count, all, folder, base) : write_files(forms, count, all, folder, base, 0);
    error = errno;
    for (int i = 0; i < made; i++)
        free(all[i].text);
    errno = error;
    return done;
}

int report_print(const report_form *form, const void *report)
{
    rendered one;
    int good;
    if (!render(form, report, &one))
        return 0;
    good = fwrite(one.text, 1, one.length, stderr) == one.length;
    free(one.text);
    return good;
}
