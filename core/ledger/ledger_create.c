#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/rand.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/ledger/ledger_fetch.h"
#include "core/ledger/ledger_internal.h"
#include "core/ledger/repository_id.h"
#include "core/ledger/writer_change.h"

/*
 * Each step can be repeated after a kill. The state directory is named by the fingerprint, so the
 * genesis record is made first, in memory; then both keys are saved, root's by the caller and this
 * machine's here, and only then is the record put: what the store has is never without its keys. A
 * run that was killed in between leaves a state directory of a repository that never was; the next
 * one makes another. A store that has only the first records, by the same root, and that this state
 * directory has never opened as a complete repository, was left by a run that was killed; it is
 * completed.
 */
#define FIRST_RECORDS 2 /* genesis and the writer's enrolment */

/* Named by the genesis record, unless the caller has named it. */
static enum err have_state(struct ledger *l, const struct ledger_options *options,
                           const struct record *genesis)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    char *path = NULL;
    enum err rc = ERR_OK;

    if (l->state_dir != NULL)
        goto out;
    text_hex(bytes_of(genesis->id, RECORD_ID_LEN), fingerprint);
    TRY(file_join(options->states, fingerprint, &path));
    TRY(ledger_use_state(l, path));
out:
    mem_free(path);
    return rc;
}

enum err ledger_have_signer(struct ledger *l)
{
    char *path = NULL;
    enum err rc = ERR_OK;

    TRY(ledger_check_key(l));
    if (l->signer != NULL)
        goto out;
    if (l->state_dir == NULL)
        FAIL(ERR_STORAGE, "without a state directory there is no place for a signing key");
    TRY(file_join(l->state_dir, STATE_SIGNING_KEY, &path));
    TRY(signer_new(&l->signer));
    TRY(ledger_lock(l));
    TRY(signer_save(l->signer, path));
    TRY(signer_id(signer_public(l->signer), l->own));
out:
    ledger_unlock(l);
    mem_free(path);
    return rc;
}

static enum err put_new(const struct ledger *l, const struct record *r)
{
    char name[RECORD_NAME_LEN + 1];
    enum err rc;

    record_name(r->writer, r->seq, name);
    rc = store_put(l->store, name, buf_bytes(&r->raw));
    if (rc == ERR_EXISTS)
        rc = err_set(ERR_BUSY, "%s: another run is creating a repository here",
                     store_where(l->store));
    return rc;
}

static enum err make_genesis(const struct signer *root, struct record **out)
{
    struct bytes key = bytes_of(signer_public(root), SIGNER_PUBLIC_LEN);
    struct record_place place = {.seq = 0, .created_ms = clock_now_ms()};
    uint8_t nonce[REPOSITORY_NONCE_LEN];
    struct jdoc *body = NULL;
    enum err rc;

    TRY(clock_check_epoch());
    TRY(rand_fill(nonce, sizeof nonce));
    TRY(repository_id_derive(key.data, nonce, place.repository));
    TRY(jdoc_parse(bytes_of_text("{\"suites\":[1]}"), &body));
    TRY(writer_algorithms_write(body));
    TRY(jdoc_set_base64(body, "rootKey", key));
    TRY(jdoc_set_hex(body, "nonce", bytes_of(nonce, sizeof nonce)));
    TRY(record_make(RECORD_GENESIS, &place, body, root, out));
out:
    jdoc_free(body);
    return rc;
}

static enum err put_genesis(struct ledger *l, const struct ledger_options *options,
                            struct record **out)
{
    const struct ledger_root *root = &options->root;
    struct record *genesis = NULL;
    enum err rc;

    TRY(make_genesis(root->key, &genesis));
    TRY(have_state(l, options, genesis));
    if (root->keep != NULL)
        TRY(root->keep(root->keep_arg, l->state_dir));
    TRY(ledger_have_signer(l));
    TRY(put_new(l, genesis));
    *out = genesis;
    genesis = NULL; /* the caller's now */
out:
    record_free(genesis);
    return rc;
}

