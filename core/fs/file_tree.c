#include "core/fs/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/base/mem.h"

/*
 * Removing a tree of any depth, while somebody may be changing it.
 *
 * Only one directory is open at a time, so the depth is limited by memory and not by the number of
 * descriptors, and there is no recursion. Files are removed first; the first subdirectory found is
 * entered with O_NOFOLLOW, so that a link put in its place leads nowhere. When a directory is
 * empty, ".." leads back to the one above, which must be the very directory we came from, by device
 * and inode: if somebody moved the tree meanwhile, ".." would let us delete somewhere else. What is
 * mounted somewhere in the tree is no part of it, and is not entered.
 */

/* Linux 5.8; older headers do not have it. */
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x00002000
#endif

struct level {
    dev_t dev; /* of the directory that holds `name` */
    ino_t ino;
    char *name; /* owned; the directory we went down into */
};

struct removal {
    int fd; /* the open directory, owned */
    struct level *levels;
    size_t depth, cap;
};

static enum err add_level(struct removal *r, const struct stat *above, const char *name)
{
    enum err rc = ERR_OK;

    TRY(mem_grow(r->depth, sizeof *r->levels, &r->cap, &r->levels));
    TRY(mem_text(name, &r->levels[r->depth].name));
    r->levels[r->depth].dev = above->st_dev;
    r->levels[r->depth].ino = above->st_ino;
    r->depth++;
out:
    return rc;
}

