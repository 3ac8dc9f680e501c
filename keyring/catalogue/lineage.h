/*
 * Which snapshot is the parent of which.
 *
 * Uses: core/ledger, snapshot_record.
 */
#ifndef KEYRING_CATALOGUE_LINEAGE_H
#define KEYRING_CATALOGUE_LINEAGE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/ledger/ledger.h"

struct by_id;
/* The snapshot records by id. Borrows from the ledger. */
struct lineage {
    struct by_id *items; /* sorted; owned */
    size_t count;
};
MUST_CHECK enum err lineage_read(const struct ledger *l, struct lineage *out);
void lineage_clear(struct lineage *lineage);

/* The record of that id; NULL: there is none. Borrowed from the ledger, which must not have grown
 * since it was read. */
const struct record *lineage_find(const struct lineage *lineage, const struct ledger *l,
                                  const char *id);

/* Where in the ledger the parent of the record at `position` is; LINEAGE_NO_PARENT: it has none, or
 * none that is still there. ERR_CORRUPT: the parent is not older. */
#define LINEAGE_NO_PARENT SIZE_MAX
MUST_CHECK enum err lineage_parent(const struct lineage *lineage, const struct ledger *l,
                                   size_t position, size_t *out);

#endif
