#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/store/dir_internal.h"

/*
 * A directory is listed in sorted batches. Each pass over it keeps the BATCH_MAX smallest names
 * that come after the last one of the batch before. So memory stays bounded whatever somebody put
 * into the directory, and the result is in order; only a directory of very many files is read
 * several times.
 *
 * In a batch the name of a directory ends in '/', so that it sorts where the names below it belong.
 * What disappears during a listing is left out; what is not a file or directory with a legal name
 * is not an object and is left out too.
 */
#define BATCH_MAX 8192

struct batch {
    char **names; /* owned; the name of a directory ends in '/' */
    size_t count, cap;
    bool more; /* the directory has names after these */
};

struct listing {
    const struct dir *dir;
    store_each *each;
    void *arg;
    char path[STORE_NAME_MAX + 2]; /* of the directory being listed, ending in '/', or "" */
    size_t len;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Frees the names from index `keep` on. */
static void forget_from(struct batch *b, size_t keep)
{
    while (b->count > keep)
        mem_free(b->names[--b->count]);
}

/* Sorts, and drops the greatest names beyond BATCH_MAX. */
static void settle_batch(struct batch *b)
{
    if (b->count > 0)
        qsort(b->names, b->count, sizeof *b->names, compare_names);
    if (b->count > BATCH_MAX)
        b->more = true;
    forget_from(b, BATCH_MAX < b->count ? BATCH_MAX : b->count);
}

/* Settling only when twice the batch has come keeps the cost of sorting low. */
static enum err add_name(struct batch *b, const char *name)
{
    enum err rc = ERR_OK;

