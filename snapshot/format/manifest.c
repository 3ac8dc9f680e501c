#include "snapshot/format/manifest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/ledger/ledger_query.h"

#define TYPE_TEXT_MAX 16

static const struct {
    enum object_type type;
    const char *name;
} types[] = {{OBJECT_PACK, "pack"}, {OBJECT_INDEX, "index"}};

static const char *type_name(enum object_type type)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].type == type)
            return types[i].name;
    return NULL;
}

static enum err parse_object_type(const char *name, enum object_type *out)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0) {
            *out = types[i].type;
            return ERR_OK;
        }
    return err_set(ERR_UNSUPPORTED, "an object of type \"%s\" is not known", name);
}

void manifest_clear(struct manifest *m)
{
    for (size_t i = 0; i < m->key_count; i++)
        data_key_clear(&m->keys[i]);
    mem_free(m->keys);
    mem_free(m->objects);
    *m = (struct manifest){0};
}

void manifest_name(const char *id, char out[MANIFEST_NAME_LEN + 1])
{
    memcpy(out, "manifests/", 10);
    memcpy(out + 10, id, SNAPSHOT_ID_TEXT);
    memcpy(out + 10 + SNAPSHOT_ID_TEXT, ".json", 6);
}

static enum err object_write(const struct manifest_object *o, struct jdoc **out)
{
    struct jdoc *row = NULL;
    enum err rc;

    TRY(jdoc_object(&row));
    TRY(jdoc_set_hex(row, "id", bytes_of(o->id, SEAL_ID_LEN)));
    TRY(jdoc_set_text(row, "type", type_name(o->type)));
    TRY(jdoc_set_hex(row, "scope", bytes_of(o->scope, SEAL_ID_LEN)));
    TRY(jdoc_set_number(row, "ordinal", o->ordinal));
    TRY(jdoc_set_number(row, "size", o->size));
    TRY(jdoc_set_hex(row, "sha256", bytes_of(o->sha256, HASH_LEN)));
    *out = row;
    row = NULL; /* the caller's now */
out:
    jdoc_free(row);
    return rc;
}

static enum err object_read(const struct jdoc *row, struct manifest_object *o)
{
    const char *type;
    uint64_t plain = 0;
    enum err rc;

    TRY(jdoc_hex(row, "id", o->id, SEAL_ID_LEN));
    TRY(jdoc_text(row, "type", TYPE_TEXT_MAX, &type));
    TRY(parse_object_type(type, &o->type));
    TRY(jdoc_hex(row, "scope", o->scope, SEAL_ID_LEN));
    TRY(jdoc_number(row, "ordinal", UINT32_MAX, &o->ordinal));
    TRY(jdoc_number(row, "size", UINT64_C(1) << 40, &o->size));
    TRY(object_plain_size(o->size, &plain));
    TRY(jdoc_hex(row, "sha256", o->sha256, HASH_LEN));
out:
    return rc;
}

static enum err write_keys(const struct manifest *m, struct jdoc *to)
{
    struct jdoc *list = NULL;
    struct jdoc *row = NULL;
    enum err rc;

    TRY(jdoc_array(&list));
    for (size_t i = 0; i < m->key_count; i++) {
        TRY(data_key_write(&m->keys[i], &row));
        TRY(jdoc_push(list, &row));
    }
    TRY(jdoc_set(to, "dataKeys", &list));
out:
    jdoc_free(list);
    return rc;
}

static enum err write_objects(const struct manifest *m, struct jdoc *to)
{
    struct jdoc *list = NULL;
    struct jdoc *row = NULL;
    enum err rc;

    TRY(jdoc_array(&list));
    for (size_t i = 0; i < m->object_count; i++) {
        TRY(object_write(&m->objects[i], &row));
        TRY(jdoc_push(list, &row));
    }
    TRY(jdoc_set(to, "objects", &list));
out:
    jdoc_free(list);
    return rc;
}

static enum err write_index_facts(const struct manifest *m, struct jdoc *to)
{
    struct jdoc *row = NULL;
    enum err rc;

