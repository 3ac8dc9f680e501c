/*
 * What to read, ordered by object, so that every segment that is needed is opened once.
 *
 * A plan is made in rounds of at most PLAN_ITEMS_MAX blocks, so that its memory is bounded whatever
 * the snapshot's size: give the numbers of all blocks that are wanted, twice, once to count and
 * once in each round.
 * Uses: core/base.
 */
#ifndef SNAPSHOT_READ_PLAN_H
#define SNAPSHOT_READ_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

#define PLAN_ITEMS_MAX (1024 * 1024) /* 16 MiB of them */

struct plan_item {
    uint64_t offset; /* in the object's plaintext: the order inside one object */
    uint32_t owner;  /* the caller's: a file, an index */
    uint32_t block;  /* the caller's: which block of the owner */
};

struct plan;

/* Calls plan_want() for every block that is wanted, each time in any order. */
typedef enum err plan_walk(void *arg, struct plan *p);

/* Counts: walks once. ERR_FAILED: no memory; else what the walk returned. *out is untouched then.
 */
MUST_CHECK enum err plan_new(uint32_t object_count, plan_walk *walk, void *arg, struct plan **out);
void plan_free(struct plan *p);

/* Only from within a walk; pass on what it returns. `object` is less than object_count.
 * ERR_CORRUPT: 2^32 blocks in one object. */
MUST_CHECK enum err plan_want(struct plan *p, uint32_t object, const struct plan_item *item);

/* Collect the next round; *more is false when nothing is left. All that was taken of the last one
 * must be done with. ERR_FAILED: no memory; else what the walk returned: the plan is of no further
 * use then. */
MUST_CHECK enum err plan_round(struct plan *p, bool *more);

/* An object of this round, by any thread: its sorted items, good until the next round, or false
 * when all were taken. */
bool plan_take(struct plan *p, uint32_t *object, struct plan_item **items, size_t *count);

#endif
