#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/ledger/cache.h"
#include "core/ledger/damage_report.h"
#include "core/ledger/ledger_admit.h"
#include "core/ledger/ledger_dead.h"
#include "core/ledger/ledger_fetch.h"
#include "core/ledger/ledger_internal.h"
#include "core/ledger/ledger_validate.h"

/*
 * Opening the ledger of a store that may be damaged, forged or rolled back.
 *
 *   1. Names. List the records: writer, seq and size of each.
 *   2. Cache. Take records that this machine has checked before from the state directory.
 *   3. Genesis. Exactly one, signed by the key it names. It says who root is.
 *   4. Fingerprint. The genesis is the pinned one and the one seen before; else this is another
 *      repository. From here on root's signature counts.
 *   5. Root's chain, for it enrols the other writers.
 *   6. The others: from the newest bundle if many are unread, then each from the store. Hashed,
 *      signature, and only then parsed. What is missing or damaged, and covered by the newest
 *      checkpoint, is taken from its bundle.  (3, 5, 6: ledger_admit.c)
 *   7. Chains. Order, times, and the heads that checkpoints recorded. Now records and the
 *      checkpoint are believed.
 *   8. Trust. Everything this machine has seen is still there; else the store was rolled back.
 *   9. Heads, order. Find the end of each chain, sort the records, build what queries need. With
 *      that: tombstones end only what they may, and what was cached and is gone is dead.
 *  10. Write back the cache, and the trust file. Only then do the records belong to the ledger.
 *
 * Other runs append while this one reads, and a listing is not a snapshot: it may have a record and
 * lack the one before it, which looks like a deletion. So after a refusal the names are listed
 * again. If there are new ones, the load was "outdated", and ledger_open() starts over a few times
 * before it believes the refusal.
 */
static enum err nothing_there(const struct ledger *l)
{
    enum err rc;

    if (!l->seen.known)
        return err_set(ERR_NOT_FOUND, "%s: there is no repository", store_where(l->store));
    rc = err_set(ERR_CORRUPT, "%s: the ledger is gone: this machine knows the repository %s",
                 store_where(l->store), l->seen.fingerprint);
    err_hint("find out who deleted it; if that was on purpose, move %s away", l->state_dir);
    return rc;
}

/* Checked before anything that only the genesis vouches for. */
static enum err check_repository_fingerprint(struct ledger *l, const char *pinned,
                                             const struct record *genesis)
{
    enum err rc = ERR_OK;

    text_hex(bytes_of(genesis->id, RECORD_ID_LEN), l->fingerprint);
    if (pinned != NULL && strcmp(pinned, l->fingerprint) != 0) {
        rc = err_set(ERR_CORRUPT,
                     "%s: its fingerprint is %s, and not %s as was given: this is another "
                     "repository, or one that was put in its place",
                     store_where(l->store), l->fingerprint, pinned);
        goto out;
    }
    if (l->seen.known && strcmp(l->seen.fingerprint, l->fingerprint) != 0) {
        rc = err_set(ERR_CORRUPT,
                     "%s: its fingerprint is %s, and the repository seen before had %s: this is "
                     "another repository, or one that was put in its place",
                     store_where(l->store), l->fingerprint, l->seen.fingerprint);
        err_hint("the state in %s is of that one: was it copied or renamed?", l->state_dir);
    }
out:
    return rc;
}

/* A run that was killed while it made the repository leaves a genesis without an enrolled writer.
 */
static enum err check_complete(const struct ledger *l)
{
    enum err rc;

    if (l->writers.count > 0)
        return ERR_OK;
    rc = err_set(ERR_NOT_FOUND, "%s: the repository is not complete: its creation was interrupted",
                 store_where(l->store));
    err_hint("run init again with the same state directory");
    return rc;
}

static enum err find_heads(struct heads *heads, const struct record_set *set)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < set->count; i++) {
        struct head head = head_of(set->items[i].record);

        TRY(heads_raise(heads, &head));
    }
out:
    return rc;
}

/* Puts the set's records into the ledger's order and builds what queries need. The set still owns
 * them: what follows may fail. */
static enum err arrange_records(struct ledger *l, const struct record_set *set)
{
    enum err rc;

    TRY(mem_new(set->count, sizeof *l->records, &l->records));
    l->cap = set->count;
    for (size_t i = 0; i < set->count; i++)
        l->records[i] = set->items[i].record;
    qsort(l->records, set->count, sizeof *l->records, record_compare_places);
    TRY(ledger_query_fill(&l->query, (const struct record *const *)l->records, set->count));
    TRY(ledger_query_settle(&l->query));
out:
    return rc;
}

/* Makes the ledger the owner of the records; cannot fail. */
static void take_over(struct ledger *l, struct record_set *set)
{
    l->count = set->count;
    for (size_t i = 0; i < set->count; i++)
        set->items[i].record = NULL;
}

enum err ledger_save_trust(struct ledger *l)
{
    struct trust now = {.known = true, .heads = l->heads};
    enum err rc;

    memcpy(now.fingerprint, l->fingerprint, sizeof now.fingerprint);
    memcpy(now.repository, l->writers.repository, SEAL_ID_LEN);
    if (l->state_dir == NULL || trust_equal(&now, &l->seen))
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

/* A cache that cannot be written costs time at the next opening, nothing else. */
static void save_cache(struct ledger *l, const struct cache *found, struct record_set *set)
{
    if (cache_write(l->cache_path, found, &l->home, set) == ERR_OK)
        return;
    log_say(LOG_WARN, "%s: the cache of records is not kept", err_text());
    err_clear();
}

/* What was seen of a writer may go beyond what root lets count of it since: the last that counts is
 * then held against the store in its place. */
static enum err copy_what_counts(const struct heads *seen, const struct writers *writers,
                                 struct heads *out)
{
    struct heads kept = {NULL, 0, 0};
    enum err rc = ERR_OK;

