/*
 * Questions to the ledger as a whole: what is live, which envelopes count.
 *
 * Uses: ledger.  Used by: keyring, snapshot.
 */
#ifndef CORE_LEDGER_FOLD_H
#define CORE_LEDGER_FOLD_H

#include <stdbool.h>

#include "core/ledger/ledger.h"

/* A snapshot record is live unless a tombstone names its id ("subject": the 24 hex digits). Every
 * record of another type is live: the fold needs it. */
bool fold_is_live(const struct ledger *l, const struct record *r);

/* The newest rewrap record of a scope, or NULL. */
const struct record *fold_rewrap(const struct ledger *l, const uint8_t scope[SEAL_ID_LEN]);

/* The newest keyState record of a master-key version, or NULL. */
const struct record *fold_key_state(const struct ledger *l, const char *provider,
                                    const char *key_id, const char *version);

#endif
