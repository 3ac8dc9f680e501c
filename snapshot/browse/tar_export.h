/*
 * A snapshot as a POSIX pax tar, written by libarchive.
 *
 * Uses: core, file_reader, selection, tar_meta.
 */
#ifndef SNAPSHOT_BROWSE_TAR_EXPORT_H
#define SNAPSHOT_BROWSE_TAR_EXPORT_H

#include "core/base/err.h"
#include "snapshot/read/snapshot_reader.h"

/* Files at or below one of `only` (NULL: all) to a descriptor, in walk order, names relative.
 * ERR_NOT_FOUND: a path of `only` is not there. */
MUST_CHECK enum err tar_export(const struct snapshot_reader *from, const char *const *only, int fd);

#endif
