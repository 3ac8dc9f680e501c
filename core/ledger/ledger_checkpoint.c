#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/ledger/ledger_internal.h"
#include "core/ledger/ledger_query.h"
#include "core/ledger/live_set.h"

int64_t ledger_checkpoint_expiry(const struct ledger *l)
{
    size_t count = ledger_query_count(l, RECORD_CHECKPOINT);
    const struct record *newest =
        count > 0 ? ledger_query_at(l, RECORD_CHECKPOINT, count - 1) : NULL;

    /* Whoever signed one with a date that cannot be read has said nothing. */
    return newest != NULL && newest->facts.expiry_known ? newest->facts.expires_ms : 0;
}

/* Half of the life is left for the next run to come. */
static bool expires_soon(const struct ledger *l)
{
    return l->checkpoint_life_ms > 0 &&
           ledger_checkpoint_expiry(l) - clock_now_ms() < l->checkpoint_life_ms / 2;
}

static size_t count_live(struct ledger *l)
{
    size_t count = 0;

    if (ledger_query_settle(&l->query) != ERR_OK)
        err_clear(); /* it takes longer, that is all */
    for (size_t i = 0; i < l->count; i++)
        count += ledger_query_is_live(l, l->records[i]);
    return count;
}

bool ledger_checkpoint_is_due(struct ledger *l)
{
    size_t since = 0;

    if (expires_soon(l))
        return true;
    while (since < l->count && l->records[l->count - 1 - since]->type != RECORD_CHECKPOINT)
        since++;
    if (since == l->count) /* there is none */
        return since >= LEDGER_CHECKPOINT_FIRST;
    return since > LEDGER_CHECKPOINT_EVERY && since > count_live(l) / 2;
}

static enum err write_bundle(const struct ledger *l, const char *name)
{
    struct store_put *put = NULL;
    struct buf raw = {.max = RECORD_LEN_MAX};
    enum err rc;

    TRY(store_put_begin(l->store, name, &put));
    for (size_t i = 0; i < l->count; i++) {
        if (!ledger_query_is_live(l, l->records[i]))
            continue;
        raw.len = 0;
        TRY(record_raw(l->records[i], &raw));
        TRY(store_put_write(put, buf_bytes(&raw)));
    }
    TRY(store_put_commit(put));
out:
    buf_clear(&raw);
    store_put_free(put);
    return rc;
}

/* A bundle is put before its record. One whose record does not exist was left by a killed run;
 * nothing refers to it, and it is replaced. */
static enum err put_bundle(const struct ledger *l, const char *name)
{
    char record[RECORD_NAME_LEN + 1];
    uint64_t size;
    enum err rc;

    rc = write_bundle(l, name);
    if (rc != ERR_EXISTS)
        return rc;
    record_name(l->own, ledger_next_seq(l), record);
    rc = store_head(l->store, record, &size);
    if (rc == ERR_OK)
        FAIL(ERR_BUSY, "%s: another run with the same signing key has written %s",
             store_where(l->store), record);
    if (rc != ERR_NOT_FOUND)
        goto out;
    TRY(store_remove(l->store, name));
    TRY(write_bundle(l, name));
out:
    return rc;
}

static enum err write_body(const struct ledger *l, const struct checkpoint *c, const char *name,
                           struct jdoc *to)
{
    struct jdoc *part = NULL;
    enum err rc;

    TRY(heads_write(&l->heads, to));
    TRY(jdoc_object(&part));
    TRY(jdoc_set_number(part, "count", c->live_count));
    TRY(jdoc_set_hex(part, "sha256", bytes_of(c->live_sha256, HASH_LEN)));
    TRY(jdoc_set(to, "liveSet", &part));
    if (l->checkpoint_life_ms > 0)
        TRY(jdoc_set_time(to, "expiresAt", clock_now_ms() + l->checkpoint_life_ms));
    else
        TRY(jdoc_set_null(to, "expiresAt"));
    TRY(jdoc_object(&part));
    TRY(jdoc_set_text(part, "name", name));
    TRY(jdoc_set_number(part, "size", c->bundle_size));
    TRY(jdoc_set_hex(part, "sha256", bytes_of(c->bundle_sha256, HASH_LEN)));
    TRY(jdoc_set(to, "bundle", &part));
out:
    jdoc_free(part);
    return rc;
}

/* ---- bundles that are not needed any more ---- */

struct removal {
    const struct ledger *ledger;
    uint64_t newest; /* of our checkpoints */
    uint64_t second;
};

/* Ours that stand before the newest. That is also what a killed run left at a place that another
 * record has taken since. */
static enum err remove_old(void *arg, const char *name, uint64_t size)
{
    const struct removal *r = arg;
    uint8_t writer[SIGNER_ID_LEN];
    uint64_t seq;

    (void)size;
    if (!checkpoint_parse_name(name, writer, &seq) ||
        memcmp(writer, r->ledger->own, SIGNER_ID_LEN) != 0 || seq >= r->newest || seq == r->second)
        return ERR_OK;
    return store_remove(r->ledger->store, name);
}

/* The one before the newest stays: somebody may be reading the ledger who listed it before this
 * checkpoint. */
static void remove_old_bundles(const struct ledger *l)
{
    char prefix[sizeof CHECKPOINT_DIRECTORY + 2 * SIGNER_ID_LEN + 1] = CHECKPOINT_DIRECTORY "/";
    struct removal r = {.ledger = l};

    for (size_t i = 0; i < ledger_query_count(l, RECORD_CHECKPOINT); i++) {
        const struct record *made = ledger_query_at(l, RECORD_CHECKPOINT, i);

        if (memcmp(made->writer, l->own, SIGNER_ID_LEN) != 0)
            continue;
        r.second = r.newest; /* a chain's records are in order */
        r.newest = made->seq;
    }
    text_hex(bytes_of(l->own, SIGNER_ID_LEN), prefix + strlen(prefix));
    if (store_list(l->store, prefix, remove_old, &r) == ERR_OK)
        return;
    log_say(LOG_WARN, "%s: older bundles of checkpoints are not removed", err_text());
    err_clear();
}

/* The bundle is named after the place of its record. Under the lock no other run here takes that
 * place, or mistakes the bundle for one that was left behind. */
enum err ledger_checkpoint(struct ledger *l)
{
    char name[CHECKPOINT_NAME_LEN + 1];
    struct checkpoint c = {.record = NULL};
    struct jdoc *body = NULL;
    enum err rc;

    TRY(ledger_may_append(l, RECORD_CHECKPOINT));
    TRY(ledger_lock(l));
    TRY(ledger_catch_up_all(
        l)); /* what it does not see it does not cover, and older ones may have */
    TRY(ledger_query_settle(&l->query));
    checkpoint_name(l->own, ledger_next_seq(l), name);
    TRY(live_set_measure((const struct record *const *)l->records, l->count, &l->query, &c));
    TRY(put_bundle(l, name));
    TRY(jdoc_object(&body));
    TRY(write_body(l, &c, name, body));
    TRY(ledger_append_next(l, RECORD_CHECKPOINT, body, NULL));
    remove_old_bundles(l); /* the record is durable now, and so is the bundle that it names */
out:
    ledger_unlock(l);
    if (rc != ERR_OK)
        err_note("making a checkpoint of the ledger");
    jdoc_free(body);
    return rc;
}
