#include "snapshot/restore/restore_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/fs/walk.h"
#include "snapshot/restore/restore_guard.h"

/*
 * The plan.
 *
 * Nothing can be renamed over a mount point, so what was restored beside must be moved up, name by
 * name, and a kill may come between two moves. The next restore must then tell our names from
 * what others put there meanwhile, for the first go and the second must stay. The steps, and what a
 * kill after each of them leaves:
 *
 *   1. begin   the guard, then .sealpoint-partial/content     no list: nothing was moved up yet
 *   2. commit  the list, durable                              all names still in `content`
 *   3.         each name but the guard's is moved up          listed and gone from `content`: ours
 *   4.         the guard goes, a mongod.lock of the snapshot's comes up
 *   5.         .sealpoint-partial becomes .sealpoint-finished: the commit point
 *   6.         .sealpoint-finished is removed                 whole; the leftover may be removed
 *
 * Up to 5 a kill or failure is undone by the sweep. It removes the names that are listed and no
 * longer in `content`, if what has them is what was moved up, then the list, then our directories.
 * A kill during the sweep is harmless: as long as the list is there `content` is, too, so the same
 * names are found again; without the list there are no names left to find. A name that is both
 * listed and in `content` has not been moved, so what has that name in the target is somebody
 * else's, and refuses the restore (check_empty()).
 *
 * The guard is there from 1 to 4, so that no mongod starts on half a database. After a kill it
 * stays until a restore finishes or is undone.
 *
 * From 1 to 5 the mount point's root is ours, 0700, so that nobody else can change a name in it or
 * in what is filled; the owner and mode that it had are in .sealpoint-partial/root, for the restore
 * after a kill.
 */

/* In TARGET_PARTIAL. */
#define CONTENT "content"
#define LIST "names"
#define LOOK "root"

#define LOST_AND_FOUND "lost+found"

/*
 * A link to a directory. Hours may pass until a mount point is filled, and to a mongod that
 * something starts meanwhile, or after a kill, it would look like a new, empty database, or like
 * one with collections missing. But mongod opens its lock file before anything else, and refuses
 * when that is a directory. That it is a link to ours tells it from anybody else's.
 */
#define GUARD TREE_MONGOD_LOCK

