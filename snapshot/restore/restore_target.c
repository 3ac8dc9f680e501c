#include "snapshot/restore/restore_target.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/fs/walk.h"
#include "snapshot/restore/restore_mount.h"
#include "snapshot/source/dbpath.h"

/*
 * The plan: the states of a target, what a kill leaves in each, and what undoes it.
 *
 *   checked     target_check(): nothing was touched; a kill leaves nothing
 *   begun       target_begin(): the lock is held. A kill leaves the lock's file, which binds nobody
 *               once its holder is dead, and
 *                 FRESH   <target>.sealpoint-partial, half filled; the target is as it was
 *                 DELTA   <target>.sealpoint-incomplete, and a target of old and new files mixed
 *                 MOUNT   .sealpoint-partial in the target, and the guard: see restore_mount.c
 *   committing  target_commit(), all content being synced
 *                 FRESH   one rename: a kill leaves the state before or the one after it
 *                 DELTA   the mark is removed: before that, a kill leaves a whole but marked target
 *                 MOUNT   names are moved up one by one
 *   real        is_real is set with the rename that makes it so (DELTA has none: it is real when
 *               the mark is gone). From here on nothing is undone, even if the last sync fails.
 *
 * A failure in between is undone at once by target_undo(), a kill by the next restore to the same
 * target: begin removes what it finds under our names, once it has the lock, for then nobody else
 * fills it. DELTA cannot be undone, since the old state is overwritten: the mark stays, and running
 * the same command again completes it.
 */

#define PARTIAL_SUFFIX ".sealpoint-partial"
#define LOCK_SUFFIX ".sealpoint-lock"
#define MARK_SUFFIX ".sealpoint-incomplete"

#define STAT_BLOCK_LEN 512 /* the unit of st_blocks */

/* Linux 5.8; older headers do not have it. */
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x00002000
#endif

void target_init(struct restore_target *t, struct restore_tree *tree, bool delta, bool dry_run)
{
    *t = (struct restore_target){
        .tree = tree, .delta = delta, .dry_run = dry_run, .fd = -1, .names = {.max = 64 * MIB}};
}

/* ---- FRESH ---- */

static enum err check_fresh(struct restore_target *t)
{
    struct walk *walk = NULL;
    struct walk_item item;
    bool more = true;
    enum err rc = ERR_OK;

    if (t->fd < 0)
        goto out;
    TRY(walk_open(t->path, &walk));
    TRY(walk_next(walk, &item, &more));
    TRY(walk_next(walk, &item, &more));
    if (more)
        FAIL(ERR_USAGE,
             "target %s is not empty (it holds %.100s): give a directory that does not "
             "exist or is empty",
             t->path, item.name);
out:
    walk_free(walk);
    return rc;
}

/* What a killed restore left is ours by its name; whoever holds the lock may remove it. */
static enum err begin_fresh(struct restore_target *t)
{
    enum err rc;

    TRY(file_remove_tree(t->partial));
    if (mkdir(t->partial, 0700) != 0)
        FAIL_SYS(ERR_FAILED, "making %s", t->partial);
    TRY(tree_open_root(t->tree, t->partial));
out:
    return rc;
}

/* An empty directory of the target's name is replaced. */
static enum err commit_fresh(struct restore_target *t)
{
    enum err rc = ERR_OK;

    if (rename(t->partial, t->path) != 0)
        FAIL_SYS(ERR_FAILED, "renaming the finished restore to %s", t->path);
    t->is_real = true;
    TRY(file_sync_dir(t->parent));
out:
    return rc;
}

static enum err undo_fresh(struct restore_target *t)
{
    return file_remove_tree(t->partial);
}

static const struct target_kind kind_fresh = {check_fresh, begin_fresh, commit_fresh, undo_fresh};

/* ---- DELTA ---- */

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
    if (extra > 0 && t->tree->selection->only == NULL)
        log_say(LOG_WARN, "%s: %" PRIu64 " names that are not in the snapshot %s removed", t->path,
                extra, t->dry_run ? "would be" : "will be");
out:
    return rc;
}

static enum err check_delta(struct restore_target *t)
{
    enum err rc = ERR_OK;

    if (t->is_mount && file_exists(t->partial))
        FAIL(ERR_USAGE,
             "target %s holds an unfinished restore (%s): run it again without --delta, which "
             "removes what is left of it",
             t->path, MOUNT_PARTIAL);
    if (t->is_mount)
        TRY(mount_check_names(t));
    TRY(dbpath_require_stopped(t->fd, t->path));
    TRY(check_is_older_state(t));
out:
    return rc;
}

static enum err begin_delta(struct restore_target *t)
{
    enum err rc = ERR_OK;

