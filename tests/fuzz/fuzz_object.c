/*
 * Hostile bytes as a sealed object under the key and the identity that are due. Nothing but the
 * sealed bytes of the corpus ever passes the tags; the rest must be refused with a message.
 * Objects of several segments are large, so the bytes are also taken as FLOE with small segments.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/secret.h"
#include "core/seal/floe.h"
#include "core/seal/object.h"

#define SMALL_SEGMENT 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct secret *key;
static struct object_identity identity = {.type = OBJECT_KEY_WRAP, .ordinal = 1};

static void set_up(void)
{
    if (key != NULL)
        return;
    if (secret_new(SEAL_KEY_LEN, &key) != ERR_OK)
        abort();
    memset(secret_at(key), 0x11, SEAL_KEY_LEN);
    memset(identity.context.repository, 0x22, SEAL_ID_LEN);
    memset(identity.context.scope, 0x33, SEAL_ID_LEN);
    memset(identity.id, 0x44, SEAL_ID_LEN);
}

static void expect(enum err rc)
{
    assert(rc == ERR_OK || (rc == ERR_CORRUPT && *err_text() != '\0'));
    err_clear();
}

static void open_in_one_go(struct bytes from)
{
    struct secret *plain = NULL;
    enum err rc = object_open(key, &identity, from, &plain);

    assert((rc == ERR_OK) == (plain != NULL));
    expect(rc);
    secret_free(plain);
}

static enum err fetch(void *arg, uint64_t offset, void *to, size_t len)
{
    const struct bytes *from = arg;

    assert(offset <= from->len && len <= from->len - offset);
    memcpy(to, from->data + offset, len);
    return ERR_OK;
}

static void read_in_pieces(struct bytes from)
{
    struct object_reader *r = NULL;
    uint8_t piece[1000];
    enum err rc = object_reader_new(key, &identity, from.len, fetch, &from, &r);

    for (uint64_t offset = 0; rc == ERR_OK && offset < object_reader_size(r);
         offset += sizeof piece) {
        uint64_t left = object_reader_size(r) - offset;

        rc =
            object_reader_read(r, offset, piece, left < sizeof piece ? (size_t)left : sizeof piece);
    }
    expect(rc);
    object_reader_free(r);
}

static void open_small_segments(struct bytes from)
{
    const struct floe_params params = {.segment_len = SMALL_SEGMENT, .rotation_bits = 1};
    uint8_t plain[SMALL_SEGMENT];
    struct floe *f = NULL;
    enum err rc;

    if (from.len < FLOE_HEADER_LEN)
        return;
    rc = floe_open_new(params, key, bytes_of_text("fuzz"), from.data, &f);
    from = bytes_of(from.data + FLOE_HEADER_LEN, from.len - FLOE_HEADER_LEN);
    for (uint64_t position = 0; rc == ERR_OK && from.len > 0; position++) {
        size_t len = from.len < SMALL_SEGMENT ? from.len : SMALL_SEGMENT;

        rc = floe_open_segment(f, position, len == from.len, bytes_of(from.data, len), plain);
        from = bytes_of(from.data + len, from.len - len);
    }
    expect(rc);
    floe_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    set_up();
    open_in_one_go(bytes_of(data, size));
    read_in_pieces(bytes_of(data, size));
    open_small_segments(bytes_of(data, size));
    return 0;
}
