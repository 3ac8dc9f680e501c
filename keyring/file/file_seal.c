#include "keyring/file/file_seal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "core/base/rand.h"
#include "core/seal/kdf.h"
#include "core/seal/object.h"
#include "core/seal/object_header.h"

#define ENTRY_LABEL "sealpoint/v1/keyring-entry" /* its NUL is the 00 of the formula */
#define VERSION_LEN 8

#define COMMITMENT_LABEL "sealpoint/v1/master"

enum err file_seal_commitment(const struct file_keyring *k, uint64_t version,
                              const struct secret *master, uint8_t out[SEAL_COMMITMENT_LEN])
{
    uint8_t info[sizeof COMMITMENT_LABEL + SEAL_ID_LEN + VERSION_LEN];

    memcpy(info, COMMITMENT_LABEL, sizeof COMMITMENT_LABEL);
    memcpy(info + sizeof COMMITMENT_LABEL, k->id, SEAL_ID_LEN);
    be_put(info + sizeof COMMITMENT_LABEL + SEAL_ID_LEN, version, VERSION_LEN);
    return kdf_expand(secret_bytes(master), bytes_of(info, sizeof info), out, SEAL_COMMITMENT_LEN);
}

/* Type-4 objects: wrapped keys, in the keyring file and in envelopes. */

static enum err seal_key(const struct secret *with, const struct seal_context *context,
                         uint64_t version, const struct secret *plain, struct buf *to)
{
    struct object_identity identity = {
        .type = OBJECT_KEY_WRAP, .context = *context, .ordinal = version};
    enum err rc;

    TRY(rand_fill(identity.id, sizeof identity.id));
    TRY(object_seal(with, &identity, secret_bytes(plain), to));
out:
    return rc;
}

static enum err open_key(const struct secret *with, const struct seal_context *context,
                         uint64_t version, struct bytes sealed, struct secret **out)
{
    struct object_identity identity = {
        .type = OBJECT_KEY_WRAP, .context = *context, .ordinal = version};
    struct secret *plain = NULL;
    enum err rc;

    if (sealed.len != object_sealed_size(SEAL_KEY_LEN))
        FAIL(ERR_CORRUPT, "a wrapped key of %zu bytes", sealed.len);
    /* A wrap is named nowhere else, so its id comes from the header itself; all other fields are
     * compared, and the tag covers them all. */
    object_header_id(sealed.data, identity.id);
    TRY(object_open(with, &identity, sealed, &plain));
    if (secret_bytes(plain).len != SEAL_KEY_LEN)
        FAIL(ERR_CORRUPT, "a key of %zu bytes", secret_bytes(plain).len);
    *out = plain;
    plain = NULL; /* the caller's now */
out:
    secret_free(plain);
    return rc;
}

/* Entries of the keyring. */

static enum err entry_key(const struct file_keyring *k, const struct secret *kek, uint64_t version,
                          struct secret **out)
{
    uint8_t info[sizeof ENTRY_LABEL + SEAL_ID_LEN + VERSION_LEN];
    struct secret *key = NULL;
    enum err rc;

    memcpy(info, ENTRY_LABEL, sizeof ENTRY_LABEL);
    memcpy(info + sizeof ENTRY_LABEL, k->id, SEAL_ID_LEN);
    be_put(info + sizeof ENTRY_LABEL + SEAL_ID_LEN, version, VERSION_LEN);
    TRY(secret_new(SEAL_KEY_LEN, &key));
    TRY(kdf_expand(secret_bytes(kek), bytes_of(info, sizeof info), secret_at(key), SEAL_KEY_LEN));
    *out = key;
    key = NULL; /* the caller's now */
out:
    secret_free(key);
    return rc;
}

static struct seal_context entry_context(const struct file_keyring *k)
{
    struct seal_context context = {{0}, {0}};

    memcpy(context.repository, k->id, SEAL_ID_LEN);
    return context;
}

enum err file_seal_store(const struct file_keyring *k, const struct secret *kek,
                         const struct secret *master, struct file_version *v)
{
    const struct seal_context context = entry_context(k);
    struct buf sealed = {.max = sizeof v->stored};
    struct secret *key = NULL;
    struct bytes stored;
    enum err rc = ERR_OK;

    TRY(file_seal_commitment(k, v->number, master, v->commitment));
    stored = secret_bytes(master);
    if (kek != NULL) {
        TRY(entry_key(k, kek, v->number, &key));
        TRY(seal_key(key, &context, v->number, master, &sealed));
        stored = buf_bytes(&sealed);
    }
    memcpy(v->stored, stored.data, stored.len);
    v->stored_len = stored.len;
out:
    secret_free(key);
    buf_clear(&sealed);
    return rc;
}

