#include "keyring/catalogue/key_opener.h"

#include <string.h>

#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "keyring/catalogue/lineage.h"
#include "keyring/catalogue/record_key.h"
#include "keyring/catalogue/rewrap_record.h"
#include "keyring/catalogue/snapshot_record.h"

/*
 * The copies of an envelope are tried one after the other, and the first that opens and fits the
 * commitment counts: whichever it is, the data key is the one that the signed record names.
 *
 *  - A damaged copy is passed over, and so is one by a master key that is not there.
 *  - A version that was withdrawn (disabled, about to be deleted) ends the search: somebody wants
 *    what it wraps to stay closed, and an older envelope must not open it behind his back. Who
 *    wants it open makes that version valid again.
 *  - But not when it was withdrawn before the copy is said to be made, or never existed: nobody can
 *    have wrapped by it then. So says who has stolen a key of role "keys" and wants the good
 *    envelopes to be buried. Nor when it is destroyed: that cannot be taken back.
 *  - A master key that cannot be reached ends it, too: nobody can tell what it would say.
 */

/* Opened data keys that are kept: two of these are as many secrets as verify holds besides. */
#define OPENED_MAX 4096
/* Failures that are told; more are only counted. */
#define FAILURES_MAX 8

struct opened {
    uint8_t scope[SEAL_ID_LEN];
    uint8_t commitment[SEAL_COMMITMENT_LEN];
    struct secret *key; /* owned */
};

struct key_opener {
    struct keyring *keyring;     /* borrowed */
    const struct ledger *ledger; /* borrowed; NULL: there is none */
    size_t envelope;
    struct lineage lineage; /* read when it is first needed */
    bool has_lineage;
    struct opened *opened; /* owned; sorted by scope and commitment */
    size_t opened_count;
    size_t opened_cap;
    size_t stale;
};

enum err key_opener_new(struct keyring *keyring, const struct ledger *ledger, size_t envelope,
                        struct key_opener **out)
{
    struct key_opener *o = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *o, &o));
    o->keyring = keyring;
    o->ledger = ledger;
    o->envelope = envelope;
    *out = o;
out:
    return rc;
}

static void forget_opened(struct key_opener *o)
{
    while (o->opened_count > 0)
        secret_free(o->opened[--o->opened_count].key);
}

void key_opener_free(struct key_opener *o)
{
    if (o == NULL)
        return;
    forget_opened(o);
    mem_free(o->opened);
    lineage_clear(&o->lineage);
    mem_free(o);
}

size_t key_opener_stale(const struct key_opener *o)
{
    return o->stale;
}

/* ---- what was opened before ---- */

static int compare_opened(const struct opened *a, const struct data_key *b)
{
    int order = memcmp(a->scope, b->context.scope, SEAL_ID_LEN);

    return order != 0 ? order : memcmp(a->commitment, b->commitment, SEAL_COMMITMENT_LEN);
}

