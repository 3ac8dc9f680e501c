#include "keyring/file/file_ring.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/rand.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "keyring/file/file_seal.h"
#include "keyring/file/passphrase.h"

/*
 * The file is read again for each operation, so that a version disabled elsewhere is refused here
 * at once. What is kept is the key-encryption key (kek), together with the scrypt parameters it was
 * derived from: while the file has the same parameters, the passphrase need not be read or typed
 * again.
 *
 * Reading checks the form and nothing else. Unlocking derives the kek and checks the mac, so only
 * an unlocked model is known to be genuine. A kek that does not match is forgotten. A typed
 * passphrase may be repeated PASSPHRASE_TRIES times, and after that nobody is asked again; one from
 * a file is read anew at the next operation, for the file may have been corrected.
 *
 * scrypt takes some 40 ms. file_ring_prepare() starts it on a thread of its own when the passphrase
 * lies in a regular file; the thread writes only to `ahead`, which unlock_with() takes over after
 * joining it. If the keyring was changed meanwhile, the parameters differ and the kek is derived
 * again.
 */
#define PASSPHRASE_SHORT 12 /* bytes; fewer are warned of */
#define PASSPHRASE_TRIES 3  /* when it is typed */

/* A kek that is derived on a thread of its own, and its parameters. */
struct ahead {
    bool runs;
    pthread_t thread;
    struct secret *kek; /* owned; NULL: it failed, or is not needed */
    struct file_scrypt kek_of;
};

struct file_ring {
    char *path;            /* owned */
    char *previous;        /* owned */
    char *passphrase_file; /* owned; NULL: ask */
    struct passphrase_source source;
    struct secret *kek; /* owned; NULL: not unlocked, or unencrypted */
    struct file_scrypt kek_of;
    bool was_rejected; /* every typed passphrase was wrong: do not ask again */
    struct ahead ahead;
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

void file_ring_free(struct file_ring *r)
{
    if (r == NULL)
        return;
    stop_ahead(r);
    secret_free(r->kek);
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
}

/* A missing or damaged file can be replaced by the previous generation, if that exists. */
static void hint_previous(const struct file_ring *r, bool is_missing)
{
    if (!file_exists(r->previous))
        err_hint("put a copy of the keyring in its place; without it the snapshots that recorded "
                 "its keys cannot be restored");
    else if (is_missing)
        err_hint("put it back, or its previous generation: `cp -p %s %s`", r->previous, r->path);
    else
        err_hint("the previous generation is %s: keep a copy of both, then put it in place with "
                 "`cp -p %s %s`",
                 r->previous, r->previous, r->path);
}

static enum err read_bytes(const struct file_ring *r, struct buf *raw)
{
    struct stat st;
    enum err rc;

    /* Checked here because file_read() has the same code for every fault of a file. */
    if (stat(r->path, &st) == 0 && st.st_size > (off_t)FILE_KEYRING_LEN_MAX)
        return err_set(ERR_CORRUPT, "%lld bytes are more than a keyring has",
                       (long long)st.st_size);
    rc = file_read(r->path, raw);
    if (rc == ERR_NOT_FOUND)
        rc = err_set(ERR_KEY_UNREACHABLE, "it is not there");
    else if (rc != ERR_OK)
        rc = ERR_KEY_UNREACHABLE;
    return rc;
}

enum err file_ring_read(const struct file_ring *r, struct file_keyring *out, struct buf *raw)
{
    struct buf own = {.max = FILE_KEYRING_LEN_MAX};
    enum err rc;

    TRY(read_bytes(r, &own));
    if (raw != NULL)
        TRY(buf_add(raw, buf_bytes(&own)));
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

static bool same_scrypt(const struct file_scrypt *a, const struct file_scrypt *b)
{
    return a->n == b->n && a->p == b->p && memcmp(a->salt, b->salt, FILE_SALT_LEN) == 0;
}

static enum err derive_kek(const struct file_ring *r, const struct file_scrypt *with, bool is_new,
                           struct secret **out)
{
    struct secret *passphrase = NULL;
    enum err rc;

