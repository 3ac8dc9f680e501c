#include "snapshot/restore/restore_target.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/fs/follow.h"
#include "core/fs/walk.h"
#include "snapshot/restore/restore_delta.h"
#include "snapshot/restore/restore_guard.h"
#include "snapshot/restore/restore_mount.h"

/*
 * The plan: the states of a target, what a kill leaves in each, and what undoes it.
 *
 *   checked     target_check(): nothing was touched; a kill leaves nothing
 *   begun       target_begin(): the lock is held. A kill leaves the lock's file, which binds nobody
 *               once its holder is dead, and
 *                 FRESH   <target>.sealpoint-partial/tree, half filled; the target is as it was
 *                 DELTA   the mark, and a target of old and new files mixed: see restore_delta.c
 *                 MOUNT   .sealpoint-partial in the target, and the guard: see restore_mount.c
 *   committing  target_commit(), all content being synced
 *                 FRESH   one rename: a kill leaves the state before or the one after it
 *                 DELTA   the mark is removed: before that, a kill leaves a whole but marked target
 *                 MOUNT   names are moved up one by one
 *   real        is_real is set with the step that makes it so. From here on nothing is undone, even
 *               if the last sync fails.
 *
 * A failure in between is undone at once by target_undo(), a kill by the next restore to the same
 * target: begin removes what it finds under our names, once it has the lock, for then nobody else
 * fills it.
 *
 * The directory that the target lies in may belong to the database's user: he can rename the guard
 * or put something else in its place, but what is filled lies in the guard that we have open, which
 * he cannot enter, and is renamed out of that.
 */

#define FRESH_TREE "tree"

#define STAT_BLOCK_LEN 512 /* the unit of st_blocks */

void target_init(struct restore_target *t, struct restore_tree *tree, bool delta, bool dry_run)
{
    *t = (struct restore_target){.tree = tree,
                                 .delta = delta,
                                 .dry_run = dry_run,
                                 .parent_fd = -1,
                                 .fd = -1,
                                 .side = -1,
                                 .guard = -1,
                                 .names = {.max = 64 * MIB}};
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
    TRY(walk_open_at(t->fd, t->path, &walk));
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
    int root = -1;
    enum err rc;

    TRY(guard_remove(t->side, t->partial));
    TRY(guard_make(t->side, t->partial, &t->guard));
    TRY(guard_make_inside(t->guard, FRESH_TREE, &root));
    tree_set_root(t->tree, root, t->path);
out:
    return rc;
}

/* Only who may write to a directory may give it another parent: one that is restored read-only
 * lets itself be moved first. */
static int rename_out(const struct restore_target *t)
{
    struct stat st;
    int failed = renameat(t->guard, FRESH_TREE, t->side, t->name);
    int cause = errno;

    if (!failed || cause != EACCES || fstat(t->tree->root_fd, &st) != 0 ||
        fchmod(t->tree->root_fd, st.st_mode | S_IRWXU) != 0) {
        errno = cause;
        return failed;
    }
    failed = renameat(t->guard, FRESH_TREE, t->side, t->name);
    cause = errno;
    if (fchmod(t->tree->root_fd, st.st_mode & 07777) != 0)
        return -1;
    errno = cause;
    return failed;
}

/* An empty directory of the target's name is replaced. */
static enum err commit_fresh(struct restore_target *t)
{
    enum err rc;

    TRY(target_require_in_place(t));
    TRY(tree_finish_root(t->tree, t->tree->root_fd));
    if (fsync(t->tree->root_fd) != 0)
        FAIL_SYS(ERR_STORAGE, "syncing %s", t->path);
    if (rename_out(t) != 0)
        FAIL_SYS(ERR_FAILED, "renaming the finished restore to %s", t->path);
    t->is_real = true;
    if (guard_remove(t->side, t->partial) != ERR_OK) /* it is empty but for its sign */
        err_clear();
    if (fsync(t->side) != 0)
        FAIL_SYS(ERR_STORAGE, "syncing %s", t->parent);
out:
    return rc;
}

static enum err undo_fresh(struct restore_target *t)
{
    return guard_remove(t->side, t->partial);
}

static const struct target_kind kind_fresh = {check_fresh, begin_fresh, commit_fresh, undo_fresh};

/* ---- which one it is ---- */

/* Links are followed. */
static bool leads_to(const char *path, int fd)
{
    struct stat held;
    struct stat there;

    return fstat(fd, &held) == 0 && stat(path, &there) == 0 && held.st_dev == there.st_dev &&
           held.st_ino == there.st_ino;
}

