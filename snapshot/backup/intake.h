/*
 * The intake hands out what is to be read: one range at a time to whichever worker asks.
 *
 * Claiming is under one lock and cheap (a stream is also read there, for it comes in order);
 * reading, hashing and all else happen outside of it. Files that the parent has unchanged are
 * inherited without being read. When the last range of a file is released, it is looked at once
 * more: what changed while it was read is marked and said.
 * Uses: core, source, spool, parent.  Used by: backup.
 */
#ifndef SNAPSHOT_BACKUP_INTAKE_H
#define SNAPSHOT_BACKUP_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "snapshot/backup/parent.h"
#include "snapshot/backup/spool.h"
#include "snapshot/format/progress.h"
#include "snapshot/source/source.h"

#define CLAIM_LEN MIB
#define CLAIM_BLOCKS_MAX (CLAIM_LEN >> 16) /* of 64 KiB, the smallest that is cut */

struct intake;
struct reading; /* one open file, held by its claims */

struct claim {
    struct reading *file;
    uint64_t offset; /* in the file; a multiple of its block size */
    size_t len;
    size_t block_len;
    uint64_t slot; /* the first block's row in the spool */
};

struct intake_options {
    struct source *source; /* borrowed, as all here */
    struct spool *spool;
    const struct parent *parent; /* NULL: a full base */
    bool read_all;
    struct progress *progress;
};

MUST_CHECK enum err intake_new(const struct intake_options *options, struct intake **out);
void intake_free(struct intake *in);

/* The next range; *more is false when there is none left. `buffer` (CLAIM_LEN) is filled at once
 * for a stream. Give each claim back with intake_release(). */
MUST_CHECK enum err intake_claim(struct intake *in, uint8_t *buffer, struct claim *out, bool *more);
/* Fill `buffer` with the claim's content (already done for a stream). What the file lost in the
 * meantime reads as zeros, and the file is marked as changed. */
MUST_CHECK enum err intake_read(struct intake *in, const struct claim *c, uint8_t *buffer);
/* The parent's rows of the same blocks, as far as they are comparable: *count of them. */
MUST_CHECK enum err intake_parent_rows(const struct intake *in, const struct claim *c,
                                       uint8_t *rows, size_t *count);
MUST_CHECK enum err intake_release(struct intake *in, struct claim *c);

/* When all is read. */
struct intake_totals {
    uint64_t files; /* of all types */
    uint64_t bytes;
    uint64_t rows; /* of the block map */
    uint64_t attention;
};
void intake_totals(const struct intake *in, struct intake_totals *out);

#endif
