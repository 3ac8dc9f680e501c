#include "core/seal/object.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/text.h"
#include "core/seal/object_header.h"

uint64_t object_sealed_size(uint64_t len)
{
    uint64_t segments = len / OBJECT_SEGMENT_LEN + (len % OBJECT_SEGMENT_LEN != 0);

    if (segments == 0)
        segments = 1; /* an empty plaintext is one empty final segment */
    return OBJECT_START_LEN + len + segments * FLOE_OVERHEAD;
}

/* The sizes that a writer can produce are exactly those accepted here, so a reader that knows the
 * signed size also knows where each segment lies and which is the last. */
enum err object_plain_size(uint64_t sealed, uint64_t *len)
{
    uint64_t body, full, rest;

    if (sealed < OBJECT_START_LEN + FLOE_OVERHEAD)
        return err_set(ERR_CORRUPT, "%" PRIu64 " bytes are too few for a sealed object", sealed);
    body = sealed - OBJECT_START_LEN;
    if (body > OBJECT_SEGMENTS_MAX * OBJECT_FULL_LEN)
        return err_set(ERR_CORRUPT, "%" PRIu64 " bytes are too many for a sealed object", sealed);
    full = body / OBJECT_FULL_LEN;
    rest = body % OBJECT_FULL_LEN;
    /* The last segment has at least one byte of plaintext, unless it is the only one. */
    if (rest != 0 && (rest < FLOE_OVERHEAD || (rest == FLOE_OVERHEAD && full > 0)))
        return err_set(ERR_CORRUPT, "no sealed object has %" PRIu64 " bytes", sealed);
    *len = full * OBJECT_SEGMENT_LEN + (rest != 0 ? rest - FLOE_OVERHEAD : 0);
    return ERR_OK;
}

/* One segment only: these objects hold key material, and need no streaming. */
enum err object_seal(const struct secret *key, const struct object_identity *identity,
                     struct bytes plain, struct buf *to)
{
    struct floe *floe = NULL;
    uint8_t *data = NULL;
    enum err rc;

    if (plain.len > OBJECT_SEGMENT_LEN)
        FAIL(ERR_FAILED, "%zu bytes are more than one segment holds", plain.len);
    TRY(buf_reserve(to, object_sealed_size(plain.len)));
    data = to->data + to->len;
    object_header_make(identity, data);
    TRY(floe_seal_new(object_params, key, bytes_of(data, OBJECT_HEADER_LEN),
                      data + OBJECT_HEADER_LEN, &floe));
    TRY(floe_seal_segment(floe, 0, true, plain, data + OBJECT_START_LEN));
    to->len += object_sealed_size(plain.len);
out:
    if (rc != ERR_OK)
        object_note(identity->id);
    floe_free(floe);
    return rc;
}

enum err object_open(const struct secret *key, const struct object_identity *identity,
                     struct bytes sealed, struct secret **plain)
{
    struct floe *floe = NULL;
    struct secret *opened = NULL;
    uint64_t len = 0;
    enum err rc;

    TRY(object_plain_size(sealed.len, &len));
    if (len == 0 || len > SECRET_LEN_MAX)
        FAIL(ERR_CORRUPT, "%" PRIu64 " bytes cannot be key material", len);
    /* The header in the clear first: it tells another object from a damaged one. */
    TRY(object_header_check(identity, sealed.data));
    TRY(floe_open_new(object_params, key, bytes_of(sealed.data, OBJECT_HEADER_LEN),
                      sealed.data + OBJECT_HEADER_LEN, &floe));
    TRY(secret_new(len, &opened));
    TRY(floe_open_segment(floe, 0, true,
                          bytes_of(sealed.data + OBJECT_START_LEN, sealed.len - OBJECT_START_LEN),
                          secret_at(opened)));
    *plain = opened;
    opened = NULL; /* the caller's now */
out:
    if (rc != ERR_OK)
        object_note(identity->id);
    secret_free(opened);
    floe_free(floe);
    return rc;
}

void object_name(const uint8_t id[SEAL_ID_LEN], char out[OBJECT_NAME_LEN + 1])
{
    char hex[2 * SEAL_ID_LEN + 1];

    text_hex(bytes_of(id, SEAL_ID_LEN), hex);
    memcpy(out, "data/", 5);
    memcpy(out + 5, hex, 2);
    out[7] = '/';
    memcpy(out + 8, hex, sizeof hex);
}
