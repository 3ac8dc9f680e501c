/*
 * All records of a ledger while they are gathered and judged, in the order of writer and seq.
 *
 * Uses: core/base, record.  Used by: gather, judge, cache.
 */
#ifndef CORE_LEDGER_SHELF_H
#define CORE_LEDGER_SHELF_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/ledger/record.h"

enum shelf_from { FROM_STORE, FROM_CACHE, FROM_BUNDLE };

struct shelf_entry {
    uint8_t writer[SIGNER_ID_LEN];
    uint64_t seq;
    uint64_t size;         /* as listed */
    struct record *record; /* owned; NULL until it is read */
    enum shelf_from from;
};

/* Zero-initialised it is empty. */
struct shelf {
    struct shelf_entry *at; /* owned */
    size_t count;
    size_t room;
};

void shelf_clear(struct shelf *s);

/* Add at the end; shelf_sort() when that was not its place. ERR_CORRUPT: more than
 * LEDGER_RECORDS_MAX. */
MUST_CHECK enum err shelf_add(struct shelf *s, const struct shelf_entry *entry);
void shelf_sort(struct shelf *s);

/* NULL: not there. Only in a sorted shelf. */
struct shelf_entry *shelf_find(const struct shelf *s, const uint8_t writer[SIGNER_ID_LEN],
                               uint64_t seq);

#endif
