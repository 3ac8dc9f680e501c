/*
 * The read_queue hands out what is to be read: one range at a time to whichever worker asks.
 *
 * Claiming is under one lock and cheap (a stream is also read there, for it comes in order);
 * reading, hashing and all else happen outside of it. Files that the parent has unchanged are
 * inherited without being read. When the last range of a file is released, it is looked at once
 * more: what changed while it was read is marked and said.
 * Uses: core, source, spool, parent.
 */
#ifndef SNAPSHOT_BACKUP_READ_QUEUE_H
#define SNAPSHOT_BACKUP_READ_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "snapshot/backup/parent.h"
#include "snapshot/backup/spool.h"
#include "snapshot/format/progress.h"
#include "snapshot/source/source.h"

#define READ_RANGE_LEN MIB
#define READ_RANGE_BLOCKS_MAX (READ_RANGE_LEN >> 16) /* of 64 KiB, the smallest that is cut */

struct read_queue;
struct reading; /* one open file, held by its ranges */

struct read_range {
    struct reading *file;
    uint64_t offset; /* in the file; a multiple of its block size */
    size_t len;
    size_t block_len;
    uint64_t slot; /* the first block's row in the spool */
    bool differs;  /* the worker's word: a block is not the parent's */
};

struct read_queue_options {
    struct source *source; /* borrowed, as all here */
    struct spool *spool;
    const struct parent *parent; /* NULL: a full base */
    bool read_all;
    struct progress *progress;
};

MUST_CHECK enum err read_queue_new(const struct read_queue_options *options,
                                   struct read_queue **out);
void read_queue_free(struct read_queue *queue);

/* The next range; *more is false when there is none left. `buffer` (READ_RANGE_LEN) is filled
 * at once for a stream. Give each range back with read_queue_release(). ERR_FAILED: a file or the
 * source cannot be read, a tar ends early; ERR_STORAGE: the state directory is full; then nothing
 * was taken, and the backup is over. */
MUST_CHECK enum err read_queue_take(struct read_queue *queue, uint8_t *buffer,
                                    struct read_range *out, bool *more);
/* Fill `buffer` with the range's content (already done for a stream). What the file lost in the
 * meantime reads as zeros, and the file is marked as changed. */
MUST_CHECK enum err read_queue_read(struct read_queue *queue, const struct read_range *range,
                                    uint8_t *buffer);
/* The parent's rows of the same blocks, as far as they are comparable: *count of them. */
MUST_CHECK enum err read_queue_parent_rows(const struct read_queue *queue,
                                           const struct read_range *range, uint8_t *rows,
                                           size_t *count);
MUST_CHECK enum err read_queue_release(struct read_queue *queue, struct read_range *range);

/* When all is read. */
struct read_queue_totals {
    uint64_t files; /* of type file, hard links too */
    uint64_t bytes;
    uint64_t rows; /* of the block map */
    struct snapshot_attention attention;
};
void read_queue_totals(const struct read_queue *queue, struct read_queue_totals *out);

#endif
