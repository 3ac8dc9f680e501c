#include "keyring/keyring.h"

#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/rand.h"
#include "core/base/text.h"
#include "keyring/keyring_internal.h"
#include "keyring/provider.h"

/*
 * A data key is wrapped once by the active version of each configured master key; each wrap is an
 * envelope, and any one of them opens the data key. The wrapped key never says by itself whether it
 * is the right one, so the record also has a commitment to the data key.
 *
 * Opening an envelope: find the configured master key that it names; ask for the state of its
 * version, so that a disabled key is refused even by a provider that would still decrypt; unwrap by
 * exactly that version; recompute the commitment and compare. A provider that cannot be asked is
 * never taken for one that says no: ERR_KEY_UNREACHABLE and ERR_KEY_INVALID stay apart all the way
 * up.
 */
enum err keyring_of(const struct provider *const *providers, void *const *selves, size_t count,
                    struct keyring **out)
{
    struct keyring *k = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *k, &k));
    for (size_t i = 0; i < count; i++)
        k->keys[i] = (struct master_key){.does = providers[i], .self = selves[i]};
    k->count = count;
    *out = k;
out:
    if (rc != ERR_OK)
        for (size_t i = 0; i < count; i++)
            providers[i]->free(selves[i]);
    return rc;
}

enum err keyring_open(const struct master_key_options *keys, size_t count, struct keyring **out)
{
    struct keyring *k = NULL;
    enum err rc;

    if (count == 0 || count > KEYRING_KEYS_MAX)
        FAIL(ERR_USAGE, "%zu master keys are configured; 1 to %d are possible", count,
             KEYRING_KEYS_MAX);
    TRY(mem_new(1, sizeof *k, &k));
    for (size_t i = 0; i < count; i++) {
        TRY(provider_find(keys[i].provider, &k->keys[i].does));
        TRY(k->keys[i].does->open(&keys[i], &k->keys[i].self));
        k->count = i + 1;
    }
    *out = k;
    k = NULL; /* the caller's now */
out:
    keyring_free(k);
    return rc;
}

void keyring_free(struct keyring *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < k->count; i++)
        k->keys[i].does->free(k->keys[i].self);
    mem_free(k);
}

void keyring_prepare(struct keyring *k)
{
    for (size_t i = 0; i < k->count; i++)
        if (k->keys[i].does->prepare != NULL)
            k->keys[i].does->prepare(k->keys[i].self);
}

size_t keyring_count(const struct keyring *k)
{
    return k->count;
}

void keyring_remind(struct keyring *k, const struct keyring_witness *witness)
{
    for (size_t i = 0; i < k->count; i++)
        if (k->keys[i].does->remind != NULL)
            k->keys[i].does->remind(k->keys[i].self, witness);
}

/* One that names it is enough, whatever the others say, and best one that names it alone. */
enum err keyring_serves(struct keyring *k, const char *fingerprint, enum keyring_service *out)
{
    enum keyring_service found = KEYRING_NAMES_NONE;
    uint8_t raw[HASH_LEN];
    enum err rc;

    if (text_unhex(fingerprint, raw, sizeof raw) != ERR_OK)
        FAIL(ERR_USAGE, "\"%.80s\" is not a fingerprint", fingerprint);
    for (size_t i = 0; i < k->count && found != KEYRING_NAMES_IT; i++) {
        enum keyring_service said = KEYRING_NAMES_NONE;

        if (k->keys[i].does->serves != NULL)
            TRY(k->keys[i].does->serves(k->keys[i].self, raw, &said));
        if (said != KEYRING_NAMES_NONE && found != KEYRING_NAMES_IT_TOO)
            found = said;
        if (said == KEYRING_NAMES_IT)
            found = said;
    }
    *out = found;
    rc = ERR_OK;
out:
    return rc;
}

enum err keyring_has(const struct keyring *k, size_t i)
{
    if (i >= k->count)
        return err_set(ERR_USAGE, "there is no master key %zu; %zu are configured, counted from 0",
                       i, k->count);
    return ERR_OK;
}