    if (b->count == 2 * BATCH_MAX)
        settle_batch(b);
    TRY(mem_grow(b->count, sizeof *b->names, &b->cap, &b->names));
    TRY(mem_text(name, &b->names[b->count]));
    b->count++;
out:
    return rc;
}

/* The name of an entry in a batch. False when it is not an object: a link, a device, or a name that
 * no put would create. */
static bool take_entry(struct listing *l, int directory, const struct dirent *entry,
                       char name[STORE_NAME_MAX + 2])
{
    size_t len = strlen(entry->d_name);
    bool is_directory = entry->d_type == DT_DIR;
    bool is_file = entry->d_type == DT_REG;
    bool legal;
    struct stat st;

    if (l->len + len > STORE_NAME_MAX)
        return false;
    memcpy(l->path + l->len, entry->d_name, len + 1);
    legal = store_name_is_legal(l->path);
    l->path[l->len] = '\0';
    if (!legal)
        return false;
    /* Some file systems do not report the type. */
    if (entry->d_type == DT_UNKNOWN) {
        if (fstatat(directory, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            return false;
        is_directory = S_ISDIR(st.st_mode);
        is_file = S_ISREG(st.st_mode);
    }
    memcpy(name, entry->d_name, len + 1);
    if (is_directory)
        memcpy(name + len, "/", 2);
    return is_directory || is_file;
}

/* Fills `b` with the next names of the directory after `after`. */
static enum err collect_names(struct listing *l, int directory, const char *after, struct batch *b)
{
    char name[STORE_NAME_MAX + 2];
    int fd = dir_enter(directory, ".");
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    enum err rc = ERR_OK;

    b->more = false;
    if (dir == NULL) {
        rc = dir_refuse(l->dir, "listing the directory", l->path);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    while (errno = 0, (entry = readdir(dir)) != NULL)
        if (take_entry(l, directory, entry, name) && strcmp(name, after) > 0)
            TRY(add_name(b, name));
    if (errno != 0) {
        rc = dir_refuse(l->dir, "listing the directory", l->path);
        goto out;
    }
    settle_batch(b);
out:
    closedir(dir);
    return rc;
}

static enum err list_directory(struct listing *l, int directory);

/* Lists the subdirectory `name`, which ends in a slash. */
static enum err list_below(struct listing *l, int directory, const char *name)
{
    char part[STORE_NAME_MAX + 2];
    size_t len = strlen(name);
    int below;
    enum err rc;

    memcpy(part, name, len);
    part[len - 1] = '\0';
    below = dir_enter(directory, part);
    if (below < 0)
        return errno == ENOENT ? ERR_OK : dir_refuse(l->dir, "listing the directory", name);
    memcpy(l->path + l->len, name, len + 1);
    l->len += len;
    rc = list_directory(l, below);
    l->len -= len;
    l->path[l->len] = '\0';
    close(below);
    return rc;
}

/* Reports one object. It may have become something else since the batch was read. */
static enum err tell_object(struct listing *l, int directory, const char *name)
{
    struct stat st;
    enum err rc;

    if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? ERR_OK : dir_refuse(l->dir, "listing", name);
    if (!S_ISREG(st.st_mode))
        return ERR_OK;
    memcpy(l->path + l->len, name, strlen(name) + 1);
    rc = l->each(l->arg, l->path, (uint64_t)st.st_size);
    l->path[l->len] = '\0';
    return rc;
}

/* The recursion is as deep as a name has parts, which STORE_NAME_MAX bounds. */
static enum err list_directory(struct listing *l, int directory)
{
    char after[STORE_NAME_MAX + 2] = "";
    struct batch b = {0};
    enum err rc;

    do {
        TRY(collect_names(l, directory, after, &b));
        for (size_t i = 0; i < b.count; i++) {
            const char *name = b.names[i];

            if (name[strlen(name) - 1] == '/')
                TRY(list_below(l, directory, name));
            else
                TRY(tell_object(l, directory, name));
        }
        if (b.count > 0)
            memcpy(after, b.names[b.count - 1], strlen(b.names[b.count - 1]) + 1);
        forget_from(&b, 0);
    } while (b.more);
out:
    forget_from(&b, 0);
    mem_free(b.names);
    return rc;
}

enum err dir_list(void *self, const char *prefix, store_each *each, void *arg)
{
    struct listing l = {.dir = self, .each = each, .arg = arg, .len = strlen(prefix)};
    int directory = -1;
    enum err rc;

    rc = dir_walk(l.dir, prefix, l.len, &directory);
    if (rc == ERR_NOT_FOUND)
        return ERR_OK; /* a directory that no object has needed yet */
    if (rc != ERR_OK)
        return rc;
    memcpy(l.path, prefix, l.len + 1);
    if (l.len > 0) {
        memcpy(l.path + l.len, "/", 2);
        l.len++;
    }
    rc = list_directory(&l, directory);
    close(directory);
    return rc;
}

/* What no put makes: a link, a directory, a socket. */
static bool is_strange(int cause)
{
    return cause == ELOOP || cause == EISDIR || cause == ENXIO;
}

/* Removes a temporary, unless it is locked: then the put that writes it is still running
 * (dir_put.c). What cannot be opened for another reason (another user's, too many files are open)
 * may be such a one, and waits for a sweep that can. */
static enum err sweep_one(int directory, const char *name)
{
    int fd = openat(directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    enum err rc = ERR_OK;

    if (fd < 0 ? is_strange(errno) : flock(fd, LOCK_EX | LOCK_NB) == 0)
        rc = file_remove_tree_at(directory, name);
    if (fd >= 0)
        close(fd);
    return rc;
}

enum err dir_sweep(void *self)
{
    struct dir *d = self;
    int fd = dir_enter(d->root, DIR_TMP);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    enum err rc = ERR_OK;

    if (dir == NULL) {
        if (errno != ENOENT)
            rc = dir_refuse(d, "sweeping the directory", DIR_TMP);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    while (errno = 0, (entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            TRY(sweep_one(fd, entry->d_name));
    if (errno != 0)
        rc = dir_refuse(d, "sweeping the directory", DIR_TMP);
out:
    if (rc == ERR_FAILED)
        rc = ERR_STORAGE;
    closedir(dir);
    return rc;
}
