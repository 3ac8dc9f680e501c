#include "core/ledger/signer.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "core/base/hash.h"
#include "core/base/jdoc.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/secret.h"
#include "core/base/text.h"
#include "core/fs/file.h"

#define PRIVATE_LEN 32
#define PRIVATE_TEXT_LEN TEXT_BASE64_LEN(PRIVATE_LEN)
#define SIGNING_KEY_FILE_MAX ((size_t)4 * KIB)
#define OTHERS_MAY 077 /* mode bits that a signing key should not have */

struct signer {
    EVP_PKEY *key; /* owned; OpenSSL keeps the private half on the secure heap */
    uint8_t public[SIGNER_PUBLIC_LEN];
};

/* Takes `key`, on failure too. */
static enum err signer_of_key(EVP_PKEY *key, struct signer **out)
{
    struct signer *s = NULL;
    size_t len = SIGNER_PUBLIC_LEN;
    enum err rc;

    if (key == NULL)
        FAIL(ERR_FAILED, "OpenSSL cannot make an Ed25519 key");
    TRY(mem_new(1, sizeof *s, &s));
    s->key = key;
    key = NULL; /* the signer's now */
    if (EVP_PKEY_get_raw_public_key(s->key, s->public, &len) != 1 || len != SIGNER_PUBLIC_LEN)
        FAIL(ERR_FAILED, "OpenSSL cannot give the public half of an Ed25519 key");
    *out = s;
    s = NULL;
out:
    EVP_PKEY_free(key);
    signer_free(s);
    return rc;
}

enum err signer_new(struct signer **out)
{
    return signer_of_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), out);
}

void signer_free(struct signer *s)
{
    if (s == NULL)
        return;
    EVP_PKEY_free(s->key);
    mem_free(s);
}

const uint8_t *signer_public(const struct signer *s)
{
    return s->public;
}

enum err signer_id(const uint8_t public_key[SIGNER_PUBLIC_LEN], uint8_t out[SIGNER_ID_LEN])
{
    uint8_t digest[HASH_LEN];
    enum err rc;

    TRY(hash_of(bytes_of(public_key, SIGNER_PUBLIC_LEN), digest));
    memcpy(out, digest, SIGNER_ID_LEN);
out:
    return rc;
}

enum err signer_sign(const struct signer *s, struct bytes message,
                     uint8_t out[SIGNER_SIGNATURE_LEN])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = SIGNER_SIGNATURE_LEN;
    enum err rc = ERR_OK;

    if (ctx == NULL || EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, s->key, NULL) != 1 ||
        EVP_DigestSign(ctx, out, &len, message.data, message.len) != 1 ||
        len != SIGNER_SIGNATURE_LEN)
        FAIL(ERR_FAILED, "OpenSSL cannot sign with Ed25519");
out:
    EVP_MD_CTX_free(ctx);
    return rc;
}

enum err signer_check(const uint8_t public_key[SIGNER_PUBLIC_LEN], struct bytes message,
                      const uint8_t signature[SIGNER_SIGNATURE_LEN])
{
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, public_key, SIGNER_PUBLIC_LEN);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    enum err rc = ERR_OK;

    if (key == NULL)
        FAIL(ERR_CORRUPT, "not an Ed25519 public key");
    if (ctx == NULL || EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) != 1)
        FAIL(ERR_FAILED, "OpenSSL cannot check Ed25519 signatures");
    if (EVP_DigestVerify(ctx, signature, SIGNER_SIGNATURE_LEN, message.data, message.len) != 1)
        FAIL(ERR_CORRUPT, "the signature does not fit");
out:
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return rc;
}

enum err signer_private(const struct signer *s, struct secret **out)
{
    struct secret *private = NULL;
    size_t len = PRIVATE_LEN;
    enum err rc;

    TRY(secret_new(PRIVATE_LEN, &private));
    if (EVP_PKEY_get_raw_private_key(s->key, secret_at(private), &len) != 1 || len != PRIVATE_LEN)
        FAIL(ERR_FAILED, "OpenSSL cannot give the private half of an Ed25519 key");
    *out = private;
    private = NULL; /* the caller's now */
out:
    secret_free(private);
    return rc;
}

enum err signer_of_private(const struct secret *from, struct signer **out)
{
    struct bytes private = secret_bytes(from);

    if (private.len != PRIVATE_LEN)
        return err_set(ERR_CORRUPT, "not the private half of an Ed25519 key");
    return signer_of_key(
        EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, private.data, private.len), out);
}

/* The file: {"format", "type", "writerId", "publicKey", "privateKey"}, one line. It is written by
 * hand, for a JSON tree would leave copies of the private half on the ordinary heap. */
