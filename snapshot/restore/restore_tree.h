/*
 * The files of a restore without their content: choose, make, finish; and what an older state in
 * the target can still be used for.
 *
 * Uses: core, snapshot_reader, tar_disk.
 */
#ifndef SNAPSHOT_RESTORE_RESTORE_TREE_H
#define SNAPSHOT_RESTORE_RESTORE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/fs/walk.h"
#include "snapshot/read/snapshot_reader.h"
#include "snapshot/restore/tar_disk.h"

struct restore_tree {
    const struct snapshot_reader *from;
    const char *const *only; /* NULL: everything */
    const char *root;        /* absolute path of the folder that is being filled */
    int root_fd;
    bool delta;
    bool at_mount; /* the root is a mount point: see tree_sets_apart() */
    uint64_t attention;
    uint64_t files; /* wanted ones */
    uint64_t bytes;
    uint64_t needed;  /* of those, what takes room on the disk: holes do not */
    uint64_t changed; /* entries that were being written while the backup read them */
    uint64_t foreign; /* entries of other owners, which only root can give them */
};

/* What becomes of an entry. */
enum tree_choice {
    TREE_SKIP,   /* not asked for */
    TREE_FOLDER, /* made for what lies below it */
    TREE_WHOLE   /* asked for */
};
enum tree_choice tree_choose(const struct restore_tree *t, const struct entry *e);

/* The entry that has the content of `i`: itself, or for a hard link whose first name is not asked
 * for, that one's. False in *has: no content of its own. */
MUST_CHECK enum err tree_content(const struct restore_tree *t, const struct entry *e,
                                 struct entry *scratch, const struct entry **content);

/* Count files and bytes, and see that every path of `only` is there. ERR_NOT_FOUND. */
MUST_CHECK enum err tree_measure(struct restore_tree *t);

/* True at the top of a mount point for what is neither the snapshot's nor extra: names that begin
 * with ".sealpoint-" (ours), and the lost+found that mkfs made, which is root's. */
bool tree_sets_apart(const struct restore_tree *t, const struct walk_item *item);

/* With delta: how many names at the target's top are in the snapshot, and how many are not; those
 * go. What a dbpath's snapshot leaves out counts as neither. */
MUST_CHECK enum err tree_compare(const struct restore_tree *t, uint64_t *known, uint64_t *extra);

/* Make what is missing (with delta: and remove what is extra or of another kind). */
MUST_CHECK enum err tree_make(struct restore_tree *t, struct tar_disk *disk);

/* Modes of regular files and times of all, after the content was written. (tar_disk_finish() sets
 * the times of those folders only that it has made, not of those that were there.) */
MUST_CHECK enum err tree_finish(struct restore_tree *t);

/* The metadata of the snapshot's root, for the folder `path`, open as `fd`, that was there before.
 * What cannot be set is said by log_say and counted by t->attention. */
MUST_CHECK enum err tree_make_root(struct restore_tree *t, int fd, const char *path);

#endif
