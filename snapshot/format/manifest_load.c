#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/fs/file.h"
#include "keyring/catalogue/record_key.h"
#include "snapshot/format/manifest.h"

/*
 * manifest_load(): once through the store, and its digest compared, before any of it is looked at.
 * So that this is one text, it is kept in between: a short one in memory, a long one in an unlinked
 * temporary.
 */

#define IN_MEMORY_MAX (256 * KIB)

/* The facts are in both; the record's are signed. */
static enum err check_same_facts(const struct jdoc *document, const struct snapshot *snapshot)
{
    struct jdoc *facts = NULL;
    struct jdoc *payload = NULL;
    enum err rc;

    TRY(record_payload(snapshot->record, &payload));
    TRY(jdoc_child(document, "snapshot", &facts));
    if (!jdoc_covers(payload, facts))
        FAIL(ERR_CORRUPT, "its facts are not those of the signed record");
out:
    jdoc_free(payload);
    return rc;
}

/* The record's own data key, signed, must be the manifest's first. */
static enum err check_facts(const struct snapshot *snapshot, const struct manifest *m)
{
    struct data_key own = {0};
    enum err rc;

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

/* ---- fetching ---- */

/* The text, once its digest was found to be the signed one: in memory, or in a temporary. */
struct fetched {
    struct buf text;
    int fd; /* owned; -1: it is in `text` */
};

static void fetched_clear(struct fetched *f)
{
    buf_clear(&f->text);
    if (f->fd >= 0)
        close(f->fd);
}

static enum err read_fetched(void *arg, uint64_t offset, void *to, size_t len)
{
    const struct fetched *f = arg;
    size_t got = 0;
    enum err rc = ERR_OK;

    if (f->fd < 0) {
        memcpy(to, f->text.data + offset, len);
        goto out;
    }
    TRY(file_read_at(f->fd, to, len, offset, &got));
    if (got != len)
        FAIL(ERR_FAILED, "the temporary of a manifest ends early");
out:
    return rc;
}

/* Once through the store, hashed as it comes. */
static enum err fetch_pieces(struct store_blob *blob, struct fetched *f, uint8_t digest[HASH_LEN])
{
    uint64_t size = store_blob_size(blob);
    struct hash *hash = NULL;
    enum err rc;

    TRY(hash_new(&hash));
    TRY(buf_reserve(&f->text, size < IN_MEMORY_MAX ? (size_t)size : IN_MEMORY_MAX));
    for (uint64_t offset = 0; offset < size;) {
        size_t len = size - offset < IN_MEMORY_MAX ? (size_t)(size - offset) : IN_MEMORY_MAX;

        TRY(store_blob_read(blob, offset, f->text.data, len));
        f->text.len = len;
        TRY(hash_add(hash, buf_bytes(&f->text)));
        if (f->fd >= 0)
            TRY(file_write_at(f->fd, buf_bytes(&f->text), offset));
        offset += len;
    }
    TRY(hash_end(hash, digest));
out:
    hash_free(hash);
    return rc;
}

static enum err fetch_manifest(const struct repository *repository, const char *name,
                               const struct snapshot *snapshot, struct fetched *f)
{
    struct store_blob *blob = NULL;
    uint8_t digest[HASH_LEN];
    bool fits = false;
    enum err rc;

    rc = store_blob_open(repository_store(repository), name, &blob);
    if (rc == ERR_NOT_FOUND)
        FAIL(ERR_CORRUPT, "it is missing from the repository");
    TRY(rc);
    if (store_blob_size(blob) == snapshot->manifest_size) {
        if (snapshot->manifest_size > MANIFEST_LEN_MAX)
            FAIL(ERR_CORRUPT, "it is longer than %zu bytes", MANIFEST_LEN_MAX);
        if (snapshot->manifest_size > IN_MEMORY_MAX)
            TRY(repository_temporary(repository, &f->fd));
        TRY(fetch_pieces(blob, f, digest));
        fits = memcmp(digest, snapshot->manifest_sha256, HASH_LEN) == 0;
    }
    if (!fits)
        FAIL(ERR_CORRUPT, "its size or SHA-256 is not that of the signed record (damaged or "
                          "tampered with)");
out:
    store_blob_free(blob);
    return rc;
}

enum err manifest_load(const struct repository *repository, const struct snapshot *snapshot,
                       struct manifest *out)
{
    struct fetched f = {.text = {.max = IN_MEMORY_MAX}, .fd = -1};
    const struct jsplit_source source = {read_fetched, &f, snapshot->manifest_size};
    char name[MANIFEST_NAME_LEN + 1];
    struct jdoc *rest = NULL;
    struct manifest m = {0};
    enum err rc;

    manifest_name(snapshot->id, name);
    TRY(fetch_manifest(repository, name, snapshot, &f));
    TRY(manifest_decode_from(&source, snapshot->record->repository, &m, &rest));
    TRY(check_facts(snapshot, &m));
    TRY(check_same_facts(rest, snapshot));
    *out = m;
    m = (struct manifest){0}; /* the caller's now */
out:
    if (rc != ERR_OK)
        err_note("manifest %s", name);
    manifest_clear(&m);
    jdoc_free(rest);
    fetched_clear(&f);
    return rc;
}
