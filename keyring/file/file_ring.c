#include "keyring/file/file_ring.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "keyring/file/file_kek.h"
#include "keyring/file/file_seal.h"
#include "keyring/file/file_seen.h"
#include "keyring/file/passphrase.h"

/*
 * Reading (look) checks the form and nothing else, and keeps the model. Unlocking checks that very
 * model: what is remembered of the path, the passphrase, the mac, the generation. A model that does
 * not pass is forgotten, and so is a kek that does not match; one that passed stays. A typed
 * passphrase may be repeated PASSPHRASE_TRIES times, and after that nobody is asked again; one from
 * a file is read anew at the next operation, for the file may have been corrected.
 *
 * What this machine remembers of the path is compared before the passphrase is asked for: nobody
 * should type it for a keyring that somebody put there. The generation comes after the mac, before
 * which it is anybody's.
 *
 * scrypt takes 0.3 s. file_ring_prepare() starts it on a thread of its own when the passphrase
 * lies in a regular file; the thread writes only to `ahead`, which unlock_with() takes over after
 * joining it.
 */
#define PASSPHRASE_SHORT 12 /* bytes; fewer are warned of */
#define PASSPHRASE_TRIES 3  /* when it is typed */

/* A kek that is derived on a thread of its own, and its parameters. */
struct ahead {
    bool runs;
    pthread_t thread;
    struct secret *kek; /* owned; NULL: it failed */
    struct file_protection of;
};

struct file_ring {
    char *path;            /* owned */
    char *previous;        /* owned */
    char *passphrase_file; /* owned; NULL: ask */
    char *state_dir;       /* owned; NULL: nothing is remembered */
    bool accepts_new;      /* --new-keyring */
    bool allows_memory;    /* --allow-memory */
    struct passphrase_source source;
    struct secret *kek; /* owned; NULL: not unlocked, or unencrypted */
    struct file_protection kek_of;
    bool was_rejected; /* every typed passphrase was wrong: do not ask again */
    struct ahead ahead;
    struct file_keyring model; /* owned; count 0: not read yet */
    bool is_unlocked;          /* the model is genuine */
    uint64_t seen_generation;  /* what this machine has seen of it */
    struct keyring_witness witness;
    bool was_warned;
    bool was_claim_warned;
};

enum err file_ring_open(const struct master_key_options *options, struct file_ring **out)
{
    struct file_ring *r = NULL;
    enum err rc;

    if (options->path == NULL || options->path[0] == '\0')
        FAIL(ERR_USAGE, "master key of provider file: no path of a keyring (--keyring)");
    TRY(mem_new(1, sizeof *r, &r));
    TRY(mem_text(options->path, &r->path));
    TRY(mem_format(&r->previous, "%s" FILE_PREVIOUS, options->path));
    if (options->passphrase_file != NULL)
        TRY(mem_text(options->passphrase_file, &r->passphrase_file));
    if (options->state_dir != NULL)
        TRY(mem_text(options->state_dir, &r->state_dir));
    r->accepts_new = options->new_keyring;
    r->allows_memory = options->allow_memory;
    r->source.file = r->passphrase_file;
    r->source.ask = options->ask;
    r->source.ask_arg = options->ask_arg;
    *out = r;
    r = NULL; /* the caller's now */
out:
    file_ring_free(r);
    return rc;
}

static void stop_ahead(struct file_ring *r)
{
    if (r->ahead.runs)
        pthread_join(r->ahead.thread, NULL);
    r->ahead.runs = false;
    secret_free(r->ahead.kek);
    r->ahead.kek = NULL;
}

static void forget_model(struct file_ring *r)
{
    file_keyring_clear(&r->model);
    r->is_unlocked = false;
}

void file_ring_free(struct file_ring *r)
{
    if (r == NULL)
        return;
    stop_ahead(r);
    secret_free(r->kek);
    forget_model(r);
    mem_free(r->state_dir);
    mem_free(r->passphrase_file);
    mem_free(r->previous);
    mem_free(r->path);
    mem_free(r);
}

