#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "keyring/file/file_admin.h"
#include "keyring/file/file_change.h"
#include "keyring/file/file_seal.h"
#include "keyring/file/file_state.h"
#include "keyring/provider.h"

/* The provider `file`: master keys in a file of the machine itself (DESIGN.md, file keyring). */

static enum err open_ring(const struct master_key_options *options, void **self)
{
    struct file_ring *r = NULL;
    enum err rc;

    TRY(file_ring_open(options, &r));
    *self = r;
out:
    return rc;
}

static void free_ring(void *self)
{
    file_ring_free(self);
}

static void file_prepare(void *self)
{
    file_ring_prepare(self);
}

static enum err file_active(void *self, struct key_name *out)
{
    const struct file_keyring *k = NULL;
    enum err rc;

    TRY(file_ring_unlock(self, &k));
    file_ring_name(k, &k->versions[k->active - 1], out);
out:
    return rc;
}

/* Not checked yet: whatever is done with the key unlocks the very bytes that were looked at. So
 * nobody is asked for the passphrase of a keyring that is not concerned. */
static enum err is_mine(void *self, const char *key_id, bool *is_here)
{
    const struct file_keyring *k = NULL;
    char id[2 * SEAL_ID_LEN + 1];
    enum err rc;

    TRY(file_ring_look(self, &k));
    text_hex(bytes_of(k->id, SEAL_ID_LEN), id);
    *is_here = strcmp(id, key_id) == 0;
out:
    return rc;
}

/* The entry that `key` names, or NULL. */
static const struct file_version *entry_of(const struct file_keyring *k, const struct key_name *key)
{
    struct file_version *v = NULL;
    char id[2 * SEAL_ID_LEN + 1];

    text_hex(bytes_of(k->id, SEAL_ID_LEN), id);
    if (strcmp(id, key->key_id) != 0 || file_find(k, key->version, &v) != ERR_OK)
        return NULL;
    return v;
}

/* A keyring that was put back and rotated again has another key of the same number. */
static bool is_another_key(const struct file_version *v, const struct key_name *key)
{
    char commitment[2 * SEAL_COMMITMENT_LEN + 1];

    text_hex(bytes_of(v->commitment, SEAL_COMMITMENT_LEN), commitment);
    return key->commitment[0] != '\0' && strcmp(key->commitment, commitment) != 0;
}

/* The verdict on `v` (NULL: no such version) of a keyring that was unlocked. */
static void find_verdict(const struct file_ring *r, const struct file_keyring *k,
                         const struct file_version *v, const struct key_name *key,
                         struct key_state *out)
{
    enum file_key_state state;

    memset(out, 0, sizeof *out);
    snprintf(out->detail, sizeof out->detail, "keyring %s", file_ring_path(r));
    out->verdict = KEY_INVALID;
    out->generation = k->generation;
    if (v == NULL || is_another_key(v, key)) {
        snprintf(out->reason, sizeof out->reason, v == NULL ? "notFound" : "anotherKey");
        return;
    }
    state = file_state_at(v, file_clock(k, clock_now_ms()), &out->since_ms);
    if (state == FILE_KEY_ENABLED)
        out->verdict = KEY_VALID;
    else
        snprintf(out->reason, sizeof out->reason, "%s", file_key_state_name(state));
    if (state == FILE_KEY_PENDING)
        out->deletion_ms = v->deletion_ms;
}

static enum err file_state(void *self, const struct key_name *key, struct key_state *out)
{
    const struct file_keyring *k = NULL;
    enum err rc;

    TRY(file_ring_unlock(self, &k));
    find_verdict(self, k, entry_of(k, key), key, out);
    file_ring_warn_older(self, key); /* it may be why, or why not */
out:
    return rc;
}

/* Checks that the state of a key allows an operation: key_state_require() or its variant. */
typedef enum err require(const struct key_name *key, const struct key_state *state);

