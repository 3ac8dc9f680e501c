#include "core/fs/file_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs/file.h"

/*
 * Three ways, the first that the file system knows:
 *
 * - link() fails when the name is there: nothing can be lost
 * - renameat2(RENAME_NOREPLACE) does the same, in one step
 * - a claim: whoever makes the claim's file, which only one can (O_EXCL), looks whether the name is
 *   there and renames if not. It is locked while it is needed; one that is not locked was left by a
 *   killed run. It holds against all who name files in this way, as every program on such a file
 *   system does.
 */

static bool is_missing_call(int cause)
{
    static const int causes[] = {EPERM, EOPNOTSUPP, ENOSYS, EMLINK, EINVAL};

    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
        if (causes[i] == cause)
            return true;
    return false;
}

/* Only one holds the lock of the file that has the claim's name. False: another one does. */
static bool holds(int dir, const char *claim, int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return false;
    return file_is_still_there(dir, claim, fd);
}

static void remove_stale(int dir, const char *claim)
{
    int fd = openat(dir, claim, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && file_is_still_there(dir, claim, fd))
        unlinkat(dir, claim, 0);
    if (fd >= 0)
        close(fd);
}

/* The claim's descriptor, or -1 with errno: EEXIST when another run has it. */
static int make_claim(int dir, const char *claim)
{
    int fd = openat(dir, claim, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0 && errno == EEXIST) {
        remove_stale(dir, claim);
        fd = openat(dir, claim, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    }
    if (fd >= 0 && !holds(dir, claim, fd)) {
        close(fd);
        errno = EEXIST;
        return -1;
    }
    return fd;
}

static int rename_by_claim(int from_dir, const char *from, int to_dir, const char *to,
                           const char *claim)
{
    struct stat st;
    int fd = make_claim(from_dir, claim);
    int cause = EEXIST;
    int rc = -1;

    if (fd < 0)
        return -1;
    if (fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        rc = errno == ENOENT ? renameat(from_dir, from, to_dir, to) : -1;
        cause = errno;
    }
    unlinkat(from_dir, claim, 0);
    close(fd);
    errno = cause;
    return rc;
}

int file_name_give(int from_dir, const char *from, int to_dir, const char *to, const char *claim,
                   bool *moved)
{
    int rc;

    *moved = false;
    if (linkat(from_dir, from, to_dir, to, 0) == 0)
        return 0;
    if (!is_missing_call(errno))
        return -1;
    rc = renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE);
    if (rc != 0 && is_missing_call(errno))
        rc = rename_by_claim(from_dir, from, to_dir, to, claim);
    *moved = rc == 0;
    return rc;
}
