/*
 * One entry on the disk: made without content and metadata, which it is given when its content is
 * written.
 *
 * All is done by descriptor, or by name in a directory that is open and that nobody else may write
 * to. Until the end a file belongs to us and is for nobody else.
 * Uses: core, entry, acl_xattr, owner.
 */
#ifndef SNAPSHOT_RESTORE_RESTORE_ENTRY_H
#define SNAPSHOT_RESTORE_RESTORE_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "snapshot/format/entry.h"
#include "snapshot/restore/owner.h"

/* How it is done, for all of a tree. What the file system refuses of the metadata is said by
 * log_say and counted by *attention. */
struct restore_manner {
    const char *root;    /* what is said in front of paths; borrowed */
    bool set_owner;      /* root's right */
    uint64_t *attention; /* borrowed */
    /* Whose the names in ACLs are here; borrowed. NULL: their numbers count. */
    struct owner_map *owners;
};

/* Make `name` in the open directory `dir`. ERR_EXISTS: the name is there already; the message
 * says so, and which name it is when the file system takes two for one. ERR_STORAGE: full. */
MUST_CHECK enum err restore_entry_make(const struct entry *e, int dir, const char *name);

/* A further name for the file `first` in `first_dir`. Errors as above. */
MUST_CHECK enum err restore_entry_link(const struct entry *e, int first_dir, const char *first,
                                       int dir, const char *name);

/* Owner, attributes, ACLs, mode and time of what was made or was there; ACLs, and a directory's
 * "user." attributes, that the entry does not have go. Its type must be that of the entry.
 * ERR_FAILED: it cannot be opened, or is of another type. */
MUST_CHECK enum err restore_entry_finish(const struct restore_manner *manner, const struct entry *e,
                                         int dir, const char *name);
/* The same for what is open. */
MUST_CHECK enum err restore_entry_finish_open(const struct restore_manner *manner,
                                              const struct entry *e, int fd);

#endif
