/*
 * Paths of a snapshot, in walk order: those that are left out, those that are damaged.
 *
 * Uses: core/base, core/fs/path.
 */
#ifndef SNAPSHOT_READ_PATH_LIST_H
#define SNAPSHOT_READ_PATH_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/* Ready for use when zero-initialised; released with path_list_clear(). */
struct path_list {
    struct buf text; /* each with its NUL */
    size_t *starts;  /* owned */
    size_t count;
    size_t cap;
};

/* `path` comes behind all others in path_compare()'s order. ERR_FAILED: no memory. */
MUST_CHECK enum err path_list_add(struct path_list *l, struct bytes path);
void path_list_clear(struct path_list *l);

const char *path_list_at(const struct path_list *l, size_t i); /* borrowed */
bool path_list_has(const struct path_list *l, struct bytes path);
/* `path` or a directory above it is in the list; a path below `path` is. */
bool path_list_covers(const struct path_list *l, struct bytes path);
bool path_list_reaches(const struct path_list *l, struct bytes path);
/* How many of them come before `path`: the place where it is, or would be. */
size_t path_list_before(const struct path_list *l, struct bytes path);

#endif
