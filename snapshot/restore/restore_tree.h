/*
 * The files of a restore without their content: made, then given their metadata; and what an older
 * state in the target can still be used for.
 *
 * Nothing is reached by a path twice: see core/fs/dir_cache.h. With delta every directory is taken
 * over when it is come to, so that its names stay what they are, and gets its owner and mode last.
 *
 * Errors of every call that can fail: ERR_CORRUPT: the index does not say what it must; ERR_FAILED:
 * the target's file system refused; ERR_EXISTS: it takes two names for one. After each of them the
 * target is half made: restore_target undoes it.
 * Uses: core, selection, owner, restore_entry, restore_keep, dbpath.
 */
#ifndef SNAPSHOT_RESTORE_RESTORE_TREE_H
#define SNAPSHOT_RESTORE_RESTORE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/fs/dir_cache.h"
#include "core/fs/walk.h"
#include "snapshot/read/selection.h"
#include "snapshot/restore/owner.h"
#include "snapshot/restore/restore_keep.h"

/* Read by the other files of this room, set only by the calls below, unless it says otherwise. */
struct restore_tree {
    const struct selection *selection; /* borrowed */
    const char *root;                  /* borrowed; what is being filled, for messages */
    int root_fd;                       /* owned; -1: not open */
    struct owner_map *owners;          /* borrowed; NULL: the entries' numbers. Set by its user */
    bool delta;
    bool at_mount;      /* the root is a mount point: see tree_sets_apart() */
    bool is_one_owners; /* what is made belongs to whom it is to belong to already (fs_ids) */
    struct restore_keep *keep; /* delta: set by restore_delta; borrowed */
    uint8_t *lacks;            /* delta: restore_data's own: see there; or NULL */
    uint64_t attention;        /* things that could not be set; each was said by log_say */
};

/* `delta`: the target holds an older state. */
void tree_init(struct restore_tree *t, const struct selection *selection, bool delta);

/* The open directory that is filled, which may be another than the target: taken over. `root` is
 * borrowed. */
void tree_set_root(struct restore_tree *t, int fd, const char *root);
/* Does nothing when it is not open. */
void tree_close_root(struct restore_tree *t);

/* True at the top of a mount point for what is neither the snapshot's nor extra: names that begin
 * with ".sealpoint-" (ours), and the lost+found that mkfs made, which is root's. At the top of
 * every target for the guard that keeps mongod out. */
bool tree_sets_apart(const struct restore_tree *t, const struct walk_item *item);

/* With delta: how many names at the target's top are in the snapshot, and how many are not; those
 * go. What a dbpath's snapshot leaves out counts as neither. */
MUST_CHECK enum err tree_compare(const struct restore_tree *t, uint64_t *known, uint64_t *extra);

/* With delta: the names that tree_make() will remove, at any depth, what lies below them not
 * counted. The first `said_max` are said by log_say. */
MUST_CHECK enum err tree_list_extra(const struct restore_tree *t, size_t said_max, uint64_t *count);

/* With delta: open the old state's file when it can be filled in place: a plain file with nothing
 * but its mode and times to be set. *fd is -1 when it cannot; *is_there: something has the name. */
MUST_CHECK enum err tree_open_old(const struct restore_tree *t, struct dir_cache *dirs,
                                  const struct entry *e, int *fd, bool *is_there);

/* Whose all that is chosen will be here, when it is all one user's and group's. */
struct tree_owner {
    bool is_one;
    uint32_t uid, gid;
};
MUST_CHECK enum err tree_find_owner(const struct restore_tree *t, struct tree_owner *out);

/* Make what is missing (with delta: and move away what is extra or of another kind). */
MUST_CHECK enum err tree_make(struct restore_tree *t);

/* The metadata of all but the root, after the content was written, directories after what is in
 * them. */
MUST_CHECK enum err tree_finish(struct restore_tree *t);

/* The metadata of the snapshot's root, for the open directory `fd`; nothing when the snapshot has
 * none (a stream's). */
MUST_CHECK enum err tree_finish_root(struct restore_tree *t, int fd);

/* The name that mongod locks; a link to a directory there keeps it out. */
#define TREE_MONGOD_LOCK "mongod.lock"
#define TREE_GUARD_TO "."
/* Whether it is one of ours. `to` is where ours leads. */
bool tree_is_guarded(int root, const char *to);

#endif
