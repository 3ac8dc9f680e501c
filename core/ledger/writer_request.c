#include "core/ledger/writer_request.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/ledger/ledger_internal.h"
#include "core/ledger/writer_change.h"

#define LABEL "sealpoint/v1/writer-request" /* its NUL is part of the message */
#define MESSAGE_LEN (sizeof LABEL + HASH_LEN)
#define TYPE "writer-request"
#define WORD_MAX 32

static enum err signed_message(struct bytes line, uint8_t out[MESSAGE_LEN])
{
    memcpy(out, LABEL, sizeof LABEL);
    return hash_of(line, out + sizeof LABEL);
}

static enum err write_request(const struct ledger *l, struct buf *to)
{
    struct bytes key = bytes_of(signer_public(l->signer), SIGNER_PUBLIC_LEN);
    uint8_t id[SIGNER_ID_LEN];
    struct jdoc *doc = NULL;
    enum err rc;

    TRY(signer_id(key.data, id));
    TRY(jdoc_object(&doc));
    TRY(jdoc_set_number(doc, "format", 1));
    TRY(jdoc_set_text(doc, "type", TYPE));
    TRY(jdoc_set_hex(doc, "repositoryId", bytes_of(l->writers.repository, SEAL_ID_LEN)));
    TRY(jdoc_set_text(doc, "fingerprint", l->fingerprint));
    TRY(jdoc_set_hex(doc, "writerId", bytes_of(id, sizeof id)));
    TRY(jdoc_set_base64(doc, "publicKey", key));
    TRY(jdoc_set_time(doc, "createdAt", clock_now_ms()));
    TRY(jdoc_write(doc, to));
out:
    jdoc_free(doc);
    return rc;
}

static enum err refuse_known(const struct ledger *l)
{
    char text[2 * SIGNER_ID_LEN + 1];
    uint8_t id[SIGNER_ID_LEN];
    const struct writer *known;
    enum err rc;

    TRY(signer_id(signer_public(l->signer), id));
    text_hex(bytes_of(id, sizeof id), text);
    known = writers_find(&l->writers, id);
    if (known != NULL && known->revoked) {
        rc = err_set(ERR_FAILED, "the key of this machine, writer %s, was revoked", text);
        err_hint("to ask for another, move " STATE_SIGNING_KEY " in %s away", l->state_dir);
        goto out;
    }
    if (known != NULL)
        FAIL(ERR_EXISTS, "the key of this machine is enrolled already, as writer %s", text);
out:
    return rc;
}

enum err writer_request_make(struct ledger *l, struct buf *to)
{
    struct buf line = {.max = WRITER_REQUEST_LEN_MAX};
    char text[TEXT_BASE64_LEN(SIGNER_SIGNATURE_LEN) + 1];
    uint8_t signature[SIGNER_SIGNATURE_LEN];
    uint8_t message[MESSAGE_LEN];
    enum err rc;

    TRY(ledger_have_signer(l));
    TRY(refuse_known(l));
    TRY(write_request(l, &line));
    TRY(signed_message(buf_bytes(&line), message));
    TRY(signer_sign(l->signer, bytes_of(message, sizeof message), signature));
    text_base64(bytes_of(signature, sizeof signature), text);
    TRY(buf_add(to, buf_bytes(&line)));
    TRY(buf_add_format(to, "\n{\"signature\":\"%s\"}\n", text));
out:
    buf_clear(&line);
    return rc;
}

static enum err check_head(const struct ledger *l, const struct jdoc *from)
{
    static const char *const no_critical[] = {NULL};
    uint8_t repository[SEAL_ID_LEN];
    const char *fingerprint = NULL;
    uint64_t format = 0;
    enum err rc;