const char *file_ring_path(const struct file_ring *r)
{
    return r->path;
}

const struct secret *file_ring_kek(const struct file_ring *r)
{
    return r->kek;
}

void file_ring_name(const struct file_keyring *k, const struct file_version *v,
                    struct key_name *out)
{
    memset(out, 0, sizeof *out);
    snprintf(out->provider, sizeof out->provider, "%s", FILE_PROVIDER_NAME);
    text_hex(bytes_of(k->id, SEAL_ID_LEN), out->key_id);
    snprintf(out->version, sizeof out->version, "%" PRIu64, v->number);
    text_hex(bytes_of(v->commitment, SEAL_COMMITMENT_LEN), out->commitment);
}

bool file_ring_is_unlocked(const struct file_ring *r)
{
    return r->is_unlocked;
}

bool file_ring_has_passphrase_file(const struct file_ring *r)
{
    return r->passphrase_file != NULL;
}

struct passphrase_source file_ring_source(const struct file_ring *r)
{
    return r->source;
}

bool file_ring_is_quiet(const struct file_ring *r)
{
    return r->is_unlocked || r->passphrase_file != NULL ||
           (r->model.count > 0 && !file_is_protected(&r->model));
}

/* Reading. */

/* A missing or damaged file can be replaced by the copy beside it, if that exists. */
static void hint_previous(const struct file_ring *r, bool is_missing)
{
    if (!file_exists(r->previous))
        err_hint("put a copy of the keyring in its place; without it the snapshots that recorded "
                 "its keys cannot be restored");
    else if (is_missing)
        err_hint("put it back, or the copy of it: `cp -p %s %s`", r->previous, r->path);
    else
        err_hint("a copy of it is %s: keep both, then put it in place with `cp -p %s %s`",
                 r->previous, r->previous, r->path);
}

static enum err read_bytes(const struct file_ring *r, const struct file_place *at, struct buf *raw)
{
    struct stat st;
    bool is_there = at != NULL ? fstatat(at->directory, at->name, &st, AT_SYMLINK_NOFOLLOW) == 0
                               : stat(r->path, &st) == 0;
    enum err rc;

    /* Checked here because file_read() has the same code for every fault of a file. */
    if (is_there && st.st_size > (off_t)FILE_KEYRING_LEN_MAX)
        return err_set(ERR_CORRUPT, "%lld bytes are more than a keyring has",
                       (long long)st.st_size);
    rc = at != NULL ? file_read_at_name(at->directory, at->name, raw) : file_read(r->path, raw);
    if (rc == ERR_NOT_FOUND)
        rc = err_set(ERR_KEY_UNREACHABLE, "it is not there");
    else if (rc != ERR_OK)
        rc = ERR_KEY_UNREACHABLE;
    return rc;
}

/* `at` NULL: by its path. */
static enum err read_model(const struct file_ring *r, const struct file_place *at,
                           struct file_keyring *out)
{
    struct buf own = {.max = FILE_KEYRING_LEN_MAX};
    enum err rc;

    TRY(read_bytes(r, at, &own));
    TRY(file_keyring_decode(buf_bytes(&own), out));
out:
    if (rc != ERR_OK)
        err_note("keyring %s", r->path);
    if ((rc == ERR_KEY_UNREACHABLE && !file_exists(r->path)) || rc == ERR_CORRUPT)
        hint_previous(r, !file_exists(r->path));
    secret_wipe(own.data, own.cap); /* may hold unencrypted keys */
    buf_clear(&own);
    return rc;
}

enum err file_ring_look(struct file_ring *r, const struct file_keyring **out)
{
    enum err rc = ERR_OK;

    if (r->model.count == 0)
        TRY(read_model(r, NULL, &r->model));
    *out = &r->model;
out:
    return rc;
}

