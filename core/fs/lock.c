#include "core/fs/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/base/text.h"
#include "core/fs/file.h"

struct lock {
    int fd;
};

#define PID_TEXT_MAX 24
#define PAUSE_MS 20
#define MOMENT_MS 1000
#define PID_MAX UINT64_C(0x7fffffff)

/* The pid that the holder wrote, or 0 when none can be read. */
static uint64_t read_pid(int fd)
{
    char text[PID_TEXT_MAX + 1];
    ssize_t got = pread(fd, text, PID_TEXT_MAX, 0);
    uint64_t pid;

    if (got <= 0)
        return 0;
    text[got] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return text_number(text, PID_MAX, &pid) == ERR_OK ? pid : 0;
}

/* Beside a restore's target others may write: what they have put under our name is not written to,
 * least of all a second name of somebody's file. */
static bool may_write(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

/* The pid is used only in the message of another run. A failure is ignored: on a full disk the lock
 * must still work, or nothing could be deleted to make room. */
static void write_pid(int fd)
{
    char text[PID_TEXT_MAX + 1];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());

    if (may_write(fd) && ftruncate(fd, 0) == 0)
        (void)!pwrite(fd, text, (size_t)len, 0);
}

static enum err refuse_busy(const char *path, int fd)
{
    uint64_t pid = read_pid(fd);

    if (pid != 0)
        err_set(ERR_BUSY, "%s is held by process %" PRIu64, path, pid);
    else
        err_set(ERR_BUSY, "%s is held by another process", path);
    err_hint("wait for that run to end, then try again");
    return ERR_BUSY;
}

static void say_waiting(const char *path, int fd)
{
    uint64_t pid = read_pid(fd);

    if (pid != 0)
        log_say(LOG_INFO, "waiting for process %" PRIu64 ", which holds %s", pid, path);
    else
        log_say(LOG_INFO, "waiting for the process that holds %s", path);
}

/* How long one has waited, and whether that was said. */
struct wait {
    int64_t began_ms;
    int64_t limit_ms;
    bool is_said;
};

/* A lock on a network file system may not wake who waits for it: it is tried again and again. */
static enum err take_flock(const char *shown, int fd, struct wait *w)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
    enum err rc = ERR_OK;

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int64_t waited_ms = clock_steady_ms() - w->began_ms;

        if (errno == EWOULDBLOCK && waited_ms >= w->limit_ms)
            return refuse_busy(shown, fd);
        if (errno != EWOULDBLOCK && errno != EINTR)
            FAIL_SYS(ERR_FAILED, "locking %s", shown);
        TRY(stop_check());
        if (waited_ms >= MOMENT_MS && !w->is_said) {
            say_waiting(shown, fd);
            w->is_said = true;
        }
        (void)nanosleep(&pause, NULL);
    }
out:
    return rc;
}

static enum err open_and_hold(int at, const char *path, const char *shown, struct wait *w, int *fd)
{
    enum err rc;

    *fd = openat(at, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (*fd < 0)
        FAIL_SYS(ERR_FAILED, "opening the lock file %s", shown);
    TRY(take_flock(shown, *fd, w));
out:
    return rc;
}

static enum err take(int at, const char *path, const char *shown, int64_t wait_ms,
                     struct lock **out)
{
    struct wait w = {.began_ms = clock_steady_ms(), .limit_ms = wait_ms};
    struct lock *l = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *l, &l));
    TRY(open_and_hold(at, path, shown, &w, &l->fd));
    /* Try again with the new file until the one that is locked is the one that is there. */
    while (!file_is_still_there(at, path, l->fd)) {
        TRY(stop_check());
        close(l->fd);
        TRY(open_and_hold(at, path, shown, &w, &l->fd));
    }
    write_pid(l->fd);
    *out = l;
    l = NULL;
out:
    lock_free(l);
    return rc;
}

enum err lock_take_within(const char *path, int64_t wait_ms, struct lock **out)
{
    return take(AT_FDCWD, path, path, wait_ms, out);
}

enum err lock_take_at(int at, const char *name, const char *shown, bool wait, struct lock **out)
{
    return take(at, name, shown, wait ? LOCK_WAIT_MS : 0, out);
}

enum err lock_take(const char *path, bool wait, struct lock **out)
{
    return lock_take_within(path, wait ? LOCK_WAIT_MS : 0, out);
}

void lock_free(struct lock *l)
{
    if (l == NULL)
        return;
    if (l->fd >= 0)
        close(l->fd); /* which ends the lock */
    mem_free(l);
}
