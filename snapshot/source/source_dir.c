#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/fs/path.h"
#include "core/fs/walk.h"
#include "snapshot/source/dbpath.h"
#include "snapshot/source/dbpath_link.h"
#include "snapshot/source/dbpath_lock.h"
#include "snapshot/source/node_meta.h"
#include "snapshot/source/source.h"
#include "snapshot/source/tar_meta.h"

#define SHOWN_MAX 512
#define APART_MAX 4

/* The first name seen of a file with several. */
struct first_name {
    dev_t device;
    ino_t inode;
    char *path; /* owned */
};

/* A directory by what it is, not by what it is called. */
struct directory {
    dev_t device;
    ino_t inode;
};

struct source_dir {
    struct walk *walk;
    struct tar_meta *meta;
    int root; /* owned */
    bool is_dbpath;
    bool was_open;                     /* mongod ran when the backup began, and that was said */
    uint64_t incomplete;               /* entries whose metadata could not be read whole */
    struct directory apart[APART_MAX]; /* left out wherever they lie */
    size_t apart_count;
    struct first_name *firsts; /* owned, sorted by device and inode */
    size_t first_count;
    size_t first_cap;
    struct walk_item item;
    struct source_clock clock;
};

/* The place of (device, inode) in the sorted list, or where it would have to go. */
static size_t find_first(const struct source_dir *d, const struct stat *st, bool *found)
{
    size_t low = 0;
    size_t high = d->first_count;

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct first_name *f = &d->firsts[middle];

        if (f->device == st->st_dev && f->inode == st->st_ino) {
            *found = true;
            return middle;
        }
        if (f->device < st->st_dev || (f->device == st->st_dev && f->inode < st->st_ino))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum err insert_first(struct source_dir *d, size_t i, const char *path)
{
    char *copy = NULL;
    enum err rc;

    TRY(mem_text(path, &copy));
    TRY(mem_grow(d->first_count, sizeof *d->firsts, &d->first_cap, &d->firsts));
    memmove(d->firsts + i + 1, d->firsts + i, (d->first_count - i) * sizeof *d->firsts);
    d->firsts[i] = (struct first_name){d->item.st.st_dev, d->item.st.st_ino, copy};
    d->first_count++;
    copy = NULL; /* the list's now */
out:
    mem_free(copy);
    return rc;
}

/* Its name vanished before it was read: the next name of the file is its first, then. */
static void forget_first(struct source_dir *d)
{
    bool found;
    size_t i = find_first(d, &d->item.st, &found);

    if (!found)
        return;
    mem_free(d->firsts[i].path);
    d->first_count--;
    memmove(d->firsts + i, d->firsts + i + 1, (d->first_count - i) * sizeof *d->firsts);
}

static void free_source_dir(void *self)
{
    struct source_dir *d = self;

    if (d == NULL)
        return;
    walk_free(d->walk);
    if (d->root >= 0)
        close(d->root);
    tar_meta_free(d->meta);
    for (size_t i = 0; i < d->first_count; i++)
        mem_free(d->firsts[i].path);
    mem_free(d->firsts);
    mem_free(d);
}

/* What the person reads when a file is passed over. */
static void warn_passed_over(const struct walk_item *item, const char *what)
{
    char shown[SHOWN_MAX];

    text_printable((const char *)item->path.data, shown, sizeof shown);
    log_say(LOG_WARN, "%s: %s", shown, what);
}

static enum err fill_from_stat(const struct source_dir *d, struct entry *e, const struct stat *st)
{
    e->mode = st->st_mode & 07777;
    e->uid = st->st_uid;
    e->gid = st->st_gid;
    e->mtime_s = st->st_mtim.tv_sec;
    e->mtime_ns = (uint32_t)st->st_mtim.tv_nsec;
    e->ctime_s = st->st_ctim.tv_sec;
    e->ctime_ns = (uint32_t)st->st_ctim.tv_nsec;
    e->inode = st->st_ino;
    e->flags &= (uint8_t)~ENTRY_SETTLED;
    if (source_clock_is_settled(&d->clock, st))
        e->flags |= ENTRY_SETTLED;
    e->size = e->type == ENTRY_FILE ? (uint64_t)st->st_size : 0;
    e->block_log2 = e->size > 0 ? entry_block_log2_for(e->size) : 0;
    if (e->size > ENTRY_SIZE_MAX)
        return err_set(ERR_FAILED, "%s is larger than this format can hold", entry_path(e));
    return ERR_OK;
}

static enum entry_type entry_type_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return ENTRY_FILE;
    case S_IFDIR:
        return ENTRY_DIR;
    case S_IFLNK:
        return ENTRY_SYMLINK;
    case S_IFIFO:
        return ENTRY_FIFO;
    default:
        return 0;
    }
}

static bool is_apart(const struct source_dir *d, const struct walk_item *item)
{
    for (size_t i = 0; i < d->apart_count; i++)
        if (S_ISDIR(item->st.st_mode) && d->apart[i].device == item->st.st_dev &&
            d->apart[i].inode == item->st.st_ino)
            return true;
    return false;
}

