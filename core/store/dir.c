#include "core/store/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/store/dir_internal.h"

/*
 * A store in a directory. Whoever can write there must not be able to lead us out of it, so the
 * root is opened once and everything else is reached by openat() below it, one part of a name at a
 * time, without following links. Only regular files are objects; anything else at the place of an
 * object is ERR_CORRUPT, and is never opened in a way that could block.
 *
 * Directories are created when an object needs them. A directory is safe once its parent has been
 * synced; that is remembered for the life of the process, in `synced`. How an object is written is
 * described in dir_put.c, listing in dir_list.c.
 */

/* Directories beyond these are not remembered, and their parents are synced again: that costs only
 * time. */
#define SYNCED_MAX 4096

/* One row for each cause the user can do something about; the last row is for all others. */
static const struct {
    int cause;
    enum err code;
    const char *state; /* "<where> <state>" */
    const char *hint;
} refusals[] = {
    {ENOENT, ERR_NOT_FOUND, "has no such object", NULL},
    {EEXIST, ERR_EXISTS, "has an object of this name already", NULL},
    {ENOSPC, ERR_STORAGE, "is full", "make room there, then run this again"},
    {EDQUOT, ERR_STORAGE, "is over its quota", "make room there, then run this again"},
    {EROFS, ERR_STORAGE, "is mounted read-only", "mount it writable, then run this again"},
    {EACCES, ERR_STORAGE, "refuses access", "check owner and mode of that directory"},
    {EPERM, ERR_STORAGE, "refuses access", "check owner and mode of that directory"},
    {EIO, ERR_STORAGE, "has a failing disk or connection",
     "look into the system's log (dmesg); do not trust that disk"},
    {ELOOP, ERR_CORRUPT, "has something else at this path",
     "sealpoint makes no symbolic links in a repository: find out who did"},
    {ENOTDIR, ERR_CORRUPT, "has something else at this path",
     "sealpoint makes only directories and files in a repository: find out who made this"},
    {EISDIR, ERR_CORRUPT, "has a directory at this path",
     "sealpoint makes only directories and files in a repository: find out who made this"},
    {0, ERR_STORAGE, "cannot be reached", "see that it is mounted, then run this again"},
};

enum err dir_refuse(const struct dir *d, const char *doing, const char *name)
{
    int cause = errno;
    size_t i = 0;

    while (refusals[i].cause != cause && refusals[i].cause != 0)
        i++;
    /* These two are answers to the caller, not failures of the disk: no text of errno. */
    if (cause == ENOENT || cause == EEXIST)
        return err_set(refusals[i].code, "%s %s: %s %s", doing, name, d->where, refusals[i].state);
    err_sys(refusals[i].code, "%s %s: %s %s", doing, name, d->where, refusals[i].state);
    if (refusals[i].hint != NULL)
        err_hint("%s", refusals[i].hint);
    return refusals[i].code;
}

size_t dir_parent_len(const char *name)
{
    const char *slash = strrchr(name, '/');

    return slash != NULL ? (size_t)(slash - name) : 0;
}

const char *dir_leaf(const char *name)
{
    const char *slash = strrchr(name, '/');

    return slash != NULL ? slash + 1 : name;
}

int dir_enter(int dir, const char *name)
{
    return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Copies the part of `name` at `from` to `part`, at most up to `len`; returns where the next
 * starts. */
static size_t take_part(const char *name, size_t from, size_t len, char part[STORE_NAME_MAX + 1])
{
    size_t part_len = strcspn(name + from, "/");

    if (part_len > len - from)
        part_len = len - from;
    memcpy(part, name + from, part_len);
    part[part_len] = '\0';
    return from + part_len + 1;
}

enum err dir_walk(const struct dir *d, const char *name, size_t len, int *out)
{
    char part[STORE_NAME_MAX + 1];
    int dir = dir_enter(d->root, ".");

    for (size_t from = 0; dir >= 0 && from < len;) {
        int above = dir;
        int cause;

        from = take_part(name, from, len, part);
        dir = dir_enter(above, part);
        cause = errno; /* of dir_enter(), for dir_refuse() */
        close(above);
        errno = cause;
    }
    if (dir < 0)
        return dir_refuse(d, "opening", name);
    *out = dir;
    return ERR_OK;
}

/* The first `len` bytes of `directory` are the name. */
static bool is_synced(struct dir *d, const char *directory, size_t len)
{
    bool found = false;

    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < d->synced_count && !found; i++)
        found = strncmp(d->synced[i], directory, len) == 0 && d->synced[i][len] == '\0';
    pthread_mutex_unlock(&d->lock);
    return found;
}

