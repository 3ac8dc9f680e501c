/*
 * A list as JSON, in Atlas's form, written as it comes: {"format": 1, "results": […],
 * "totalCount": N}. The count stands at the end, so that a list of any length needs no memory.
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
    uint64_t count;
};

void list_begin(struct list *l);
/* Takes *item and sets it to NULL, on failure too. */
MUST_CHECK enum err list_add(struct list *l, struct jdoc **item);
void list_end(const struct list *l);

#endif