static bool is_left_out(const struct source_dir *d, const struct walk_item *item)
{
    return is_apart(d, item) || (d->is_dbpath && dbpath_leaves_out(item->path));
}

/* False for what is no part of a snapshot; says so when a person should know. */
static bool is_included(struct source_dir *d, struct snapshot_attention *attention)
{
    const struct walk_item *item = &d->item;

    if (item->vanished) {
        warn_passed_over(item, "vanished before it was read");
        attention->vanished++;
        return false;
    }
    source_clock_meet(&d->clock, item->st.st_dev);
    if (is_left_out(d, item)) {
        if (is_apart(d, item))
            warn_passed_over(item, "is the repository or the state directory, and is left out");
        walk_skip(d->walk);
        return false;
    }
    if (S_ISSOCK(item->st.st_mode))
        return false; /* made anew by whoever listens on it */
    if (entry_type_of(item->st.st_mode) == 0) {
        warn_passed_over(item, "is a device and is left out");
        attention->left_out++;
        return false;
    }
    return true;
}

/* A name of a file whose first name was given already becomes a link to it, without content. */
static enum err link_to_first(struct source_dir *d, struct entry *e)
{
    bool found;
    size_t i;
    enum err rc = ERR_OK;

    if (e->type != ENTRY_FILE || d->item.st.st_nlink < 2)
        goto out;
    i = find_first(d, &d->item.st, &found);
    if (!found) {
        TRY(insert_first(d, i, entry_path(e)));
        goto out;
    }
    e->flags |= ENTRY_HARD_LINK;
    e->size = 0;
    e->block_log2 = 0;
    TRY(buf_add_text(&e->link, d->firsts[i].path));
    TRY(buf_reserve(&e->link, 1));
    e->link.data[e->link.len] = '\0';
out:
    return rc;
}

/* Unmounted in between: its files were not even listed, so none of them vanished by name. */
static void note_unmounted(const struct source_dir *d, struct snapshot_attention *attention)
{
    size_t missed = source_clock_missed(&d->clock);

    if (missed == 0)
        return;
    log_say(LOG_WARN, "a file system that was mounted in the source when the backup began is gone: "
                      "what was on it is missing");
    attention->vanished += missed;
}

/* What is known only when all files were given. A mongod that was started in between wrote into
 * what was read. */
static void note_end(struct source_dir *d, struct snapshot_attention *attention)
{
    note_unmounted(d, attention);
    if (d->is_dbpath && !d->was_open && dbpath_warn_if_open(d->root))
        attention->warnings++;
    attention->warnings += d->incomplete;
}

static enum err dir_next(void *self, struct entry *e, bool *more,
                         struct snapshot_attention *attention)
{
    struct source_dir *d = self;
    enum err rc;

    do
        TRY(walk_next(d->walk, &d->item, more));
    while (*more && !is_included(d, attention));
    if (!*more) {
        note_end(d, attention);
        goto out;
    }
    e->type = entry_type_of(d->item.st.st_mode);
    TRY(buf_add(&e->path, bytes_of(d->item.path.data, d->item.path.len)));
    TRY(buf_add(&e->path, bytes_of("", 1)));
    e->path.len--;
    TRY(fill_from_stat(d, e, &d->item.st));
    TRY(link_to_first(d, e));
out:
    return rc;
}

/* What an open or readlink says when the name is no longer what it was a moment ago. */
static bool is_gone(int cause)
{
    static const int causes[] = {ENOENT, ELOOP, ENOTDIR, ENXIO, ENODEV, EINVAL};

    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
        if (causes[i] == cause)
            return true;
    return false;
}

static enum err read_link(const struct source_dir *d, struct entry *e)
{
    char target[PATH_LEN_MAX + 1];
    ssize_t len = readlinkat(d->item.dir, d->item.name, target, sizeof target);
    enum err rc;

    if (len < 0 || (size_t)len == sizeof target)
        FAIL_SYS(is_gone(errno) ? ERR_NOT_FOUND : ERR_FAILED, "reading link %s", entry_path(e));
    target[len] = '\0'; /* there, but not counted: entries serve as C strings too */
    TRY(buf_add(&e->link, bytes_of(target, (size_t)len + 1)));
    e->link.len--;
out:
    return rc;
}

/* O_NOATIME is allowed to the owner and to root only. */
static int open_quietly(int dir, const char *name)
{
    int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    int fd = openat(dir, name, flags | O_NOATIME);

    return fd < 0 && errno == EPERM ? openat(dir, name, flags) : fd;
}

/* The directory may be there again when the walk would enter it, without an entry of its own. */
static void pass_over(struct source_dir *d, const struct entry *e)
{
    if (e->type == ENTRY_DIR)
        walk_skip(d->walk);
    else if (e->type == ENTRY_FILE && (e->flags & ENTRY_HARD_LINK) == 0)
        forget_first(d);
}

