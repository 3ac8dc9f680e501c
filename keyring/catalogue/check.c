#include "keyring/catalogue/check.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/base/text.h"
#include "keyring/catalogue/impact.h"
#include "keyring/catalogue/key_opener.h"
#include "keyring/catalogue/key_query.h"
#include "keyring/catalogue/key_state_record.h"
#include "keyring/catalogue/live_scopes.h"

void check_clear(struct check *c)
{
    mem_free(c->items);
    c->items = NULL;
    c->count = 0;
}

static enum err add_check_item(struct check *c, const struct key_name *key, struct check_item **out)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < c->count; i++)
        if (key_name_equal(&c->items[i].key, key)) {
            *out = &c->items[i];
            return ERR_OK;
        }
    TRY(mem_resize(c->count + 1, sizeof *c->items, &c->items));
    *out = &c->items[c->count++];
    memset(*out, 0, sizeof **out);
    (*out)->key = *key;
out:
    return rc;
}

/* A key that cannot be reached cannot say which version is active; `unnamed` keeps the reason. */
static enum err add_active(struct keyring *k, struct check *c, struct err_record *unnamed)
{
    struct check_item *item = NULL;
    struct key_name key = {0};
    enum err rc = ERR_OK;

    for (size_t i = 0; i < keyring_count(k); i++) {
        rc = keyring_active(k, i, &key);
        if (rc == ERR_KEY_UNREACHABLE) {
            err_take(rc, unnamed);
            rc = ERR_OK;
            continue;
        }
        TRY(rc);
        TRY(add_check_item(c, &key, &item));
        item->is_active = true;
    }
out:
    return rc;
}

static enum err add_needed(const struct ledger *l, struct check *c)
{
    struct needed_keys n = {NULL, 0};
    struct check_item *item = NULL;
    enum err rc;

    TRY(needed_keys_read(l, &n));
    for (size_t i = 0; i < n.count; i++) {
        TRY(add_check_item(c, &n.items[i].key, &item));
        item->scopes = n.items[i].scopes;
    }
out:
    needed_keys_clear(&n);
    return rc;
}

static enum err ask_state(struct keyring *k, struct check_item *item)
{
    enum err rc = keyring_state(k, &item->key, true, &item->state);

    if (rc != ERR_USAGE)
        return rc;
    memset(&item->state, 0, sizeof item->state);
    item->state.verdict = KEY_UNREACHABLE;
    snprintf(item->state.reason, sizeof item->state.reason, "notConfigured");
    text_printable(err_text(), item->state.detail, sizeof item->state.detail);
    return ERR_OK;
}

/* The recorded envelopes. */

static struct check_item *find_item(const struct check *c, const struct key_name *key)
{
    for (size_t i = 0; i < c->count; i++)
        if (key_name_equal(&c->items[i].key, key))
            return &c->items[i];
    return NULL;
}

/* The first envelope by a version that is valid, or not at all. */
static enum err open_envelope(struct key_opener *opener, const struct live_scope *scope,
                              const struct check *c)
{
    size_t stale = key_opener_stale(opener);
    struct check_item *item;
    const struct secret *key = NULL;
    struct data_key d = {0};
    enum err rc;

    TRY(live_scope_key(scope, &d));
    item = find_item(c, &d.envelopes[0].key);
    if (item == NULL || item->state.verdict != KEY_VALID)
        goto out;
    rc = key_opener_open(opener, scope->record, &d, &key);
    if (key_opener_stale(opener) == stale) /* rc is about the key, or about this machine */
        goto out;
    item->damaged++;
    if (rc != ERR_OK && rc != ERR_INTERRUPTED && rc != ERR_FAILED) {
        log_say(LOG_WARN, "a data key cannot be opened: %s", err_text());
        item->lost++;
        rc = ERR_OK;
    }
out:
    data_key_clear(&d);
    return rc;
}

static enum err open_envelopes(struct keyring *k, const struct ledger *l, const struct check *c)
{
    struct live_scopes scopes = {NULL, 0};
    struct key_opener *opener = NULL;
    enum err rc;

    TRY(key_opener_new(k, l, 0, &opener));
    TRY(live_scopes_read(l, &scopes));
    for (size_t i = 0; i < scopes.count; i++) {
        TRY(stop_check());
        TRY(open_envelope(opener, &scopes.items[i], c));
    }
out:
    live_scopes_clear(&scopes);
    key_opener_free(opener);
    return rc;
}

