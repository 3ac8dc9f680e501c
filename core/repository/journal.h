/*
 * The names of what a running write has put, so that a killed one leaves nothing behind.
 *
 * A name is noted before its object is made. When the run's record is in the ledger the journal
 * goes; else its objects do, at the end of the run that failed or at the start of the next.
 * Uses: core/fs, core/ledger, repository.
 */
#ifndef CORE_REPOSITORY_JOURNAL_H
#define CORE_REPOSITORY_JOURNAL_H

#include "core/base/err.h"
#include "core/ledger/record.h"
#include "core/repository/repository.h"

struct journal;

/* The longest id of a run. */
#define JOURNAL_ID_MAX 64

/*
 * Everywhere below `type` says which kind of run it is: of which type the record is that makes what
 * it has put real. Kinds are apart: each has a journal of its own, and the caller holds the lock
 * that lets only one run of the kind write. RECORD_SNAPSHOT: a backup.
 */

/* Finish what earlier runs left: temporaries go; and if the ledger has the record of that run,
 * forget the journal; else remove the objects it names, then the journal. */
MUST_CHECK enum err journal_recover(const struct repository *repository, enum record_type type);
/* The same at the end of the run itself: that it failed is said by its error, not here. */
MUST_CHECK enum err journal_undo(const struct repository *repository, enum record_type type);

/* `id`: what the record will have as its "id". The repository may be freed before the journal. */
MUST_CHECK enum err journal_new(const struct repository *repository, enum record_type type,
                                const char *id, struct journal **out);
/* Any thread. */
MUST_CHECK enum err journal_add(struct journal *j, const char *name);
/* The record is durable: nothing is pending any more. */
MUST_CHECK enum err journal_forget(struct journal *j);
/* Closes; the file stays for journal_recover() unless it was forgotten. */
void journal_free(struct journal *j);

#endif
