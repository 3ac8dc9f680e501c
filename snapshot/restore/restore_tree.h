/*
 * The files of a restore without their content: make, finish; and what an older state in the target
 * can still be used for.
 *
 * Errors of every call that can fail: ERR_CORRUPT: the index does not say what it must; ERR_FAILED:
 * the target's file system refused. After either, the target is half made: restore_target undoes
 * it.
 * Uses: core, selection, owner, tar_disk, dbpath.
 */
#ifndef SNAPSHOT_RESTORE_RESTORE_TREE_H
#define SNAPSHOT_RESTORE_RESTORE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/fs/walk.h"
#include "snapshot/read/selection.h"
#include "snapshot/restore/owner.h"
#include "snapshot/restore/tar_disk.h"

/* Read by the other files of this room, set only by the calls below. */
struct restore_tree {
    const struct selection *selection; /* borrowed */
    const char *root;                  /* borrowed; absolute path of what is being filled */
    int root_fd;                       /* owned; -1: not open */
    struct owner_map *owners;          /* borrowed; NULL: the entries' numbers. Set by its user */
    bool delta;
    bool at_mount;      /* the root is a mount point: see tree_sets_apart() */
    uint64_t attention; /* things that could not be set; each was said by log_say */
};

/* `delta`: the target holds an older state. */
void tree_init(struct restore_tree *t, const struct selection *selection, bool delta);

/* Where the target is; nothing is opened yet. `root` is borrowed. */
void tree_place(struct restore_tree *t, const char *root, bool at_mount);

/* Open the directory that is filled, which may be another than the target. `root` is borrowed.
 * ERR_FAILED: it cannot be opened, or is a link; then it is not open. */
MUST_CHECK enum err tree_open_root(struct restore_tree *t, const char *root);
/* ERR_FAILED: its name is another directory's by now. */
MUST_CHECK enum err tree_check_root(const struct restore_tree *t);
/* Does nothing when it is not open. */
void tree_close_root(struct restore_tree *t);

/* True at the top of a mount point for what is neither the snapshot's nor extra: names that begin
 * with ".sealpoint-" (ours), and the lost+found that mkfs made, which is root's. */
bool tree_sets_apart(const struct restore_tree *t, const struct walk_item *item);

/* With delta: how many names at the target's top are in the snapshot, and how many are not; those
 * go. What a dbpath's snapshot leaves out counts as neither. */
MUST_CHECK enum err tree_compare(const struct restore_tree *t, uint64_t *known, uint64_t *extra);

/* Make what is missing (with delta: and remove what is extra or of another kind). */
MUST_CHECK enum err tree_make(struct restore_tree *t, struct tar_disk *disk);

/* Modes of regular files and times of all, after the content was written. (tar_disk_finish() sets
 * the times of those directories only that it has made, not of those that were there.) */
MUST_CHECK enum err tree_finish(struct restore_tree *t);

/* The metadata of the snapshot's root, for the directory `path`, open as `fd`, that was there
 * before. What cannot be set is said by log_say and counted by t->attention. */
MUST_CHECK enum err tree_make_root(struct restore_tree *t, int fd, const char *path);

#endif
