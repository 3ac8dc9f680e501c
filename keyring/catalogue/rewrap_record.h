/*
 * The rewrap record: new envelopes for a data key; no object is touched (docs/FORMAT.md, 4.3).
 *
 *   "dataKey": same scope and commitment, "masterKey": name of its first envelope,
 *   "replaces": name of the first envelope before
 *
 * Uses: record_key, key_query.
 */
#ifndef KEYRING_CATALOGUE_REWRAP_RECORD_H
#define KEYRING_CATALOGUE_REWRAP_RECORD_H

#include "core/base/err.h"
#include "core/base/jdoc.h"
#include "core/ledger/ledger.h"
#include "keyring/keyring.h"

/* The body of a record by which the envelopes of `fresh` replace those of `old`. */
MUST_CHECK enum err rewrap_record_write(const struct data_key *fresh, const struct data_key *old,
                                        struct jdoc **out);

/* The data key with its new envelopes; release it with data_key_clear(). That its commitment is
 * the old one is for the caller to compare. "replaces" is there for people and not read.
 * ERR_CORRUPT as of record_key_read(). */
MUST_CHECK enum err rewrap_record_read(const struct record *from, struct data_key *out);

/*
 * The newest rewrap record of the data key `of` that is older than `before` (NULL: of all). One
 * that does not decode, or commits to another data key, was signed by a writer gone bad and says
 * nothing. *record is NULL when there is none, and *out as it was; else *out is to be cleared.
 */
MUST_CHECK enum err rewrap_record_find(const struct ledger *l, const struct data_key *of,
                                       const struct record *before, const struct record **record,
                                       struct data_key *out);

#endif
