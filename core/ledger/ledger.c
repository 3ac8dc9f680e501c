#include "core/ledger/ledger.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/ledger/cache.h"
#include "core/ledger/ledger_internal.h"

#define STATE_DIR_MODE 0700

/* The lock is held only briefly. A run that holds it for longer hangs, perhaps in the store, and
 * must not make all others hang, readers included. */
#define LOCK_PAUSE_NS (20 * 1000 * 1000L)
#define LOCK_PAUSES 250 /* 5 s */

/* How often a load is repeated because records appeared meanwhile (ledger_load.c). */
#define OUTDATED_MAX 3

/* A machine without the key reads, verifies and restores; it cannot append. The same goes for a key
 * that is damaged or that this user may not read: what is wrong with it is said to who signs. */
static enum err load_signer(struct ledger *l)
{
    struct err_record failure;
    char *path = NULL;
    enum err rc;

    TRY(file_join(l->state_dir, STATE_SIGNING_KEY, &path));
    rc = signer_load(path, &l->signer);
    if (rc == ERR_OK) {
        rc = signer_id(signer_public(l->signer), l->own);
        goto out;
    }
    err_take(rc, &failure);
    err_clear();
    rc = ERR_OK;
    if (failure.code == ERR_NOT_FOUND)
        goto out;
    TRY(mem_new(1, sizeof *l->no_key, &l->no_key));
    *l->no_key = failure;
out:
    mem_free(path);
    return rc;
}

enum err ledger_use_state(struct ledger *l, const char *state_dir)
{
    enum err rc;

    TRY(mem_text(state_dir, &l->state_dir));
    TRY(file_make_dirs(l->state_dir, STATE_DIR_MODE));
    TRY(file_join(l->state_dir, STATE_TRUST, &l->trust_path));
    TRY(file_join(l->state_dir, STATE_RECORDS, &l->cache_path));
    TRY(file_join(l->state_dir, STATE_LEDGER_LOCK, &l->lock_path));
    TRY(trust_load(l->trust_path, &l->seen));
    TRY(load_signer(l));
out:
    return rc;
}

enum err ledger_begin(const struct ledger_options *options, struct ledger **out)
{
    struct ledger *l = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *l, &l));
    l->store = options->store;
    l->home = (struct record_home){.fd = -1, .store = options->store};
    l->checkpoint_life_ms = options->checkpoint_life_ms;
    if (options->state_dir != NULL)
        TRY(ledger_use_state(l, options->state_dir));
    *out = l;
    l = NULL; /* the caller's now */
out:
    ledger_free(l);
    return rc;
}

static enum err open_once(const struct ledger_options *options, enum ledger_cache use, bool *cached,
                          bool *outdated, struct ledger **out)
{
    struct ledger *l = NULL;
    enum err rc;

    *outdated = false;
    TRY(ledger_begin(options, &l));
    rc = ledger_load(l, options, use, cached);
    *outdated = l->outdated;
    TRY(rc);
    *out = l;
    l = NULL; /* the caller's now */
out:
    ledger_free(l);
    return rc;
}

static enum err open_with(const struct ledger_options *options, enum ledger_cache use, bool *cached,
                          struct ledger **out)
{
    bool outdated = false;
    enum err rc = open_once(options, use, cached, &outdated, out);

    for (int i = 0; rc != ERR_OK && outdated && i < OUTDATED_MAX; i++) {
        err_clear();
        rc = open_once(options, use, cached, &outdated, out);
    }
    return rc;
}

enum err ledger_open(const struct ledger_options *options, struct ledger **out)
{
    bool cached = false;
    enum err rc;

    if (options->read_all)
        return open_with(options, LEDGER_CACHE_COMPARE, &cached, out);
    rc = open_with(options, LEDGER_CACHE_USE, &cached, out);
    if (!cached || (rc != ERR_CORRUPT && rc != ERR_UNSUPPORTED))
        return rc;
    /* A damaged cache must not look like a damaged ledger: the store has the last word. */
    rc = open_with(options, LEDGER_CACHE_RENEW, &cached, out);
    if (rc == ERR_OK)
        log_say(LOG_WARN, "the cache of records in %s was damaged and has been rebuilt",
                options->state_dir);
    return rc;
}

