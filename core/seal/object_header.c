#include "core/seal/object_header.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/text.h"

/* Offsets in the header (docs/FORMAT.md, 3). */
#define AT_TYPE 4
#define AT_SUITE 6
#define AT_REPOSITORY 8
#define AT_SCOPE 24
#define AT_ID 40
#define AT_ORDINAL 56
#define AT_HEDGE 64
#define HEDGE_LEN 16

static const char magic[] = {'S', 'P', 'O', '1'};

const struct floe_params object_params = {
    .segment_len = OBJECT_FULL_LEN,
    .rotation_bits = 20,
};

/* Every byte except the hedge belongs to a field, so nothing in a header goes unchecked. */
static const struct field {
    const char *name;
    size_t offset;
    unsigned len;
    bool is_number;
} fields[] = {
    {"magic", 0, sizeof magic, false},
    {"type", AT_TYPE, 1, true},
    {"flags", 5, 1, true},
    {"suite", AT_SUITE, 2, true},
    {"repository id", AT_REPOSITORY, SEAL_ID_LEN, false},
    {"scope id", AT_SCOPE, SEAL_ID_LEN, false},
    {"object id", AT_ID, SEAL_ID_LEN, false},
    {"ordinal", AT_ORDINAL, 8, true},
    {"reserved part", AT_HEDGE + HEDGE_LEN, 16, false},
};

/* Everything except the hedge, which is left zero. */
static void encode_header(const struct object_identity *identity, uint8_t out[OBJECT_HEADER_LEN])
{
    memset(out, 0, OBJECT_HEADER_LEN);
    memcpy(out, magic, sizeof magic);
    be_put(out + AT_TYPE, identity->type, 1);
    be_put(out + AT_SUITE, SEAL_SUITE, 2);
    memcpy(out + AT_REPOSITORY, identity->context.repository, SEAL_ID_LEN);
    memcpy(out + AT_SCOPE, identity->context.scope, SEAL_ID_LEN);
    memcpy(out + AT_ID, identity->id, SEAL_ID_LEN);
    be_put(out + AT_ORDINAL, identity->ordinal, 8);
}

/* time_ns(8) pid(4) counter(4). Virtual machines resumed from one image may draw the same random
 * bytes; the header is bound into the message key, so a hedge that differs still gives different
 * keys. */
static void fill_hedge(uint8_t out[HEDGE_LEN])
{
    static atomic_uint counter;

    be_put(out, (uint64_t)clock_now_ns(), 8);
    be_put(out + 8, (uint64_t)getpid(), 4);
    be_put(out + 12, atomic_fetch_add(&counter, 1), 4);
}

void object_header_make(const struct object_identity *identity, uint8_t out[OBJECT_HEADER_LEN])
{
    encode_header(identity, out);
    fill_hedge(out + AT_HEDGE);
}

static enum err refuse_mismatch(const struct field *field, const uint8_t *is, const uint8_t *due)
{
    char is_hex[2 * SEAL_ID_LEN + 1];
    char due_hex[2 * SEAL_ID_LEN + 1];

    if (field->is_number)
        return err_set(ERR_CORRUPT,
                       "%s is %" PRIu64 ", not %" PRIu64 " (another object's bytes, or damaged)",
                       field->name, be_get(is, field->len), be_get(due, field->len));
    text_hex(bytes_of(is, field->len), is_hex);
    text_hex(bytes_of(due, field->len), due_hex);
    return err_set(ERR_CORRUPT, "%s is %s, not %s (another object's bytes, or damaged)",
                   field->name, is_hex, due_hex);
}

/* This only gives a good message: the header is authenticated by the FLOE header tag. */
enum err object_header_check(const struct object_identity *identity,
                             const uint8_t header[OBJECT_HEADER_LEN])
{
    uint8_t due[OBJECT_HEADER_LEN];

    encode_header(identity, due);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const struct field *field = &fields[i];

        if (memcmp(header + field->offset, due + field->offset, field->len) != 0)
            return refuse_mismatch(field, header + field->offset, due + field->offset);
    }
    return ERR_OK;
}

void object_header_id(const uint8_t *header, uint8_t id[SEAL_ID_LEN])
{
    memcpy(id, header + AT_ID, SEAL_ID_LEN);
}

void object_note(const uint8_t id[SEAL_ID_LEN])
{
    char hex[2 * SEAL_ID_LEN + 1];

    text_hex(bytes_of(id, SEAL_ID_LEN), hex);
    err_note("object %s", hex);
}
