/*
 * Whether the content of a selection can be read, found out before anything is made of it: only the
 * objects that it needs are looked at.
 *
 * Uses: core, selection, soundness, object_check, block_reader, plan.
 */
#ifndef SNAPSHOT_READ_CONTENT_CHECK_H
#define SNAPSHOT_READ_CONTENT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "snapshot/format/progress.h"
#include "snapshot/read/path_list.h"
#include "snapshot/read/selection.h"
#include "snapshot/read/soundness.h"

enum content_depth {
    CONTENT_PRESENCE, /* presence and size of every object that is needed */
    CONTENT_BLOCKS,   /* and every block of the selection opened, its digest compared */
    CONTENT_ALL       /* and the SHA-256 of every object that is needed */
};

struct content_check {
    const struct selection *selection;
    enum content_depth depth;
    size_t workers;            /* 0: one for each processor */
    struct progress *progress; /* or NULL */
};

/* The first object or block that is missing, damaged or cannot be read refuses: ERR_CORRUPT,
 * ERR_STORAGE, and the message names it. */
MUST_CHECK enum err content_check_run(const struct content_check *check);

/* All that is not sound is said by log_say, an object once, kept in `to`, and counted by *damaged.
 * ERR_STORAGE: the store is gone. */
MUST_CHECK enum err content_check_all(const struct content_check *check, struct soundness *to,
                                      uint64_t *damaged);

/* content_check_all(), and then `selection` (that of the check) goes without the files that are not
 * whole: each is said by log_say, and is in `left_out`, which must live as long as the selection.
 */
MUST_CHECK enum err content_check_leave_out(const struct content_check *check,
                                            struct selection *selection,
                                            struct path_list *left_out);

/* content_check_all(), and every file that is not whole is said by log_say too. ERR_CORRUPT: there
 * is damage, and how much. */
MUST_CHECK enum err content_check_report(const struct content_check *check);

/* Presence and size of the objects of one regular file that is no hard link, as
 * content_check_run(). */
MUST_CHECK enum err content_check_file(const struct snapshot_reader *from, const struct entry *e);

#endif
