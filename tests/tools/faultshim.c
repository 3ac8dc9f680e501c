/* cc -std=c11 -O2 -D_GNU_SOURCE -I. -fPIC -shared -o faultshim.so tests/tools/faultshim.c
 *    tests/tools/power.c -pthread */
/*
 * faultshim.so, to be preloaded: the disk fails, or the process dies, at the Nth system call that
 * changes something below certain directories.
 *
 *   FAULT_UNDER       directories, joined by ':'; only calls whose path or descriptor lies there
 * count FAULT_AT          the how-manieth counted call, from 1 on; 0 or missing: only count
 *   FAULT_DO          kill        SIGKILL to ourselves instead of the call
 *                     kill-after  SIGKILL to ourselves when it is done
 *                     stop        SIGSTOP to ourselves, then the call: whoever continues us may
 *                                 have changed something meanwhile
 *                     short       a write writes half; the next counted call gives ENOSPC
 *                     ENOSPC, EIO, EROFS, EDQUOT, EACCES, ESTALE  the call gives this error
 *                     power       the power fails instead of the call: what was not synced is
 *                                 taken back (power.h), then SIGKILL to ourselves. When there is
 *                                 no such call it fails as soon as the process has ended
 *                     done-EEXIST  the call is done and gives EEXIST all the same, as a link over
 *                                 NFS whose first answer was lost
 *   FAULT_STICKY      1: and so do all counted calls after it (errors and short only)
 *   FAULT_SEED        power: 0 or missing: all names that were not synced are lost; else some,
 *                     chosen by this number
 *   FAULT_ONLY        kinds or names of calls, joined by ','; missing: all count. The kinds: open
 *                     (that may make or empty a file), write, copy (copy_file_range), fsync, range
 *                     (sync_file_range), link, rename, mkdir, unlink, truncate, symlink
 *   FAULT_LACKS       calls that the file system does not know, joined by ',': link (EPERM),
 * noreplace (a rename with flags: EINVAL). They are not counted FAULT_COUNT_FILE  holds the number
 * of calls counted, also after a kill FAULT_LOG         gets a line "number name path" for each
 * counted call
 *
 * A full disk still lets names be removed: ENOSPC and EDQUOT pass unlink and rmdir by.
 * Not seen: calls that libc makes within itself (fwrite, mkstemp), and mmap. Each process counts
 * for itself. The calls go to the kernel directly, in the form that 64-bit kernels take.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/tools/power.h"

_Static_assert(sizeof(long) == 8, "offsets are passed in one register");

#define UNDER_MAX 8
#define WHERE_MAX (2 * PATH_MAX + 2)

enum action { PASS, ERROR, DONE_ERROR, SHORT, STOP, KILL, KILL_AFTER, POWER };

static struct {
    char under[UNDER_MAX][PATH_MAX];
    size_t under_count;
    unsigned long at;
    enum action action;
    int error;
    bool sticky;
    const char *only;
    int count_file;
    int log;
} plan = {.count_file = -1, .log = -1};

static pthread_once_t planned = PTHREAD_ONCE_INIT;
static atomic_ulong count;
static pthread_mutex_t power = PTHREAD_MUTEX_INITIALIZER; /* one call at a time: see power.h */
/* The path the last question of this thread was about, for the log. */
static _Thread_local char where[WHERE_MAX];

static const struct {
    const char *name;
    enum action action;
    int error;
} actions[] = {
    {"stop", STOP, 0},         {"kill", KILL, 0},         {"kill-after", KILL_AFTER, 0},
    {"power", POWER, 0},       {"short", SHORT, ENOSPC},  {"ENOSPC", ERROR, ENOSPC},
    {"EDQUOT", ERROR, EDQUOT}, {"EIO", ERROR, EIO},       {"EROFS", ERROR, EROFS},
    {"EACCES", ERROR, EACCES}, {"ESTALE", ERROR, ESTALE}, {"done-EEXIST", DONE_ERROR, EEXIST},
};

/* A wrong variable must not look like a disk that works. */
static void give_up(const char *variable)
{
    static const char text[] = "faultshim: wrong value of ";

    syscall(SYS_write, 2, text, sizeof text - 1);
    syscall(SYS_write, 2, variable, strlen(variable));
    syscall(SYS_write, 2, "\n", 1);
    syscall(SYS_exit_group, 99);
}

