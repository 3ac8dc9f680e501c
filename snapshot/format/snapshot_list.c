#include "snapshot/format/snapshot_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/ledger/ledger_query.h"

#define PREFIX_LEAST 6
/* The only one yet: what is not complete has no record. */
#define STATUS_COMPLETED "completed"
#define SIZE_MAX_JSON (UINT64_C(1) << 60)

static enum err read_id(const struct jdoc *from, const char *name, char out[SNAPSHOT_ID_TEXT + 1])
{
    uint8_t id[SNAPSHOT_ID_LEN];
    enum err rc;

    TRY(jdoc_hex(from, name, id, sizeof id));
    text_hex(bytes_of(id, sizeof id), out);
out:
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

/* The first envelope of the newest rewrap is what a restore needs now; else the recorded key. */
static enum err read_master_keys(const struct ledger *ledger, struct snapshot *s)
{
    struct data_key own = {0};
    struct data_key fresh = {0};
    const struct record *rewrap;
    enum err rc;

    TRY(data_key_of_record(s->record, &own));
    s->recorded_key = own.envelopes[0].key;
    s->effective_key = s->recorded_key;
    rewrap = ledger_query_rewrap(ledger, own.context.scope);
    if (rewrap != NULL) {
        TRY(data_key_of_record(rewrap, &fresh));
        s->effective_key = fresh.envelopes[0].key;
    }
out:
    data_key_clear(&own);
    data_key_clear(&fresh);
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

static enum err snapshot_read(const struct ledger *ledger, const struct record *r,
                              struct snapshot *s)
{
    const struct jdoc *from = r->payload;
    const char *status;
    enum err rc;

    *s = (struct snapshot){.record = r, .created_ms = r->created_ms};
    TRY(read_id(from, "id", s->id));
    TRY(jdoc_text(from, "status", SNAPSHOT_WORD_MAX, &status));
    if (strcmp(status, STATUS_COMPLETED) != 0)
        FAIL(ERR_UNSUPPORTED, "its status \"%s\" is not known", status);
    TRY(jdoc_text(from, "snapshotType", SNAPSHOT_WORD_MAX, &s->snapshot_type));
    TRY(jdoc_text(from, "frequencyType", SNAPSHOT_WORD_MAX, &s->frequency_type));
    if (jdoc_has(from, "description"))
        TRY(jdoc_text(from, "description", SNAPSHOT_TEXT_MAX, &s->description));
    TRY(jdoc_time(from, "startedAt", &s->started_ms));
    if (jdoc_has(from, "expiresAt"))
        TRY(jdoc_time(from, "expiresAt", &s->expires_ms));
    TRY(read_master_keys(ledger, s));
    TRY(read_chain(from, s));
    TRY(read_totals(from, &s->totals));
    TRY(read_manifest(from, s));
out:
    if (rc != ERR_OK)
        err_note("snapshot record %" PRIu64, r->seq);
    return rc;
}

enum err snapshot_list_check_body(const struct ledger *ledger, const struct jdoc *body)
{
    struct record r = {.type = RECORD_SNAPSHOT};
    struct buf text = {.max = RECORD_LEN_MAX};
    struct snapshot s;
    enum err rc;

    memcpy(r.repository, ledger_repository(ledger), SEAL_ID_LEN);
    TRY(jdoc_write(body, &text));
    TRY(jdoc_parse(buf_bytes(&text), &r.payload));
    TRY(snapshot_read(ledger, &r, &s));
out:
    jdoc_free(r.payload);
    buf_clear(&text);
    return rc;
}

static enum err add_damaged(struct snapshot_list *c, const struct record *r, enum err code,
                            const char *reason)
{
    struct damaged_snapshot d = {.record = r, .code = code};
    enum err rc;

    snprintf(d.reason, sizeof d.reason, "%s", reason);
    if (read_id(r->payload, "id", d.id) != ERR_OK)
        d.id[0] = '\0';
    err_clear();
    TRY(mem_resize(c->damaged_count + 1, sizeof *c->damaged, &c->damaged));
    c->damaged[c->damaged_count++] = d;
out:
    return rc;
}

static enum err add_record(const struct ledger *ledger, const struct record *r,
                           struct snapshot_list *c)
{
    enum err rc = snapshot_read(ledger, r, &c->items[c->count]);
    struct err_record why;

    if (rc == ERR_OK) {
        c->count++;
        return ERR_OK;
    }
    if (rc != ERR_CORRUPT && rc != ERR_UNSUPPORTED)
        return rc;
    err_take(rc, &why);
    return add_damaged(c, r, rc, why.text);
}

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, SNAPSHOT_ID_TEXT);
}

/* `ids` is sorted. */
static bool is_twice(char (*ids)[SNAPSHOT_ID_TEXT], size_t count, const char *id)
{
    char(*found)[SNAPSHOT_ID_TEXT] = bsearch(id, ids, count, sizeof *ids, by_id);

    return found != NULL && ((found > ids && by_id(found - 1, id) == 0) ||
                             (found + 1 < ids + count && by_id(found + 1, id) == 0));
}

