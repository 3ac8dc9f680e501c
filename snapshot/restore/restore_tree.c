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
#include "core/fs/walk.h"
#include "snapshot/format/index.h"
#include "snapshot/source/dbpath.h"

void tree_init(struct restore_tree *t, const struct selection *selection, bool delta)
{
    *t = (struct restore_tree){.selection = selection, .delta = delta, .root_fd = -1};
}

void tree_place(struct restore_tree *t, const char *root, bool at_mount)
{
    t->root = root;
    t->at_mount = at_mount;
}

enum err tree_open_root(struct restore_tree *t, const char *root)
{
    t->root = root;
    t->root_fd = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return t->root_fd < 0 ? err_sys(ERR_FAILED, "opening %s", root) : ERR_OK;
}

enum err tree_check_root(const struct restore_tree *t)
{
    struct stat filled;
    struct stat named;

    if (fstat(t->root_fd, &filled) != 0 || lstat(t->root, &named) != 0 ||
        filled.st_dev != named.st_dev || filled.st_ino != named.st_ino)
        return err_set(ERR_FAILED, "%s was replaced while it was filled", t->root);
    return ERR_OK;
}

void tree_close_root(struct restore_tree *t)
{
    if (t->root_fd >= 0)
        close(t->root_fd);
    t->root_fd = -1;
}

static const struct index *index_of(const struct restore_tree *t)
{
    return t->selection->from->index;
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

/* `e` gets the numbers that it has here. */
static enum err resolve_owner(const struct restore_tree *t, struct entry *e)
{
    return t->owners != NULL ? owner_map_find(t->owners, e, &e->uid, &e->gid) : ERR_OK;
}

static enum err clear_place(const struct restore_tree *t, const struct entry *e, const char *path)
{
    struct stat st;

    if (entry_is_root(e) || fstatat(t->root_fd, entry_path(e), &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        (e->type == ENTRY_DIR && S_ISDIR(st.st_mode)))
        return ERR_OK;
    return file_remove_tree(path);
}

/* What a walk of the selection works on. */
struct tree_walk {
    struct restore_tree *tree;
    struct tar_disk *disk;
    struct entry scratch; /* owned */
};

static enum err make_entry(void *arg, const struct entry *e)
{
    struct tree_walk *walk = arg;
    struct restore_tree *t = walk->tree;
    struct entry *first_name = &walk->scratch;
    char *path = NULL;
    char *first = NULL;
    bool reused = false;
    bool is_chosen = false;
    struct entry shape;
    enum err rc;

    shape = *e; /* borrows its parts */
    TRY(full_path(t, &e->path, &path));
    TRY(resolve_owner(t, &shape));
    if (t->delta)
        TRY(reuse_file(t, &shape, &reused));
    if (reused)
        goto out;
    if (t->delta)
        TRY(clear_place(t, e, path));
    if ((e->flags & ENTRY_HARD_LINK) != 0) {
        TRY(selection_first_name(t->selection, e, first_name, &is_chosen));
        if (is_chosen)
            TRY(full_path(t, &e->link, &first));
        shape.size = first_name->size;
    }
    TRY(tar_disk_make(walk->disk, &shape, path, first, &t->attention));
out:
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
        rc = index_find(index_of(t), item.path, &i);
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
        rc = index_find(index_of(t), item.path, &i);
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

enum err tree_make(struct restore_tree *t, struct tar_disk *disk)
{
    struct tree_walk walk = {.tree = t, .disk = disk};
    enum err rc = ERR_OK;

    entry_init(&walk.scratch);
    if (t->delta && t->selection->only == NULL)
        TRY(remove_extra(t));
    TRY(selection_walk_links_last(t->selection, make_entry, &walk));
out:
    entry_clear(&walk.scratch);
    return rc;
}

static enum err finish_entry(void *arg, const struct entry *e)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                {.tv_sec = e->mtime_s, .tv_nsec = (long)e->mtime_ns}};
    struct tree_walk *walk = arg;
    const struct restore_tree *t = walk->tree;
    const struct entry *content = NULL;
    enum err rc;

    /* A hard link shares what its first name gets, unless that is not asked for. */
    TRY(selection_content(t->selection, e, &walk->scratch, &content));
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
    struct tree_walk walk = {.tree = t};
    enum err rc;

    entry_init(&walk.scratch);
    rc = selection_walk(t->selection, finish_entry, &walk);
    entry_clear(&walk.scratch);
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
    rc = index_find(index_of(t), bytes_of_text("."), &i);
    if (rc == ERR_NOT_FOUND) { /* a stream's snapshot has none */
        rc = ERR_OK;
        goto out;
    }
    TRY(rc);
    TRY(index_entry(index_of(t), i, &e));
    TRY(resolve_owner(t, &e));
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
