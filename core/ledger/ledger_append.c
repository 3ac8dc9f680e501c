#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/ledger/cache.h"
#include "core/ledger/expiry.h"
#include "core/ledger/ledger_internal.h"

/*
 * Appending a record to this key's own chain.
 *
 * Who takes turns: runs of one state directory hold its lock while they append. A copy of the key
 * on another machine is not stopped by that lock; there the store decides, because a put never
 * replaces an object. Whoever comes second gets ERR_EXISTS, reads and checks what the other one
 * appended (ledger_catch_up.c), signs again for the next place, and gives up after CATCH_UP_MAX
 * rounds.
 *
 * What may fail when: the record is signed, memory for it is reserved in every list, and the list
 * of writers that will hold after it is prepared, before the put. The put makes it a fact. After it
 * nothing may fail, for a caller that is told of a failure would delete what the record refers to.
 * ledger_place() therefore only fills what was reserved, and a cache or trust file that cannot be
 * written is a warning.
 */

/* Clocks that differ by more than this are worth a warning. */
#define CLOCK_BEHIND_MS (5 * INT64_C(60000))

/* How often a record is signed again because others on the same chain were faster. */
#define CATCH_UP_MAX 8

static const struct signer *signing_key(const struct ledger *l)
{
    return l->acting != NULL ? l->acting : l->signer;
}

enum err ledger_may_append(const struct ledger *l, enum record_type type)
{
    enum err rc = l->acting == NULL ? ledger_check_key(l) : ERR_OK;

    if (rc != ERR_OK)
        return rc;
    if (l->state_dir == NULL)
        return err_set(ERR_FAILED, "without a state directory nothing can be added to %s",
                       store_where(l->store));
    if (signing_key(l) == NULL)
        return err_set(ERR_FAILED,
                       "there is no signing key in %s: nothing can be added to the repository from "
                       "here (verify and restore work without)",
                       l->state_dir);
    if (!writers_allow(&l->writers, l->own, type))
        return err_set(ERR_FAILED, "the signing key in %s may not sign %s records of %s",
                       l->state_dir, record_type_name(type), store_where(l->store));
    if (l->count >= LEDGER_RECORDS_MAX)
        return err_set(ERR_FAILED, "the ledger is full: it has %d records", LEDGER_RECORDS_MAX);
    return ledger_check_clock(l);
}

/* A revocation that was signed in this run has taken some of the records back. */
static bool counts(const struct ledger *l, const struct record *r)
{
    return writers_count_place(&l->writers, r->writer, r->seq);
}

static const struct record *newest_believed(const struct ledger *l)
{
    for (size_t i = l->count; i > 0; i--) {
        const struct record *r = l->records[i - 1];

        if (counts(l, r) && clock_is_time(r->created_ms))
            return r;
    }
    return NULL;
}

int64_t ledger_newest_ms(const struct ledger *l)
{
    const struct record *r = newest_believed(l);

    return r != NULL ? r->created_ms : 0;
}

static bool is_revoked(const struct ledger *l, const struct record *r)
{
    const struct writer *w = writers_find(&l->writers, r->writer);

    return w != NULL && w->revoked;
}

/* The first in the ledger's order, and so in its chain; NULL: none is. When root has revoked the
 * writer, it has looked. */
static const struct record *first_far_ahead(const struct ledger *l)
{
    const struct record *first = NULL;

    for (size_t i = l->count; i > 0 && clock_is_far_ahead(l->records[i - 1]->created_ms); i--)
        if (!is_revoked(l, l->records[i - 1]))
            first = l->records[i - 1];
    return first;
}

static void hint_far_ahead(const struct ledger *l, const struct record *r)
{
    char writer[2 * SIGNER_ID_LEN + 1];
    char last[40] = "";

    if (writers_is_root(&l->writers, r->writer)) {
        err_hint("put the clock right; if it is right, give --clock-is-right");
        return;
    }
    text_hex(bytes_of(r->writer, SIGNER_ID_LEN), writer);
    if (r->seq > 0)
        snprintf(last, sizeof last, " --last %" PRIu64, r->seq - 1);
    err_hint("look which of them is right, and put the clock right if it is not. If it is, that "
             "writer may have been taken over: revoke it with its last good record, `sealpoint "
             "writer revoke %s%s`; or give --clock-is-right",
             writer, last);
}

static enum err refuse_far_ahead(const struct ledger *l, const struct record *r)
{
    char now[CLOCK_TEXT_LEN + 1], then[CLOCK_TEXT_LEN + 1];
    char name[RECORD_NAME_LEN + 1];

