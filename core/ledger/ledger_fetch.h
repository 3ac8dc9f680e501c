/*
 * Collects all records of a store: from the listing, the cache, the store, and the newest
 * checkpoint's bundle. Nothing is validated here; forged and foreign records are collected too.
 *
 * Uses: core/base, core/store, cache, checkpoint, record_set.
 */
#ifndef CORE_LEDGER_LEDGER_FETCH_H
#define CORE_LEDGER_LEDGER_FETCH_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/ledger/cache.h"
#include "core/ledger/checkpoint.h"
#include "core/ledger/record_set.h"
#include "core/store/store.h"

/* Only the names: writer, seq and size of every entry, sorted. ERR_CORRUPT: something in the
 * directory does not have the name of a record, or is too large for one. */
MUST_CHECK enum err ledger_fetch_names(struct store *store, struct record_set *out);

/* Read one record that was listed. ERR_CORRUPT: it does not parse, or is the record of another
 * place; ERR_UNSUPPORTED: written by a newer release; ERR_STORAGE: it cannot be read. */
MUST_CHECK enum err ledger_fetch_record(struct store *store, struct record_entry *entry);

/*
 * Everything. `cache_path` may be NULL; *cache says what was found there. *cover is the
 * newest checkpoint, not to be trusted before the set is validated, and borrows from the set. Its
 * bundle is read when a record is missing, or when `read_bundle` says so.
 */
MUST_CHECK enum err ledger_fetch(struct store *store, const char *cache_path, bool read_bundle,
                                 struct record_set *out, struct cache *cache,
                                 struct checkpoint *cover);

#endif
