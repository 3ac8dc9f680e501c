#include "snapshot/restore/restore_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/fs/path.h"
#include "core/fs/walk.h"
#include "snapshot/source/dbpath.h"

enum tree_choice tree_choose(const struct restore_tree *t, const struct entry *e)
{
    struct bytes path = buf_bytes(&e->path);

    if (t->only == NULL)
        return TREE_WHOLE;
    if (entry_is_root(e))
        return TREE_FOLDER;
    for (const char *const *only = t->only; *only != NULL; only++) {
        struct bytes wanted = bytes_of_text(*only);

        if (path_is_within(path, wanted))
            return TREE_WHOLE;
        if (e->type == ENTRY_DIR && path_is_within(wanted, path))
            return TREE_FOLDER;
    }
    return TREE_SKIP;
}

/* Go through all entries. */
typedef enum err entry_each(struct restore_tree *t, void *arg, const struct entry *e);
static enum err each_entry(struct restore_tree *t, entry_each *each, void *arg)
{
    struct entry e;
    enum err rc = ERR_OK;

    entry_init(&e);
    for (uint64_t i = 0; i < index_header(t->from->index)->file_count; i++) {
        TRY(index_entry(t->from->index, i, &e));
        if (tree_choose(t, &e) != TREE_SKIP)
            TRY(each(t, arg, &e));
    }
out:
    entry_clear(&e);
    return rc;
}

/* The first name of a hard link, if it is asked for too; else NULL. */
static enum err first_name(const struct restore_tree *t, const struct entry *e,
                           struct entry *scratch, bool *is_chosen)
{
    uint64_t i = 0;
    enum err rc;

    TRY(index_find(t->from->index, buf_bytes(&e->link), &i));
    TRY(index_entry(t->from->index, i, scratch));
    if (scratch->type != ENTRY_FILE || (scratch->flags & ENTRY_HARD_LINK) != 0)
        FAIL(ERR_CORRUPT, "%s is a hard link to something that is no file", entry_path(e));
    *is_chosen = tree_choose(t, scratch) == TREE_WHOLE;
out:
    if (rc == ERR_NOT_FOUND)
        rc = err_set(ERR_CORRUPT, "%s is a hard link to nothing", entry_path(e));
    return rc;
}

enum err tree_content(const struct restore_tree *t, const struct entry *e, struct entry *scratch,
                      const struct entry **content)
{
    bool is_chosen = false;
    enum err rc = ERR_OK;

    *content = NULL;
    if (e->type != ENTRY_FILE)
        goto out;
    if ((e->flags & ENTRY_HARD_LINK) == 0) {
        *content = e;
        goto out;
    }
    TRY(first_name(t, e, scratch, &is_chosen));
    if (!is_chosen)
        *content = scratch;
out:
    return rc;
}

static uint64_t data_len(const struct entry *e)
{
    uint64_t len = 0;

    for (size_t i = 0; i < e->extents.len; i += 16)
        len += be_get(e->extents.data + i + 8, 8);
    return e->extents.len > 0 ? len : e->size;
}

static enum err measure_entry(struct restore_tree *t, void *arg, const struct entry *e)
{
    struct entry *scratch = arg;
    const struct entry *content = NULL;
    enum err rc;

    TRY(tree_content(t, e, scratch, &content));
    t->files++;
    t->bytes += content != NULL ? content->size : 0;
    t->needed += content != NULL ? data_len(content) : 0;
    if ((e->flags & ENTRY_CHANGED) != 0)
        t->changed++;
    if (geteuid() != 0 && (e->uid != geteuid() || e->gid != getegid()))
        t->foreign++;
out:
    return rc;
}

enum err tree_measure(struct restore_tree *t)
{
    struct entry scratch;
    uint64_t i;
    enum err rc = ERR_OK;

    entry_init(&scratch);
    for (const char *const *only = t->only; only != NULL && *only != NULL; only++)
        TRY(index_find(t->from->index, bytes_of_text(*only), &i));
    TRY(each_entry(t, measure_entry, &scratch));
out:
    entry_clear(&scratch);
    return rc;
}

