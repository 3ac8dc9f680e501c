#include "snapshot/restore/restore_delta.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/fs/walk.h"
#include "snapshot/format/index.h"
#include "snapshot/restore/restore_guard.h"
#include "snapshot/restore/restore_mount.h"
#include "snapshot/source/dbpath.h"

/*
 * The plan: what a kill after each step leaves, and what undoes it.
 *
 *   1. begin   the mark, durable, with the root's owner and mode in it
 *   2.         the root is ours, 0700; mongod.lock is a link to "."
 *   3. fill    directories are taken over; what is of another kind or extra is moved to
 *              .sealpoint-replaced; what is missing is made
 *   4.         content is overwritten, in place
 *   5.         all gets its metadata and is synced
 *   6. commit  the link goes, the root gets its owner and mode, the mark goes: the commit point
 *   7.         .sealpoint-replaced is removed
 *
 * A failure up to 3 is undone from what restore_keep noted. From 4 on there is nothing to go back
 * to: the mark stays, the root stays closed to all but us, and running the same command again
 * completes it, as after every kill. What was replaced then still lies where it was kept.
 */

#define SHOWN_MAX 512

#define MARK_TEXT                                                                                  \
    "A restore with --delta was begun here and has not finished: run it again before using the "   \
    "directory.\nOwner, group and mode of the directory were:\n"

/* --delta removes what the snapshot does not have: in a directory that is something else, all. */
static enum err check_is_older_state(struct restore_target *t)
{
    uint64_t known = 0;
    uint64_t extra = 0;
    enum err rc;

    TRY(tree_compare(t->tree, &known, &extra));
    if (extra > known)
        FAIL(ERR_USAGE,
             "target %s is not an older state of this snapshot: %" PRIu64 " of the %" PRIu64
             " names in it are not in the snapshot, and --delta would remove them. Give an empty "
             "directory, without --delta",
             t->path, extra, known + extra);
out:
    return rc;
}

/* By what it is: one that is called by a path through a bind mount does not look as if it lay here.
 */
static enum err refuse_apart(const struct restore_target *t, const struct walk_item *item,
                             const char *shown)
{
    struct stat st;

    for (const struct target_apart *a = t->apart; a != NULL && a->path != NULL; a++)
        if (S_ISDIR(item->st.st_mode) && stat(a->path, &st) == 0 && st.st_dev == item->st.st_dev &&
            st.st_ino == item->st.st_ino)
            return err_set(ERR_USAGE,
                           "%s (%s) lies in the target %s, as %s: give another directory", a->what,
                           a->path, t->path, shown);
    return ERR_OK;
}

/* A database may have parts of it on volumes of their own, and anything may be mounted on a
 * directory that the snapshot does not have, so all of the target is looked through: removing must
 * not empty what is no part of it, and what is there cannot be moved away to be undone. */
static enum err refuse_mounts(const struct restore_target *t)
{
    struct walk *walk = NULL;
    struct walk_item item;
    struct stat root;
    bool more = true;
    char shown[SHOWN_MAX];
    enum err rc;

    if (fstat(t->fd, &root) != 0)
        FAIL_SYS(ERR_USAGE, "target %s", t->path);
    TRY(walk_open_at(t->fd, t->path, &walk));
    TRY(walk_next(walk, &item, &more)); /* itself, which may be one */
    for (;;) {
        TRY(walk_next(walk, &item, &more));
        if (!more)
            break;
        if (item.vanished)
            continue;
        text_printable((const char *)item.path.data, shown, sizeof shown);
        if (file_is_mount_point(item.dir, item.name, root.st_dev))
            FAIL(ERR_USAGE,
                 "target %s: %s is a mount point, and --delta changes nothing across one: unmount "
                 "it, or restore to another directory, without --delta",
                 t->path, shown);
        TRY(refuse_apart(t, &item, shown));
        if (tree_sets_apart(t->tree, &item))
            walk_skip(walk);
    }
out:
    walk_free(walk);
    return rc;
}

static enum err check_delta(struct restore_target *t)
{
    struct stat st;
    int root;
    enum err rc = ERR_OK;

    if (t->is_mount && fstatat(t->side, t->partial, &st, AT_SYMLINK_NOFOLLOW) == 0)
        FAIL(ERR_USAGE,
             "target %s holds an unfinished restore (%s): run it again without --delta, which "
             "removes what is left of it",
             t->path, TARGET_PARTIAL);
    if (t->is_mount)
        TRY(mount_check_names(t));
    root = openat(t->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        FAIL_SYS(ERR_USAGE, "target %s", t->path);
    tree_set_root(t->tree, root, t->path);
    TRY(refuse_mounts(t));
    if (!tree_is_guarded(t->fd, TREE_GUARD_TO))
        TRY(dbpath_require_stopped(t->fd, t->path));
    TRY(check_is_older_state(t));
out:
    return rc;
}

/* What a killed restore kept stays, and more comes to it. */
static enum err open_replaced(struct restore_target *t)
{
    enum err rc = guard_open(t->side, t->replaced, &t->guard);

