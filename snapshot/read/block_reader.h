/*
 * Reads single blocks of an opened snapshot, wherever they lie.
 *
 * It keeps the few objects it read last open. One thread each.
 * Uses: core, snapshot_reader, block, codec.
 */
#ifndef SNAPSHOT_READ_BLOCK_READER_H
#define SNAPSHOT_READ_BLOCK_READER_H

#include <stddef.h>

#include "core/base/err.h"
#include "snapshot/format/block.h"
#include "snapshot/read/snapshot_reader.h"

struct block_reader;

/* `reader` is borrowed. ERR_FAILED: no memory. */
MUST_CHECK enum err block_reader_new(const struct snapshot_reader *reader,
                                     struct block_reader **out);
void block_reader_free(struct block_reader *r);

/*
 * The plaintext of a block into exactly `len` bytes at `to`, its digest compared.
 * ERR_CORRUPT: names object, offset and what does not match, or says that the object is missing;
 * ERR_STORAGE: it cannot be read. After each of them `to` holds nothing to be used, and the reader
 * may be asked again.
 */
MUST_CHECK enum err block_reader_read(struct block_reader *r, const struct block *b, void *to,
                                      size_t len);

/* The same for a block that is stored somewhere, of whatever length, only to see that it is whole;
 * *len is how long it was. */
MUST_CHECK enum err block_reader_check(struct block_reader *r, const struct block *b, size_t *len);

#endif
