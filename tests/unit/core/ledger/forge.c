#include "tests/unit/core/ledger/forge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/ledger/ledger.h"
#include "core/ledger/record.h"
#include "core/ledger/signer.h"
#include "tests/unit/helpers.h"

size_t warnings;
char last_warning[ERR_TEXT_MAX];

struct signer *forge_key(void **state, const char *name, const char *text)
{
    struct signer *s = NULL;

    put_file(in(state, name), text);
    (void)chmod(in(state, name), 0600);
    assert_done(signer_load(in(state, name), &s));
    return s;
}

struct ledger_options site_options(const struct site *s, bool read_all)
{
    return (struct ledger_options){.store = s->store,
                                   .state_dir = in(s->state, "state"),
                                   .read_all = read_all,
                                   .root = {.key = s->root}};
}

void site_prepare(struct site *s, void **state)
{
    *s = (struct site){.state = state};
    assert_int_equal(mkdir(in(state, "state"), 0700), 0);
    s->own = forge_key(state, "state/signing-key.json", OWN_KEY_FILE);
    s->root = forge_key(state, "root-key.json", ROOT_KEY_FILE);
    s->other = forge_key(state, "other-key.json", OTHER_KEY_FILE);
    assert_done(store_open(in(state, "store"), true, &s->store));
}

void site_new(struct site *s, void **state)
{
    struct ledger_options options;

    site_prepare(s, state);
    options = site_options(s, false);
    assert_done(ledger_create(&options, &s->ledger));
}

void site_close(struct site *s)
{
    ledger_free(s->ledger);
    s->ledger = NULL;
}

void site_free(struct site *s)
{
    site_close(s);
    signer_free(s->other);
    signer_free(s->root);
    signer_free(s->own);
    store_free(s->store);
}

enum err site_open(struct site *s, bool read_all)
{
    struct ledger_options options = site_options(s, read_all);

    site_close(s);
    return ledger_open(&options, &s->ledger);
}

void site_forget(struct site *s)
{
    site_close(s);
    (void)unlink(in(s->state, "state/trust.json"));
    (void)unlink(in(s->state, "state/records.jsonl"));
}

enum err site_append(struct site *s, enum record_type type, const char *body)
{
    bool by_root = type == RECORD_WRITER || type == RECORD_TOMBSTONE;
    enum err rc;

    if (by_root)
        assert_done(ledger_act_as_root(s->ledger, s->root));
    rc = site_append_own(s, type, body);
    if (by_root)
        assert_done(ledger_act_as_root(s->ledger, NULL));
    return rc;
}

void site_revoke_other(struct site *s, const struct record *last)
{
    char body[512];
    char id[2 * RECORD_ID_LEN + 1];

    snprintf(body, sizeof body,
             "{\"action\":\"revoke\",\"subject\":\"" OTHER_ID
             "\",\"lastSeq\":null,\"lastRecordId\":null}");
    if (last != NULL) {
        text_hex(bytes_of(last->id, RECORD_ID_LEN), id);
        snprintf(body, sizeof body,
                 "{\"action\":\"revoke\",\"subject\":\"" OTHER_ID
                 "\",\"lastSeq\":%d,\"lastRecordId\":\"%s\"}",
                 (int)last->seq, id);
    }
    assert_done(site_append(s, RECORD_WRITER, body));
}

enum err site_append_own(struct site *s, enum record_type type, const char *body)
{
    struct jdoc *doc = NULL;
    enum err rc;

    assert_done(jdoc_parse(bytes_of_text(body), &doc));
    rc = ledger_append(s->ledger, type, doc, NULL);
    jdoc_free(doc);
    return rc;
}

void site_snapshot(struct site *s, const char *id)
{
    char body[128];

    snprintf(body, sizeof body, "{\"id\":\"%s\",\"status\":\"completed\"}", id);
    assert_done(site_append(s, RECORD_SNAPSHOT, body));
}

const char *site_name(const char *writer, uint64_t seq)
{
    static char name[RECORD_NAME_LEN + 1];
    uint8_t id[SIGNER_ID_LEN];

    assert_done(text_unhex(writer, id, sizeof id));
    record_name(id, seq, name);
    return name;
}

struct buf site_raw(const struct site *s, const char *name)
{
    struct buf raw = {.max = 10 * MIB};

    assert_done(store_get(s->store, name, &raw));
    return raw;
}

struct record *site_record(const struct site *s, const char *writer, uint64_t seq)
{
    struct buf raw = site_raw(s, site_name(writer, seq));
    struct record *r = NULL;

    assert_done(record_parse(buf_bytes(&raw), &r));
    buf_clear(&raw);
    return r;
}

void site_delete(const struct site *s, const char *name)
{
    assert_done(store_remove(s->store, name));
}

void site_put(const struct site *s, const char *name, struct bytes content)
{
    assert_done(store_remove(s->store, name));
    assert_done(store_put(s->store, name, content));
}

struct record *forge(const struct site *s, const struct signer *signer, enum record_type type,
                     const struct record *before, int64_t created_ms, const char *body)
{
    struct record_place place = {.created_ms = created_ms};
    char name[RECORD_NAME_LEN + 1];
    struct jdoc *doc = NULL;
    struct record *r = NULL;

    memcpy(place.repository, ledger_repository(s->ledger), SEAL_ID_LEN);
    if (before != NULL) {
        place.seq = before->seq + 1;
        place.prev = before->id;
    }
    assert_done(jdoc_parse(bytes_of_text(body), &doc));
    assert_done(record_make(type, &place, doc, signer, &r));
    record_name(r->writer, r->seq, name);
    site_put(s, name, buf_bytes(&r->raw));
    jdoc_free(doc);
    return r;
}

void assert_said(const char *part)
{
    if (strstr(told(), part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, told());
}

void keep_warning(enum log_level level, const char *text)
{
    if (level != LOG_WARN)
        return;
    warnings++;
    snprintf(last_warning, sizeof last_warning, "%s", text);
}
