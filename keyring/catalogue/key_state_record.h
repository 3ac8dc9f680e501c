/*
 * The keyState record: what a check found of a master-key version when it changed
 * (docs/FORMAT.md, 4.3).
 *
 *   "masterKey", "verdict", "reason"?, "stateChangedAt"?, "checkedAt"
 *
 * For people, and for the next check to see whether something changed: whether a key may be used
 * is always asked of its provider.
 * Uses: record_key, verdict.
 */
#ifndef KEYRING_CATALOGUE_KEY_STATE_RECORD_H
#define KEYRING_CATALOGUE_KEY_STATE_RECORD_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/jdoc.h"
#include "core/ledger/record.h"
#include "keyring/keyring.h"
#include "keyring/verdict.h"

/* The body of the record that says: at `checked_ms`, `key` was like that. */
MUST_CHECK enum err key_state_record_write(const struct key_name *key,
                                           const struct key_state *state, int64_t checked_ms,
                                           struct jdoc **out);

/* What a finding is compared by: the times are not read. */
struct key_state_record {
    enum verdict verdict;
    char reason[KEY_REASON_MAX]; /* "" when there is none */
    uint64_t generation;         /* of the keyring at that time; 0: not recorded */
};
/* ERR_CORRUPT: "verdict" is missing or none of the three, or "reason" is not one. */
MUST_CHECK enum err key_state_record_read(const struct record *from, struct key_state_record *out);

#endif