static void read_under(const char *from)
{
    while (from != NULL && *from != '\0') {
        size_t len = strcspn(from, ":");
        char path[PATH_MAX];

        if (len >= sizeof path || plan.under_count == UNDER_MAX)
            give_up("FAULT_UNDER");
        memcpy(path, from, len);
        path[len] = '\0';
        if (realpath(path, plan.under[plan.under_count]) == NULL)
            memcpy(plan.under[plan.under_count], path, len + 1);
        plan.under_count++;
        from += len + (from[len] == ':');
    }
}

static void read_action(const char *from)
{
    for (size_t i = 0; from != NULL && i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(from, actions[i].name) == 0) {
            plan.action = actions[i].action;
            plan.error = actions[i].error;
            return;
        }
    give_up("FAULT_DO");
}

static int open_for_us(const char *variable, int flags)
{
    const char *path = getenv(variable);
    int fd;

    if (path == NULL)
        return -1;
    fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    if (fd < 0)
        give_up(variable);
    return fd;
}

static void make_plan(void)
{
    const char *at = getenv("FAULT_AT");
    const char *sticky = getenv("FAULT_STICKY");
    const char *seed = getenv("FAULT_SEED");
    char *end = NULL;

    read_under(getenv("FAULT_UNDER"));
    plan.only = getenv("FAULT_ONLY");
    plan.sticky = sticky != NULL && strcmp(sticky, "1") == 0;
    plan.count_file = open_for_us("FAULT_COUNT_FILE", 0);
    plan.log = open_for_us("FAULT_LOG", O_APPEND);
    if (at == NULL)
        return;
    plan.at = strtoul(at, &end, 10);
    if (*at == '\0' || *end != '\0')
        give_up("FAULT_AT");
    if (plan.at > 0)
        read_action(getenv("FAULT_DO"));
    power_setup(seed != NULL ? strtoul(seed, NULL, 10) : 0);
}

__attribute__((constructor)) static void start(void)
{
    pthread_once(&planned, make_plan);
}

/* All was acknowledged, and only then the power fails. */
__attribute__((destructor)) static void end(void)
{
    pthread_mutex_lock(&power);
    if (plan.action == POWER)
        power_fail();
}

static bool is_under(void)
{
    pthread_once(&planned, make_plan);
    for (size_t i = 0; i < plan.under_count; i++) {
        size_t len = strlen(plan.under[i]);

        if (strncmp(where, plan.under[i], len) == 0 && (where[len] == '/' || where[len] == '\0'))
            return true;
    }
    return false;
}

/* Puts the path of an open file to `to`, which has room for PATH_MAX. */
static void path_of_fd(int fd, char *to)
{
    char link[64];
    ssize_t len;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    len = readlink(link, to, PATH_MAX - 1);
    to[len > 0 ? len : 0] = '\0';
}

static bool fd_is_under(int fd)
{
    int kept = errno;

    path_of_fd(fd, where);
    errno = kept;
    return is_under();
}

/* The directory part is resolved, so that a way over a link counts as where it leads; the last part
 * is what the call is about and stays. */
static bool path_is_under(int at, const char *path)
{
    char whole[WHERE_MAX];
    char *leaf;
    int kept = errno;

    whole[0] = '\0';
    if (path[0] != '/' && at != AT_FDCWD)
        path_of_fd(at, whole);
    else if (path[0] != '/' && getcwd(whole, PATH_MAX) == NULL)
        whole[0] = '\0';
    snprintf(whole + strlen(whole), PATH_MAX, "/%s", path);
    leaf = strrchr(whole, '/');
    *leaf++ = '\0';
    if (realpath(whole[0] != '\0' ? whole : "/", where) == NULL)
        memcpy(where, whole, strlen(whole) + 1);
    snprintf(where + strlen(where), PATH_MAX, "/%s", leaf);
    errno = kept;
    return is_under();
}

/* True when `word` is one of those in FAULT_ONLY. */
static bool is_listed(const char *word)
{
    size_t len = strlen(word);

    for (const char *from = plan.only; *from != '\0';) {
        size_t part = strcspn(from, ",");

        if (part == len && memcmp(from, word, len) == 0)
            return true;
        from += part + (from[part] == ',');
    }
    return false;
}

static void note(unsigned long now, const char *name)
{
    char line[WHERE_MAX + 64];
    int len;

    if (plan.count_file >= 0) {
        len = snprintf(line, sizeof line, "%lu\n", now);
        syscall(SYS_pwrite64, plan.count_file, line, len, 0L);
    }
    if (plan.log >= 0) {
        len = snprintf(line, sizeof line, "%lu %s %s\n", now, name, where);
        syscall(SYS_write, plan.log, line, len);
    }
}

