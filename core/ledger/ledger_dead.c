#include "core/ledger/ledger_dead.h"

#include <string.h>

#include "core/ledger/expiry.h"

/* A cache may be damaged: what its writer's key did not sign, or a revocation took back, was
 * never there. */
static bool is_genuine(const struct writers *writers, const struct record *r)
{
    bool is = writers_check(writers, r, false) == ERR_OK;

    if (!is)
        err_clear();
    return is;
}

static enum err collect_expiries(const struct record_set *set, const struct record_set *gone,
                                 const struct writers *writers, struct expiries *to)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < set->count; i++)
        TRY(expiries_add(to, set->items[i].record));
    for (size_t i = 0; i < gone->count; i++)
        if (is_genuine(writers, gone->items[i].record))
            TRY(expiries_add(to, gone->items[i].record));
    expiries_sort(to);
out:
    return rc;
}

static bool is_writers_tombstone(const struct writers *writers, const struct record *r)
{
    return r->type == RECORD_TOMBSTONE && !writers_is_root(writers, r->writer);
}

static enum err check_tombstones(const struct record_set *set, const struct expiries *expiries,
                                 const struct writers *writers, const struct checkpoint *cover,
                                 int64_t now_ms)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct record_entry *e = &set->items[i];
        enum err rc;

        if (!is_writers_tombstone(writers, e->record))
            continue;
        rc = expiries_check(expiries, e->record, checkpoint_saw(cover, e->writer, e->seq), now_ms);
        if (rc != ERR_OK) {
            record_note_name(e->writer, e->seq);
            return rc;
        }
    }
    return ERR_OK;
}

static bool has_writers_tombstone(const struct record_set *set, const struct writers *writers)
{
    for (size_t i = 0; i < set->count; i++)
        if (is_writers_tombstone(writers, set->items[i].record))
            return true;
    return false;
}

/* `there` is what the set has in its place, or NULL. Behind a hole no "prev" tells that the record
 * before it was replaced: the thief of a key signs another one for the same place. */
static bool is_as_it_was(const struct record_entry *there, const struct record *r,
                         const struct ledger_query *query)
{
    if (there == NULL)
        return !ledger_query_has_live(query, r);
    return memcmp(there->record->id, r->id, RECORD_ID_LEN) == 0;
}

static enum err check_gone(const struct record_set *set, const struct record_set *gone,
                           const struct writers *writers, const struct ledger_query *query)
{
    for (size_t i = 0; i < gone->count; i++) {
        const struct record *r = gone->items[i].record;
        const struct record_entry *there = record_set_find(set, r->writer, r->seq);
        enum err rc;

        if (is_as_it_was(there, r, query) || !is_genuine(writers, r))
            continue;
        if (there != NULL)
            rc = err_set(ERR_CORRUPT, "another record was seen here before: it was replaced, and "
                                      "its writer may have been taken over");
        else
            rc = err_set(ERR_CORRUPT, "it was seen before, nothing has ended it, and now it is "
                                      "gone: the newest checkpoint leaves it out, and its writer "
                                      "may have been taken over");
        record_note_name(r->writer, r->seq);
        record_hint_damage();
        return rc;
    }
    return ERR_OK;
}

enum err ledger_dead_check(const struct record_set *set, const struct record_set *gone,
                           const struct writers *writers, const struct checkpoint *cover,
                           const struct ledger_query *query, int64_t now_ms)
{
    struct expiries expiries = {NULL, 0, 0};
    enum err rc;

    if (has_writers_tombstone(set, writers)) {
        TRY(collect_expiries(set, gone, writers, &expiries));
        TRY(check_tombstones(set, &expiries, writers, cover, now_ms));
    }
    TRY(check_gone(set, gone, writers, query));
out:
    expiries_clear(&expiries);
    return rc;
}
