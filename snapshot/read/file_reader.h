/*
 * The content of one file of an opened snapshot, front to back.
 *
 * Uses: core, block_reader, snapshot_reader.
 */
#ifndef SNAPSHOT_READ_FILE_READER_H
#define SNAPSHOT_READ_FILE_READER_H

#include "core/base/err.h"
#include "snapshot/read/snapshot_reader.h"

struct file_reader; /* scratch and a block reader; one thread */

MUST_CHECK enum err file_reader_new(const struct snapshot_reader *reader, struct file_reader **out);
void file_reader_free(struct file_reader *c);

/* The entry at `path`; of a hard link the one that has the content. ERR_NOT_FOUND. */
MUST_CHECK enum err file_reader_find(struct file_reader *c, struct bytes path, struct entry *out);

typedef enum err file_reader_sink(void *arg, struct bytes piece);
MUST_CHECK enum err file_reader_read(struct file_reader *c, const struct entry *e,
                                     file_reader_sink *sink, void *arg);

#endif