/* Keeping record. */

/* Does the newest keyState record say the same? */
static bool is_known_state(const struct ledger *l, const struct check_item *item)
{
    const struct record *r = key_query_state(l, &item->key);
    struct key_state_record known;

    return r != NULL && key_state_record_read(r, &known) == ERR_OK &&
           known.verdict == item->state.verdict && strcmp(known.reason, item->state.reason) == 0;
}

static enum err append_state(struct ledger *l, struct check_item *item)
{
    struct jdoc *body = NULL;
    enum err rc;

    TRY(key_state_record_write(&item->key, &item->state, clock_now_ms(), &body));
    rc = ledger_append(l, RECORD_KEY_STATE, body, NULL);
    item->recorded = rc == ERR_OK;
    if (rc != ERR_BUSY)
        goto out;
    /* A backup is writing. The finding matters more than its record; the next check makes it. */
    log_say(LOG_INFO, "the state of a master key changed and is not recorded yet: another run is "
                      "writing to the ledger");
    rc = ERR_OK;
out:
    jdoc_free(body);
    return rc;
}

static enum err keep_record(struct ledger *l, struct check_item *item)
{
    item->changed = !is_known_state(l, item);
    item->recorded = !item->changed;
    if (!item->changed || !ledger_can_append(l, RECORD_KEY_STATE))
        return ERR_OK;
    return append_state(l, item);
}

/* One record of each new generation of a keyring, by which an older copy is noticed. Where a state
 * changed, its record has it already. */
static enum err keep_generation(struct ledger *l, struct check_item *item)
{
    uint64_t most = item->state.generation + KEYRING_GENERATION_LEAP;
    const struct record *above = NULL;
    uint64_t known = key_query_generation(l, item->key.provider, item->key.key_id, most, &above);

    if (item->state.generation <= known || !ledger_can_append(l, RECORD_KEY_STATE))
        return ERR_OK;
    return append_state(l, item);
}

static bool is_valid(const struct check *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->items[i].state.verdict != KEY_VALID)
            return false;
    return true;
}

enum err check_run(struct keyring *k, struct ledger *ledger, bool open, struct check *out)
{
    struct err_record unnamed = {.code = ERR_OK};
    struct check c = {NULL, 0};
    enum err rc;

    TRY(add_active(k, &c, &unnamed));
    if (ledger != NULL)
        TRY(add_needed(ledger, &c));
    for (size_t i = 0; i < c.count; i++) {
        TRY(ask_state(k, &c.items[i]));
        if (ledger != NULL)
            TRY(keep_record(ledger, &c.items[i]));
    }
    for (size_t i = 0; i < c.count && ledger != NULL; i++)
        TRY(keep_generation(ledger, &c.items[i]));
    if (ledger != NULL && open)
        TRY(open_envelopes(k, ledger, &c));
    /* Nothing in the list tells of it, so the call must. */
    if (unnamed.code != ERR_OK && is_valid(&c))
        TRY(err_give(&unnamed));
    *out = c;
    c.items = NULL; /* the caller's now */
out:
    check_clear(&c);
    return rc;
}

static enum err judge_envelopes(const struct check *c)
{
    size_t damaged = 0;
    size_t lost = 0;

    for (size_t i = 0; i < c->count; i++) {
        damaged += c->items[i].damaged;
        lost += c->items[i].lost;
    }
    if (damaged == 0)
        return ERR_OK;
    if (lost > 0)
        return err_set(ERR_CORRUPT, "no envelope of %zu data key%s opens (see above)", lost,
                       lost == 1 ? "" : "s");
    err_set(ERR_ATTENTION, "the envelope%s of %zu data key%s not open, and an older one does",
            damaged == 1 ? "" : "s", damaged, damaged == 1 ? " does" : "s do");
    err_hint("`sealpoint key rewrap` makes new ones");
    return ERR_ATTENTION;
}

enum err check_verdict(const struct check *c)
{
    static const enum verdict worst_first[] = {KEY_INVALID, KEY_UNREACHABLE};

    for (size_t w = 0; w < sizeof worst_first / sizeof worst_first[0]; w++)
        for (size_t i = 0; i < c->count; i++)
            if (c->items[i].state.verdict == worst_first[w])
                return key_state_require(&c->items[i].key, &c->items[i].state);
    return judge_envelopes(c);
}
