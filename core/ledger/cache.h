/*
 * What was checked once, kept in the state directory, for records are immutable: one file of
 * records that only grows.
 *
 * It is trusted because only its owner may write it; each record's id is computed again, and the
 * chain checked again, whenever it is used. Losing it costs a reading of the store, nothing else:
 * nothing here is synced to disk, and a torn end is dropped.
 * Uses: core/base, core/fs, bundle, record_set.
 */
#ifndef CORE_LEDGER_CACHE_H
#define CORE_LEDGER_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/ledger/record_set.h"

/* How the file was found. */
struct cache {
    uint64_t good; /* its sound length */
    bool torn;     /* there is more behind that */
    bool renew;    /* not to be used: others may write it, or most of it is of no use */
    size_t used;   /* records that went into the set */
};

/* Fill the entries of a sorted set whose record is in the cache with the listed size. Whatever is
 * wrong with the cache is no failure. */
MUST_CHECK enum err cache_read(const char *path, struct record_set *set, struct cache *out);

/* Add what came from the store; for `renew`, everything. */
MUST_CHECK enum err cache_write(const char *path, const struct cache *found,
                                const struct record_set *set);

/* Add one record. */
MUST_CHECK enum err cache_add(const char *path, const struct record *r);

#endif
