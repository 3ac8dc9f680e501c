#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/ledger/cache.h"
#include "core/ledger/damage.h"
#include "core/ledger/gather.h"
#include "core/ledger/judge.h"
#include "core/ledger/ledger_internal.h"

static enum err nothing_there(const struct ledger *l)
{
    enum err rc;

    if (!l->seen.known)
        return err_set(ERR_NOT_FOUND, "%s: there is no repository", store_where(l->store));
    rc = err_set(ERR_CORRUPT,
                 "%s: the ledger is gone: this machine has seen a repository here, with "
                 "fingerprint %s",
                 store_where(l->store), l->seen.fingerprint);
    err_hint("if it was deleted on purpose, use another state directory than %s", l->state_dir);
    return rc;
}

/* Which repository it is comes before anything else about it. */
static enum err check_fingerprint(struct ledger *l, const char *pinned,
                                  const struct record *genesis)
{
    enum err rc = ERR_OK;

    text_hex(bytes_of(genesis->id, RECORD_ID_LEN), l->fingerprint);
    if (pinned != NULL && strcmp(pinned, l->fingerprint) != 0) {
        rc = err_set(ERR_CORRUPT,
                     "%s: its fingerprint is %s, and not the configured %s: this is another "
                     "repository, or one that was put in its place",
                     store_where(l->store), l->fingerprint, pinned);
        goto out;
    }
    if (l->seen.known && strcmp(l->seen.fingerprint, l->fingerprint) != 0) {
        rc = err_set(ERR_CORRUPT,
                     "%s: its fingerprint is %s, and the repository seen before had %s: this is "
                     "another repository, or one that was put in its place",
                     store_where(l->store), l->fingerprint, l->seen.fingerprint);
        err_hint("for another repository use another state directory than %s", l->state_dir);
    }
out:
    return rc;
}

/* Between genesis and the first writer a repository is not made yet. */
static enum err check_complete(const struct ledger *l)
{
    enum err rc;

    if (l->roster.count > 0)
        return ERR_OK;
    rc = err_set(ERR_NOT_FOUND, "%s: the repository is not complete: its making was interrupted",
                 store_where(l->store));
    err_hint("run init again with the state directory %s", l->state_dir);
    return rc;
}

static int compare_places(const void *left, const void *right)
{
    const struct record *const *a = left;
    const struct record *const *b = right;

    return record_compare(*a, *b);
}

static enum err find_heads(struct heads *heads, const struct shelf *shelf,
                           const struct checkpoint *cover)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < shelf->count; i++) {
        struct head head = head_of(shelf->at[i].record);

        TRY(heads_raise(heads, &head));
    }
    /* The last record of a chain may be covered and gone. */
    for (size_t i = 0; i < cover->heads.count; i++) {
        struct head head = cover->heads.at[i];

        head.created_ms = cover->record->created_ms;
        TRY(heads_raise(heads, &head));
    }
out:
    return rc;
}

/* The shelf's records in the ledger's order, and what the fold asks for. They stay the shelf's. */
static enum err arrange(struct ledger *l, const struct shelf *shelf)
{
    enum err rc;

    TRY(mem_new(shelf->count, sizeof *l->records, &l->records));
    l->room = shelf->count;
    for (size_t i = 0; i < shelf->count; i++)
        l->records[i] = shelf->at[i].record;
    qsort(l->records, shelf->count, sizeof *l->records, compare_places);
    for (size_t i = 0; i < shelf->count; i++)
        TRY(lookup_add(&l->lookup, l->records[i]));
out:
    return rc;
}

/* From here on they are the ledger's. */
static void take_over(struct ledger *l, struct shelf *shelf)
{
    l->count = shelf->count;
    for (size_t i = 0; i < shelf->count; i++)
        shelf->at[i].record = NULL;
}

enum err ledger_save_trust(struct ledger *l)
{
    struct trust now = {.known = true, .heads = l->heads};
    enum err rc;

    memcpy(now.fingerprint, l->fingerprint, sizeof now.fingerprint);
    memcpy(now.repository, l->roster.repository, SEAL_ID_LEN);
    if (trust_equal(&now, &l->seen))
        return ERR_OK; /* nothing new: no write, no sync */
    rc = ledger_lock(l);
    if (rc == ERR_OK) {
        rc = trust_raise(l->trust_path, &now, store_where(l->store));
        ledger_unlock(l);
    }
    if (rc == ERR_OK || rc == ERR_CORRUPT)
        return rc;
    log_say(LOG_WARN,
            "%s: what was seen of the repository cannot be kept, so that a rollback "
            "of the store may go unnoticed",
            err_text());
    err_clear();
    return ERR_OK;
}

static void save_cache(const struct ledger *l, const struct cache *found, const struct shelf *shelf)
{
    if (cache_write(l->cache_path, found, shelf) == ERR_OK)
        return;
    log_say(LOG_WARN, "%s: the cache of records is not kept", err_text());
    err_clear();
}

/* Everything that says no. */
static enum err check_all(struct ledger *l, const char *pinned, const struct shelf *shelf,
                          struct checkpoint *cover)
{
    const struct record *genesis = NULL;
    enum err rc;

    if (shelf->count == 0)
        return nothing_there(l);
    TRY(judge_genesis(shelf, &l->roster, &genesis));
    TRY(check_fingerprint(l, pinned, genesis));
    judge_cover(&l->roster, cover);
    TRY(judge_chains(shelf, cover, &l->roster));
    TRY(trust_check(&l->seen, shelf, cover, store_where(l->store), l->trust_path));
    TRY(check_complete(l));
out:
    return rc;
}

/* A listing of a folder in which others write may have a record, and not the one before it. The
 * message of `refused` is kept. */
static bool has_grown(struct store *store, struct shelf *listed, enum err refused)
{
    struct shelf now = {NULL, 0, 0};
    struct err_record message;
    bool grown = false;

    err_take(refused, &message);
    shelf_sort(listed); /* it may have been refused while it was filled */
    if (gather_names(store, &now) == ERR_OK)
        for (size_t i = 0; !grown && i < now.count; i++)
            grown = shelf_find(listed, now.at[i].writer, now.at[i].seq) == NULL;
    shelf_clear(&now);
    (void)err_give(&message);
    return grown;
}

enum err ledger_load(struct ledger *l, const struct ledger_options *options, enum ledger_cache use,
                     bool *cached)
{
    const char *cache_path = use == LEDGER_CACHE_USE ? l->cache_path : NULL;
    struct cache cache = {.renew = true};
    struct checkpoint cover = {.record = NULL};
    struct shelf shelf = {NULL, 0, 0};
    enum err rc;

    rc = gather(l->store, cache_path, options->read_all, &shelf, &cache, &cover);
    *cached = cache.used > 0;
    TRY(rc);
    TRY(check_all(l, options->fingerprint, &shelf, &cover));
    TRY(find_heads(&l->heads, &shelf, &cover));
    TRY(arrange(l, &shelf));
    l->first_contact = !l->seen.known && options->fingerprint == NULL;
    if (use != LEDGER_CACHE_LEAVE)
        save_cache(l, &cache, &shelf);
    TRY(ledger_save_trust(l));
    take_over(l, &shelf);
out:
    checkpoint_clear(&cover);
    l->outdated = rc == ERR_CORRUPT && has_grown(l->store, &shelf, rc);
    if (!l->outdated && options->read_all && (rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED))
        rc = damage_name_all(l->store, &shelf, rc);
    shelf_clear(&shelf);
    return rc;
}