    for (size_t i = 0; i < seen->count; i++) {
        struct head head = seen->items[i];
        const struct writer *w = writers_find(writers, head.writer);

        if (!writers_count_place(writers, head.writer, head.seq)) {
            if (!w->has_last)
                continue;
            head.seq = w->last_seq;
            memcpy(head.id, w->last_id, RECORD_ID_LEN);
        }
        TRY(heads_raise(&kept, &head));
    }
    *out = kept;
    kept = (struct heads){NULL, 0, 0}; /* the caller's now */
out:
    heads_clear(&kept);
    return rc;
}

static enum err lower_disowned(struct heads *seen, const struct writers *writers)
{
    struct heads kept = {NULL, 0, 0};
    enum err rc;

    TRY(copy_what_counts(seen, writers, &kept));
    heads_clear(seen);
    *seen = kept;
out:
    return rc;
}

/* Whoever wrote it may have seen what root has taken back since. */
static enum err check_report(const struct ledger *l, const struct heads *report,
                             const struct record_set *set, const struct checkpoint *cover)
{
    struct heads counting = {NULL, 0, 0};
    enum err rc;

    TRY(copy_what_counts(report, &l->writers, &counting));
    rc = trust_check(&counting, set, cover, store_where(l->store));
    if (rc != ERR_OK)
        err_hint("it was there when the report was written: find out who changed the store");
out:
    heads_clear(&counting);
    return rc;
}

/* By this machine, and by whoever wrote the report. */
static enum err check_seen(const struct ledger *l, const struct ledger_options *options,
                           const struct record_set *set, const struct checkpoint *cover)
{
    enum err rc = trust_check(&l->seen.heads, set, cover, store_where(l->store));

    if (rc != ERR_OK)
        trust_hint(l->trust_path);
    if (rc != ERR_OK || options->report == NULL)
        return rc;
    return check_report(l, options->report, set, cover);
}

/* Steps 3 to 8: everything that may refuse the records. */
static enum err check_all(struct ledger *l, const struct ledger_options *options,
                          struct record_set *set, struct checkpoint *cover)
{
    const struct record *genesis = NULL;
    enum err rc;

    if (set->count == 0)
        return nothing_there(l);
    TRY(ledger_admit_genesis(l->store, set, &l->writers, &genesis));
    TRY(check_repository_fingerprint(l, options->fingerprint, genesis));
    TRY(ledger_admit_root(l->store, set, &l->writers));
    TRY(ledger_admit_rest(l->store, options->read_all, set, &l->writers, cover));
    TRY(ledger_validate_chains(set, cover, &l->writers));
    TRY(lower_disowned(&l->seen.heads, &l->writers));
    TRY(check_seen(l, options, set, cover));
    TRY(check_complete(l));
out:
    return rc;
}

/* True when the store has records that were not listed before (see above). The message of `refused`
 * is kept. */
static bool has_grown(struct store *store, struct record_set *listed, enum err refused)
{
    struct record_set now = {.items = NULL};
    struct err_record message;
    bool grown = false;

    err_take(refused, &message);
    record_set_sort(listed); /* it may have been refused while it was filled */
    if (ledger_fetch_names(store, false, &now) == ERR_OK)
        for (size_t i = 0; !grown && i < now.count; i++)
            grown = record_set_find(listed, now.items[i].writer, now.items[i].seq) == NULL;
    record_set_clear(&now);
    (void)err_give(&message);
    return grown;
}

enum err ledger_load(struct ledger *l, const struct ledger_options *options, enum ledger_cache use,
                     bool *cached)
{
    const char *cache_path = use == LEDGER_CACHE_USE ? l->cache_path : NULL;
    struct cache cache = {.renew = use == LEDGER_CACHE_RENEW, .gone = {.items = NULL}};
    struct checkpoint cover = {.record = NULL};
    struct record_set set = {.items = NULL};
    enum err rc;

    /* Collect (1, 2). `cached` is set on failure too: the caller may try again without the cache.
     */
    *cached = false;
    TRY(ledger_fetch_names(l->store, true, &set));
    if (cache_path != NULL)
        TRY(cache_read(cache_path, &l->home, &set, &cache));
    *cached = cache.used > 0;
    /* Admit and check (3 to 8), then arrange (9). */
    TRY(check_all(l, options, &set, &cover));
    TRY(find_heads(&l->heads, &set));
    TRY(arrange_records(l, &set));
    if (cache_path == NULL && l->cache_path != NULL)
        cache_compare(l->cache_path, &l->home, &set, &cache);
    TRY(ledger_dead_check(&set, &cache.gone, &l->writers, &cover, &l->query, clock_now_ms()));
    /* Remember (10). Only checked records are cached, and only checked heads are raised. */
    if (l->cache_path != NULL)
        save_cache(l, &cache, &set);
    TRY(ledger_save_trust(l));
    l->damaged = set.dropped;
    take_over(l, &set);
out:
    checkpoint_clear(&cover);
    cache_clear(&cache);
    /* A damage report makes sense only if the refusal is not due to records that came meanwhile. */
    l->outdated = rc == ERR_CORRUPT && has_grown(l->store, &set, rc);
    if (!l->outdated && options->read_all && (rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED))
        rc = damage_report_all(l->store, &set, rc);
    record_set_clear(&set);
    return rc;
}
