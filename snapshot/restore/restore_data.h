/*
 * The content of a restore: planned by object, read and checked by workers, written in place.
 *
 * Uses: core, block_reader, plan, restore_tree.
 */
#ifndef SNAPSHOT_RESTORE_RESTORE_DATA_H
#define SNAPSHOT_RESTORE_RESTORE_DATA_H

#include <stdatomic.h>

#include "core/base/err.h"
#include "snapshot/format/progress.h"
#include "snapshot/read/plan.h"
#include "snapshot/restore/restore_tree.h"

struct restore_data {
    const struct restore_tree *tree; /* borrowed */
    struct progress *progress;       /* or NULL */
    size_t workers;
    atomic_ullong written;
    atomic_ullong read; /* compressed bytes opened */
    struct plan *plan;  /* this file's own, while it runs */
};

/* Write all content that is not there yet. With the tree's delta, blocks that the target has
 * already are found by their digest and left alone. */
MUST_CHECK enum err restore_data_write(struct restore_data *d);

#endif
