/*
 * A list as JSON, in Atlas's form, written as it comes: {"format": 1, "totalCount": N, "results":
 * […]}. Who reads it as a stream knows first how much comes; so it is counted before.
 *
 * Uses: core/base, print.
 */
#ifndef CLI_LIST_H
#define CLI_LIST_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/jdoc.h"

#define LIST_FORMAT 1

struct list {
    uint64_t total; /* what was announced */
    uint64_t count;
};

/* `total` items will follow. */
void list_begin(struct list *l, uint64_t total);
/* Takes *item and sets it to NULL, on failure too. */
MUST_CHECK enum err list_add(struct list *l, struct jdoc **item);
void list_end(const struct list *l);

#endif