/* The passphrase. */

static enum err derive_kek(const struct file_ring *r, const struct file_protection *with,
                           struct secret **out)
{
    struct secret *passphrase = NULL;
    enum err rc;

    TRY(passphrase_get(&r->source, r->path, false, &passphrase));
    rc = file_kek_derive(with, passphrase, r->allows_memory, out);
    if (rc != ERR_OK)
        err_note("keyring %s", r->path);
out:
    secret_free(passphrase);
    return rc;
}

enum err file_ring_new_kek(const struct file_ring *r, const struct passphrase_source *from,
                           struct file_protection *with, struct secret **out)
{
    struct secret *passphrase = NULL;
    enum err rc;

    TRY(passphrase_get(from != NULL ? from : &r->source, r->path, true, &passphrase));
    if (secret_bytes(passphrase).len < PASSPHRASE_SHORT)
        log_say(LOG_WARN,
                "the passphrase of keyring %s has fewer than %d characters: whoever gets the "
                "file can guess it",
                r->path, PASSPHRASE_SHORT);
    TRY(file_kek_protect(passphrase, with));
    TRY(file_kek_derive(with, passphrase, true, out));
out:
    secret_free(passphrase);
    return rc;
}

void file_ring_use_kek(struct file_ring *r, struct secret *kek, const struct file_protection *of)
{
    secret_free(r->kek);
    r->kek = kek;
    r->kek_of = *of;
}

/* A failure here is ignored: the work is repeated, and the failure reported, when the key is
 * needed. */
static void *derive_ahead(void *arg)
{
    struct file_ring *r = arg;

    if (derive_kek(r, &r->ahead.of, &r->ahead.kek) != ERR_OK)
        err_clear();
    return NULL;
}

/* A regular file can be read twice; a descriptor or pipe cannot, and a person is not asked here. */
static bool has_passphrase_on_disk(const struct file_ring *r)
{
    struct stat st;

    return r->passphrase_file != NULL && stat(r->passphrase_file, &st) == 0 && S_ISREG(st.st_mode);
}

/* The file is read here and not on the thread: it is read once. A generated secret needs no head
 * start. Signals are handled by the main thread only (pool.c). */
