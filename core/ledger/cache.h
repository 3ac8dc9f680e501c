/*
 * Records that were checked once, kept in the state directory: one file that only grows, for
 * records are immutable.
 *
 * It is trusted because only its owner may write it; each record's id is computed again, and the
 * chain checked again, whenever it is used. Losing it costs a reading of the store, nothing else:
 * nothing here is synced to disk, and a torn end is dropped. The payloads of an open ledger are
 * read from it: a file that is renewed is another one, and who has the old one open goes on with
 * that. Uses: core/base, record, record_set.
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
    uint64_t size;          /* as it was opened */
    uint64_t good;          /* its sound length */
    bool torn;              /* there are bytes after that */
    bool renew;             /* not to be used: others may write it, or most of it is of no use */
    size_t used;            /* records that went into the set */
    struct record_set gone; /* owned: records of the file that the store does not list any more, or
                             * in whose place it has another one, as far as size and id tell */
};

void cache_clear(struct cache *c);

/* Open it as `home`, which is none before, and fill the entries of a sorted set whose record is in
 * it with the listed size. A damaged cache is not a failure. */
MUST_CHECK enum err cache_read(const char *path, struct record_home *home, struct record_set *set,
                               struct cache *out);

/* The same when all records of the set were read from the store: what is gone, and which of them
 * the cache has, which are then FROM_CACHE, for cache_write(). With out->renew, it is kept. */
void cache_compare(const char *path, struct record_home *home, struct record_set *set,
                   struct cache *out);

/* Append the records that came from the store, which then are at home there; with `renew`, write
 * the file again with all of them. ERR_FAILED, ERR_STORAGE: it could not be written; the file may
 * have a torn end then, and the records stay where they were. */
MUST_CHECK enum err cache_write(const char *path, const struct cache *found,
                                struct record_home *home, struct record_set *set);

/* Append one record, which then is at home there. Errors as cache_write(). */
MUST_CHECK enum err cache_add(const char *path, struct record_home *home, struct record *r);

#endif
