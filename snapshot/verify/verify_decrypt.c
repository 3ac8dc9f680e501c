#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/pool.h"
#include "core/base/stop.h"
#include "snapshot/read/block_reader.h"
#include "snapshot/verify/verify_data.h"

#define PLAN_ROWS 256
#define NOT_IN_SET UINT32_MAX

enum err verify_set_open(struct verify_set *set, struct verify_snapshot *s)
{
    const struct verify_options *o = set->options;
    struct verify_object *index;
    struct verify_reader *r;
    enum err rc = ERR_OK;

    if (set->opener == NULL)
        TRY(key_opener_new(o->keyring, repository_ledger(o->repository), o->envelope,
                           &set->opener));
    TRY(mem_grow(set->reader_count, sizeof *set->readers, &set->reader_cap, &set->readers));
    r = &set->readers[set->reader_count];
    *r = (struct verify_reader){.of = s};
    TRY(snapshot_reader_open_by(o->repository, set->opener, s->snapshot, &r->reader));
    set->reader_count++; /* verify_set_clear() clears it from now on */
    index = verify_find(set, &s->index);
    if (index != NULL)
        index->was_read = true; /* outside of the sample, too: the packs need it */
out:
    return rc;
}

size_t verify_set_keys(const struct verify_set *set)
{
    size_t keys = 0;

    for (size_t i = 0; i < set->reader_count; i++)
        keys += set->readers[i].reader.manifest.key_count;
    return keys;
}

/* By which opened snapshot an object of the set is read: all that share it have the same key. */
struct provider {
    uint32_t owner;
    uint32_t number; /* there */
};

/* One plan over the indexes of all opened snapshots, by object of the set. */
struct decrypting {
    struct verify_set *set;
    struct plan *plan;
    uint32_t **numbers; /* owned; for each opened snapshot: its objects' places in the set */
    struct provider *providers; /* owned; for each object of the set */
    atomic_ullong bytes;
    struct verify_tally tally;
};

static void decrypting_clear(struct decrypting *d)
{
    plan_free(d->plan);
    if (d->numbers != NULL)
        for (size_t i = 0; i < d->set->reader_count; i++)
            mem_free(d->numbers[i]);
    mem_free(d->numbers);
    mem_free(d->providers);
}

/* Objects that were found damaged already, and those outside of the sample, are not read. */
static uint32_t find_set_place(const struct verify_set *set, const struct manifest_object *o)
{
    const struct verify_object *found = verify_find(set, o);

    if (found == NULL || found->is_left_out || (found->reason != NULL && !found->is_worth_reading))
        return NOT_IN_SET;
    return (uint32_t)(found - set->objects);
}

static enum err map_objects(struct decrypting *d)
{
    struct verify_set *set = d->set;
    enum err rc;

    TRY(mem_new(set->reader_count, sizeof *d->numbers, &d->numbers));
    TRY(mem_new(set->count, sizeof *d->providers, &d->providers));
    for (uint32_t i = 0; i < set->reader_count; i++) {
        const struct manifest *m = &set->readers[i].reader.manifest;

        TRY(mem_new(m->object_count, sizeof **d->numbers, &d->numbers[i]));
        for (uint32_t k = 0; k < m->object_count; k++) {
            uint32_t place = find_set_place(set, &m->objects[k]);

            d->numbers[i][k] = place;
            if (place != NOT_IN_SET)
                d->providers[place] = (struct provider){.owner = i, .number = k};
        }
    }
out:
    return rc;
}

static enum err want_index(struct decrypting *d, struct plan *plan, uint32_t owner, uint8_t *rows)
{
    const struct index *x = d->set->readers[owner].reader.index;
    uint64_t total = index_header(x)->block_count;
    struct block b = {0};
    enum err rc = ERR_OK;

    if (total > UINT32_MAX)
        FAIL(ERR_UNSUPPORTED, "a snapshot of more blocks than this release can verify");
    for (uint64_t i = 0; i < total; i += PLAN_ROWS) {
        size_t count = total - i < PLAN_ROWS ? (size_t)(total - i) : PLAN_ROWS;

        TRY(index_rows(x, i, count, rows));
        for (size_t k = 0; k < count; k++) {
            struct plan_item item = {.owner = owner, .block = (uint32_t)(i + k)};

            TRY(block_decode(rows + k * BLOCK_ROW_LEN, &b));
            item.offset = b.offset;
            if (b.codec != BLOCK_ZERO && d->numbers[owner][b.object] != NOT_IN_SET)
                TRY(plan_want(plan, d->numbers[owner][b.object], &item));
        }
    }
out:
    return rc;
}

static enum err want_indexes(void *arg, struct plan *plan)
{
    struct decrypting *d = arg;
    uint8_t *rows = NULL;
    enum err rc;

    TRY(mem_new(PLAN_ROWS, BLOCK_ROW_LEN, &rows));
    for (uint32_t i = 0; i < d->set->reader_count; i++) {
        TRY(stop_check());
        TRY(want_index(d, plan, i, rows));
    }
out:
    mem_free(rows);
    return rc;
}

/* One worker. */
struct opener {
    struct decrypting *shared;
    struct block_reader *reader; /* of the snapshot `owner` */
    uint32_t owner;
};

static enum err reader_for(struct opener *o, uint32_t owner)
{
    enum err rc = ERR_OK;

    if (o->reader != NULL && o->owner == owner)
        goto out;
    block_reader_free(o->reader);
    o->reader = NULL;
    TRY(block_reader_new(&o->shared->set->readers[owner].reader, &o->reader));
    o->owner = owner;
out:
    return rc;
}