enum err keyring_active(struct keyring *k, size_t i, struct key_name *out)
{
    enum err rc;

    TRY(keyring_has(k, i));
    TRY(k->keys[i].does->active(k->keys[i].self, out));
out:
    return rc;
}

/* The configured master key of that provider and key id. If none says it is the one, but one of
 * them could not be asked, nobody can tell: then its failure is returned instead of ERR_USAGE. */
static enum err find_master_key(struct keyring *k, const struct key_name *key,
                                struct master_key **out)
{
    struct err_record unreachable = {.code = ERR_OK};
    bool is_here = false;
    enum err rc;

    for (size_t i = 0; i < k->count; i++) {
        struct master_key *m = &k->keys[i];

        if (strcmp(m->does->name, key->provider) != 0)
            continue;
        rc = m->does->is_mine(m->self, key->key_id, &is_here);
        if (rc == ERR_OK && is_here) {
            *out = m;
            return ERR_OK;
        }
        if (rc != ERR_OK && unreachable.code == ERR_OK)
            err_take(rc, &unreachable);
    }
    if (unreachable.code != ERR_OK) {
        (void)err_give(&unreachable);
        return unreachable.code;
    }
    err_set(ERR_USAGE, "no configured master key is %s %s", key->provider, key->key_id);
    err_hint("configure the one that sealed this (masterKey, or --keyring)");
    return ERR_USAGE;
}

/* Wrapping. */

static enum err wrap_by_active(struct master_key *m, const struct seal_context *context,
                               const struct secret *plain, struct envelope *out)
{
    struct key_name key = {0};
    enum err rc;

    TRY(m->does->active(m->self, &key));
    TRY(m->does->wrap(m->self, &key, context, plain, out));
out:
    return rc;
}

enum err keyring_wrap(struct keyring *k, const struct seal_context *context,
                      const struct secret *data_key, struct data_key *record)
{
    struct data_key d = {.context = *context};
    enum err rc;

    TRY(subkey_commitment(data_key, context, d.commitment));
    TRY(mem_new(k->count, sizeof *d.envelopes, &d.envelopes));
    d.envelope_count = k->count;
    for (size_t i = 0; i < k->count; i++)
        TRY(wrap_by_active(&k->keys[i], context, data_key, &d.envelopes[i]));
    *record = d;
    d.envelopes = NULL; /* the caller's now */
out:
    data_key_clear(&d);
    return rc;
}

enum err keyring_new_data_key(struct keyring *k, const uint8_t repository[SEAL_ID_LEN],
                              struct data_key *record, struct secret **out)
{
    struct seal_context context = {{0}, {0}};
    struct secret *fresh = NULL;
    enum err rc;

    memcpy(context.repository, repository, SEAL_ID_LEN);
    TRY(rand_fill(context.scope, sizeof context.scope));
    TRY(secret_random(SEAL_KEY_LEN, &fresh));
    TRY(keyring_wrap(k, &context, fresh, record));
    *out = fresh;
    fresh = NULL; /* the caller's now */
out:
    secret_free(fresh);
    return rc;
}

/* Opening. */

static enum err check_commitment(const struct data_key *record, const struct secret *data_key)
{
    uint8_t found[SEAL_COMMITMENT_LEN] = {0};
    enum err rc;

    TRY(subkey_commitment(data_key, &record->context, found));
    if (!secret_equal(bytes_of(found, sizeof found),
                      bytes_of(record->commitment, sizeof record->commitment)))
        FAIL(ERR_CORRUPT, "the envelope holds another data key than the record commits to "
                          "(a swapped envelope)");
out:
    return rc;
}

/* The state first, then the unwrap, which is given the key name to expect. */
static enum err unwrap_envelope(struct keyring *k, const struct envelope *e,
                                const struct seal_context *context, struct key_state *state,
                                struct secret **out)
{
    struct master_key *m = NULL;
    enum err rc;

