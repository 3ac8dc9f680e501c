/*
 * The members by which ledger records name keys: "masterKey", the version of the master key, and
 * "dataKey". Snapshot, rewrap and keyState records have them (docs/FORMAT.md, 2 and 4.3).
 *
 * Uses: core/ledger, keyring.h.
 */
#ifndef KEYRING_CATALOGUE_RECORD_KEY_H
#define KEYRING_CATALOGUE_RECORD_KEY_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/jdoc.h"
#include "core/ledger/record.h"
#include "keyring/keyring.h"

/* {"provider", "keyId", "keyVersion"} as a member of `to`. */
MUST_CHECK enum err record_key_write_name(const struct key_name *from, const char *member,
                                          struct jdoc *to);
/* "masterKey". ERR_CORRUPT: there is none, or it is not one. */
MUST_CHECK enum err record_key_read_name(const struct record *from, struct key_name *out);

/* "dataKey" as a member of `to`. */
MUST_CHECK enum err record_key_write(const struct data_key *from, struct jdoc *to);
/* The "dataKey" of a snapshot or rewrap record; release it with data_key_clear(). ERR_CORRUPT also
 * when the record's "masterKey" is not the one of the first envelope: what is said must be what is
 * used. */
MUST_CHECK enum err record_key_read(const struct record *from, struct data_key *out);
/* The same of a payload that is parsed already, of a record of this repository. */
MUST_CHECK enum err record_key_read_payload(const struct jdoc *payload,
                                            const uint8_t repository[SEAL_ID_LEN],
                                            struct data_key *out);
/* Its scope alone. */
MUST_CHECK enum err record_key_read_scope(const struct record *from, uint8_t out[SEAL_ID_LEN]);

#endif