void ledger_free(struct ledger *l)
{
    if (l == NULL)
        return;
    ledger_query_clear(&l->query);
    for (size_t i = 0; i < l->count; i++)
        record_free(l->records[i]);
    mem_free(l->records);
    if (l->home.fd >= 0)
        close(l->home.fd);
    heads_clear(&l->heads);
    writers_clear(&l->writers);
    trust_clear(&l->seen);
    signer_free(l->signer);
    mem_free(l->no_key);
    lock_free(l->lock);
    mem_free(l->lock_path);
    mem_free(l->cache_path);
    mem_free(l->trust_path);
    mem_free(l->state_dir);
    mem_free(l);
}

enum err ledger_lock(struct ledger *l)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
    enum err rc = ERR_OK;

    if (l->lock_depth == 0) {
        rc = lock_take(l->lock_path, false, &l->lock);
        for (int i = 0; rc == ERR_BUSY && i < LOCK_PAUSES; i++) {
            TRY(stop_check());
            (void)nanosleep(&pause, NULL);
            err_clear();
            rc = lock_take(l->lock_path, false, &l->lock);
        }
        TRY(rc);
    }
    l->lock_depth++;
out:
    return rc;
}

void ledger_unlock(struct ledger *l)
{
    if (l->lock_depth == 0 || --l->lock_depth > 0)
        return;
    lock_free(l->lock);
    l->lock = NULL;
}

/* Runs that only read do not hold the lock of the repository, but may be writing the trust file. */
enum err ledger_sweep(const struct ledger *l)
{
    struct lock *lock = NULL;
    char *key_path = NULL;
    enum err rc;

    rc = lock_take(l->lock_path, false, &lock);
    if (rc == ERR_BUSY) { /* the next sweep is early enough */
        err_clear();
        return ERR_OK;
    }
    TRY(rc);
    TRY(file_join(l->state_dir, STATE_SIGNING_KEY, &key_path));
    TRY(file_sweep(key_path));
    TRY(file_sweep(l->trust_path));
out:
    lock_free(lock);
    mem_free(key_path);
    return rc;
}

const uint8_t *ledger_repository(const struct ledger *l)
{
    return l->writers.repository;
}

const char *ledger_fingerprint(const struct ledger *l)
{
    return l->fingerprint;
}

const uint8_t *ledger_root(const struct ledger *l)
{
    return l->writers.root;
}

const char *ledger_state_dir(const struct ledger *l)
{
    return l->state_dir;
}

bool ledger_can_append(const struct ledger *l, enum record_type type)
{
    return (l->signer != NULL || l->acting != NULL) && writers_allow(&l->writers, l->own, type);
}

const struct writers *ledger_writers(const struct ledger *l)
{
    return &l->writers;
}

const uint8_t *ledger_own(const struct ledger *l)
{
    return l->signer != NULL && l->acting == NULL ? l->own : NULL;
}

bool ledger_is_own(const struct ledger *l, const uint8_t writer[SIGNER_ID_LEN])
{
    const uint8_t *own = ledger_own(l);

    return own != NULL && memcmp(writer, own, SIGNER_ID_LEN) == 0;
}

const struct head *ledger_head(const struct ledger *l, const uint8_t writer[SIGNER_ID_LEN])
{
    return heads_find(&l->heads, writer);
}

enum err ledger_act_as_root(struct ledger *l, const struct signer *root)
{
    uint8_t id[SIGNER_ID_LEN] = {0};
    char theirs[2 * SIGNER_ID_LEN + 1];
    char ours[2 * SIGNER_ID_LEN + 1];
    enum err rc = ERR_OK;

    if (root != NULL) {
        TRY(signer_id(signer_public(root), id));
        text_hex(bytes_of(id, sizeof id), theirs);
        text_hex(bytes_of(l->writers.root, SIGNER_ID_LEN), ours);
        if (!writers_is_root(&l->writers, id))
            FAIL(ERR_USAGE, "%s: this is the key %s, and the repository's root is %s",
                 store_where(l->store), theirs, ours);
    } else if (l->signer != NULL) {
        TRY(signer_id(signer_public(l->signer), id));
    }
    l->acting = root;
    memcpy(l->own, id, SIGNER_ID_LEN);
out:
    return rc;
}

size_t ledger_damaged(const struct ledger *l)
{
    return l->damaged;
}

enum err ledger_check_key(const struct ledger *l)
{
    return l->no_key != NULL ? err_give(l->no_key) : ERR_OK;
}

size_t ledger_count(const struct ledger *l)
{
    return l->count;
}

const struct record *ledger_at(const struct ledger *l, size_t i)
{
    return l->records[i];
}
