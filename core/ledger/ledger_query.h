/*
 * Queries over the whole ledger: which snapshots are live, which rewrap and keyState records are
 * newest.
 *
 * Uses: ledger.
 */
#ifndef CORE_LEDGER_LEDGER_QUERY_H
#define CORE_LEDGER_LEDGER_QUERY_H

#include <stdbool.h>

#include "core/ledger/ledger.h"

/* A snapshot record is live unless a tombstone names its id ("subject": the 24 hex digits). Every
 * record of another type is live: reading the ledger needs it. */
bool ledger_query_is_live(const struct ledger *l, const struct record *r);

/* The newest rewrap record of a scope, or NULL. */
const struct record *ledger_query_rewrap(const struct ledger *l, const uint8_t scope[SEAL_ID_LEN]);

/* The newest keyState record of a master-key version, or NULL. */
const struct record *ledger_query_key_state(const struct ledger *l, const char *provider,
                                            const char *key_id, const char *version);

#endif
