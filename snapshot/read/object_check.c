#include "snapshot/read/object_check.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/seal/object_header.h"

#define READ_LEN (256 * KIB)

struct object_check {
    struct store *store;       /* borrowed */
    struct progress *progress; /* borrowed, or NULL */
    uint8_t *piece;            /* owned, READ_LEN */
};

enum err object_check_new(struct store *store, struct progress *progress, struct object_check **out)
{
    struct object_check *c = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *c, &c));
    c->store = store;
    c->progress = progress;
    TRY(mem_new(READ_LEN, 1, &c->piece));
    *out = c;
    c = NULL; /* the caller's now */
out:
    object_check_free(c);
    return rc;
}

void object_check_free(struct object_check *c)
{
    if (c == NULL)
        return;
    mem_free(c->piece);
    mem_free(c);
}

/* A fresh hash for each: a failure may leave one in the middle of an object. */
static enum err check_digest(struct object_check *c, const struct manifest_object *o,
                             struct store_blob *blob)
{
    struct hash *hash = NULL;
    uint8_t digest[HASH_LEN];
    enum err rc;

    TRY(hash_new(&hash));
    for (uint64_t offset = 0; offset < o->size; offset += READ_LEN) {
        size_t len = o->size - offset < READ_LEN ? (size_t)(o->size - offset) : READ_LEN;

        TRY(stop_check());
        TRY(store_blob_read(blob, offset, c->piece, len));
        TRY(hash_add(hash, bytes_of(c->piece, len)));
        if (c->progress != NULL)
            atomic_fetch_add_explicit(&c->progress->done_bytes, len, memory_order_relaxed);
    }
    TRY(hash_end(hash, digest));
    if (memcmp(digest, o->sha256, HASH_LEN) != 0)
        FAIL(ERR_CORRUPT, "its SHA-256 is not that of the manifest (damaged or tampered with)");
out:
    hash_free(hash);
    return rc;
}

enum err object_check_run(struct object_check *c, const struct manifest_object *o, bool read)
{
    struct store_blob *blob = NULL;
    char name[OBJECT_NAME_LEN + 1];
    enum err rc;

    object_name(o->id, name);
    rc = store_blob_open(c->store, name, &blob);
    if (rc == ERR_NOT_FOUND)
        FAIL(ERR_CORRUPT, "it is missing from the repository");
    TRY(rc);
    if (store_blob_size(blob) != o->size)
        FAIL(ERR_CORRUPT, "it is %" PRIu64 " bytes long, its manifest says %" PRIu64,
             store_blob_size(blob), o->size);
    if (read)
        TRY(check_digest(c, o, blob));
out:
    if (rc != ERR_OK)
        err_note("object %s", name);
    store_blob_free(blob);
    return rc;
}

enum err object_check_header(struct object_check *c, const struct manifest_object *o,
                             const struct object_identity *identity)
{
    struct store_blob *blob = NULL;
    char name[OBJECT_NAME_LEN + 1];
    enum err rc;

    object_name(o->id, name);
    TRY(store_blob_open(c->store, name, &blob));
    if (store_blob_size(blob) != o->size || o->size < OBJECT_HEADER_LEN)
        FAIL(ERR_CORRUPT, "it is %" PRIu64 " bytes long, its manifest says %" PRIu64,
             store_blob_size(blob), o->size);
    TRY(store_blob_read(blob, 0, c->piece, OBJECT_HEADER_LEN));
    TRY(object_header_check(identity, c->piece));
out:
    if (rc != ERR_OK)
        err_note("object %s", name);
    store_blob_free(blob);
    return rc;
}

bool object_is_unreadable(struct store *store, enum err rc)
{
    struct err_record failure;
    bool is_empty = true;
    bool is_known;

    if (rc != ERR_STORAGE)
        return false;
    err_take(rc, &failure);
    is_known = store_is_empty(store, &is_empty) == ERR_OK;
    (void)err_give(&failure);
    return is_known && !is_empty;
}
