#include "core/ledger/writers.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"

#define ACTION_TEXT_MAX 16
#define ROLE_TEXT_MAX 32
#define SUITES_KNOWN "[1]"
#define SUITES_TEXT_MAX ((size_t)4 * KIB)

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

static bool is_root(const struct writers *writers, const uint8_t writer[SIGNER_ID_LEN])
{
    return memcmp(writer, writers->root, SIGNER_ID_LEN) == 0;
}

static struct writer *find_writer(const struct writers *writers,
                                  const uint8_t writer[SIGNER_ID_LEN])
{
    for (size_t i = 0; i < writers->count; i++)
        if (memcmp(writers->items[i].id, writer, SIGNER_ID_LEN) == 0)
            return &writers->items[i];
    return NULL;
}

static enum err read_key(const struct jdoc *from, const char *name, uint8_t key[SIGNER_PUBLIC_LEN],
                         uint8_t id[SIGNER_ID_LEN])
{
    size_t len = 0;
    enum err rc;

    TRY(jdoc_base64(from, name, key, SIGNER_PUBLIC_LEN, &len));
    if (len != SIGNER_PUBLIC_LEN)
        FAIL(ERR_CORRUPT, "member \"%s\" is not %d bytes", name, SIGNER_PUBLIC_LEN);
    TRY(signer_id(key, id));
out:
    return rc;
}

/* The list of suites allowed in this repository. If it names one that is unknown here, data may
 * exist that this release cannot read. */
static enum err check_suites(const struct jdoc *genesis)
{
    struct jdoc *list = NULL;
    struct buf text = {.max = SUITES_TEXT_MAX};
    size_t count = 0;
    enum err rc;

    TRY(jdoc_list(genesis, "suites", 256, &list, &count));
    TRY(jdoc_write(list, &text));
    if (!bytes_equal(buf_bytes(&text), bytes_of_text(SUITES_KNOWN)))
        FAIL(ERR_UNSUPPORTED, "the repository allows cipher suites this release does not know");
out:
    buf_clear(&text);
    return rc;
}

static enum err check_signature(const struct record *record, const uint8_t *key)
{
    enum err rc = record_check(record, key);

    if (rc == ERR_CORRUPT)
        record_note_damage();
    return rc;
}

enum err writers_found(struct writers *writers, const struct record *genesis)
{
    uint8_t id[SIGNER_ID_LEN];
    enum err rc;

    if (genesis->seq != 0)
        FAIL(ERR_CORRUPT, "a genesis record must be the first of its chain");
    /* The key is in the record that it signs; the fingerprint, checked elsewhere, says which is
     * right. */
    TRY(read_key(genesis->payload, "rootKey", writers->root_key, id));
    if (memcmp(id, genesis->writer, SIGNER_ID_LEN) != 0)
        FAIL(ERR_CORRUPT, "the genesis record is not in the chain of its root key");
    TRY(check_signature(genesis, writers->root_key));
    TRY(check_suites(genesis->payload));
    memcpy(writers->repository, genesis->repository, SEAL_ID_LEN);
    memcpy(writers->root, id, SIGNER_ID_LEN);
    writers->founded = true;
out:
    return rc;
}

/* Root may sign its own types without being enrolled, all others only as an enrolled writer. */
static enum err check_type(const struct writers *writers, const struct record *record,
                           const struct writer *w)
{
    if (record_type_by_root(record->type)) {
        if (is_root(writers, record->writer))
            return ERR_OK;
        return err_set(ERR_CORRUPT, "a %s record may be signed by the root key only",
                       record_type_name(record->type));
    }
    if (w == NULL || !w->may_write)
        return err_set(ERR_CORRUPT, "its writer is not enrolled to write");
    return ERR_OK;
}

/* When the revocation names the last good record, seq decides. Otherwise the time does, which the
 * thief of a key could set back: whoever revokes a stolen key should name the last good record. */
static enum err check_revocation(const struct writers *writers, const struct record *record,
                                 const struct writer *w)
{
    bool over;

    if (w == NULL || !w->revoked || record_type_by_root(record->type))
        return ERR_OK;
    if (is_root(writers, record->writer))
        over = true; /* checked in order: it comes after the revocation */
    else if (w->has_last)
        over = record->seq > w->last_seq;
    else
        over = record->created_ms > w->revoked_ms;
    if (over)
        return err_set(ERR_CORRUPT, "its writer had been revoked by then");
    return ERR_OK;
}

