#include "core/seal/floe.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "core/base/mem.h"
#include "core/base/rand.h"
#include "core/seal/kdf.h"

/*
 * The key schedule of FLOE (docs/FORMAT.md, 3.1):
 *
 *   key --FKDF "HEADER_TAG:"---> the tag in the header, which commits to key, parameters, IV, aad
 *   key --FKDF "MESSAGE_KEY:"--> message key --FKDF "DEK:" position--> segment key
 *
 * A segment key serves 2^rotation_bits segments and is derived again when the run of segments
 * changes. Each segment has a random IV of its own; its position and whether it is final are
 * authenticated with it, so segments cannot be reordered, dropped or appended.
 */
#define AEAD_AES_256_GCM 0
#define KDF_HKDF_EXPAND_SHA_384 0
#define MESSAGE_KEY_LEN 48
#define SEGMENT_AAD_LEN 9 /* position, final */
#define PURPOSE_MAX 16
#define NOT_FINAL UINT32_MAX /* the length field of a segment that is not final */
#define NO_KEY_YET UINT64_MAX

struct floe {
    struct floe_params params;
    uint8_t encoded[FLOE_PARAMS_LEN];
    uint8_t iv[FLOE_IV_LEN];
    uint8_t aad[FLOE_AAD_MAX];
    size_t aad_len;
    struct secret *message_key; /* owned */
    struct secret *segment_key; /* owned; of the segments from segment_key_from on */
    uint64_t segment_key_from;
    EVP_CIPHER *cipher;  /* owned */
    EVP_CIPHER_CTX *ctx; /* owned */
};

/* FKDF(k, iv, aad, purpose, n) = X(k, params ‖ iv ‖ purpose ‖ aad, n). Every part but the last has
 * a fixed length or a purpose that is no prefix of another, so the input is unambiguous. */
static enum err derive_floe(const struct floe *f, const struct secret *key, struct bytes purpose,
                            uint8_t *out, size_t len)
{
    uint8_t buffer[FLOE_PARAMS_LEN + FLOE_IV_LEN + PURPOSE_MAX + FLOE_AAD_MAX];
    struct buf info = {
        .data = buffer, .cap = sizeof buffer, .max = sizeof buffer}; /* never grows */
    enum err rc;

    TRY(buf_add(&info, bytes_of(f->encoded, sizeof f->encoded)));
    TRY(buf_add(&info, bytes_of(f->iv, sizeof f->iv)));
    TRY(buf_add(&info, purpose));
    TRY(buf_add(&info, bytes_of(f->aad, f->aad_len)));
    TRY(kdf_expand(secret_bytes(key), buf_bytes(&info), out, len));
out:
    return rc;
}

/* What sealing and opening have in common. The key is checked and not only asserted: it comes from
 * a provider. */
static enum err new_message(struct floe_params params, const struct secret *key, struct bytes aad,
                            struct floe **out)
{
    struct floe *f = NULL;
    enum err rc;

    assert(params.segment_len > FLOE_OVERHEAD && params.segment_len <= INT_MAX);
    assert(params.rotation_bits < 64 && aad.len <= FLOE_AAD_MAX);
    TRY(mem_new(1, sizeof *f, &f));
    if (secret_bytes(key).len != FLOE_KEY_LEN)
        FAIL(ERR_CORRUPT, "a key of %zu bytes where %d are expected", secret_bytes(key).len,
             FLOE_KEY_LEN);
    /* The encoded parameters, which the header repeats. */
    f->params = params;
    f->encoded[0] = AEAD_AES_256_GCM;
    f->encoded[1] = KDF_HKDF_EXPAND_SHA_384;
    be_put(f->encoded + 2, params.segment_len, 4);
    be_put(f->encoded + 6, FLOE_IV_LEN, 4);
    memcpy(f->aad, aad.data, aad.len);
    f->aad_len = aad.len;
    f->segment_key_from = NO_KEY_YET;
    TRY(secret_new(MESSAGE_KEY_LEN, &f->message_key));
    TRY(secret_new(FLOE_KEY_LEN, &f->segment_key));
    f->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    f->ctx = EVP_CIPHER_CTX_new();
    if (f->cipher == NULL || f->ctx == NULL)
        FAIL(ERR_FAILED, "AES-256-GCM is not available");
    *out = f;
    f = NULL; /* the caller's now */
out:
    floe_free(f);
    return rc;
}

