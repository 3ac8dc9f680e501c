#include "keyring/file/file_admin.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/rand.h"
#include "keyring/file/file_change.h"
#include "keyring/file/file_seal.h"
#include "keyring/file/file_state.h"

/* Describes a version for listings. The state is that at `now_ms`: one past its deletion date is
 * shown as destroyed although the file may not say so yet. */
static void describe_version(const struct file_keyring *k, const struct file_version *v,
                             int64_t now_ms, struct key_version *out)
{
    *out = (struct key_version){.is_active = v->number == k->active,
                                .created_ms = v->created_ms,
                                .deletion_ms = v->deletion_ms};
    out->state = file_key_state_name(file_state_at(v, now_ms, &out->changed_ms));
    snprintf(out->version, sizeof out->version, "%" PRIu64, v->number);
}

enum err file_admin_versions(const struct file_ring *r, struct key_versions *out)
{
    struct file_keyring k = {.count = 0};
    struct key_version *items = NULL;
    int64_t now_ms;
    enum err rc;

    TRY(file_ring_read(r, &k, NULL));
    TRY(mem_new(k.count, sizeof *items, &items));
    now_ms = file_clock(&k, clock_now_ms());
    for (size_t i = 0; i < k.count; i++)
        describe_version(&k, &k.versions[i], now_ms, &items[i]);
    out->is_protected = k.is_protected;
    out->items = items;
    out->count = k.count;
    file_ring_name(&k, &k.versions[k.active - 1], &out->active);
out:
    file_keyring_clear(&k);
    return rc;
}

/* Adds a version with a fresh random key to `k`, stored under `kek`, or unencrypted when that is
 * NULL. */
static enum err add_version(struct file_keyring *k, const struct secret *kek, int64_t now_ms,
                            struct key_name *out)
{
    struct file_version *v = NULL;
    struct secret *master = NULL;
    enum err rc;

    TRY(secret_random(SEAL_KEY_LEN, &master));
    TRY(file_add(k, now_ms, &v));
    TRY(file_seal_store(k, kek, master, v));
    file_ring_name(k, v, out);
out:
    secret_free(master);
    return rc;
}

static enum err refuse_contradiction(const struct file_ring *r)
{
    err_set(ERR_USAGE, "keyring %s cannot be created both with a passphrase and unencrypted",
            file_ring_path(r));
    err_hint("leave out the passphrase file, or --no-passphrase");
    return ERR_USAGE;
}

enum err file_admin_create(const struct master_key_options *options, bool unencrypted,
                           struct key_name *out)
{
    struct file_keyring k = {.is_protected = !unencrypted, .created_ms = clock_now_ms()};
    struct file_ring *r = NULL;
    struct key_name name = {0};
    enum err rc;

    TRY(file_ring_open(options, &r));
    if (unencrypted && options->passphrase_file != NULL) {
        rc = refuse_contradiction(r);
        goto out;
    }
    /* Before anybody is asked for a passphrase; checked again under the lock. */
    TRY(file_change_check_free(r));
    TRY(rand_fill(k.id, sizeof k.id));
    if (!unencrypted)
        TRY(file_ring_new_kek(r, &k.scrypt));
    TRY(add_version(&k, file_ring_kek(r), k.created_ms, &name));
    TRY(file_change_create(r, &k));
    *out = name;
out:
    file_keyring_clear(&k);
    file_ring_free(r);
    return rc;
}

static enum err step_rotate(void *arg, struct file_keyring *k, const struct secret *kek,
                            int64_t now_ms, enum file_changed *what)
{
    *what = FILE_KEY_ADDED;
    return add_version(k, kek, now_ms, arg);
}

enum err file_admin_rotate(struct file_ring *r, struct key_name *out)
{
    struct key_name name = {0};
    enum err rc;

    TRY(file_change(r, step_rotate, &name));
    *out = name;
out:
    return rc;
}

struct act {
    enum key_action action;
    const char *version;
    uint64_t days;
    struct key_version *out;
};

static enum err step_act(void *arg, struct file_keyring *k, const struct secret *kek,
                         int64_t now_ms, enum file_changed *what)
{
    const struct act *a = arg; /* states need no key: the kek only proves who asks */
    struct file_version *v = NULL;
    bool changed = false;
    enum err rc;

    (void)kek;
    TRY(file_find(k, a->version, &v));
    TRY(file_act(v, a->action, a->days, now_ms, &changed));
    *what = changed ? FILE_STATE_CHANGED : FILE_UNCHANGED;
    describe_version(k, v, now_ms, a->out); /* also when nothing changed */
out:
    return rc;
}

enum err file_admin_act(struct file_ring *r, enum key_action action, const char *version,
                        uint64_t days, struct key_version *out)
{
    struct key_version after = {.is_active = false};
    struct act a = {.action = action, .version = version, .days = days, .out = &after};
    enum err rc;

    TRY(file_change(r, step_act, &a));
    if (out != NULL)
        *out = after;
out:
    return rc;
}