/* Split into an existing directory, which is opened, and a name in it. Links on the way there are
 * followed once, here. */
static enum err resolve_target(struct restore_target *t, const char *given)
{
    size_t len = strlen(given);
    const char *name;
    const char *above;
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
    TRY(mem_text(name, &t->name));
    above = name == copy ? "." : name - 1 == copy ? "/" : copy;
    if (name - copy > 1)
        copy[name - copy - 1] = '\0';
    rc = follow_open_dir(above, &t->parent_fd);
    if (rc != ERR_OK) {
        err_note("target %s: the directory it would lie in cannot be reached", given);
        goto out;
    }
    real = realpath(above, NULL);
    if (real == NULL)
        FAIL_SYS(ERR_USAGE, "target %s: the directory it would lie in cannot be reached", given);
    /* What a link in /proc says is not always where it leads. */
    TRY(mem_text(leads_to(real, t->parent_fd) ? real : above, &t->parent));
    TRY(file_join(t->parent, t->name, &t->path));
out:
    mem_free(copy);
    mem_free(real);
    return rc;
}

static bool is_link(const struct restore_target *t)
{
    int cause = errno;
    struct stat st;
    bool is = fstatat(t->parent_fd, t->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);

    errno = cause;
    return is;
}

/* It is opened before it is looked at: that is what makes an automounter mount it. */
static enum err examine_target(struct restore_target *t)
{
    struct stat above;
    enum err rc = ERR_OK;

