/*
 * A snapshot of a small database-like tree, opened for a restore, and an empty directory to restore
 * it to.
 *
 * Uses: snapshot/restore, tests/unit/snapshot/repositories.h.
 */
#ifndef TESTS_UNIT_SNAPSHOT_RESTORE_RESTORE_SCENE_H
#define TESTS_UNIT_SNAPSHOT_RESTORE_RESTORE_SCENE_H

#include "snapshot/restore/restore_target.h"
#include "tests/unit/snapshot/repositories.h"

struct restore_scene {
    struct world w;
    struct snapshot_list c;
    struct snapshot_reader opened;
    struct selection selection;
    struct restore_tree tree;
    struct restore_target t;
};

/* The source has WiredTiger.turtle, a, z and d/f; "target" is the empty directory. `t` is left
 * zero, for the test to begin. */
void make_restore_scene(void **state, struct restore_scene *s);
void clear_restore_scene(struct restore_scene *s);

#endif
