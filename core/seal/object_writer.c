#include "core/seal/object.h"

#include <assert.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/seal/object_header.h"

/*
 * Plaintext is collected in a buffer at the place where its ciphertext will be, with room for
 * length and IV before it and for the tag after it, and is sealed in place.
 *
 * A full segment is sealed only when more plaintext follows: until then it may be the last one, and
 * whether a segment is final is part of what its tag authenticates.
 */
struct object_writer {
    struct floe *floe; /* owned */
    struct hash *hash; /* owned; of all sealed bytes */
    uint8_t id[SEAL_ID_LEN];
    uint8_t *segment; /* owned, OBJECT_FULL_LEN */
    size_t fill;      /* plaintext bytes in it */
    uint64_t count;   /* segments sealed; the next one's position */
    uint64_t size;    /* sealed bytes given to the sink */
    bool over;        /* finished or failed: only free is left */
    object_sink *sink;
    void *arg; /* borrowed; for sink */
};

/* The digest covers what was given to the sink, header included: it is what the record signs. */
static enum err emit_sealed(struct object_writer *w, struct bytes sealed)
{
    enum err rc;

    TRY(hash_add(w->hash, sealed));
    TRY(w->sink(w->arg, sealed));
    w->size += sealed.len;
out:
    return rc;
}

static enum err seal_segment(struct object_writer *w, bool final)
{
    const struct bytes plain = bytes_of(w->segment + FLOE_BEFORE_LEN, w->fill);
    enum err rc;

    if (w->count == OBJECT_SEGMENTS_MAX)
        FAIL(ERR_FAILED, "an object cannot be larger than %llu MiB",
             (unsigned long long)OBJECT_SEGMENTS_MAX);
    /* Counted before the sink can fail: a position is never sealed twice. */
    TRY(floe_seal_segment(w->floe, w->count, final, plain, w->segment));
    w->count++;
    w->fill = 0;
    TRY(emit_sealed(w, bytes_of(w->segment, plain.len + FLOE_OVERHEAD)));
out:
    return rc;
}

enum err object_writer_new(const struct secret *key, const struct object_identity *identity,
                           object_sink *sink, void *arg, struct object_writer **out)
{
    struct object_writer *w = NULL;
    uint8_t start[OBJECT_START_LEN];
    enum err rc;

    TRY(mem_new(1, sizeof *w, &w));
    w->sink = sink;
    w->arg = arg;
    memcpy(w->id, identity->id, SEAL_ID_LEN);
    TRY(mem_new(OBJECT_FULL_LEN, 1, &w->segment));
    TRY(hash_new(&w->hash));
    object_header_make(identity, start);
    TRY(floe_seal_new(object_params, key, bytes_of(start, OBJECT_HEADER_LEN),
                      start + OBJECT_HEADER_LEN, &w->floe));
    TRY(emit_sealed(w, bytes_of(start, sizeof start)));
    *out = w;
    w = NULL; /* the caller's now */
out:
    if (rc != ERR_OK)
        object_note(identity->id);
    object_writer_free(w);
    return rc;
}

uint64_t object_writer_offset(const struct object_writer *w)
{
    return w->count * OBJECT_SEGMENT_LEN + w->fill;
}

enum err object_writer_add(struct object_writer *w, struct bytes plain)
{
    enum err rc = ERR_OK;

    assert(!w->over);
    while (plain.len > 0) {
        size_t len = OBJECT_SEGMENT_LEN - w->fill;

        /* More plaintext follows, so the full segment is not the last. */
        if (len == 0) {
            TRY(seal_segment(w, false));
            len = OBJECT_SEGMENT_LEN;
        }
        if (len > plain.len)
            len = plain.len;
        memcpy(w->segment + FLOE_BEFORE_LEN + w->fill, plain.data, len);
        w->fill += len;
        plain = bytes_of(plain.data + len, plain.len - len);
    }
out:
    if (rc != ERR_OK) {
        w->over = true;
        object_note(w->id);
    }
    return rc;
}

enum err object_writer_finish(struct object_writer *w, uint64_t *size, uint8_t digest[HASH_LEN])
{
    enum err rc;

    assert(!w->over);
    w->over = true;
    TRY(seal_segment(w, true));
    TRY(hash_end(w->hash, digest));
    *size = w->size;
out:
    if (rc != ERR_OK)
        object_note(w->id);
    return rc;
}

void object_writer_free(struct object_writer *w)
{
    if (w == NULL)
        return;
    floe_free(w->floe);
    hash_free(w->hash);
    if (w->segment != NULL)
        secret_wipe(w->segment + FLOE_BEFORE_LEN, w->fill);
    mem_free(w->segment);
    mem_free(w);
}
