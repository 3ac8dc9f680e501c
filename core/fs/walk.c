#include "core/fs/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/fs/path.h"

/*
 * The walk is a stack of open directories. Each level holds its descriptor and the sorted list of
 * its names, so everything below is reached by openat() and fstatat() relative to what is open:
 * renaming a directory meanwhile cannot lead the walk elsewhere.
 *
 * A directory is returned before it is opened. It is entered at the start of the next call, so the
 * caller can say walk_skip() in between. The order is fixed by sorting each level's names, and is
 * that of path_compare(): what lies in a directory comes directly after it.
 *
 * Files may come and go during a walk. A name that is gone when it is looked at is returned as
 * `vanished`; a directory that is gone when it is to be entered counts as empty.
 */
#define NAMES_MAX (64 * MIB) /* of one directory */

/* One open directory: its sorted names, and how many of them were handed out. */
struct level {
    int fd;
    struct buf text;    /* the names, each with its NUL */
    const char **names; /* owned; into text */
    size_t count;
    size_t next;
    size_t path_len; /* of the directory's own path in walk.path */
};

struct walk {
    struct level levels[WALK_DEPTH_MAX];
    size_t depth; /* open levels */
    struct buf path;
    int base; /* the root is found from here: AT_FDCWD, or the open directory itself */
    char *root;
    bool started;
    bool enter; /* the last item was a directory that is still to be entered */
};

static void level_clear(struct level *l)
{
    if (l->fd >= 0)
        close(l->fd);
    buf_clear(&l->text);
    mem_free(l->names);
    *l = (struct level){.fd = -1};
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A directory that changes while it is read may return a name twice; after sorting they are
 * adjacent. */
static void drop_doubles(struct level *l)
{
    size_t kept = 0;

    for (size_t i = 0; i < l->count; i++)
        if (kept == 0 || strcmp(l->names[kept - 1], l->names[i]) != 0)
            l->names[kept++] = l->names[i];
    l->count = kept;
}

/* The names are collected in one buffer first, and pointers to them are made when it no longer
 * grows. */
static enum err read_names(struct level *l, DIR *dir)
{
    size_t offset = 0;
    enum err rc = ERR_OK;

    for (;;) {
        struct dirent *d;

        errno = 0;
        d = readdir(dir);
        if (d == NULL && errno != 0)
            FAIL_SYS(ERR_FAILED, "listing");
        if (d == NULL)
            break;
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        TRY(buf_add(&l->text, bytes_of(d->d_name, strlen(d->d_name) + 1)));
        l->count++;
    }
    /* Point to each name, then sort. */
    TRY(mem_new(l->count, sizeof *l->names, &l->names));
    for (size_t i = 0; i < l->count; i++) {
        l->names[i] = (const char *)l->text.data + offset;
        offset += strlen(l->names[i]) + 1;
    }
    if (l->count > 1)
        qsort(l->names, l->count, sizeof *l->names, by_name);
    drop_doubles(l);
out:
    return rc;
}

/* The level counts in w->depth before it can fail, so that walk_free() closes what was opened. Only
 * the root may be a link: the user named it. */
static enum err enter_level(struct walk *w, int from, const char *name)
{
    struct level *l = &w->levels[w->depth];
    DIR *dir = NULL;
    int fd = -1;
    enum err rc = ERR_OK;

    if (w->depth == WALK_DEPTH_MAX)
        FAIL(ERR_FAILED, "%s: directories are nested deeper than %d", (const char *)w->path.data,
             WALK_DEPTH_MAX);
    *l = (struct level){.fd = -1, .text = {.max = NAMES_MAX}, .path_len = w->path.len};
    l->fd =
        openat(from, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (w->depth > 0 ? O_NOFOLLOW : 0));
    w->depth++;
    if (l->fd < 0)
        FAIL_SYS(errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? ERR_NOT_FOUND : ERR_FAILED,
                 "opening directory %s", w->depth > 1 ? (const char *)w->path.data : w->root);
    fd = dup(l->fd); /* closedir closes what it is given */
    dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL)
        FAIL_SYS(ERR_FAILED, "listing %s", name);
    fd = -1;
    TRY(read_names(l, dir));
out:
    if (dir != NULL)
        closedir(dir);
    if (fd >= 0)
        close(fd);
    return rc;
}

enum err walk_open(const char *root, struct walk **out)
{
    struct walk *w = NULL;
    struct stat st;
    enum err rc;

