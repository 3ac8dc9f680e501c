#include "snapshot/format/manifest.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "keyring/catalogue/key_list.h"
#include "keyring/catalogue/record_key.h"

#define TYPE_TEXT_MAX 16

void manifest_clear(struct manifest *m)
{
    key_list_free(m->keys, m->key_count);
    mem_free(m->objects);
    *m = (struct manifest){0};
}

void manifest_name(const char *id, char out[MANIFEST_NAME_LEN + 1])
{
    memcpy(out, "manifests/", 10);
    memcpy(out + 10, id, SNAPSHOT_ID_TEXT);
    memcpy(out + 10 + SNAPSHOT_ID_TEXT, ".json", 6);
}

static enum err write_index_facts(const struct manifest *m, struct jdoc *to)
{
    struct jdoc *row = NULL;
    enum err rc;

    TRY(object_list_write_item(&m->index, &row));
    TRY(jdoc_set_number(row, "plainSize", m->index_plain_len));
    TRY(jdoc_set(to, "index", &row));
out:
    jdoc_free(row);
    return rc;
}

static enum err read_index_facts(const struct jdoc *from, struct manifest *m)
{
    struct jdoc *row = NULL;
    enum err rc;

    TRY(jdoc_child(from, "index", &row));
    TRY(object_list_read_item(row, &m->index));
    if (m->index.type != OBJECT_INDEX)
        FAIL(ERR_CORRUPT, "the index is of another type");
    TRY(jdoc_number(row, "plainSize", INDEX_LEN_MAX, &m->index_plain_len));
out:
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
    TRY(key_list_write(m->keys, m->key_count, document));
    TRY(object_list_write(m->objects, m->object_count, document));
    TRY(write_index_facts(m, document));
    TRY(jdoc_write(document, to));
    TRY(buf_add_text(to, "\n"));
out:
    jdoc_free(document);
    return rc;
}

static enum err check_packs(const struct manifest *m)
{
    for (size_t i = 0; i < m->object_count; i++)
        if (m->objects[i].type != OBJECT_PACK)
            return err_set(ERR_CORRUPT, "an object that is not a pack is listed among the packs");
    return ERR_OK;
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

static enum err read_document(const struct jdoc *document, struct manifest *out)
{
    static const char *const critical[] = {NULL};
    struct manifest m = {0};
    struct jdoc *part = NULL;
    const char *text;
    uint64_t format = 0;
    enum err rc;

    TRY(jdoc_check_critical(document, critical));
    TRY(jdoc_number(document, "format", UINT32_MAX, &format));
    TRY(jdoc_text(document, "type", TYPE_TEXT_MAX, &text));
    if (format != 1 || strcmp(text, "manifest") != 0)
        FAIL(ERR_UNSUPPORTED, "%s of format %" PRIu64 " is not known", text, format);
    TRY(jdoc_hex(document, "repositoryId", m.repository, SEAL_ID_LEN));
    TRY(jdoc_child(document, "snapshot", &part));
    TRY(jdoc_text(part, "id", SNAPSHOT_ID_TEXT, &text));
    if (strlen(text) != SNAPSHOT_ID_TEXT)
        FAIL(ERR_CORRUPT, "the snapshot's id is too short");
    memcpy(m.id, text, sizeof m.id);
    TRY(key_list_read(document, m.repository, &m.keys, &m.key_count));
    TRY(object_list_read(document, &m.objects, &m.object_count));
    TRY(check_packs(&m));
    TRY(read_index_facts(document, &m));
    TRY(check_scopes(&m));
    *out = m;
    m = (struct manifest){0}; /* the caller's now */
out:
    manifest_clear(&m);
    return rc;
}

enum err manifest_decode(struct bytes from, struct manifest *out)
{
    struct jdoc *document = NULL;
    enum err rc;

    TRY(jdoc_parse(from, &document));
    TRY(read_document(document, out));
out:
    jdoc_free(document);
    return rc;
}

/* The facts are in both; the record's are signed. */
static enum err check_same_facts(const struct jdoc *document, const struct snapshot *snapshot)
{
    struct jdoc *facts = NULL;
    enum err rc;

    TRY(jdoc_child(document, "snapshot", &facts));
    if (!jdoc_covers(snapshot->record->payload, facts))
        FAIL(ERR_CORRUPT, "its facts are not those of the signed record");
out:
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
    TRY(record_key_read(snapshot->record, &own));
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
    struct jdoc *document = NULL;
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
    TRY(jdoc_parse(buf_bytes(&raw), &document));
    TRY(read_document(document, &m));
    TRY(check_facts(ledger, snapshot, &m));
    TRY(check_same_facts(document, snapshot));
    TRY(key_list_apply_rewraps(ledger, m.keys, m.key_count));
    *out = m;
    m = (struct manifest){0}; /* the caller's now */
out:
    if (rc != ERR_OK)
        err_note("manifest %s", name);
    manifest_clear(&m);
    jdoc_free(document);
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
    return key_list_find(m->keys, m->key_count, scope);
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