    /* One that was killed as it was made is empty. */
    if (rc == ERR_NOT_FOUND || (rc != ERR_OK && unlinkat(t->side, t->replaced, AT_REMOVEDIR) == 0))
        rc = guard_make(t->side, t->replaced, &t->guard);
    if (rc == ERR_OK)
        keep_init(&t->keep, t->guard);
    return rc;
}

static enum err write_mark(struct restore_target *t)
{
    struct stat st;
    enum err rc;

    TRY(file_sweep_at(t->side, t->mark));
    t->was_incomplete = fstatat(t->side, t->mark, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (t->was_incomplete) /* it was the last restore that took it over */
        guard_read_look(t->side, t->mark, &t->before);
    TRY(guard_keep_look(t->side, t->mark, MARK_TEXT, &t->before));
out:
    return rc;
}

/* A snapshot that has the name itself is of no database. */
static enum err set_guard(struct restore_target *t)
{
    struct stat st;
    uint64_t i;
    enum err rc;

    rc = index_find(t->tree->selection->from->index, bytes_of_text(TREE_MONGOD_LOCK), &i);
    if (rc != ERR_NOT_FOUND)
        goto out; /* it is in there, or the index is damaged */
    err_clear();
    rc = ERR_OK;
    if (tree_is_guarded(t->fd, TREE_GUARD_TO))
        goto out;
    /* Nobody can start one here any more, but one may have come just before. */
    TRY(dbpath_require_stopped(t->fd, t->path));
    if (fstatat(t->fd, TREE_MONGOD_LOCK, &st, AT_SYMLINK_NOFOLLOW) == 0)
        TRY(keep_away(&t->keep, TREE_MONGOD_LOCK, t->fd, TREE_MONGOD_LOCK));
    TRY(keep_made(&t->keep, TREE_MONGOD_LOCK));
    if (symlinkat(TREE_GUARD_TO, t->fd, TREE_MONGOD_LOCK) != 0 && errno != EPERM && errno != ENOSYS)
        FAIL_SYS(ERR_FAILED, "making %s in %s", TREE_MONGOD_LOCK, t->path);
out:
    return rc;
}

static enum err lift_guard(struct restore_target *t)
{
    if (tree_is_guarded(t->fd, TREE_GUARD_TO) && unlinkat(t->fd, TREE_MONGOD_LOCK, 0) != 0)
        return err_sys(ERR_FAILED, "removing %s from %s", TREE_MONGOD_LOCK, t->path);
    return ERR_OK;
}

static enum err begin_delta(struct restore_target *t)
{
    enum err rc = ERR_OK;

    if (!tree_is_guarded(t->fd, TREE_GUARD_TO))
        TRY(dbpath_require_stopped(t->fd, t->path));
    if (t->is_mount)
        TRY(guard_remove(t->fd, MOUNT_FINISHED));
    TRY(write_mark(t));
    t->look = t->before;
    t->has_look = true;
    TRY(open_replaced(t));
    if (guard_has_modes(t->guard))
        TRY(guard_take_over(t->fd, t->path));
    t->tree->keep = &t->keep;
    TRY(set_guard(t));
out:
    return rc;
}

static enum err commit_delta(struct restore_target *t)
{
    enum err rc;

    TRY(target_require_in_place(t));
    TRY(lift_guard(t));
    target_give_look(t); /* of a stream's snapshot, which has none of its own */
    TRY(tree_finish_root(t->tree, t->fd));
    TRY(target_keep_look(t));
    if (fsync(t->fd) != 0)
        FAIL_SYS(ERR_STORAGE, "syncing %s", t->path);
    if (unlinkat(t->side, t->mark, 0) != 0)
        FAIL_SYS(ERR_FAILED, "removing %s", t->mark);
    t->is_real = true;
    if (fsync(t->side) != 0)
        FAIL_SYS(ERR_STORAGE, "syncing the directory of %s", t->mark);
    TRY(guard_remove(t->side, t->replaced));
out:
    return rc;
}

static enum err undo_delta(struct restore_target *t)
{
    bool is_overwritten = t->is_overwriting != NULL && *t->is_overwriting;

    if (!is_overwritten && (t->guard < 0 || keep_undo(&t->keep, t->fd) == ERR_OK) &&
        !t->was_incomplete) {
        target_give_look(t);
        if (unlinkat(t->side, t->mark, 0) == 0 || errno == ENOENT)
            return t->guard >= 0 ? guard_remove(t->side, t->replaced) : ERR_OK;
    }
    t->has_look = false; /* it stays closed to all but us */
    log_say(LOG_WARN, "%s is not complete: run the same command again before using it", t->path);
    return ERR_OK;
}

const struct target_kind target_kind_delta = {check_delta, begin_delta, commit_delta, undo_delta};