    clock_text(clock_now_ms(), now);
    clock_text(r->created_ms, then);
    record_name(r->writer, r->seq, name);
    err_set(ERR_FAILED,
            "%s: the record %s is dated %s, more than %d days after what the clock says, %s: "
            "nothing is written",
            store_where(l->store), name, then, CLOCK_AHEAD_DAYS_MAX, now);
    hint_far_ahead(l, r);
    return ERR_FAILED;
}

enum err ledger_check_clock(const struct ledger *l)
{
    const struct record *ahead = first_far_ahead(l);

    if (ahead != NULL && l->acting == NULL && !clock_is_vouched_for())
        return refuse_far_ahead(l, ahead);
    return clock_check_ahead(ledger_newest_ms(l), "repository", store_where(l->store));
}

uint64_t ledger_next_seq_of(const struct ledger *l, const uint8_t writer[SIGNER_ID_LEN])
{
    const struct head *head = heads_find(&l->heads, writer);

    return head != NULL ? head->seq + 1 : 0;
}

uint64_t ledger_next_seq(const struct ledger *l)
{
    return ledger_next_seq_of(l, l->own);
}

/* Nothing else that is known here: a checkpoint's bundle may have what this needs, and at the next
 * opening it is read. */
enum err ledger_check_tombstone(const struct ledger *l, const struct record *r)
{
    struct expiries x = {NULL, 0, 0};
    enum err rc = ERR_OK;

    if (r->type != RECORD_TOMBSTONE || writers_is_root(&l->writers, r->writer))
        goto out;
    for (size_t i = 0; i < l->count; i++)
        TRY(expiries_add(&x, l->records[i]));
    expiries_sort(&x);
    TRY(expiries_check(&x, r, false, clock_now_ms()));
out:
    expiries_clear(&x);
    return rc;
}

/* One that readers would refuse must not be made: it could never be taken back. */
static enum err refuse_bad_tombstone(const struct ledger *l, const struct record *r)
{
    struct err_record why;
    enum err rc = ledger_check_tombstone(l, r);

    if (rc != ERR_CORRUPT)
        return rc;
    err_take(rc, &why);
    return err_set(ERR_FAILED, "the tombstone is not written: %s", why.text);
}

/* The earliest time at which a new record of ours sorts after everything that is believed here: it
 * may refer to records of any chain, as a snapshot does to its parent. Root's refer to nothing that
 * sorts, and follow only its own chain: no writer says when it was revoked. */
static int64_t earliest_ms(const struct ledger *l)
{
    const struct head *head = heads_find(&l->heads, l->own);
    const struct record *newest = l->acting == NULL ? newest_believed(l) : NULL;
    int64_t own_ms = head != NULL ? head->created_ms : 0;
    int64_t any_ms = newest != NULL ? newest->created_ms : 0;

    if (any_ms < own_ms)
        return own_ms;
    /* Records of the same time sort by writer id. */
    if (newest != NULL && memcmp(newest->writer, l->own, SIGNER_ID_LEN) > 0)
        any_ms++;
    return any_ms;
}

/* Time never goes back in the ledger, even when the clock does. */
static void set_time(const struct ledger *l, struct record_place *to)
{
    int64_t least_ms = earliest_ms(l);

    to->created_ms = clock_now_ms();
    if (to->created_ms >= least_ms)
        return;
    if (to->created_ms + CLOCK_BEHIND_MS < least_ms) {
        char text[TEXT_HUMAN_MAX];

        text_human_time((uint64_t)(least_ms - to->created_ms) / 1000, text);
        log_say(LOG_WARN, "the clock is %s behind the repository's newest record: is it right?",
                text);
    }
    to->created_ms = least_ms;
}

static enum err make_next(const struct ledger *l, enum record_type type, const struct jdoc *body,
                          struct record **out)
{
    const struct head *head = heads_find(&l->heads, l->own);
    struct record_place place = {.seq = ledger_next_seq(l)};

    memcpy(place.repository, l->writers.repository, SEAL_ID_LEN);
    if (head != NULL)
        place.prev = head->id;
    set_time(l, &place);
    return record_make(type, &place, body, signing_key(l), out);
}

/* The record that is in our place may be ours: the put succeeded and its reply was lost. */
static enum err is_ours(const struct ledger *l, const char *name, const struct record *r, bool *out)
{
    struct buf there = {.max = RECORD_LEN_MAX};
    enum err rc;

