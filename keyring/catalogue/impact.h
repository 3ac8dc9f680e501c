/*
 * Which live records need which master-key version, after all rewraps.
 *
 * A snapshot reads from its own scope and its ancestors'; it needs the version of each.
 * Uses: core/ledger, lineage, live_scopes, keyring.h.
 */
#ifndef KEYRING_CATALOGUE_IMPACT_H
#define KEYRING_CATALOGUE_IMPACT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/ledger/ledger.h"
#include "keyring/keyring.h"

/* A master-key version that something live needs. */
struct needed_key {
    struct key_name key;
    size_t scopes; /* live scopes whose first envelope is by it */
};
struct needed_keys {
    struct needed_key *items; /* in order of first use; owned */
    size_t count;
};
MUST_CHECK enum err needed_keys_read(const struct ledger *l, struct needed_keys *out);
void needed_keys_clear(struct needed_keys *n);

/* A live record that cannot be restored by its first envelopes without the version. */
struct impact_item {
    const struct record *record; /* a live snapshot, later an oplog segment */
    bool has_other; /* every envelope by the version has a sibling by another key: --envelope */
};
struct impact {
    struct impact_item *items; /* oldest first; owned */
    size_t count;
};
MUST_CHECK enum err impact_of(const struct ledger *l, const struct key_name *key,
                              struct impact *out);
void impact_clear(struct impact *i);

#endif
