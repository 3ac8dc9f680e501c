#include "core/ledger/damage.h"

#include <string.h>

#include "core/base/log.h"
#include "core/ledger/gather.h"
#include "core/ledger/judge.h"

struct damage {
    size_t damaged;
    size_t unknown; /* of a newer release, or so it seems */
};

/* Every other failure says nothing about the record. */
static void say(struct damage *d, enum err rc)
{
    if (rc == ERR_CORRUPT)
        d->damaged++;
    else if (rc == ERR_UNSUPPORTED)
        d->unknown++;
    else
        return;
    log_say(LOG_WARN, "%.*s", (int)strcspn(err_text(), "\n"), err_text());
}

static enum err read_the_rest(struct store *store, struct shelf *shelf, struct damage *d)
{
    enum err rc;

    for (size_t i = 0; i < shelf->count; i++) {
        if (shelf->at[i].record != NULL)
            continue;
        rc = gather_record(store, &shelf->at[i]);
        if (rc == ERR_INTERRUPTED)
            return rc;
        if (rc != ERR_OK)
            say(d, rc);
    }
    return ERR_OK;
}

static const struct record *find_genesis(const struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++)
        if (shelf->at[i].record != NULL && shelf->at[i].record->type == RECORD_GENESIS)
            return shelf->at[i].record;
    return NULL;
}

/* Root's records first: they bring the keys of the others. A writer whose enrolment is damaged has
 * no known key; of its records nothing can be said. */
static void check_signatures(const struct shelf *shelf, bool of_root, struct roster *roster,
                             struct damage *d)
{
    for (size_t i = 0; i < shelf->count; i++) {
        const struct shelf_entry *e = &shelf->at[i];
        bool is_roots = memcmp(e->writer, roster->root, SIGNER_ID_LEN) == 0;
        enum err rc;

        if (e->record == NULL || e->from == FROM_BUNDLE || is_roots != of_root)
            continue;
        rc = roster_check_signature(roster, e->record);
        if (rc == ERR_OK && is_roots)
            rc = roster_apply(roster, e->record);
        if (rc == ERR_OK)
            continue;
        judge_note_record(e->writer, e->seq);
        say(d, rc);
    }
}

enum err damage_name_all(struct store *store, struct shelf *shelf, enum err refused)
{
    const struct record *genesis;
    struct roster roster = {.founded = false};
    struct damage d = {0, 0};
    struct err_record first;
    enum err rc;

    err_take(refused, &first);
    shelf_sort(shelf); /* it may have been refused while it was filled */
    TRY(read_the_rest(store, shelf, &d));
    genesis = find_genesis(shelf);
    if (genesis != NULL && roster_found(&roster, genesis) == ERR_OK) {
        check_signatures(shelf, true, &roster, &d);
        check_signatures(shelf, false, &roster, &d);
    }
    rc = err_give(&first);
    if (d.damaged > 0 && d.damaged + d.unknown > 1) {
        rc = err_set(ERR_CORRUPT, "%zu records are damaged (each is named above)",
                     d.damaged + d.unknown);
        record_hint_damage();
    }
out:
    roster_clear(&roster);
    return rc;
}
