/*
 * The newest bundle as the first thing that a new reader takes: one object instead of thousands.
 *
 * Uses: core/base, core/store, checkpoint, record_set, writers.
 */
#ifndef CORE_LEDGER_LEDGER_BUNDLE_H
#define CORE_LEDGER_LEDGER_BUNDLE_H

#include "core/base/err.h"
#include "core/ledger/record_set.h"
#include "core/ledger/writers.h"
#include "core/store/store.h"

/* Fewer unread records than that are read one by one. */
#define LEDGER_BUNDLE_FIRST 64

/*
 * When many of the set's records are unread: find the newest checkpoint by the names of the
 * bundles, and fill the set from its bundle. Nothing is decided by that: a bundle that is not good,
 * or that is not there, is left alone, and the records are read one by one. ERR_STORAGE,
 * ERR_INTERRUPTED, ERR_FAILED.
 */
MUST_CHECK enum err ledger_bundle_read_first(struct store *store, struct record_set *set,
                                             const struct writers *writers);

#endif
