/*
 * Metadata between files, entries and libarchive: owner names, xattrs, ACLs, sparse extents.
 *
 * The tar_ files are the only users of libarchive.
 * Uses: core, entry.
 */
#ifndef SNAPSHOT_SOURCE_TAR_META_H
#define SNAPSHOT_SOURCE_TAR_META_H

#include <locale.h>
#include <sys/stat.h>

#include "core/base/err.h"
#include "snapshot/format/entry.h"

struct archive_entry;

/* Reads metadata from the disk; one thread at a time. */
struct tar_meta;
MUST_CHECK enum err tar_meta_new(struct tar_meta **out);
void tar_meta_free(struct tar_meta *m);

/* Fill owner names, xattrs, ACL and (when blocks are missing) extents. `fd` is -1 for what cannot
 * be opened: owner names only. *is_whole is false when the kernel did not give all attributes,
 * which log_say says. */
MUST_CHECK enum err tar_meta_read(struct tar_meta *m, int fd, const struct stat *st,
                                  struct entry *e, bool *is_whole);

/* From an entry to libarchive's, under `path`, and back. `to` and `e` are fresh or reset. */
MUST_CHECK enum err tar_meta_export(const struct entry *e, const char *path,
                                    struct archive_entry *to);
MUST_CHECK enum err tar_meta_import(struct archive_entry *from, struct entry *e);

/* A pax tar has its names in UTF-8, and libarchive converts them from and to the thread's locale:
 * use this one (uselocale) around its calls, then freelocale() it. NULL where there is none; then
 * the locale stays as it is. */
locale_t tar_meta_locale(void);

#endif
