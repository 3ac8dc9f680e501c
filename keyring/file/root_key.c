#include "keyring/file/root_key.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/jdoc.h"
#include "core/base/log.h"
#include "core/base/rand.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/seal/kdf.h"
#include "core/seal/object.h"
#include "core/seal/object_header.h"
#include "keyring/file/file_kek.h"
#include "keyring/file/file_model.h"

#define LABEL "sealpoint/v1/root-key" /* its NUL is the 00 of the formula */
#define TYPE "root-key"
#define PRIVATE_LEN SEAL_KEY_LEN
#define ROOT_KEY_FILE_MAX ((size_t)4 * KIB)
#define STORED_MAX 512
#define WORD_MAX 32

/* What is in the file. */
struct root_key_file {
    uint8_t public_key[ROOT_KEY_PUBLIC_LEN];
    struct file_protection protection;
    uint8_t stored[STORED_MAX]; /* the private key, sealed or bare */
    size_t stored_len;
};

static bool is_protected(const struct root_key_file *f)
{
    return f->protection.kdf != FILE_KDF_NONE;
}

static enum err derive_key(const struct root_key_file *f, const struct secret *passphrase,
                           struct secret **out)
{
    uint8_t info[sizeof LABEL + ROOT_KEY_PUBLIC_LEN];
    struct secret *kek = NULL;
    struct secret *key = NULL;
    enum err rc;

    memcpy(info, LABEL, sizeof LABEL);
    memcpy(info + sizeof LABEL, f->public_key, ROOT_KEY_PUBLIC_LEN);
    TRY(file_kek_derive(&f->protection, passphrase, false, &kek));
    TRY(secret_new(SEAL_KEY_LEN, &key));
    TRY(kdf_expand(secret_bytes(kek), bytes_of(info, sizeof info), secret_at(key), SEAL_KEY_LEN));
    *out = key;
    key = NULL; /* the caller's now */
out:
    secret_free(key);
    secret_free(kek);
    return rc;
}

static enum err seal_private(const struct secret *passphrase, const struct secret *private_key,
                             struct root_key_file *f)
{
    struct object_identity identity = {.type = OBJECT_KEY_WRAP};
    struct buf sealed = {.max = STORED_MAX};
    struct secret *key = NULL;
    enum err rc;

    TRY(file_kek_protect(passphrase, &f->protection));
    TRY(rand_fill(identity.id, sizeof identity.id));
    TRY(derive_key(f, passphrase, &key));
    TRY(object_seal(key, &identity, secret_bytes(private_key), &sealed));
    memcpy(f->stored, sealed.data, sealed.len);
    f->stored_len = sealed.len;
out:
    secret_free(key);
    buf_clear(&sealed);
    return rc;
}

/* Written by hand, as a signing key is: a JSON tree would leave copies of a bare key behind. */
static enum err write_text(const struct root_key_file *f, struct buf *to)
{
    char public_text[TEXT_BASE64_LEN(ROOT_KEY_PUBLIC_LEN) + 1];
    char stored_text[TEXT_BASE64_LEN(STORED_MAX) + 1];
    char salt_text[2 * FILE_SALT_LEN + 1];
    enum err rc;

    text_base64(bytes_of(f->public_key, ROOT_KEY_PUBLIC_LEN), public_text);
    text_base64(bytes_of(f->stored, f->stored_len), stored_text);
    text_hex(bytes_of(f->protection.salt, FILE_SALT_LEN), salt_text);
    TRY(buf_add_format(to, "{\"format\":1,\"type\":\"" TYPE "\",\"publicKey\":\"%s\",",
                       public_text));
    if (f->protection.kdf == FILE_KDF_SCRYPT)
        TRY(buf_add_format(to,
                           "\"protection\":{\"kdf\":\"scrypt\",\"n\":%" PRIu64
                           ",\"r\":%d,\"p\":%" PRIu64 ",\"salt\":\"%s\"},",
                           f->protection.n, FILE_SCRYPT_R, f->protection.p, salt_text));
    else if (f->protection.kdf == FILE_KDF_HKDF)
        TRY(buf_add_format(to, "\"protection\":{\"kdf\":\"hkdf\",\"salt\":\"%s\"},", salt_text));
    else
        TRY(buf_add_text(to, "\"protection\":{\"kdf\":\"none\"},"));
    TRY(buf_add_format(to, "\"privateKey\":\"%s\"}\n", stored_text));
out:
    secret_wipe(stored_text, sizeof stored_text);
    return rc;
}

enum err root_key_save(const char *path, const uint8_t public_key[ROOT_KEY_PUBLIC_LEN],
                       const struct secret *private_key, const struct secret *passphrase)
{
    struct root_key_file f = {.protection = {.kdf = FILE_KDF_NONE}};
    struct buf text = {.max = ROOT_KEY_FILE_MAX};
    enum err rc;

    memcpy(f.public_key, public_key, ROOT_KEY_PUBLIC_LEN);
    if (passphrase != NULL) {
        TRY(seal_private(passphrase, private_key, &f));
    } else {
        memcpy(f.stored, secret_bytes(private_key).data, PRIVATE_LEN);
        f.stored_len = PRIVATE_LEN;
    }
    TRY(buf_reserve(&text, ROOT_KEY_FILE_MAX)); /* so that it never moves and leaves a copy */
    TRY(write_text(&f, &text));
    TRY(file_create(path, buf_bytes(&text), 0600));
out:
    secret_wipe(&f, sizeof f);
    secret_wipe(text.data, text.cap);
    buf_clear(&text);
    return rc;
}

