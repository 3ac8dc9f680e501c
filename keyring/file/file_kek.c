#include "keyring/file/file_kek.h"

#include <inttypes.h>
#include <string.h>

#include <openssl/evp.h>

#include "core/base/rand.h"
#include "core/base/text.h"
#include "core/seal/kdf.h"

#define SECRET_LEN 32
#define PREFIX_LEN (sizeof FILE_SECRET_PREFIX - 1)
#define CODE_LEN TEXT_BASE64_LEN(SECRET_LEN)

#define HKDF_LABEL "sealpoint/v1/keyring-secret" /* its NUL is the 00 of the formula */

/* scrypt takes 128 × r × (N + p) bytes and a little. */
#define SCRYPT_MEMORY(n) (128 * (uint64_t)FILE_SCRYPT_R * ((n) + 64))

enum err file_kek_generate(struct secret **out)
{
    struct secret *bytes = NULL;
    struct secret *line = NULL;
    char *at;
    enum err rc;

    TRY(secret_random(SECRET_LEN, &bytes));
    /* text_base64() ends with a NUL, where the newline goes. */
    TRY(secret_new(PREFIX_LEN + CODE_LEN + 1, &line));
    at = (char *)secret_at(line);
    memcpy(at, FILE_SECRET_PREFIX, PREFIX_LEN);
    text_base64(secret_bytes(bytes), at + PREFIX_LEN);
    at[PREFIX_LEN + CODE_LEN] = '\n';
    *out = line;
out:
    secret_free(bytes);
    return rc;
}

/* The 32 bytes of a generated secret; *out is NULL for everything else. */
static enum err read_generated(const struct secret *secret, struct secret **out)
{
    struct bytes text = secret_bytes(secret);
    char code[CODE_LEN + 1];
    uint8_t raw[SECRET_LEN];
    size_t len = 0;
    enum err rc = ERR_OK;

    *out = NULL;
    if (text.len != PREFIX_LEN + CODE_LEN || memcmp(text.data, FILE_SECRET_PREFIX, PREFIX_LEN) != 0)
        return ERR_OK;
    memcpy(code, text.data + PREFIX_LEN, CODE_LEN);
    code[CODE_LEN] = '\0';
    if (text_unbase64(code, raw, sizeof raw, &len) == ERR_OK && len == SECRET_LEN)
        rc = secret_copy(bytes_of(raw, sizeof raw), out);
    else
        err_clear(); /* a passphrase that looks much like one */
    secret_wipe(code, sizeof code);
    secret_wipe(raw, sizeof raw);
    return rc;
}

enum err file_kek_protect(const struct secret *secret, struct file_protection *out)
{
    struct file_protection p = {.kdf = FILE_KDF_HKDF};
    struct secret *generated = NULL;
    enum err rc;

    TRY(read_generated(secret, &generated));
    if (generated == NULL) {
        p.kdf = FILE_KDF_SCRYPT;
        p.n = FILE_SCRYPT_N;
        p.p = FILE_SCRYPT_P;
    }
    TRY(rand_fill(p.salt, sizeof p.salt));
    *out = p;
out:
    secret_free(generated);
    return rc;
}

static enum err derive_hkdf(const struct file_protection *with, const struct secret *generated,
                            struct secret *to)
{
    uint8_t info[sizeof HKDF_LABEL + FILE_SALT_LEN];

    memcpy(info, HKDF_LABEL, sizeof HKDF_LABEL);
    memcpy(info + sizeof HKDF_LABEL, with->salt, FILE_SALT_LEN);
    return kdf_expand(secret_bytes(generated), bytes_of(info, sizeof info), secret_at(to),
                      SEAL_KEY_LEN);
}

static enum err derive_scrypt(const struct file_protection *with, const struct secret *passphrase,
                              bool allow_memory, struct secret *to)
{
    struct bytes phrase = secret_bytes(passphrase);

    /* Before the memory is taken: nobody has vouched for these numbers yet. */
    if (with->n > FILE_SCRYPT_N_CAP && !allow_memory) {
        char size[TEXT_HUMAN_MAX];

        text_human_size(SCRYPT_MEMORY(with->n), size);
        err_set(ERR_USAGE, "scrypt with n %" PRIu64 " takes %s of memory", with->n, size);
        err_hint("if this keyring was made so, give --allow-memory");
        return ERR_USAGE;
    }
    if (EVP_PBE_scrypt((const char *)phrase.data, phrase.len, with->salt, FILE_SALT_LEN, with->n,
                       FILE_SCRYPT_R, with->p, SCRYPT_MEMORY(with->n), secret_at(to),
                       SEAL_KEY_LEN) != 1)
        return err_set(ERR_FAILED, "scrypt failed (n %" PRIu64 ", p %" PRIu64 "): out of memory?",
                       with->n, with->p);
    return ERR_OK;
}

enum err file_kek_derive(const struct file_protection *with, const struct secret *secret,
                         bool allow_memory, struct secret **out)
{
    struct secret *generated = NULL;
    struct secret *kek = NULL;
    enum err rc;

    TRY(read_generated(secret, &generated));
    if (generated != NULL && with->kdf != FILE_KDF_HKDF)
        FAIL(ERR_KEY_INVALID, "the passphrase does not open it: this is a generated secret, and a "
                              "passphrase that somebody chose seals it");
    if (generated == NULL && with->kdf != FILE_KDF_SCRYPT)
        FAIL(ERR_KEY_INVALID, "the passphrase does not open it: a generated secret "
                              "(" FILE_SECRET_PREFIX "…) seals it");
    TRY(secret_new(SEAL_KEY_LEN, &kek));
    if (generated != NULL)
        TRY(derive_hkdf(with, generated, kek));
    else
        TRY(derive_scrypt(with, secret, allow_memory, kek));
    *out = kek;
    kek = NULL; /* the caller's now */
out:
    secret_free(generated);
    secret_free(kek);
    return rc;
}