    if (t->is_mount)
        TRY(file_remove_tree_at(t->fd, MOUNT_FINISHED));
    TRY(file_sweep(t->mark));
    TRY(file_replace(t->mark,
                     bytes_of_text("A restore with --delta was begun here and has not "
                                   "finished: run it again before using the directory.\n"),
                     0600));
    TRY(tree_open_root(t->tree, t->path));
out:
    return rc;
}

static enum err commit_delta(struct restore_target *t)
{
    enum err rc = ERR_OK;

    if (t->is_mount)
        TRY(target_keep_look(t));
    if (unlink(t->mark) != 0)
        FAIL_SYS(ERR_FAILED, "removing %s", t->mark);
    TRY(file_sync_dir(t->side));
out:
    return rc;
}

static enum err undo_delta(struct restore_target *t)
{
    log_say(LOG_WARN, "%s is not complete: run the same command again before using it", t->path);
    return ERR_OK;
}

static const struct target_kind kind_delta = {check_delta, begin_delta, commit_delta, undo_delta};

/* ---- which one it is ---- */

/* Split into an existing directory, its links resolved, and a name in it. */
static enum err resolve_target(struct restore_target *t, const char *given)
{
    size_t len = strlen(given);
    const char *name;
    char *copy = NULL;
    char *real = NULL;
    enum err rc;

    while (len > 1 && given[len - 1] == '/')
        len--;
    TRY(mem_text_n(given, len, &copy));
    name = strrchr(copy, '/');
    name = name != NULL ? name + 1 : copy;
    if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        FAIL(ERR_USAGE, "target %s: name the directory itself", given);
    real = name == copy ? realpath(".", NULL) : NULL;
    if (name != copy) {
        copy[name - copy - 1] = '\0';
        real = realpath(name - 1 == copy ? "/" : copy, NULL);
    }
    if (real == NULL)
        FAIL_SYS(ERR_USAGE, "target %s: the directory it would lie in cannot be reached", given);
    TRY(mem_text(real, &t->parent));
    TRY(file_join(t->parent, name, &t->path));
out:
    mem_free(copy);
    mem_free(real);
    return rc;
}

/* The kernel says so, also of a bind mount from the same file system; one that is too old to say
 * it at least shows another device. (So does a subvolume, which must not be replaced either.) */
