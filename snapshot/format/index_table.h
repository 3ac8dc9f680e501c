/*
 * Where the entries of an index begin in its image, by number: found from the directory of a sealed
 * one, or by going through all of a file once. Memory: 24 bytes for each frame, and 4 for each 16
 * entries of the frames that were asked for.
 *
 * Uses: core/base, index_image, entry.
 */
#ifndef SNAPSHOT_FORMAT_INDEX_TABLE_H
#define SNAPSHOT_FORMAT_INDEX_TABLE_H

#include <stdint.h>

#include "core/base/err.h"
#include "snapshot/format/index_image.h"

/* The file table: bytes from `start` to `end` of the image, `count` entries. */
struct index_span {
    uint64_t start, end, count;
};

struct index_table;

/* `image` is borrowed and outlives the table. ERR_CORRUPT: its directory, or where there is none
 * the lengths of its entries, cannot be of this file table. */
MUST_CHECK enum err index_table_new(struct index_image *image, const struct index_span *span,
                                    struct index_table **out);
void index_table_free(struct index_table *t);

/* Of entry `i`, which is less than count: *offset is where the entry `*skip` numbers before it
 * begins. Several threads may. The lengths of all entries from there to `i` are possible ones.
 * ERR_CORRUPT: the frame's entries are not those that the directory says. */
MUST_CHECK enum err index_table_find(struct index_table *t, uint64_t i, uint64_t *offset,
                                     uint32_t *skip);

/* All but the length of a row of the directory. */
void index_table_mark(const struct index_table *t, uint32_t frame, struct index_mark *out);

#endif