    t->fd = openat(t->parent_fd, t->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (t->fd < 0 && errno == ENOENT && !t->delta)
        goto out;
    if (t->fd < 0 && errno == ENOENT)
        FAIL_SYS(ERR_USAGE, "target %s: --delta needs an older state there", t->path);
    if (t->fd < 0 && (errno == ENOTDIR || errno == ELOOP) && is_link(t))
        FAIL(ERR_USAGE, "target %s is a symbolic link: name the directory itself", t->path);
    if (t->fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        FAIL(ERR_USAGE, "target %s exists and is not a directory", t->path);
    if (t->fd < 0)
        FAIL_SYS(ERR_USAGE, "target %s", t->path);
    if (fstat(t->parent_fd, &above) != 0)
        FAIL_SYS(ERR_USAGE, "target %s", t->path);
    t->is_mount = file_is_mount_point(t->fd, "", above.st_dev);
out:
    return rc;
}

/* A mount point has them inside, without a name in front. */
static enum err name_ours(const struct restore_target *t, const char *suffix, char **out)
{
    return mem_format(out, "%s%s", t->is_mount ? "" : t->name, suffix);
}

static enum err choose_kind(struct restore_target *t)
{
    enum err rc;

    t->tree->root = t->path;
    t->tree->at_mount = t->is_mount;
    t->side = t->is_mount ? t->fd : t->parent_fd;
    t->kind = t->delta ? &target_kind_delta : t->is_mount ? &target_kind_mount : &kind_fresh;
    TRY(name_ours(t, TARGET_PARTIAL, &t->partial));
    TRY(name_ours(t, TARGET_REPLACED, &t->replaced));
    TRY(name_ours(t, TARGET_MARK, &t->mark));
    TRY(name_ours(t, TARGET_LOCK, &t->lock_name));
out:
    return rc;
}

static enum err check_writable(const struct restore_target *t)
{
    if (faccessat(t->side, ".", W_OK | X_OK, AT_EACCESS) == 0)
        return ERR_OK;
    return err_sys(errno == EROFS ? ERR_STORAGE : ERR_USAGE, "target %s%s is not writable", t->path,
                   t->is_mount ? "" : ": the directory it lies in");
}

/* By what the directories are, not by what they are called. The target may not be there yet, and
 * one that is empty and no mount point holds nothing. */
static enum err check_apart(const struct restore_target *t)
{
    const struct target_apart *apart = t->apart;
    enum err rc = ERR_OK;

    for (; apart != NULL && apart->path != NULL; apart++) {
        if (!apart->may_hold &&
            file_is_within_at(t->fd >= 0 ? t->fd : t->parent_fd, ".", apart->path))
            FAIL(ERR_USAGE, "target %s lies in %s (%s): give another directory", t->path,
                 apart->what, apart->path);
        if (t->fd >= 0 && file_holds(t->fd, apart->path))
            FAIL(ERR_USAGE, "%s (%s) lies in the target %s: give another directory", apart->what,
                 apart->path, t->path);
    }
out:
    return rc;
}

/* ---- free space ---- */

/* What a killed restore left, and the next one removes. */
static enum err measure_leftover(const struct restore_target *t, uint64_t *len)
{
    struct walk *walk = NULL;
    struct walk_item item;
    bool more = true;
    int fd = -1;
    enum err rc = ERR_OK;

    *len = 0;
    fd = openat(t->side, t->partial, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        goto out;
    TRY(walk_open_at(t->is_mount ? t->fd : fd, t->path, &walk));
    for (;;) {
        TRY(walk_next(walk, &item, &more));
        if (!more)
            break;
        if (item.vanished)
            continue;
        if (tree_sets_apart(t->tree, &item) && strcmp(item.name, TARGET_PARTIAL) != 0)
            walk_skip(walk);
        else if (item.st.st_nlink > 0)
            *len += (uint64_t)item.st.st_blocks * STAT_BLOCK_LEN / item.st.st_nlink;
    }
out:
    if (fd >= 0)
        close(fd);
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
    if (fstatvfs(t->side, &fs) != 0)
        FAIL_SYS(ERR_FAILED, "target %s", t->path);
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

enum err target_check(struct restore_target *t, const char *given, const struct target_apart *apart,
                      uint64_t needed)
{
    enum err rc;

    TRY(resolve_target(t, given));
    TRY(examine_target(t));
    TRY(choose_kind(t));
    t->apart = apart;
    TRY(check_apart(t));
    TRY(check_writable(t));
    TRY(t->kind->check(t));
    TRY(check_free_space(t, needed));
out:
    return rc;
}

/* The lock's file has its place by the path that was given. By another path (a bind mount) the same
 * directory is another target, so what is there is locked itself, as long as it is open. Some
 * network file systems lock no directory. */
static enum err lock_directory(const struct restore_target *t)
{
    if (t->fd < 0 || flock(t->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return ERR_OK;
    err_set(ERR_BUSY, "target %s is held by another process, which may have come by another path",
            t->path);
    err_hint("wait for that run to end, then try again");
    return ERR_BUSY;
}

enum err target_lock(struct restore_target *t)
{
    enum err rc = ERR_OK;

    if (t->lock != NULL)
        goto out;
    /* Of a mount point the lock itself is a change. */
    if (t->fd >= 0 && fstat(t->fd, &t->before) != 0)
        FAIL_SYS(ERR_FAILED, "looking at %s", t->path);
    t->look = t->before;
    t->has_look = t->is_mount;
    rc = lock_take_at(t->side, t->lock_name, t->lock_name, false, &t->lock);
    if (rc != ERR_OK)
        err_note("target %s", t->path);
    TRY(rc);
    TRY(lock_directory(t));
out:
    return rc;
}

enum err target_begin(struct restore_target *t)
{
    enum err rc;

    TRY(target_lock(t));
    t->is_begun = true;
    TRY(t->kind->begin(t));
out:
    return rc;
}

enum err target_commit(struct restore_target *t)
{
    enum err rc = t->kind->commit(t);

    if (rc != ERR_OK && t->is_real)
        err_note("%s is complete, but may not survive a power loss", t->path);
    return rc;
}

void target_undo(struct restore_target *t)
{
    struct err_record failure;

    if (!t->is_begun || t->is_real)
        return;
    err_take(ERR_OK, &failure);
    if (t->kind->undo(t) != ERR_OK)
        log_say(LOG_WARN, "%s: %s; the next restore removes it", t->path, err_text());
    err_give(&failure);
}

enum err target_require_in_place(const struct restore_target *t)
{
    bool is_found = leads_to(t->parent, t->parent_fd);

    /* Over a fresh target's name anything may have come: the rename will say so. */
    if (is_found && t->kind != &kind_fresh)
        is_found = file_is_still_there(t->parent_fd, t->name, t->fd);
    if (is_found)
        return ERR_OK;
    return err_set(
        ERR_FAILED,
        "%s is no longer the directory that was filled: something was unmounted, mounted "
        "or moved there meanwhile",
        t->path);
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
void target_give_look(const struct restore_target *t)
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

static void close_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

void target_clear(struct restore_target *t)
{
    tree_close_root(t->tree);
    if (t->lock != NULL)
        unlinkat(t->side, t->lock_name, 0);
    /* Beside the target nothing of it has changed. */
    if (t->is_mount || t->is_real)
        target_give_look(t);
    lock_free(t->lock);
    keep_clear(&t->keep);
    close_open(t->guard);
    close_open(t->fd);
    close_open(t->parent_fd);
    buf_clear(&t->names);
    mem_free(t->path);
    mem_free(t->parent);
    mem_free(t->name);
    mem_free(t->partial);
    mem_free(t->replaced);
    mem_free(t->mark);
    mem_free(t->lock_name);
}