/* The key as stored; whether it is the committed one is not known yet. */
static enum err open_entry(const struct file_keyring *k, const struct secret *kek,
                           const struct file_version *v, struct secret **master)
{
    const struct seal_context context = entry_context(k);
    struct bytes stored = bytes_of(v->stored, v->stored_len);
    struct secret *key = NULL;
    enum err rc;

    if (kek == NULL)
        return secret_copy(stored, master);
    TRY(entry_key(k, kek, v->number, &key));
    TRY(open_key(key, &context, v->number, stored, master));
out:
    secret_free(key);
    return rc;
}

enum err file_seal_load(const struct file_keyring *k, const struct secret *kek,
                        const struct file_version *v, struct secret **master)
{
    uint8_t found[SEAL_COMMITMENT_LEN] = {0};
    struct secret *key = NULL;
    enum err rc;

    TRY(open_entry(k, kek, v, &key));
    TRY(file_seal_commitment(k, v->number, key, found));
    if (!secret_equal(bytes_of(found, sizeof found), bytes_of(v->commitment, sizeof v->commitment)))
        FAIL(ERR_CORRUPT, "its key is not the one that its commitment names");
    *master = key;
    key = NULL; /* the caller's now */
out:
    if (rc == ERR_CORRUPT)
        err_note("key version %" PRIu64, v->number);
    secret_free(key);
    return rc;
}

/* Does any entry open with this kek? Then the passphrase is right. */
static enum err entries_open(const struct file_keyring *k, const struct secret *kek, bool *any)
{
    struct secret *master = NULL;
    enum err rc;

    *any = false;
    for (size_t i = 0; i < k->count && !*any; i++) {
        if (k->versions[i].stored_len == 0)
            continue;
        rc = open_entry(k, kek, &k->versions[i], &master);
        if (rc != ERR_OK && rc != ERR_CORRUPT && rc != ERR_UNSUPPORTED)
            return rc;
        *any = rc == ERR_OK;
        secret_free(master);
        master = NULL;
    }
    return ERR_OK;
}

/* A mac that does not match means a wrong passphrase or a changed file. An entry that opens proves
 * that the passphrase is right, so then it is the file. */
enum err file_seal_check(const struct file_keyring *k, const struct secret *kek)
{
    uint8_t mac[FILE_MAC_LEN] = {0};
    bool is_right = false;
    enum err rc = ERR_OK;

    if (kek == NULL)
        return ERR_OK;
    TRY(file_keyring_mac(kek, k->digest, mac));
    if (secret_equal(bytes_of(mac, sizeof mac), bytes_of(k->mac, sizeof k->mac)))
        goto out;
    TRY(entries_open(k, kek, &is_right));
    if (is_right)
        FAIL(ERR_CORRUPT, "it was changed by somebody without the passphrase, or is damaged: the "
                          "mac does not fit");
    FAIL(ERR_KEY_INVALID, "the passphrase does not open it");
out:
    return rc;
}

/* Envelopes. */

enum err file_seal_wrap(const struct secret *master, uint64_t version,
                        const struct seal_context *context, const struct secret *plain,
                        struct envelope *out)
{
    struct buf sealed = {.max = sizeof out->wrapped};
    struct secret *key = NULL;
    enum err rc;

    TRY(subkey_derive(master, SUBKEY_WRAP, context, &key));
    TRY(seal_key(key, context, version, plain, &sealed));
    memcpy(out->wrapped, sealed.data, sealed.len);
    out->wrapped_len = sealed.len;
    snprintf(out->algorithm, sizeof out->algorithm, "%s", FILE_ALGORITHM);
out:
    secret_free(key);
    buf_clear(&sealed);
    return rc;
}

enum err file_seal_unwrap(const struct secret *master, uint64_t version,
                          const struct seal_context *context, const struct envelope *from,
                          struct secret **out)
{
    struct secret *key = NULL;
    enum err rc;

    if (strcmp(from->algorithm, FILE_ALGORITHM) != 0)
        FAIL(ERR_UNSUPPORTED, "this release does not know the wrap algorithm \"%s\"",
             from->algorithm);
    TRY(subkey_derive(master, SUBKEY_WRAP, context, &key));
    TRY(open_key(key, context, version, bytes_of(from->wrapped, from->wrapped_len), out));
out:
    secret_free(key);
    return rc;
}
