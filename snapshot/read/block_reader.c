#include "snapshot/read/block_reader.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/repository/sealed_get.h"
#include "snapshot/format/codec.h"

/* Objects kept open by one reader: a file of an old chain jumps between a few. */
#define OPEN_MAX 4

/* One open object. */
struct open_object {
    uint32_t number;
    uint64_t used;             /* when it was last used: the smallest goes first */
    struct sealed_get *sealed; /* NULL: the place is free */
};

struct block_reader {
    const struct snapshot_reader *from; /* borrowed */
    struct open_object objects[OPEN_MAX];
    uint64_t clock;
    struct hash *hash;
    struct codec *codec;
    uint8_t *stored; /* owned, BLOCK_LEN_MAX */
    uint8_t *plain;  /* owned, BLOCK_LEN_MAX; only for checking */
};

static void close_object(struct open_object *o)
{
    sealed_get_free(o->sealed);
    *o = (struct open_object){0};
}

enum err block_reader_new(const struct snapshot_reader *reader, struct block_reader **out)
{
    struct block_reader *r = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *r, &r));
    r->from = reader;
    TRY(hash_new(&r->hash));
    TRY(codec_new(&r->codec));
    TRY(mem_new(BLOCK_LEN_MAX, 1, &r->stored));
    *out = r;
    r = NULL; /* the caller's now */
out:
    block_reader_free(r);
    return rc;
}

void block_reader_free(struct block_reader *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < OPEN_MAX; i++)
        close_object(&r->objects[i]);
    hash_free(r->hash);
    codec_free(r->codec);
    mem_free(r->stored);
    mem_free(r->plain);
    mem_free(r);
}

static const struct secret *key_for(const struct snapshot_reader *reader,
                                    const uint8_t scope[SEAL_ID_LEN])
{
    for (size_t i = 0; i < reader->manifest.key_count; i++)
        if (memcmp(reader->manifest.keys[i].context.scope, scope, SEAL_ID_LEN) == 0)
            return reader->k_data[i];
    return NULL; /* manifest_decode() saw to it that there is one */
}

static enum err open_pack(struct block_reader *r, uint32_t number, struct open_object *place)
{
    const struct manifest_object *m = &r->from->manifest.objects[number];
    struct object_identity identity = manifest_identity(&r->from->manifest, m);

    enum err rc;

    close_object(place);
    place->number = number;
    rc = sealed_get_open(r->from->store, key_for(r->from, m->scope), &identity, m->size,
                         &place->sealed);
    return rc == ERR_NOT_FOUND ? err_set(ERR_CORRUPT, "it is missing from the repository") : rc;
}

static enum err find_object(struct block_reader *r, uint32_t number, struct open_object **out)
{
    struct open_object *oldest = &r->objects[0];
    enum err rc = ERR_OK;

    for (size_t i = 0; i < OPEN_MAX; i++) {
        struct open_object *o = &r->objects[i];

        if (o->sealed != NULL && o->number == number) {
            *out = o;
            goto out;
        }
        if (o->used < oldest->used)
            oldest = o;
    }
    TRY(open_pack(r, number, oldest));
    *out = oldest;
out:
    if (rc == ERR_OK)
        (*out)->used = ++r->clock;
    return rc;
}

static enum err check_block_digest(struct block_reader *r, const struct block *b,
                                   struct bytes plain)
{
    uint8_t digest[HASH_LEN];
    enum err rc;

    TRY(hash_add(r->hash, plain));
    TRY(hash_end(r->hash, digest));
    if (memcmp(digest, b->sha256, HASH_LEN) != 0)
        FAIL(ERR_CORRUPT, "the block's SHA-256 is not that of the index");
out:
    return rc;
}

/* The stored bytes of a block, opened, in r->stored. */
static enum err read_stored(struct block_reader *r, const struct block *b)
{
    struct open_object *object = NULL;
    enum err rc;

    TRY(find_object(r, b->object, &object));
    if (b->offset > sealed_get_size(object->sealed) ||
        b->stored_len > sealed_get_size(object->sealed) - b->offset)
        FAIL(ERR_CORRUPT, "the index points behind its end");
    TRY(sealed_get_read(object->sealed, b->offset, r->stored, b->stored_len));
out:
    return rc;
}

static void note_block(const struct block_reader *r, const struct block *b)
{
    char name[OBJECT_NAME_LEN + 1];

    object_name(r->from->manifest.objects[b->object].id, name);
    err_note("object %s, block at %" PRIu64, name, b->offset);
}

enum err block_reader_read(struct block_reader *r, const struct block *b, void *to, size_t len)
{
    enum err rc = ERR_OK;

    if (b->codec == BLOCK_ZERO) {
        memset(to, 0, len);
        return ERR_OK;
    }
    TRY(read_stored(r, b));
    TRY(codec_decompress(r->codec, b->codec, bytes_of(r->stored, b->stored_len), to, len));
    TRY(check_block_digest(r, b, bytes_of(to, len)));
out:
    if (rc != ERR_OK)
        note_block(r, b);
    return rc;
}

enum err block_reader_check(struct block_reader *r, const struct block *b, size_t *len)
{
    enum err rc = ERR_OK;

    if (r->plain == NULL)
        TRY(mem_new(BLOCK_LEN_MAX, 1, &r->plain));
    TRY(read_stored(r, b));
    TRY(codec_decompress_any(r->codec, b->codec, bytes_of(r->stored, b->stored_len), r->plain,
                             len));
    TRY(check_block_digest(r, b, bytes_of(r->plain, *len)));
out:
    if (rc != ERR_OK)
        note_block(r, b);
    return rc;
}
