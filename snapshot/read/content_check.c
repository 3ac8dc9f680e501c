#include "snapshot/read/content_check.h"

#include <stdatomic.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/pool.h"
#include "core/base/stop.h"
#include "snapshot/read/block_reader.h"
#include "snapshot/read/object_check.h"
#include "snapshot/read/plan.h"

#define PLAN_ROWS 256

/*
 * One walk of the selection marks the objects that its blocks lie in; they are looked at by workers
 * (presence, size, with CONTENT_ALL the digest). Then the blocks in the objects that are there are
 * planned by object, opened and compared. With `to` a failure is said once for an object and kept;
 * without, the first one ends it all.
 */
struct checker {
    const struct content_check *check;
    const struct snapshot_reader *from;
    struct store *store;
    struct soundness *to; /* borrowed; NULL: the first failure is returned */
    uint8_t *needed;      /* owned; a byte for each object, 1 when it is */
    uint8_t *said;        /* owned; a byte for each object: only its worker looks at it */
    struct plan *plan;
    uint8_t *rows;        /* owned, PLAN_ROWS of them */
    struct entry scratch; /* owned */
    bool read_objects;    /* this pass of check_objects() */
    atomic_size_t next;
    atomic_ullong damaged;
};

static void checker_clear(struct checker *c)
{
    plan_free(c->plan);
    mem_free(c->needed);
    mem_free(c->said);
    mem_free(c->rows);
    entry_clear(&c->scratch);
}

static enum err checker_init(struct checker *c, const struct snapshot_reader *from)
{
    enum err rc;

    c->from = from;
    c->store = from->store;
    entry_init(&c->scratch);
    TRY(mem_new(from->manifest.object_count, 1, &c->needed));
    TRY(mem_new(from->manifest.object_count, 1, &c->said));
    TRY(mem_new(PLAN_ROWS, BLOCK_ROW_LEN, &c->rows));
out:
    return rc;
}

/* Damage of one object is kept and said, once; any other failure is passed on. */
static enum err note_failure(struct checker *c, uint32_t object, enum err rc)
{
    if (c->to == NULL || (rc != ERR_CORRUPT && !object_is_unreadable(c->store, rc)))
        return rc;
    if (!c->said[object]) {
        log_say(LOG_WARN, "%s", err_text());
        atomic_fetch_add(&c->damaged, 1);
    }
    c->said[object] = 1;
    return ERR_OK;
}

/* ---- which objects ---- */

/* A row that is stored: mark its object, or put it into the plan. */
static enum err take_row(struct checker *c, struct plan *plan, uint64_t number, const uint8_t *row)
{
    struct plan_item item = {.owner = (uint32_t)(number >> 32), .block = (uint32_t)number};
    struct block b = {0};
    enum err rc;

    TRY(block_decode(row, &b));
    if (b.codec == BLOCK_ZERO)
        goto out;
    item.offset = b.offset;
    if (plan == NULL)
        c->needed[b.object] = 1;
    else if (c->to == NULL || soundness_has_object(c->to, b.object))
        TRY(plan_want(plan, b.object, &item));
out:
    return rc;
}

static enum err take_content(struct checker *c, struct plan *plan, const struct entry *content)
{
    uint64_t blocks = entry_blocks(content);
    enum err rc = ERR_OK;

    for (uint64_t i = 0; i < blocks; i += PLAN_ROWS) {
        size_t count = blocks - i < PLAN_ROWS ? (size_t)(blocks - i) : PLAN_ROWS;
        uint64_t first = content->first_block + i;

        TRY(stop_check());
        TRY(index_rows(c->from->index, first, count, c->rows));
        for (size_t k = 0; k < count; k++)
            TRY(take_row(c, plan, first + k, c->rows + k * BLOCK_ROW_LEN));
    }
out:
    return rc;
}

struct taking {
    struct checker *checker;
    struct plan *plan;
};

static enum err take_entry(void *arg, const struct entry *e)
{
    const struct taking *t = arg;
    const struct entry *content = NULL;
    enum err rc;

    TRY(selection_content(t->checker->check->selection, e, &t->checker->scratch, &content));
    if (content != NULL)
        TRY(take_content(t->checker, t->plan, content));
out:
    return rc;
}

/* The plan's walk; without a plan the objects are marked. */
static enum err take_selection(void *arg, struct plan *plan)
{
    struct taking t = {arg, plan};

    return selection_walk(t.checker->check->selection, take_entry, &t);
}

/* ---- the objects ---- */

static enum err check_objects(void *shared, size_t worker, const atomic_bool *stop)
{
    struct checker *c = shared;
    const struct manifest *m = &c->from->manifest;
    struct object_check *check = NULL;
    size_t i;
    enum err rc;

    (void)worker;
    TRY(object_check_new(c->store, c->check->progress, &check));
    while (!atomic_load(stop) && (i = atomic_fetch_add(&c->next, 1)) < m->object_count) {
        if (!c->needed[i] || c->said[i])
            continue;
        rc = object_check_run(check, &m->objects[i], c->read_objects);
        if (rc == ERR_OK)
            continue;
        TRY(note_failure(c, (uint32_t)i, rc));
        /* Of one that is there but not as it was, each block may still be sound. */
        if (!c->read_objects)
            soundness_lose_object(c->to, (uint32_t)i);
    }
    rc = ERR_OK;
out:
    object_check_free(check);
    return rc;
}

