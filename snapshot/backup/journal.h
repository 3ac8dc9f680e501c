/*
 * The names of what a running backup has put, so that a killed one leaves nothing behind.
 *
 * A name is noted before its object is made. When the run's record is in the ledger the journal
 * goes; else its objects do, at the end of the run that failed or at the start of the next.
 * Uses: core.
 */
#ifndef SNAPSHOT_BACKUP_JOURNAL_H
#define SNAPSHOT_BACKUP_JOURNAL_H

#include "core/base/err.h"
#include "core/ledger/ledger.h"

struct journal;

/* Finish what earlier runs left: temporaries go; and if the ledger has the record of its snapshot,
 * forget the journal; else remove the objects it names, then the journal. The caller holds the
 * backup lock. */
MUST_CHECK enum err journal_recover(const struct ledger *ledger);
/* The same at the end of the run itself: that it failed is said by its error, not here. */
MUST_CHECK enum err journal_undo(const struct ledger *ledger);

MUST_CHECK enum err journal_new(const struct ledger *ledger, const char *snapshot_id,
                                struct journal **out);
/* Any thread. */
MUST_CHECK enum err journal_add(struct journal *j, const char *name);
/* The record is durable: nothing is pending any more. */
MUST_CHECK enum err journal_forget(struct journal *j);
/* Closes; the file stays for journal_recover() unless it was forgotten. */
void journal_free(struct journal *j);

#endif
