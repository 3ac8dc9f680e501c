#include "snapshot/source/dbpath_lock.h"

#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

/* True when a process other than this one has a lock on any byte of it. */
static bool is_locked(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

const char *dbpath_lock_held(int dir)
{
    /* mongod locks its own by flock(), which this does not see, but on NFS that is the same. */
    static const char *const names[] = {"WiredTiger.lock", "mongod.lock"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int fd = openat(dir, names[i], O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        bool held = fd >= 0 && is_locked(fd);

        if (fd >= 0)
            close(fd);
        if (held)
            return names[i];
    }
    return NULL;
}
