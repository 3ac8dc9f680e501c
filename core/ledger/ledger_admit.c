#include "core/ledger/ledger_admit.h"

#include <string.h>

#include "core/base/log.h"
#include "core/ledger/ledger_bundle.h"
#include "core/ledger/ledger_fetch.h"
#include "core/ledger/ledger_validate.h"
#include "core/ledger/live_set.h"

/*
 * From names to records that somebody answers for:
 *
 * - Genesis. Nothing says yet whose key counts, so the first record of each chain is parsed to see
 *   which of them is a genesis record; there must be one. It brings its key and is signed by it.
 * - Root's chain, in order, with root's key. Each of its records may change who the writers are.
 * - The bundle, when much is unread: one reading instead of thousands. Its records are signed each.
 * - The others, several at once; each is hashed, its signature checked, and only then parsed.
 * - What of that is damaged is dropped if the newest checkpoint covers it: then it is missing, and
 *   the bundle has it if it is live.
 * - The bundle again, if records are missing that the live set has.
 */

static bool is_root(const struct writers *writers, const struct record_entry *e)
{
    return writers_is_root(writers, e->writer);
}

enum err ledger_admit_entry(const struct writers *writers, struct record_entry *e)
{
    enum err rc;

    TRY(writers_admit(writers, e->record));
    /* A record is signed together with its place, so a copy under another name is found here. */
    if (e->record->seq != e->seq) {
        rc = err_set(ERR_CORRUPT, "the record of another place lies under this name");
        record_note_damage();
    }
out:
    return rc;
}

/* Read when it is not, and admit. The message names the record. */
static enum err read_entry(struct store *store, const struct writers *writers,
                           struct record_entry *e)
{
    enum err rc;

    if (e->record == NULL)
        TRY(ledger_fetch_record(store, e));
    rc = ledger_admit_entry(writers, e);
    if (rc != ERR_OK)
        record_note_name(e->writer, e->seq);
out:
    return rc;
}

/* The first record of a chain, parsed to see whether it is a genesis; otherwise nothing of that is
 * kept. *bad is what is wrong with one that could not be looked at. */
static enum err look_for_genesis(struct store *store, struct record_entry *e, bool *is,
                                 struct err_record *bad)
{
    enum err rc = ERR_OK;

    *is = false;
    if (e->record == NULL)
        TRY(ledger_fetch_record(store, e));
    if (e->record->decoded) {
        *is = e->record->type == RECORD_GENESIS;
        goto out;
    }
    rc = record_decode(e->record);
    if (rc == ERR_OK)
        *is = e->record->type == RECORD_GENESIS;
    e->record->decoded = *is;
    if (rc == ERR_CORRUPT)
        record_note_damage();
    if (rc != ERR_OK)
        record_note_name(e->writer, e->seq);
out:
    if (rc != ERR_CORRUPT && rc != ERR_UNSUPPORTED)
        return rc;
    err_take(rc, bad);
    err_clear();
    return ERR_OK;
}

enum err ledger_admit_genesis(struct store *store, struct record_set *set, struct writers *writers,
                              const struct record **genesis)
{
    struct err_record bad = {.code = ERR_OK};
    bool is;
    enum err rc = ERR_OK;

    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].seq == 0)
            TRY(look_for_genesis(store, &set->items[i], &is, &bad));
    rc = ledger_validate_genesis(set, writers, genesis);
    if (rc == ERR_CORRUPT && *genesis == NULL && bad.code != ERR_OK)
        rc = err_give(&bad); /* the one that is damaged may be it */
out:
    return rc;
}

enum err ledger_admit_root(struct store *store, struct record_set *set, struct writers *writers)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < set->count; i++)
        if (is_root(writers, &set->items[i]))
            TRY(read_entry(store, writers, &set->items[i]));
    TRY(ledger_validate_root(set, writers));
out:
    return rc;
}

static bool is_damage(enum err rc)
{
    return rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED;
}

