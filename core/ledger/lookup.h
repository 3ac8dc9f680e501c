/*
 * Records by type, in the ledger's order, and the subjects of tombstones: what the fold asks for.
 *
 * Uses: core/base, record.  Used by: ledger, fold.
 */
#ifndef CORE_LEDGER_LOOKUP_H
#define CORE_LEDGER_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/ledger/record.h"

/* The longest name of something that a tombstone can end. */
#define LOOKUP_SUBJECT_MAX 64

struct lookup_list {
    const struct record **at; /* owned; the records are borrowed */
    size_t count;
    size_t room;
};

/* Zero-initialised it is empty. */
struct lookup {
    struct lookup_list by_type[RECORD_TYPE_COUNT];
    const char **dead; /* owned; sorted; the texts are borrowed from the tombstones */
    size_t dead_count;
    size_t dead_room;
};

void lookup_clear(struct lookup *x);

/* Room for `r`, so that lookup_add() of it cannot fail. ERR_CORRUPT: a tombstone without subject.
 */
MUST_CHECK enum err lookup_reserve(struct lookup *x, const struct record *r);
MUST_CHECK enum err lookup_add(struct lookup *x, const struct record *r);

/* Does a tombstone name it? */
bool lookup_is_dead(const struct lookup *x, const char *subject);

#endif
