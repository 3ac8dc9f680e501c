/*
 * The directories of one tree, opened once each and kept open, so that nothing in the tree is
 * reached by a path twice.
 *
 * A tree that somebody else may rename in is safe to work in only by descriptor. A directory is
 * opened from the root, below it and over no symbolic link (openat2; name by name where the kernel
 * has no openat2), and stays open until others are needed more. One thread each.
 * Uses: core/base.
 */
#ifndef CORE_FS_DIR_CACHE_H
#define CORE_FS_DIR_CACHE_H

#include "core/base/err.h"

/* So many stay open. The last DIR_CACHE_KEPT - 1 answers are always among them. */
#define DIR_CACHE_KEPT 16

struct dir_cache;

/* `root` is borrowed. */
MUST_CHECK enum err dir_cache_new(int root, struct dir_cache **out);
void dir_cache_free(struct dir_cache *c);

/* The open directory `path`, relative to the root ("." is the root itself), into *fd: borrowed,
 * good for DIR_CACHE_KEPT - 1 further calls. ERR_FAILED: it cannot be opened, is no directory, or
 * the way there is over a symbolic link; errno says which. */
MUST_CHECK enum err dir_cache_open(struct dir_cache *c, const char *path, int *fd);

/* The directory that `path` lies in, as above, and its name in it, which points into `path`. */
MUST_CHECK enum err dir_cache_at(struct dir_cache *c, const char *path, int *dir,
                                 const char **name);

#endif
