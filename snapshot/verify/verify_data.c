#include "snapshot/verify/verify_data.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/pool.h"
#include "core/base/rand.h"
#include "snapshot/read/object_check.h"

#define PLACES_LEAST 1024

enum err verify_set_init(struct verify_set *set, const struct verify_options *options, size_t count)
{
    enum err rc;

    *set = (struct verify_set){.options = options};
    TRY(mem_new(count, sizeof *set->snapshots, &set->snapshots));
    set->snapshot_count = count;
out:
    return rc;
}

void verify_set_clear(struct verify_set *set)
{
    for (size_t i = 0; i < set->reader_count; i++) {
        snapshot_reader_clear(&set->readers[i].reader);
        soundness_free(set->readers[i].soundness);
    }
    for (size_t i = 0; i < set->snapshot_count; i++) {
        path_list_clear(&set->snapshots[i].bad_paths);
        mem_free(set->snapshots[i].reason);
    }
    for (size_t i = 0; i < set->count; i++)
        mem_free(set->objects[i].reason);
    key_opener_free(set->opener);
    mem_free(set->scopes);
    mem_free(set->places);
    mem_free(set->readers);
    mem_free(set->snapshots);
    mem_free(set->objects);
    *set = (struct verify_set){0};
}

int verify_by_id(const void *a, const void *b)
{
    const struct manifest_object *x = a;
    const struct manifest_object *y = b;

    return memcmp(x->id, y->id, SEAL_ID_LEN);
}

/* ---- what the manifests name ---- */

/* Snapshots of one chain share most objects: one of each is enough, and keeps the list short. While
 * they are added it is not sorted, so they are found by their ids, which are random numbers. */
static uint32_t *find_place(const struct verify_set *set, const uint8_t id[SEAL_ID_LEN])
{
    size_t i = (size_t)be_get(id, 8) & (set->place_count - 1);

    while (set->places[i] != 0 &&
           memcmp(set->objects[set->places[i] - 1].facts.id, id, SEAL_ID_LEN) != 0)
        i = (i + 1) & (set->place_count - 1);
    return &set->places[i];
}

/* At most half full. */
static enum err grow_places(struct verify_set *set)
{
    uint32_t *fresh = NULL;
    size_t count = PLACES_LEAST;
    enum err rc = ERR_OK;

    if (2 * (set->count + 1) <= set->place_count)
        goto out;
    while (count < 2 * (set->count + 1))
        count *= 2;
    TRY(mem_new(count, sizeof *fresh, &fresh));
    mem_free(set->places);
    set->places = fresh;
    set->place_count = count;
    for (size_t i = 0; i < set->count; i++)
        *find_place(set, set->objects[i].facts.id) = (uint32_t)i + 1;
out:
    return rc;
}

static bool is_same_object(const struct manifest_object *a, const struct manifest_object *b)
{
    return a->type == b->type && memcmp(a->scope, b->scope, SEAL_ID_LEN) == 0 &&
           a->ordinal == b->ordinal && a->size == b->size &&
           memcmp(a->sha256, b->sha256, HASH_LEN) == 0;
}

/* Of two that differ, the object has the last word: its header says scope, type and ordinal. */
static bool is_borne_out(const struct verify_set *set, const struct manifest *m,
                         const struct manifest_object *o)
{
    const struct object_identity identity = manifest_identity(m, o);
    struct object_check *check = NULL;
    bool is = false;

    if (object_check_new(repository_store(set->options->repository), NULL, &check) == ERR_OK)
        is = object_check_header(check, o, &identity) == ERR_OK;
    object_check_free(check);
    err_clear();
    return is;
}

/* The snapshots before that are wrong are found by verify_differs(). */
static void correct_object(struct verify_set *set, struct verify_object *object,
                           const struct manifest_object *o)
{
    char name[OBJECT_NAME_LEN + 1];

    object_name(o->id, name);
    log_say(LOG_WARN, "object %s: a manifest says something else of it than its header", name);
    object->facts = *o;
    set->wrong++;
}

/* *differs: it was said otherwise before, and it is not this manifest that is right. */
static enum err add_object(struct verify_set *set, const struct manifest *m,
                           const struct manifest_object *o, bool *differs)
{
    uint32_t *place;
    enum err rc;

    TRY(grow_places(set));
    place = find_place(set, o->id);
    if (*place == 0) {
        TRY(mem_grow(set->count, sizeof *set->objects, &set->cap, &set->objects));
        set->objects[set->count++] = (struct verify_object){.facts = *o};
        *place = (uint32_t)set->count;
    } else if (!is_same_object(&set->objects[*place - 1].facts, o)) {
        set->differ = true;
        *differs = !is_borne_out(set, m, o);
        if (!*differs)
            correct_object(set, &set->objects[*place - 1], o);
    }
out:
    return rc;
}

enum err verify_set_add(struct verify_set *set, const struct manifest *m)
{
    char name[OBJECT_NAME_LEN + 1] = "";
    enum err rc;

    for (size_t i = 0; i <= m->object_count; i++) {
        const struct manifest_object *o = i < m->object_count ? &m->objects[i] : &m->index;
        bool differs = false;

        TRY(add_object(set, m, o, &differs));
        if (differs && *name == '\0')
            object_name(o->id, name);
    }
    if (*name != '\0')
        FAIL(ERR_CORRUPT,
             "manifests say different things of object %s, and it does not bear out "
             "this one",
             name);
out:
    return rc;
}

