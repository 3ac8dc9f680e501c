#include "core/seal/object.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/seal/object_header.h"

/*
 * Reading an object that nobody is trusted to store.
 *
 * The size comes from a signed record, not from the store. From it follow the number of segments,
 * the place of each and which one is final, so an object that was cut or extended at a segment
 * boundary does not open. The header in the clear must be that of the expected object, and its FLOE
 * tag must match the key, before any segment is fetched.
 *
 * One segment is held open at a time. It is fetched into `segment` and decrypted in place; `held`
 * says which one it is, and is NONE while the content is undefined. Bytes are copied out only from
 * a segment that is held, that is, whose tag matched. An empty object has one empty final segment,
 * which no read would ever touch, so it is opened at once.
 */
#define NONE UINT64_MAX

struct object_reader {
    struct floe *floe; /* owned */
    uint8_t id[SEAL_ID_LEN];
    uint64_t sealed_size;
    uint64_t size;    /* of the plaintext */
    uint64_t last;    /* position of the final segment, from the signed size */
    uint64_t held;    /* position of the segment that is open in `segment`, or NONE */
    uint8_t *segment; /* owned; opened in place: plaintext from FLOE_BEFORE_LEN on */
    size_t cap;       /* bytes in `segment` */
    object_fetch *fetch;
    void *arg; /* borrowed; for fetch */
};

static size_t lesser_of(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

/* Makes `position` the open segment. */
static enum err hold_segment(struct object_reader *r, uint64_t position)
{
    const uint64_t offset = OBJECT_START_LEN + position * OBJECT_FULL_LEN;
    const size_t len = lesser_of(r->sealed_size - offset, OBJECT_FULL_LEN);
    enum err rc = ERR_OK;

    if (r->held == position)
        goto out;
    r->held = NONE;
    TRY(r->fetch(r->arg, offset, r->segment, len));
    rc = floe_open_segment(r->floe, position, position == r->last, bytes_of(r->segment, len),
                           r->segment + FLOE_BEFORE_LEN);
    if (rc != ERR_OK) {
        err_note("segment %" PRIu64, position);
        goto out;
    }
    r->held = position;
out:
    return rc;
}

enum err object_reader_new(const struct secret *key, const struct object_identity *identity,
                           uint64_t sealed_size, object_fetch *fetch, void *arg,
                           struct object_reader **out)
{
    struct object_reader *r = NULL;
    uint8_t start[OBJECT_START_LEN];
    enum err rc;

    TRY(mem_new(1, sizeof *r, &r));
    memcpy(r->id, identity->id, SEAL_ID_LEN);
    r->fetch = fetch;
    r->arg = arg;
    r->held = NONE;
    r->sealed_size = sealed_size;
    /* Where the segments are. */
    TRY(object_plain_size(sealed_size, &r->size));
    r->last = (sealed_size - OBJECT_START_LEN - 1) / OBJECT_FULL_LEN;
    /* Whether this is the object, and the key its key. */
    TRY(fetch(arg, 0, start, sizeof start));
    TRY(object_header_check(identity, start));
    TRY(floe_open_new(object_params, key, bytes_of(start, OBJECT_HEADER_LEN),
                      start + OBJECT_HEADER_LEN, &r->floe));
    r->cap = lesser_of(sealed_size - OBJECT_START_LEN, OBJECT_FULL_LEN);
    TRY(mem_new(r->cap, 1, &r->segment));
    if (r->size == 0)
        TRY(hold_segment(r, 0)); /* no read would check it */
    *out = r;
    r = NULL; /* the caller's now */
out:
    if (rc != ERR_OK)
        object_note(identity->id);
    object_reader_free(r);
    return rc;
}

uint64_t object_reader_size(const struct object_reader *r)
{
    return r->size;
}

enum err object_reader_read(struct object_reader *r, uint64_t offset, void *to, size_t len)
{
    uint8_t *out_at = to;
    enum err rc = ERR_OK;

    if (len > r->size || offset > r->size - len)
        FAIL(ERR_CORRUPT, "%zu bytes at %" PRIu64 " are wanted, and it holds %" PRIu64, len, offset,
             r->size);
    while (len > 0) {
        const size_t within = offset % OBJECT_SEGMENT_LEN;
        const size_t piece = lesser_of(len, OBJECT_SEGMENT_LEN - within);

        TRY(hold_segment(r, offset / OBJECT_SEGMENT_LEN));
        memcpy(out_at, r->segment + FLOE_BEFORE_LEN + within, piece);
        out_at += piece;
        offset += piece;
        len -= piece;
    }
out:
    if (rc != ERR_OK)
        object_note(r->id);
    return rc;
}

void object_reader_free(struct object_reader *r)
{
    if (r == NULL)
        return;
    floe_free(r->floe);
    secret_wipe(r->segment, r->cap); /* plaintext */
    mem_free(r->segment);
    mem_free(r);
}
