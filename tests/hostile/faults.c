/* Preloaded: from the nth call on, writing and flushing files below a folder fails, as on a full or a failing disk.

   Only calls on file descriptors whose path begins with `below` count; the calls of SQLite and of Python's own libraries
   alike go through here. `once` lets all later calls succeed again. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { WRITES = 1, FLUSHES = 2 };

static char below[PATH_MAX];
static long countdown = -1;
static int number, kinds, once, fired;

void faults_arm(const char *folder, long nth, int error, int which, int single) {
    snprintf(below, sizeof below, "%s", folder);
    number = error, kinds = which, once = single, fired = 0, countdown = nth;
}

int faults_fired(void) { return fired; }

static int fails(int file, int kind) {
    char link[64], path[PATH_MAX];
    if (countdown < 0 || !(kinds & kind)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (strncmp(path, below, strlen(below))) return 0;
    if (countdown > 0) {
        countdown--;
        return 0;
    }
    fired = 1;
    if (once) countdown = -1;
    errno = number;
    return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *data, size_t size) {
    return fails(file, WRITES) ? -1 : NEXT(write)(file, data, size);
}
ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    return fails(file, WRITES) ? -1 : NEXT(pwrite)(file, data, size, at);
}
ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    return fails(file, WRITES) ? -1 : NEXT(pwrite64)(file, data, size, at);
}
int fsync(int file) { return fails(file, FLUSHES) ? -1 : NEXT(fsync)(file); }
int fdatasync(int file) { return fails(file, FLUSHES) ? -1 : NEXT(fdatasync)(file); }
int ftruncate64(int file, off64_t size) { return fails(file, WRITES) ? -1 : NEXT(ftruncate64)(file, size); }