enum err signer_save(const struct signer *s, const char *path)
{
    struct buf text = {.max = SIGNING_KEY_FILE_MAX};
    struct secret *private = NULL;
    char private_text[PRIVATE_TEXT_LEN + 1];
    char public_text[TEXT_BASE64_LEN(SIGNER_PUBLIC_LEN) + 1];
    char id_text[2 * SIGNER_ID_LEN + 1];
    uint8_t id[SIGNER_ID_LEN];
    enum err rc;

    TRY(signer_private(s, &private));
    TRY(signer_id(s->public, id));
    text_hex(bytes_of(id, sizeof id), id_text);
    text_base64(bytes_of(s->public, SIGNER_PUBLIC_LEN), public_text);
    text_base64(secret_bytes(private), private_text);
    TRY(buf_reserve(&text, 1 * KIB)); /* so that it never moves and leaves a copy behind */
    TRY(buf_add_format(&text,
                       "{\"format\":1,\"type\":\"signing-key\",\"writerId\":\"%s\","
                       "\"publicKey\":\"%s\",\"privateKey\":\"%s\"}\n",
                       id_text, public_text, private_text));
    TRY(file_create(path, buf_bytes(&text), 0600));
out:
    secret_wipe(private_text, sizeof private_text);
    secret_wipe(text.data, text.cap);
    buf_clear(&text);
    secret_free(private);
    return rc;
}

/* The text of the private half is wiped inside the JSON tree, which does not wipe what it frees. */
static enum err take_private(struct jdoc *from, uint8_t out[PRIVATE_LEN])
{
    const char *text = NULL;
    size_t len = 0;
    enum err rc;

    TRY(jdoc_text(from, "privateKey", PRIVATE_TEXT_LEN, &text));
    rc = text_unbase64(text, out, PRIVATE_LEN, &len);
    secret_wipe((void *)(uintptr_t)text, strlen(text));
    TRY(rc);
    if (len != PRIVATE_LEN)
        FAIL(ERR_CORRUPT, "member \"privateKey\" is not %d bytes", PRIVATE_LEN);
out:
    return rc;
}

static enum err read_head(const struct jdoc *from, uint8_t public_key[SIGNER_PUBLIC_LEN])
{
    const char *type = NULL;
    uint64_t format = 0;
    size_t len = 0;
    enum err rc;

    TRY(jdoc_number(from, "format", UINT64_MAX, &format));
    if (format != 1)
        FAIL(ERR_UNSUPPORTED, "format %" PRIu64 " is not one this release knows", format);
    TRY(jdoc_text(from, "type", 32, &type));
    if (strcmp(type, "signing-key") != 0)
        FAIL(ERR_CORRUPT, "not a signing key, but of type \"%s\"", type);
    TRY(jdoc_base64(from, "publicKey", public_key, SIGNER_PUBLIC_LEN, &len));
    if (len != SIGNER_PUBLIC_LEN)
        FAIL(ERR_CORRUPT, "member \"publicKey\" is not %d bytes", SIGNER_PUBLIC_LEN);
out:
    return rc;
}

static void warn_of_key_mode(const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0 && (st.st_mode & OTHERS_MAY) != 0)
        log_say(LOG_WARN, "the signing key %s can be used by others (mode %04o); run: chmod 600 %s",
                path, (unsigned)(st.st_mode & 07777), path);
}

static enum err decode_signer(struct bytes text, struct signer **out)
{
    struct jdoc *doc = NULL;
    struct secret *private = NULL;
    struct signer *s = NULL;
    uint8_t public_key[SIGNER_PUBLIC_LEN];
    enum err rc;

    TRY(jdoc_parse(text, &doc));
    TRY(read_head(doc, public_key));
    TRY(secret_new(PRIVATE_LEN, &private));
    TRY(take_private(doc, secret_at(private)));
    TRY(signer_of_private(private, &s));
    if (memcmp(s->public, public_key, SIGNER_PUBLIC_LEN) != 0)
        FAIL(ERR_CORRUPT, "its public and its private half do not belong together");
    *out = s;
    s = NULL; /* the caller's now */
out:
    signer_free(s);
    secret_free(private);
    jdoc_free(doc);
    return rc;
}

enum err signer_load(const char *path, struct signer **out)
{
    struct buf text = {.max = SIGNING_KEY_FILE_MAX};
    enum err rc;

    TRY(buf_reserve(&text, SIGNING_KEY_FILE_MAX)); /* so that it never moves */
    TRY(file_read(path, &text));
    rc = decode_signer(buf_bytes(&text), out);
    if (rc == ERR_OK)
        warn_of_key_mode(path);
    else
        err_note("the signing key %s", path);
out:
    secret_wipe(text.data, text.cap);
    buf_clear(&text);
    return rc;
}