/* Of two records with one id nobody could tell which is meant: both are damaged. */
static enum err part_doubles(struct snapshot_list *c)
{
    char(*ids)[SNAPSHOT_ID_TEXT] = NULL;
    size_t count = 0;
    size_t kept = 0;
    enum err rc;

    TRY(mem_new(c->count + c->damaged_count, sizeof *ids, &ids));
    for (size_t i = 0; i < c->count; i++)
        memcpy(ids[count++], c->items[i].id, SNAPSHOT_ID_TEXT);
    for (size_t i = 0; i < c->damaged_count; i++)
        if (c->damaged[i].id[0] != '\0')
            memcpy(ids[count++], c->damaged[i].id, SNAPSHOT_ID_TEXT);
    if (count > 1)
        qsort(ids, count, sizeof *ids, by_id);
    for (size_t i = 0; i < c->count; i++) {
        if (is_twice(ids, count, c->items[i].id))
            TRY(add_damaged(c, c->items[i].record, ERR_CORRUPT,
                            "another snapshot record has the same id"));
        else
            c->items[kept++] = c->items[i];
    }
    c->count = kept;
out:
    mem_free(ids);
    return rc;
}

enum err snapshot_list_read(const struct ledger *ledger, struct snapshot_list *out)
{
    struct snapshot_list c = {0};
    enum err rc;

    TRY(mem_new(ledger_count(ledger), sizeof *c.items, &c.items));
    for (size_t i = 0; i < ledger_count(ledger); i++) {
        const struct record *r = ledger_at(ledger, i);

        if (r->type == RECORD_SNAPSHOT && ledger_query_is_live(ledger, r))
            TRY(add_record(ledger, r, &c));
    }
    TRY(part_doubles(&c));
    *out = c;
    c = (struct snapshot_list){0}; /* the caller's now */
out:
    snapshot_list_clear(&c);
    return rc;
}

void snapshot_list_clear(struct snapshot_list *c)
{
    mem_free(c->items);
    mem_free(c->damaged);
    *c = (struct snapshot_list){0};
}

static enum err refuse_several(const char *shown, const char *one, const char *other)
{
    return err_set(ERR_USAGE, "snapshot %s: several begin like that (%s, %s); give more digits",
                   shown, one, other);
}

static enum err refuse_unknown(const struct snapshot_list *c, const char *shown)
{
    err_set(ERR_NOT_FOUND, "snapshot %s: there is none", shown);
    if (c->count > 0)
        err_hint("The newest is %s; `sealpoint snapshots` lists all %zu.",
                 c->items[c->count - 1].id, c->count);
    return ERR_NOT_FOUND;
}

static enum err refuse_damaged(const struct damaged_snapshot *d)
{
    err_set(d->code, "snapshot %s is damaged: %s", d->id, d->reason);
    err_hint("The other snapshots can be restored; `sealpoint snapshots` lists them.");
    return d->code;
}

static enum err find_prefix(const struct snapshot_list *c, const char *prefix,
                            const struct snapshot **out)
{
    const struct damaged_snapshot *damaged = NULL;
    const struct snapshot *found = NULL;
    char shown[64];

    text_printable(prefix, shown, sizeof shown);
    for (size_t i = 0; i < c->count; i++) {
        if (strncmp(c->items[i].id, prefix, strlen(prefix)) != 0)
            continue;
        if (found != NULL)
            return refuse_several(shown, found->id, c->items[i].id);
        found = &c->items[i];
    }
    for (size_t i = 0; i < c->damaged_count; i++) {
        const char *id = c->damaged[i].id;

        if (strncmp(id, prefix, strlen(prefix)) != 0)
            continue;
        if (found != NULL)
            return refuse_several(shown, found->id, id);
        if (damaged != NULL && strcmp(damaged->id, id) != 0)
            return refuse_several(shown, damaged->id, id);
        damaged = &c->damaged[i];
    }
    if (damaged != NULL)
        return refuse_damaged(damaged);
    if (found == NULL)
        return refuse_unknown(c, shown);
    *out = found;
    return ERR_OK;
}

enum err snapshot_list_find(const struct snapshot_list *c, const char *name,
                            const struct snapshot **out)
{
    if (c->count + c->damaged_count == 0)
        return err_set(ERR_NOT_FOUND, "the repository holds no snapshot yet");
    if (strcmp(name, "latest") == 0) {
        if (c->count == 0)
            return err_set(ERR_CORRUPT, "the repository holds no snapshot that is not damaged");
        *out = &c->items[c->count - 1];
        return ERR_OK;
    }
    if (strlen(name) < PREFIX_LEAST)
        return err_set(ERR_USAGE,
                       "\"%.24s\" is no snapshot: give \"latest\", an id, or at least "
                       "its first %d digits",
                       name, PREFIX_LEAST);
    return find_prefix(c, name, out);
}
