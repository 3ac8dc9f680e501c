/*
 * Which entries of a snapshot are asked for, and which entry has the content of each.
 *
 * Uses: core, index, entry, snapshot_reader, path_list.
 */
#ifndef SNAPSHOT_READ_SELECTION_H
#define SNAPSHOT_READ_SELECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "snapshot/format/entry.h"
#include "snapshot/read/path_list.h"
#include "snapshot/read/snapshot_reader.h"

/* Both borrowed; set once, by its owner. Several threads may use it. */
struct selection {
    const struct snapshot_reader *from;
    const struct path_list *only;    /* what is asked for (choice.h); NULL: everything */
    const struct path_list *without; /* files that are left out all the same; NULL: none */
};

/* What becomes of an entry. */
enum selection_choice {
    SELECTION_SKIP,      /* not asked for */
    SELECTION_DIRECTORY, /* needed for what lies below it */
    SELECTION_WHOLE      /* asked for */
};
enum selection_choice selection_choose(const struct selection *s, const struct entry *e);

/* The first entry from *i on that is not skipped, into *e, and its number into *i; *more is false
 * when there is none. Where little of an index is asked for, little of it is read. */
MUST_CHECK enum err selection_next(const struct selection *s, uint64_t *i, struct entry *e,
                                   bool *more);
/* The same backwards: the last one in front of *i. */
MUST_CHECK enum err selection_previous(const struct selection *s, uint64_t *i, struct entry *e,
                                       bool *more);

/* Call `each` for every entry that is not skipped, in walk order. `each` may stop the walk by
 * returning an error, which is passed on. ERR_CORRUPT: also when they are not in order, or one lies
 * in no directory: of a part of an index this is where it is checked. */
typedef enum err selection_each(void *arg, const struct entry *e);
MUST_CHECK enum err selection_walk(const struct selection *s, selection_each *each, void *arg);

/* The same, hard links after all others: one may sort before its first name. */
MUST_CHECK enum err selection_walk_links_last(const struct selection *s, selection_each *each,
                                              void *arg);

/* The entry with the content of the hard link `e`, into `first`; *is_chosen: it is asked for too.
 * ERR_CORRUPT: there is none, or it is no file. */
MUST_CHECK enum err selection_first_name(const struct selection *s, const struct entry *e,
                                         struct entry *first, bool *is_chosen);

/* The entry that has the content of `e`: itself, or for a hard link whose first name is not asked
 * for, that one, in `scratch`. NULL in *content: `e` has no content of its own. ERR_CORRUPT: as
 * selection_first_name(). */
MUST_CHECK enum err selection_content(const struct selection *s, const struct entry *e,
                                      struct entry *scratch, const struct entry **content);

struct selection_totals {
    uint64_t files;   /* entries of type file, hard links too */
    uint64_t bytes;   /* of content; of hard links once */
    uint64_t needed;  /* of those, what takes room on a disk: holes do not */
    uint64_t changed; /* entries that were being written while the backup read them */
    uint64_t foreign; /* entries of other owners than this process, unless it is root's */
    uint64_t rights;  /* files that give who runs them rights: set-id bits, capabilities */
};

/* *out is as it was when this fails. */
MUST_CHECK enum err selection_measure(const struct selection *s, struct selection_totals *out);

#endif
