#include "tests/unit/snapshot/handmade.h"

#include <stdio.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "snapshot/read/snapshot_reader.h"
#include "tests/unit/faulty.h"
#include "tests/unit/snapshot/index_samples.h"

void add_key(struct handmade *h, uint8_t fill)
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

void handmade_begin(void **state, struct handmade *h)
{
    *h = (struct handmade){.state = state, .parts = parts_of_nothing()};
    assert_done(store_open(in(state, "repository"), true, &h->real));
    h->faulty.inner = h->real;
    assert_done(faulty_open(&h->faulty, &h->opened.store));
    memset(h->opened.manifest.repository, 0xaa, SEAL_ID_LEN);
    add_key(h, 0xb0);
}

void handmade_clear(struct handmade *h)
{
    struct store *over = h->opened.store;

    snapshot_reader_clear(&h->opened);
    parts_clear(&h->parts);
    store_free(over);
    faulty_clear(&h->faulty);
    store_free(h->real);
}

void set_fault(struct handmade *h, enum fault fault, unsigned long nth, unsigned ops)
{
    h->faulty.fault = fault;
    h->faulty.fail_at = nth;
    h->faulty.ops = ops;
    atomic_store(&h->faulty.count, 0);
}

static enum err handmade_sink(void *put, struct bytes sealed)
{
    return store_put_write(put, sealed);
}

uint32_t add_pack_of_key(struct handmade *h, size_t key, struct bytes plain)
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

uint32_t add_pack(struct handmade *h, struct bytes plain)
{
    return add_pack_of_key(h, 0, plain);
}

struct block block_at(uint32_t object, uint64_t offset, struct bytes plain)
{
    struct block b = {
        .object = object, .offset = offset, .stored_len = (uint32_t)plain.len, .codec = BLOCK_RAW};

    assert_done(hash_of(plain, b.sha256));
    return b;
}

void add_piece(struct handmade *h, uint32_t object, uint64_t offset, struct bytes plain)
{
    struct block b = block_at(object, offset, plain);

    add_row(&h->parts, &b);
}

void add_zeros(struct handmade *h)
{
    struct block b = {.codec = BLOCK_ZERO};

    add_row(&h->parts, &b);
}

void handmade_index(struct handmade *h)
{
    assert_done(open_parts(&h->parts, &h->opened.index));
}

const char *block_message(uint8_t id, uint64_t offset, const char *rest)
{
    static char text[256];

    snprintf(text, sizeof text,
             "object data/%02x/%02x000000000000000000000000000000, block at %llu: %s", id, id,
             (unsigned long long)offset, rest);
    return text;
}
