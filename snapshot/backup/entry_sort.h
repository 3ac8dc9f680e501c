/*
 * Entries that came in any order (a tar's) in the order of the index: sorted, of several with one
 * name the last, and with the directories that the tar took for granted.
 *
 * Uses: spool, entry.
 */
#ifndef SNAPSHOT_BACKUP_ENTRY_SORT_H
#define SNAPSHOT_BACKUP_ENTRY_SORT_H

#include "core/base/err.h"
#include "snapshot/backup/spool.h"

/* Paths are held in memory for the sort: no more than this of them. */
#define ENTRY_SORT_LEN_MAX (32 * MIB)

/* How many entries and bytes order_write() will give. ERR_FAILED: too many for the sort; a name
 * that is both a file and a directory; a root that is none; a hard link to nothing. */
MUST_CHECK enum err entry_sort_measure(struct spool *spool, uint64_t *count, uint64_t *len);

typedef enum err entry_sort_sink(void *arg, struct bytes piece);
MUST_CHECK enum err entry_sort_write(struct spool *spool, entry_sort_sink *sink, void *arg);

#endif
