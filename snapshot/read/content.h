/*
 * The content of one file of an opened snapshot, front to back.
 *
 * Uses: core, opened.  Used by: browse, tar_export.
 */
#ifndef SNAPSHOT_READ_CONTENT_H
#define SNAPSHOT_READ_CONTENT_H

#include "core/base/err.h"
#include "snapshot/read/opened.h"

struct content; /* scratch and a block reader; one thread */

MUST_CHECK enum err content_new(const struct opened *o, struct content **out);
void content_free(struct content *c);

/* The entry at `path`; of a hard link the one that has the content. ERR_NOT_FOUND. */
MUST_CHECK enum err content_find(struct content *c, struct bytes path, struct entry *out);

typedef enum err content_sink(void *arg, struct bytes piece);
MUST_CHECK enum err content_read(struct content *c, const struct entry *e, content_sink *sink,
                                 void *arg);

#endif