/* A kernel that is too old to say it at least shows another device. */
bool file_is_mount_point(int dir, const char *name, dev_t above)
{
    struct statx now;

    if (statx(dir, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, 0, &now) != 0)
        return errno != ENOENT;
    return makedev(now.stx_dev_major, now.stx_dev_minor) != above ||
           (now.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static enum err go_down(struct removal *r, const char *name)
{
    struct stat above;
    int below = openat(r->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    enum err rc;

    if (below < 0 || fstat(r->fd, &above) != 0) {
        rc = err_sys(ERR_FAILED, "opening the directory %s to remove it", name);
        goto out;
    }
    if (file_is_mount_point(below, "", above.st_dev))
        FAIL(ERR_FAILED, "%s is a mount point: what is mounted there is not removed", name);
    TRY(add_level(r, &above, name));
    /* A directory without write permission, as a restore may leave it, must still be emptied. If
     * this fails, unlinkat() will report it. */
    if (fchmod(below, 0700) != 0)
        errno = 0;
    close(r->fd);
    r->fd = below;
    below = -1;
out:
    if (below >= 0)
        close(below);
    return rc;
}

/* Leaves the open directory, which is empty now, and removes it from the one above. */
static enum err go_up(struct removal *r)
{
    struct level *left = &r->levels[r->depth - 1];
    struct stat st;
    int above = openat(r->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err rc = ERR_OK;

    if (above < 0 || fstat(above, &st) != 0) {
        rc = err_sys(ERR_FAILED, "going up from the directory %s", left->name);
        goto out;
    }
    if (st.st_dev != left->dev || st.st_ino != left->ino)
        FAIL(ERR_FAILED, "the directory %s was moved while it was being removed", left->name);
    if (unlinkat(above, left->name, AT_REMOVEDIR) != 0) {
        rc = err_sys(ERR_FAILED, "removing the directory %s", left->name);
        goto out;
    }
    mem_free(left->name);
    r->depth--;
    close(r->fd);
    r->fd = above;
    above = -1;
out:
    if (above >= 0)
        close(above);
    return rc;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Removes the files of the open directory up to its first subdirectory, whose name goes to *below
 * (NULL when there is none: the directory is empty now). */
static enum err remove_files(const struct removal *r, char **below)
{
    int fd = openat(r->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    enum err rc = ERR_OK;

    /* A listing of its own: r->fd stays open, and its offset is not moved. */
    *below = NULL;
    if (dir == NULL) {
        rc = err_sys(ERR_FAILED, "reading a directory to remove it");
        if (fd >= 0)
            close(fd);
        return rc;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (is_dots(entry->d_name) || unlinkat(r->fd, entry->d_name, 0) == 0 || errno == ENOENT)
            continue;
        if (errno == EISDIR) { /* Linux says so; POSIX would allow EPERM */
            TRY(mem_text(entry->d_name, below));
            break;
        }
        rc = err_sys(ERR_FAILED, "removing %s", entry->d_name);
        goto out;
    }
out:
    closedir(dir);
    return rc;
}

static enum err remove_directory(struct removal *r, const char *name)
{
    char *below = NULL;
    enum err rc;

    TRY(go_down(r, name));
    while (r->depth > 0) {
        TRY(remove_files(r, &below));
        if (below != NULL)
            TRY(go_down(r, below));
        else
            TRY(go_up(r));
        mem_free(below);
        below = NULL;
    }
out:
    mem_free(below);
    return rc;
}

/* A name that is no directory is removed by the first unlinkat(), without being opened. */
enum err file_remove_tree_at(int directory, const char *name)
{
    struct removal r = {.fd = -1};
    enum err rc = ERR_OK;

    if (unlinkat(directory, name, 0) == 0 || errno == ENOENT)
        goto out;
    if (errno != EISDIR) {
        rc = err_sys(ERR_FAILED, "removing %s", name);
        goto out;
    }
    r.fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r.fd < 0) {
        rc = err_sys(ERR_FAILED, "removing %s", name);
        goto out;
    }
    TRY(remove_directory(&r, name));
out:
    while (r.depth > 0)
        mem_free(r.levels[--r.depth].name);
    mem_free(r.levels);
    if (r.fd >= 0)
        close(r.fd);
    return rc;
}

enum err file_remove_tree(const char *path)
{
    char *text = NULL;
    char *slash;
    int directory = -1;
    enum err rc;

    TRY(mem_text(path, &text));
    /* "a/b/" names the directory b, too. */
    for (size_t len = strlen(text); len > 1 && text[len - 1] == '/'; len--)
        text[len - 1] = '\0';
    slash = strrchr(text, '/');
    if (slash != NULL)
        *slash = '\0';
    directory = open(slash == NULL   ? "."
                     : slash == text ? "/"
                                     : text,
                     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        if (errno != ENOENT)
            rc = err_sys(ERR_FAILED, "opening the directory of %s", path);
        goto out;
    }
    TRY(file_remove_tree_at(directory, slash != NULL ? slash + 1 : text));
out:
    if (rc != ERR_OK)
        err_note("%s", path);
    if (directory >= 0)
        close(directory);
    mem_free(text);
    return rc;
}

bool file_is_still_there(int at, const char *name, int fd)
{
    struct stat held;
    struct stat there;

    return fstat(fd, &held) == 0 && fstatat(at, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Names can deceive (links, bind mounts, "a/../b"), so the directories from `dir`, which is taken
 * over, up to the root are compared by device and inode. */
static bool leads_up_to(int dir, const struct stat *wanted)
{
    struct stat last = *wanted;
    struct stat now;
    bool found = false;

    while (dir >= 0 && fstat(dir, &now) == 0) {
        int above;

        found = is_same(&now, wanted);
        if (found || is_same(&now, &last)) /* above the root is the root */
            break;
        last = now;
        above = openat(dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        close(dir);
        dir = above;
    }
    if (dir >= 0)
        close(dir);
    return found;
}

bool file_is_within(const char *path, const char *directory)
{
    return file_is_within_at(AT_FDCWD, path, directory);
}

bool file_is_within_at(int at, const char *path, const char *directory)
{
    struct stat wanted;

    return stat(directory, &wanted) == 0 &&
           leads_up_to(openat(at, path, O_PATH | O_DIRECTORY | O_CLOEXEC), &wanted);
}

bool file_holds(int directory, const char *path)
{
    struct stat wanted;

    return fstat(directory, &wanted) == 0 &&
           leads_up_to(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), &wanted);
}
