/*
 * What is dead must be so by right, and what is gone must be dead: checks of a set of records whose
 * signatures and chains are good.
 *
 * Uses: core/base, checkpoint, ledger_internal, record_set, writers.
 */
#ifndef CORE_LEDGER_LEDGER_DEAD_H
#define CORE_LEDGER_LEDGER_DEAD_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/ledger/checkpoint.h"
#include "core/ledger/ledger_internal.h"
#include "core/ledger/record_set.h"
#include "core/ledger/writers.h"

/*
 * `gone` are records that this machine has checked before and that the store does not list any
 * more, or has another one in the place of; `query` is of the set. ERR_CORRUPT: a tombstone by a
 * writer ends what has not expired (what it ended may be in `gone`); a record is gone that nothing
 * has ended: the newest checkpoint left it out; or another record, live or not, is in the place of
 * one that was checked before. What a revocation took back was never there.
 */
MUST_CHECK enum err ledger_dead_check(const struct record_set *set, const struct record_set *gone,
                                      const struct writers *writers, const struct checkpoint *cover,
                                      const struct ledger_query *query, int64_t now_ms);

#endif