static enum err header_tag(const struct floe *f, const struct secret *key,
                           uint8_t out[FLOE_HEADER_TAG_LEN])
{
    return derive_floe(f, key, bytes_of_text("HEADER_TAG:"), out, FLOE_HEADER_TAG_LEN);
}

static enum err derive_message_key(struct floe *f, const struct secret *key)
{
    return derive_floe(f, key, bytes_of_text("MESSAGE_KEY:"), secret_at(f->message_key),
                       MESSAGE_KEY_LEN);
}

enum err floe_seal_new(struct floe_params params, const struct secret *key, struct bytes aad,
                       uint8_t header[FLOE_HEADER_LEN], struct floe **out)
{
    struct floe *f = NULL;
    enum err rc;

    TRY(new_message(params, key, aad, &f));
    /* A fresh IV gives the message keys of its own, even under the same key. */
    TRY(rand_fill(f->iv, sizeof f->iv));
    memcpy(header, f->encoded, FLOE_PARAMS_LEN);
    memcpy(header + FLOE_PARAMS_LEN, f->iv, FLOE_IV_LEN);
    TRY(header_tag(f, key, header + FLOE_PARAMS_LEN + FLOE_IV_LEN));
    TRY(derive_message_key(f, key));
    *out = f;
    f = NULL; /* the caller's now */
out:
    floe_free(f);
    return rc;
}

enum err floe_open_new(struct floe_params params, const struct secret *key, struct bytes aad,
                       const uint8_t header[FLOE_HEADER_LEN], struct floe **out)
{
    struct floe *f = NULL;
    uint8_t tag[FLOE_HEADER_TAG_LEN] = {0};
    enum err rc;

    TRY(new_message(params, key, aad, &f));
    /* The parameters are expected, not taken from the header: an attacker could choose weaker ones.
     */
    if (memcmp(header, f->encoded, FLOE_PARAMS_LEN) != 0)
        FAIL(ERR_CORRUPT, "the sealing parameters are not those of this format");
    memcpy(f->iv, header + FLOE_PARAMS_LEN, FLOE_IV_LEN);
    /* Verify the header tag. */
    TRY(header_tag(f, key, tag));
    if (!secret_equal(bytes_of(tag, sizeof tag),
                      bytes_of(header + FLOE_PARAMS_LEN + FLOE_IV_LEN, FLOE_HEADER_TAG_LEN)))
        FAIL(ERR_CORRUPT, "the header's tag does not match (wrong key or damaged data)");
    TRY(derive_message_key(f, key));
    *out = f;
    f = NULL; /* the caller's now */
out:
    floe_free(f);
    return rc;
}

void floe_free(struct floe *f)
{
    if (f == NULL)
        return;
    EVP_CIPHER_CTX_free(f->ctx);
    EVP_CIPHER_free(f->cipher);
    secret_free(f->segment_key);
    secret_free(f->message_key);
    mem_free(f);
}

/* Makes the segment key that of the run in which `position` lies. The marker is cleared first:
 * after a failed derivation the key is undefined and must not be taken for a valid one. */
static enum err use_segment_key(struct floe *f, uint64_t position)
{
    const uint64_t from = position >> f->params.rotation_bits << f->params.rotation_bits;
    uint8_t purpose[4 + 8] = {'D', 'E', 'K', ':'};
    enum err rc = ERR_OK;

    if (f->segment_key_from == from)
        goto out;
    f->segment_key_from = NO_KEY_YET;
    be_put(purpose + 4, from, 8);
    TRY(derive_floe(f, f->message_key, bytes_of(purpose, sizeof purpose), secret_at(f->segment_key),
                    FLOE_KEY_LEN));
    f->segment_key_from = from;
out:
    return rc;
}

static void encode_segment_aad(uint64_t position, bool final, uint8_t out[SEGMENT_AAD_LEN])
{
    be_put(out, position, 8);
    out[8] = final;
}

/* The IV is drawn by the cipher itself and read back, so no code path can reuse one. The cipher is
 * passed to each EncryptInit because a finished context does not draw a second IV; that costs about
 * a microsecond per segment. */