    TRY(passphrase_get(&r->source, r->path, is_new, &passphrase));
    if (is_new && secret_bytes(passphrase).len < PASSPHRASE_SHORT)
        log_say(LOG_WARN,
                "the passphrase of keyring %s has fewer than %d characters: whoever gets the "
                "file can guess it",
                r->path, PASSPHRASE_SHORT);
    TRY(file_seal_kek(with, passphrase, out));
out:
    secret_free(passphrase);
    return rc;
}

static void use_kek(struct file_ring *r, struct secret *kek, const struct file_scrypt *of)
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
    struct file_keyring k = {.count = 0};
    enum err rc;

    TRY(file_ring_read(r, &k, NULL));
    if (k.is_protected)
        TRY(derive_kek(r, &k.scrypt, false, &r->ahead.kek));
    r->ahead.kek_of = k.scrypt;
out:
    file_keyring_clear(&k);
    return NULL;
}

/* A regular file can be read twice; a descriptor or pipe cannot, and a person is not asked here. */
static bool has_passphrase_on_disk(const struct file_ring *r)
{
    struct stat st;

    return r->passphrase_file != NULL && stat(r->passphrase_file, &st) == 0 && S_ISREG(st.st_mode);
}

/* Signals are handled by the main thread only (pool.c). */
void file_ring_prepare(struct file_ring *r)
{
    sigset_t all, before;

    if (r->kek != NULL || r->ahead.runs || !has_passphrase_on_disk(r))
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r->ahead.runs = pthread_create(&r->ahead.thread, NULL, derive_ahead, r) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Makes r->kek the one for these parameters, unless it is already. */
static enum err unlock_with(struct file_ring *r, const struct file_scrypt *with)
{
    struct secret *kek = NULL;
    enum err rc = ERR_OK;

    if (r->ahead.runs && pthread_join(r->ahead.thread, NULL) == 0 && r->ahead.kek != NULL)
        use_kek(r, r->ahead.kek, &r->ahead.kek_of);
    r->ahead = (struct ahead){.runs = false};
    if (r->kek != NULL && same_scrypt(&r->kek_of, with))
        goto out;
    TRY(derive_kek(r, with, false, &kek));
    use_kek(r, kek, with);
out:
    return rc;
}

enum err file_ring_new_kek(struct file_ring *r, struct file_scrypt *with)
{
    struct secret *kek = NULL;
    enum err rc;

    with->n = FILE_SCRYPT_N;
    with->p = FILE_SCRYPT_P;
    TRY(rand_fill(with->salt, sizeof with->salt));
    TRY(derive_kek(r, with, true, &kek));
    use_kek(r, kek, with);
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
        TRY(unlock_with(r, &k->scrypt));
        rc = check_kek(r, k);
        if (rc != ERR_KEY_INVALID || !is_typed || tries == PASSPHRASE_TRIES)
            break;
        log_say(LOG_WARN, "wrong passphrase, try again");
    }
    r->was_rejected = rc == ERR_KEY_INVALID && is_typed;
out:
    return rc;
}

enum err file_ring_unlock(struct file_ring *r, struct file_keyring *out, struct buf *raw)
{
    struct file_keyring k = {.count = 0};
    enum err rc;

    TRY(file_ring_read(r, &k, raw));
    if (!k.is_protected && r->passphrase_file != NULL) {
        rc = refuse_unencrypted(r);
        goto out;
    }
    if (!k.is_protected) {
        secret_free(r->kek); /* it was protected a moment ago */
        r->kek = NULL;
        TRY(check_kek(r, &k));
    } else {
        TRY(unlock_protected(r, &k));
    }
    *out = k;
    k.versions = NULL; /* the caller's now */
out:
    file_keyring_clear(&k);
    return rc;
}