static enum err dir_describe(void *self, struct entry *e, int *fd)
{
    struct source_dir *d = self;
    struct stat st;
    int file = -1;
    bool is_whole;
    enum err rc = ERR_OK;

    *fd = -1;
    if (e->type == ENTRY_SYMLINK)
        TRY(read_link(d, e));
    if (e->type == ENTRY_DIR || (e->type == ENTRY_FILE && (e->flags & ENTRY_HARD_LINK) == 0)) {
        file = open_quietly(d->item.dir, d->item.name);
        if (file < 0)
            FAIL_SYS(is_gone(errno) ? ERR_NOT_FOUND : ERR_FAILED, "opening %s", entry_path(e));
        if (fstat(file, &st) != 0)
            FAIL_SYS(ERR_FAILED, "%s", entry_path(e));
        if (entry_type_of(st.st_mode) != e->type)
            FAIL(ERR_NOT_FOUND, "%s was replaced by something else", entry_path(e));
        if (st.st_ino != d->item.st.st_ino || st.st_dev != d->item.st.st_dev)
            forget_first(d); /* another file took the name: other names are not links to it */
        TRY(fill_from_stat(d, e, &st));
        d->item.st = st;
    }
    TRY(tar_meta_read(d->meta, file, &d->item.st, e, &is_whole));
    if (!is_whole)
        d->incomplete++;
    if (e->type == ENTRY_SYMLINK || e->type == ENTRY_FIFO)
        TRY(node_meta_read(d->item.dir, d->item.name, e));
    if (file >= 0 && e->type == ENTRY_FILE) {
        *fd = file;
        file = -1; /* the caller's now */
    }
out:
    if (rc == ERR_NOT_FOUND)
        pass_over(d, e);
    if (file >= 0)
        close(file);
    return rc;
}

static const struct source_driver dir_driver = {
    .free = free_source_dir,
    .next = dir_next,
    .describe = dir_describe,
};

/* How much there is to read, for the size of packs and the progress line; how late it is there, by
 * the newest change (a running mongod writes its diagnostic data, which is left out, every few
 * seconds); and whether all of a database is there to be read, before anything is stored. */
static enum err survey_tree(struct source_dir *d, const char *path, uint64_t *total)
{
    struct walk *walk = NULL;
    struct walk_item item;
    bool more = true;
    enum err rc;

    TRY(walk_open(path, &walk));
    for (;;) {
        TRY(walk_next(walk, &item, &more));
        if (!more)
            break;
        if (item.vanished)
            continue;
        TRY(source_clock_look(&d->clock, &item));
        if (is_left_out(d, &item)) {
            walk_skip(walk);
            continue;
        }
        if (d->is_dbpath && S_ISLNK(item.st.st_mode))
            TRY(dbpath_check_link(&item));
        if (S_ISREG(item.st.st_mode))
            *total += (uint64_t)item.st.st_size;
    }
out:
    walk_free(walk);
    return rc;
}

static void set_apart(struct source_dir *d, const char *const *apart)
{
    struct stat st;

    for (; apart != NULL && *apart != NULL && d->apart_count < APART_MAX; apart++)
        if (stat(*apart, &st) == 0)
            d->apart[d->apart_count++] = (struct directory){st.st_dev, st.st_ino};
}

/* It would be read while it is written, and be twice as large with each snapshot. */
static enum err check_outside(const char *path, const char *const *apart)
{
    enum err rc = ERR_OK;

    for (; apart != NULL && *apart != NULL; apart++)
        if (file_is_within(path, *apart))
            FAIL(
                ERR_USAGE,
                "it lies in %s, which is the repository or its state directory: give the directory "
                "that is to be backed up",
                *apart);
out:
    return rc;
}

enum err source_dir_open(const char *path, const char *const *apart, bool any, struct source *out)
{
    struct source_dir *d = NULL;
    uint64_t total = 0;
    uint64_t warned = 0;
    const char *type;
    struct source_marks marks;
    enum err rc;

    TRY(mem_new(1, sizeof *d, &d));
    d->root = -1;
    TRY(walk_open(path, &d->walk));
    TRY(tar_meta_new(&d->meta));
    d->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->root < 0)
        FAIL_SYS(ERR_FAILED, "opening %s", path);
    TRY(check_outside(path, apart));
    TRY(dbpath_require_finished(d->root, path));
    TRY(source_type_find(d->root, any, &type, &warned));
    d->is_dbpath = strcmp(type, SOURCE_TYPE_DBPATH) == 0;
    d->was_open = d->is_dbpath && dbpath_lock_held(d->root) != NULL;
    set_apart(d, apart);
    source_clock_init(&d->clock);
    TRY(survey_tree(d, path, &total));
    TRY(source_clock_marks(&d->clock, &marks));
    *out = (struct source){.driver = &dir_driver,
                           .self = d,
                           .type = type,
                           .is_sorted = true,
                           .warned = warned,
                           .total_len = total,
                           .marks = marks};
    d = NULL; /* the source's now */
out:
    if (rc != ERR_OK)
        err_note("source %s", path);
    free_source_dir(d);
    return rc;
}
