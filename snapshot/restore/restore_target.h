/*
 * Where a restore goes, and how it becomes real there.
 *
 *   FRESH   the target is not there, or an empty directory: a directory in a guard beside it is
 *           filled and renamed over it
 *   DELTA   the target holds an older state: in place, with a mark while it lasts
 *   MOUNT   the target is an empty mount point, which nothing can be renamed over: a directory in a
 *           guard in it is filled, and what it holds is moved up, name by name
 *
 * The lock, the mark and the guard lie beside the target; those of a mount point in it, for what it
 * lies in may be another file system that nobody may write to. A btrfs subvolume counts as a mount
 * point. At a mount point neither names that begin with ".sealpoint-" nor the lost+found that mkfs
 * made are content: the first are ours and go when they are in the way, the second stays.
 *
 * What the target lies in, and the target, are opened once; all else is done on those descriptors.
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
struct target_apart;

/* The steps of one kind, in their order. Nothing is touched by `check`; all else is done with the
 * lock held. After a failure of `begin` or `commit` comes `undo`, unless is_real. */
struct target_kind {
    enum err (*check)(struct restore_target *t);
    enum err (*begin)(struct restore_target *t);
    enum err (*commit)(struct restore_target *t);
    enum err (*undo)(struct restore_target *t);
};

/* Our names: in a mount point as they are, beside any other target behind its name. */
#define TARGET_PARTIAL ".sealpoint-partial"
#define TARGET_REPLACED ".sealpoint-replaced"
#define TARGET_MARK ".sealpoint-incomplete"
#define TARGET_LOCK ".sealpoint-lock"

struct restore_target {
    const struct target_kind *kind;
    const struct target_apart *apart; /* borrowed; NULL: none */
    struct restore_tree *tree;        /* borrowed; its root is opened and closed here */
    bool delta;
    bool dry_run; /* only for what is said */
    bool is_mount;
    bool is_begun;
    bool is_real; /* what was filled has its name: nothing is undone any more */
    char *path;   /* absolute, for messages */
    char *parent; /* the directory it lies in, links resolved: to see at the end that it still is */
    char *name;   /* in that directory */
    int parent_fd;  /* -1: not open yet, as all of these */
    int fd;         /* the target; -1: not there */
    int side;       /* borrowed: where our names lie: parent_fd, or of a mount point fd */
    int guard;      /* FRESH, MOUNT: the guard; DELTA: where what is replaced is kept */
    char *partial;  /* what holds what we fill: a name in `side`, as the next three */
    char *replaced; /* DELTA: what holds what was replaced */
    char *mark;     /* DELTA: says that the target is incomplete */
    char *lock_name;
    struct lock *lock;
    struct stat look; /* what the target's root is to look like in the end */
    bool has_look;
    struct stat before;         /* MOUNT, DELTA: what it looked like */
    bool was_incomplete;        /* DELTA: the mark was there before us */
    struct restore_keep keep;   /* DELTA */
    const bool *is_overwriting; /* DELTA: content may have changed; borrowed; NULL: it has not */
    struct buf names;           /* MOUNT: what was or will be moved up: see restore_mount.c */
    uint64_t attention;         /* MOUNT: what could not be moved up; it was said by log_say */
};

/* Nothing is allocated: target_clear() may follow at once. */
void target_init(struct restore_target *t, struct restore_tree *tree, bool delta, bool dry_run);

/* Something that a restore must not write into, nor replace what holds it. */
struct target_apart {
    const char *what; /* "the repository" */
    const char *path; /* a directory; NULL ends a list */
    bool may_hold;    /* the target may well lie in it, but it not in the target */
};

/* Find the target and its kind, and see that it has room for `needed` bytes; touches nothing.
 * ERR_USAGE: it lies in one of `apart` (which may be NULL), or one of them in it; not empty, no
 * directory, with delta no older state or something mounted in it, not writable; ERR_BUSY: a
 * database runs there; ERR_STORAGE: read-only, or no room. What a killed restore left counts as
 * room, for it will be removed. */
MUST_CHECK enum err target_check(struct restore_target *t, const char *given,
                                 const struct target_apart *apart, uint64_t needed);

/* Only the lock: what is checked from now on stays as it is, as far as other restores go. */
MUST_CHECK enum err target_lock(struct restore_target *t);

/* Take the lock if that was not done, remove what a killed restore left, and open the directory
 * that is to be filled. */
MUST_CHECK enum err target_begin(struct restore_target *t);

/* The root's metadata, and the moment it becomes real and durable; before that the tree was
 * synced. */
MUST_CHECK enum err target_commit(struct restore_target *t);

/* After a failure: the target is as it was (with delta, once content was overwritten: says that it
 * is incomplete). Keeps the error's message. Does nothing when nothing was begun, or all is real.
 */
void target_undo(struct restore_target *t);

/* Lets go of the lock; gives a mount point's root its time back. */
void target_clear(struct restore_target *t);

/* ---- for the kinds ---- */

/* Before what was filled becomes real: the path still leads to where it was filled, or nobody would
 * find it there. ERR_FAILED: something was unmounted, mounted or moved meanwhile. */
MUST_CHECK enum err target_require_in_place(const struct restore_target *t);

/* Before a name goes from a root whose metadata is set: keep its look. */
MUST_CHECK enum err target_keep_look(struct restore_target *t);

/* The root gets the look that was kept, as far as it can be given. */
void target_give_look(const struct restore_target *t);

#endif
