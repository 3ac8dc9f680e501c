#include "core/fs/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/base/text.h"

struct lock {
    int fd;
};

#define PID_TEXT_MAX 24
#define PID_MAX UINT64_C(0x7fffffff)

/* The pid the holder wrote; 0 when there is none to be read. */
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

/* The pid is for the message of the next run only: on a full disk a lock must still be had, or
 * nothing could ever make room. */
static void write_pid(int fd)
{
    char text[PID_TEXT_MAX + 1];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len)
        return;
}

static enum err busy(const char *path, int fd)
{
    uint64_t pid = read_pid(fd);

    if (pid != 0)
        err_set(ERR_BUSY, "%s is held by process %" PRIu64, path, pid);
    else
        err_set(ERR_BUSY, "%s is held by another process", path);
    err_hint("wait for that run to end, then try again");
    return ERR_BUSY;
}

static enum err hold(const char *path, int fd, bool wait)
{
    enum err rc = ERR_OK;

    while (flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return busy(path, fd);
        if (errno != EINTR)
            FAIL(ERR_FAILED, "locking %s: %s", path, strerror(errno));
        TRY(stop_check());
    }
out:
    return rc;
}

enum err lock_take(const char *path, bool wait, struct lock **out)
{
    struct lock *l = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *l, &l));
    l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (l->fd < 0) {
        rc = err_sys(ERR_FAILED, "opening the lock file %s", path);
        goto out;
    }
    TRY(hold(path, l->fd, wait));
    write_pid(l->fd);
    *out = l;
    l = NULL;
out:
    lock_free(l);
    return rc;
}

void lock_free(struct lock *l)
{
    if (l == NULL)
        return;
    if (l->fd >= 0)
        close(l->fd); /* which ends the lock */
    mem_free(l);
}
