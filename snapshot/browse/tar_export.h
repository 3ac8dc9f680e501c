/*
 * A snapshot as a POSIX pax tar, written by libarchive.
 *
 * Uses: core, file_reader, selection, tar_meta.
 */
#ifndef SNAPSHOT_BROWSE_TAR_EXPORT_H
#define SNAPSHOT_BROWSE_TAR_EXPORT_H

#include "core/base/err.h"
#include "snapshot/read/selection.h"

/* The files of a selection, which was checked, to a descriptor, in walk order, names relative. */
MUST_CHECK enum err tar_export(const struct selection *of, int fd);

#endif
