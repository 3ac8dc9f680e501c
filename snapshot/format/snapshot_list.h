/*
 * The snapshots of a repository: the records of all that live, decoded, and which of them are
 * damaged.
 *
 * Uses: core/ledger, snapshot_record.
 */
#ifndef SNAPSHOT_FORMAT_SNAPSHOT_LIST_H
#define SNAPSHOT_FORMAT_SNAPSHOT_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/ledger/ledger.h"
#include "keyring/catalogue/snapshot_record.h"

/* A live record that is signed as it should be and still is no snapshot: it does not decode, or
 * another has the same id. A writer that was taken over can make one; it must not hide the rest. */
#define SNAPSHOT_REASON_MAX 255
struct damaged_snapshot {
    const struct record *record;   /* the ledger's */
    char id[SNAPSHOT_ID_TEXT + 1]; /* "" when it cannot be read */
    enum err code;                 /* ERR_CORRUPT or ERR_UNSUPPORTED */
    char reason[SNAPSHOT_REASON_MAX + 1];
};

struct snapshot_list {
    struct snapshot *items; /* live ones, oldest first; owned */
    size_t count;
    struct damaged_snapshot *damaged; /* in no `items`; owned */
    size_t damaged_count;
};

/* Borrows from `ledger`. */
MUST_CHECK enum err snapshot_list_read(const struct ledger *ledger, struct snapshot_list *out);
void snapshot_list_clear(struct snapshot_list *list);

/* By id, unique prefix (at least 6 digits), or "latest", which is never a damaged one.
 * ERR_NOT_FOUND lists what there is; ERR_USAGE: the prefix fits several; ERR_CORRUPT,
 * ERR_UNSUPPORTED: that one is damaged, and why. */
MUST_CHECK enum err snapshot_list_find(const struct snapshot_list *list, const char *name,
                                       const struct snapshot **out);

/* Is there a damaged record that was made after that snapshot? Then the newest that can be read may
 * not be the newest that there was. */
bool snapshot_list_has_newer_damaged(const struct snapshot_list *list, const struct snapshot *s);

/* The newest without files that changed or vanished while they were read; NULL: there is none. */
const struct snapshot *snapshot_list_newest_whole(const struct snapshot_list *list);

#endif