static bool is_mount_point(int fd, dev_t dev, dev_t above)
{
    struct statx now;

    return dev != above || (statx(fd, "", AT_EMPTY_PATH, 0, &now) == 0 &&
                            (now.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0);
}

/* It is opened before it is looked at: that is what makes an automounter mount it. */
static enum err examine_target(struct restore_target *t)
{
    struct stat above;
    struct stat st;
    enum err rc = ERR_OK;

    t->fd = open(t->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (t->fd < 0 && errno == ENOENT && !t->delta)
        goto out;
    if (t->fd < 0 && errno == ENOENT)
        FAIL_SYS(ERR_USAGE, "target %s: --delta needs an older state there", t->path);
    if (t->fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        FAIL(ERR_USAGE, "target %s exists and is not a directory", t->path);
    if (t->fd < 0)
        FAIL_SYS(ERR_USAGE, "target %s", t->path);
    if (stat(t->parent, &above) != 0 || fstat(t->fd, &st) != 0)
        FAIL_SYS(ERR_USAGE, "target %s", t->path);
    t->is_mount = is_mount_point(t->fd, st.st_dev, above.st_dev);
out:
    return rc;
}

static enum err choose_kind(struct restore_target *t)
{
    enum err rc;

    tree_place(t->tree, t->path, t->is_mount);
    t->side = t->is_mount ? t->path : t->parent;
    t->kind = t->delta ? &kind_delta : t->is_mount ? &target_kind_mount : &kind_fresh;
    if (t->is_mount) {
        TRY(file_join(t->path, MOUNT_PARTIAL, &t->partial));
        TRY(file_join(t->path, MOUNT_MARK, &t->mark));
        TRY(file_join(t->path, MOUNT_LOCK, &t->lock_path));
    } else {
        TRY(mem_format(&t->partial, "%s%s", t->path, PARTIAL_SUFFIX));
        TRY(mem_format(&t->mark, "%s%s", t->path, MARK_SUFFIX));
        TRY(mem_format(&t->lock_path, "%s%s", t->path, LOCK_SUFFIX));
    }
out:
    return rc;
}

static enum err check_writable(const struct restore_target *t)
{
    if (access(t->side, W_OK | X_OK) == 0)
        return ERR_OK;
    return err_sys(errno == EROFS ? ERR_STORAGE : ERR_USAGE, "target %s%s is not writable", t->path,
                   t->is_mount ? "" : ": the directory it lies in");
}

/* ---- free space ---- */

/* What a killed restore left, and the next one removes. */
static enum err measure_leftover(const struct restore_target *t, uint64_t *len)
{
    struct walk *walk = NULL;
    struct walk_item item;
    bool more = true;
    enum err rc = ERR_OK;

    *len = 0;
    if (!file_exists(t->partial))
        goto out;
    TRY(walk_open(t->is_mount ? t->path : t->partial, &walk));
    for (;;) {
        TRY(walk_next(walk, &item, &more));
        if (!more)
            break;
        if (item.vanished)
            continue;
        if (tree_sets_apart(t->tree, &item) && strcmp(item.name, MOUNT_PARTIAL) != 0)
            walk_skip(walk);
        else if (item.st.st_nlink > 0)
            *len += (uint64_t)item.st.st_blocks * STAT_BLOCK_LEN / item.st.st_nlink;
    }
out:
    walk_free(walk);
    return rc;
}

static enum err check_free_space(const struct restore_target *t, uint64_t needed)
{
    struct statvfs fs;
    char need[TEXT_HUMAN_MAX];
    char have[TEXT_HUMAN_MAX];
    uint64_t free_bytes;
    uint64_t leftover = 0;
    enum err rc = ERR_OK;

    if (t->delta)
        goto out; /* most of it is there already; how much, only reading tells */
    if (statvfs(t->side, &fs) != 0)
        FAIL_SYS(ERR_FAILED, "target %s", t->side);
    free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (free_bytes >= needed)
        goto out;
    TRY(measure_leftover(t, &leftover));
    free_bytes += leftover;
    if (free_bytes >= needed)
        goto out;
    text_human_size(needed, need);
    text_human_size(free_bytes, have);
    FAIL(ERR_STORAGE, "target %s: %s are needed, %s are free", t->path, need, have);
out:
    return rc;
}

/* ---- the steps ---- */

enum err target_check(struct restore_target *t, const char *given, uint64_t needed)
{
    enum err rc;

    TRY(resolve_target(t, given));
    TRY(examine_target(t));
    TRY(choose_kind(t));
    TRY(check_writable(t));
    TRY(t->kind->check(t));
    TRY(check_free_space(t, needed));
out:
    return rc;
}

enum err target_begin(struct restore_target *t)
{
    enum err rc = ERR_OK;

    /* Of a mount point the lock itself is a change. */
    if (t->is_mount && fstat(t->fd, &t->before) != 0)
        FAIL_SYS(ERR_FAILED, "looking at %s", t->path);
    TRY(lock_take(t->lock_path, false, &t->lock));
    TRY(t->kind->begin(t));
out:
    return rc;
}

enum err target_commit(struct restore_target *t)
{
    enum err rc;

    TRY(tree_check_root(t->tree));
    TRY(t->kind->commit(t));
out:
    if (rc != ERR_OK && t->is_real)
        err_note("%s is complete, but may not survive a power loss", t->path);
    return rc;
}

void target_undo(struct restore_target *t)
{
    struct err_record failure;

    if (t->lock == NULL || t->is_real)
        return;
    err_take(ERR_OK, &failure);
    if (t->kind->undo(t) != ERR_OK)
        log_say(LOG_WARN, "%s: %s; the next restore removes it", t->partial, err_text());
    err_give(&failure);
}

enum err target_keep_look(struct restore_target *t)
{
    enum err rc = ERR_OK;

    if (fstat(t->fd, &t->look) != 0)
        FAIL_SYS(ERR_FAILED, "looking at %s", t->path);
    t->has_look = true;
    /* A root that was restored read-only must still let go of our names. What this cannot do,
     * their removal will say. */
    if ((t->look.st_mode & S_IRWXU) != S_IRWXU && fchmod(t->fd, t->look.st_mode | S_IRWXU) != 0)
        errno = 0;
out:
    return rc;
}

/* Our names have come and gone, and with them the time of the directory they were in. */
static void settle_times(const struct restore_target *t)
{
    const struct stat *look = &t->look;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, look->st_mtim};
    struct stat now;

    if (!t->has_look || fstat(t->fd, &now) != 0)
        return;
    if ((now.st_uid != look->st_uid || now.st_gid != look->st_gid) &&
        fchown(t->fd, look->st_uid, look->st_gid) != 0)
        log_say(LOG_WARN, "%s: its owner could not be set", t->path);
    if (now.st_mode != look->st_mode && fchmod(t->fd, look->st_mode & 07777) != 0)
        log_say(LOG_WARN, "%s: its mode could not be set", t->path);
    if (futimens(t->fd, times) != 0)
        errno = 0; /* not ours: nobody expects it */
}

void target_clear(struct restore_target *t)
{
    tree_close_root(t->tree);
    if (t->lock != NULL)
        unlink(t->lock_path);
    settle_times(t);
    lock_free(t->lock);
    if (t->fd >= 0)
        close(t->fd);
    buf_clear(&t->names);
    mem_free(t->path);
    mem_free(t->parent);
    mem_free(t->partial);
    mem_free(t->content);
    mem_free(t->mark);
    mem_free(t->lock_path);
}
