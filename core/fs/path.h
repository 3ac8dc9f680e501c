/*
 * Relative paths from outside: checked before any system call sees them.
 *
 * Uses: core/base.
 */
#ifndef CORE_FS_PATH_H
#define CORE_FS_PATH_H

#include <stdbool.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

#define PATH_LEN_MAX 4095
#define PATH_PART_MAX 255 /* of one name in it: no file system here takes a longer one */

/* ERR_CORRUPT unless `path` is relative, has no empty part, no "." or "..", no NUL, and at most
 * PATH_LEN_MAX bytes. */
MUST_CHECK enum err path_check(struct bytes path);

/* The order of a sorted depth-first walk: by byte, with '/' before every other byte. Less than,
 * equal to or greater than 0. */
int path_compare(struct bytes a, struct bytes b);

/* Of an absolute path, in place: without "//", "/./" and a "/" at the end, which mean nothing. ".."
 * stays: behind a link it does not lead back. */
void path_tidy(char *path);

/* True when `path` is `dir` or lies below it; everything lies below "". */
bool path_is_within(struct bytes path, struct bytes dir);

#endif
