/*
 * The visits of a reader: who looks at a repository now and then wants to hear what was taken away
 * since. The trust state has the heads that its last visit ended with; a report of an earlier
 * visit, perhaps of another machine, has some too.
 *
 * Uses: heads, ledger, trust.
 */
#ifndef CORE_LEDGER_LEDGER_VISIT_H
#define CORE_LEDGER_LEDGER_VISIT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/ledger/heads.h"
#include "core/ledger/ledger.h"

/* The end of every chain now. Borrowed until the next append. */
const struct heads *ledger_visit_heads(const struct ledger *l);

/* Since when this machine knows the repository; 0: since now, or it does not remember. */
int64_t ledger_visit_known_since(const struct ledger *l);

/* Did this record come after those heads, or, with NULL, after the last visit? The first visit has
 * seen everything. */
bool ledger_visit_is_new(const struct ledger *l, const struct heads *since, const struct record *r);

/* Everything that is here was shown to the reader. Failures as of the trust state's raising: a
 * warning, and what was shown is shown once more. */
void ledger_visit_end(struct ledger *l);

#endif
