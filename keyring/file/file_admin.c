#include "keyring/file/file_admin.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
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
                                .has_key = v->stored_len > 0,
                                .created_ms = v->created_ms,
                                .deletion_ms = v->deletion_ms};
    out->state = file_key_state_name(file_state_at(v, now_ms, &out->changed_ms));
    snprintf(out->version, sizeof out->version, "%" PRIu64, v->number);
}

/* Checked where no person has to be asked for it. */
static enum err find_keyring(struct file_ring *r, bool verify, const struct file_keyring **out)
{
    enum err rc;

    TRY(file_ring_look(r, out));
    if (!verify || !file_ring_is_quiet(r))
        goto out;
    rc = file_ring_unlock(r, out);
    if (rc == ERR_KEY_UNREACHABLE) {
        log_say(LOG_WARN, "%s", err_text());
        err_clear();
        TRY(file_ring_look(r, out));
    }
out:
    return rc;
}

enum err file_admin_versions(struct file_ring *r, bool verify, struct key_versions *out)
{
    const struct file_keyring *k = NULL;
    struct key_version *items = NULL;
    int64_t now_ms;
    enum err rc;

    TRY(find_keyring(r, verify, &k));
    TRY(mem_new(k->count, sizeof *items, &items));
    now_ms = file_clock(k, clock_now_ms());
    for (size_t i = 0; i < k->count; i++)
        describe_version(k, &k->versions[i], now_ms, &items[i]);
    out->is_protected = file_is_protected(k);
    out->is_verified = file_ring_is_unlocked(r);
    out->generation = k->generation;
    out->items = items;
    out->count = k->count;
    file_ring_name(k, &k->versions[k->active - 1], &out->active);
    if (out->is_verified)
        file_ring_warn_older(r, &out->active);
out:
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

/* A kek for the keyring to be made; *kek stays NULL for an unencrypted one. */
static enum err choose_protection(struct file_ring *r, bool unencrypted, struct file_keyring *k,
                                  struct secret **kek)
{
    enum err rc = ERR_OK;

    if (unencrypted && file_ring_has_passphrase_file(r))
        return refuse_contradiction(r);
    if (!unencrypted)
        TRY(file_ring_new_kek(r, NULL, &k->protection, kek));
out:
    return rc;
}

enum err file_admin_create(struct file_ring *r, bool unencrypted, struct key_name *out)
{
    struct file_keyring k = {.created_ms = clock_now_ms(), .generation = 1};
    struct key_name name = {.provider = ""};
    struct secret *kek = NULL;
    enum err rc;

    TRY(clock_check_epoch());
    /* Before anybody is asked for a passphrase; checked again under the lock. */
    TRY(file_change_check_free(r));
    TRY(choose_protection(r, unencrypted, &k, &kek));
    TRY(rand_fill(k.id, sizeof k.id));
    TRY(add_version(&k, kek, k.created_ms, &name));
    file_ring_use_kek(r, kek, &k.protection);
    kek = NULL; /* the ring's now */
    TRY(file_change_create(r, &k));
    *out = name;
out:
    secret_free(kek);
    file_keyring_clear(&k);
    return rc;
}

static enum err step_rotate(void *arg, struct file_keyring *k, const struct secret **kek,
                            int64_t now_ms, enum file_changed *what)
{
    *what = FILE_CHANGED;
    return add_version(k, *kek, now_ms, arg);
}

enum err file_admin_rotate(struct file_ring *r, struct key_name *out)
{
    struct key_name name = {.provider = ""};
    enum err rc;

