/*
 * The "dataKeys" of a manifest: of every scope it reads from, each once (docs/FORMAT.md, 5).
 *
 * A list is an array and its count, owned by who has it: key_list_free() releases both the array
 * and what its data keys own.
 * Uses: core/ledger, rewrap_record.
 */
#ifndef KEYRING_CATALOGUE_KEY_LIST_H
#define KEYRING_CATALOGUE_KEY_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/jdoc.h"
#include "core/ledger/ledger.h"
#include "keyring/keyring.h"

/* Data keys, and their envelopes all together. More is ERR_CORRUPT. */
#define KEY_LIST_MAX 512
#define KEY_LIST_ENVELOPES_MAX 1024

/* The list grows by the item `from`. ERR_CORRUPT: it is no data key of that repository, its scope
 * has one already, or there are too many. On failure the list is as it was. */
MUST_CHECK enum err key_list_add(const struct jdoc *from, const uint8_t repository[SEAL_ID_LEN],
                                 struct data_key **keys, size_t *count);
size_t key_list_envelopes(const struct data_key *keys, size_t count);
void key_list_free(struct data_key *keys, size_t count);

/* The data key of a scope, or NULL. Borrowed from the list. */
const struct data_key *key_list_find(const struct data_key *keys, size_t count,
                                     const uint8_t scope[SEAL_ID_LEN]);

/* Put the envelopes of each data key's newest rewrap record (rewrap_record_find()), if there is
 * one, in place of the manifest's: those are what it is wrapped by now. */
MUST_CHECK enum err key_list_apply_rewraps(const struct ledger *ledger, struct data_key *keys,
                                           size_t count);

#endif