static enum err note_object(struct decrypting *d, uint32_t object, enum err rc)
{
    const struct snapshot_reader *by = &d->set->readers[d->providers[object].owner].reader;

    d->set->objects[object].is_worth_reading = true;
    return verify_note(&d->tally, by->store, rc, &d->set->objects[object]);
}

/* The one block, for all that share it: *is_bad says what the last reading gave. */
static enum err open_row(struct opener *o, uint32_t object, uint8_t row[BLOCK_ROW_LEN],
                         bool *is_bad)
{
    const struct verify_set *set = o->shared->set;
    struct block b = {0};
    size_t len = 0;
    enum err rc;

    TRY(block_decode(row, &b));
    rc = block_reader_check(o->reader, &b, &len);
    *is_bad = rc != ERR_OK;
    if (*is_bad && set->objects[object].reason == NULL)
        TRY(note_object(o->shared, object, rc));
    else if (rc != ERR_OK && rc != ERR_CORRUPT && rc != ERR_STORAGE)
        goto out; /* that says nothing of the block */
    rc = ERR_OK;
    atomic_fetch_add_explicit(&o->shared->bytes, b.stored_len, memory_order_relaxed);
    if (set->options->progress != NULL)
        atomic_fetch_add_explicit(&set->options->progress->done_bytes, b.stored_len,
                                  memory_order_relaxed);
out:
    return rc;
}

/* Snapshots of a chain have many rows in common: equal neighbours are read once. The rest of a
 * damaged object is read too: which files can be restored depends on it. */
static enum err open_sealed_object(struct opener *o, uint32_t object, const struct plan_item *items,
                                   size_t count, const atomic_bool *stop)
{
    const struct verify_set *set = o->shared->set;
    const struct provider *provider = &o->shared->providers[object];
    uint8_t row[BLOCK_ROW_LEN];
    uint8_t last[BLOCK_ROW_LEN] = {0};
    bool is_bad = false;
    enum err rc;

    TRY(reader_for(o, provider->owner));
    for (size_t i = 0; i < count && !atomic_load_explicit(stop, memory_order_relaxed); i++) {
        const struct verify_reader *owner = &set->readers[items[i].owner];

        TRY(stop_check());
        TRY(index_rows(owner->reader.index, items[i].block, 1, row));
        block_row_set_object(row, provider->number);
        if (memcmp(row, last, sizeof last) != 0)
            TRY(open_row(o, object, row, &is_bad));
        memcpy(last, row, sizeof last);
        if (is_bad)
            TRY(soundness_lose_row(owner->soundness, items[i].block));
    }
    set->objects[object].was_read = true;
out:
    return rc;
}

static enum err open_objects(void *shared, size_t worker, const atomic_bool *stop)
{
    struct opener o = {.shared = shared};
    struct plan_item *items = NULL;
    uint32_t object;
    size_t count = 0;
    enum err rc = ERR_OK;

    (void)worker;
    while (!atomic_load(stop) && plan_take(o.shared->plan, &object, &items, &count))
        TRY(open_sealed_object(&o, object, items, count, stop));
out:
    block_reader_free(o.reader);
    return rc;
}

/* ---- which files ---- */

/* What was found damaged or missing before: nothing in it was read. */
static enum err begin_soundness(const struct verify_set *set, struct verify_reader *r)
{
    const struct manifest *m = &r->reader.manifest;
    enum err rc;

    TRY(soundness_new(&r->reader, &r->soundness));
    for (uint32_t i = 0; i < m->object_count; i++) {
        const struct verify_object *o = verify_find(set, &m->objects[i]);

        if (o != NULL && o->reason != NULL && !o->is_worth_reading)
            soundness_lose_object(r->soundness, i);
    }
out:
    return rc;
}

static enum err end_soundness(struct verify_reader *r)
{
    const struct selection all = {.from = &r->reader};
    enum err rc = ERR_OK;

    r->of->has_files = true;
    if (soundness_is_whole(r->soundness))
        goto out;
    TRY(soundness_list(r->soundness, &all, &r->of->bad_paths, &r->of->files));
    r->of->bad_files = r->of->bad_paths.count;
out:
    return rc;
}

static enum err read_all_objects(struct decrypting *d)
{
    bool more = true;
    enum err rc;

    TRY(plan_new((uint32_t)d->set->count, want_indexes, d, &d->plan));
    for (;;) {
        TRY(plan_round(d->plan, &more));
        if (!more)
            break;
        TRY(pool_run(verify_workers(d->set->options), open_objects, d));
    }
out:
    return rc;
}

enum err verify_set_decrypt(struct verify_set *set, struct verify_result *out)
{
    struct decrypting d = {.set = set};
    enum err rc;

    if (set->options->progress != NULL)
        atomic_store(&set->options->progress->total_bytes, verify_total_size(set));
    for (size_t i = 0; i < set->reader_count; i++)
        TRY(begin_soundness(set, &set->readers[i]));
    TRY(map_objects(&d));
    TRY(read_all_objects(&d));
    for (size_t i = 0; i < set->reader_count; i++)
        TRY(end_soundness(&set->readers[i]));
    out->bytes += atomic_load(&d.bytes);
    verify_count(&d.tally, out);
out:
    decrypting_clear(&d);
    for (; set->reader_count > 0; set->reader_count--) {
        struct verify_reader *r = &set->readers[set->reader_count - 1];

        soundness_free(r->soundness);
        snapshot_reader_clear(&r->reader);
    }
    return rc;
}