static enum err note_synced(struct dir *d, const char *directory, size_t len)
{
    enum err rc = ERR_OK;

    pthread_mutex_lock(&d->lock);
    if (d->synced_count == SYNCED_MAX)
        goto out;
    TRY(mem_grow(d->synced_count, sizeof *d->synced, &d->synced_cap, &d->synced));
    TRY(mem_text_n(directory, len, &d->synced[d->synced_count]));
    d->synced_count++;
out:
    pthread_mutex_unlock(&d->lock);
    return rc;
}

/* The group first: no other one may read, not for a moment. */
void dir_share(const struct dir *d, int fd, bool is_directory)
{
    mode_t mode = is_directory ? 0750 : 0640;
    struct stat st;

    if (!d->is_shared || fstat(fd, &st) != 0)
        return;
    if (st.st_gid != d->group && fchown(fd, (uid_t)-1, d->group) != 0)
        return;
    if (fchmod(fd, mode | (st.st_mode & S_ISGID)) != 0)
        return;
}

/*
 * Opens or creates one directory in the open directory `above`. That it exists does not mean that
 * its name survives a power failure: another thread, or a run that was killed, may have created it
 * without syncing. So every process syncs each parent once.
 */
static enum err make_one(struct dir *d, int above, const char *name, size_t len, const char *part,
                         int *out)
{
    int dir = dir_enter(above, part);
    bool made = dir < 0 && errno == ENOENT;
    enum err rc = ERR_OK;

    if (made) {
        if (mkdirat(above, part, 0700) != 0 && errno != EEXIST)
            goto refused;
        dir = dir_enter(above, part);
        if (dir >= 0)
            dir_share(d, dir, true);
    }
    if (dir < 0)
        goto refused;
    if (made || !is_synced(d, name, len)) {
        if (fsync(above) != 0)
            goto refused;
        TRY(note_synced(d, name, len));
    }
    *out = dir;
    return ERR_OK;
refused:
    rc = dir_refuse(d, "making the directory of", name);
    /* The parent was open a moment ago: to a writer, "not found" would be misleading. */
    if (rc == ERR_NOT_FOUND)
        rc = err_set(ERR_STORAGE, "%s was removed while it was in use", d->where);
out:
    if (dir >= 0)
        close(dir);
    return rc;
}

enum err dir_make(struct dir *d, const char *name, size_t len, int *out)
{
    char part[STORE_NAME_MAX + 1];
    int dir = dir_enter(d->root, ".");
    enum err rc = ERR_OK;

    if (dir < 0) {
        rc = dir_refuse(d, "opening the directory of", name);
        goto out;
    }
    for (size_t from = 0; from < len;) {
        int below = -1;
        size_t next = take_part(name, from, len, part);

        TRY(make_one(d, dir, name, next - 1, part, &below));
        close(dir);
        dir = below;
        from = next;
    }
    *out = dir;
    dir = -1;
out:
    if (dir >= 0)
        close(dir);
    return rc;
}

struct blob {
    const struct dir *dir;
    int fd; /* owned */
    char *name;
};

static void blob_free(void *blob)
{
    struct blob *b = blob;

    if (b == NULL)
        return;
    if (b->fd >= 0)
        close(b->fd);
    mem_free(b->name);
    mem_free(b);
}

static enum err not_regular(const struct dir *d, const char *name)
{
    return err_set(ERR_CORRUPT, "reading %s: %s has something other than a file at this path", name,
                   d->where);
}

static enum err blob_open(void *self, const char *name, void **blob, uint64_t *size)
{
    struct dir *d = self;
    struct blob *b = NULL;
    struct stat st;
    int directory = -1;
    enum err rc;

