/*
 * Bring all records of a store together: the listing, the cache, the store, the newest checkpoint's
 * bundle. Nothing is validated here; forged and foreign records come along.
 *
 * Uses: core/store, record_set, cache, checkpoint.
 */
#ifndef CORE_LEDGER_LEDGER_FETCH_H
#define CORE_LEDGER_LEDGER_FETCH_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/ledger/cache.h"
#include "core/ledger/checkpoint.h"
#include "core/ledger/record_set.h"
#include "core/store/store.h"

/* Only the names: every entry's writer, seq and size. Sorted. ERR_CORRUPT: a name that is none. */
MUST_CHECK enum err ledger_fetch_names(struct store *store, struct record_set *out);

/* Read one record that was listed. ERR_CORRUPT: also when another's name is inside. */
MUST_CHECK enum err ledger_fetch_record(struct store *store, struct record_entry *entry);

/*
 * Everything. `cache_path` may be NULL; *cache says what was found there. *cover is root's
 * newest checkpoint, not to be believed before the set is validated, and borrows from the set. Its
 * bundle is read when a record is missing, or when `read_bundle` says so.
 */
MUST_CHECK enum err ledger_fetch(struct store *store, const char *cache_path, bool read_bundle,
                                 struct record_set *out, struct cache *cache,
                                 struct checkpoint *cover);

#endif
