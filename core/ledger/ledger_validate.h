/*
 * Checks that fetched records are a ledger: one genesis, every record signed by a key that may sign
 * it, each writer's chain unbroken, nothing missing that a checkpoint does not cover.
 *
 * Every failure names the record. ERR_CORRUPT, or ERR_UNSUPPORTED for what a newer release wrote.
 * Uses: core/base, checkpoint, record_set, writers.
 */
#ifndef CORE_LEDGER_LEDGER_VALIDATE_H
#define CORE_LEDGER_LEDGER_VALIDATE_H

#include "core/base/err.h"
#include "core/ledger/checkpoint.h"
#include "core/ledger/record_set.h"
#include "core/ledger/writers.h"

/* Exactly one genesis record, signed by the key it names; it starts the list of writers. */
MUST_CHECK enum err ledger_validate_genesis(const struct record_set *set, struct writers *writers,
                                            const struct record **genesis);

/* Root's chain, all of whose records are admitted: each is checked and applied in its order. It
 * lacks nothing. */
MUST_CHECK enum err ledger_validate_root(const struct record_set *set, struct writers *writers);

/* All other checks, of records that are admitted. What only a bundle has, and a revocation took
 * back since, is dropped from the set. After ERR_OK the records and `cover` may be trusted. */
MUST_CHECK enum err ledger_validate_chains(struct record_set *set, const struct checkpoint *cover,
                                           struct writers *writers);

#endif
