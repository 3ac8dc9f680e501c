/*
 * What verify found of each snapshot, kept until all is known: which can be restored whole, and
 * what is damaged of the others.
 *
 * Uses: cli, snapshot/verify.
 */
#ifndef CLI_COMMAND_VERDICTS_H
#define CLI_COMMAND_VERDICTS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/jdoc.h"
#include "snapshot/verify/verify.h"

struct verdicts {
    struct jdoc *json;                 /* owned; an array of those that are not sound */
    struct buf text;                   /* the same for people */
    uint64_t damaged;                  /* how many that are */
    char newest[SNAPSHOT_ID_TEXT + 1]; /* sound one; "" when there is none */
    int64_t newest_ms;
};

/* verdicts_clear() may follow either way. ERR_FAILED: no memory. */
MUST_CHECK enum err verdicts_init(struct verdicts *v);
void verdicts_clear(struct verdicts *v);

/* A verify_each; `arg` is the verdicts. */
MUST_CHECK enum err verdicts_keep(void *arg, const struct verify_verdict *verdict);

/* Prints nothing when all are sound. `sound`: how many are; `all_read`: every block of theirs was
 * read, so that it is sure. */
void verdicts_print(const struct verdicts *v, uint64_t sound, bool all_read);

#endif
