#include "core/ledger/damage_report.h"

#include <string.h>

#include "core/base/log.h"
#include "core/ledger/ledger_admit.h"
#include "core/ledger/ledger_fetch.h"
#include "core/ledger/ledger_validate.h"

struct damage_count {
    size_t damaged;
    size_t unknown; /* of a newer release, or so it seems */
};

/* Counts and reports damage. Other failures (storage, memory) say nothing about the record. */
static void report_damage(struct damage_count *d, enum err rc)
{
    if (rc == ERR_CORRUPT)
        d->damaged++;
    else if (rc == ERR_UNSUPPORTED)
        d->unknown++;
    else
        return;
    log_say(LOG_WARN, "%s", err_text());
}

static const struct record *find_read_genesis(const struct record_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct record *r = set->items[i].record;

        if (r != NULL && r->decoded && r->type == RECORD_GENESIS)
            return r;
    }
    return NULL;
}

/* Root's records first, for they have the keys of the others. A writer whose enrolment is damaged
 * has no known key, and its records cannot be checked. */
static enum err check_entry(struct store *store, struct record_entry *e, struct writers *writers)
{
    bool is_roots = writers_is_root(writers, e->writer);
    enum err rc;

    if (e->record == NULL)
        return ledger_fetch_record(store, e); /* names it */
    if (!is_roots && writers_find(writers, e->writer) == NULL)
        return ERR_OK;
    rc = ledger_admit_entry(writers, e);
    if (rc == ERR_OK && is_roots)
        rc = writers_apply(writers, e->record);
    if (rc != ERR_OK)
        record_note_name(e->writer, e->seq);
    return rc;
}

static enum err check_entries(struct store *store, struct record_set *set, bool of_root,
                              struct writers *writers, struct damage_count *d)
{
    enum err rc;

    for (size_t i = 0; i < set->count; i++) {
        struct record_entry *e = &set->items[i];

        if (e->from == FROM_BUNDLE || writers_is_root(writers, e->writer) != of_root)
            continue;
        rc = check_entry(store, e, writers);
        if (rc == ERR_OK && e->record != NULL && !e->record->decoded)
            rc = check_entry(store, e, writers); /* it was read only now */
        if (rc == ERR_INTERRUPTED)
            return rc;
        if (rc != ERR_OK)
            report_damage(d, rc);
        err_clear();
    }
    return ERR_OK;
}

enum err damage_report_all(struct store *store, struct record_set *set, enum err refused)
{
    const struct record *genesis;
    struct writers writers = {.founded = false};
    struct damage_count d = {0, 0};
    struct err_record first;
    enum err rc;

    err_take(refused, &first);
    record_set_sort(set); /* it may have been refused while it was filled */
    genesis = find_read_genesis(set);
    if (genesis != NULL && writers_found(&writers, genesis) == ERR_OK)
        TRY(check_entries(store, set, true, &writers, &d));
    TRY(check_entries(store, set, false, &writers, &d));
    /* One damaged record has its own message; several are counted. */
    rc = err_give(&first);
    if (d.damaged > 0 && d.damaged + d.unknown > 1) {
        rc = err_set(ERR_CORRUPT, "%zu records are damaged (each is named above)",
                     d.damaged + d.unknown);
        record_hint_damage();
    }
out:
    writers_clear(&writers);
    return rc;
}
