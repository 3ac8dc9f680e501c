/*
 * Files: read with a cap, replaced atomically; directory trees made and removed.
 *
 * A full disk or an exceeded quota is ERR_STORAGE everywhere, any other failure ERR_FAILED unless a
 * function says otherwise. After a failed write or read, errno still has its cause.
 * Uses: core/base.
 */
#ifndef CORE_FS_FILE_H
#define CORE_FS_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/* Append a whole regular file to `to`, at most to->max bytes. ERR_NOT_FOUND: no such file;
 * ERR_FAILED: it cannot be read, is not a regular file, or is longer than the cap. On failure `to`
 * is as it was. */
MUST_CHECK enum err file_read(const char *path, struct buf *to);
/* The same for `name` in an open directory; a link is not followed, but ERR_FAILED. */
MUST_CHECK enum err file_read_at_name(int directory, const char *name, struct buf *to);

/* Replace `path` by a file of `mode` with this content: temporary beside it, fsync, rename, fsync
 * of the directory. After any failure or crash either the old file or the new one is there,
 * complete. */
MUST_CHECK enum err file_replace(const char *path, struct bytes content, mode_t mode);
/* The same for `name` in an open directory. */
MUST_CHECK enum err file_replace_at(int directory, const char *name, struct bytes content,
                                    mode_t mode);

/* As file_replace, but never over an existing file. ERR_EXISTS. After a failure there is
 * no file. */
MUST_CHECK enum err file_create(const char *path, struct bytes content, mode_t mode);
/* The same for `name` in an open directory. */
MUST_CHECK enum err file_create_at(int directory, const char *name, struct bytes content,
                                   mode_t mode);

/* Remove the temporaries that killed runs of the two functions above left beside `path`. The caller
 * ensures, with a lock, that no other run is writing `path`. */
MUST_CHECK enum err file_sweep(const char *path);
MUST_CHECK enum err file_sweep_at(int directory, const char *name);

/* Write all of `what`, or read `len` bytes at `offset`; *got is less than `len` only at the end of
 * the file. */
MUST_CHECK enum err file_write(int fd, struct bytes what);
MUST_CHECK enum err file_write_at(int fd, struct bytes what, uint64_t offset);
MUST_CHECK enum err file_read_at(int fd, void *to, size_t len, uint64_t offset, size_t *got);

/* An unnamed file in `dir`, mode 0600, for reading and writing; it is gone when *fd is closed.
 * Works on file systems without O_TMPFILE too (NFS, FUSE). */
MUST_CHECK enum err file_temporary(const char *dir, int *fd);

/* fsync of a directory, so that names made or removed in it last. */
MUST_CHECK enum err file_sync_dir(const char *dir);

/* mkdir -p; the directories made have `mode` (less the umask); the parent of each is synced. */
MUST_CHECK enum err file_make_dirs(const char *dir, mode_t mode);

/* Whether `name` in `dir` ("": dir itself) is where something is mounted, also a bind mount from
 * the same file system, or is on another device than `above`, as a subvolume is. What is not there
 * is not; what cannot be looked at is. A link is not followed. */
bool file_is_mount_point(int dir, const char *name, dev_t above);

/* Remove a tree of any depth, or a file, without following links. A missing path is no error.
 * ERR_FAILED: also when something is mounted in it; what was removed before is gone then. */
MUST_CHECK enum err file_remove_tree(const char *path);
/* The same for `name` in an open directory. */
MUST_CHECK enum err file_remove_tree_at(int directory, const char *name);

/* Is `name`, relative to the open directory `at`, the open file or directory `fd` (still)? */
bool file_is_still_there(int at, const char *name, int fd);

bool file_exists(const char *path); /* true for a dangling link as well */

/* True when the directory `path` is `directory` or lies below it, whatever names lead there. False
 * as well when one of them does not exist or cannot be examined. */
bool file_is_within(const char *path, const char *directory);
/* The same for a `path` relative to an open directory; and the other way round. */
bool file_is_within_at(int at, const char *path, const char *directory);
bool file_holds(int directory, const char *path);

/* "<dir>/<name>" as a fresh string. */
MUST_CHECK enum err file_join(const char *dir, const char *name, char **out);

#endif
