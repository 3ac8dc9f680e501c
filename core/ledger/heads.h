/*
 * The ends of chains: for each writer the highest record. In JSON, in trust state and checkpoints:
 * "heads": [{"writerId", "seq", "recordId"}], in the order of the writers' ids.
 *
 * Uses: core/base, record.
 */
#ifndef CORE_LEDGER_HEADS_H
#define CORE_LEDGER_HEADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/jdoc.h"
#include "core/ledger/record.h"

/* This many fit into a checkpoint record. */
#define HEADS_MAX 256

struct head {
    uint8_t writer[SIGNER_ID_LEN];
    uint64_t seq;
    uint8_t id[RECORD_ID_LEN];
    int64_t created_ms; /* not in the JSON */
};

/* Zero-initialised it is empty. */
struct heads {
    struct head *items; /* owned, in the order of `writer` */
    size_t count;
    size_t cap;
};

void heads_clear(struct heads *h);

/* NULL: that writer has none. Borrowed until the next raise. */
const struct head *heads_find(const struct heads *h, const uint8_t writer[SIGNER_ID_LEN]);

/* Room for this writer, so that the next heads_raise() of one of its cannot fail. ERR_CORRUPT: that
 * would be more than HEADS_MAX. */
MUST_CHECK enum err heads_reserve(struct heads *h, const uint8_t writer[SIGNER_ID_LEN]);

/* `head` becomes its writer's, unless a higher one is there. */
MUST_CHECK enum err heads_raise(struct heads *h, const struct head *head);
struct head head_of(const struct record *r);

bool heads_equal(const struct heads *a, const struct heads *b);

/* ERR_CORRUPT: malformed, or a writer twice. */
MUST_CHECK enum err heads_read(const struct jdoc *from, struct heads *out);
MUST_CHECK enum err heads_write(const struct heads *from, struct jdoc *to);

#endif
