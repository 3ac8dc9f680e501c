/*
 * What the ledger says of keys, newest first: which envelopes count, what the last check found.
 *
 * Uses: core/ledger, record_key.
 */
#ifndef KEYRING_CATALOGUE_KEY_QUERY_H
#define KEYRING_CATALOGUE_KEY_QUERY_H

#include <stdint.h>

#include "core/ledger/ledger.h"
#include "keyring/keyring.h"

/* The newest rewrap record of a scope that is older than `before` (NULL: of all), or NULL. One
 * without a readable scope is of none. Borrowed from the ledger. */
const struct record *key_query_rewrap(const struct ledger *l, const uint8_t scope[SEAL_ID_LEN],
                                      const struct record *before);

/* The newest keyState record of a master-key version, or NULL. Borrowed from the ledger. */
const struct record *key_query_state(const struct ledger *l, const struct key_name *key);

/* The highest generation up to `most` that a keyState record has of that master key's keyring; 0:
 * none has. *above is the newest record that has a higher one, or NULL; borrowed from the ledger.
 */
uint64_t key_query_generation(const struct ledger *l, const char *provider, const char *key_id,
                              uint64_t most, const struct record **above);

/* The ledger as a witness against old copies of a keyring; it holds as long as the ledger. */
struct keyring_witness key_query_witness(const struct ledger *l);

#endif