    TRY(object_write(&m->index, &row));
    TRY(jdoc_set_number(row, "plainSize", m->index_plain_len));
    TRY(jdoc_set(to, "index", &row));
out:
    jdoc_free(row);
    return rc;
}

enum err manifest_encode(const struct manifest *m, const struct jdoc *facts, struct buf *to)
{
    struct jdoc *document = NULL;
    enum err rc;

    TRY(jdoc_object(&document));
    TRY(jdoc_set_number(document, "format", 1));
    TRY(jdoc_set_text(document, "type", "manifest"));
    TRY(jdoc_set_hex(document, "repositoryId", bytes_of(m->repository, SEAL_ID_LEN)));
    TRY(jdoc_set_copy(document, "snapshot", facts));
    TRY(write_keys(m, document));
    TRY(write_objects(m, document));
    TRY(write_index_facts(m, document));
    TRY(jdoc_write(document, to));
    TRY(buf_add_text(to, "\n"));
out:
    jdoc_free(document);
    return rc;
}

static enum err read_data_keys(const struct jdoc *from, struct manifest *m)
{
    struct jdoc *list = NULL;
    struct jdoc *row = NULL;
    size_t count = 0;
    enum err rc;

    TRY(jdoc_list(from, "dataKeys", MANIFEST_KEYS_MAX, &list, &count));
    TRY(mem_new(count, sizeof *m->keys, &m->keys));
    for (; m->key_count < count; m->key_count++) {
        TRY(jdoc_item(list, m->key_count, &row));
        TRY(data_key_read(row, m->repository, &m->keys[m->key_count]));
    }
out:
    return rc;
}

static enum err read_objects(const struct jdoc *from, struct manifest *m)
{
    struct jdoc *list = NULL;
    struct jdoc *row = NULL;
    size_t count = 0;
    enum err rc;

    TRY(jdoc_list(from, "objects", MANIFEST_OBJECTS_MAX, &list, &count));
    TRY(mem_new(count, sizeof *m->objects, &m->objects));
    for (; m->object_count < count; m->object_count++) {
        struct manifest_object *o = &m->objects[m->object_count];

        TRY(jdoc_item(list, m->object_count, &row));
        TRY(object_read(row, o));
        if (o->type != OBJECT_PACK)
            FAIL(ERR_CORRUPT, "an object that is no pack stands among the packs");
    }
out:
    return rc;
}

static int by_object_id(const void *a, const void *b)
{
    return memcmp(a, b, SEAL_ID_LEN);
}

/* Nothing is named twice: neither a data key nor an object. */
static enum err check_once(const struct manifest *m)
{
    uint8_t(*ids)[SEAL_ID_LEN] = NULL;
    enum err rc = ERR_OK;

    for (size_t i = 1; i < m->key_count; i++)
        for (size_t k = 0; k < i; k++)
            if (memcmp(m->keys[i].context.scope, m->keys[k].context.scope, SEAL_ID_LEN) == 0)
                FAIL(ERR_CORRUPT, "a scope has two data keys");
    TRY(mem_new(m->object_count, sizeof *ids, &ids));
    for (size_t i = 0; i < m->object_count; i++)
        memcpy(ids[i], m->objects[i].id, SEAL_ID_LEN);
    if (m->object_count > 1)
        qsort(ids, m->object_count, sizeof *ids, by_object_id);
    for (size_t i = 1; i < m->object_count; i++)
        if (memcmp(ids[i - 1], ids[i], SEAL_ID_LEN) == 0)
            FAIL(ERR_CORRUPT, "an object is named twice");
out:
    mem_free(ids);
    return rc;
}

/* Every object's scope must have a data key in this same manifest: it stands alone. */
static enum err check_scopes(const struct manifest *m)
{
    if (manifest_key(m, m->index.scope) == NULL)
        return err_set(ERR_CORRUPT, "the index has no data key");
    for (size_t i = 0; i < m->object_count; i++)
        if (manifest_key(m, m->objects[i].scope) == NULL)
            return err_set(ERR_CORRUPT, "object %zu has no data key", i);
    return ERR_OK;
}

