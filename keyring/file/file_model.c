#include "keyring/file/file_model.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/jdoc.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/seal/kdf.h"

#define FORMAT 1
#define TYPE "keyring"
#define WORD_MAX 32

#define MAC_LABEL "sealpoint/v1/keyring" /* its NUL is the 00 of the formula */

static const char *const state_names[] = {
    [FILE_KEY_ENABLED] = "enabled",
    [FILE_KEY_DISABLED] = "disabled",
    [FILE_KEY_PENDING] = "pendingDeletion",
    [FILE_KEY_DESTROYED] = "destroyed",
};

const char *file_key_state_name(enum file_key_state state)
{
    return state_names[state];
}

static const char *const kdf_names[] = {
    [FILE_KDF_NONE] = "none",
    [FILE_KDF_SCRYPT] = "scrypt",
    [FILE_KDF_HKDF] = "hkdf",
};

bool file_protection_equal(const struct file_protection *a, const struct file_protection *b)
{
    return a->kdf == b->kdf && a->n == b->n && a->p == b->p &&
           memcmp(a->salt, b->salt, FILE_SALT_LEN) == 0;
}

bool file_is_protected(const struct file_keyring *k)
{
    return k->protection.kdf != FILE_KDF_NONE;
}

enum err file_keyring_copy(const struct file_keyring *from, struct file_keyring *out)
{
    struct file_keyring copy = *from;
    enum err rc;

    copy.versions = NULL;
    TRY(mem_new(from->count, sizeof *copy.versions, &copy.versions));
    memcpy(copy.versions, from->versions, from->count * sizeof *copy.versions);
    *out = copy;
out:
    return rc;
}

void file_keyring_clear(struct file_keyring *k)
{
    secret_wipe(k->versions, k->count * sizeof *k->versions);
    mem_free(k->versions);
    k->versions = NULL;
    k->count = 0;
}

/* Line 1: protection. */

static enum err protection_write(const struct file_protection *p, struct jdoc *to)
{
    struct jdoc *o = NULL;
    enum err rc;

    TRY(jdoc_object(&o));
    TRY(jdoc_set_text(o, "kdf", kdf_names[p->kdf]));
    if (p->kdf == FILE_KDF_SCRYPT) {
        TRY(jdoc_set_number(o, "n", p->n));
        TRY(jdoc_set_number(o, "r", FILE_SCRYPT_R));
        TRY(jdoc_set_number(o, "p", p->p));
    }
    if (p->kdf != FILE_KDF_NONE)
        TRY(jdoc_set_hex(o, "salt", bytes_of(p->salt, FILE_SALT_LEN)));
    TRY(jdoc_set(to, "protection", &o));
out:
    jdoc_free(o);
    return rc;
}

static enum err scrypt_read(const struct jdoc *from, struct file_protection *out)
{
    uint64_t r = 0;
    enum err rc;

    TRY(jdoc_number(from, "n", FILE_SCRYPT_N_MAX, &out->n));
    TRY(jdoc_number(from, "r", FILE_SCRYPT_R, &r));
    TRY(jdoc_number(from, "p", FILE_SCRYPT_P_MAX, &out->p));
    if (out->n < FILE_SCRYPT_N || (out->n & (out->n - 1)) != 0 || r != FILE_SCRYPT_R || out->p < 1)
        FAIL(ERR_CORRUPT, "scrypt with n %" PRIu64 ", r %" PRIu64 ", p %" PRIu64 " is not allowed",
             out->n, r, out->p);
out:
    return rc;
}

static enum err kdf_read(const struct jdoc *from, enum file_kdf *out)
{
    const char *name = NULL;
    enum err rc;

    TRY(jdoc_text(from, "kdf", WORD_MAX, &name));
    for (size_t i = 0; i < sizeof kdf_names / sizeof kdf_names[0]; i++)
        if (strcmp(kdf_names[i], name) == 0) {
            *out = (enum file_kdf)i;
            return ERR_OK;
        }
    FAIL(ERR_UNSUPPORTED, "this release does not know the protection \"%s\"", name);
out:
    return rc;
}

enum err file_protection_read(const struct jdoc *from, struct file_protection *out)
{
    struct jdoc *o = NULL;
    enum err rc;

