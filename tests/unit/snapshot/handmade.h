/*
 * An opened snapshot put together by hand: packs of known content in a store, and an index over
 * them that says what the test likes, right or wrong.
 *
 *     struct handmade h;
 *
 *     handmade_begin(state, &h);
 *     pack = add_pack(&h, content);
 *     add_piece(&h, pack, 0, file_reader, BLOCK_RAW);       (a row of the block map)
 *     add_sized(&h.parts, "f", content.len, 0);         (the file it belongs to)
 *     handmade_index(&h);
 *     … h.opened …
 *     handmade_clear(&h);
 *
 * Uses: images, faulty, snapshot/read/snapshot_reader.
 */
#ifndef TESTS_UNIT_SNAPSHOT_HANDMADE_H
#define TESTS_UNIT_SNAPSHOT_HANDMADE_H

#include <stdio.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "snapshot/read/snapshot_reader.h"
#include "tests/unit/faulty.h"
#include "tests/unit/snapshot/images.h"

struct handmade {
    void **state;
    struct store *real;
    struct faulty faulty;          /* counts, unless a test sets a fault */
    struct snapshot_reader opened; /* its store is the faulty one */
    struct parts parts;
};

/* One more data key; its scope is all `fill`. */
static inline void add_key(struct handmade *h, uint8_t fill)
{
    struct manifest *m = &h->opened.manifest;
    struct data_key *key;

    assert_done(mem_resize(m->key_count + 1, sizeof *m->keys, &m->keys));
    assert_done(mem_resize(m->key_count + 1, sizeof *h->opened.k_data, &h->opened.k_data));
    key = &m->keys[m->key_count];
    *key = (struct data_key){.envelopes = NULL};
    memcpy(key->context.repository, m->repository, SEAL_ID_LEN);
    memset(key->context.scope, fill, SEAL_ID_LEN);
    assert_done(secret_random(SEAL_KEY_LEN, &h->opened.k_data[m->key_count]));
    m->key_count++;
}

static inline void handmade_begin(void **state, struct handmade *h)
{
    *h = (struct handmade){.state = state, .parts = parts_of_nothing()};
    assert_done(store_open(in(state, "repository"), true, &h->real));
    h->faulty.inner = h->real;
    assert_done(faulty_open(&h->faulty, &h->opened.store));
    memset(h->opened.manifest.repository, 0xaa, SEAL_ID_LEN);
    add_key(h, 0xb0);
}

static inline void handmade_clear(struct handmade *h)
{
    struct store *over = h->opened.store;

    snapshot_reader_clear(&h->opened);
    parts_clear(&h->parts);
    store_free(over);
    faulty_clear(&h->faulty);
    store_free(h->real);
}

/* From now on the `at`th operation of these kinds is like that; what was counted is forgotten. */
static inline void set_fault(struct handmade *h, enum fault fault, unsigned long nth, unsigned ops)
{
    h->faulty.fault = fault;
    h->faulty.fail_at = nth;
    h->faulty.ops = ops;
    atomic_store(&h->faulty.count, 0);
}

static inline enum err handmade_sink(void *put, struct bytes sealed)
{
    return store_put_write(put, sealed);
}

/* A pack of this plaintext, sealed under data key `key`. Its number. */
static inline uint32_t add_pack_of_key(struct handmade *h, size_t key, struct bytes plain)
{
    struct manifest *m = &h->opened.manifest;
    uint32_t number = (uint32_t)m->object_count;
    struct manifest_object *o;
    struct object_identity identity;
    struct object_writer *writer = NULL;
    struct store_put *put = NULL;
    char name[OBJECT_NAME_LEN + 1];

    add_object(&h->parts, (uint8_t)(number + 1));
    assert_done(mem_resize(m->object_count + 1, sizeof *m->objects, &m->objects));
    o = &m->objects[m->object_count++];
    *o = (struct manifest_object){.type = OBJECT_PACK, .ordinal = number};
    o->id[0] = (uint8_t)(number + 1);
    memcpy(o->scope, m->keys[key].context.scope, SEAL_ID_LEN);
    identity = manifest_identity(m, o);
    object_name(o->id, name);
    assert_done(store_put_begin(h->real, name, &put));
    assert_done(object_writer_new(h->opened.k_data[key], &identity, handmade_sink, put, &writer));
    assert_done(object_writer_add(writer, plain));
    assert_done(object_writer_finish(writer, &o->size, o->sha256));
    assert_done(store_put_commit(put));
    object_writer_free(writer);
    store_put_free(put);
    return number;
}

static inline uint32_t add_pack(struct handmade *h, struct bytes plain)
{
    return add_pack_of_key(h, 0, plain);
}

/* The block of this content that lies as it is at `offset` of pack `object`. */
static inline struct block block_at(uint32_t object, uint64_t offset, struct bytes plain)
{
    struct block b = {
        .object = object, .offset = offset, .stored_len = (uint32_t)plain.len, .codec = BLOCK_RAW};

    assert_done(hash_of(plain, b.sha256));
    return b;
}

/* The same as the next row of the block map. */
static inline void add_piece(struct handmade *h, uint32_t object, uint64_t offset,
                             struct bytes plain)
{
    struct block b = block_at(object, offset, plain);

    add_row(&h->parts, &b);
}

static inline void add_zeros(struct handmade *h)
{
    struct block b = {.codec = BLOCK_ZERO};

    add_row(&h->parts, &b);
}

static inline void handmade_index(struct handmade *h)
{
    assert_done(open_parts(&h->parts, &h->opened.index));
}

/* "object data/…, block at N: <rest>", as a reader says it. */
static inline const char *block_message(uint8_t id, uint64_t offset, const char *rest)
{
    static char text[256];

    snprintf(text, sizeof text,
             "object data/%02x/%02x000000000000000000000000000000, block at %llu: %s", id, id,
             (unsigned long long)offset, rest);
    return text;
}

#endif
