#include "snapshot/restore/restore_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "snapshot/format/index.h"
#include "snapshot/restore/restore_entry.h"
#include "snapshot/restore/restore_guard.h"
#include "snapshot/source/dbpath.h"

/*
 * Who works against us: the user whom the target belongs to, while root restores.
 *
 * - fresh, mount: what is filled lies in a guard directory, and he cannot reach a name in it
 * - delta: there is no such directory. The root is taken over before anything is made, and each
 *   directory of the snapshot in the order of the index, a parent always before what is in it. From
 *   then on he can change no name there, even through a descriptor that he holds, for the kernel
 *   asks again at each call. A directory that he has swapped before is opened over no link, and is
 *   one of his own. What he has open for writing he may still write to: so only files that are his
 *   already, and stay his, are filled in place.
 *
 * So a name in a directory that was opened is as good as a descriptor, and is used where there is
 * no descriptor to be had (making, linking, moving away, symbolic links).
 */

#define SHOWN_MAX 512

void tree_init(struct restore_tree *t, const struct selection *selection, bool delta)
{
    *t = (struct restore_tree){.selection = selection, .delta = delta, .root_fd = -1};
}

void tree_set_root(struct restore_tree *t, int fd, const char *root)
{
    tree_close_root(t);
    t->root = root;
    t->root_fd = fd;
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

bool tree_is_guarded(int root, const char *to)
{
    char is[NAME_MAX + 1];
    ssize_t len = readlinkat(root, TREE_MONGOD_LOCK, is, sizeof is);

    return len == (ssize_t)strlen(to) && memcmp(is, to, (size_t)len) == 0;
}

/* `e` gets the numbers that it has here. */
static enum err resolve_owner(const struct restore_tree *t, struct entry *e)
{
    return t->owners != NULL ? owner_map_find(t->owners, e, &e->uid, &e->gid) : ERR_OK;
}

/* ---- the old state ---- */

/* Security labels are the system's, not the file's; any other attribute makes a file ours to
 * make anew, and so does a capability. */
static bool has_plain_metadata(int fd)
{
    char names[4096];
    ssize_t len = flistxattr(fd, names, sizeof names);

    for (ssize_t i = 0; i < len; i += (ssize_t)strlen(names + i) + 1)
        if (strncmp(names + i, "security.", 9) != 0 ||
            strcmp(names + i, "security.capability") == 0)
            return false;
    return len >= 0;
}

/* Whoever has the file open may go on writing to it: so as root none that changes hands, or that
 * others are to run with rights of its own. */
static bool is_usable(int fd, const struct entry *e)
{
    struct stat st;

    return e->type == ENTRY_FILE && (e->flags & ENTRY_HARD_LINK) == 0 && e->xattr_count == 0 &&
           e->acl.len == 0 && (e->mode & (S_ISUID | S_ISGID)) == 0 && fstat(fd, &st) == 0 &&
           S_ISREG(st.st_mode) && st.st_nlink == 1 && (geteuid() != 0 || st.st_uid == e->uid) &&
           has_plain_metadata(fd);
}

enum err tree_open_old(const struct restore_tree *t, struct dir_cache *dirs, const struct entry *e,
                       int *fd, bool *is_there)
{
    struct entry shape = *e; /* borrows its parts */
    struct stat st;
    const char *name;
    int dir = -1;
    enum err rc;

    *fd = -1;
    *is_there = false;
    TRY(resolve_owner(t, &shape));
    if (dir_cache_at(dirs, entry_path(e), &dir, &name) != ERR_OK) {
        err_clear(); /* no such directory yet, or something else in its place */
        goto out;
    }
    *is_there = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (!*is_there || !S_ISREG(st.st_mode))
        goto out; /* a device or a pipe is not even opened */
    *fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (*fd >= 0 && !is_usable(*fd, &shape)) {
        close(*fd);
        *fd = -1;
    }
out:
    return rc;
}

/* ---- making ---- */

/* What a walk of the selection works on. */
struct tree_walk {
    struct restore_tree *tree;
    struct dir_cache *dirs; /* owned */
    struct entry scratch;   /* owned */
};

static enum err begin_walk(struct tree_walk *w, struct restore_tree *t)
{
    *w = (struct tree_walk){.tree = t};
    entry_init(&w->scratch);
    return dir_cache_new(t->root_fd, &w->dirs);
}

static void end_walk(struct tree_walk *w)
{
    dir_cache_free(w->dirs);
    entry_clear(&w->scratch);
}

/* What was taken for there is not: its blocks are needed after all. */
static void forget_old(const struct restore_tree *t, const struct entry *content)
{
    uint64_t blocks = t->lacks != NULL ? entry_blocks(content) : 0;

    for (uint64_t i = content->first_block; i < content->first_block + blocks; i++)
        t->lacks[i / 8] |= (uint8_t)(1 << i % 8);
}

/* A directory of the old state: its look is kept, then it is ours until it is finished. */
static enum err take_directory(const struct restore_tree *t, const struct entry *e, int dir,
                               const char *name)
{
    struct stat above;
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    enum err rc = ERR_OK;

    if (fd < 0 || fstat(dir, &above) != 0)
        FAIL_SYS(ERR_FAILED, "opening the directory %s", entry_path(e));
    if (file_is_mount_point(fd, "", above.st_dev)) /* since it was checked */
        FAIL(ERR_FAILED, "%s has become a mount point", entry_path(e));
    TRY(keep_look(t->keep, entry_path(e), fd));
    if (guard_has_modes(t->keep->guard))
        TRY(guard_take_over(fd, entry_path(e)));
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

static bool is_same_link(const struct entry *e, int dir, const char *name)
{
    char to[PATH_MAX];
    ssize_t len = e->type == ENTRY_SYMLINK ? readlinkat(dir, name, to, sizeof to) : -1;

    return len >= 0 && (size_t)len == e->link.len && memcmp(to, e->link.data, (size_t)len) == 0;
}

/* With delta: *is_done when what has the name can stay. */
static enum err use_old(struct tree_walk *w, const struct entry *e, int dir, const char *name,
                        bool *is_done)
{
    struct restore_tree *t = w->tree;
    struct stat st;
    bool is_there = false;
    int fd = -1;
    enum err rc = ERR_OK;

    *is_done = false;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        *is_done = e->type == ENTRY_DIR && S_ISDIR(st.st_mode);
        if (*is_done) {
            TRY(take_directory(t, e, dir, name));
            goto out;
        }
        TRY(tree_open_old(t, w->dirs, e, &fd, &is_there));
        *is_done = fd >= 0 || is_same_link(e, dir, name);
        if (*is_done)
            goto out;
        TRY(keep_away(t->keep, entry_path(e), dir, name));
    }
    TRY(keep_made(t->keep, entry_path(e)));
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

/* A further name of a file that is restored too, or the only one: a file of its own. */
static enum err make_hard_link(struct tree_walk *w, const struct entry *e, int dir,
                               const char *name)
{
    struct restore_tree *t = w->tree;
    struct entry shape = *e; /* borrows its parts */
    bool is_chosen = false;
    const char *first;
    int first_dir = -1;
    enum err rc;

    TRY(selection_first_name(t->selection, e, &w->scratch, &is_chosen));
    if (is_chosen) {
        TRY(dir_cache_at(w->dirs, (const char *)e->link.data, &first_dir, &first));
        TRY(restore_entry_link(e, first_dir, first, dir, name));
        goto out;
    }
    shape.size = w->scratch.size;
    forget_old(t, &w->scratch);
    TRY(restore_entry_make(&shape, dir, name));
out:
    return rc;
}

static enum err make_entry(void *arg, const struct entry *e)
{
    struct tree_walk *w = arg;
    const char *name;
    bool is_done = false;
    int dir = -1;
    enum err rc = ERR_OK;

    if (entry_is_root(e))
        goto out;
    TRY(dir_cache_at(w->dirs, entry_path(e), &dir, &name));
    if (w->tree->delta)
        TRY(use_old(w, e, dir, name, &is_done));
    if (is_done)
        goto out;
    if ((e->flags & ENTRY_HARD_LINK) != 0)
        TRY(make_hard_link(w, e, dir, name));
    else
        TRY(restore_entry_make(e, dir, name));
    if (e->type == ENTRY_FILE && (e->flags & ENTRY_HARD_LINK) == 0)
        forget_old(w->tree, e);
out:
    return rc;
}

bool tree_sets_apart(const struct restore_tree *t, const struct walk_item *item)
{
    if (item->vanished || item->path.len != strlen(item->name))
        return false;
    if (t->delta && strcmp(item->name, TREE_MONGOD_LOCK) == 0 &&
        tree_is_guarded(item->dir, TREE_GUARD_TO))
        return true;
    return t->at_mount && (strncmp(item->name, ".sealpoint-", 11) == 0 ||
                           (strcmp(item->name, "lost+found") == 0 && S_ISDIR(item->st.st_mode) &&
                            item->st.st_uid == 0));
}

enum err tree_compare(const struct restore_tree *t, uint64_t *known, uint64_t *extra)
{
    struct walk *walk = NULL;
    struct walk_item item;
    bool more = true;
    uint64_t i;
    enum err rc;

    TRY(walk_open_at(t->root_fd, t->root, &walk));
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

/* The next name that the snapshot does not have; *more is false behind the last. */
static enum err next_extra(const struct restore_tree *t, struct walk *walk, struct walk_item *item,
                           bool *more)
{
    uint64_t i;
    enum err rc;

    for (;;) {
        TRY(walk_next(walk, item, more));
        if (!*more)
            break;
        if (entry_path_is_root(item->path))
            continue; /* a stream's snapshot has none, and the target is to stay */
        rc = index_find(index_of(t), item->path, &i);
        if (rc == ERR_OK)
            continue;
        if (rc != ERR_NOT_FOUND)
            goto out;
        rc = ERR_OK;
        walk_skip(walk);
        if (!tree_sets_apart(t, item) && !item->vanished)
            break;
    }
out:
    return rc;
}

static void say_extra(const struct walk_item *item)
{
    char shown[SHOWN_MAX];

    text_printable((const char *)item->path.data, shown, sizeof shown);
    log_say(LOG_WARN, "not in the snapshot, to be removed: %s", shown);
}

enum err tree_list_extra(const struct restore_tree *t, size_t said_max, uint64_t *count)
{
    struct walk *walk = NULL;
    struct walk_item item;
    bool more = true;
    enum err rc;

    *count = 0;
    TRY(walk_open_at(t->root_fd, t->root, &walk));
    for (;;) {
        TRY(next_extra(t, walk, &item, &more));
        if (!more)
            break;
        if (++*count <= said_max)
            say_extra(&item);
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
    bool more = true;
    enum err rc;

    TRY(walk_open_at(t->root_fd, t->root, &walk));
    for (;;) {
        TRY(next_extra(t, walk, &item, &more));
        if (!more)
            break;
        TRY(keep_away(t->keep, (const char *)item.path.data, item.dir, item.name));
    }
out:
    walk_free(walk);
    return rc;
}

/* First the directories are taken over, so that what is removed is removed from where it was
 * listed. */
enum err tree_make(struct restore_tree *t)
{
    struct tree_walk w;
    enum err rc;

    TRY(begin_walk(&w, t));
    TRY(selection_walk_links_last(t->selection, make_entry, &w));
    if (t->delta && t->selection->only == NULL)
        TRY(remove_extra(t));
out:
    end_walk(&w);
    return rc;
}

/* ---- owners ---- */

struct owner_search {
    const struct restore_tree *tree;
    struct tree_owner found;
    bool has_one;
};

static enum err compare_owner(void *arg, const struct entry *e)
{
    struct owner_search *search = arg;
    struct entry shape = *e; /* borrows its parts */
    enum err rc;

    TRY(resolve_owner(search->tree, &shape));
    if (!search->has_one)
        search->found = (struct tree_owner){.is_one = true, .uid = shape.uid, .gid = shape.gid};
    search->has_one = true;
    if (shape.uid != search->found.uid || shape.gid != search->found.gid)
        search->found.is_one = false;
out:
    return rc;
}

enum err tree_find_owner(const struct restore_tree *t, struct tree_owner *out)
{
    struct owner_search search = {.tree = t};
    enum err rc = selection_walk(t->selection, compare_owner, &search);

    *out = search.found;
    return rc;
}

/* ---- metadata ---- */

static struct restore_manner manner_of(struct restore_tree *t)
{
    return (struct restore_manner){.root = t->root,
                                   .owners = t->owners,
                                   .set_owner = geteuid() == 0 && !t->is_one_owners,
                                   .attention = &t->attention};
}

static enum err finish_entry(struct tree_walk *w, const struct entry *e)
{
    const struct restore_manner manner = manner_of(w->tree);
    const struct entry *content = NULL;
    struct entry shape = *e; /* borrows its parts */
    const char *name;
    int dir = -1;
    enum err rc = ERR_OK;

    if (entry_is_root(e))
        goto out;
    /* A hard link shares what its first name gets, unless that is not asked for. */
    TRY(selection_content(w->tree->selection, e, &w->scratch, &content));
    if (content == NULL && e->type == ENTRY_FILE)
        goto out;
    TRY(dir_cache_at(w->dirs, entry_path(e), &dir, &name));
    TRY(resolve_owner(w->tree, &shape));
    TRY(restore_entry_finish(&manner, &shape, dir, name));
out:
    return rc;
}

/* From the last entry to the first: what is in a directory comes before it. */
enum err tree_finish(struct restore_tree *t)
{
    uint64_t i = index_header(index_of(t))->file_count;
    struct tree_walk w;
    struct entry e;
    bool more = true;
    enum err rc;

    entry_init(&e);
    TRY(begin_walk(&w, t));
    for (;;) {
        TRY(selection_previous(t->selection, &i, &e, &more));
        if (!more)
            break;
        TRY(finish_entry(&w, &e));
    }
out:
    end_walk(&w);
    entry_clear(&e);
    return rc;
}

enum err tree_finish_root(struct restore_tree *t, int fd)
{
    const struct restore_manner manner = {
        .root = t->root,
        .set_owner = geteuid() == 0,
        .attention = &t->attention,
        .owners = t->owners,
    };
    struct entry e;
    uint64_t i;
    enum err rc;

    entry_init(&e);
    rc = index_find(index_of(t), bytes_of_text("."), &i);
    if (rc == ERR_NOT_FOUND) { /* a stream's snapshot has none */
        err_clear();
        rc = ERR_OK;
        goto out;
    }
    TRY(rc);
    TRY(index_entry(index_of(t), i, &e));
    TRY(resolve_owner(t, &e));
    TRY(restore_entry_finish_open(&manner, &e, fd));
out:
    entry_clear(&e);
    return rc;
}
