/*
 * Walks a directory tree depth first, in sorted order, with openat() and without following links.
 *
 * Uses: core/base.
 */
#ifndef CORE_FS_WALK_H
#define CORE_FS_WALK_H

#include <stdbool.h>
#include <sys/stat.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/* A tree deeper than this is refused: each level holds a descriptor. */
#define WALK_DEPTH_MAX 256

struct walk;

/* One file, directory or other entry; borrowed until the next call. */
struct walk_item {
    struct bytes path; /* relative to the root, NUL-terminated; the root itself is "." */
    int dir;           /* descriptor of the directory it lies in */
    const char *name;  /* in `dir` */
    struct stat st;    /* of the name itself, not of what a link points to */
    bool vanished;     /* listed, but gone when it was examined; st is not set */
};

/* ERR_NOT_FOUND: no such directory; ERR_USAGE: not a directory; ERR_FAILED: cannot be examined. */
MUST_CHECK enum err walk_open(const char *root, struct walk **out);
/* The same for an open directory, which is borrowed; `shown` is what messages call it. */
MUST_CHECK enum err walk_open_at(int directory, const char *shown, struct walk **out);
void walk_free(struct walk *w);

/* The next item; *more is false at the end. A directory comes before its content; the order is that
 * of path_compare(), the root first. ERR_NOT_FOUND: the root is gone; ERR_FAILED: something cannot
 * be read, or is deeper than WALK_DEPTH_MAX. After a failure only walk_free() may follow. */
MUST_CHECK enum err walk_next(struct walk *w, struct walk_item *item, bool *more);

/* Do not descend into the directory that the last call returned. */
void walk_skip(struct walk *w);

#endif