static const uint8_t *find_public_key(const struct writers *writers,
                                      const uint8_t writer[SIGNER_ID_LEN])
{
    const struct writer *w = find_writer(writers, writer);

    return is_root(writers, writer) ? writers->root_key : w != NULL ? w->key : NULL;
}

enum err writers_check_signature(const struct writers *writers, const struct record *record)
{
    const uint8_t *key = find_public_key(writers, record->writer);

    return key != NULL ? check_signature(record, key) : ERR_OK;
}

enum err writers_check(const struct writers *writers, const struct record *record,
                       bool signature_known)
{
    const struct writer *w = find_writer(writers, record->writer);
    const uint8_t *key = find_public_key(writers, record->writer);
    enum err rc = ERR_OK;

    if (memcmp(record->repository, writers->repository, SEAL_ID_LEN) != 0)
        FAIL(ERR_CORRUPT, "the record belongs to another repository");
    if (key == NULL)
        FAIL(ERR_CORRUPT, "its writer is not enrolled: the record is forged");
    if (!signature_known)
        TRY(check_signature(record, key));
    TRY(check_type(writers, record, w));
    TRY(check_revocation(writers, record, w));
out:
    return rc;
}

static enum err has_role(const struct jdoc *from, const char *role, bool *out)
{
    struct jdoc *list = NULL;
    const char *text = NULL;
    size_t count = 0;
    enum err rc;

    *out = false;
    TRY(jdoc_list(from, "roles", WRITER_ROLES_MAX, &list, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(jdoc_item_text(list, i, ROLE_TEXT_MAX, &text));
        if (strcmp(text, role) == 0)
            *out = true;
    }
out:
    return rc;
}

/* A writer is enrolled once and for all: enrolling a revoked key again would make its forgeries
 * valid. */
static enum err enrol_writer(struct writers *writers, const struct record *record)
{
    struct writer w = {.revoked = false};
    uint8_t subject[SIGNER_ID_LEN];
    const struct writer *known;
    enum err rc;

    TRY(jdoc_hex(record->payload, "subject", subject, SIGNER_ID_LEN));
    TRY(read_key(record->payload, "publicKey", w.key, w.id));
    if (memcmp(subject, w.id, SIGNER_ID_LEN) != 0)
        FAIL(ERR_CORRUPT, "the enrolled writer is not the one of its public key");
    TRY(has_role(record->payload, WRITER_ROLE, &w.may_write));
    known = find_writer(writers, w.id);
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

static enum err revoke_writer(struct writers *writers, const struct record *record)
{
    uint8_t subject[SIGNER_ID_LEN];
    struct writer *w;
    enum err rc;

    TRY(jdoc_hex(record->payload, "subject", subject, SIGNER_ID_LEN));
    w = find_writer(writers, subject);
    if (w == NULL)
        FAIL(ERR_CORRUPT, "a writer is revoked that was never enrolled");
    if (w->revoked)
        goto out; /* the first revocation counts */
    w->has_last = jdoc_has(record->payload, "lastSeq");
    if (w->has_last)
        TRY(jdoc_number(record->payload, "lastSeq", RECORD_SEQ_MAX, &w->last_seq));
    w->revoked = true;
    w->revoked_ms = record->created_ms;
out:
    return rc;
}

enum err writers_apply(struct writers *writers, const struct record *record)
{
    const char *action = NULL;
    enum err rc = ERR_OK;

    if (record->type != RECORD_WRITER)
        goto out;
    TRY(jdoc_text(record->payload, "action", ACTION_TEXT_MAX, &action));
    if (strcmp(action, "enrol") == 0)
        TRY(enrol_writer(writers, record));
    else if (strcmp(action, "revoke") == 0)
        TRY(revoke_writer(writers, record));
    else
        FAIL(ERR_UNSUPPORTED, "a writer record with action \"%s\" is not known to this release",
             action);
out:
    return rc;
}

bool writers_allow(const struct writers *writers, const uint8_t writer[SIGNER_ID_LEN],
                   enum record_type type)
{
    const struct writer *w = find_writer(writers, writer);

    if (record_type_by_root(type))
        return is_root(writers, writer);
    return w != NULL && w->may_write && !w->revoked;
}
