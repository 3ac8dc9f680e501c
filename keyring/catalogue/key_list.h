/*
 * The "dataKeys" of a manifest: of every scope it reads from, each once (docs/FORMAT.md, 5).
 *
 * A list is an array and its count, owned by who has it: key_list_free() releases both the array
 * and what its data keys own.
 * Uses: core/ledger, key_query, rewrap_record.
 */
#ifndef KEYRING_CATALOGUE_KEY_LIST_H
#define KEYRING_CATALOGUE_KEY_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/jdoc.h"
#include "core/ledger/ledger.h"
#include "keyring/keyring.h"

/* More is ERR_CORRUPT: a count is compared before memory is taken for it. */
#define KEY_LIST_MAX 4096

/* As member "dataKeys" of `to`. */
MUST_CHECK enum err key_list_write(const struct data_key *keys, size_t count, struct jdoc *to);

/* Member "dataKeys" of `from`. ERR_CORRUPT: it is no list of data keys of that repository, or a
 * scope has two. On failure *out is untouched. */
MUST_CHECK enum err key_list_read(const struct jdoc *from, const uint8_t repository[SEAL_ID_LEN],
                                  struct data_key **out, size_t *count);
void key_list_free(struct data_key *keys, size_t count);

/* The data key of a scope, or NULL. Borrowed from the list. */
const struct data_key *key_list_find(const struct data_key *keys, size_t count,
                                     const uint8_t scope[SEAL_ID_LEN]);

/* Put the envelopes of each scope's newest rewrap record, if there is one, in place of the
 * manifest's. ERR_CORRUPT: the record does not decode, or commits to another data key; what was
 * replaced before stays so. */
MUST_CHECK enum err key_list_apply_rewraps(const struct ledger *ledger, struct data_key *keys,
                                           size_t count);

#endif