void file_ring_prepare(struct file_ring *r)
{
    const struct file_keyring *k;
    sigset_t all, before;

    if (r->kek != NULL || r->ahead.runs || !has_passphrase_on_disk(r))
        return;
    if (file_ring_look(r, &k) != ERR_OK) {
        err_clear();
        return;
    }
    if (k->protection.kdf != FILE_KDF_SCRYPT)
        return;
    r->ahead.of = k->protection;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r->ahead.runs = pthread_create(&r->ahead.thread, NULL, derive_ahead, r) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Makes r->kek the one for these parameters, unless it is already. */
static enum err unlock_with(struct file_ring *r, const struct file_protection *with)
{
    struct secret *kek = NULL;
    enum err rc = ERR_OK;

    if (r->ahead.runs && pthread_join(r->ahead.thread, NULL) == 0 && r->ahead.kek != NULL)
        file_ring_use_kek(r, r->ahead.kek, &r->ahead.of);
    r->ahead = (struct ahead){.runs = false};
    if (r->kek != NULL && file_protection_equal(&r->kek_of, with))
        goto out;
    TRY(derive_kek(r, with, &kek));
    file_ring_use_kek(r, kek, with);
out:
    return rc;
}

static enum err refuse_unencrypted(const struct file_ring *r)
{
    err_set(ERR_USAGE, "keyring %s is not protected by a passphrase, but one is configured (%s)",
            r->path, r->passphrase_file);
    err_hint("either this is another keyring than it was, or the passphrase file is not for it; "
             "nothing was sealed or opened with it");
    return ERR_USAGE;
}

/* Checks `k` with the kek, and forgets a kek that does not match: the next attempt asks again. */
static enum err check_kek(struct file_ring *r, const struct file_keyring *k)
{
    enum err rc = file_seal_check(k, r->kek);

    if (rc == ERR_OK)
        return rc;
    secret_free(r->kek);
    r->kek = NULL;
    err_note("keyring %s", r->path);
    if (rc == ERR_CORRUPT)
        hint_previous(r, false);
    if (rc == ERR_KEY_INVALID && r->passphrase_file != NULL)
        err_hint("the passphrase came from %s", r->passphrase_file);
    return rc;
}

/* A typed passphrase may be repeated; one from a file would be the same again. */
static enum err unlock_protected(struct file_ring *r, const struct file_keyring *k)
{
    bool is_typed = r->passphrase_file == NULL;
    enum err rc;

    if (r->was_rejected)
        return err_set(ERR_KEY_INVALID, "keyring %s: the passphrase does not open it", r->path);
    for (int tries = 1;; tries++) {
        rc = unlock_with(r, &k->protection);
        if (rc == ERR_OK)
            rc = check_kek(r, k);
        if (rc != ERR_KEY_INVALID || !is_typed || tries == PASSPHRASE_TRIES)
            break;
        log_say(LOG_WARN, "wrong passphrase, try again");
    }
    r->was_rejected = rc == ERR_KEY_INVALID && is_typed;
    return rc;
}

/* What this machine remembers. */

static void hint_new_keyring(void)
{
    err_hint("if you put it there, give --new-keyring once");
}

/* Before the passphrase is asked for. */
static enum err compare_identity(const struct file_ring *r, const struct file_seen *seen,
                                 const struct file_keyring *k)
{
    char known[2 * SEAL_ID_LEN + 1], found[2 * SEAL_ID_LEN + 1];

    if (r->accepts_new)
        return ERR_OK;
    if (seen->has_path && memcmp(seen->id, k->id, SEAL_ID_LEN) != 0) {
        text_hex(bytes_of(seen->id, SEAL_ID_LEN), known);
        text_hex(bytes_of(k->id, SEAL_ID_LEN), found);
        err_set(ERR_CORRUPT, "keyring %s is another one than it was: %s, and this machine knows %s",
                r->path, found, known);
        hint_new_keyring();
        return ERR_CORRUPT;
    }
    if (seen->was_protected && !file_is_protected(k)) {
        err_set(ERR_CORRUPT, "keyring %s was protected by a passphrase and is not any more",
                r->path);
        hint_new_keyring();
        return ERR_CORRUPT;
    }
    return ERR_OK;
}

/* What is news is kept. An older generation is not, unless the user says that it is the one. */
static void remember(const struct file_ring *r, const struct file_seen *seen)
{
    const struct file_keyring *k = &r->model;
    bool is_same = seen->is_complete && memcmp(seen->id, k->id, SEAL_ID_LEN) == 0 &&
                   seen->was_protected == file_is_protected(k);
    bool is_older = k->generation < seen->generation;

    if (is_older ? r->accepts_new : !is_same || k->generation > seen->generation)
        file_seen_write(r->state_dir, r->path, k, r->accepts_new);
}

/* `known` is what the keyring and this machine know. */
static uint64_t witnessed_generation(struct file_ring *r, uint64_t known)
{
    char id[2 * SEAL_ID_LEN + 1];
    char claim[KEYRING_CLAIM_MAX + 1] = "";
    uint64_t highest;

    if (r->witness.generation == NULL)
        return 0;
    text_hex(bytes_of(r->model.id, SEAL_ID_LEN), id);
    highest = r->witness.generation(r->witness.arg, FILE_PROVIDER_NAME, id,
                                    known + KEYRING_GENERATION_LEAP, claim);
    if (claim[0] != '\0' && !r->was_claim_warned) {
        r->was_claim_warned = true;
        log_say(LOG_WARN,
                "%s claims a generation of keyring %s that is impossibly high, and is not "
                "believed: its writer may have been taken over",
                claim, r->path);
    }
    return highest;
}

uint64_t file_ring_generation(struct file_ring *r)
{
    uint64_t highest = r->model.generation;
    uint64_t witnessed;

    if (r->seen_generation > highest)
        highest = r->seen_generation;
    witnessed = witnessed_generation(r, highest);
    return witnessed > highest ? witnessed : highest;
}

/* Who knows of a newer one, in words; false: nobody. */
static bool is_older(struct file_ring *r, char words[128])
{
    uint64_t own = r->model.generation;
    uint64_t highest = file_ring_generation(r);

    if (own >= highest)
        return false;
    snprintf(words, 128, "its generation is %" PRIu64 ", and %s has seen %" PRIu64, own,
             highest == r->seen_generation ? "this machine" : "the repository's ledger", highest);
    return true;
}

enum err file_ring_require_newest(struct file_ring *r)
{
    char words[128];

    if (r->accepts_new || !is_older(r, words))
        return ERR_OK;
    err_set(ERR_CORRUPT, "keyring %s is an older copy: %s", r->path, words);
    err_hint("put the newest copy in its place; if there is none, give --new-keyring, and look at "
             "`sealpoint key status` for versions that were disabled or deleted");
    return ERR_CORRUPT;
}

void file_ring_warn_older(struct file_ring *r, const struct key_name *key)
{
    struct key_state state = {.verdict = KEY_VALID};
    char words[128];

    if (r->was_warned || !is_older(r, words))
        return;
    r->was_warned = true;
    log_say(LOG_WARN, "keyring %s is an older copy: %s", r->path, words);
    if (r->witness.state == NULL || !r->witness.state(r->witness.arg, key, &state))
        return;
    if (state.verdict == KEY_INVALID)
        log_say(LOG_WARN, "the ledger knows its version %s as %s", key->version, state.reason);
    else
        log_say(LOG_WARN, "the ledger knows its version %s as valid", key->version);
}

void file_ring_set_witness(struct file_ring *r, const struct keyring_witness *witness)
{
    r->witness = *witness;
}

int64_t file_ring_witness_ms(const struct file_ring *r)
{
    return r->witness.newest_ms;
}

/* Unlocking. */

static enum err check_model(struct file_ring *r, const struct file_keyring *k)
{
    enum err rc;

    if (file_is_protected(k))
        return unlock_protected(r, k);
    if (r->passphrase_file != NULL)
        return refuse_unencrypted(r);
    secret_free(r->kek); /* it was protected a moment ago */
    r->kek = NULL;
    TRY(check_kek(r, k));
out:
    return rc;
}

enum err file_ring_unlock(struct file_ring *r, const struct file_keyring **out)
{
    const struct file_keyring *k = NULL;
    struct file_seen seen = {.has_path = false};
    enum err rc;

    TRY(file_ring_look(r, &k));
    if (!r->is_unlocked) {
        TRY(file_seen_read(r->state_dir, r->path, k->id, &seen));
        TRY(compare_identity(r, &seen, k));
        TRY(check_model(r, k));
        r->is_unlocked = true;
        r->seen_generation = r->accepts_new ? k->generation : seen.generation;
        remember(r, &seen);
    }
    *out = k;
out:
    if (rc != ERR_OK)
        forget_model(r);
    return rc;
}

enum err file_ring_reread(struct file_ring *r, const struct file_place *at,
                          const struct file_keyring **out)
{
    enum err rc;

    forget_model(r);
    TRY(read_model(r, at, &r->model));
    TRY(file_ring_unlock(r, out));
out:
    return rc;
}

void file_ring_adopt(struct file_ring *r, struct file_keyring *k)
{
    forget_model(r);
    r->model = *k;
    *k = (struct file_keyring){.count = 0};
    r->is_unlocked = true;
    r->seen_generation = r->model.generation;
    file_seen_write(r->state_dir, r->path, &r->model, true);
}
