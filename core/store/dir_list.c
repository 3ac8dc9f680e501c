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
 * A folder is listed in sorted batches: each pass over it keeps the least BATCH_MAX names that
 * come after the last one done. So memory stays bounded whatever someone put into the folder, and
 * the listing is in order; only a folder of very many files is read several times.
 */
#define BATCH_MAX 8192

struct batch {
    char **names; /* owned; a folder's name ends in '/', which puts it at its place in the order */
    size_t count, cap;
    bool more; /* the folder has names behind these */
};

struct listing {
    const struct dir *dir;
    store_each *each;
    void *arg;
    char path[STORE_NAME_MAX + 2]; /* of the folder being listed, with '/' behind, or "" */
    size_t len;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void forget_from(struct batch *b, size_t keep)
{
    while (b->count > keep)
        mem_free(b->names[--b->count]);
}

/* Sorts, and lets go of the greatest when there are more than BATCH_MAX. */
static void settle_batch(struct batch *b)
{
    if (b->count > 0)
        qsort(b->names, b->count, sizeof *b->names, compare_names);
    if (b->count > BATCH_MAX)
        b->more = true;
    forget_from(b, BATCH_MAX < b->count ? BATCH_MAX : b->count);
}

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

/* The name an entry goes by in a batch; false for what is no object of ours: links, devices, names
 * that no put would make. */
static bool take_entry(struct listing *l, int folder, const struct dirent *entry,
                       char name[STORE_NAME_MAX + 2])
{
    size_t len = strlen(entry->d_name);
    bool is_folder = entry->d_type == DT_DIR;
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
    if (entry->d_type == DT_UNKNOWN) {
        if (fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            return false;
        is_folder = S_ISDIR(st.st_mode);
        is_file = S_ISREG(st.st_mode);
    }
    memcpy(name, entry->d_name, len + 1);
    if (is_folder)
        memcpy(name + len, "/", 2);
    return is_folder || is_file;
}

/* Fills `b` with the next names of the folder behind `after`. */
static enum err collect_names(struct listing *l, int folder, const char *after, struct batch *b)
{
    char name[STORE_NAME_MAX + 2];
    int fd = dir_enter(folder, ".");
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    enum err rc = ERR_OK;

    b->more = false;
    if (dir == NULL) {
        rc = dir_refuse(l->dir, "listing the folder", l->path);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    while (errno = 0, (entry = readdir(dir)) != NULL)
        if (take_entry(l, folder, entry, name) && strcmp(name, after) > 0)
            TRY(add_name(b, name));
    if (errno != 0) {
        rc = dir_refuse(l->dir, "listing the folder", l->path);
        goto out;
    }
    settle_batch(b);
out:
    closedir(dir);
    return rc;
}

static enum err list_folder(struct listing *l, int folder);

/* What went away since it was read is passed over. */
static enum err list_below(struct listing *l, int folder, const char *name)
{
    char part[STORE_NAME_MAX + 2];
    size_t len = strlen(name);
    int below;
    enum err rc;

    memcpy(part, name, len);
    part[len - 1] = '\0';
    below = dir_enter(folder, part);
    if (below < 0)
        return errno == ENOENT ? ERR_OK : dir_refuse(l->dir, "listing the folder", name);
    memcpy(l->path + l->len, name, len + 1);
    l->len += len;
    rc = list_folder(l, below);
    l->len -= len;
    l->path[l->len] = '\0';
    close(below);
    return rc;
}

static enum err tell_object(struct listing *l, int folder, const char *name)
{
    struct stat st;
    enum err rc;

    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? ERR_OK : dir_refuse(l->dir, "listing", name);
    if (!S_ISREG(st.st_mode))
        return ERR_OK;
    memcpy(l->path + l->len, name, strlen(name) + 1);
    rc = l->each(l->arg, l->path, (uint64_t)st.st_size);
    l->path[l->len] = '\0';
    return rc;
}

static enum err list_folder(struct listing *l, int folder)
{
    char after[STORE_NAME_MAX + 2] = "";
    struct batch b = {0};
    enum err rc;

    do {
        TRY(collect_names(l, folder, after, &b));
        for (size_t i = 0; i < b.count; i++) {
            const char *name = b.names[i];

            if (name[strlen(name) - 1] == '/')
                TRY(list_below(l, folder, name));
            else
                TRY(tell_object(l, folder, name));
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
    int folder = -1;
    enum err rc;

    rc = dir_walk(l.dir, prefix, l.len, &folder);
    if (rc == ERR_NOT_FOUND)
        return ERR_OK; /* a folder that no object has needed yet */
    if (rc != ERR_OK)
        return rc;
    memcpy(l.path, prefix, l.len + 1);
    if (l.len > 0) {
        memcpy(l.path + l.len, "/", 2);
        l.len++;
    }
    rc = list_folder(&l, folder);
    close(folder);
    return rc;
}

/* Removes a temporary unless the put that makes it still runs: that one holds a lock on it. */
static enum err sweep_one(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    enum err rc = ERR_OK;

    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        rc = file_remove_tree_at(folder, name);
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
            rc = dir_refuse(d, "sweeping the folder", DIR_TMP);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    while (errno = 0, (entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            TRY(sweep_one(fd, entry->d_name));
    if (errno != 0)
        rc = dir_refuse(d, "sweeping the folder", DIR_TMP);
out:
    if (rc == ERR_FAILED)
        rc = ERR_STORAGE;
    closedir(dir);
    return rc;
}
