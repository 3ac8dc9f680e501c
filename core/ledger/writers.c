#include "core/ledger/writers.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/ledger/repository_id.h"
#include "core/ledger/writer_change.h"

#define SUITE_OURS 1
#define SUITES_MAX 256

void writers_clear(struct writers *writers)
{
    mem_free(writers->items);
    *writers = (struct writers){.founded = false};
}

/* One item more than needed: a copy is made to apply a record to it, and an array of 0 has no
 * memory. */
enum err writers_copy(const struct writers *from, struct writers *out)
{
    struct writers copy = *from;
    enum err rc;

    copy.items = NULL;
    TRY(mem_resize(from->count + 1, sizeof *copy.items, &copy.items));
    if (from->count > 0)
        memcpy(copy.items, from->items, from->count * sizeof *copy.items);
    *out = copy;
out:
    return rc;
}

bool writers_is_root(const struct writers *writers, const uint8_t id[SIGNER_ID_LEN])
{
    return memcmp(id, writers->root, SIGNER_ID_LEN) == 0;
}

static struct writer *find_writer(const struct writers *writers, const uint8_t id[SIGNER_ID_LEN])
{
    for (size_t i = 0; i < writers->count; i++)
        if (memcmp(writers->items[i].id, id, SIGNER_ID_LEN) == 0)
            return &writers->items[i];
    return NULL;
}

const struct writer *writers_find(const struct writers *writers, const uint8_t id[SIGNER_ID_LEN])
{
    return find_writer(writers, id);
}

/* The suites that objects of this repository may be sealed with. Others than ours may stand beside
 * it: an object of one is refused when it is opened. */
static enum err check_suites(const struct jdoc *genesis)
{
    struct jdoc *list = NULL;
    uint64_t suite = 0;
    bool is_ours = false;
    size_t count = 0;
    enum err rc;

    TRY(jdoc_list(genesis, "suites", SUITES_MAX, &list, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(jdoc_item_number(list, i, UINT16_MAX, &suite));
        is_ours = is_ours || suite == SUITE_OURS;
    }
    if (!is_ours)
        FAIL(ERR_UNSUPPORTED, "the repository allows no cipher suite that this release knows");
out:
    return rc;
}

static enum err check_signature(const struct record *record, const uint8_t *key)
{
    enum err rc = record_check(record, key);

    if (rc == ERR_CORRUPT)
        record_note_damage();
    return rc;
}

/* Bound to root, and so is everything sealed: its context has the id. */
static enum err check_repository_id(const struct record *genesis, const struct jdoc *payload,
                                    const uint8_t root_key[SIGNER_PUBLIC_LEN])
{
    uint8_t nonce[REPOSITORY_NONCE_LEN];
    uint8_t id[SEAL_ID_LEN];
    enum err rc;

    TRY(jdoc_hex(payload, "nonce", nonce, sizeof nonce));
    TRY(repository_id_derive(root_key, nonce, id));
    if (memcmp(id, genesis->repository, SEAL_ID_LEN) != 0)
        FAIL(ERR_CORRUPT, "its repositoryId is not the one of its root key");
out:
    return rc;
}

enum err writers_found(struct writers *writers, const struct record *genesis)
{
    struct jdoc *payload = NULL;
    uint8_t id[SIGNER_ID_LEN];
    enum err rc;

    TRY(record_payload(genesis, &payload));
    if (genesis->seq != 0)
        FAIL(ERR_CORRUPT, "a genesis record must be the first of its chain");
    /* The key is in the record that it signs; the fingerprint, checked elsewhere, says which is
     * right. */
    TRY(writer_key_read(payload, "rootKey", writers->root_key, id));
    if (memcmp(id, genesis->writer, SIGNER_ID_LEN) != 0)
        FAIL(ERR_CORRUPT, "the genesis record is not in the chain of its root key");
    TRY(check_signature(genesis, writers->root_key));
    TRY(check_suites(payload));
    TRY(writer_algorithms_check(payload));
    TRY(check_repository_id(genesis, payload, writers->root_key));
    memcpy(writers->repository, genesis->repository, SEAL_ID_LEN);
    memcpy(writers->root, id, SIGNER_ID_LEN);
    writers->founded = true;
out:
    jdoc_free(payload);
    return rc;
}

/* Whether a key with these roles may sign that type; root has none, and types of its own. */
static bool may_sign(bool is_root, unsigned roles, enum record_type type)
{
    enum record_role role = record_type_role(type);

    if (is_root)
        return role == ROLE_ROOT || type == RECORD_TOMBSTONE;
    return role != ROLE_ROOT && (roles & ROLE_BIT(role)) != 0;
}

static enum err check_type(bool is_root, const struct writer *w, const struct record *record)
{
    enum record_role role = record_type_role(record->type);