static void die(void)
{
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;)
        pause();
}

static bool passes_by(const char *kind)
{
    return (plan.error == ENOSPC || plan.error == EDQUOT) && strcmp(kind, "unlink") == 0;
}

/* Counts the call; what is to happen to it. */
static enum action decide(const char *name, const char *kind)
{
    unsigned long now;

    if (plan.only != NULL && *plan.only != '\0' && !is_listed(kind) && !is_listed(name))
        return PASS;
    now = atomic_fetch_add(&count, 1) + 1;
    note(now, name);
    if (plan.at == 0 || now < plan.at)
        return PASS;
    if (plan.action >= STOP)
        return now == plan.at ? plan.action : PASS;
    if (passes_by(kind))
        return PASS;
    if (now == plan.at)
        return plan.action == SHORT && strcmp(kind, "write") != 0 ? ERROR : plan.action;
    if (plan.sticky && plan.action == DONE_ERROR)
        return DONE_ERROR;
    if (plan.sticky || (plan.action == SHORT && now == plan.at + 1))
        return ERROR;
    return PASS;
}

/* Does one call that a power loss may take back, or ends it all. */
static long run_noted(const char *name, const char *kind, bool under, long number, const long x[6])
{
    long result;
    int cause;

    pthread_mutex_lock(&power);
    if (under && decide(name, kind) == POWER) {
        power_fail();
        die();
    }
    power_before(number, x);
    result = syscall(number, x[0], x[1], x[2], x[3], x[4], x[5]);
    cause = errno;
    power_after(number, x, result);
    pthread_mutex_unlock(&power);
    errno = cause;
    return result;
}

/* Does one call, or what is to happen to it. The length of a write is its third argument. */
static long run(const char *name, const char *kind, bool under, long number, const long x[6])
{
    enum action action;
    long result;

    /* The directory above those of the test may be synced for the name of one of them. */
    if (plan.action == POWER && (under || strcmp(kind, "fsync") == 0))
        return run_noted(name, kind, under, number, x);
    action = under ? decide(name, kind) : PASS;
    if (action == KILL)
        die();
    if (action == STOP)
        syscall(SYS_kill, syscall(SYS_getpid), SIGSTOP);
    if (action == ERROR) {
        errno = plan.error;
        return -1;
    }
    result = syscall(number, x[0], x[1], action == SHORT && x[2] > 1 ? x[2] / 2 : x[2], x[3], x[4],
                     x[5]);
    if (action == KILL_AFTER)
        die();
    if (action == DONE_ERROR && result >= 0) {
        errno = plan.error;
        return -1;
    }
    return result;
}

#define ARGS(...) ((const long[6]){__VA_ARGS__})
#define POINTER(p) ((long)(intptr_t)(p))

ssize_t write(int fd, const void *at, size_t len)
{
    return run("write", "write", fd_is_under(fd), SYS_write, ARGS(fd, POINTER(at), (long)len));
}

ssize_t pwrite(int fd, const void *at, size_t len, off_t offset)
{
    return run("pwrite", "write", fd_is_under(fd), SYS_pwrite64,
               ARGS(fd, POINTER(at), (long)len, offset));
}

ssize_t pwrite64(int fd, const void *at, size_t len, off64_t offset)
{
    return pwrite(fd, at, len, offset);
}

/* A short one has half of its pieces. */
ssize_t writev(int fd, const struct iovec *pieces, int len)
{
    return run("writev", "write", fd_is_under(fd), SYS_writev, ARGS(fd, POINTER(pieces), len));
}

ssize_t pwritev(int fd, const struct iovec *pieces, int len, off_t offset)
{
    return run("pwritev", "write", fd_is_under(fd), SYS_pwritev,
               ARGS(fd, POINTER(pieces), len, offset));
}

/* A short one fails: its length is not the third argument. */
ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t len,
                        unsigned flags)
{
    return run("copy_file_range", "copy", fd_is_under(to), SYS_copy_file_range,
               ARGS(from, POINTER(from_at), to, POINTER(to_at), (long)len, flags));
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
    return (int)run("fallocate", "truncate", fd_is_under(fd), SYS_fallocate,
                    ARGS(fd, mode, offset, len));
}

int fallocate64(int fd, int mode, off64_t offset, off64_t len)
{
    return fallocate(fd, mode, offset, len);
}

int posix_fallocate(int fd, off_t offset, off_t len)
{
    return fallocate(fd, 0, offset, len) == 0 ? 0 : errno;
}