    TRY(mem_new(1, sizeof *b, &b));
    b->dir = d;
    b->fd = -1;
    TRY(mem_text(name, &b->name));
    TRY(dir_walk(d, name, dir_parent_len(name), &directory));
    /* O_NONBLOCK: opening a pipe that somebody put there must not block. */
    b->fd = openat(directory, dir_leaf(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (b->fd < 0 || fstat(b->fd, &st) != 0) {
        rc = dir_refuse(d, "reading", name);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        rc = not_regular(d, name);
        goto out;
    }
    posix_fadvise(b->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* only a hint, so failure is ignored */
    *size = (uint64_t)st.st_size;
    *blob = b;
    b = NULL;
out:
    if (directory >= 0)
        close(directory);
    blob_free(b);
    return rc;
}

/* The size was taken when the object was opened, so a short read means that the file was cut since.
 */
static enum err blob_read(void *blob, uint64_t offset, void *to, size_t len)
{
    struct blob *b = blob;
    size_t got = 0;

    if (file_read_at(b->fd, to, len, offset, &got) != ERR_OK)
        return dir_refuse(b->dir, "reading", b->name);
    if (got < len)
        return err_set(ERR_CORRUPT, "reading %s: it was cut while it was being read", b->name);
    return ERR_OK;
}

static enum err head(void *self, const char *name, uint64_t *size)
{
    struct dir *d = self;
    struct stat st;
    int directory = -1;
    enum err rc;

    TRY(dir_walk(d, name, dir_parent_len(name), &directory));
    if (fstatat(directory, dir_leaf(name), &st, AT_SYMLINK_NOFOLLOW) != 0) {
        rc = dir_refuse(d, "looking for", name);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        rc = not_regular(d, name);
        goto out;
    }
    *size = (uint64_t)st.st_size;
out:
    if (directory >= 0)
        close(directory);
    return rc;
}

/* Not synced: an object that reappears after a power failure is unreferenced, and is found and
 * removed again. */
static enum err remove_object(void *self, const char *name)
{
    struct dir *d = self;
    int directory = -1;
    enum err rc;

    rc = dir_walk(d, name, dir_parent_len(name), &directory);
    if (rc == ERR_OK && unlinkat(directory, dir_leaf(name), 0) != 0)
        rc = dir_refuse(d, "removing", name);
    if (rc == ERR_NOT_FOUND)
        rc = ERR_OK; /* removed already, by whomever */
    if (directory >= 0)
        close(directory);
    return rc;
}

static void free_dir(void *self)
{
    struct dir *d = self;

    if (d == NULL)
        return;
    for (size_t i = 0; i < d->synced_count; i++)
        mem_free(d->synced[i]);
    mem_free(d->synced);
    if (d->root >= 0)
        close(d->root);
    pthread_mutex_destroy(&d->lock);
    mem_free(d->where);
    mem_free(d);
}

static const struct store_driver driver = {
    .kind = "dir",
    .free = free_dir,
    .put_begin = dir_put_begin,
    .put_write = dir_put_write,
    .put_commit = dir_put_commit,
    .put_free = dir_put_free,
    .blob_open = blob_open,
    .blob_read = blob_read,
    .blob_free = blob_free,
    .head = head,
    .list = dir_list,
    .remove = remove_object,
    .sweep = dir_sweep,
};

/* The path of the root comes from the user and may contain links; below the root none is followed.
 */
static enum err open_root(const char *where, bool create, int *out)
{
    enum err rc = ERR_OK;

    *out = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*out < 0 && errno == ENOENT && create) {
        rc = file_make_dirs(where, 0700);
        if (rc != ERR_OK)
            return rc == ERR_FAILED ? ERR_STORAGE : rc;
        *out = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (*out >= 0)
        return ERR_OK;
    if (errno == ENOENT)
        return err_set(ERR_NOT_FOUND, "%s is not there", where);
    return err_sys(ERR_STORAGE, "%s cannot be reached", where);
}

/* Whoever made the directory has said who may read it: mode and group. Others than a group never
 * may. */
static void note_sharing(struct dir *d)
{
    struct stat st;

    if (fstat(d->root, &st) != 0)
        return;
    d->group = st.st_gid;
    d->is_shared = (st.st_mode & 0050) == 0050;
}

enum err store_dir_open(const char *where, bool create, struct store **out)
{
    struct dir *d = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *d, &d));
    d->root = -1;
    pthread_mutex_init(&d->lock, NULL);
    TRY(mem_text(where, &d->where));
    TRY(open_root(where, create, &d->root));
    note_sharing(d);
    rc = store_of_driver(&driver, d, where, out);
    d = NULL; /* the store's now */
out:
    free_dir(d);
    return rc;
}
