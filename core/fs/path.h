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

/* Relative, no empty part, no "." or "..", no NUL, at most PATH_LEN_MAX bytes. ERR_CORRUPT. */
MUST_CHECK enum err path_check(struct bytes path);

/* The order of a sorted depth-first walk: bytewise, with '/' before every other byte. */
int path_compare(struct bytes a, struct bytes b);

/* True when `path` is `dir` or lies below it; everything lies below "". */
bool path_is_within(struct bytes path, struct bytes dir);

#endif
