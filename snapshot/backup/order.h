/*
 * Entries that came in any order (a tar's) in the order of the index: sorted, of several with one
 * name the last, and with the folders that the tar took for granted.
 *
 * Uses: spool, entry.  Used by: image.
 */
#ifndef SNAPSHOT_BACKUP_ORDER_H
#define SNAPSHOT_BACKUP_ORDER_H

#include "core/base/err.h"
#include "snapshot/backup/spool.h"

/* Paths are held in memory for the sort: no more than this of them. */
#define ORDER_LEN_MAX (32 * MIB)

/* How many entries and bytes order_write() will give. ERR_FAILED: too many for the sort; a name
 * that is both a file and a folder; a root that is none; a hard link to nothing. */
MUST_CHECK enum err order_measure(struct spool *spool, uint64_t *count, uint64_t *len);

typedef enum err order_sink(void *arg, struct bytes piece);
MUST_CHECK enum err order_write(struct spool *spool, order_sink *sink, void *arg);

#endif