enum err manifest_decode(struct bytes from, struct manifest *out)
{
    static const char *const critical[] = {NULL};
    struct manifest m = {0};
    struct jdoc *document = NULL;
    struct jdoc *part = NULL;
    const char *text;
    uint64_t format = 0;
    enum err rc;

    TRY(jdoc_parse(from, &document));
    TRY(jdoc_check_critical(document, critical));
    TRY(jdoc_number(document, "format", UINT32_MAX, &format));
    TRY(jdoc_text(document, "type", TYPE_TEXT_MAX, &text));
    if (format != 1 || strcmp(text, "manifest") != 0)
        FAIL(ERR_UNSUPPORTED, "a %s of format %" PRIu64 " is not known", text, format);
    TRY(jdoc_hex(document, "repositoryId", m.repository, SEAL_ID_LEN));
    TRY(jdoc_child(document, "snapshot", &part));
    TRY(jdoc_text(part, "id", SNAPSHOT_ID_TEXT, &text));
    if (strlen(text) != SNAPSHOT_ID_TEXT)
        FAIL(ERR_CORRUPT, "the snapshot's id is too short");
    memcpy(m.id, text, sizeof m.id);
    TRY(read_data_keys(document, &m));
    TRY(read_objects(document, &m));
    TRY(jdoc_child(document, "index", &part));
    TRY(object_read(part, &m.index));
    if (m.index.type != OBJECT_INDEX)
        FAIL(ERR_CORRUPT, "the index is of another type");
    TRY(jdoc_number(part, "plainSize", UINT64_C(1) << 40, &m.index_plain_len));
    TRY(check_scopes(&m));
    TRY(check_once(&m));
    *out = m;
    m = (struct manifest){0}; /* the caller's now */
out:
    manifest_clear(&m);
    jdoc_free(document);
    return rc;
}

/* A rewrap's envelopes take the place of the manifest's; it must be about the same data key. */
static enum err apply_rewraps(const struct ledger *ledger, struct manifest *m)
{
    struct data_key fresh = {0};
    enum err rc = ERR_OK;

    for (size_t i = 0; i < m->key_count; i++) {
        const struct record *r = ledger_query_rewrap(ledger, m->keys[i].context.scope);

        if (r == NULL)
            continue;
        TRY(data_key_of_record(r, &fresh));
        if (memcmp(fresh.commitment, m->keys[i].commitment, SEAL_COMMITMENT_LEN) != 0)
            FAIL(ERR_CORRUPT, "a rewrap record is about another data key than the manifest");
        data_key_clear(&m->keys[i]);
        m->keys[i] = fresh;
        fresh = (struct data_key){0};
    }
out:
    data_key_clear(&fresh);
    return rc;
}

/* The facts are in both; the record's are signed. */
static enum err check_same_facts(struct bytes raw, const struct snapshot *snapshot)
{
    struct jdoc *document = NULL;
    struct jdoc *facts = NULL;
    enum err rc;

    TRY(jdoc_parse(raw, &document));
    TRY(jdoc_child(document, "snapshot", &facts));
    if (!jdoc_covers(snapshot->record->payload, facts))
        FAIL(ERR_CORRUPT, "its facts are not those of the signed record");
out:
    jdoc_free(document);
    return rc;
}

/* The record's own data key, signed, must be the manifest's first. */
static enum err check_facts(const struct ledger *ledger, const struct snapshot *snapshot,
                            const struct manifest *m)
{
    struct data_key own = {0};
    enum err rc;

    if (memcmp(m->repository, ledger_repository(ledger), SEAL_ID_LEN) != 0)
        FAIL(ERR_CORRUPT, "it belongs to another repository");
    if (strcmp(m->id, snapshot->id) != 0)
        FAIL(ERR_CORRUPT, "it belongs to snapshot %s", m->id);
    TRY(data_key_of_record(snapshot->record, &own));
    if (m->key_count == 0 ||
        memcmp(own.context.scope, m->keys[0].context.scope, SEAL_ID_LEN) != 0 ||
        memcmp(own.commitment, m->keys[0].commitment, SEAL_COMMITMENT_LEN) != 0 ||
        memcmp(own.context.scope, m->index.scope, SEAL_ID_LEN) != 0)
        FAIL(ERR_CORRUPT, "its data key is not the one of the signed record");
out:
    data_key_clear(&own);
    return rc;
}