    TRY(jdoc_child(from, "protection", &o));
    TRY(kdf_read(o, &out->kdf));
    if (out->kdf == FILE_KDF_SCRYPT)
        TRY(scrypt_read(o, out));
    if (out->kdf != FILE_KDF_NONE)
        TRY(jdoc_hex(o, "salt", out->salt, FILE_SALT_LEN));
out:
    return rc;
}

/* Line 1: repositories. */

static enum err repositories_write(const struct file_keyring *k, struct jdoc *to)
{
    char fingerprint[2 * HASH_LEN + 1];
    struct jdoc *list = NULL;
    enum err rc;

    TRY(jdoc_array(&list));
    for (size_t i = 0; i < k->repository_count; i++) {
        text_hex(bytes_of(k->repositories[i], HASH_LEN), fingerprint);
        TRY(jdoc_push_text(list, fingerprint));
    }
    TRY(jdoc_set(to, "repositories", &list));
out:
    jdoc_free(list);
    return rc;
}

static enum err repositories_read(const struct jdoc *from, struct file_keyring *k)
{
    const char *fingerprint = NULL;
    struct jdoc *list = NULL;
    size_t count = 0;
    enum err rc;

    TRY(jdoc_list(from, "repositories", FILE_REPOSITORIES_MAX, &list, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(jdoc_item_text(list, i, (size_t)2 * HASH_LEN, &fingerprint));
        TRY(text_unhex(fingerprint, k->repositories[i], HASH_LEN));
    }
    k->repository_count = count;
out:
    return rc;
}

/* Line 1: versions. */

static enum err version_write(const struct file_version *v, struct jdoc *list)
{
    struct jdoc *o = NULL;
    enum err rc;

    TRY(jdoc_object(&o));
    TRY(jdoc_set_number(o, "version", v->number));
    TRY(jdoc_set_text(o, "state", state_names[v->state]));
    TRY(jdoc_set_time(o, "createdAt", v->created_ms));
    TRY(jdoc_set_time(o, "stateChangedAt", v->changed_ms));
    if (v->deletion_ms != 0)
        TRY(jdoc_set_time(o, "deletionDate", v->deletion_ms));
    else
        TRY(jdoc_set_null(o, "deletionDate"));
    TRY(jdoc_set_hex(o, "commitment", bytes_of(v->commitment, SEAL_COMMITMENT_LEN)));
    if (v->stored_len > 0)
        TRY(jdoc_set_base64(o, "key", bytes_of(v->stored, v->stored_len)));
    else
        TRY(jdoc_set_null(o, "key"));
    TRY(jdoc_push(list, &o));
out:
    jdoc_free(o);
    return rc;
}

static enum err state_read(const struct jdoc *from, enum file_key_state *out)
{
    const char *name = NULL;
    enum err rc;

    TRY(jdoc_text(from, "state", WORD_MAX, &name));
    for (size_t i = 0; i < sizeof state_names / sizeof state_names[0]; i++)
        if (strcmp(state_names[i], name) == 0) {
            *out = (enum file_key_state)i;
            return ERR_OK;
        }
    FAIL(ERR_CORRUPT, "\"%s\" is not the state of a key version", name);
out:
    return rc;
}

/* Which members belong to which state; a member that should not be there is refused as well. */
static enum err version_check(const struct file_keyring *k, const struct file_version *v)
{
    const bool is_dated = v->state == FILE_KEY_PENDING || v->state == FILE_KEY_DESTROYED;
    const bool has_key = v->state != FILE_KEY_DESTROYED;

    if (is_dated != (v->deletion_ms != 0))
        return err_set(ERR_CORRUPT, "%s and deletionDate do not go together",
                       state_names[v->state]);
    if (has_key != (v->stored_len != 0))
        return err_set(ERR_CORRUPT, "%s and key do not go together", state_names[v->state]);
    if (has_key && !file_is_protected(k) && v->stored_len != SEAL_KEY_LEN)
        return err_set(ERR_CORRUPT, "an unencrypted key of %zu bytes", v->stored_len);
    return ERR_OK;
}

static enum err version_read(const struct jdoc *from, uint64_t number, const struct file_keyring *k,
                             struct file_version *v)
{
    enum err rc;