void verify_set_end(struct verify_set *set)
{
    mem_free(set->places);
    set->places = NULL;
    set->place_count = 0;
    if (set->count > 1)
        qsort(set->objects, set->count, sizeof *set->objects, verify_by_id);
}

bool verify_differs(const struct verify_set *set, const struct manifest_object *o)
{
    const struct verify_object *found = set->differ ? verify_find(set, o) : NULL;

    return found != NULL && !is_same_object(&found->facts, o);
}

struct verify_object *verify_find(const struct verify_set *set, const struct manifest_object *o)
{
    if (set->count == 0)
        return NULL;
    return bsearch(o, set->objects, set->count, sizeof *set->objects, verify_by_id);
}

const struct verify_object *verify_find_damaged(const struct verify_set *set,
                                                const struct manifest_object *o)
{
    const struct verify_object *found = verify_find(set, o);

    return found != NULL && found->reason != NULL ? found : NULL;
}

enum err verify_note(struct verify_tally *tally, struct store *store, enum err rc,
                     struct verify_object *object)
{
    if (rc != ERR_CORRUPT && !object_is_unreadable(store, rc))
        return rc;
    log_say(LOG_WARN, "%s", err_text());
    atomic_fetch_add(rc == ERR_CORRUPT ? &tally->damaged : &tally->unreadable, 1);
    object->is_unreadable = rc != ERR_CORRUPT;
    return mem_text(err_text(), &object->reason);
}

void verify_count(struct verify_tally *tally, struct verify_result *out)
{
    out->damaged += atomic_load(&tally->damaged);
    out->unreadable += atomic_load(&tally->unreadable);
}

/* Workers over the list of objects. */
struct checking {
    struct verify_set *set;
    struct store *store;
    bool read_data;
    atomic_size_t next;
    atomic_ullong bytes;
    struct verify_tally tally;
};

static enum err check_some(void *shared, size_t worker, const atomic_bool *stop)
{
    struct checking *c = shared;
    struct object_check *check = NULL;
    size_t i;
    enum err rc;

    (void)worker;
    TRY(object_check_new(c->store, c->set->options->progress, &check));
    while (!atomic_load(stop) && (i = atomic_fetch_add(&c->next, 1)) < c->set->count) {
        struct verify_object *o = &c->set->objects[i];

        if (o->reason != NULL || o->is_left_out)
            continue;
        rc = object_check_run(check, &o->facts, c->read_data);
        o->was_read = c->read_data && (rc == ERR_OK || rc == ERR_CORRUPT);
        if (rc != ERR_OK)
            TRY(verify_note(&c->tally, c->store, rc, o));
        else if (c->read_data)
            atomic_fetch_add(&c->bytes, o->facts.size);
    }
    rc = ERR_OK;
out:
    object_check_free(check);
    return rc;
}

/* A random share of the objects, another one each time. The others stay in the set: what is known
 * of their presence counts in the end. */
static enum err take_sample(struct verify_set *set)
{
    double share = set->options->sample;
    double exact = (double)set->count * share;
    size_t want = (size_t)exact;
    enum err rc = ERR_OK;

    if (share <= 0 || share >= 1)
        goto out;
    if ((double)want < exact)
        want++; /* a share of anything is at least one */
    for (size_t i = 0; i < want; i++) {
        uint64_t random;
        struct verify_object swapped = set->objects[i];
        size_t other;

        TRY(rand_fill(&random, sizeof random));
        other = i + (size_t)(random % (set->count - i));
        set->objects[i] = set->objects[other];
        set->objects[other] = swapped;
    }
    for (size_t i = want; i < set->count; i++)
        set->objects[i].is_left_out = true;
    if (set->count > 1)
        qsort(set->objects, set->count, sizeof *set->objects, verify_by_id);
out:
    return rc;
}

uint64_t verify_read_count(const struct verify_set *set)
{
    uint64_t count = 0;

    for (size_t i = 0; i < set->count; i++)
        count += set->objects[i].was_read ? 1 : 0;
    return count;
}

uint64_t verify_total_size(const struct verify_set *set)
{
    uint64_t total = 0;

    for (size_t i = 0; i < set->count; i++)
        total += set->objects[i].is_left_out ? 0 : set->objects[i].facts.size;
    return total;
}

size_t verify_workers(const struct verify_options *o)
{
    return o->workers > 0 ? o->workers : pool_processors();
}

/* First all for presence and size, then the data of all or of the sample. */
enum err verify_set_check(struct verify_set *set, struct verify_result *out)
{
    struct checking c = {.set = set, .store = repository_store(set->options->repository)};
    enum err rc;

    out->objects = set->count;
    TRY(pool_run(verify_workers(set->options), check_some, &c));
    TRY(take_sample(set));
    if (set->options->depth == VERIFY_READ_DATA) {
        if (set->options->progress != NULL)
            atomic_store(&set->options->progress->total_bytes, verify_total_size(set));
        c.read_data = true;
        atomic_store(&c.next, 0);
        TRY(pool_run(verify_workers(set->options), check_some, &c));
    }
    out->bytes = atomic_load(&c.bytes);
    verify_count(&c.tally, out);
out:
    return rc;
}
