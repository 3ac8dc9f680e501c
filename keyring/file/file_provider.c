#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
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
    struct file_keyring k = {.count = 0};
    enum err rc;

    TRY(file_ring_read(self, &k, NULL));
    file_ring_name(&k, &k.versions[k.active - 1], out);
out:
    file_keyring_clear(&k);
    return rc;
}

static enum err is_mine(void *self, const char *key_id, bool *is_here)
{
    struct key_name name = {0};
    enum err rc;

    TRY(file_active(self, &name));
    *is_here = strcmp(name.key_id, key_id) == 0;
out:
    return rc;
}

/* The entry that `key` names, or NULL. */
static struct file_version *entry_of(const struct file_keyring *k, const struct key_name *key)
{
    struct file_version *v = NULL;
    char id[2 * SEAL_ID_LEN + 1];

    text_hex(bytes_of(k->id, SEAL_ID_LEN), id);
    if (strcmp(id, key->key_id) != 0 || file_find(k, key->version, &v) != ERR_OK)
        return NULL;
    return v;
}

/* The verdict on `v` (NULL: no such version) of a keyring that could be read. */
static void find_verdict(const struct file_ring *r, const struct file_keyring *k,
                         const struct file_version *v, struct key_state *out)
{
    enum file_key_state state;

    memset(out, 0, sizeof *out);
    snprintf(out->detail, sizeof out->detail, "keyring %s", file_ring_path(r));
    out->verdict = KEY_INVALID;
    if (v == NULL) {
        snprintf(out->reason, sizeof out->reason, "notFound");
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
    struct file_keyring k = {.count = 0};
    enum err rc;

    TRY(file_ring_read(self, &k, NULL));
    find_verdict(self, &k, entry_of(&k, key), out);
out:
    file_keyring_clear(&k);
    return rc;
}

/* Checks that the state of a key allows an operation: key_state_require() or its variant. */
typedef enum err require(const struct key_name *key, const struct key_state *state);

/* The master key of a version that may be used now, from a file checked just now. */
static enum err usable_key(struct file_ring *r, const struct key_name *key, require *check,
                           uint64_t *version, struct secret **master)
{
    struct file_keyring k = {.count = 0};
    struct file_version *v;
    struct key_state found;
    enum err rc;

    TRY(file_ring_unlock(r, &k, NULL));
    v = entry_of(&k, key);
    find_verdict(r, &k, v, &found);
    TRY(check(key, &found));
    TRY(file_seal_load(&k, file_ring_kek(r), v, master));
    *version = v->number;
out:
    file_keyring_clear(&k);
    return rc;
}

/* A backup may write, so what is past its deletion date is removed now. If that fails, as on a
 * read-only mount, the version counts as destroyed all the same. The error message is preserved. */
static void settle_if_due(struct file_ring *r)
{
    struct file_keyring k = {.count = 0};
    struct err_record kept;
    bool is_due;

    err_take(ERR_OK, &kept);
    if (file_ring_read(r, &k, NULL) == ERR_OK) {
        is_due = file_settle(&k, file_clock(&k, clock_now_ms()));
        if (is_due && file_change_settle(r) != ERR_OK)
            log_say(LOG_WARN,
                    "keyring %s: a key version is past its deletion date, but its key material "
                    "could not be destroyed",
                    file_ring_path(r));
    }
    file_keyring_clear(&k);
    (void)err_give(&kept);
}

static enum err file_wrap(void *self, const struct key_name *key,
                          const struct seal_context *context, const struct secret *plain,
                          struct envelope *out)
{
    struct secret *master = NULL;
    uint64_t version = 0;
    enum err rc;

    TRY(usable_key(self, key, key_state_require_active, &version, &master));
    settle_if_due(self);
    out->key = *key;
    TRY(file_seal_wrap(master, version, context, plain, out));
out:
    secret_free(master);
    return rc;
}

static enum err file_unwrap(void *self, const struct envelope *envelope,
                            const struct seal_context *context, struct secret **out)
{
    const struct key_name *key = &envelope->key;
    struct secret *master = NULL;
    uint64_t version = 0;
    enum err rc;

    TRY(usable_key(self, key, key_state_require, &version, &master));
    rc = file_seal_unwrap(master, version, context, envelope, out);
    if (rc != ERR_OK)
        err_note("the envelope by master key %s %s version %s", key->provider, key->key_id,
                 key->version);
out:
    secret_free(master);
    return rc;
}

static enum err file_versions(void *self, struct key_versions *out)
{
    return file_admin_versions(self, out);
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

static const struct provider_admin admin = {.create = file_admin_create,
                                            .versions = file_versions,
                                            .rotate = file_rotate,
                                            .act = file_apply};

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
    .admin = &admin,
};