static size_t count_workers(const struct checker *c)
{
    return c->check->workers > 0 ? c->check->workers : pool_processors();
}

static enum err look_at_objects(struct checker *c)
{
    enum err rc;

    TRY(take_selection(c, NULL));
    TRY(pool_run(count_workers(c), check_objects, c));
    if (c->check->depth == CONTENT_ALL) {
        c->read_objects = true;
        atomic_store(&c->next, 0);
        TRY(pool_run(count_workers(c), check_objects, c));
    }
out:
    return rc;
}

/* ---- the blocks ---- */

/* Files may share a row: equal neighbours are read once. */
static enum err open_object_blocks(struct checker *c, struct block_reader *reader, uint32_t object,
                                   const struct plan_item *items, size_t count,
                                   const atomic_bool *stop)
{
    uint64_t last = UINT64_MAX;
    uint8_t row[BLOCK_ROW_LEN];
    struct block b = {0};
    size_t len = 0;
    enum err rc = ERR_OK;

    for (size_t i = 0; i < count && !atomic_load_explicit(stop, memory_order_relaxed); i++) {
        uint64_t number = (uint64_t)items[i].owner << 32 | items[i].block;

        if (number == last)
            continue;
        last = number;
        TRY(stop_check());
        TRY(index_rows(c->from->index, number, 1, row));
        TRY(block_decode(row, &b));
        rc = block_reader_check(reader, &b, &len);
        if (rc != ERR_OK) {
            TRY(note_failure(c, object, rc));
            TRY(soundness_lose_row(c->to, number));
        }
        if (c->check->progress != NULL)
            atomic_fetch_add_explicit(&c->check->progress->done_bytes, b.stored_len,
                                      memory_order_relaxed);
    }
out:
    return rc;
}

static enum err open_blocks(void *shared, size_t worker, const atomic_bool *stop)
{
    struct checker *c = shared;
    struct block_reader *reader = NULL;
    struct plan_item *items = NULL;
    uint32_t object;
    size_t count = 0;
    enum err rc;

    (void)worker;
    TRY(block_reader_new(c->from, &reader));
    while (!atomic_load(stop) && plan_take(c->plan, &object, &items, &count))
        TRY(open_object_blocks(c, reader, object, items, count, stop));
out:
    block_reader_free(reader);
    return rc;
}

static enum err look_at_blocks(struct checker *c)
{
    bool more = true;
    enum err rc;

    TRY(plan_new((uint32_t)c->from->manifest.object_count, take_selection, c, &c->plan));
    for (;;) {
        TRY(plan_round(c->plan, &more));
        if (!more)
            break;
        TRY(pool_run(count_workers(c), open_blocks, c));
    }
out:
    return rc;
}

/* What the bar of progress counts up to: sealed sizes, which blocks come close to. */
static void set_total(const struct checker *c)
{
    const struct manifest *m = &c->from->manifest;
    uint64_t total = 0;

    for (size_t i = 0; i < m->object_count; i++)
        total += c->needed[i] ? m->objects[i].size : 0;
    if (c->check->depth == CONTENT_ALL)
        total *= 2;
    if (c->check->progress != NULL)
        atomic_store(&c->check->progress->total_bytes, total);
}

static enum err run_check(const struct content_check *check, struct soundness *to,
                          uint64_t *damaged)
{
    struct checker c = {.check = check, .to = to};
    enum err rc;

    TRY(checker_init(&c, check->selection->from));
    TRY(look_at_objects(&c));
    if (check->depth >= CONTENT_BLOCKS) {
        set_total(&c);
        TRY(look_at_blocks(&c));
    }
    *damaged = atomic_load(&c.damaged);
out:
    if (check->progress != NULL) { /* what comes after it counts from the start */
        atomic_store(&check->progress->done_bytes, 0);
        atomic_store(&check->progress->total_bytes, 0);
    }
    checker_clear(&c);
    return rc;
}

enum err content_check_run(const struct content_check *check)
{
    uint64_t damaged;

    return run_check(check, NULL, &damaged);
}

enum err content_check_all(const struct content_check *check, struct soundness *to,
                           uint64_t *damaged)
{
    return run_check(check, to, damaged);
}

enum err content_check_file(const struct snapshot_reader *from, const struct entry *e)
{
    struct checker c = {.to = NULL};
    struct object_check *check = NULL;
    enum err rc;

    TRY(checker_init(&c, from));
    TRY(take_content(&c, NULL, e));
    TRY(object_check_new(from->store, NULL, &check));
    for (size_t i = 0; i < from->manifest.object_count; i++)
        if (c.needed[i])
            TRY(object_check_run(check, &from->manifest.objects[i], false));
out:
    if (rc != ERR_OK)
        err_note("%s", entry_path(e));
    object_check_free(check);
    checker_clear(&c);
    return rc;
}
