/*
 * Files, whole and safe: read with a cap, replace atomically, make and remove trees.
 *
 * A full disk is ERR_STORAGE everywhere. After a failed write or read errno is still its cause.
 * Uses: core/base.
 */
#ifndef CORE_FS_FILE_H
#define CORE_FS_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/* Append the whole of a regular file to `to`, at most to->max bytes. ERR_NOT_FOUND: no such file;
 * ERR_FAILED: cannot be read, no regular file, or longer than the cap. After a failure `to` holds
 * what it held before. */
MUST_CHECK enum err file_read(const char *path, struct buf *to);

/* Replace `path` by a file of `mode` with this content: temporary beside it, fsync, rename, fsync
 * of the folder. After any failure or crash the old file or the new one is there, whole. */
MUST_CHECK enum err file_replace(const char *path, struct bytes content, mode_t mode);

/* As file_replace, but never over an existing file (link). ERR_EXISTS. After a failure there is
 * no file. */
MUST_CHECK enum err file_create(const char *path, struct bytes content, mode_t mode);

/* Remove the temporaries that killed runs of the two above left beside `path`. The caller knows
 * that no other run writes `path` now. */
MUST_CHECK enum err file_sweep(const char *path);

/* Write all / exactly `len` bytes read at `offset` (*got tells less at the end of the file). */
MUST_CHECK enum err file_write(int fd, struct bytes what);
MUST_CHECK enum err file_write_at(int fd, struct bytes what, uint64_t offset);
MUST_CHECK enum err file_read_at(int fd, void *to, size_t len, uint64_t offset, size_t *got);

/* An unnamed file in `dir`, 0600, for reading and writing: gone when it is closed. Also on file
 * systems that know no unnamed files (NFS, FUSE). */
MUST_CHECK enum err file_temporary(const char *dir, int *fd);

/* fsync of a folder, so that names made or removed in it last. */
MUST_CHECK enum err file_sync_dir(const char *dir);

/* mkdir -p; the folders made have `mode` (less the umask); the parent of each is synced. */
MUST_CHECK enum err file_make_dirs(const char *dir, mode_t mode);

/* rm -rf without following links; a missing path is done already. Of any depth. */
MUST_CHECK enum err file_remove_tree(const char *path);
/* The same for `name` in an open folder. */
MUST_CHECK enum err file_remove_tree_at(int folder, const char *name);

bool file_exists(const char *path); /* a dangling link is there, too */

/* True when the folder at `path` is the one at `folder` or lies below it, by whatever names. False
 * also when one of them is not there, or cannot be looked at. */
bool file_is_within(const char *path, const char *folder);

/* "<dir>/<name>" as a fresh string. */
MUST_CHECK enum err file_join(const char *dir, const char *name, char **out);

#endif