static enum err full_path(const struct restore_tree *t, const struct buf *path, char **out)
{
    if (entry_path_is_root(buf_bytes(path)))
        return mem_text(t->root, out);
    return file_join(t->root, (const char *)path->data, out);
}

/* Security labels are the system's, not the file's; any other attribute makes a file ours to
 * make anew. */
static bool has_plain_metadata(int fd)
{
    char names[4096];
    ssize_t len = flistxattr(fd, names, sizeof names);

    for (ssize_t i = 0; i < len; i += (ssize_t)strlen(names + i) + 1)
        if (strncmp(names + i, "security.", 9) != 0)
            return false;
    return len >= 0;
}

/* Whether the old state's file can be filled in place: a plain file with nothing but its mode,
 * owner and times to be set. */
static bool is_usable(int fd, const struct entry *e)
{
    struct stat st;

    return e->type == ENTRY_FILE && (e->flags & ENTRY_HARD_LINK) == 0 && e->xattr_count == 0 &&
           e->acl.len == 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
           has_plain_metadata(fd);
}

static enum err reuse_file(const struct restore_tree *t, const struct entry *e, bool *reused)
{
    int fd = openat(t->root_fd, entry_path(e), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    enum err rc = ERR_OK;

    *reused = false;
    if (fd < 0 || !is_usable(fd, e))
        goto out;
    if (ftruncate(fd, (off_t)e->size) != 0)
        FAIL_SYS(ERR_FAILED, "setting the size of %s", entry_path(e));
    if (geteuid() == 0 && fchown(fd, e->uid, e->gid) != 0)
        FAIL_SYS(ERR_FAILED, "setting the owner of %s", entry_path(e));
    *reused = true;
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

static enum err clear_place(const struct restore_tree *t, const struct entry *e, const char *path)
{
    struct stat st;

    if (entry_is_root(e) || fstatat(t->root_fd, entry_path(e), &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        (e->type == ENTRY_DIR && S_ISDIR(st.st_mode)))
        return ERR_OK;
    return file_remove_tree(path);
}

static enum err make_entry(struct restore_tree *t, void *arg, const struct entry *e)
{
    char *path = NULL;
    char *first = NULL;
    bool reused = false;
    bool is_chosen = false;
    struct entry scratch;
    struct entry shape;
    enum err rc;

    entry_init(&scratch);
    TRY(full_path(t, &e->path, &path));
    if (t->delta)
        TRY(reuse_file(t, e, &reused));
    if (reused)
        goto out;
    if (t->delta)
        TRY(clear_place(t, e, path));
    shape = *e; /* borrows its parts */
    if ((e->flags & ENTRY_HARD_LINK) != 0) {
        TRY(first_name(t, e, &scratch, &is_chosen));
        if (is_chosen)
            TRY(full_path(t, &e->link, &first));
        shape.size = scratch.size;
    }
    TRY(tar_disk_make(arg, &shape, path, first, &t->attention));
out:
    entry_clear(&scratch);
    mem_free(path);
    mem_free(first);
    return rc;
}

bool tree_sets_apart(const struct restore_tree *t, const struct walk_item *item)
{
    if (!t->at_mount || item->vanished || item->path.len != strlen(item->name))
        return false;
    return strncmp(item->name, ".sealpoint-", 11) == 0 ||
           (strcmp(item->name, "lost+found") == 0 && S_ISDIR(item->st.st_mode) &&
            item->st.st_uid == 0);
}

enum err tree_compare(const struct restore_tree *t, uint64_t *known, uint64_t *extra)
{
    struct walk *walk = NULL;
    struct walk_item item;
    bool more = true;
    uint64_t i;
    enum err rc;

    TRY(walk_open(t->root, &walk));
    for (;;) {
        TRY(walk_next(walk, &item, &more));
        if (!more)
            break;
        if (entry_path_is_root(item.path))
            continue;
        walk_skip(walk);
        if (dbpath_leaves_out(item.path) || tree_sets_apart(t, &item))
            continue;
        rc = index_find(t->from->index, item.path, &i);
        *(rc == ERR_OK ? known : extra) += 1;
        if (rc != ERR_NOT_FOUND)
            TRY(rc);
    }
out:
    walk_free(walk);
    return rc;
}

/* With delta: names that the snapshot does not have go. */
static enum err remove_extra(struct restore_tree *t)
{
    struct walk *walk = NULL;
    struct walk_item item;
    char *path = NULL;
    bool more = true;
    uint64_t i;
    enum err rc;

    TRY(walk_open(t->root, &walk));
    for (;;) {
        TRY(walk_next(walk, &item, &more));
        if (!more)
            break;
        if (entry_path_is_root(item.path))
            continue; /* a stream's snapshot has none, and the target is to stay */
        rc = index_find(t->from->index, item.path, &i);
        if (rc == ERR_OK)
            continue;
        if (rc != ERR_NOT_FOUND)
            goto out;
        walk_skip(walk);
        if (tree_sets_apart(t, &item))
            continue;
        TRY(file_join(t->root, (const char *)item.path.data, &path));
        TRY(file_remove_tree(path));
        mem_free(path);
        path = NULL;
    }
out:
    walk_free(walk);
    mem_free(path);
    return rc;
}

static enum err make_first_names(struct restore_tree *t, void *arg, const struct entry *e)
{
    return (e->flags & ENTRY_HARD_LINK) == 0 ? make_entry(t, arg, e) : ERR_OK;
}

static enum err make_hard_links(struct restore_tree *t, void *arg, const struct entry *e)
{
    return (e->flags & ENTRY_HARD_LINK) != 0 ? make_entry(t, arg, e) : ERR_OK;
}

/* A tar may name a link in a folder that sorts before its first name: links come last. */
enum err tree_make(struct restore_tree *t, struct tar_disk *disk)
{
    enum err rc = ERR_OK;

    if (t->delta && t->only == NULL)
        TRY(remove_extra(t));
    TRY(each_entry(t, make_first_names, disk));
    TRY(each_entry(t, make_hard_links, disk));
out:
    return rc;
}

static enum err finish_entry(struct restore_tree *t, void *arg, const struct entry *e)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                {.tv_sec = e->mtime_s, .tv_nsec = (long)e->mtime_ns}};
    const struct entry *content = NULL;
    enum err rc;

    /* A hard link shares what its first name gets, unless that is not asked for. */
    TRY(tree_content(t, e, arg, &content));
    if (content == NULL && e->type != ENTRY_DIR)
        goto out;
    if (e->type == ENTRY_FILE && fchmodat(t->root_fd, entry_path(e), e->mode, 0) != 0)
        FAIL_SYS(ERR_FAILED, "setting the mode of %s", entry_path(e));
    if (utimensat(t->root_fd, entry_path(e), times, AT_SYMLINK_NOFOLLOW) != 0)
        FAIL_SYS(ERR_FAILED, "setting the time of %s", entry_path(e));
out:
    return rc;
}

enum err tree_finish(struct restore_tree *t)
{
    struct entry scratch;
    enum err rc;

    entry_init(&scratch);
    rc = each_entry(t, finish_entry, &scratch);
    entry_clear(&scratch);
    return rc;
}

enum err tree_make_root(struct restore_tree *t, int fd, const char *path)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
    struct tar_disk *disk = NULL;
    struct entry e;
    uint64_t i;
    enum err rc;

    entry_init(&e);
    rc = index_find(t->from->index, bytes_of_text("."), &i);
    if (rc == ERR_NOT_FOUND) { /* a stream's snapshot has none */
        rc = ERR_OK;
        goto out;
    }
    TRY(rc);
    TRY(index_entry(t->from->index, i, &e));
    TRY(tar_disk_new(&disk));
    TRY(tar_disk_make(disk, &e, path, NULL, &t->attention));
    TRY(tar_disk_finish(disk));
    times[1] = (struct timespec){.tv_sec = e.mtime_s, .tv_nsec = (long)e.mtime_ns};
    if (futimens(fd, times) != 0) {
        log_say(LOG_WARN, "%s: its time could not be set", path);
        t->attention++;
    }
out:
    tar_disk_free(disk);
    entry_clear(&e);
    return rc;
}