int posix_fallocate64(int fd, off64_t offset, off64_t len)
{
    return posix_fallocate(fd, offset, len);
}

int ftruncate(int fd, off_t len)
{
    return (int)run("ftruncate", "truncate", fd_is_under(fd), SYS_ftruncate, ARGS(fd, len));
}

int ftruncate64(int fd, off64_t len)
{
    return ftruncate(fd, len);
}

int truncate(const char *path, off_t len)
{
    return (int)run("truncate", "truncate", path_is_under(AT_FDCWD, path), SYS_truncate,
                    ARGS(POINTER(path), len));
}

int truncate64(const char *path, off64_t len)
{
    return truncate(path, len);
}

int fsync(int fd)
{
    return (int)run("fsync", "fsync", fd_is_under(fd), SYS_fsync, ARGS(fd));
}

int fdatasync(int fd)
{
    return (int)run("fdatasync", "fsync", fd_is_under(fd), SYS_fdatasync, ARGS(fd));
}

int syncfs(int fd)
{
    return (int)run("syncfs", "fsync", fd_is_under(fd), SYS_syncfs, ARGS(fd));
}

#ifdef SYS_sync_file_range
int sync_file_range(int fd, off64_t offset, off64_t len, unsigned flags)
{
    return (int)run("sync_file_range", "range", fd_is_under(fd), SYS_sync_file_range,
                    ARGS(fd, offset, len, flags));
}
#endif

static int open_at(const char *name, int at, const char *path, int flags, mode_t mode)
{
    bool makes = (flags & (O_CREAT | O_TRUNC)) != 0 || (flags & O_TMPFILE) == O_TMPFILE;

    return (int)run(name, "open", makes && path_is_under(at, path), SYS_openat,
                    ARGS(at, POINTER(path), flags, mode));
}

/* The mode is there only when a file may be made. */
#define OPEN_MODE(flags, mode)                                                                     \
    do {                                                                                           \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE)                            \
            mode = va_arg(args, mode_t);                                                           \
        va_end(args);                                                                              \
    } while (0)

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;

    OPEN_MODE(flags, mode);
    return open_at("open", AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    mode_t mode = 0;

    OPEN_MODE(flags, mode);
    return open_at("open", AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...)
{
    mode_t mode = 0;

    OPEN_MODE(flags, mode);
    return open_at("openat", at, path, flags, mode);
}

int openat64(int at, const char *path, int flags, ...)
{
    mode_t mode = 0;

    OPEN_MODE(flags, mode);
    return open_at("openat", at, path, flags, mode);
}

int creat(const char *path, mode_t mode)
{
    return open_at("open", AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

int creat64(const char *path, mode_t mode)
{
    return creat(path, mode);
}

static bool lacks(const char *call)
{
    const char *all = getenv("FAULT_LACKS");

    return all != NULL && strstr(all, call) != NULL;
}

int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
    if (lacks("link") && path_is_under(to_at, to)) {
        errno = EPERM;
        return -1;
    }
    return (int)run("linkat", "link", path_is_under(to_at, to), SYS_linkat,
                    ARGS(from_at, POINTER(from), to_at, POINTER(to), flags));
}

int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int symlinkat(const char *target, int at, const char *path)
{
    return (int)run("symlinkat", "symlink", path_is_under(at, path), SYS_symlinkat,
                    ARGS(POINTER(target), at, POINTER(path)));
}

int symlink(const char *target, const char *path)
{
    return symlinkat(target, AT_FDCWD, path);
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    bool under = path_is_under(from_at, from);

    if (flags != 0 && lacks("noreplace") && (under || path_is_under(to_at, to))) {
        errno = EINVAL;
        return -1;
    }
    return (int)run("rename", "rename", path_is_under(to_at, to) || under, SYS_renameat2,
                    ARGS(from_at, POINTER(from), to_at, POINTER(to), flags));
}

int renameat(int from_at, const char *from, int to_at, const char *to)
{
    return renameat2(from_at, from, to_at, to, 0);
}

int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int mkdirat(int at, const char *path, mode_t mode)
{
    return (int)run("mkdirat", "mkdir", path_is_under(at, path), SYS_mkdirat,
                    ARGS(at, POINTER(path), mode));
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

int unlinkat(int at, const char *path, int flags)
{
    return (int)run(flags & AT_REMOVEDIR ? "rmdir" : "unlink", "unlink", path_is_under(at, path),
                    SYS_unlinkat, ARGS(at, POINTER(path), flags));
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}
