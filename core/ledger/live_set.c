#include "core/ledger/live_set.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

static enum err hash_raw(struct hash *content, const struct record *r)
{
    struct buf raw = {.max = RECORD_LEN_MAX};
    enum err rc;

    TRY(record_raw(r, &raw));
    TRY(hash_add(content, buf_bytes(&raw)));
out:
    buf_clear(&raw);
    return rc;
}

/* `content` may be NULL: hashing all bytes costs more than a warm opening should. */
static enum err measure(const struct record *const *records, size_t count,
                        const struct ledger_query *query, struct hash *content,
                        struct checkpoint *to)
{
    struct hash *ids = NULL;
    enum err rc;

    TRY(hash_new(&ids));
    for (size_t i = 0; i < count; i++) {
        const struct record *r = records[i];

        if (!ledger_query_has_live(query, r))
            continue;
        if (content != NULL)
            TRY(hash_raw(content, r));
        TRY(hash_add(ids, bytes_of(r->id, RECORD_ID_LEN)));
        to->bundle_size += r->len;
        to->live_count++;
    }
    TRY(hash_end(ids, to->live_sha256));
out:
    hash_free(ids);
    return rc;
}

enum err live_set_measure(const struct record *const *records, size_t count,
                          const struct ledger_query *query, struct checkpoint *to)
{
    struct hash *content = NULL;
    enum err rc;

    TRY(hash_new(&content));
    TRY(measure(records, count, query, content, to));
    TRY(hash_end(content, to->bundle_sha256));
out:
    hash_free(content);
    return rc;
}

/* What it saw, in the ledger's order, and the tombstones of that: later ones count for the next
 * checkpoint only. */
static enum err collect_seen(const struct checkpoint *c, const struct record_set *set,
                             struct record_list *to, struct ledger_query *query)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < set->count; i++) {
        const struct record_entry *e = &set->items[i];

        if (!checkpoint_saw(c, e->writer, e->seq))
            continue;
        TRY(mem_grow(to->count, sizeof *to->items, &to->cap, &to->items));
        to->items[to->count++] = e->record;
    }
    if (to->count > 1)
        qsort(to->items, to->count, sizeof *to->items, record_compare_places);
    TRY(ledger_query_fill(query, to->items, to->count));
    TRY(ledger_query_settle(query));
out:
    return rc;
}

enum err live_set_check(const struct checkpoint *c, const struct record_set *set)
{
    struct record_list seen = {NULL, 0, 0};
    struct ledger_query query = {.dead = NULL};
    struct checkpoint found = {.record = NULL};
    enum err rc;

    TRY(collect_seen(c, set, &seen, &query));
    TRY(measure(seen.items, seen.count, &query, NULL, &found));
    if (found.live_count == c->live_count &&
        memcmp(found.live_sha256, c->live_sha256, HASH_LEN) == 0)
        goto out;
    rc = err_set(ERR_CORRUPT,
                 "it leaves out what is live: of the records that it saw the ledger has %" PRIu64
                 " live ones, and it names %" PRIu64
                 ", or others: its writer may have been taken over",
                 found.live_count, c->live_count);
    record_note_name(c->record->writer, c->record->seq);
out:
    mem_free(seen.items);
    ledger_query_clear(&query);
    return rc;
}