/* Its place among the opened ones, or where it would be. */
static size_t find_place(const struct key_opener *o, const struct data_key *key)
{
    size_t low = 0;
    size_t high = o->opened_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_opened(&o->opened[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct secret *find_opened(const struct key_opener *o, const struct data_key *key)
{
    size_t i = find_place(o, key);

    if (i == o->opened_count || compare_opened(&o->opened[i], key) != 0)
        return NULL;
    return o->opened[i].key;
}

/* Takes *secret. */
static enum err keep_opened(struct key_opener *o, const struct data_key *key,
                            struct secret **secret)
{
    size_t i;
    enum err rc;

    if (o->opened_count == OPENED_MAX)
        forget_opened(o);
    TRY(mem_grow(o->opened_count, sizeof *o->opened, &o->opened_cap, &o->opened));
    i = find_place(o, key);
    memmove(&o->opened[i + 1], &o->opened[i], (o->opened_count - i) * sizeof *o->opened);
    o->opened[i].key = *secret;
    memcpy(o->opened[i].scope, key->context.scope, SEAL_ID_LEN);
    memcpy(o->opened[i].commitment, key->commitment, SEAL_COMMITMENT_LEN);
    o->opened_count++;
    *secret = NULL; /* the opener's now */
out:
    return rc;
}

/* ---- the copies ---- */

/* Why a copy did not open, and which it was. */
struct failure {
    char copy[RECORD_NAME_LEN + 1];
    struct err_record why;
};

/* One data key while its copies are tried. */
struct opening {
    struct key_opener *of;
    const struct data_key *key;
    struct secret *secret; /* owned; NULL: none has opened yet */
    struct buf tried;      /* digests of envelopes: manifest and record mostly have the same */
    struct failure *failures;
    size_t failed;
};

static bool is_about_this_copy(enum err rc)
{
    return rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED || rc == ERR_USAGE;
}

/* Is the version that refuses withdrawn, and could it have wrapped anything when the copy was made?
 */
static bool is_withdrawn_since(const struct key_state *state, const struct record *from)
{
    if (strcmp(state->reason, "notFound") == 0 || strcmp(state->reason, "anotherKey") == 0 ||
        strcmp(state->reason, "destroyed") == 0)
        return false;
    return from == NULL || state->since_ms == 0 || state->since_ms > from->created_ms;
}

static enum err digest_envelope(const struct envelope *e, uint8_t out[HASH_LEN])
{
    struct hash *hash = NULL;
    enum err rc;

    TRY(hash_new(&hash));
    TRY(hash_add(hash, bytes_of(&e->key, sizeof e->key)));
    TRY(hash_add(hash, bytes_of(e->algorithm, sizeof e->algorithm)));
    TRY(hash_add(hash, bytes_of(e->wrapped, e->wrapped_len)));
    TRY(hash_end(hash, out));
out:
    hash_free(hash);
    return rc;
}

static enum err was_tried(struct opening *p, const struct envelope *e, bool *was)
{
    uint8_t digest[HASH_LEN];
    enum err rc;

    *was = true;
    TRY(digest_envelope(e, digest));
    for (size_t i = 0; i < p->tried.len; i += HASH_LEN)
        if (memcmp(p->tried.data + i, digest, HASH_LEN) == 0)
            goto out;
    *was = false;
    TRY(buf_add(&p->tried, bytes_of(digest, HASH_LEN)));
out:
    return rc;
}

static void keep_failure(struct opening *p, const struct record *from, enum err rc)
{
    if (p->failed++ >= FAILURES_MAX)
        return;
    if (from != NULL)
        record_name(from->writer, from->seq, p->failures[p->failed - 1].copy);
    else
        memcpy(p->failures[p->failed - 1].copy, "the manifest", sizeof "the manifest");
    err_take(rc, &p->failures[p->failed - 1].why);
}

/* `from`: the record that the copy stands in; NULL: a manifest. */
static enum err try_copy(struct opening *p, const struct data_key *copy, const struct record *from)
{
    const size_t i = p->of->envelope;
    struct key_state state;
    bool was = false;
    enum err rc = ERR_OK;

    if (i < copy->envelope_count)
        TRY(was_tried(p, &copy->envelopes[i], &was));
    if (was)
        goto out;
    rc = keyring_open_envelope(p->of->keyring, copy, i, &state, &p->secret);
    if (is_about_this_copy(rc) || (rc == ERR_KEY_INVALID && !is_withdrawn_since(&state, from))) {
        keep_failure(p, from, rc);
        rc = ERR_OK;
    }
out:
    return rc;
}

static enum err try_rewraps(struct opening *p)
{
    const struct record *r = NULL;
    struct data_key copy = {0};
    enum err rc = ERR_OK;

    if (p->of->ledger == NULL)
        goto out;
    do {
        data_key_clear(&copy);
        TRY(rewrap_record_find(p->of->ledger, p->key, r, &r, &copy));
        if (r != NULL)
            TRY(try_copy(p, &copy, r));
    } while (r != NULL && p->secret == NULL);
out:
    data_key_clear(&copy);
    return rc;
}

static bool is_made_in(const struct data_key *key, const struct record *r)
{
    uint8_t scope[SEAL_ID_LEN];
    bool is = record_key_read_scope(r, scope) == ERR_OK &&
              memcmp(scope, key->context.scope, SEAL_ID_LEN) == 0;

    err_clear();
    return is;
}

static const struct record *find_parent(const struct key_opener *o, const struct record *r)
{
    const char *parent = NULL;
    const struct record *found = NULL;

    if (r->type == RECORD_SNAPSHOT && snapshot_record_raw_parent(r, &parent) == ERR_OK &&
        parent != NULL)
        found = lineage_find(&o->lineage, o->ledger, parent);
    err_clear();
    /* A parent comes before its child, or walking up might never end. */
    return found != NULL && record_compare(found, r) < 0 ? found : NULL;
}

/* The record of the snapshot, or of that of its ancestors, whose scope it is; NULL: it is gone. */
static enum err find_maker(struct key_opener *o, const struct record *snapshot,
                           const struct data_key *key, const struct record **out)
{
    const struct record *r = snapshot;
    enum err rc = ERR_OK;

    if (!is_made_in(key, r) && o->ledger != NULL && !o->has_lineage) {
        TRY(lineage_read(o->ledger, &o->lineage));
        o->has_lineage = true;
    }
    while (r != NULL && !is_made_in(key, r))
        r = o->has_lineage ? find_parent(o, r) : NULL;
    *out = r;
out:
    return rc;
}

/* A record whose data key does not decode, or is another, has no copy. */
static enum err try_maker(struct opening *p, const struct record *snapshot)
{
    const struct record *maker = NULL;
    struct data_key copy = {0};
    enum err rc;

    TRY(find_maker(p->of, snapshot, p->key, &maker));
    if (maker == NULL)
        goto out;
    rc = record_key_read(maker, &copy);
    if (is_about_this_copy(rc)) {
        keep_failure(p, maker, rc);
        rc = ERR_OK;
        goto out;
    }
    TRY(rc);
    if (memcmp(copy.commitment, p->key->commitment, SEAL_COMMITMENT_LEN) == 0)
        TRY(try_copy(p, &copy, maker));
out:
    data_key_clear(&copy);
    return rc;
}

static void say_failures(const struct opening *p, size_t from)
{
    size_t kept = p->failed < FAILURES_MAX ? p->failed : FAILURES_MAX;

    for (size_t i = from; i < kept; i++)
        log_say(LOG_WARN, "%s: its envelope does not open: %s", p->failures[i].copy,
                p->failures[i].why.text);
    if (p->failed > kept)
        log_say(LOG_WARN, "and %zu more do not open", p->failed - kept);
}

static enum err try_all(struct opening *p, const struct record *snapshot)
{
    enum err rc;

    TRY(try_rewraps(p));
    if (p->secret == NULL)
        TRY(try_maker(p, snapshot));
    if (p->secret == NULL)
        TRY(try_copy(p, p->key, NULL));
out:
    return rc;
}

enum err key_opener_open(struct key_opener *o, const struct record *snapshot,
                         const struct data_key *key, const struct secret **out)
{
    struct opening p = {.of = o, .key = key, .tried = {.max = LEDGER_RECORDS_MAX * HASH_LEN}};
    enum err rc = ERR_OK;

    *out = find_opened(o, key);
    if (*out != NULL)
        goto out;
    TRY(mem_new(FAILURES_MAX, sizeof *p.failures, &p.failures));
    rc = try_all(&p, snapshot);
    o->stale += p.failed > 0 ? 1 : 0;
    if (rc == ERR_OK && p.secret == NULL) { /* none is left */
        say_failures(&p, 1);
        rc = err_give(&p.failures[0].why);
        goto out;
    }
    say_failures(&p, 0);
    TRY(rc);
    TRY(keep_opened(o, key, &p.secret));
    *out = find_opened(o, key);
out:
    secret_free(p.secret);
    buf_clear(&p.tried);
    mem_free(p.failures);
    return rc;
}
