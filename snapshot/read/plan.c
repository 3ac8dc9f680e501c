#include "snapshot/read/plan.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/mem.h"

/*
 * The plan of a plan.
 *
 * What is wanted comes ordered by file, and is to be read ordered by object, and there may be more
 * blocks than fit in memory. A counting sort by object, cut into rounds, needs no more than one
 * number an object and the items of one round:
 *
 *   plan_new()     one walk that only counts: how many items each object has
 *   plan_round()   takes the next objects as long as the sum of their counts fits
 *                  PLAN_ITEMS_MAX (one object at least, however large), gives each its place in
 *                  `items`, and walks again, keeping those items whose object is of this round
 *   plan_take()    any thread takes the next object of the round and sorts its items by offset,
 *                  so that each segment of the object is opened once
 *
 * Memory is bounded; the price is a walk of the index for every round. Each walk must give the same
 * items: one more than was counted would be written behind the end, so that is asserted; fewer do
 * no harm. plan_round() must not be called while threads still take from the last round.
 */

struct plan {
    plan_walk *walk;
    void *arg;
    uint32_t object_count;
    uint32_t *counts;        /* owned: items of each object, as counted first */
    uint32_t *filled;        /* owned: those of this round that are there */
    size_t *starts;          /* owned: where each object's items begin in this round */
    struct plan_item *items; /* owned */
    size_t item_cap;
    bool counting;
    uint32_t from, to; /* this round's objects */
    atomic_uint next;
};

enum err plan_new(uint32_t object_count, plan_walk *walk, void *arg, struct plan **out)
{
    struct plan *p = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *p, &p));
    p->walk = walk;
    p->arg = arg;
    p->object_count = object_count;
    TRY(mem_new(object_count, sizeof *p->counts, &p->counts));
    TRY(mem_new(object_count, sizeof *p->filled, &p->filled));
    TRY(mem_new(object_count, sizeof *p->starts, &p->starts));
    p->counting = true;
    TRY(walk(arg, p));
    p->counting = false;
    *out = p;
    p = NULL; /* the caller's now */
out:
    plan_free(p);
    return rc;
}

void plan_free(struct plan *p)
{
    if (p == NULL)
        return;
    mem_free(p->counts);
    mem_free(p->filled);
    mem_free(p->starts);
    mem_free(p->items);
    mem_free(p);
}

enum err plan_want(struct plan *p, uint32_t object, const struct plan_item *item)
{
    if (p->counting) {
        if (p->counts[object] == UINT32_MAX)
            return err_set(ERR_CORRUPT, "more blocks in object %" PRIu32 " than it can hold",
                           object);
        p->counts[object]++;
    } else if (object >= p->from && object < p->to) {
        /* A walk that says more than it counted would write behind the end. */
        assert(p->filled[object] < p->counts[object]);
        p->items[p->starts[object] + p->filled[object]++] = *item;
    }
    return ERR_OK;
}

/* As many objects as fit, one at least. */
static size_t choose_objects(struct plan *p)
{
    size_t sum = 0;

    p->from = p->to;
    for (; p->to < p->object_count; p->to++) {
        if (sum > 0 && sum + p->counts[p->to] > PLAN_ITEMS_MAX)
            break;
        p->starts[p->to] = sum;
        sum += p->counts[p->to];
    }
    return sum;
}

enum err plan_round(struct plan *p, bool *more)
{
    size_t count;
    enum err rc = ERR_OK;

    *more = p->to < p->object_count;
    if (!*more)
        goto out;
    count = choose_objects(p);
    if (count > p->item_cap) {
        TRY(mem_resize(count, sizeof *p->items, &p->items));
        p->item_cap = count;
    }
    TRY(p->walk(p->arg, p));
    atomic_store(&p->next, p->from);
out:
    return rc;
}

static int by_offset(const void *a, const void *b)
{
    const struct plan_item *x = a;
    const struct plan_item *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

bool plan_take(struct plan *p, uint32_t *object, struct plan_item **items, size_t *count)
{
    for (;;) {
        uint32_t i = atomic_fetch_add(&p->next, 1);

        if (i >= p->to)
            return false;
        if (p->filled[i] == 0)
            continue;
        *object = i;
        *count = p->filled[i];
        *items = p->items + p->starts[i];
        qsort(*items, *count, sizeof **items, by_offset);
        return true;
    }
}
