/*
 * Files without their file_reader, made by libarchive: owner, mode, xattrs, ACL, links, size.
 *
 * Content is written afterwards by others; times and modes of directories are set when it is
 * closed. Uses: core, entry, tar_meta.
 */
#ifndef SNAPSHOT_RESTORE_TAR_DISK_H
#define SNAPSHOT_RESTORE_TAR_DISK_H

#include "core/base/err.h"
#include "snapshot/format/entry.h"

struct tar_disk;

/* Owners are set only by root. */
MUST_CHECK enum err tar_disk_new(struct tar_disk **out);

/* Make the entry at `path` (absolute, its directory is there). `first` is the absolute path of a
 * hard link's first name, NULL for all else. What the file system refuses of the metadata is said
 * by log_say and counted by *attention. ERR_STORAGE: full. */
MUST_CHECK enum err tar_disk_make(struct tar_disk *d, const struct entry *e, const char *path,
                                  const char *first, uint64_t *attention);

/* Times and modes of directories, deepest first. */
MUST_CHECK enum err tar_disk_finish(struct tar_disk *d);
void tar_disk_free(struct tar_disk *d);

#endif
