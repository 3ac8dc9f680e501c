/*
 * The way of records into a ledger: read, signature, then parsed. Root's first, for they say whose
 * signatures count; of the others the newest checkpoint's bundle gives most in one reading.
 *
 * Uses: core/base, core/store, checkpoint, record_set, writers.
 */
#ifndef CORE_LEDGER_LEDGER_ADMIT_H
#define CORE_LEDGER_LEDGER_ADMIT_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/ledger/checkpoint.h"
#include "core/ledger/record_set.h"
#include "core/ledger/writers.h"
#include "core/store/store.h"

/* One record that was read: its signature fits, it parses, and it is the one of this place.
 * ERR_CORRUPT, ERR_UNSUPPORTED; the message does not name it. */
MUST_CHECK enum err ledger_admit_entry(const struct writers *writers, struct record_entry *entry);

/* Exactly one genesis record, signed by the key it names; it starts the list of writers.
 * ERR_CORRUPT: there is none, or there are two, or the one that could be it is damaged. */
MUST_CHECK enum err ledger_admit_genesis(struct store *store, struct record_set *set,
                                         struct writers *writers, const struct record **genesis);

/* Root's chain: every record of it is read and admitted, and applied to the list of writers, which
 * says who the others are. Nothing in it may be missing or damaged. */
MUST_CHECK enum err ledger_admit_root(struct store *store, struct record_set *set,
                                      struct writers *writers);

/*
 * All others. *cover is the newest checkpoint, and borrows from the set. What is damaged and
 * covered by it is dropped from the set with a warning: its bundle has what lives. With `read_all`
 * every listed record is read itself, and the bundle is read too; otherwise a reader to whom many
 * are new takes the newest bundle first. ERR_CORRUPT: a damaged record that nothing covers, or the
 * bundle that is needed is not good.
 */
MUST_CHECK enum err ledger_admit_rest(struct store *store, bool read_all, struct record_set *set,
                                      const struct writers *writers, struct checkpoint *cover);

#endif