    TRY(jdoc_number(from, "version", FILE_KEYRING_VERSIONS_MAX, &v->number));
    if (v->number != number)
        FAIL(ERR_CORRUPT, "its number is %" PRIu64, v->number);
    TRY(state_read(from, &v->state));
    TRY(jdoc_time(from, "createdAt", &v->created_ms));
    TRY(jdoc_time(from, "stateChangedAt", &v->changed_ms));
    if (jdoc_has(from, "deletionDate"))
        TRY(jdoc_time(from, "deletionDate", &v->deletion_ms));
    TRY(jdoc_hex(from, "commitment", v->commitment, SEAL_COMMITMENT_LEN));
    if (jdoc_has(from, "key"))
        TRY(jdoc_base64(from, "key", v->stored, sizeof v->stored, &v->stored_len));
    TRY(version_check(k, v));
out:
    return rc;
}

static enum err versions_read(const struct jdoc *from, struct file_keyring *k)
{
    struct jdoc *list = NULL;
    struct jdoc *item = NULL;
    size_t count = 0;
    enum err rc;

    TRY(jdoc_list(from, "versions", FILE_KEYRING_VERSIONS_MAX, &list, &count));
    if (count == 0)
        FAIL(ERR_CORRUPT, "a keyring without a key version");
    TRY(mem_new(count, sizeof *k->versions, &k->versions));
    k->count = count;
    for (size_t i = 0; i < count; i++) {
        TRY(jdoc_item(list, i, &item));
        rc = version_read(item, i + 1, k, &k->versions[i]);
        if (rc != ERR_OK) {
            err_note("key version %zu", i + 1);
            goto out;
        }
    }
    TRY(jdoc_number(from, "active", count, &k->active));
    if (k->active == 0)
        FAIL(ERR_CORRUPT, "no key version is active");
out:
    return rc;
}

/* Line 1 as a whole. */

static enum err payload_write(const struct file_keyring *k, struct buf *to)
{
    struct jdoc *o = NULL;
    struct jdoc *list = NULL;
    enum err rc;

    TRY(jdoc_object(&o));
    TRY(jdoc_set_number(o, "format", FORMAT));
    TRY(jdoc_set_text(o, "type", TYPE));
    TRY(jdoc_set_hex(o, "keyringId", bytes_of(k->id, SEAL_ID_LEN)));
    TRY(jdoc_set_time(o, "createdAt", k->created_ms));
    TRY(jdoc_set_number(o, "generation", k->generation));
    TRY(protection_write(&k->protection, o));
    TRY(repositories_write(k, o));
    TRY(jdoc_set_number(o, "active", k->active));
    TRY(jdoc_array(&list));
    for (size_t i = 0; i < k->count; i++)
        TRY(version_write(&k->versions[i], list));
    TRY(jdoc_set(o, "versions", &list));
    TRY(jdoc_write(o, to));
out:
    jdoc_free(o);
    jdoc_free(list);
    return rc;
}

static enum err payload_read(struct bytes from, struct file_keyring *k)
{
    static const char *const no_critical[] = {NULL};
    struct jdoc *o = NULL;
    const char *type = NULL;
    uint64_t format = 0;
    enum err rc;

    TRY(jdoc_parse(from, &o));
    TRY(jdoc_text(o, "type", WORD_MAX, &type));
    if (strcmp(type, TYPE) != 0)
        FAIL(ERR_CORRUPT, "it is a %s, not a keyring", type);
    TRY(jdoc_number(o, "format", UINT32_MAX, &format));
    if (format != FORMAT)
        FAIL(ERR_UNSUPPORTED, "format %" PRIu64 "; this release knows %d", format, FORMAT);
    TRY(jdoc_check_critical(o, no_critical));
    TRY(jdoc_hex(o, "keyringId", k->id, SEAL_ID_LEN));
    TRY(jdoc_time(o, "createdAt", &k->created_ms));
    TRY(jdoc_number(o, "generation", FILE_GENERATION_MAX, &k->generation));
    if (k->generation == 0)
        FAIL(ERR_CORRUPT, "a keyring of generation 0");
    TRY(file_protection_read(o, &k->protection));
    TRY(repositories_read(o, k));
    TRY(versions_read(o, k));
out:
    jdoc_free(o);
    return rc;
}

/* Line 2 has exactly one spelling, so that every byte of the file is covered by a check. */

#define MAC_OPEN "{\"mac\":\""
#define SHA_OPEN "{\"sha256\":\""
#define CLOSE "\"}"
#define CHECK_LEN_MAX 96
static_assert(HASH_LEN == FILE_MAC_LEN, "a MAC or a digest, of one length");

static void check_canonical(bool is_protected, const uint8_t value[FILE_MAC_LEN],
                            char out[CHECK_LEN_MAX])
{
    const char *open = is_protected ? MAC_OPEN : SHA_OPEN;
    size_t used = strlen(open);

    memcpy(out, open, used + 1);
    text_hex(bytes_of(value, FILE_MAC_LEN), out + used);
    used = strlen(out);
    memcpy(out + used, CLOSE, sizeof CLOSE);
}

static enum err check_write(const struct file_keyring *k, const struct secret *kek,
                            struct bytes line, struct buf *to)
{
    uint8_t value[FILE_MAC_LEN] = {0};
    char text[CHECK_LEN_MAX];
    enum err rc;

