#include "core/base/text.h"
#include "core/ledger/record.h"
#include "core/ledger/record_message.h"

/* In the order in which record_parse() reads them. */
static enum err write_common(enum record_type type, const struct record_place *place,
                             const struct signer *signer, struct jdoc *to)
{
    uint8_t writer[SIGNER_ID_LEN];
    enum err rc;

    TRY(signer_id(signer_public(signer), writer));
    TRY(jdoc_set_number(to, "format", 1));
    TRY(jdoc_set_text(to, "type", record_type_name(type)));
    TRY(jdoc_set_hex(to, "repositoryId", bytes_of(place->repository, SEAL_ID_LEN)));
    TRY(jdoc_set_hex(to, "writerId", bytes_of(writer, sizeof writer)));
    TRY(jdoc_set_number(to, "seq", place->seq));
    if (place->prev != NULL)
        TRY(jdoc_set_hex(to, "prev", bytes_of(place->prev, RECORD_ID_LEN)));
    else
        TRY(jdoc_set_null(to, "prev"));
    TRY(jdoc_set_time(to, "createdAt", place->created_ms));
out:
    return rc;
}

/* Two objects as text become one: "{a}" and "{b}" give "{a,b}", and "{}" adds nothing. A name in
 * both is found when the record is parsed back. */
static enum err write_payload(enum record_type type, const struct record_place *place,
                              const struct jdoc *body, const struct signer *signer, struct buf *to)
{
    struct jdoc *common = NULL;
    struct buf text = {.max = RECORD_LEN_MAX};
    enum err rc;

    TRY(jdoc_object(&common));
    TRY(write_common(type, place, signer, common));
    TRY(jdoc_write(common, to));
    TRY(jdoc_write(body, &text));
    if (text.len > 2) {
        to->data[to->len - 1] = ',';
        TRY(buf_add(to, bytes_of(text.data + 1, text.len - 1)));
    }
out:
    buf_clear(&text);
    jdoc_free(common);
    return rc;
}

enum err record_write_signature(const uint8_t writer[SIGNER_ID_LEN],
                                const uint8_t signature[SIGNER_SIGNATURE_LEN], struct buf *to)
{
    char writer_text[2 * SIGNER_ID_LEN + 1];
    char signature_text[TEXT_BASE64_LEN(SIGNER_SIGNATURE_LEN) + 1];

    text_hex(bytes_of(writer, SIGNER_ID_LEN), writer_text);
    text_base64(bytes_of(signature, SIGNER_SIGNATURE_LEN), signature_text);
    return buf_add_format(to,
                          RECORD_SIGNATURE_FRONT SIGNER_ALGORITHM RECORD_SIGNATURE_KEY
                          "%s" RECORD_SIGNATURE_SIG "%s" RECORD_SIGNATURE_END,
                          writer_text, signature_text);
}

static enum err write_signatures(struct bytes payload, const struct signer *signer, struct buf *to)
{
    uint8_t record_id[RECORD_ID_LEN];
    uint8_t message[RECORD_MESSAGE_LEN];
    uint8_t signature[SIGNER_SIGNATURE_LEN];
    uint8_t writer[SIGNER_ID_LEN];
    enum err rc;

    TRY(hash_of(payload, record_id));
    TRY(signer_sign(signer, record_message(record_id, message), signature));
    TRY(signer_id(signer_public(signer), writer));
    TRY(buf_add_text(to, "\n"));
    TRY(record_write_signature(writer, signature, to));
    TRY(buf_add_text(to, "\n"));
out:
    return rc;
}

enum err record_make(enum record_type type, const struct record_place *place,
                     const struct jdoc *body, const struct signer *signer, struct record **out)
{
    struct buf raw = {.max = RECORD_LEN_MAX};
    enum err rc;

    TRY(write_payload(type, place, body, signer, &raw));
    TRY(write_signatures(buf_bytes(&raw), signer, &raw));
    TRY(record_parse(buf_bytes(&raw), out));
out:
    if (rc != ERR_OK)
        err_note("making a %s record", record_type_name(type));
    buf_clear(&raw);
    return rc;
}