/* The text of a bare key is wiped inside the JSON tree, which does not wipe what it frees. */
static enum err read_stored(const struct jdoc *from, struct root_key_file *to)
{
    const char *text = NULL;
    enum err rc;

    TRY(jdoc_text(from, "privateKey", TEXT_BASE64_LEN(STORED_MAX), &text));
    rc = text_unbase64(text, to->stored, sizeof to->stored, &to->stored_len);
    secret_wipe((void *)(uintptr_t)text, strlen(text));
out:
    return rc;
}

static enum err decode(const struct jdoc *doc, struct root_key_file *out)
{
    static const char *const no_critical[] = {NULL};
    uint64_t format = 0;
    size_t len = 0;
    enum err rc;

    TRY(jdoc_number(doc, "format", UINT64_MAX, &format));
    if (format != 1)
        FAIL(ERR_UNSUPPORTED, "format %" PRIu64 " is not one this release knows", format);
    TRY(jdoc_check_critical(doc, no_critical));
    TRY(jdoc_base64(doc, "publicKey", out->public_key, ROOT_KEY_PUBLIC_LEN, &len));
    if (len != ROOT_KEY_PUBLIC_LEN)
        FAIL(ERR_CORRUPT, "member \"publicKey\" is not %d bytes", ROOT_KEY_PUBLIC_LEN);
    TRY(file_protection_read(doc, &out->protection));
    TRY(read_stored(doc, out));
    if (out->stored_len != (is_protected(out) ? object_sealed_size(PRIVATE_LEN) : PRIVATE_LEN))
        FAIL(ERR_CORRUPT, "member \"privateKey\" has %zu bytes", out->stored_len);
out:
    return rc;
}

/* Something else, most likely, that was given by mistake: it is the user's own file, and this says
 * nothing of the repository. */
static enum err parse(const char *path, struct bytes text, struct jdoc **out)
{
    struct jdoc *doc = NULL;
    const char *type = NULL;
    struct err_record failure;
    enum err rc;

    TRY(jdoc_parse(text, &doc));
    TRY(jdoc_text(doc, "type", WORD_MAX, &type));
    if (strcmp(type, TYPE) != 0)
        FAIL(ERR_CORRUPT, "it is of type \"%s\"", type);
    *out = doc;
    doc = NULL; /* the caller's now */
out:
    if (rc == ERR_CORRUPT) {
        err_note("%s is not a root key (init makes root-key.json)", path);
        err_take(ERR_USAGE, &failure);
        rc = err_give(&failure);
    }
    jdoc_free(doc);
    return rc;
}

static enum err open_private(const struct root_key_file *f, const struct secret *passphrase,
                             struct secret **out)
{
    struct object_identity identity = {.type = OBJECT_KEY_WRAP};
    struct secret *plain = NULL;
    struct secret *key = NULL;
    enum err rc;

    TRY(derive_key(f, passphrase, &key));
    object_header_id(f->stored, identity.id);
    rc = object_open(key, &identity, bytes_of(f->stored, f->stored_len), &plain);
    if (rc == ERR_CORRUPT)
        FAIL(ERR_KEY_INVALID, "the passphrase does not open it, or it is damaged");
    TRY(rc);
    if (secret_bytes(plain).len != PRIVATE_LEN)
        FAIL(ERR_CORRUPT, "a key of %zu bytes", secret_bytes(plain).len);
    *out = plain;
    plain = NULL; /* the caller's now */
out:
    secret_free(plain);
    secret_free(key);
    return rc;
}

static enum err require_source(const struct passphrase_source *from)
{
    if (from->file != NULL || from->ask != NULL)
        return ERR_OK;
    (void)err_set(ERR_KEY_UNREACHABLE, "it has a passphrase, and there is nobody to ask for it");
    err_hint("name a file that holds it: --root-passphrase-file");
    return ERR_KEY_UNREACHABLE;
}

static enum err load(const struct jdoc *doc, const char *path, const struct passphrase_source *from,
                     uint8_t public_key[ROOT_KEY_PUBLIC_LEN], struct secret **private_key)
{
    struct root_key_file f = {.stored_len = 0};
    struct secret *passphrase = NULL;
    enum err rc;

    TRY(decode(doc, &f));
    if (is_protected(&f)) {
        TRY(require_source(from));
        TRY(passphrase_get(from, path, false, &passphrase));
        TRY(open_private(&f, passphrase, private_key));
    } else {
        TRY(secret_copy(bytes_of(f.stored, PRIVATE_LEN), private_key));
    }
    memcpy(public_key, f.public_key, ROOT_KEY_PUBLIC_LEN);
out:
    if (rc != ERR_OK)
        err_note("the root key %s", path);
    secret_free(passphrase);
    secret_wipe(&f, sizeof f);
    return rc;
}

enum err root_key_load(const char *path, const struct passphrase_source *from,
                       uint8_t public_key[ROOT_KEY_PUBLIC_LEN], struct secret **private_key)
{
    struct buf text = {.max = ROOT_KEY_FILE_MAX};
    struct jdoc *doc = NULL;
    enum err rc;

    TRY(buf_reserve(&text, ROOT_KEY_FILE_MAX)); /* so that it never moves */
    TRY(file_read(path, &text));                /* names it */
    TRY(parse(path, buf_bytes(&text), &doc));
    TRY(load(doc, path, from, public_key, private_key));
out:
    jdoc_free(doc);
    secret_wipe(text.data, text.cap);
    buf_clear(&text);
    return rc;
}
