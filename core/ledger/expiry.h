/*
 * What tombstones may end. Root's may end anything. That of a writer with the role retention ends
 * only what had expired when it was made, by its own createdAt and by the clock of whoever reads
 * it, so that the thief of its key removes nothing that was to be kept.
 *
 * What expires is a record with "id" and "expiresAt": a snapshot, a segment of the oplog, a batch.
 * Of several records with one id the latest date counts; no date is never.
 * Uses: core/base, record.
 */
#ifndef CORE_LEDGER_EXPIRY_H
#define CORE_LEDGER_EXPIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/ledger/record.h"

struct expiry {
    const char *subject; /* borrowed from the record */
    bool never;
    int64_t ms;
};

/* Zero-initialised it is empty. */
struct expiries {
    struct expiry *items; /* owned */
    size_t count;
    size_t cap;
};

void expiries_clear(struct expiries *x);

/* A record that cannot expire adds nothing. Borrows from it. */
MUST_CHECK enum err expiries_add(struct expiries *x, const struct record *r);

/* After the last of them. */
void expiries_sort(struct expiries *x);

/*
 * Check a tombstone by a writer. `is_covered`: a checkpoint covers it, so that what it ended may be
 * gone. ERR_CORRUPT: it ends what has not expired, or what is not there; `now_ms` is the reader's
 * clock.
 */
MUST_CHECK enum err expiries_check(const struct expiries *x, const struct record *tombstone,
                                   bool is_covered, int64_t now_ms);

#endif