    TRY(hash_of(line, value));
    if (file_is_protected(k))
        TRY(file_keyring_mac(kek, value, value));
    check_canonical(file_is_protected(k), value, text);
    TRY(buf_add_format(to, "\n%s\n", text));
out:
    return rc;
}

/* The mac itself is verified later, with the kek (file_seal.c); here only its form. */
static enum err check_read(struct bytes line, struct file_keyring *k)
{
    char expected[CHECK_LEN_MAX];
    struct jdoc *o = NULL;
    enum err rc = ERR_OK;

    if (file_is_protected(k)) {
        TRY(jdoc_parse(line, &o));
        TRY(jdoc_hex(o, "mac", k->mac, sizeof k->mac));
    }
    check_canonical(file_is_protected(k), file_is_protected(k) ? k->mac : k->digest, expected);
    if (!bytes_equal(line, bytes_of_text(expected)))
        FAIL(ERR_CORRUPT, "the second line does not fit the first");
out:
    jdoc_free(o);
    return rc;
}

enum err file_keyring_mac(const struct secret *kek, const uint8_t digest[HASH_LEN],
                          uint8_t out[FILE_MAC_LEN])
{
    uint8_t info[sizeof MAC_LABEL + HASH_LEN];

    memcpy(info, MAC_LABEL, sizeof MAC_LABEL);
    memcpy(info + sizeof MAC_LABEL, digest, HASH_LEN);
    return kdf_expand(secret_bytes(kek), bytes_of(info, sizeof info), out, FILE_MAC_LEN);
}

enum err file_keyring_encode(const struct file_keyring *k, const struct secret *kek, struct buf *to)
{
    struct buf line = {.max = FILE_KEYRING_LEN_MAX};
    enum err rc;

    TRY(payload_write(k, &line));
    TRY(buf_add(to, buf_bytes(&line)));
    TRY(check_write(k, kek, buf_bytes(&line), to));
out:
    secret_wipe(line.data, line.cap); /* may hold unencrypted keys */
    buf_clear(&line);
    return rc;
}

/* Cut `from` into the two lines. */
static enum err split_two_lines(struct bytes from, struct bytes *first, struct bytes *second)
{
    const uint8_t *end = from.len > 0 ? memchr(from.data, '\n', from.len) : NULL;

    if (from.len > FILE_KEYRING_LEN_MAX)
        return err_set(ERR_CORRUPT, "longer than a keyring can be");
    if (end == NULL)
        return err_set(ERR_CORRUPT, "not a keyring, or cut off");
    *first = bytes_of(from.data, (size_t)(end - from.data));
    *second = bytes_of(end + 1, from.len - first->len - 1);
    if (second->len == 0 || second->data[second->len - 1] != '\n')
        return err_set(ERR_CORRUPT, "cut off in or before its second line");
    second->len--;
    return ERR_OK;
}

enum err file_keyring_decode(struct bytes from, struct file_keyring *out)
{
    struct file_keyring k = {.count = 0};
    struct bytes first = {0};
    struct bytes second = {0};
    enum err rc;

    TRY(split_two_lines(from, &first, &second));
    TRY(hash_of(first, k.digest));
    TRY(payload_read(first, &k));
    TRY(check_read(second, &k));
    *out = k;
    k.versions = NULL; /* the caller's now */
out:
    file_keyring_clear(&k);
    return rc;
}
