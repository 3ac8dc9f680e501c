#include "core/fs/dir_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "core/base/mem.h"
#include "core/fs/path.h"

#define FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
/* The kernel says EAGAIN when something was renamed while it looked. */
#define TRIES_MAX 100

struct open_dir {
    char *path;    /* owned; NULL: the place is free */
    uint64_t used; /* when it was last used: the smallest goes first */
    int fd;
};

struct dir_cache {
    int root; /* borrowed */
    struct open_dir dirs[DIR_CACHE_KEPT];
    size_t last; /* a walk asks for the same one again and again */
    uint64_t clock;
};

enum err dir_cache_new(int root, struct dir_cache **out)
{
    struct dir_cache *c = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *c, &c));
    c->root = root;
    *out = c;
out:
    return rc;
}

static void close_dir(struct open_dir *d)
{
    if (d->path != NULL)
        close(d->fd);
    mem_free(d->path);
    *d = (struct open_dir){0};
}

void dir_cache_free(struct dir_cache *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < DIR_CACHE_KEPT; i++)
        close_dir(&c->dirs[i]);
    mem_free(c);
}

/* For a kernel before 5.6, or a sandbox that does not let openat2 pass: each name by itself. */
static int open_by_name(int root, const char *path)
{
    char name[PATH_LEN_MAX + 1];
    int fd = openat(root, ".", FLAGS);

    while (fd >= 0 && *path != '\0') {
        size_t len = strcspn(path, "/");
        int below;

        if (len >= sizeof name) {
            close(fd);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, path, len);
        name[len] = '\0';
        errno = EXDEV; /* as openat2 says of what leads out */
        below = strcmp(name, "..") == 0 ? -1 : openat(fd, name, FLAGS);
        close(fd);
        fd = below;
        path += len + (path[len] == '/');
    }
    return fd;
}

static int open_beneath(int root, const char *path)
{
    struct open_how how = {.flags = FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    int fd = -1;

    for (int tries = 0; tries < TRIES_MAX; tries++) {
        fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        return open_by_name(root, path);
    return fd;
}

static struct open_dir *find_dir(struct dir_cache *c, const char *path)
{
    if (c->dirs[c->last].path != NULL && strcmp(c->dirs[c->last].path, path) == 0)
        return &c->dirs[c->last];
    for (size_t i = 0; i < DIR_CACHE_KEPT; i++)
        if (c->dirs[i].path != NULL && strcmp(c->dirs[i].path, path) == 0)
            return &c->dirs[i];
    return NULL;
}

/* A free place, or that of the one not used for longest. */
static struct open_dir *make_place(struct dir_cache *c)
{
    struct open_dir *oldest = &c->dirs[0];

    for (size_t i = 0; i < DIR_CACHE_KEPT; i++)
        if (c->dirs[i].used < oldest->used)
            oldest = &c->dirs[i];
    close_dir(oldest);
    return oldest;
}

enum err dir_cache_open(struct dir_cache *c, const char *path, int *fd)
{
    struct open_dir *d;
    enum err rc = ERR_OK;

    if (strcmp(path, ".") == 0) {
        *fd = c->root;
        goto out;
    }
    d = find_dir(c, path);
    if (d == NULL) {
        char *copy = NULL;

        TRY(mem_text(path, &copy));
        d = make_place(c);
        d->fd = open_beneath(c->root, path);
        if (d->fd < 0) {
            int cause = errno;

            mem_free(copy);
            errno = cause;
            rc = err_sys(ERR_FAILED, "opening the directory %s", path);
            errno = cause;
            goto out;
        }
        d->path = copy;
    }
    d->used = ++c->clock;
    c->last = (size_t)(d - c->dirs);
    *fd = d->fd;
out:
    return rc;
}

enum err dir_cache_at(struct dir_cache *c, const char *path, int *dir, const char **name)
{
    const char *slash = strrchr(path, '/');
    char parent[PATH_LEN_MAX + 1];
    size_t len = slash != NULL ? (size_t)(slash - path) : 0;

    *name = slash != NULL ? slash + 1 : path;
    if (slash == NULL)
        return dir_cache_open(c, ".", dir);
    if (len >= sizeof parent) {
        errno = ENAMETOOLONG;
        return err_sys(ERR_FAILED, "opening the directory of %s", path);
    }
    memcpy(parent, path, len);
    parent[len] = '\0';
    return dir_cache_open(c, parent, dir);
}
