/*
 * The growing index of a running backup, on disk: entries in the order they come, block rows at
 * the places that their files were given.
 *
 * Workers finish blocks in any order; each row has its place before it is read, so nothing of the
 * block map is ever in memory. Both files are unlinked temporaries of the state directory.
 *
 * Errors of every call: ERR_FAILED: a temporary cannot be made, read or written, or ends early;
 * ERR_STORAGE: the state directory is full. After either the spool is of no further use but to be
 * freed, and nothing of it stays on the disk.
 * Uses: core/base, core/fs, entry, block.
 */
#ifndef SNAPSHOT_BACKUP_SPOOL_H
#define SNAPSHOT_BACKUP_SPOOL_H

#include <stdint.h>

#include "core/base/err.h"
#include "snapshot/format/entry.h"

struct spool;

MUST_CHECK enum err spool_new(const char *dir, struct spool **out);
void spool_free(struct spool *s);

/* Append an entry; one thread at a time. *offset is its place, for spool_mark().
 * ERR_FAILED, too: its metadata is longer than an entry may be. */
MUST_CHECK enum err spool_add(struct spool *s, const struct entry *e, uint64_t *offset);
/* Set a flag (ENTRY_CHANGED, ENTRY_SETTLED) in an entry that is spooled already; not at the same
 * time as spool_add. */
MUST_CHECK enum err spool_mark(struct spool *s, uint64_t offset, uint8_t flag);

/* Rows of the block map; any thread, each row by one. */
MUST_CHECK enum err spool_put_rows(struct spool *s, uint64_t first, const uint8_t *rows,
                                   size_t count);
MUST_CHECK enum err spool_get_rows(struct spool *s, uint64_t first, uint8_t *rows, size_t count);

uint64_t spool_entry_count(const struct spool *s);
uint64_t spool_entries_len(const struct spool *s);
/* Encoded bytes of the entries, for copying or sorting. */
MUST_CHECK enum err spool_read(struct spool *s, uint64_t offset, void *to, size_t len);

#endif
