/*
 * Where a restore goes, and how it becomes real there.
 *
 *   FRESH   the target is not there, or an empty directory: a sibling is filled and renamed over it
 *   DELTA   the target holds an older state: in place, with a mark while it lasts
 *   MOUNT   the target is an empty mount point, which nothing can be renamed over: a directory in
 * it is filled, and what it holds is moved up, name by name
 *
 * The lock and the mark lie beside the target; those of a mount point in it, for what it lies in
 * may be another file system that nobody may write to. A btrfs subvolume counts as a mount point.
 * At a mount point neither names that begin with ".sealpoint-" nor the lost+found that mkfs made
 * are content: the first are ours and go when they are in the way, the second stays.
 *
 * Uses: core, dbpath, restore_tree.
 */
#ifndef SNAPSHOT_RESTORE_RESTORE_TARGET_H
#define SNAPSHOT_RESTORE_RESTORE_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/fs/lock.h"
#include "snapshot/restore/restore_tree.h"

struct restore_target;

/* The steps of one kind, in their order. Nothing is touched by `check`; all else is done with the
 * lock held. After a failure of `begin` or `commit` comes `undo`, unless is_real. */
struct target_kind {
    enum err (*check)(struct restore_target *t);
    enum err (*begin)(struct restore_target *t);
    enum err (*commit)(struct restore_target *t);
    enum err (*undo)(struct restore_target *t);
};

struct restore_target {
    const struct target_kind *kind;
    struct restore_tree *tree; /* borrowed; its root is opened and closed here */
    bool delta;
    bool dry_run; /* only for what is said */
    bool is_mount;
    bool is_real;     /* what was filled has its name: nothing is undone any more */
    char *path;       /* absolute */
    char *parent;     /* the directory it lies in, absolute, links resolved */
    char *partial;    /* what we fill, or what holds it; ours by its name */
    char *content;    /* MOUNT: what is filled; else NULL */
    char *mark;       /* delta: says that the target is incomplete */
    const char *side; /* where lock and mark lie: `parent`, or of a mount point `path` */
    int fd;           /* the target, open; -1: not there */
    char *lock_path;
    struct lock *lock;
    struct stat look; /* mount point: what its root is to look like in the end */
    bool has_look;
    struct stat before; /* MOUNT: what it looked like */
    struct buf names;   /* MOUNT: what was or will be moved up, sorted, each with its NUL */
    uint64_t attention; /* MOUNT: what could not be moved up; it was said by log_say */
};

/* Nothing is allocated: target_clear() may follow at once. */
void target_init(struct restore_target *t, struct restore_tree *tree, bool delta, bool dry_run);

/* Find the target and its kind, and see that it has room for `needed` bytes; touches nothing.
 * ERR_USAGE: not empty, no directory, with delta no older state, not writable; ERR_BUSY: a database
 * runs there; ERR_STORAGE: read-only, or no room. What a killed restore left counts as room, for it
 * will be removed. */
MUST_CHECK enum err target_check(struct restore_target *t, const char *given, uint64_t needed);

/* Take the lock, remove what a killed restore left, and open the directory that is to be filled. */
MUST_CHECK enum err target_begin(struct restore_target *t);

/* The moment it becomes real and durable; before that the tree was synced. */
MUST_CHECK enum err target_commit(struct restore_target *t);

/* After a failure: the target is as it was (with delta: says that it is incomplete). Keeps the
 * error's message. Does nothing when nothing was begun, or all is real. */
void target_undo(struct restore_target *t);

/* Lets go of the lock; gives a mount point's root its time back. */
void target_clear(struct restore_target *t);

/* ---- for the kinds ---- */

/* Before a name goes from a mount point's root whose metadata is set: keep its look. */
MUST_CHECK enum err target_keep_look(struct restore_target *t);

#endif
