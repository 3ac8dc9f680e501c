/*
 * Reads the records of a store: names, single records, and many at once. Nothing is validated here;
 * forged and foreign records are read too, and none of them is parsed.
 *
 * Uses: core/base, core/store, record_set.
 */
#ifndef CORE_LEDGER_LEDGER_FETCH_H
#define CORE_LEDGER_LEDGER_FETCH_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/ledger/record_set.h"
#include "core/store/store.h"

/* Only the names: writer, seq and size of every entry, sorted. What does not have the name of a
 * record is none and is passed over; with `warn`, that is said. */
MUST_CHECK enum err ledger_fetch_names(struct store *store, bool warn, struct record_set *out);

/* Read one record that was listed, as record_take() does. ERR_CORRUPT: it is no record, or says to
 * be of another writer; ERR_UNSUPPORTED: written by a newer release; ERR_STORAGE: it cannot be
 * read. */
MUST_CHECK enum err ledger_fetch_record(struct store *store, struct record_entry *entry);

/* The same of all of which nothing is there yet, several at once. Those that are damaged stay
 * without a record. ERR_STORAGE, ERR_INTERRUPTED. */
MUST_CHECK enum err ledger_fetch_records(struct store *store, struct record_set *set);

#endif
