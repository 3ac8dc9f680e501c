/*
 * A tree, depth first and sorted, by openat without following links.
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
#define WALK_DEPTH_MAX 100

struct walk;

/* What the walk stands at; borrowed until the next call. */
struct walk_item {
    struct bytes path; /* relative to the root, NUL-terminated; the root itself is "." */
    int dir;           /* descriptor of the folder it lies in */
    const char *name;  /* there */
    struct stat st;    /* of the name itself, not of what a link points to */
    bool vanished;     /* was listed, and was gone when it was looked at; st is not set */
};

/* ERR_NOT_FOUND, ERR_USAGE: not a directory; ERR_FAILED: cannot be read. */
MUST_CHECK enum err walk_open(const char *root, struct walk **out);
void walk_free(struct walk *w);

/* The next item; *more is false at the end. A directory comes before what lies in it; the order
 * is that of path_compare(), the root first. */
MUST_CHECK enum err walk_next(struct walk *w, struct walk_item *item, bool *more);

/* Do not go into the directory that the last item was. */
void walk_skip(struct walk *w);

#endif
