#include "keyring/catalogue/rewrap.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/stop.h"
#include "keyring/catalogue/key_opener.h"
#include "keyring/catalogue/live_scopes.h"
#include "keyring/catalogue/rewrap_record.h"
#include "keyring/catalogue/snapshot_record.h"
#include "keyring/keyring_internal.h"

/*
 * For each live data key:
 *
 *  - Open it. One that is under the active versions already is opened, too: when its envelope is
 *    damaged, and another copy opens, it gets a new one.
 *  - Wrap it by the active versions, and open each new envelope: a key service that gives back
 *    rubbish, or a memory that flips a bit, is noticed while the old envelope is still the one that
 *    counts.
 *  - Append the record. From then on the new envelopes count.
 */

/* A run over all live scopes. */
struct run {
    const struct rewrap_options *options;
    struct key_opener *opener; /* owned */
    struct key_name active[KEYRING_KEYS_MAX];
    struct rewrap_result *result;
    struct err_record first_refusal;
};

static enum err read_active(struct run *r)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < keyring_count(r->options->keyring); i++)
        TRY(keyring_active(r->options->keyring, i, &r->active[i]));
out:
    return rc;
}

/* Exactly the active versions, in the configured order: the first is the recorded one. */
static bool is_current(const struct run *r, const struct data_key *d)
{
    if (d->envelope_count != keyring_count(r->options->keyring))
        return false;
    for (size_t i = 0; i < d->envelope_count; i++)
        if (!key_name_equal(&d->envelopes[i].key, &r->active[i]))
            return false;
    return true;
}

static enum err append_rewrap(struct ledger *l, const struct data_key *old,
                              const struct data_key *fresh)
{
    struct jdoc *body = NULL;
    enum err rc;

    TRY(rewrap_record_write(fresh, old, &body));
    TRY(ledger_append(l, RECORD_REWRAP, body, NULL));
out:
    jdoc_free(body);
    return rc;
}

/* Of this data key: the others may be as they should be. */
static bool is_refusal(enum err rc)
{
    return rc == ERR_KEY_INVALID || rc == ERR_KEY_UNREACHABLE || rc == ERR_CORRUPT ||
           rc == ERR_UNSUPPORTED;
}

/* "a data key" when the record has no readable id: oplog segments have none. */
static void say_refused(const struct record *of)
{
    struct err_record why;
    const char *id = NULL;

    err_take(ERR_OK, &why);
    if (of->type == RECORD_SNAPSHOT && snapshot_record_raw_id(of, &id) == ERR_OK)
        log_say(LOG_WARN, "the data key of snapshot %s cannot be rewrapped: %s", id, why.text);
    else
        log_say(LOG_WARN, "a data key cannot be rewrapped: %s", why.text);
    (void)err_give(&why);
}

/* Counts it as refused, if that is what `rc` means. */
static enum err take_refusal(struct run *r, const struct record *of, enum err rc)
{
    if (!is_refusal(rc))
        return rc;
    say_refused(of);
    if (r->result->refused++ == 0)
        err_take(rc, &r->first_refusal);
    return ERR_OK;
}

/* None of them counts before each of them opens. */
static enum err open_new(struct run *r, const struct data_key *fresh)
{
    struct secret *again = NULL;
    enum err rc = ERR_OK;

    for (size_t i = 0; i < fresh->envelope_count; i++) {
        TRY(keyring_open_data_key(r->options->keyring, fresh, i, &again));
        secret_free(again);
        again = NULL;
    }
out:
    if (rc != ERR_OK)
        err_note("its new envelope does not open, and is not used");
    return rc;
}

static enum err rewrap_key(struct run *r, const struct record *of, const struct data_key *old,
                           const struct secret *key)
{
    struct data_key fresh = {0};
    enum err rc;

    TRY(keyring_wrap(r->options->keyring, &old->context, key, &fresh));
    rc = open_new(r, &fresh);
    if (rc != ERR_OK) {
        TRY(take_refusal(r, of, rc));
        goto out;
    }
    if (!r->options->dry_run)
        TRY(append_rewrap(r->options->ledger, old, &fresh));
    r->result->done++;
out:
    data_key_clear(&fresh);
    return rc;
}

/* What cannot be opened and is current as it is has nothing to be rewrapped for. */
static enum err rewrap_opened(struct run *r, const struct record *of, const struct data_key *d)
{
    size_t stale = key_opener_stale(r->opener);
    const struct secret *key = NULL;
    enum err rc;

    rc = key_opener_open(r->opener, of, d, &key);
    stale = key_opener_stale(r->opener) - stale;
    if (is_current(r, d) && stale == 0) {
        r->result->current++;
        return rc == ERR_OK || is_refusal(rc) ? ERR_OK : rc;
    }
    if (rc != ERR_OK)
        return take_refusal(r, of, rc);
    return rewrap_key(r, of, d, key);
}

static enum err rewrap_scope(struct run *r, const struct live_scope *scope)
{
    struct data_key d = {0};
    enum err rc;

    TRY(stop_check());
    TRY(live_scope_key(scope, &d));
    TRY(rewrap_opened(r, scope->record, &d));
out:
    data_key_clear(&d);
    return rc;
}

/* What is left over is said at the end, with the first reason. */
static enum err report_refusals(const struct run *r)
{
    enum err rc;

    if (r->result->refused == 0)
        return ERR_OK;
    rc = err_give(&r->first_refusal);
    err_note("%zu of %zu data keys could not be opened and stay under the version they were under",
             r->result->refused, r->result->scopes);
    return rc;
}

enum err rewrap_run(const struct rewrap_options *options, struct rewrap_result *out)
{
    struct run r = {.options = options, .result = out, .first_refusal = {.code = ERR_OK}};
    struct live_scopes scopes = {NULL, 0};
    enum err rc;

    *out = (struct rewrap_result){0};
    if (!ledger_can_append(options->ledger, RECORD_REWRAP))
        FAIL(ERR_FAILED, "there is no signing key here that may sign rewrap records, so nothing "
                         "can be rewrapped");
    TRY(read_active(&r));
    TRY(key_opener_new(options->keyring, options->ledger, options->envelope, &r.opener));
    TRY(live_scopes_read(options->ledger, &scopes));
    out->scopes = scopes.count;
    for (size_t i = 0; i < scopes.count; i++)
        TRY(rewrap_scope(&r, &scopes.items[i]));
    TRY(report_refusals(&r));
out:
    key_opener_free(r.opener);
    live_scopes_clear(&scopes);
    return rc;
}