/* The first writer has all roles; who wants them apart enrols others and revokes this one. */
static enum err put_enrolment(const struct ledger *l, const struct signer *root,
                              const struct record *genesis)
{
    struct record_place place = {.seq = 1, .prev = genesis->id, .created_ms = clock_now_ms()};
    struct writer_change change = {.roles = ROLES_ALL};
    struct record *r = NULL;
    struct jdoc *body = NULL;
    enum err rc;

    memcpy(place.repository, genesis->repository, SEAL_ID_LEN);
    if (place.created_ms < genesis->created_ms)
        place.created_ms = genesis->created_ms;
    memcpy(change.key, signer_public(l->signer), SIGNER_PUBLIC_LEN);
    TRY(writer_change_write(&change, &body));
    TRY(record_make(RECORD_WRITER, &place, body, root, &r));
    TRY(put_new(l, r));
out:
    record_free(r);
    jdoc_free(body);
    return rc;
}

static enum err is_there_already(const struct ledger *l)
{
    return err_set(ERR_EXISTS, "%s: there is already a repository", store_where(l->store));
}

static enum err check_is_ours(const struct ledger *l, const struct signer *root,
                              const struct record_set *there)
{
    bool ours = !l->seen.known && (there->count < FIRST_RECORDS || l->signer != NULL);
    uint8_t id[SIGNER_ID_LEN];
    enum err rc;

    TRY(signer_id(signer_public(root), id));
    for (size_t i = 0; ours && i < there->count; i++)
        ours = there->items[i].seq == i && memcmp(there->items[i].writer, id, SIGNER_ID_LEN) == 0;
    if (!ours)
        rc = is_there_already(l);
out:
    return rc;
}

static enum err check_is_new(const struct ledger *l, const struct ledger_options *options)
{
    if (options->fingerprint != NULL)
        return err_set(ERR_USAGE, "%s: a new repository cannot have a given fingerprint",
                       store_where(l->store));
    if (!l->seen.known)
        return ERR_OK;
    (void)err_set(ERR_EXISTS,
                  "the state directory %s belongs to another repository, with fingerprint %s",
                  l->state_dir, l->seen.fingerprint);
    err_hint("use another state directory for a new repository");
    return ERR_EXISTS;
}

/* The genesis record, put now or by a run that was killed. */
static enum err have_genesis(struct ledger *l, const struct ledger_options *options,
                             struct record_set *there, struct record **out)
{
    enum err rc;

    if (there->count > FIRST_RECORDS)
        return is_there_already(l);
    if (there->count > 0) {
        TRY(ledger_fetch_record(l->store, &there->items[0]));
        TRY(record_decode(there->items[0].record)); /* believed when it is opened */
        TRY(have_state(l, options, there->items[0].record));
        TRY(check_is_ours(l, options->root.key, there));
        *out = there->items[0].record;
        there->items[0].record = NULL; /* the caller's now */
    } else {
        TRY(check_is_new(l, options));
        TRY(put_genesis(l, options, out));
    }
out:
    return rc;
}

enum err ledger_create(const struct ledger_options *options, struct ledger **out)
{
    struct ledger_options mine = *options;
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    struct ledger *l = NULL;
    struct record *genesis = NULL;
    struct record_set there = {.items = NULL};
    enum err rc;

    TRY(ledger_begin(options, &l));
    TRY(ledger_fetch_names(l->store, false, &there));
    TRY(have_genesis(l, options, &there, &genesis));
    if (there.count < FIRST_RECORDS) {
        TRY(ledger_have_signer(l));
        TRY(put_enrolment(l, options->root.key, genesis));
    }
    if (mine.fingerprint == NULL) {
        text_hex(bytes_of(genesis->id, RECORD_ID_LEN), fingerprint);
        mine.fingerprint = fingerprint; /* we made it: this is no trust on first use */
    }
    mine.state_dir = l->state_dir;
    TRY(ledger_open(&mine, out));
out:
    record_set_clear(&there);
    record_free(genesis);
    ledger_free(l);
    return rc;
}
