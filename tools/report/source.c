/* SPDX-License-Identifier: Apache-2.0 */
/* Where in the program's source an address is: by elfutils' libdw where that is installed, else by the exported symbols. */
#define _GNU_SOURCE
#include "report.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As elfutils has them. https://sourceware.org/git/?p=elfutils.git;a=blob;f=libdwfl/libdwfl.h */
typedef struct dwfl_callbacks {
    void *find_elf;
    int (*find_debuginfo)(void *, void **, const char *, uint64_t, const char *, const char *, uint32_t, char **);
    void *section_address;
    char **debuginfo_path;
} dwfl_callbacks;

static struct {
    void *(*dwfl_begin)(const dwfl_callbacks *);
    int (*dwfl_linux_proc_report)(void *, int);
    int (*dwfl_report_end)(void *, void *, void *);
    void *(*dwfl_addrmodule)(void *, uint64_t);
    const char *(*dwfl_module_addrname)(void *, uint64_t);
    void *(*dwfl_module_nextcu)(void *, void *, uint64_t *);
    int (*dwarf_haspc)(void *, uint64_t);
    void *(*dwarf_getsrc_die)(void *, uint64_t);
    int (*dwarf_lineno)(void *, int *);
    const char *(*dwarf_linesrc)(void *, uint64_t *, uint64_t *);
} dw;

static void *session;

/* The standard one asks a server for what a file does not have, where DEBUGINFOD_URLS names one. */
static int find_nothing(void *module, void **data, const char *name, uint64_t base, const char *file, const char *link,
                        uint32_t crc, char **found)
{
    (void)module, (void)data, (void)name, (void)base, (void)file, (void)link, (void)crc, (void)found;
    return -1;
}

/* Reads the process's own maps and files; nothing is fetched from anywhere. */
static void open_session(void)
{
    static int tried;
    static dwfl_callbacks callbacks;
    void *library;
    if (tried)
        return;
    tried = 1;
    library = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return;
#define LOOKUP(name)                                                                                                   \
    if ((*(void **)&dw.name = dlsym(library, #name)) == NULL)                                                          \
        return;
    LOOKUP(dwfl_begin)
    LOOKUP(dwfl_linux_proc_report)
    LOOKUP(dwfl_report_end)
    LOOKUP(dwfl_addrmodule)
    LOOKUP(dwfl_module_addrname)
    LOOKUP(dwfl_module_nextcu)
    LOOKUP(dwarf_haspc)
    LOOKUP(dwarf_getsrc_die)
    LOOKUP(dwarf_lineno)
    LOOKUP(dwarf_linesrc)
    callbacks.find_elf = dlsym(library, "dwfl_linux_proc_find_elf");
    callbacks.find_debuginfo = find_nothing;
    session = dw.dwfl_begin(&callbacks);
    if (session != NULL && (dw.dwfl_linux_proc_report(session, (int)getpid()) != 0 || dw.dwfl_report_end(session, NULL, NULL) != 0))
        session = NULL;
}

static const char *file_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Unit by unit: clang writes no table of all addresses. */
static void *line_at(void *module, uint64_t address)
{
    uint64_t bias = 0;
    for (void *unit = dw.dwfl_module_nextcu(module, NULL, &bias); unit != NULL; unit = dw.dwfl_module_nextcu(module, unit, &bias))
        if (dw.dwarf_haspc(unit, address - bias) == 1)
            return dw.dwarf_getsrc_die(unit, address - bias);
    return NULL;
}

/* "function", and " (file:line)" as far as it is known. */
static char *place(const char *function, const char *path, int line)
{
    char *plain = strncmp(function, "_Z", 2) == 0 ? report_demangled(function) : NULL, *text = NULL;
    const char *name = plain != NULL ? plain : function;
    /* What a compiler has added itself is of no line. */
    const int length = path == NULL ? asprintf(&text, "%s", name)
                       : line == 0  ? asprintf(&text, "%s (%s)", name, file_of(path))
                                    : asprintf(&text, "%s (%s:%d)", name, file_of(path), line);
    free(plain);
    return length < 0 ? NULL : text;
}

static char *by_debug_information(uint64_t address)
{
    void *module, *line;
    const char *function, *path = NULL;
    int number = 0;
    open_session();
    module = session != NULL ? dw.dwfl_addrmodule(session, address) : NULL;
    function = module != NULL ? dw.dwfl_module_addrname(module, address) : NULL;
    if (function == NULL)
        return NULL;
    line = line_at(module, address);
    if (line != NULL && dw.dwarf_lineno(line, &number) == 0)
        path = dw.dwarf_linesrc(line, NULL, NULL);
    return place(function, path, number);
}

char *report_source(uint64_t return_address)
{
    /* The call is before the place that it returns to. */
    const uint64_t address = return_address - 1;
    char *text = by_debug_information(address);
    Dl_info info;
    if (text != NULL)
        return text;
    if (dladdr((void *)(uintptr_t)address, &info) == 0 || info.dli_fname == NULL)
        return NULL;
    if (info.dli_sname != NULL)
        return place(info.dli_sname, NULL, 0);
    if (asprintf(&text, "%s+0x%llx", file_of(info.dli_fname), (unsigned long long)(address - (uintptr_t)info.dli_fbase)) < 0)
        return NULL;
    return text;
}