    if (stat(root, &st) != 0)
        return err_sys(errno == ENOENT ? ERR_NOT_FOUND : ERR_FAILED, "%s", root);
    if (!S_ISDIR(st.st_mode))
        return err_set(ERR_USAGE, "%s is not a directory", root);
    TRY(mem_new(1, sizeof *w, &w));
    w->base = AT_FDCWD;
    w->path.max = PATH_LEN_MAX + 1;
    TRY(mem_text(root, &w->root));
    *out = w;
    w = NULL; /* the caller's now */
out:
    walk_free(w);
    return rc;
}

enum err walk_open_at(int directory, const char *shown, struct walk **out)
{
    struct walk *w = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *w, &w));
    w->base = directory;
    w->path.max = PATH_LEN_MAX + 1;
    TRY(mem_text(shown, &w->root));
    *out = w;
    w = NULL; /* the caller's now */
out:
    walk_free(w);
    return rc;
}

void walk_free(struct walk *w)
{
    if (w == NULL)
        return;
    while (w->depth > 0)
        level_clear(&w->levels[--w->depth]);
    buf_clear(&w->path);
    mem_free(w->root);
    mem_free(w);
}

/* Sets the path to its first `keep` bytes, "/" and `name`. A NUL follows, which len does not count.
 */
static enum err set_path(struct walk *w, size_t keep, const char *name)
{
    enum err rc;

    if (keep + 1 + strlen(name) > PATH_LEN_MAX)
        FAIL(ERR_FAILED, "%s: the path of \"%.100s\" in \"%.100s...\" is longer than %d bytes",
             w->root, name, (const char *)w->path.data, PATH_LEN_MAX);
    w->path.len = keep;
    if (keep > 0)
        TRY(buf_add_text(&w->path, "/"));
    TRY(buf_add(&w->path, bytes_of(name, strlen(name) + 1)));
    w->path.len--;
out:
    return rc;
}

static enum err first_item(struct walk *w, struct walk_item *item)
{
    enum err rc;

    w->started = true;
    TRY(enter_level(w, w->base, w->base == AT_FDCWD ? w->root : "."));
    *item = (struct walk_item){.path = bytes_of(".", 1), .dir = w->levels[0].fd, .name = "."};
    if (fstat(w->levels[0].fd, &item->st) != 0)
        FAIL_SYS(ERR_FAILED, "%s", w->root);
out:
    return rc;
}

/* Gone since it was described: what was in it is, too, and is said by its name, once more. */
static enum err enter_last(struct walk *w, struct walk_item *item, bool *gone)
{
    struct level *l = &w->levels[w->depth - 1];
    const char *name = l->names[l->next - 1];
    enum err rc = ERR_OK;

    w->enter = false;
    TRY(enter_level(w, l->fd, name));
out:
    *gone = rc == ERR_NOT_FOUND;
    if (*gone) {
        level_clear(&w->levels[--w->depth]);
        *item = (struct walk_item){
            .path = buf_bytes(&w->path), .dir = l->fd, .name = name, .vanished = true};
        rc = ERR_OK;
    }
    return rc;
}

enum err walk_next(struct walk *w, struct walk_item *item, bool *more)
{
    struct level *l;
    bool gone = false;
    enum err rc = ERR_OK;

    *more = true;
    if (!w->started)
        return first_item(w, item);
    /* Descend into the last item, unless the caller skipped it; leave the levels that are done. */
    if (w->enter)
        TRY(enter_last(w, item, &gone));
    if (gone)
        goto out;
    while (w->depth > 0 && w->levels[w->depth - 1].next == w->levels[w->depth - 1].count)
        level_clear(&w->levels[--w->depth]);
    *more = w->depth > 0;
    if (!*more)
        goto out;
    /* Describe the next name. */
    l = &w->levels[w->depth - 1];
    *item = (struct walk_item){.dir = l->fd, .name = l->names[l->next++]};
    TRY(set_path(w, l->path_len, item->name));
    item->path = buf_bytes(&w->path);
    if (fstatat(l->fd, item->name, &item->st, AT_SYMLINK_NOFOLLOW) != 0) {
        item->vanished = errno == ENOENT;
        if (!item->vanished)
            FAIL_SYS(ERR_FAILED, "%s/%s", w->root, (const char *)w->path.data);
    }
    w->enter = !item->vanished && S_ISDIR(item->st.st_mode);
out:
    return rc;
}

void walk_skip(struct walk *w)
{
    w->enter = false;
}
