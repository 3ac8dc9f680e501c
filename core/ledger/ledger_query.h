/*
 * Queries over the whole ledger: what is live, which records there are of a type.
 *
 * Uses: ledger.
 */
#ifndef CORE_LEDGER_LEDGER_QUERY_H
#define CORE_LEDGER_LEDGER_QUERY_H

#include <stdbool.h>

#include "core/ledger/ledger.h"
#include "core/ledger/writers.h"

/* A snapshot record is live unless a tombstone names its id ("subject": the 24 hex digits). Every
 * record of another type is live: reading the ledger needs it. */
bool ledger_query_is_live(const struct ledger *l, const struct record *r);

/* The records of one type, oldest first. Borrowed, as of ledger_at(). */
size_t ledger_query_count(const struct ledger *l, enum record_type type);
const struct record *ledger_query_at(const struct ledger *l, enum record_type type, size_t i);

#endif