enum err floe_seal_segment(struct floe *f, uint64_t position, bool final, struct bytes plain,
                           uint8_t *to)
{
    const uint8_t *key = secret_bytes(f->segment_key).data;
    uint8_t *const body = to + FLOE_BEFORE_LEN;
    const size_t sealed_len = plain.len + FLOE_OVERHEAD;
    uint8_t aad[SEGMENT_AAD_LEN];
    OSSL_PARAM drawn[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_IV, to + FLOE_LENGTH_LEN,
                                          FLOE_SEGMENT_IV_LEN),
        OSSL_PARAM_construct_end(),
    };
    int len = 0;
    enum err rc;

    assert(final ? sealed_len <= f->params.segment_len : sealed_len == f->params.segment_len);
    TRY(use_segment_key(f, position));
    encode_segment_aad(position, final, aad);
    if (EVP_EncryptInit_ex2(f->ctx, f->cipher, key, NULL, NULL) != 1 ||
        EVP_EncryptUpdate(f->ctx, NULL, &len, aad, sizeof aad) != 1 ||
        (plain.len > 0 && EVP_EncryptUpdate(f->ctx, body, &len, plain.data, (int)plain.len) != 1) ||
        EVP_EncryptFinal_ex(f->ctx, body + plain.len, &len) != 1 ||
        EVP_CIPHER_CTX_get_params(f->ctx, drawn) != 1 ||
        EVP_CIPHER_CTX_ctrl(f->ctx, EVP_CTRL_AEAD_GET_TAG, FLOE_SEGMENT_TAG_LEN,
                            body + plain.len) != 1)
        FAIL(ERR_FAILED, "AES-256-GCM failed");
    be_put(to, final ? sealed_len : NOT_FINAL, FLOE_LENGTH_LEN);
out:
    return rc;
}

/* The lengths are checked before the key is used: a wrong one must not reach the cipher. */
static enum err check_length(const struct floe *f, bool final, struct bytes sealed)
{
    uint64_t told;

    if (sealed.len < FLOE_OVERHEAD || sealed.len > f->params.segment_len ||
        (!final && sealed.len != f->params.segment_len))
        return err_set(ERR_CORRUPT, "%zu bytes are not a segment", sealed.len);
    told = be_get(sealed.data, FLOE_LENGTH_LEN);
    if (told != (final ? sealed.len : NOT_FINAL))
        return err_set(ERR_CORRUPT, "the length field does not match (damaged data)");
    return ERR_OK;
}

enum err floe_open_segment(struct floe *f, uint64_t position, bool final, struct bytes sealed,
                           uint8_t *to)
{
    const uint8_t *key = secret_bytes(f->segment_key).data;
    const uint8_t *iv = sealed.data + FLOE_LENGTH_LEN;
    const uint8_t *body = sealed.data + FLOE_BEFORE_LEN;
    uint8_t aad[SEGMENT_AAD_LEN];
    uint8_t tag[FLOE_SEGMENT_TAG_LEN];
    size_t body_len = 0;
    int len = 0;
    enum err rc;

    /* Check the form, then set up key, IV, tag and associated data. */
    TRY(check_length(f, final, sealed));
    body_len = sealed.len - FLOE_OVERHEAD;
    TRY(use_segment_key(f, position));
    encode_segment_aad(position, final, aad);
    memcpy(tag, body + body_len, sizeof tag);
    if (EVP_DecryptInit_ex2(f->ctx, f->cipher, key, iv, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(f->ctx, EVP_CTRL_AEAD_SET_TAG, FLOE_SEGMENT_TAG_LEN, tag) != 1 ||
        EVP_DecryptUpdate(f->ctx, NULL, &len, aad, sizeof aad) != 1)
        FAIL(ERR_FAILED, "AES-256-GCM failed");
    /* Decryption writes plaintext before the tag is verified, so it is wiped when the tag is wrong.
     */
    if ((body_len > 0 && EVP_DecryptUpdate(f->ctx, to, &len, body, (int)body_len) != 1) ||
        EVP_DecryptFinal_ex(f->ctx, tag, &len) != 1) {
        secret_wipe(to, body_len);
        FAIL(ERR_CORRUPT, "tag does not match (wrong key or damaged data)");
    }
out:
    return rc;
}