/* What cannot be admitted has no record afterwards. */
static enum err admit_others(struct store *store, struct record_set *set,
                             const struct writers *writers)
{
    enum err rc;

    TRY(ledger_fetch_records(store, set));
    for (size_t i = 0; i < set->count; i++) {
        struct record_entry *e = &set->items[i];

        if (e->record == NULL || e->record->decoded)
            continue;
        rc = ledger_admit_entry(writers, e);
        if (rc != ERR_OK && !is_damage(rc))
            goto out;
        if (rc == ERR_OK)
            continue;
        err_clear();
        record_free(e->record);
        e->record = NULL;
    }
    rc = ERR_OK;
out:
    return rc;
}

static const struct record *newest_checkpoint(const struct record_set *set,
                                              const struct writers *writers)
{
    const struct record *newest = NULL;

    for (size_t i = 0; i < set->count; i++) {
        const struct record *r = set->items[i].record;

        if (r != NULL && r->type == RECORD_CHECKPOINT && !writers_is_root(writers, r->writer) &&
            (newest == NULL || record_compare(newest, r) < 0))
            newest = r;
    }
    return newest;
}

/* Says what is wrong with it, which takes another reading. */
static enum err refuse_entry(struct store *store, const struct writers *writers,
                             struct record_entry *e)
{
    enum err rc = read_entry(store, writers, e);

    if (rc != ERR_OK)
        return rc;
    rc = err_set(ERR_STORAGE, "it was damaged, and now it is not");
    record_note_name(e->writer, e->seq);
    return rc;
}

/* One that a newer release wrote is dropped as well: if it is live it is in the bundle, and refused
 * there. */
static enum err drop_damaged(struct store *store, struct record_set *set,
                             const struct writers *writers, const struct checkpoint *cover)
{
    size_t kept = 0;
    size_t i = 0;
    enum err rc = ERR_OK;

    for (; i < set->count; i++) {
        struct record_entry *e = &set->items[i];

        if (e->record != NULL) {
            set->items[kept++] = *e;
            continue;
        }
        rc = refuse_entry(store, writers, e);
        if (!is_damage(rc) || !checkpoint_covers(cover, e->writer, e->seq))
            goto out;
        log_say(LOG_WARN, "%s: it counts as missing: the newest checkpoint's bundle has what lives",
                err_text());
        err_clear();
        rc = ERR_OK;
        record_free(e->record);
        set->dropped++;
    }
    set->count = kept;
out:
    /* Those behind it are still the set's. */
    if (rc != ERR_OK && kept < i) {
        memmove(&set->items[kept], &set->items[i], (set->count - i) * sizeof *set->items);
        set->count -= i - kept;
    }
    return rc;
}

/* True when a chain has a hole, or ends before a head of the checkpoint. The set is sorted. */
static bool lacks_records(const struct record_set *set, const struct heads *heads)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct record_entry *e = &set->items[i];
        bool is_first = i == 0 || memcmp(e[-1].writer, e->writer, SIGNER_ID_LEN) != 0;

        if (e->seq != (is_first ? 0 : e[-1].seq + 1))
            return true;
    }
    /* Within a chain nothing is missing; that leaves its end. */
    for (size_t i = 0; i < heads->count; i++)
        if (record_set_find(set, heads->items[i].writer, heads->items[i].seq) == NULL)
            return true;
    return false;
}

/* Dead records are missing for good, and no reason to read the bundle each time. */
static bool lacks_live_records(const struct record_set *set, const struct checkpoint *cover)
{
    bool lacks = lacks_records(set, &cover->heads) && live_set_check(cover, set) != ERR_OK;

    err_clear();
    return lacks;
}

enum err ledger_admit_rest(struct store *store, bool read_all, struct record_set *set,
                           const struct writers *writers, struct checkpoint *cover)
{
    const struct record *newest;
    enum err rc;

    if (!read_all)
        TRY(ledger_bundle_read_first(store, set, writers));
    TRY(admit_others(store, set, writers));
    newest = newest_checkpoint(set, writers);
    if (newest != NULL) {
        TRY(checkpoint_read(newest, cover));
        memcpy(cover->root, writers->root, SIGNER_ID_LEN);
    }
    TRY(drop_damaged(store, set, writers, cover));
    /* The bundle is read only when something is missing: it may be large. */
    if (newest != NULL && (read_all || set->dropped > 0 || lacks_live_records(set, cover)))
        TRY(checkpoint_fill(cover, store, writers, set));
out:
    return rc;
}