    TRY(file_change(r, step_rotate, &name));
    *out = name;
out:
    return rc;
}

/* A stamp of a clock that was once ahead makes a version count as destroyed, and no more: what is
 * not due by the clock alone is not destroyed, and can be taken back by who vouches for the clock.
 */
static int64_t earlier_of(int64_t keyring_ms, int64_t clock_ms)
{
    return clock_ms < keyring_ms ? clock_ms : keyring_ms;
}

static void hint_not_due(const struct file_version *v)
{
    if (v->deletion_ms > clock_now_ms())
        err_hint(
            "by the clock of this machine it is not due: the keyring was changed once with a "
            "clock that was ahead. If this one is right, `sealpoint key cancel-deletion %" PRIu64
            " --clock-is-right` takes it back",
            v->number);
}

struct act {
    enum key_action action;
    const char *version;
    uint64_t days;
    struct key_version *out;
};

static enum err step_act(void *arg, struct file_keyring *k, const struct secret **kek,
                         int64_t now_ms, enum file_changed *what)
{
    const struct act *a = arg; /* states need no key: the kek only proves who asks */
    struct file_version *v = NULL;
    bool changed = false;
    enum err rc;

    (void)kek;
    TRY(file_find(k, a->version, &v));
    if (a->action == KEY_CANCEL_DELETION && clock_is_vouched_for())
        now_ms = earlier_of(now_ms, clock_now_ms());
    rc = file_act(v, a->action, a->days, now_ms, &changed);
    if (rc == ERR_USAGE && v->state == FILE_KEY_PENDING && v->deletion_ms <= now_ms)
        hint_not_due(v);
    TRY(rc);
    if (changed)
        *what = a->action == KEY_ENABLE || a->action == KEY_CANCEL_DELETION ? FILE_OPENED
                                                                            : FILE_CHANGED;
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

static enum err step_purge(void *arg, struct file_keyring *k, const struct secret **kek,
                           int64_t now_ms, enum file_changed *what)
{
    (void)arg;
    (void)kek;
    *what = file_settle(k, earlier_of(now_ms, clock_now_ms())) ? FILE_CHANGED : FILE_UNCHANGED;
    return ERR_OK;
}

enum err file_admin_purge(struct file_ring *r)
{
    return file_change(r, step_purge, NULL);
}

/* A new passphrase: every entry is opened and sealed again, under a fresh salt. */
struct anew {
    struct secret *kek;
    struct file_protection of;
};

static enum err step_passphrase(void *arg, struct file_keyring *k, const struct secret **kek,
                                int64_t now_ms, enum file_changed *what)
{
    const struct anew *to = arg;
    struct secret *master = NULL;
    enum err rc = ERR_OK;

    (void)now_ms;
    for (size_t i = 0; i < k->count; i++) {
        if (k->versions[i].stored_len == 0)
            continue;
        TRY(file_seal_load(k, *kek, &k->versions[i], &master));
        TRY(file_seal_store(k, to->kek, master, &k->versions[i]));
        secret_free(master);
        master = NULL;
    }
    k->protection = to->of;
    *kek = to->kek;
    *what = FILE_CHANGED;
out:
    secret_free(master);
    return rc;
}

enum err file_admin_passphrase(struct file_ring *r, const char *file)
{
    const struct file_keyring *k = NULL;
    struct passphrase_source source;
    struct anew to = {.kek = NULL};
    enum err rc;

    TRY(file_ring_unlock(r, &k)); /* the old one is asked for first */
    source = file_ring_source(r);
    source.file = file;
    TRY(file_ring_new_kek(r, &source, &to.of, &to.kek));
    TRY(file_change(r, step_passphrase, &to));
    file_ring_use_kek(r, to.kek, &to.of);
    to.kek = NULL; /* the ring's now */
out:
    secret_free(to.kek);
    return rc;
}

static enum err step_serve(void *arg, struct file_keyring *k, const struct secret **kek,
                           int64_t now_ms, enum file_changed *what)
{
    const uint8_t *fingerprint = arg;

    (void)kek;
    (void)now_ms;
    for (size_t i = 0; i < k->repository_count; i++)
        if (memcmp(k->repositories[i], fingerprint, HASH_LEN) == 0)
            return ERR_OK;
    if (k->repository_count == FILE_REPOSITORIES_MAX)
        return err_set(ERR_FAILED, "the keyring serves %d repositories, and no more fit",
                       FILE_REPOSITORIES_MAX);
    memcpy(k->repositories[k->repository_count++], fingerprint, HASH_LEN);
    *what = FILE_CHANGED;
    return ERR_OK;
}

enum err file_admin_serve(struct file_ring *r, const uint8_t fingerprint[HASH_LEN])
{
    uint8_t copy[HASH_LEN];

    memcpy(copy, fingerprint, sizeof copy);
    return file_change(r, step_serve, copy);
}
