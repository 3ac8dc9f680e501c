/*
 * Queries over the whole ledger: what is live, which records there are of a type.
 *
 * Uses: ledger.
 */
#ifndef CORE_LEDGER_LEDGER_QUERY_H
#define CORE_LEDGER_LEDGER_QUERY_H

#include <stdbool.h>

#include "core/base/clock.h"
#include "core/ledger/ledger.h"
#include "core/ledger/writers.h"

/* A snapshot that a tombstone names ("subject": the 24 hex digits of its id) is ended: it is listed
 * and restored no more. Nothing else is. */
bool ledger_query_is_ended(const struct ledger *l, const struct record *r);

/* For so long a writer's next rewrap of a data key does not take the place of its last one: who has
 * stolen its key must not bury good envelopes before anybody looks. */
#define LEDGER_REWRAP_TRIAL_MS (7 * CLOCK_DAY_MS)

/* Live is what the ledger must keep: all but
 *  - the records of snapshots that are ended and that no other one descends from ("parent", at any
 *    distance): as long as one does, its blocks may lie in theirs, and who asks for keys must see
 *    theirs;
 *  - a rewrap, when the same writer has signed a later one of that data key, and the newest record
 *    of all is LEDGER_REWRAP_TRIAL_MS younger than that one. */
bool ledger_query_is_live(const struct ledger *l, const struct record *r);

/* The records of one type, oldest first. Borrowed, as of ledger_at(). */
size_t ledger_query_count(const struct ledger *l, enum record_type type);
const struct record *ledger_query_at(const struct ledger *l, enum record_type type, size_t i);

#endif