    if (may_sign(is_root, w != NULL ? w->roles : 0, record->type))
        return ERR_OK;
    if (is_root)
        return err_set(ERR_CORRUPT, "a %s record is not for the root key to sign",
                       record_type_name(record->type));
    if (role == ROLE_ROOT)
        return err_set(ERR_CORRUPT, "a %s record may be signed by the root key only",
                       record_type_name(record->type));
    return err_set(ERR_CORRUPT, "a %s record takes the role \"%s\", which its writer does not have",
                   record_type_name(record->type), record_role_name(role));
}

/* Times say nothing here: the thief of a key can set them back. The number of the last good record
 * he cannot get behind, and its id keeps him from forking the chain in front of it. */
static enum err check_revocation(const struct writer *w, const struct record *record)
{
    if (w == NULL || !w->revoked)
        return ERR_OK;
    if (!w->has_last || record->seq > w->last_seq) {
        err_set(ERR_CORRUPT, "its writer had been revoked by then");
        err_hint("it does not count: look at it, then remove it, and what follows it in that "
                 "directory, from the repository");
        return ERR_CORRUPT;
    }
    if (record->seq == w->last_seq && memcmp(record->id, w->last_id, RECORD_ID_LEN) != 0)
        return err_set(ERR_CORRUPT, "it is not the record that was its writer's last when that was "
                                    "revoked: the chain was forked");
    return ERR_OK;
}

bool writers_count_place(const struct writers *writers, const uint8_t writer[SIGNER_ID_LEN],
                         uint64_t seq)
{
    const struct writer *w = find_writer(writers, writer);

    return w == NULL || !w->revoked || (w->has_last && seq <= w->last_seq);
}

static const uint8_t *find_public_key(const struct writers *writers,
                                      const uint8_t writer[SIGNER_ID_LEN])
{
    const struct writer *w = find_writer(writers, writer);

    return writers_is_root(writers, writer) ? writers->root_key : w != NULL ? w->key : NULL;
}

enum err writers_check_signature(const struct writers *writers, const struct record *record)
{
    const uint8_t *key = find_public_key(writers, record->writer);

    return key != NULL ? check_signature(record, key) : ERR_OK;
}

static enum err refuse_unknown(void)
{
    return err_set(ERR_CORRUPT,
                   "its writer is not enrolled: it is forged, or the enrolment is missing");
}

/* Nothing of a record is parsed before somebody answers for it. */
enum err writers_admit(const struct writers *writers, struct record *record)
{
    const uint8_t *key = find_public_key(writers, record->writer);
    enum err rc = ERR_OK;

    if (record->decoded)
        goto out;
    if (key == NULL)
        return refuse_unknown();
    TRY(check_signature(record, key));
    rc = record_decode(record);
    if (rc == ERR_CORRUPT)
        record_note_damage();
out:
    return rc;
}

enum err writers_check(const struct writers *writers, const struct record *record,
                       bool signature_known)
{
    const struct writer *w = find_writer(writers, record->writer);
    const uint8_t *key = find_public_key(writers, record->writer);
    enum err rc = ERR_OK;

    if (key == NULL)
        return refuse_unknown();
    if (!signature_known)
        TRY(check_signature(record, key));
    if (memcmp(record->repository, writers->repository, SEAL_ID_LEN) != 0)
        FAIL(ERR_CORRUPT, "the record belongs to another repository");
    TRY(check_type(writers_is_root(writers, record->writer), w, record));
    TRY(check_revocation(w, record));
out:
    return rc;
}

/* A writer is enrolled once and for all: enrolling a revoked key again would make its forgeries
 * valid. Root is not: what it signs offline must not be signed daily. */
static enum err enrol_writer(struct writers *writers, const struct writer_change *change,
                             int64_t time_ms)
{
    struct writer w = {.roles = change->roles, .created_ms = time_ms};
    const struct writer *known = find_writer(writers, change->subject);
    enum err rc;

    memcpy(w.id, change->subject, SIGNER_ID_LEN);
    memcpy(w.key, change->key, SIGNER_PUBLIC_LEN);
    if (writers_is_root(writers, w.id))
        FAIL(ERR_CORRUPT, "the root key is enrolled as a writer");
    if (known != NULL && known->revoked)
        FAIL(ERR_CORRUPT, "a revoked writer is enrolled again");
    if (known != NULL)
        FAIL(ERR_CORRUPT, "a writer is enrolled twice");
    if (writers->count >= WRITERS_MAX)
        FAIL(ERR_CORRUPT, "more than %d writers", WRITERS_MAX);
    TRY(mem_resize(writers->count + 1, sizeof *writers->items, &writers->items));
    writers->items[writers->count++] = w;
out:
    return rc;
}

static enum err revoke_writer(struct writers *writers, const struct writer_change *change,
                              int64_t time_ms)
{
    struct writer *w = find_writer(writers, change->subject);
    enum err rc = ERR_OK;

    if (w == NULL)
        FAIL(ERR_CORRUPT, "a writer is revoked that was never enrolled");
    if (w->revoked)
        goto out; /* the first revocation counts */
    w->revoked = true;
    w->revoked_ms = time_ms;
    w->has_last = change->has_last;
    w->last_seq = change->last_seq;
    memcpy(w->last_id, change->last_id, RECORD_ID_LEN);
out:
    return rc;
}

enum err writers_apply(struct writers *writers, const struct record *record)
{
    struct writer_change change;
    enum err rc = ERR_OK;

    if (record->type != RECORD_WRITER)
        goto out;
    TRY(writer_change_read(record, &change));
    if (change.is_revocation)
        TRY(revoke_writer(writers, &change, record->created_ms));
    else
        TRY(enrol_writer(writers, &change, record->created_ms));
out:
    return rc;
}

bool writers_allow(const struct writers *writers, const uint8_t writer[SIGNER_ID_LEN],
                   enum record_type type)
{
    const struct writer *w = find_writer(writers, writer);

    if (w != NULL && w->revoked)
        return false;
    return may_sign(writers_is_root(writers, writer), w != NULL ? w->roles : 0, type);
}