    TRY(jdoc_number(from, "format", UINT64_MAX, &format));
    if (format != 1)
        FAIL(ERR_UNSUPPORTED, "format %" PRIu64 " is not one this release knows", format);
    TRY(jdoc_check_critical(from, no_critical));
    TRY(jdoc_hex(from, "repositoryId", repository, SEAL_ID_LEN));
    TRY(jdoc_text(from, "fingerprint", LEDGER_FINGERPRINT_LEN, &fingerprint));
    if (memcmp(repository, l->writers.repository, SEAL_ID_LEN) != 0 ||
        strcmp(fingerprint, l->fingerprint) != 0)
        FAIL(ERR_USAGE, "it is for another repository, with fingerprint %s", fingerprint);
out:
    return rc;
}

/* Exactly two lines, the first of them a request's. *doc is the caller's. */
static enum err parse(struct bytes from, struct bytes *line, struct bytes *second,
                      struct jdoc **doc)
{
    const uint8_t *end = from.len > 0 ? memchr(from.data, '\n', from.len) : NULL;
    const char *type = NULL;
    struct jdoc *first = NULL;
    enum err rc;

    if (end == NULL)
        FAIL(ERR_CORRUPT, "not a writer's request");
    *line = bytes_of(from.data, (size_t)(end - from.data));
    *second = bytes_of(end + 1, from.len - line->len - 1);
    TRY(jdoc_parse(*line, &first));
    TRY(jdoc_text(first, "type", WORD_MAX, &type));
    if (strcmp(type, TYPE) != 0)
        FAIL(ERR_CORRUPT, "not a writer's request, but of type \"%s\"", type);
    end = second->len > 0 ? memchr(second->data, '\n', second->len) : NULL;
    if (end == NULL || end + 1 != from.data + from.len)
        FAIL(ERR_CORRUPT, "not two lines");
    second->len--;
    *doc = first;
    first = NULL; /* the caller's now */
out:
    jdoc_free(first);
    return rc;
}

enum err writer_request_recognise(struct bytes from)
{
    struct bytes line, second;
    struct jdoc *doc = NULL;
    enum err rc = parse(from, &line, &second, &doc);

    jdoc_free(doc);
    return rc;
}

static enum err read_key(const struct jdoc *from, uint8_t public_key[SIGNER_PUBLIC_LEN])
{
    uint8_t writer[SIGNER_ID_LEN];
    uint8_t id[SIGNER_ID_LEN];
    enum err rc;

    TRY(writer_key_read(from, "publicKey", public_key, id));
    TRY(jdoc_hex(from, "writerId", writer, SIGNER_ID_LEN));
    if (memcmp(writer, id, SIGNER_ID_LEN) != 0)
        FAIL(ERR_CORRUPT, "its writer is not the one of its public key");
out:
    return rc;
}

static enum err check_signature(struct bytes line, struct bytes second,
                                const uint8_t public_key[SIGNER_PUBLIC_LEN])
{
    uint8_t signature[SIGNER_SIGNATURE_LEN];
    uint8_t message[MESSAGE_LEN];
    struct jdoc *doc = NULL;
    size_t len = 0;
    enum err rc;

    TRY(jdoc_parse(second, &doc));
    TRY(jdoc_base64(doc, "signature", signature, sizeof signature, &len));
    if (len != sizeof signature)
        FAIL(ERR_CORRUPT, "member \"signature\" is not %d bytes", SIGNER_SIGNATURE_LEN);
    TRY(signed_message(line, message));
    TRY(signer_check(public_key, bytes_of(message, sizeof message), signature));
out:
    jdoc_free(doc);
    return rc;
}

enum err writer_request_read(const struct ledger *l, struct bytes from,
                             uint8_t public_key[SIGNER_PUBLIC_LEN])
{
    uint8_t key[SIGNER_PUBLIC_LEN];
    struct bytes line, second;
    struct jdoc *doc = NULL;
    enum err rc;

    TRY(parse(from, &line, &second, &doc));
    TRY(check_head(l, doc));
    TRY(read_key(doc, key));
    TRY(check_signature(line, second, key));
    memcpy(public_key, key, sizeof key);
out:
    jdoc_free(doc);
    return rc;
}
