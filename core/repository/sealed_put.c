#include "core/repository/sealed_put.h"

#include "core/base/mem.h"
#include "core/base/rand.h"

struct sealed_put {
    struct store_put *put;
    struct object_writer *object;
};

static enum err put_sealed_bytes(void *arg, struct bytes sealed)
{
    return store_put_write(arg, sealed);
}

enum err sealed_put_begin(struct store *store, struct journal *journal, const struct secret *key,
                          struct object_identity *identity, struct sealed_put **out)
{
    struct sealed_put *p = NULL;
    char name[OBJECT_NAME_LEN + 1];
    enum err rc;

    TRY(mem_new(1, sizeof *p, &p));
    TRY(rand_fill(identity->id, sizeof identity->id));
    object_name(identity->id, name);
    TRY(journal_add(journal, name)); /* before there is anything to be undone */
    TRY(store_put_begin(store, name, &p->put));
    TRY(object_writer_new(key, identity, put_sealed_bytes, p->put, &p->object));
    *out = p;
    p = NULL; /* the caller's now */
out:
    sealed_put_free(p);
    return rc;
}

uint64_t sealed_put_offset(const struct sealed_put *p)
{
    return object_writer_offset(p->object);
}

enum err sealed_put_add(struct sealed_put *p, struct bytes plain)
{
    return object_writer_add(p->object, plain);
}

enum err sealed_put_commit(struct sealed_put *p, uint64_t *size, uint8_t sha256[HASH_LEN])
{
    enum err rc;

    TRY(object_writer_finish(p->object, size, sha256));
    TRY(store_put_commit(p->put));
out:
    return rc;
}

void sealed_put_free(struct sealed_put *p)
{
    if (p == NULL)
        return;
    object_writer_free(p->object);
    store_put_free(p->put);
    mem_free(p);
}
