#include "keyring/catalogue/rewrap.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/stop.h"
#include "keyring/catalogue/live_scopes.h"
#include "keyring/catalogue/rewrap_record.h"
#include "keyring/catalogue/snapshot_record.h"
#include "keyring/keyring_internal.h"

/* A run over all live scopes. */
struct run {
    const struct rewrap_options *options;
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

static bool is_the_keys_fault(enum err rc)
{
    return rc == ERR_KEY_INVALID || rc == ERR_KEY_UNREACHABLE;
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

/* Opens `d`, or counts it as refused: then *out stays NULL. */
static enum err open_or_refuse(struct run *r, const struct record *of, const struct data_key *d,
                               struct secret **out)
{
    enum err rc = keyring_open_data_key(r->options->keyring, d, r->options->envelope, out);

    if (!is_the_keys_fault(rc))
        return rc;
    say_refused(of);
    if (r->result->refused++ == 0)
        err_take(rc, &r->first_refusal);
    return ERR_OK;
}

static enum err rewrap_key(struct run *r, const struct record *of, const struct data_key *d)
{
    struct secret *data_key = NULL;
    struct data_key fresh = {0};
    enum err rc;

    TRY(open_or_refuse(r, of, d, &data_key));
    if (data_key == NULL)
        goto out;
    TRY(keyring_wrap(r->options->keyring, &d->context, data_key, &fresh));
    TRY(append_rewrap(r->options->ledger, d, &fresh));
    r->result->done++;
out:
    secret_free(data_key);
    data_key_clear(&fresh);
    return rc;
}

static enum err rewrap_scope(struct run *r, const struct live_scope *scope)
{
    struct data_key d = {0};
    enum err rc;

    TRY(stop_check());
    TRY(live_scope_key(scope, &d));
    if (is_current(r, &d))
        r->result->current++;
    else if (r->options->dry_run)
        r->result->done++;
    else
        TRY(rewrap_key(r, scope->record, &d));
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
    if (!options->dry_run && !ledger_can_append(options->ledger, RECORD_REWRAP))
        FAIL(ERR_FAILED, "there is no signing key here that may sign rewrap records, so nothing "
                         "can be rewrapped");
    TRY(read_active(&r));
    TRY(live_scopes_read(options->ledger, &scopes));
    out->scopes = scopes.count;
    for (size_t i = 0; i < scopes.count; i++)
        TRY(rewrap_scope(&r, &scopes.items[i]));
    TRY(report_refusals(&r));
out:
    live_scopes_clear(&scopes);
    return rc;
}
