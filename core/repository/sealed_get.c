#include "core/repository/sealed_get.h"

#include "core/base/mem.h"

struct sealed_get {
    struct store_blob *blob;
    struct object_reader *object;
};

static enum err fetch_sealed_bytes(void *arg, uint64_t offset, void *to, size_t len)
{
    return store_blob_read(arg, offset, to, len);
}

enum err sealed_get_open(struct store *store, const struct secret *key,
                         const struct object_identity *identity, uint64_t sealed_size,
                         struct sealed_get **out)
{
    struct sealed_get *g = NULL;
    char name[OBJECT_NAME_LEN + 1];
    enum err rc;

    TRY(mem_new(1, sizeof *g, &g));
    object_name(identity->id, name);
    TRY(store_blob_open(store, name, &g->blob));
    TRY(object_reader_new(key, identity, sealed_size, fetch_sealed_bytes, g->blob, &g->object));
    *out = g;
    g = NULL; /* the caller's now */
out:
    sealed_get_free(g);
    return rc;
}

uint64_t sealed_get_size(const struct sealed_get *g)
{
    return object_reader_size(g->object);
}

enum err sealed_get_read(struct sealed_get *g, uint64_t offset, void *to, size_t len)
{
    return object_reader_read(g->object, offset, to, len);
}

void sealed_get_free(struct sealed_get *g)
{
    if (g == NULL)
        return;
    object_reader_free(g->object);
    store_blob_free(g->blob);
    mem_free(g);
}
