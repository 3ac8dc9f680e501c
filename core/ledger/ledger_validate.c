#include "core/ledger/ledger_validate.h"

#include <string.h>

#include "core/ledger/live_set.h"

/*
 * A set of records is a ledger when it has one genesis, when every record is signed by a key that
 * may sign it, and when every chain is unbroken (docs/FORMAT.md, 4.2). Root's chain is checked
 * first, in order, because each of its records may change who the writers are; it lacks nothing.
 * What another chain lacks must be covered by the newest checkpoint, which is itself a record of
 * the set, and by its live set must have left out nothing that is there and live.
 */
enum err ledger_validate_genesis(const struct record_set *set, struct writers *writers,
                                 const struct record **genesis)
{
    const struct record *found = NULL;
    enum err rc;

    for (size_t i = 0; i < set->count; i++) {
        const struct record *r = set->items[i].record;

        if (r == NULL || !r->decoded || r->type != RECORD_GENESIS)
            continue;
        if (found != NULL) {
            rc = err_set(ERR_CORRUPT, "a second genesis record");
            record_note_name(r->writer, r->seq);
            goto out;
        }
        found = r;
    }
    if (found == NULL)
        FAIL(ERR_CORRUPT, "the ledger has records, but its genesis record is missing");
    *genesis = found;
    rc = writers_found(writers, found);
    if (rc != ERR_OK)
        record_note_name(found->writer, found->seq);
out:
    return rc;
}

/* `before` is the record before it in the set, or NULL for the first of a chain. */
static enum err check_chain_link(const struct record_entry *e, const struct record_entry *before,
                                 const struct checkpoint *cover)
{
    uint64_t expected = before != NULL ? before->seq + 1 : 0;

    if (e->from == FROM_BUNDLE && !checkpoint_covers(cover, e->writer, e->seq))
        return err_set(ERR_CORRUPT, "it is in a checkpoint's bundle, but not in the store");
    if (e->seq != expected) {
        if (checkpoint_covers(cover, e->writer, e->seq - 1))
            return ERR_OK; /* what is missing concerned nothing live */
        return err_set(ERR_CORRUPT,
                       "the record before it is missing, and no checkpoint covers that: it was "
                       "deleted");
    }
    if (before != NULL && memcmp(e->record->prev, before->record->id, RECORD_ID_LEN) != 0)
        return err_set(ERR_CORRUPT, "it does not follow the record before it: one of them was "
                                    "replaced");
    return ERR_OK;
}

static enum err check_record(const struct record_entry *e, const struct record_entry *before,
                             const struct checkpoint *cover, const struct writers *writers)
{
    enum err rc;

    TRY(writers_check(writers, e->record, true));
    if (e->record->type == RECORD_GENESIS && e->seq > 0)
        FAIL(ERR_CORRUPT, "a second genesis record");
    TRY(check_chain_link(e, before, cover));
    if (before != NULL && e->record->created_ms < before->record->created_ms)
        FAIL(ERR_CORRUPT, "its time is before that of the record before it");
out:
    return rc;
}

/* One pass for root's chain, which enrols the writers, and one for all others. */
static enum err validate_records(const struct record_set *set, bool of_root,
                                 const struct checkpoint *cover, struct writers *writers)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < set->count; i++) {
        const struct record_entry *e = &set->items[i];
        bool is_first = i == 0 || memcmp(e[-1].writer, e->writer, SIGNER_ID_LEN) != 0;

        if (writers_is_root(writers, e->writer) != of_root)
            continue;
        rc = check_record(e, is_first ? NULL : &e[-1], cover, writers);
        if (rc == ERR_OK && of_root)
            rc = writers_apply(writers, e->record);
        if (rc != ERR_OK) {
            record_note_name(e->writer, e->seq);
            goto out;
        }
    }
out:
    return rc;
}

/* A bundle made before a revocation has what that took back. Below ledger/ it is refused, for
 * somebody has to look at it; a bundle nobody can mend. */
static void drop_disowned(struct record_set *set, const struct writers *writers)
{
    size_t kept = 0;

    for (size_t i = 0; i < set->count; i++) {
        struct record_entry *e = &set->items[i];

        if (e->from == FROM_BUNDLE && !writers_count_place(writers, e->writer, e->seq))
            record_free(e->record);
        else
            set->items[kept++] = *e;
    }
    set->count = kept;
}

/* Else its live set cannot be compared with what is left. */
static bool saw_only_what_counts(const struct checkpoint *c, const struct writers *writers)
{
    for (size_t i = 0; i < c->heads.count; i++)
        if (!writers_count_place(writers, c->heads.items[i].writer, c->heads.items[i].seq))
            return false;
    return true;
}

/* What a checkpoint recorded must still be there, so a checkpoint also reveals a rollback. The ends
 * that the newest one names are there whether they are live or not: else it could name one that
 * never was, and its writer would go on behind that. */
static enum err check_head(const struct record_set *set, const struct head *head,
                           const struct checkpoint *cover)
{
    const struct record_entry *e = record_set_find(set, head->writer, head->seq);
    const struct head *covered = heads_find(&cover->heads, head->writer);
    enum err rc = ERR_OK;

    if (e != NULL) {
        if (memcmp(e->record->id, head->id, RECORD_ID_LEN) != 0)
            FAIL(ERR_CORRUPT, "another record was here when a checkpoint was made");
        goto out;
    }
    if (!checkpoint_covers(cover, head->writer, head->seq) || covered->seq == head->seq)
        FAIL(ERR_CORRUPT, "it is missing, and was here when a checkpoint was made");
out:
    if (rc != ERR_OK)
        record_note_name(head->writer, head->seq);
    return rc;
}

static enum err check_checkpoint(const struct record_set *set, const struct record *r,
                                 const struct checkpoint *cover, const struct writers *writers)
{
    struct checkpoint c = {.record = NULL};
    enum err rc;

    rc = checkpoint_read(r, &c);
    if (rc != ERR_OK) {
        record_note_name(r->writer, r->seq);
        goto out;
    }
    for (size_t i = 0; i < c.heads.count; i++)
        if (writers_count_place(writers, c.heads.items[i].writer, c.heads.items[i].seq))
            TRY(check_head(set, &c.heads.items[i], cover));
out:
    checkpoint_clear(&c);
    return rc;
}

enum err ledger_validate_root(const struct record_set *set, struct writers *writers)
{
    const struct checkpoint nothing = {.record = NULL};

    return validate_records(set, true, &nothing, writers);
}

/* Root's chain was applied before the bundle was read: a writer cannot put there what the store
 * has lost of it, its own revocation least of all. */
static enum err refuse_bundled_root(const struct record_set *set, const struct writers *writers)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct record_entry *e = &set->items[i];

        if (e->from == FROM_BUNDLE && writers_is_root(writers, e->writer)) {
            (void)err_set(ERR_CORRUPT, "it is in a checkpoint's bundle, but not in the store");
            record_note_name(e->writer, e->seq);
            return ERR_CORRUPT;
        }
    }
    return ERR_OK;
}

enum err ledger_validate_chains(struct record_set *set, const struct checkpoint *cover,
                                struct writers *writers)
{
    enum err rc;

    TRY(refuse_bundled_root(set, writers));
    drop_disowned(set, writers);
    TRY(validate_records(set, false, cover, writers));
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].record->type == RECORD_CHECKPOINT)
            TRY(check_checkpoint(set, set->items[i].record, cover, writers));
    if (cover->record != NULL && saw_only_what_counts(cover, writers))
        TRY(live_set_check(cover, set));
out:
    return rc;
}
