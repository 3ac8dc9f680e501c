/*
 * The scopes something live reads from, and the envelopes that count for each.
 *
 * Uses: core/ledger, lineage, record_key, rewrap_record.
 */
#ifndef KEYRING_CATALOGUE_LIVE_SCOPES_H
#define KEYRING_CATALOGUE_LIVE_SCOPES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/ledger/ledger.h"
#include "keyring/keyring.h"

/* One scope something live reads from. Borrowed from the ledger. */
struct live_scope {
    const struct record *record; /* where the data key was made: its first record */
    const struct record *source; /* what holds the envelopes that count: the newest rewrap of that
                                    data key, or `record` itself */
};
struct live_scopes {
    struct live_scope *items; /* oldest first; owned */
    size_t count;
};
/* Every scope that a live snapshot or oplog segment, or an ancestor of one, uses; each once.
 * ERR_CORRUPT: a record without a readable "dataKey". */
MUST_CHECK enum err live_scopes_read(const struct ledger *l, struct live_scopes *out);
void live_scopes_clear(struct live_scopes *s);
/* The scope a record reads from itself, live or not. ERR_CORRUPT as above. */
bool live_scope_has(const struct record *r);
MUST_CHECK enum err live_scope_of(const struct ledger *l, const struct record *r,
                                  struct live_scope *out);
/* The data key with the envelopes that count. */
MUST_CHECK enum err live_scope_key(const struct live_scope *scope, struct data_key *out);

#endif
