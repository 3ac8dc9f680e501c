#include "snapshot/backup/pack.h"

#include <pthread.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/rand.h"

struct packs {
    struct packs_options options;
    uint64_t pack_len;
    pthread_mutex_t lock;
    struct manifest_object *items; /* owned; under lock */
    uint32_t count;
    size_t cap;
};

struct pack_writer {
    struct packs *packs;
    struct store_put *put; /* NULL: no pack is open */
    struct object_writer *object;
    uint32_t number; /* of the open pack, counted from 0 */
    struct manifest_object facts;
};

enum err packs_new(const struct packs_options *options, struct packs **out)
{
    struct packs *p = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *p, &p));
    pthread_mutex_init(&p->lock, NULL);
    p->options = *options;
    p->pack_len = options->source_len / PACK_COUNT_AIM;
    if (p->pack_len < PACK_LEN_LEAST)
        p->pack_len = PACK_LEN_LEAST;
    *out = p;
out:
    return rc;
}

void packs_free(struct packs *p)
{
    if (p == NULL)
        return;
    pthread_mutex_destroy(&p->lock);
    mem_free(p->items);
    mem_free(p);
}

uint32_t packs_count(const struct packs *p)
{
    return p->count;
}

const struct manifest_object *packs_at(const struct packs *p, uint32_t i)
{
    return &p->items[i];
}

static enum err take_number(struct packs *p, uint32_t *number)
{
    enum err rc = ERR_OK;

    pthread_mutex_lock(&p->lock);
    if (p->count == OBJECT_LIST_MAX)
        FAIL(ERR_FAILED, "a snapshot cannot have more than %d objects", OBJECT_LIST_MAX);
    TRY(mem_grow(p->count, sizeof *p->items, &p->cap, &p->items));
    p->items[p->count] = (struct manifest_object){0};
    *number = p->count++;
out:
    pthread_mutex_unlock(&p->lock);
    return rc;
}

enum err pack_writer_new(struct packs *p, struct pack_writer **out)
{
    struct pack_writer *w = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *w, &w));
    w->packs = p;
    *out = w;
out:
    return rc;
}

static enum err write_pack_bytes(void *arg, struct bytes sealed)
{
    return store_put_write(arg, sealed);
}

static enum err begin_pack(struct pack_writer *w)
{
    const struct packs_options *o = &w->packs->options;
    struct object_identity identity = {.type = OBJECT_PACK, .context = o->context};
    char name[OBJECT_NAME_LEN + 1];
    enum err rc;

    TRY(take_number(w->packs, &w->number));
    identity.ordinal = w->number;
    TRY(rand_fill(identity.id, sizeof identity.id));
    object_name(identity.id, name);
    TRY(journal_add(o->journal, name));
    TRY(store_put_begin(o->store, name, &w->put));
    TRY(object_writer_new(o->k_data, &identity, write_pack_bytes, w->put, &w->object));
    w->facts = (struct manifest_object){.type = OBJECT_PACK, .ordinal = identity.ordinal};
    memcpy(w->facts.id, identity.id, SEAL_ID_LEN);
    memcpy(w->facts.scope, o->context.scope, SEAL_ID_LEN);
out:
    return rc;
}

enum err pack_writer_add(struct pack_writer *w, struct bytes stored, uint32_t *object,
                         uint64_t *offset)
{
    enum err rc = ERR_OK;

    if (w->object == NULL)
        TRY(begin_pack(w));
    *object = w->packs->options.first_number + w->number;
    *offset = object_writer_offset(w->object);
    TRY(object_writer_add(w->object, stored));
    if (object_writer_offset(w->object) >= w->packs->pack_len)
        TRY(pack_writer_finish(w));
out:
    return rc;
}

static void abandon_pack(struct pack_writer *w)
{
    object_writer_free(w->object);
    store_put_free(w->put);
    w->object = NULL;
    w->put = NULL;
}

enum err pack_writer_finish(struct pack_writer *w)
{
    struct packs *p = w->packs;
    enum err rc = ERR_OK;

    if (w->object == NULL)
        goto out;
    TRY(object_writer_finish(w->object, &w->facts.size, w->facts.sha256));
    TRY(store_put_commit(w->put));
    pthread_mutex_lock(&p->lock);
    p->items[w->number] = w->facts;
    pthread_mutex_unlock(&p->lock);
    abandon_pack(w);
out:
    return rc;
}

void pack_writer_free(struct pack_writer *w)
{
    if (w == NULL)
        return;
    abandon_pack(w);
    mem_free(w);
}