/* The master key of a version that may be used now. */
static enum err usable_key(struct file_ring *r, const struct key_name *key, require *check,
                           const struct file_version **version, struct secret **master)
{
    const struct file_keyring *k = NULL;
    const struct file_version *v;
    struct key_state found;
    enum err rc;

    TRY(file_ring_unlock(r, &k));
    v = entry_of(k, key);
    find_verdict(r, k, v, key, &found);
    TRY(check(key, &found));
    rc = file_seal_load(k, file_ring_kek(r), v, master);
    if (rc != ERR_OK)
        err_note("keyring %s", file_ring_path(r));
    *version = v;
out:
    return rc;
}

static enum err file_wrap(void *self, const struct key_name *key,
                          const struct seal_context *context, const struct secret *plain,
                          struct envelope *out)
{
    struct secret *master = NULL;
    const struct file_version *version = NULL;
    enum err rc;

    TRY(usable_key(self, key, key_state_require_active, &version, &master));
    TRY(file_ring_require_newest(self));
    out->key = *key;
    text_hex(bytes_of(version->commitment, SEAL_COMMITMENT_LEN), out->key.commitment);
    TRY(file_seal_wrap(master, version->number, context, plain, out));
out:
    secret_free(master);
    return rc;
}

static enum err file_unwrap(void *self, const struct envelope *envelope,
                            const struct seal_context *context, struct secret **out)
{
    const struct key_name *key = &envelope->key;
    struct secret *master = NULL;
    const struct file_version *version = NULL;
    enum err rc;

    TRY(usable_key(self, key, key_state_require, &version, &master));
    file_ring_warn_older(self, key); /* who did not ask for the state */
    rc = file_seal_unwrap(master, version->number, context, envelope, out);
    if (rc != ERR_OK)
        err_note("the envelope by master key %s %s version %s", key->provider, key->key_id,
                 key->version);
out:
    secret_free(master);
    return rc;
}

static void file_remind(void *self, const struct keyring_witness *witness)
{
    file_ring_set_witness(self, witness);
}

static enum err file_serves(void *self, const uint8_t fingerprint[HASH_LEN],
                            enum keyring_service *out)
{
    const struct file_keyring *k = NULL;
    enum err rc;

    TRY(file_ring_unlock(self, &k));
    *out = k->repository_count == 0 ? KEYRING_NAMES_NONE : KEYRING_NAMES_OTHERS;
    for (size_t i = 0; i < k->repository_count; i++)
        if (memcmp(k->repositories[i], fingerprint, HASH_LEN) == 0)
            *out = k->repository_count == 1 ? KEYRING_NAMES_IT : KEYRING_NAMES_IT_TOO;
out:
    return rc;
}

static enum err file_create_ring(void *self, bool unencrypted, struct key_name *out)
{
    return file_admin_create(self, unencrypted, out);
}

static enum err file_versions(void *self, bool verify, struct key_versions *out)
{
    return file_admin_versions(self, verify, out);
}

static enum err file_rotate(void *self, struct key_name *out)
{
    return file_admin_rotate(self, out);
}

static enum err file_apply(void *self, enum key_action action, const char *version, uint64_t days,
                           struct key_version *out)
{
    return file_admin_act(self, action, version, days, out);
}

static enum err file_purge(void *self)
{
    return file_admin_purge(self);
}

static enum err file_passphrase(void *self, const char *file)
{
    return file_admin_passphrase(self, file);
}

static enum err file_serve(void *self, const uint8_t fingerprint[HASH_LEN])
{
    return file_admin_serve(self, fingerprint);
}

static const struct provider_admin admin = {.create = file_create_ring,
                                            .versions = file_versions,
                                            .rotate = file_rotate,
                                            .act = file_apply,
                                            .purge = file_purge,
                                            .passphrase = file_passphrase,
                                            .serve = file_serve};

const struct provider provider_file = {
    .name = FILE_PROVIDER_NAME,
    .open = open_ring,
    .free = free_ring,
    .prepare = file_prepare,
    .active = file_active,
    .is_mine = is_mine,
    .state = file_state,
    .wrap = file_wrap,
    .unwrap = file_unwrap,
    .remind = file_remind,
    .serves = file_serves,
    .admin = &admin,
};
