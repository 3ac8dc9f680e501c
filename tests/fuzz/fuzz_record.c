/*
 * Hostile bytes as a ledger record, and as the name of one. What parses must keep what its header
 * promises; the rest must be refused with a message.
 */
#include <assert.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/ledger/expiry.h"
#include "core/ledger/record.h"
#include "core/ledger/writer_change.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAME_LEN_TRIED 200

/* RFC 8032, 7.1, TEST 1: it signed the good records of the corpus. */
static const uint8_t key[SIGNER_PUBLIC_LEN] = {
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
    0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
};

static void expect_refusal(enum err rc)
{
    assert(rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED);
    assert(*err_text() != '\0');
    err_clear();
}

/* What readers do with the payload of any record that is well signed. */
static void look_at_payload(const struct record *r)
{
    struct expiries expiries = {NULL, 0, 0};
    struct writer_change change;
    enum err rc = r->type == RECORD_WRITER ? writer_change_read(r, &change) : ERR_OK;

    if (rc != ERR_OK)
        expect_refusal(rc);
    assert(expiries_add(&expiries, r) == ERR_OK);
    expiries_sort(&expiries);
    if (r->type == RECORD_TOMBSTONE && (rc = expiries_check(&expiries, r, false, 0)) != ERR_OK)
        expect_refusal(rc);
    expiries_clear(&expiries);
}

static void look_at(const struct record *r, struct bytes raw)
{
    const uint8_t *end = memchr(raw.data, '\n', raw.len);
    uint8_t id[RECORD_ID_LEN];
    char name[RECORD_NAME_LEN + 1];
    uint8_t writer[SIGNER_ID_LEN];
    uint64_t seq = 0;

    assert(end != NULL && raw.len <= RECORD_LEN_MAX);
    assert(hash_of(bytes_of(raw.data, (size_t)(end - raw.data)), id) == ERR_OK);
    assert(memcmp(id, r->id, sizeof id) == 0);
    assert(bytes_equal(buf_bytes(&r->raw), raw));
    assert(r->has_prev == (r->seq > 0));
    record_name(r->writer, r->seq, name);
    assert(record_name_parse(name, writer, &seq) == ERR_OK && seq == r->seq);
    if (record_check(r, key) != ERR_OK)
        expect_refusal(ERR_CORRUPT);
    look_at_payload(r);
}

static void parse_name(struct bytes raw)
{
    char name[NAME_LEN_TRIED + 1];
    uint8_t writer[SIGNER_ID_LEN];
    uint64_t seq;
    size_t len = raw.len < NAME_LEN_TRIED ? raw.len : NAME_LEN_TRIED;

    memcpy(name, raw.data, len);
    name[len] = '\0';
    if (record_name_parse(name, writer, &seq) != ERR_OK)
        expect_refusal(ERR_CORRUPT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record *r = NULL;
    enum err rc = record_parse(bytes_of(data, size), &r);

    assert((rc == ERR_OK) == (r != NULL));
    if (rc == ERR_OK)
        look_at(r, bytes_of(data, size));
    else
        expect_refusal(rc);
    record_free(r);
    if (size > 0)
        parse_name(bytes_of(data, size));
    return 0;
}