enum err manifest_load(const struct repository *repository, const struct snapshot *snapshot,
                       struct manifest *out)
{
    const struct ledger *ledger = repository_ledger(repository);
    char name[MANIFEST_NAME_LEN + 1];
    struct buf raw = {.max = MANIFEST_LEN_MAX};
    struct manifest m = {0};
    uint8_t digest[HASH_LEN];
    enum err rc;

    manifest_name(snapshot->id, name);
    rc = store_get(repository_store(repository), name, &raw);
    if (rc == ERR_NOT_FOUND)
        FAIL(ERR_CORRUPT, "it is missing from the repository");
    TRY(rc);
    TRY(hash_of(buf_bytes(&raw), digest));
    if (raw.len != snapshot->manifest_size ||
        memcmp(digest, snapshot->manifest_sha256, HASH_LEN) != 0)
        FAIL(ERR_CORRUPT, "its size or SHA-256 is not that of the signed record (damaged or "
                          "tampered with)");
    TRY(manifest_decode(buf_bytes(&raw), &m));
    TRY(check_facts(ledger, snapshot, &m));
    TRY(check_same_facts(buf_bytes(&raw), snapshot));
    TRY(apply_rewraps(ledger, &m));
    *out = m;
    m = (struct manifest){0}; /* the caller's now */
out:
    if (rc != ERR_OK)
        err_note("manifest %s", name);
    manifest_clear(&m);
    buf_clear(&raw);
    return rc;
}

enum err manifest_matches(const struct manifest *m, const struct index *x)
{
    char id[SNAPSHOT_ID_TEXT + 1];

    if (index_header(x)->object_count != m->object_count)
        return err_set(ERR_CORRUPT, "the index names %u objects, the manifest %zu",
                       index_header(x)->object_count, m->object_count);
    text_hex(bytes_of(index_header(x)->snapshot, SNAPSHOT_ID_LEN), id);
    if (strcmp(id, m->id) != 0)
        return err_set(ERR_CORRUPT, "the index belongs to snapshot %s", id);
    for (uint32_t i = 0; i < m->object_count; i++)
        if (memcmp(index_object(x, i), m->objects[i].id, SEAL_ID_LEN) != 0)
            return err_set(ERR_CORRUPT, "the index and the manifest name different objects");
    return ERR_OK;
}

static enum err check_presence(struct store *store, const struct manifest_object *o)
{
    char name[OBJECT_NAME_LEN + 1];
    uint64_t size = 0;
    enum err rc;

    object_name(o->id, name);
    rc = store_head(store, name, &size);
    if (rc == ERR_NOT_FOUND)
        FAIL(ERR_CORRUPT, "object %s is missing from the repository", name);
    TRY(rc);
    if (size != o->size)
        FAIL(ERR_CORRUPT, "object %s is %" PRIu64 " bytes long, its manifest says %" PRIu64, name,
             size, o->size);
out:
    return rc;
}

enum err manifest_check_objects(const struct repository *repository, const struct manifest *m)
{
    struct store *store = repository_store(repository);
    enum err rc;

    TRY(check_presence(store, &m->index));
    for (size_t i = 0; i < m->object_count; i++)
        TRY(check_presence(store, &m->objects[i]));
out:
    return rc;
}

const struct data_key *manifest_key(const struct manifest *m, const uint8_t scope[SEAL_ID_LEN])
{
    for (size_t i = 0; i < m->key_count; i++)
        if (memcmp(m->keys[i].context.scope, scope, SEAL_ID_LEN) == 0)
            return &m->keys[i];
    return NULL;
}

struct object_identity manifest_identity(const struct manifest *m,
                                         const struct manifest_object *object)
{
    struct object_identity identity = {.type = object->type, .ordinal = object->ordinal};

    memcpy(identity.context.repository, m->repository, SEAL_ID_LEN);
    memcpy(identity.context.scope, object->scope, SEAL_ID_LEN);
    memcpy(identity.id, object->id, SEAL_ID_LEN);
    return identity;
}
