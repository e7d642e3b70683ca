/* Energy, time and power of a command on AMD GPUs.
 *
 *     zeus-amd-run [options] [--] command [arguments...]
 *
 * The command runs as it would without: same standard streams, signals, terminal and exit status. The report comes on
 * standard error when it has ended. See options.c.
 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void complain(const char *name, const char *what)
{
    fputs("zeus-amd-run: ", stderr);
    put_plain(stderr, name, 0);
    fprintf(stderr, ": %s\n", what);
}

static int failed(const char *name, int error)
{
    complain(name, strerror(error));
    return -1;
}

/* No file may be opened in the place of a standard stream that is closed: messages would be written into it. Writing to such a
 * stream fails as before. The command, which is forked before this, finds it closed. */
static void fill_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", O_RDONLY);
}

static int create(struct file *to)
{
    int fd;
    to->is_stdout = strcmp(to->name, "-") == 0;
    if (to->is_stdout) {
        to->f = fdopen(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3), "w");
        return to->f != NULL ? 0 : failed("standard output", errno);
    }
    fd = open(to->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    to->made = fd >= 0;
    if (fd < 0 && errno == EEXIST)
        fd = open(to->name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return failed(to->name, errno);
    to->f = fdopen(fd, "w");
    return to->f != NULL ? 0 : failed(to->name, errno);
}

/* Samples come while the command may write to standard output: they wait until it has ended. */
static int set_apart(struct file *to)
{
    to->end = to->f;
    to->f = tmpfile();
    return to->f != NULL ? 0 : failed("a temporary file", errno);
}

static int create_all(struct file *files)
{
    int status = 0;
    for (int i = 0; i < FILES; i++)
        if (files[i].name != NULL)
            status |= create(&files[i]);
    for (int i = CSV; i <= TRACE && status == 0; i++)
        if (files[i].is_stdout)
            status = set_apart(&files[i]);
    return status;
}

/* The command runs: what was in them is over. A pipe or a device has nothing to cut off, and what standard output has is the
 * command's. */
static void begin_all(const struct file *files)
{
    for (int i = 0; i < FILES; i++)
        if (files[i].f != NULL && !files[i].is_stdout && ftruncate(fileno(files[i].f), 0) != 0 && errno != EINVAL)
            failed(files[i].name, errno);
    if (files[CSV].f != NULL)
        csv_begin(files[CSV].f);
    if (files[TRACE].f != NULL)
        trace_begin(files[TRACE].f);
}

/* What has waited, if it is whole. */
static int bring_together(struct file *to)
{
    char part[4096];
    size_t n;
    FILE *from = to->f;
    int bad, error;
    errno = EIO;
    bad = fflush(from) != 0 || ferror(from);
    error = errno;
    rewind(from);
    while (!bad && (n = fread(part, 1, sizeof part, from)) > 0)
        fwrite(part, 1, n, to->end);
    fclose(from);
    to->f = to->end;
    to->end = NULL;
    return bad ? failed("a temporary file", error) : 0;
}

/* A part of a report may be taken for all of it. From a pipe or a device nothing can be taken back. */
static int finish(struct file *to)
{
    const int status = to->end != NULL ? bring_together(to) : 0;
    struct stat now;
    const int is_file = !to->is_stdout && fstat(fileno(to->f), &now) == 0 && S_ISREG(now.st_mode);
    int bad, error;
    errno = 0;
    bad = fflush(to->f) != 0 || ferror(to->f);
    /* An earlier write has failed: one more, to what does not stay, says why. */
    if (bad && errno == 0 && is_file)
        (void)!write(fileno(to->f), "\n", 1);
    error = errno;
    bad |= fclose(to->f) != 0;
    if (!bad)
        return status;
    failed(to->is_stdout ? "standard output" : to->name, error != 0 ? error : errno != 0 ? errno : EIO);
    if (is_file && (to->made ? unlink(to->name) : truncate(to->name, 0)) == 0)
        complain(to->name, to->made ? "removed, as it was not whole" : "emptied, as it was not whole");
    return -1;
}

static void finish_all(struct file *files)
{
    for (int i = 0; i < FILES; i++)
        if (files[i].f != NULL)
            (void)finish(&files[i]);
}

/* The command was not run: there is nothing to say of it. */
static void undo_all(const struct file *files)
{
    for (int i = 0; i < FILES; i++) {
        if (files[i].f != NULL)
            fclose(files[i].f);
        if (files[i].end != NULL)
            fclose(files[i].end);
        if (files[i].made)
            unlink(files[i].name);
    }
}

/* In one piece: the ranks of a job write to one terminal. */
static void report_text(FILE *to, const struct options *o, const struct measure *m, const struct child *c)
{
    char *text = NULL;
    size_t length = 0;
    FILE *whole = open_memstream(&text, &length);
    if (whole != NULL)
        report(whole, o, m, c);
    if (whole == NULL || fclose(whole) != 0)
        report(to, o, m, c);
    else
        fwrite(text, 1, length, to);
    free(text);
}

static void report_all(struct options *o, const struct measure *m, const struct child *c)
{
    struct file *files = o->files;
    char *command = join_command(o->command);
    report_text(files[OUTPUT].f != NULL ? files[OUTPUT].f : stderr, o, m, c);
    if (files[JSON].f != NULL)
        report_json(files[JSON].f, o, m, c);
    if (files[TRACE].f != NULL)
        trace_end(files[TRACE].f, m, c, command != NULL ? command : o->command[0]);
    if (files[SVG].f != NULL)
        draw(files[SVG].f, o, m, c);
    free(command);
    finish_all(files);
}

/* Until the command is over. */
static void watch(struct measure *m, struct child *c, int live)
{
    enum { DRAIN_MS = 50, LIVE_EACH = 5 };
    for (unsigned round = 1; !c->over; round++) {
        child_watch(c, DRAIN_MS);
        if (c->over)
            break;
        measure_drain(m);
        if (live && round % LIVE_EACH == 0)
            live_show(m, c);
    }
    live_clear();
}

/* All up to the start of the command: 0 if that runs, else the exit status. */
static int start(struct options *o, struct measure *m, struct child *c)
{
    int error, status = create_all(o->files) == 0 ? measure_open(m, o) : EXIT_OWN_FAILURE;
    if (status == 0) {
        measure_begin(m, o);
        if (o->require && m->none[0] != 0) {
            fputs("zeus-amd-run: ", stderr);
            put_plain(stderr, m->none, 0);
            fputc('\n', stderr);
            status = EXIT_OWN_FAILURE;
        }
    }
    if (status != 0) {
        child_give_up(c);
        return status;
    }
    error = child_go(c);
    if (error == 0)
        return 0;
    failed(o->command[0], error);
    return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

/* Without a command: what there is to measure. */
static int show(struct options *o, struct measure *m)
{
    enum { OPINION_MS = 1000 };
    struct file *to = &o->files[OUTPUT];
    int status;
    fill_streams();
    if (to->name == NULL)
        to->name = "-";
    status = create(to) == 0 ? measure_open(m, o) : EXIT_OWN_FAILURE;
    if (status != 0) {
        undo_all(o->files);
        return status;
    }
    if (!to->is_stdout)
        (void)!ftruncate(fileno(to->f), 0);
    if (o->check != CHECK_GPUS)
        node_opinion(m, OPINION_MS);
    status = (o->check == CHECK_JSON ? check_json : check_text)(to->f, o, m) ? 0 : EXIT_NOT_ALL;
    return finish(to) == 0 ? status : EXIT_OWN_FAILURE;
}

static int run(struct options *o, struct measure *m)
{
    struct child c;
    int status, error = child_prepare(&c, o->command);
    if (error != 0) {
        failed("no process for the command", error);
        return EXIT_OWN_FAILURE;
    }
    fill_streams();
    status = start(o, m, &c);
    if (status != 0) {
        undo_all(o->files);
        return status;
    }
    begin_all(o->files);
    m->origin_ns = c.begin_ns;
    m->every_ns = o->every_ms * 1000000;
    m->csv = o->files[CSV].f;
    m->trace = o->files[TRACE].f;
    watch(m, &c, !o->quiet);
    measure_end(m, &c);
    report_all(o, m, &c);
    return child_exit_status(&c);
}

int main(int argc, char **argv)
{
    static struct measure m;
    static struct options o;
    int status = parse(argc, argv, &o);
    if (status == 0)
        status = (o.check != CHECK_NOT ? show : run)(&o, &m);
    measure_close(&m);
    return status;
}
