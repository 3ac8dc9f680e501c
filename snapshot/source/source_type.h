/*
 * What a directory is, before any of it is read: a dbpath, a mongodump directory, or neither.
 *
 * A mount point whose disk is not mounted must not become a snapshot of nothing, night after night.
 * Uses: core, dbpath.
 */
#ifndef SNAPSHOT_SOURCE_SOURCE_TYPE_H
#define SNAPSHOT_SOURCE_SOURCE_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

/* As snapshot records name them (docs/FORMAT.md, 4.3). */
#define SOURCE_TYPE_DBPATH "dbpath"
#define SOURCE_TYPE_MONGODUMP "mongodump"
#define SOURCE_TYPE_DIRECTORY "directory"
#define SOURCE_TYPE_TAR "tar"
#define SOURCE_TYPE_STREAM "stream"

/* The type of the directory, and how many warnings were said of it. With `any` true, one of neither
 * kind is SOURCE_TYPE_DIRECTORY, and what would refuse a dbpath that is not whole is a warning.
 * ERR_USAGE: it is empty, not whole, or of neither kind; ERR_FAILED: it cannot be read. */
MUST_CHECK enum err source_type_find(int dir, bool any, const char **type, uint64_t *warned);

#endif
