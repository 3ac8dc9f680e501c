/*
 * All records of a ledger while they are fetched and validated, in the order of writer and seq.
 *
 * Uses: core/base, record.
 */
#ifndef CORE_LEDGER_RECORD_SET_H
#define CORE_LEDGER_RECORD_SET_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/ledger/record.h"

enum record_origin { FROM_STORE, FROM_CACHE, FROM_BUNDLE };

struct record_entry {
    uint8_t writer[SIGNER_ID_LEN];
    uint64_t seq;
    uint64_t size;         /* as listed */
    struct record *record; /* owned; NULL until it is read */
    enum record_origin from;
};

/* Zero-initialised it is empty. */
struct record_set {
    struct record_entry *items; /* owned */
    size_t count;
    size_t cap;
    size_t dropped; /* damaged ones that are missing now: ledger_admit_rest() */
};

void record_set_clear(struct record_set *s);

/* Add at the end, taking entry->record on success; call record_set_sort() if that is not its place.
 * ERR_CORRUPT: more than LEDGER_RECORDS_MAX. */
MUST_CHECK enum err record_set_add(struct record_set *s, const struct record_entry *entry);
void record_set_sort(struct record_set *s);

/* NULL: not there. Only in a sorted set. */
struct record_entry *record_set_find(const struct record_set *s,
                                     const uint8_t writer[SIGNER_ID_LEN], uint64_t seq);

#endif
