#include "keyring/catalogue/snapshot_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "keyring/catalogue/record_key.h"
#include "keyring/catalogue/rewrap_record.h"

/* The only one yet: what is not complete has no record. */
#define STATUS_COMPLETED "completed"
#define SIZE_MAX_JSON (UINT64_C(1) << 60)

/* Members, each one's writer beside its reader, in the order of the format's table. */

static enum err read_id(const struct jdoc *from, const char *name, char out[SNAPSHOT_ID_TEXT + 1])
{
    uint8_t id[SNAPSHOT_ID_LEN];
    enum err rc;

    TRY(jdoc_hex(from, name, id, sizeof id));
    text_hex(bytes_of(id, sizeof id), out);
out:
    return rc;
}

static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static enum err write_times(const struct snapshot *s, struct jdoc *to)
{
    enum err rc;

    TRY(jdoc_set_time(to, "startedAt", s->started_ms));
    if (s->expires_ms > 0)
        TRY(jdoc_set_time(to, "expiresAt", s->expires_ms));
    else
        TRY(jdoc_set_null(to, "expiresAt"));
out:
    return rc;
}

static enum err read_times(const struct jdoc *from, struct snapshot *s)
{
    enum err rc;

    TRY(jdoc_time(from, "startedAt", &s->started_ms));
    if (jdoc_has(from, "expiresAt"))
        TRY(jdoc_time(from, "expiresAt", &s->expires_ms));
out:
    return rc;
}

static enum err write_chain(const struct snapshot *s, struct jdoc *to)
{
    struct jdoc *part = NULL;
    enum err rc;

    TRY(jdoc_set_text(to, "parent", s->parent[0] != '\0' ? s->parent : NULL));
    TRY(jdoc_object(&part));
    TRY(jdoc_set_text(part, "base", s->base));
    TRY(jdoc_set_number(part, "position", s->chain_position));
    TRY(jdoc_set_number(part, "storedBytes", s->chain_stored_bytes));
    TRY(jdoc_set_number(part, "neededBytes", s->chain_needed_bytes));
    TRY(jdoc_set(to, "chain", &part));
out:
    jdoc_free(part);
    return rc;
}

static enum err read_chain(const struct jdoc *from, struct snapshot *s)
{
    struct jdoc *part = NULL;
    enum err rc;

    TRY(jdoc_child(from, "chain", &part));
    TRY(read_id(part, "base", s->base));
    TRY(jdoc_number(part, "position", UINT32_MAX, &s->chain_position));
    TRY(jdoc_number(part, "storedBytes", SIZE_MAX_JSON, &s->chain_stored_bytes));
    TRY(jdoc_number(part, "neededBytes", SIZE_MAX_JSON, &s->chain_needed_bytes));
    if (jdoc_has(from, "parent"))
        TRY(read_id(from, "parent", s->parent));
    if ((s->chain_position == 0) != (s->parent[0] == '\0'))
        FAIL(ERR_CORRUPT, "its place in the chain contradicts its parent");
out:
    return rc;
}

static enum err write_totals(const struct snapshot_totals *t, struct jdoc *to)
{
    struct jdoc *part = NULL;
    enum err rc;

    TRY(jdoc_object(&part));
    TRY(jdoc_set_number(part, "files", t->files));
    TRY(jdoc_set_number(part, "bytes", t->bytes));
    TRY(jdoc_set_number(part, "newBytes", t->new_bytes));
    TRY(jdoc_set_number(part, "storedBytes", t->stored_bytes));
    TRY(jdoc_set(to, "totals", &part));
out:
    jdoc_free(part);
    return rc;
}

static enum err read_totals(const struct jdoc *from, struct snapshot_totals *t)
{
    struct jdoc *part = NULL;
    enum err rc;

    TRY(jdoc_child(from, "totals", &part));
    TRY(jdoc_number(part, "files", SIZE_MAX_JSON, &t->files));
    TRY(jdoc_number(part, "bytes", SIZE_MAX_JSON, &t->bytes));
    TRY(jdoc_number(part, "newBytes", SIZE_MAX_JSON, &t->new_bytes));
    TRY(jdoc_number(part, "storedBytes", SIZE_MAX_JSON, &t->stored_bytes));
out:
    return rc;
}

/* The first envelope of the newest rewrap is what a restore needs now; else the recorded key. */
static enum err read_master_keys(const struct ledger *ledger, const struct jdoc *from,
                                 struct snapshot *s)
{
    struct data_key own = {0};
    struct data_key fresh = {0};
    const struct record *rewrap = NULL;
    enum err rc;

    TRY(record_key_read_payload(from, s->record->repository, &own));
    s->recorded_key = own.envelopes[0].key;
    s->effective_key = s->recorded_key;
    if (ledger != NULL)
        TRY(rewrap_record_find(ledger, &own, NULL, &rewrap, &fresh));
    if (rewrap != NULL)
        s->effective_key = fresh.envelopes[0].key;
out:
    data_key_clear(&own);
    data_key_clear(&fresh);
    return rc;
}

static enum err write_manifest(const struct snapshot *s, struct jdoc *to)
{
    struct jdoc *part = NULL;
    enum err rc;

    TRY(jdoc_object(&part));
    TRY(jdoc_set_number(part, "size", s->manifest_size));
    TRY(jdoc_set_hex(part, "sha256", bytes_of(s->manifest_sha256, HASH_LEN)));
    TRY(jdoc_set(to, "manifest", &part));
out:
    jdoc_free(part);
    return rc;
}

