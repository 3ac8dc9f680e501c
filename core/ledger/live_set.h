/*
 * The live records among some that are in the ledger's order, measured as a checkpoint names them:
 * how many, the digest of their ids, size and digest of all their bytes.
 *
 * Uses: core/base, checkpoint, ledger_internal.
 */
#ifndef CORE_LEDGER_LIVE_SET_H
#define CORE_LEDGER_LIVE_SET_H

#include "core/base/err.h"
#include "core/ledger/checkpoint.h"
#include "core/ledger/ledger_internal.h"

/* Fills live_count, live_sha256, bundle_size and bundle_sha256. */
MUST_CHECK enum err live_set_measure(const struct record *const *records, size_t count,
                                     const struct ledger_query *query, struct checkpoint *to);

/*
 * Check that the checkpoint left nothing out: what was live of the records that it saw is what it
 * says. The set is validated. ERR_CORRUPT: it is not.
 */
MUST_CHECK enum err live_set_check(const struct checkpoint *c, const struct record_set *set);

#endif
