/*
 * Whether gathered records are a ledger: one genesis, every record signed by whoever may, each
 * writer's chain unbroken, nothing missing that a checkpoint does not cover.
 *
 * Every failure names the record. ERR_CORRUPT, or ERR_UNSUPPORTED for what a newer release wrote.
 * Uses: shelf, roster, checkpoint.  Used by: ledger.
 */
#ifndef CORE_LEDGER_JUDGE_H
#define CORE_LEDGER_JUDGE_H

#include "core/base/err.h"
#include "core/ledger/checkpoint.h"
#include "core/ledger/roster.h"
#include "core/ledger/shelf.h"

/* Exactly one genesis record, signed by the key it names; it founds the roster. */
MUST_CHECK enum err judge_genesis(const struct shelf *shelf, struct roster *roster,
                                  const struct record **genesis);

/* Puts the record's name in front of the message. */
void judge_note_record(const uint8_t writer[SIGNER_ID_LEN], uint64_t seq);

/* Only root's checkpoints cover what is missing: a writer's could hide its own revocation. Another
 * one is cleared. */
void judge_cover(const struct roster *roster, struct checkpoint *cover);

/* All the rest. After ERR_OK `cover` may be believed, too. */
MUST_CHECK enum err judge_chains(const struct shelf *shelf, const struct checkpoint *cover,
                                 struct roster *roster);

#endif