static bool name_exists(int directory, const char *name)
{
    struct stat st;

    return fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_guarded(const struct restore_target *t)
{
    return tree_is_guarded(t->fd, TARGET_PARTIAL);
}

static enum err set_guard(const struct restore_target *t)
{
    if (is_guarded(t) || symlinkat(TARGET_PARTIAL, t->fd, GUARD) == 0)
        return ERR_OK;
    if (errno == EPERM || errno == ENOSYS) /* no links here (FAT): then no mongod either */
        return ERR_OK;
    return err_sys(ERR_FAILED, "making %s in %s", GUARD, t->path);
}

static enum err remove_guard(const struct restore_target *t)
{
    if (is_guarded(t) && unlinkat(t->fd, GUARD, 0) != 0)
        return err_sys(ERR_FAILED, "removing %s from %s", GUARD, t->path);
    return ERR_OK;
}

/* What a killed restore left, or -1. What is not ours, or could be entered by others, was not left
 * by us: its list is not believed. */
static int open_partial(const struct restore_target *t)
{
    int fd = -1;

    if (guard_open(t->fd, TARGET_PARTIAL, &fd) != ERR_OK)
        err_clear();
    return fd;
}

static int open_content(const struct restore_target *t)
{
    int partial = open_partial(t);
    int content = -1;

    if (partial >= 0) {
        content = openat(partial, CONTENT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(partial);
    }
    return content;
}

/* ---- the list of names ---- */

/* Behind each name and its NUL: the inode number of what is moved up by it, so that what somebody
 * puts under the name later is never taken for ours. 0 where there are no modes, for such a file
 * system (FAT) numbers its files anew at each mount. */
#define INODE_LEN sizeof(uint64_t)

/* The first name of the list (after NULL), or the one after `name`; NULL: there is none. */
static const char *next_name(const struct restore_target *t, const char *name)
{
    const char *next;

    if (t->names.len == 0)
        return NULL;
    next = name == NULL ? (const char *)t->names.data : name + strlen(name) + 1 + INODE_LEN;
    return next < (const char *)t->names.data + t->names.len ? next : NULL;
}

static enum err check_list(const struct restore_target *t)
{
    for (size_t at = 0; at < t->names.len;) {
        size_t left = t->names.len - at;
        const uint8_t *end = memchr(t->names.data + at, '\0', left);

        at = end != NULL ? (size_t)(end - t->names.data) + 1 + INODE_LEN : SIZE_MAX;
        if (at > t->names.len)
            return err_set(ERR_FAILED, "%s/%s/%s is damaged: it does not end with a name", t->path,
                           TARGET_PARTIAL, LIST);
    }
    for (const char *name = NULL; (name = next_name(t, name)) != NULL;)
        if (*name == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
            strcmp(name, "..") == 0)
            return err_set(ERR_FAILED, "%s/%s/%s is damaged: \"%.100s\" is not a name", t->path,
                           TARGET_PARTIAL, LIST, name);
    return ERR_OK;
}

/* Of a killed restore, and what the root looked like before it; without one there are no names. */
static enum err read_list(struct restore_target *t)
{
    int partial = open_partial(t);
    enum err rc = ERR_OK;

    t->names.len = 0;
    if (partial < 0)
        goto out;
    guard_read_look(partial, LOOK, &t->before);
    rc = file_read_at_name(partial, LIST, &t->names);
    if (rc == ERR_NOT_FOUND) {
        err_clear();
        rc = ERR_OK;
    }
    TRY(rc);
    TRY(check_list(t));
out:
    if (partial >= 0)
        close(partial);
    return rc;
}

/* When no name is left of it. */
static enum err remove_list(const struct restore_target *t)
{
    int partial = open_partial(t);
    enum err rc = ERR_OK;

    if (partial >= 0 && unlinkat(partial, LIST, 0) != 0 && errno != ENOENT)
        FAIL_SYS(ERR_FAILED, "removing %s/%s/%s", t->path, TARGET_PARTIAL, LIST);
out:
    if (partial >= 0)
        close(partial);
    return rc;
}

static enum err write_list(struct restore_target *t)
{
    return file_replace_at(t->guard, LIST, buf_bytes(&t->names), 0600);
}

static enum err add_name(struct restore_target *t, const struct walk_item *item)
{
    uint64_t inode = guard_has_modes(t->guard) ? item->st.st_ino : 0;
    enum err rc;

    TRY(buf_add(&t->names, bytes_of(item->name, strlen(item->name) + 1)));
    TRY(buf_add(&t->names, bytes_of(&inode, sizeof inode)));
out:
    return rc;
}

/* A name of the list that is no longer in the content, and what came from there still has it. (No
 * content: then nothing is known.) */
static bool has_moved(const struct restore_target *t, int content, const char *name)
{
    struct stat st;
    uint64_t inode;

    memcpy(&inode, name + strlen(name) + 1, sizeof inode);
    return content >= 0 && !name_exists(content, name) && errno == ENOENT &&
           fstatat(t->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           (inode == 0 || inode == st.st_ino);
}

/* ---- whether the mount point is empty ---- */

/* Both the list and the walk are sorted: *at goes on through the list, from its first name. */
static bool is_listed(const struct restore_target *t, const char *name, const char **cursor)
{
    while (*cursor != NULL && strcmp(*cursor, name) < 0)
        *cursor = next_name(t, *cursor);
    return *cursor != NULL && strcmp(*cursor, name) == 0;
}

static enum err refuse_name(const struct restore_target *t, const char *name)
{
    if (t->guard >= 0)
        return err_set(ERR_FAILED, "%.100s came into %s while that was filled", name, t->path);
    err_set(ERR_USAGE,
            "target %s is not empty (it holds %.100s): give a directory that does not exist or is "
            "empty",
            t->path, name);
    if (name_exists(t->fd, TARGET_PARTIAL))
        err_hint("an unfinished restore is there (%s): remove what else is there, and run this "
                 "again, which removes what is left of it",
                 TARGET_PARTIAL);
    else if (name_exists(t->fd, MOUNT_FINISHED))
        err_hint("a restore finished there and was killed as it tidied up: it can be used, and %s "
                 "may be removed",
                 MOUNT_FINISHED);
    return ERR_USAGE;
}

static enum err check_empty(const struct restore_target *t)
{
    const char *cursor = next_name(t, NULL);
    struct walk *walk = NULL;
    struct walk_item item;
    bool more = true;
    int content = open_content(t);
    enum err rc;

    TRY(walk_open_at(t->fd, t->path, &walk));
    TRY(walk_next(walk, &item, &more)); /* itself */
    for (;;) {
        TRY(walk_next(walk, &item, &more));
        if (!more)
            break;
        walk_skip(walk);
        if (item.vanished || tree_sets_apart(t->tree, &item) ||
            (strcmp(item.name, GUARD) == 0 && is_guarded(t)) ||
            (is_listed(t, item.name, &cursor) && has_moved(t, content, cursor)))
            continue;
        TRY(refuse_name(t, item.name));
    }
out:
    if (content >= 0)
        close(content);
    walk_free(walk);
    return rc;
}

enum err mount_check_names(const struct restore_target *t)
{
    static const char *const ours[] = {TARGET_PARTIAL, MOUNT_FINISHED, TARGET_REPLACED, TARGET_LOCK,
                                       TARGET_MARK};
    uint64_t i;
    enum err rc = ERR_OK;

    for (size_t n = 0; n < sizeof ours / sizeof ours[0]; n++) {
        rc = index_find(t->tree->selection->from->index, bytes_of_text(ours[n]), &i);
        if (rc == ERR_OK)
            FAIL(ERR_USAGE,
                 "target %s is a mount point, and the snapshot has a name of its own, %s, where "
                 "ours must lie: give a directory below it",
                 t->path, ours[n]);
        if (rc != ERR_NOT_FOUND)
            TRY(rc);
        rc = ERR_OK;
    }
out:
    return rc;
}

static enum err check_mount(struct restore_target *t)
{
    enum err rc;

    TRY(mount_check_names(t));
    TRY(read_list(t));
    TRY(check_empty(t));
    if (name_exists(t->fd, TARGET_PARTIAL))
        log_say(LOG_WARN, "%s: an unfinished restore is there; what is left of it %s", t->path,
                t->dry_run ? "would be removed first" : "is removed first");
out:
    return rc;
}

/* ---- what is left goes ---- */

/* Safe to be killed in: the list goes when no name is left of it, the content goes after it. */
static enum err sweep_mount(const struct restore_target *t)
{
    static const char *const ours[] = {TARGET_PARTIAL, MOUNT_FINISHED, TARGET_REPLACED,
                                       TARGET_MARK};
    int content = open_content(t);
    enum err rc = ERR_OK;

    /* At the commit the root was given to whom it belongs, who may rename in it. */
    if (t->names.len > 0 && content >= 0 && guard_has_modes(content))
        TRY(guard_take_over(t->fd, t->path));
    for (const char *name = NULL; (name = next_name(t, name)) != NULL;)
        if (has_moved(t, content, name))
            TRY(file_remove_tree_at(t->fd, name));
    /* A disk that cannot sync must still let itself be tidied up. */
    if (t->names.len > 0 && fsync(t->fd) != 0)
        errno = 0;
    TRY(remove_list(t));
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        TRY(guard_remove(t->fd, ours[i]));
out:
    if (content >= 0)
        close(content);
    return rc;
}

static enum err undo_mount(struct restore_target *t)
{
    enum err rc;

    t->look = t->before;
    TRY(sweep_mount(t));
    TRY(remove_guard(t));
out:
    return rc;
}

/* What the root looked like is durable before it is taken over. */
static enum err make_guard(struct restore_target *t)
{
    int root = -1;
    enum err rc;

    TRY(guard_make(t->fd, TARGET_PARTIAL, &t->guard));
    TRY(guard_keep_look(t->guard, LOOK, "", &t->before));
    if (guard_has_modes(t->guard))
        TRY(guard_take_over(t->fd, t->path));
    TRY(guard_make_inside(t->guard, CONTENT, &root));
    tree_set_root(t->tree, root, t->path);
out:
    return rc;
}

/* The lock was not held when it was checked: all is looked at again. */
static enum err begin_mount(struct restore_target *t)
{
    enum err rc;

    TRY(read_list(t));
    t->look = t->before;
    TRY(check_empty(t));
    TRY(sweep_mount(t));
    t->names.len = 0;
    TRY(set_guard(t));
    TRY(make_guard(t));
out:
    return rc;
}

/* ---- the moves ---- */

/* The file system's own lost+found stays where it is, so the snapshot's cannot come there. */
static enum err leave_lost_and_found(struct restore_target *t, int content)
{
    struct walk *walk = NULL;
    struct walk_item item;
    bool more = true;
    int fd = openat(content, LOST_AND_FOUND, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    enum err rc = ERR_OK;

    if (fd >= 0) {
        TRY(walk_open_at(fd, LOST_AND_FOUND, &walk));
        TRY(walk_next(walk, &item, &more));
        TRY(walk_next(walk, &item, &more));
    }
    if (more) {
        log_say(LOG_WARN,
                "%s has a %s of its own: what the snapshot has below that name is not restored "
                "(restore it to another directory with --only %s)",
                t->path, LOST_AND_FOUND, LOST_AND_FOUND);
        t->attention++;
    }
out:
    if (fd >= 0)
        close(fd);
    walk_free(walk);
    return rc;
}

static enum err list_content(struct restore_target *t)
{
    struct walk *walk = NULL;
    struct walk_item item;
    bool more = true;
    enum err rc;

    TRY(walk_open_at(t->tree->root_fd, t->path, &walk));
    TRY(walk_next(walk, &item, &more)); /* itself */
    for (;;) {
        TRY(walk_next(walk, &item, &more));
        if (!more)
            break;
        walk_skip(walk);
        if (strcmp(item.name, LOST_AND_FOUND) == 0 && name_exists(t->fd, item.name))
            TRY(leave_lost_and_found(t, t->tree->root_fd));
        else
            TRY(add_name(t, &item));
    }
out:
    walk_free(walk);
    return rc;
}

/* Never over what is there: 0, or -1 and errno. */
static int rename_up(const struct restore_target *t, const char *name)
{
    int from = t->tree->root_fd;

    if (renameat2(from, name, t->fd, name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL)
        return -1;
    /* NFS does not know the flag. */
    if (name_exists(t->fd, name)) {
        errno = EEXIST;
        return -1;
    }
    return renameat(from, name, t->fd, name);
}

/* Only who may write to a directory may give it another parent. */
static int rename_locked_up(const struct restore_target *t, const char *name)
{
    int from = t->tree->root_fd;
    struct stat st;
    int failed;
    int cause;

    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    if (!S_ISDIR(st.st_mode) || fchmodat(from, name, st.st_mode | S_IRWXU, 0) != 0) {
        errno = EACCES;
        return -1;
    }
    failed = rename_up(t, name);
    cause = errno;
    if (fchmodat(failed ? from : t->fd, name, st.st_mode & 07777, 0) != 0)
        return -1;
    errno = cause;
    return failed;
}

static enum err sync_root(const struct restore_target *t)
{
    return fsync(t->fd) == 0 ? ERR_OK : err_sys(ERR_STORAGE, "syncing %s", t->path);
}

static enum err move_up(const struct restore_target *t, const char *name)
{
    if (rename_up(t, name) == 0 || (errno == EACCES && rename_locked_up(t, name) == 0))
        return ERR_OK;
    return err_sys(ERR_FAILED, "moving %s up to %s", name, t->path);
}

/* All names but the guard's, which a snapshot of something else than a database may have. */
static enum err move_all(struct restore_target *t)
{
    enum err rc = ERR_OK;

    for (const char *name = NULL; (name = next_name(t, name)) != NULL;)
        if (strcmp(name, GUARD) != 0)
            TRY(move_up(t, name));
    TRY(sync_root(t));
out:
    return rc;
}

/* From now on a mongod may start: all is there and durable. */
static enum err lift_guard(struct restore_target *t)
{
    enum err rc;

    TRY(remove_guard(t));
    if (name_exists(t->tree->root_fd, GUARD))
        TRY(move_up(t, GUARD));
    TRY(sync_root(t));
out:
    return rc;
}

static enum err commit_mount(struct restore_target *t)
{
    enum err rc;

    /* The list. */
    TRY(target_require_in_place(t));
    TRY(check_empty(t));
    TRY(list_content(t));
    TRY(write_list(t));

    /* The moves. */
    TRY(move_all(t));
    target_give_look(t); /* of a stream's snapshot, which has none of its own */
    TRY(tree_finish_root(t->tree, t->fd));
    TRY(target_keep_look(t));
    TRY(lift_guard(t));

    /* The commit point. */
    if (renameat(t->fd, TARGET_PARTIAL, t->fd, MOUNT_FINISHED) != 0)
        FAIL_SYS(ERR_FAILED, "renaming %s in %s", TARGET_PARTIAL, t->path);
    t->is_real = true;
    TRY(sync_root(t));

    /* Tidying up. */
    TRY(guard_remove(t->fd, MOUNT_FINISHED));
    TRY(sync_root(t));
out:
    return rc;
}

const struct target_kind target_kind_mount = {check_mount, begin_mount, commit_mount, undo_mount};
