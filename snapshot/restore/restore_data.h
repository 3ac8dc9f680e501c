/*
 * The content of a restore: planned by object, read and checked by workers, written in place.
 *
 * Uses: core, block_reader, plan, restore_tree.
 */
#ifndef SNAPSHOT_RESTORE_RESTORE_DATA_H
#define SNAPSHOT_RESTORE_RESTORE_DATA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "snapshot/format/progress.h"
#include "snapshot/read/plan.h"
#include "snapshot/restore/restore_tree.h"

struct restore_data {
    struct restore_tree *tree; /* borrowed */
    struct progress *progress; /* or NULL */
    size_t workers;
    atomic_ullong written;
    atomic_ullong read;  /* compressed bytes opened */
    uint64_t overwrites; /* delta: files that are there and not as they should be */
    bool is_overwriting; /* delta: the old state may be changed by now */
    struct plan *plan;   /* this and the rest: this file's own, while it runs */
    bool checking;       /* read and compare all, write nothing */
    int64_t compared_s;  /* when the old state began to be compared */
};

/* With delta, before anything is changed: compare the old state, then read every object that is
 * needed and open every block. Changes nothing. ERR_CORRUPT, ERR_NOT_FOUND: names the object, and
 * the file whose block it is; ERR_STORAGE: the store cannot be read. */
MUST_CHECK enum err restore_data_check(struct restore_data *d);

/* Write all content that is not there yet. With the tree's delta, blocks that the target has
 * already, as was found by their digest, are left alone. */
MUST_CHECK enum err restore_data_write(struct restore_data *d);

/* Forget what was found by the check. Done by the write, too. */
void restore_data_clear(struct restore_data *d);

#endif