    TRY(find_master_key(k, &e->key, &m));
    TRY(m->does->state(m->self, &e->key, state));
    if (state->verdict != KEY_VALID)
        return key_state_require(&e->key, state);
    TRY(m->does->unwrap(m->self, e, context, out));
out:
    if (rc == ERR_KEY_UNREACHABLE)
        err_note("cannot tell whether master key %s %s version %s may be used", e->key.provider,
                 e->key.key_id, e->key.version);
    return rc;
}

enum err keyring_open_data_key(struct keyring *k, const struct data_key *record, size_t i,
                               struct secret **out)
{
    struct key_state state;

    return keyring_open_envelope(k, record, i, &state, out);
}

enum err keyring_open_envelope(struct keyring *k, const struct data_key *record, size_t i,
                               struct key_state *state, struct secret **out)
{
    struct secret *data_key = NULL;
    enum err rc;

    *state = (struct key_state){.verdict = KEY_UNREACHABLE};
    if (i >= record->envelope_count)
        FAIL(ERR_USAGE, "there is no envelope %zu; this data key has %zu, counted from 0", i,
             record->envelope_count);
    TRY(unwrap_envelope(k, &record->envelopes[i], &record->context, state, &data_key));
    TRY(check_commitment(record, data_key));
    *out = data_key;
    data_key = NULL; /* the caller's now */
out:
    secret_free(data_key);
    return rc;
}

/* States. */

/* A wrap and unwrap of 32 random bytes, bound to a context that nothing else has. */
static enum err try_round_trip(struct master_key *m, const struct key_name *key)
{
    struct seal_context context = {{0}, {0}};
    struct envelope *envelope = NULL;
    struct secret *probe = NULL;
    struct secret *back = NULL;
    enum err rc;

    TRY(rand_fill(&context, sizeof context));
    TRY(secret_random(SEAL_KEY_LEN, &probe));
    TRY(mem_new(1, sizeof *envelope, &envelope));
    TRY(m->does->wrap(m->self, key, &context, probe, envelope));
    TRY(m->does->unwrap(m->self, envelope, &context, &back));
    if (!secret_equal(secret_bytes(probe), secret_bytes(back)))
        FAIL(ERR_CORRUPT, "master key %s %s version %s gives back other bytes than it wrapped",
             key->provider, key->key_id, key->version);
out:
    secret_free(probe);
    secret_free(back);
    mem_free(envelope);
    return rc;
}

/* Turns a failure that concerns the key into a verdict, and returns ERR_OK for it. */
static enum err as_verdict(enum err rc, struct key_state *out)
{
    if (rc != ERR_KEY_INVALID && rc != ERR_KEY_UNREACHABLE)
        return rc;
    memset(out, 0, sizeof *out); /* dates found so far belong to another verdict */
    out->verdict = rc == ERR_KEY_INVALID ? KEY_INVALID : KEY_UNREACHABLE;
    snprintf(out->reason, sizeof out->reason, "%s",
             rc == ERR_KEY_INVALID ? "credentialsRejected" : "unreachable");
    text_printable(err_text(), out->detail, sizeof out->detail); /* it goes into JSON */
    return ERR_OK;
}

static enum err look_at_state(struct keyring *k, const struct key_name *key, bool round_trip,
                              struct key_state *out)
{
    struct master_key *m = NULL;
    enum err rc;

    TRY(find_master_key(k, key, &m));
    TRY(m->does->state(m->self, key, out));
    /* The state says that the key is usable, so a refusal now concerns the credentials. */
    if (round_trip && out->verdict == KEY_VALID)
        TRY(try_round_trip(m, key));
out:
    return rc;
}

enum err keyring_state(struct keyring *k, const struct key_name *key, bool round_trip,
                       struct key_state *out)
{
    struct key_state state;
    enum err rc;

    memset(&state, 0, sizeof state);
    rc = look_at_state(k, key, round_trip, &state);
    TRY(as_verdict(rc, &state));
    *out = state;
out:
    return rc;
}