    TRY(store_get(l->store, name, &there));
    *out = bytes_equal(buf_bytes(&there), buf_bytes(&r->raw));
out:
    buf_clear(&there);
    return rc == ERR_CORRUPT ? ERR_OK : rc; /* too long to be ours */
}

static enum err put_record(const struct ledger *l, const struct record *r)
{
    char name[RECORD_NAME_LEN + 1];
    bool ours = false;
    enum err rc;

    record_name(r->writer, r->seq, name);
    rc = store_put(l->store, name, buf_bytes(&r->raw));
    if (rc != ERR_EXISTS)
        return rc;
    err_clear();
    rc = is_ours(l, name, r, &ours);
    if (rc != ERR_OK || ours)
        return rc;
    rc = err_set(ERR_BUSY,
                 "%s: another run with the same signing key was faster: record %" PRIu64
                 " is there already",
                 store_where(l->store), r->seq);
    err_hint("wait for that run to end, then try again");
    return rc;
}

static enum err reserve_place(struct ledger *l, const struct record *r)
{
    enum err rc;

    TRY(mem_grow(l->count, sizeof(struct record *), &l->cap, &l->records));
    TRY(heads_reserve(&l->heads, r->writer));
    TRY(ledger_query_reserve(&l->query, r));
out:
    return rc;
}

enum err ledger_prepare(struct ledger *l, const struct record *r, struct writers *writers)
{
    enum err rc;

    TRY(writers_copy(&l->writers, writers));
    TRY(writers_apply(writers, r));
    TRY(reserve_place(l, r));
out:
    return rc;
}

void ledger_place(struct ledger *l, struct record *r, struct writers *writers)
{
    struct head head = head_of(r);
    size_t i = l->count;

    for (; i > 0 && record_compare(l->records[i - 1], r) > 0; i--)
        l->records[i] = l->records[i - 1];
    l->records[i] = r;
    l->count++;
    /* Both have room since ledger_prepare(). */
    if (ledger_query_add(&l->query, r) != ERR_OK || heads_raise(&l->heads, &head) != ERR_OK)
        abort();
    writers_clear(&l->writers);
    l->writers = *writers;
    *writers = (struct writers){.founded = false}; /* the ledger's now */
}

/* The record is in the store already; failures here are warnings. */
static void remember_record(struct ledger *l, struct record *r)
{
    if (cache_add(l->cache_path, &l->home, r) != ERR_OK)
        log_say(LOG_WARN, "%s: the cache of records is not kept", err_text());
    if (ledger_save_trust(l) != ERR_OK)
        log_say(LOG_WARN, "%s", err_text());
    err_clear();
}

/* Nothing after the put may fail (see above). */
enum err ledger_append_next(struct ledger *l, enum record_type type, const struct jdoc *body,
                            const struct record **out)
{
    struct writers writers = {.founded = false};
    struct record *r = NULL;
    enum err rc;

    TRY(ledger_may_append(l, type));
    TRY(make_next(l, type, body, &r));
    TRY(refuse_bad_tombstone(l, r));
    TRY(ledger_prepare(l, r, &writers));
    TRY(put_record(l, r));
    ledger_place(l, r, &writers);
    remember_record(l, r);
    if (out != NULL)
        *out = r;
    r = NULL; /* the ledger's now */
out:
    writers_clear(&writers);
    record_free(r);
    return rc;
}

/* A backup takes hours, and root may have revoked its writer meanwhile: what is signed then does
 * not count, and every reader would refuse the repository until somebody removes it. */
enum err ledger_hear_root(struct ledger *l, enum record_type type)
{
    enum err rc = ERR_OK;

    if (l->acting != NULL)
        goto out;
    TRY(ledger_catch_up_root(l));
    TRY(ledger_may_append(l, type));
out:
    return rc;
}

/* Takes the turn, then appends, catching up with others as often as needed. */
enum err ledger_append(struct ledger *l, enum record_type type, const struct jdoc *body,
                       const struct record **out)
{
    enum err rc;

    TRY(ledger_may_append(l, type));
    rc = ledger_lock(l);
    if (rc == ERR_BUSY)
        err_clear(); /* its holder hangs; the store alone then decides who is first */
    else
        TRY(rc);
    TRY(ledger_hear_root(l, type));
    rc = ledger_append_next(l, type, body, out);
    for (int i = 0; rc == ERR_BUSY && i < CATCH_UP_MAX; i++) {
        err_clear();
        TRY(ledger_catch_up(l));
        rc = ledger_append_next(l, type, body, out);
    }
out:
    ledger_unlock(l);
    return rc;
}
