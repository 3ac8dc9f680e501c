/*
 * What people type to name files of a snapshot, resolved into the paths that it has.
 *
 *   journal/  ./journal  /journal    the path journal, and what lies below it
 *   .  /                             everything
 *   *.wt  collection-*               a pattern without a slash: names at any depth
 *   db/c*.wt  /c*.wt                 one with a slash: paths from the top, part by part
 *
 * Patterns are fnmatch(3)'s, byte by byte: * and ? match no slash but a leading dot, [a-z] is a
 * set, a backslash takes the meaning from the next character. What is there under exactly the typed
 * name is that file: a pattern is what no file is called. That others would match is said by
 * log_say. Uses: core, index, path_list.
 */
#ifndef SNAPSHOT_READ_CHOICE_H
#define SNAPSHOT_READ_CHOICE_H

#include <stdbool.h>

#include "core/base/err.h"
#include "snapshot/format/index.h"
#include "snapshot/read/path_list.h"

/*
 * `typed` is NULL-terminated. Into *out, which is empty, go the paths of the snapshot that are
 * meant, but for those that lie below another of them; *all: everything is meant, and *out stays
 * empty.
 * ERR_NOT_FOUND: nothing is called so, or matches; the hint names paths that are near.
 */
MUST_CHECK enum err choice_resolve(const struct index *x, const char *const *typed,
                                   struct path_list *out, bool *all);

/* A path as typed, in the one spelling that a snapshot has, or "." for its root. `typed` is no
 * pattern. */
MUST_CHECK enum err choice_path(const char *typed, struct buf *out);

#endif