static enum err read_manifest(const struct jdoc *from, struct snapshot *s)
{
    struct jdoc *part = NULL;
    enum err rc;

    TRY(jdoc_child(from, "manifest", &part));
    TRY(jdoc_number(part, "size", SIZE_MAX_JSON, &s->manifest_size));
    TRY(jdoc_hex(part, "sha256", s->manifest_sha256, HASH_LEN));
out:
    return rc;
}

/* The record. */

enum err snapshot_record_write_facts(const struct snapshot *from, struct jdoc **out)
{
    struct jdoc *facts = NULL;
    enum err rc;

    TRY(jdoc_object(&facts));
    TRY(jdoc_set_text(facts, "id", from->id));
    TRY(jdoc_set_text(facts, "status", STATUS_COMPLETED));
    TRY(jdoc_set_text(facts, "snapshotType", from->snapshot_type));
    TRY(jdoc_set_text(facts, "frequencyType", from->frequency_type));
    TRY(write_times(from, facts));
    TRY(jdoc_set_text(facts, "description", text_or_null(from->description)));
    TRY(jdoc_set_null(facts, "replicaSetName"));
    TRY(jdoc_set_null(facts, "mongodVersion"));
    TRY(record_key_write_name(&from->recorded_key, "masterKey", facts));
    TRY(write_chain(from, facts));
    TRY(jdoc_set_null(facts, "consistency"));
    TRY(jdoc_set_text(facts, "sourceType", text_or_null(from->source_type)));
    TRY(snapshot_attention_write(&from->attention, facts));
    TRY(write_totals(&from->totals, facts));
    *out = facts;
    facts = NULL; /* the caller's now */
out:
    jdoc_free(facts);
    return rc;
}

enum err snapshot_record_write(const struct snapshot *from, const struct data_key *own,
                               struct jdoc **out)
{
    struct jdoc *body = NULL;
    enum err rc;

    TRY(snapshot_record_write_facts(from, &body));
    TRY(record_key_write(own, body));
    TRY(write_manifest(from, body));
    *out = body;
    body = NULL; /* the caller's now */
out:
    jdoc_free(body);
    return rc;
}

static enum err read_text(const struct jdoc *from, const char *name, size_t max, char *out)
{
    const char *text;
    enum err rc = jdoc_text(from, name, max, &text);

    if (rc == ERR_OK)
        snprintf(out, max + 1, "%s", text);
    return rc;
}

enum err snapshot_record_read(const struct ledger *ledger, const struct record *r,
                              struct snapshot *s)
{
    const char *status;
    struct jdoc *from = NULL;
    enum err rc;

    *s = (struct snapshot){.record = r, .created_ms = r->created_ms};
    TRY(record_payload(r, &from));
    TRY(read_id(from, "id", s->id));
    TRY(jdoc_text(from, "status", SNAPSHOT_WORD_MAX, &status));
    if (strcmp(status, STATUS_COMPLETED) != 0)
        FAIL(ERR_UNSUPPORTED, "its status \"%s\" is not known", status);
    TRY(read_text(from, "snapshotType", SNAPSHOT_WORD_MAX, s->snapshot_type));
    TRY(read_text(from, "frequencyType", SNAPSHOT_WORD_MAX, s->frequency_type));
    if (jdoc_has(from, "description"))
        TRY(read_text(from, "description", SNAPSHOT_TEXT_MAX, s->description));
    TRY(read_times(from, s));
    TRY(read_master_keys(ledger, from, s));
    TRY(read_chain(from, s));
    if (jdoc_has(from, "sourceType"))
        TRY(read_text(from, "sourceType", SNAPSHOT_WORD_MAX, s->source_type));
    TRY(snapshot_attention_read(from, &s->attention));
    TRY(read_totals(from, &s->totals));
    TRY(read_manifest(from, s));
out:
    if (rc != ERR_OK)
        err_note("snapshot record %" PRIu64, r->seq);
    jdoc_free(from);
    return rc;
}

enum err snapshot_record_check(const struct ledger *ledger, const struct jdoc *body)
{
    struct record r = {.type = RECORD_SNAPSHOT, .raw = {.max = 2 * RECORD_LEN_MAX}};
    struct snapshot s;
    enum err rc;

    memcpy(r.repository, ledger_repository(ledger), SEAL_ID_LEN);
    TRY(jdoc_write(body, &r.raw));
    TRY(snapshot_record_read(ledger, &r, &s));
out:
    buf_clear(&r.raw);
    return rc;
}

static enum err refuse_id(void)
{
    return err_set(ERR_CORRUPT, "member \"id\" is not the id of a snapshot");
}

enum err snapshot_record_read_id(const struct record *from, char out[SNAPSHOT_ID_TEXT + 1])
{
    uint8_t id[SNAPSHOT_ID_LEN];

    if (text_unhex(from->facts.id, id, sizeof id) != ERR_OK)
        return refuse_id();
    text_hex(bytes_of(id, sizeof id), out);
    return ERR_OK;
}

enum err snapshot_record_raw_id(const struct record *from, const char **id)
{
    if (from->facts.id[0] == '\0' || strlen(from->facts.id) > SNAPSHOT_ID_TEXT)
        return refuse_id();
    *id = from->facts.id;
    return ERR_OK;
}

enum err snapshot_record_raw_parent(const struct record *from, const char **parent)
{
    *parent = from->facts.parent[0] != '\0' ? from->facts.parent : NULL;
    return ERR_OK;
}
