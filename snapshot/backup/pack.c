#include "snapshot/backup/pack.h"

#include <pthread.h>
#include <string.h>

#include "core/base/mem.h"

/* What a known source is to have: a quarter is left for what it grows, and for each worker's last.
 */
#define COUNT_AIM (PACK_COUNT_MAX / 4 * 3)
#define KNOWN_STEP 256
#define STREAM_STEP 1024
/* As long as an object can be (docs/FORMAT.md, 5), and room for a block. */
#define PACK_LEN_MOST (UINT64_C(1) << 39)

struct packs {
    struct packs_options options;
    pthread_mutex_t lock;
    struct manifest_object *items; /* owned; under lock */
    uint32_t count;
    size_t cap;
};

struct pack_writer {
    struct packs *packs;
    struct sealed_put *put; /* NULL: no pack is open */
    uint32_t number;        /* of the open pack, counted from 0 */
    uint64_t len_max;       /* of the open pack */
    struct manifest_object facts;
};

uint64_t pack_len_for(uint64_t source_len, uint32_t number)
{
    uint64_t len = source_len / COUNT_AIM;
    uint32_t doublings = number / STREAM_STEP;

    if (source_len > 0)
        doublings = number < COUNT_AIM ? 0 : 1 + (number - COUNT_AIM) / KNOWN_STEP;
    if (len < PACK_LEN_LEAST)
        len = PACK_LEN_LEAST;
    for (; doublings > 0 && len < PACK_LEN_MOST; doublings--)
        len *= 2;
    return len < PACK_LEN_MOST ? len : PACK_LEN_MOST;
}

enum err packs_new(const struct packs_options *options, struct packs **out)
{
    struct packs *p = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *p, &p));
    pthread_mutex_init(&p->lock, NULL);
    p->options = *options;
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
    if (p->count == PACK_COUNT_MAX)
        FAIL(ERR_FAILED, "a snapshot cannot have more than %d packs of its own", PACK_COUNT_MAX);
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

static enum err begin_pack(struct pack_writer *w)
{
    const struct packs_options *o = &w->packs->options;
    struct object_identity identity = {.type = OBJECT_PACK, .context = o->context};
    enum err rc;

    TRY(take_number(w->packs, &w->number));
    w->len_max = pack_len_for(o->source_len, w->number);
    identity.ordinal = w->number;
    TRY(sealed_put_begin(o->store, o->journal, o->k_data, &identity, &w->put));
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

    if (w->put == NULL)
        TRY(begin_pack(w));
    *object = w->packs->options.first_number + w->number;
    *offset = sealed_put_offset(w->put);
    TRY(sealed_put_add(w->put, stored));
    if (sealed_put_offset(w->put) >= w->len_max)
        TRY(pack_writer_finish(w));
out:
    return rc;
}

static void abandon_pack(struct pack_writer *w)
{
    sealed_put_free(w->put);
    w->put = NULL;
}

enum err pack_writer_finish(struct pack_writer *w)
{
    struct packs *p = w->packs;
    enum err rc = ERR_OK;

    if (w->put == NULL)
        goto out;
    TRY(sealed_put_commit(w->put, &w->facts.size, w->facts.sha256));
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
