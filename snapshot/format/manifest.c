#include "snapshot/format/manifest.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/jsplit.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "keyring/catalogue/key_list.h"

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

/* ---- writing: a list at a time, for a tree of all would be a hundred times the text ---- */

/* Append `row` to a list of which `i` items are there. */
static enum err add_item(size_t i, struct jdoc *row, struct buf *to)
{
    enum err rc = ERR_OK;

    if (i > 0)
        TRY(buf_add_text(to, ","));
    TRY(jdoc_write(row, to));
out:
    return rc;
}

static enum err write_keys(const struct manifest *m, struct buf *to)
{
    struct jdoc *row = NULL;
    enum err rc = ERR_OK;

    for (size_t i = 0; i < m->key_count; i++) {
        TRY(data_key_write(&m->keys[i], &row));
        TRY(add_item(i, row, to));
        jdoc_free(row);
        row = NULL;
    }
out:
    jdoc_free(row);
    return rc;
}

static enum err write_objects(const struct manifest *m, struct buf *to)
{
    struct jdoc *row = NULL;
    enum err rc = ERR_OK;

    for (size_t i = 0; i < m->object_count; i++) {
        TRY(object_list_write_item(&m->objects[i], &row));
        TRY(add_item(i, row, to));
        jdoc_free(row);
        row = NULL;
    }
out:
    jdoc_free(row);
    return rc;
}

static enum err write_index_facts(const struct manifest *m, struct buf *to)
{
    struct jdoc *row = NULL;
    enum err rc;

    TRY(object_list_write_item(&m->index, &row));
    TRY(jdoc_set_number(row, "plainSize", m->index_plain_len));
    TRY(jdoc_write(row, to));
out:
    jdoc_free(row);
    return rc;
}

enum err manifest_encode(const struct manifest *m, const struct jdoc *facts, struct buf *to)
{
    struct jdoc *head = NULL;
    enum err rc;

    TRY(jdoc_object(&head));
    TRY(jdoc_set_number(head, "format", 1));
    TRY(jdoc_set_text(head, "type", "manifest"));
    TRY(jdoc_set_hex(head, "repositoryId", bytes_of(m->repository, SEAL_ID_LEN)));
    TRY(jdoc_set_copy(head, "snapshot", facts));
    TRY(jdoc_write(head, to));
    to->len--; /* its "}" comes at the end */
    TRY(buf_add_text(to, ",\"dataKeys\":["));
    TRY(write_keys(m, to));
    TRY(buf_add_text(to, "],\"objects\":["));
    TRY(write_objects(m, to));
    TRY(buf_add_text(to, "],\"index\":"));
    TRY(write_index_facts(m, to));
    TRY(buf_add_text(to, "}\n"));
out:
    jdoc_free(head);
    return rc;
}

/* ---- reading ---- */

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

static const char *const critical[] = {NULL};

/* What grows while the lists are gone through. */
struct decoding {
    const uint8_t *repository;
    struct manifest m;
    size_t object_cap;
};

static enum err take_key(void *arg, const struct jdoc *item)
{
    struct decoding *d = arg;
    enum err rc;

    TRY(jdoc_check_critical(item, critical));
    TRY(key_list_add(item, d->repository, &d->m.keys, &d->m.key_count));
out:
    return rc;
}

static enum err take_object(void *arg, const struct jdoc *item)
{
    struct decoding *d = arg;
    struct manifest *m = &d->m;
    struct manifest_object o;
    enum err rc;

    TRY(jdoc_check_critical(item, critical));
    TRY(object_list_read_item(item, &o));
    TRY(mem_grow(m->object_count, sizeof *m->objects, &d->object_cap, &m->objects));
    m->objects[m->object_count++] = o;
out:
    return rc;
}

/* All but the lists. */
static enum err read_rest(const struct jdoc *rest, const uint8_t repository[SEAL_ID_LEN],
                          struct manifest *m)
{
    struct jdoc *part = NULL;
    const char *text;
    uint64_t format = 0;
    size_t none;
    enum err rc;

    TRY(jdoc_check_critical(rest, critical));
    TRY(jdoc_number(rest, "format", UINT32_MAX, &format));
    TRY(jdoc_text(rest, "type", TYPE_TEXT_MAX, &text));
    if (format != 1 || strcmp(text, "manifest") != 0)
        FAIL(ERR_UNSUPPORTED, "%s of format %" PRIu64 " is not known", text, format);
    TRY(jdoc_hex(rest, "repositoryId", m->repository, SEAL_ID_LEN));
    if (memcmp(m->repository, repository, SEAL_ID_LEN) != 0)
        FAIL(ERR_CORRUPT, "it belongs to another repository");
    TRY(jdoc_child(rest, "snapshot", &part));
    TRY(jdoc_text(part, "id", SNAPSHOT_ID_TEXT, &text));
    if (strlen(text) != SNAPSHOT_ID_TEXT)
        FAIL(ERR_CORRUPT, "the snapshot's id is too short");
    memcpy(m->id, text, sizeof m->id);
    TRY(jdoc_list(rest, "dataKeys", 0, &part, &none)); /* they were there */
    TRY(jdoc_list(rest, "objects", 0, &part, &none));
    TRY(read_index_facts(rest, m));
out:
    return rc;
}

/* Twice through it: what it says of itself first, for another format may have other lists. */
enum err manifest_decode_from(const struct jsplit_source *source,
                              const uint8_t repository[SEAL_ID_LEN], struct manifest *out,
                              struct jdoc **rest)
{
    struct decoding d = {.repository = repository};
    struct jsplit_list lists[] = {{.name = "dataKeys", .max = KEY_LIST_MAX, .arg = &d},
                                  {.name = "objects", .max = OBJECT_LIST_MAX, .arg = &d},
                                  {.name = NULL}};
    struct jdoc *first = NULL;
    struct jdoc *second = NULL;
    enum err rc;

    TRY(jsplit_parse(source, lists, &first));
    TRY(read_rest(first, repository, &d.m));
    lists[0].each = take_key;
    lists[1].each = take_object;
    TRY(jsplit_parse(source, lists, &second));
    TRY(object_list_check(d.m.objects, d.m.object_count));
    TRY(check_packs(&d.m));
    TRY(check_scopes(&d.m));
    *out = d.m;
    d.m = (struct manifest){0}; /* the caller's now, and so is this: */
    *rest = first;
    first = NULL;
out:
    manifest_clear(&d.m);
    jdoc_free(first);
    jdoc_free(second);
    return rc;
}

static enum err read_in_memory(void *arg, uint64_t offset, void *to, size_t len)
{
    const struct bytes *from = arg;

    memcpy(to, from->data + offset, len);
    return ERR_OK;
}

enum err manifest_decode(struct bytes from, const uint8_t repository[SEAL_ID_LEN],
                         struct manifest *out)
{
    const struct jsplit_source source = {read_in_memory, &from, from.len};
    struct jdoc *rest = NULL;
    enum err rc = manifest_decode_from(&source, repository, out, &rest);

    jdoc_free(rest);
    return rc;
}

enum err manifest_apply_rewraps(const struct repository *repository, struct manifest *m)
{
    return key_list_apply_rewraps(repository_ledger(repository), m->keys, m->key_count);
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
