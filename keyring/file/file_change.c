#include "keyring/file/file_change.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/fs/lock.h"
#include "keyring/file/file_state.h"

/*
 * Every change of a keyring file goes through file_change():
 *
 *   1. Unlock, before the lock: this may ask a person for the passphrase.
 *   2. Open the directory. From here on no path is used: in it by name the file is read and checked
 *      again, before anything is made there (file_place.h).
 *   3. Take <path>.lock, and sweep the temporaries of killed runs: they may hold keys that are to
 *      be destroyed.
 *   4. Read and check the file once more: it is what another run may have made of it.
 *   5. Make the change, write both files (file_change.h says in which order), and go on with what
 *      was written.
 *
 * What is past its deletion date is not destroyed by the way: a clock that is wrong once would
 * destroy it for good. Only file_admin_purge() does that.
 */
#define KEYRING_MODE 0600

/* A clock this far behind the keyring is warned of: new dates count from the keyring's time. */
#define CLOCK_BEHIND_MS (5 * INT64_C(60000))

static void warn_of_clock(const struct file_ring *r, int64_t keyring_ms)
{
    char text[CLOCK_TEXT_LEN + 1];

    if (keyring_ms - clock_now_ms() < CLOCK_BEHIND_MS)
        return;
    clock_text(keyring_ms, text);
    log_say(LOG_WARN,
            "the clock is behind keyring %s, which has seen %s: dates are counted from there",
            file_ring_path(r), text);
}

static enum err save_keyring(const struct file_place *at, enum file_changed what,
                             struct bytes fresh)
{
    const char *first = what == FILE_OPENED ? at->name : at->previous;
    const char *second = what == FILE_OPENED ? at->previous : at->name;
    enum err rc;

    TRY(file_replace_at(at->directory, first, fresh, KEYRING_MODE));
    TRY(file_replace_at(at->directory, second, fresh, KEYRING_MODE));
out:
    if (rc != ERR_OK)
        err_note("keyring %s", at->path);
    return rc;
}

/* Takes the lock, and sweeps: temporaries of killed runs may hold keys that are to be destroyed. */
static enum err take_turn(const struct file_place *at, struct lock **lock)
{
    char *shown = NULL;
    enum err rc;

    TRY(mem_format(&shown, "%s" FILE_LOCK, at->path));
    TRY(lock_take_at(at->directory, at->lock, shown, true, lock));
    TRY(file_sweep_at(at->directory, at->name));
    TRY(file_sweep_at(at->directory, at->previous));
out:
    mem_free(shown);
    if (rc != ERR_OK)
        err_note("keyring %s", at->path);
    return rc;
}

/* The newest time that anybody signed: of the keyring, or of the ledger it is used with. */
static enum err check_clock(const struct file_ring *r, const struct file_keyring *k)
{
    int64_t newest_ms = file_clock(k, file_ring_witness_ms(r));

    return clock_check_ahead(newest_ms, "keyring", file_ring_path(r));
}

/* Above all that anybody has seen, as far as it is believed. */
static enum err next_generation(struct file_ring *r, uint64_t *out)
{
    uint64_t highest = file_ring_generation(r);

    if (highest >= FILE_GENERATION_MAX)
        return err_set(ERR_FAILED, "keyring %s cannot be changed any more: make a new one",
                       file_ring_path(r));
    *out = highest + 1;
    return ERR_OK;
}

/* While the lock is held. */
static enum err take_step(struct file_ring *r, const struct file_place *at, file_change_step *step,
                          void *arg)
{
    const struct file_keyring *now = NULL;
    struct buf fresh = {.max = FILE_KEYRING_LEN_MAX};
    struct file_keyring k = {.count = 0};
    enum file_changed what = FILE_UNCHANGED;
    const struct secret *kek;
    enum err rc;

    TRY(file_ring_reread(r, at, &now));
    TRY(file_ring_require_newest(r));
    TRY(check_clock(r, now));
    TRY(file_keyring_copy(now, &k));
    kek = file_ring_kek(r);
    TRY(step(arg, &k, &kek, file_clock(&k, clock_now_ms()), &what));
    if (what == FILE_UNCHANGED)
        goto out;
    TRY(next_generation(r, &k.generation));
    TRY(file_keyring_encode(&k, kek, &fresh));
    TRY(save_keyring(at, what, buf_bytes(&fresh)));
    file_ring_adopt(r, &k);
out:
    file_keyring_clear(&k);
    secret_wipe(fresh.data, fresh.cap); /* may hold unencrypted keys */
    buf_clear(&fresh);
    return rc;
}

enum err file_change(struct file_ring *r, file_change_step *step, void *arg)
{
    const struct file_keyring *k = NULL;
    struct file_place at = {.directory = -1};
    struct lock *lock = NULL;
    enum err rc;

    /* Asking a person takes time, and nobody else should wait for the lock meanwhile. */
    TRY(file_ring_unlock(r, &k));
    TRY(file_place_open(file_ring_path(r), &at));
    /* What the path means may be another thing by now: nothing is made where no keyring is. */
    TRY(file_ring_reread(r, &at, &k));
    warn_of_clock(r, file_clock(k, 0));
    TRY(take_turn(&at, &lock));
    TRY(take_step(r, &at, step, arg));
out:
    lock_free(lock);
    file_place_clear(&at);
    return rc;
}

static enum err check_free(const struct file_place *at)
{
    if (file_place_has(at, at->name))
        return err_set(ERR_EXISTS, "keyring %s already exists", at->path);
    if (file_place_has(at, at->previous)) {
        err_set(ERR_EXISTS,
                "keyring %s is missing, but the copy of it, %s" FILE_PREVIOUS ", is there",
                at->path, at->path);
        err_hint("put that in its place with `cp -p %s" FILE_PREVIOUS " %s`, or move it away",
                 at->path, at->path);
        return ERR_EXISTS;
    }
    return ERR_OK;
}

enum err file_change_check_free(const struct file_ring *r)
{
    struct file_place at = {.directory = -1};
    enum err rc;

    TRY(file_place_open(file_ring_path(r), &at));
    TRY(check_free(&at));
out:
    file_place_clear(&at);
    return rc;
}

enum err file_change_create(struct file_ring *r, struct file_keyring *k)
{
    struct buf fresh = {.max = FILE_KEYRING_LEN_MAX};
    struct file_place at = {.directory = -1};
    struct lock *lock = NULL;
    enum err rc;

    TRY(file_place_open(file_ring_path(r), &at));
    TRY(file_keyring_encode(k, file_ring_kek(r), &fresh));
    TRY(take_turn(&at, &lock));
    TRY(check_free(&at));
    /* In this order, a run killed midway leaves a keyring and never just its copy. */
    TRY(file_create_at(at.directory, at.name, buf_bytes(&fresh), KEYRING_MODE));
    TRY(file_replace_at(at.directory, at.previous, buf_bytes(&fresh), KEYRING_MODE));
    file_ring_adopt(r, k);
out:
    lock_free(lock);
    file_place_clear(&at);
    secret_wipe(fresh.data, fresh.cap);
    buf_clear(&fresh);
    return rc;
}
