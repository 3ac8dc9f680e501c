/*
 * Records one after another, each its two lines as stored: a checkpoint's bundle and the cache.
 *
 * Uses: core/base.
 */
#ifndef CORE_LEDGER_BUNDLE_H
#define CORE_LEDGER_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/* Where the bytes come from. They are read once, in order. */
struct bundle_source {
    enum err (*read)(void *arg, uint64_t offset, void *to, size_t len);
    void *arg;
    uint64_t size;
};

/* `raw` is two lines, not parsed yet; borrowed during the call. */
typedef enum err bundle_take(void *arg, struct bytes raw);

/*
 * Give each record to `take`. *good is the offset at which the last accepted record ends, on
 * failure too. ERR_CORRUPT: the bytes end in the middle of a record, or one is over RECORD_LEN_MAX.
 */
MUST_CHECK enum err bundle_each(const struct bundle_source *from, bundle_take *take, void *arg,
                                uint64_t *good);

#endif
