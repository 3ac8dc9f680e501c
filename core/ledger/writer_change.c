#include "core/ledger/writer_change.h"

#include <string.h>

#define ACTION_TEXT_MAX 16
#define ROLE_TEXT_MAX 32
#define WRITER_ROLES_MAX 8
#define ALGORITHMS_KNOWN "[\"" SIGNER_ALGORITHM "\"]"
#define ALGORITHMS_MAX 8
#define ALGORITHMS_TEXT_MAX ((size_t)4 * KIB)

enum err writer_algorithms_check(const struct jdoc *from)
{
    struct jdoc *list = NULL;
    struct buf text = {.max = ALGORITHMS_TEXT_MAX};
    size_t count = 0;
    enum err rc;

    TRY(jdoc_list(from, "algorithms", ALGORITHMS_MAX, &list, &count));
    TRY(jdoc_write(list, &text));
    if (!bytes_equal(buf_bytes(&text), bytes_of_text(ALGORITHMS_KNOWN)))
        FAIL(ERR_UNSUPPORTED, "it asks for signatures by algorithms this release does not know");
out:
    buf_clear(&text);
    return rc;
}

enum err writer_algorithms_write(struct jdoc *to)
{
    struct jdoc *list = NULL;
    enum err rc;

    TRY(jdoc_array(&list));
    TRY(jdoc_push_text(list, SIGNER_ALGORITHM));
    TRY(jdoc_set(to, "algorithms", &list));
out:
    jdoc_free(list);
    return rc;
}

enum err writer_key_read(const struct jdoc *from, const char *name, uint8_t key[SIGNER_PUBLIC_LEN],
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

enum err writer_role_find(const char *name, enum record_role *out)
{
    for (int role = ROLE_BACKUP; role < ROLE_COUNT; role++) {
        if (strcmp(record_role_name((enum record_role)role), name) == 0) {
            *out = (enum record_role)role;
            return ERR_OK;
        }
    }
    return err_set(ERR_USAGE, "\"%s\" is no role: there are backup, retention and keys", name);
}

static enum err read_roles(const struct jdoc *from, unsigned *out)
{
    struct jdoc *list = NULL;
    const char *text = NULL;
    size_t count = 0;
    enum err rc;

    TRY(jdoc_list(from, "roles", WRITER_ROLES_MAX, &list, &count));
    for (size_t i = 0; i < count; i++) {
        enum record_role role = ROLE_BACKUP;

        TRY(jdoc_item_text(list, i, ROLE_TEXT_MAX, &text));
        if (writer_role_find(text, &role) == ERR_OK)
            *out |= ROLE_BIT(role);
        else
            err_clear(); /* a newer release's: who has it signs what is not known here */
    }
out:
    return rc;
}

static enum err read_enrolment(const struct jdoc *from, struct writer_change *to)
{
    uint8_t id[SIGNER_ID_LEN];
    enum err rc;

    TRY(writer_key_read(from, "publicKey", to->key, id));
    if (memcmp(to->subject, id, SIGNER_ID_LEN) != 0)
        FAIL(ERR_CORRUPT, "the enrolled writer is not the one of its public key");
    TRY(writer_algorithms_check(from));
    TRY(read_roles(from, &to->roles));
out:
    return rc;
}

/* A number alone would let the thief of a key sign another record with it, and others before it. */
static enum err read_revocation(const struct jdoc *from, struct writer_change *to)
{
    enum err rc = ERR_OK;

    to->is_revocation = true;
    if (!jdoc_has_member(from, "lastSeq") || !jdoc_has_member(from, "lastRecordId"))
        FAIL(ERR_CORRUPT, "a revocation without \"lastSeq\" and \"lastRecordId\"");
    to->has_last = jdoc_has(from, "lastSeq");
    if (to->has_last != jdoc_has(from, "lastRecordId"))
        FAIL(ERR_CORRUPT, "a revocation has \"lastSeq\" and \"lastRecordId\", or neither");
    if (!to->has_last)
        goto out;
    TRY(jdoc_number(from, "lastSeq", RECORD_SEQ_MAX, &to->last_seq));
    TRY(jdoc_hex(from, "lastRecordId", to->last_id, RECORD_ID_LEN));
out:
    return rc;
}

enum err writer_change_read(const struct record *record, struct writer_change *out)
{
    struct writer_change c = {.is_revocation = false};
    struct jdoc *from = NULL;
    const char *action = NULL;
    enum err rc;

    TRY(record_payload(record, &from));
    TRY(jdoc_text(from, "action", ACTION_TEXT_MAX, &action));
    if (strcmp(action, "enrol") != 0 && strcmp(action, "revoke") != 0)
        FAIL(ERR_UNSUPPORTED, "a writer record with action \"%s\" is not known to this release",
             action);
    TRY(jdoc_hex(from, "subject", c.subject, SIGNER_ID_LEN));
    if (strcmp(action, "enrol") == 0)
        TRY(read_enrolment(from, &c));
    else
        TRY(read_revocation(from, &c));
    *out = c;
out:
    jdoc_free(from);
    return rc;
}

enum err writer_roles_write(unsigned roles, struct jdoc *to)
{
    struct jdoc *list = NULL;
    enum err rc;

    TRY(jdoc_array(&list));
    for (int role = ROLE_BACKUP; role < ROLE_COUNT; role++)
        if ((roles & ROLE_BIT(role)) != 0)
            TRY(jdoc_push_text(list, record_role_name((enum record_role)role)));
    TRY(jdoc_set(to, "roles", &list));
out:
    jdoc_free(list);
    return rc;
}

static enum err write_enrolment(const struct writer_change *from, struct jdoc *to)
{
    uint8_t id[SIGNER_ID_LEN];
    enum err rc;

    TRY(signer_id(from->key, id));
    TRY(jdoc_set_text(to, "action", "enrol"));
    TRY(jdoc_set_hex(to, "subject", bytes_of(id, sizeof id)));
    TRY(jdoc_set_base64(to, "publicKey", bytes_of(from->key, SIGNER_PUBLIC_LEN)));
    TRY(writer_algorithms_write(to));
    TRY(writer_roles_write(from->roles, to));
out:
    return rc;
}

static enum err write_revocation(const struct writer_change *from, struct jdoc *to)
{
    enum err rc;

    TRY(jdoc_set_text(to, "action", "revoke"));
    TRY(jdoc_set_hex(to, "subject", bytes_of(from->subject, SIGNER_ID_LEN)));
    if (from->has_last) {
        TRY(jdoc_set_number(to, "lastSeq", from->last_seq));
        TRY(jdoc_set_hex(to, "lastRecordId", bytes_of(from->last_id, RECORD_ID_LEN)));
    } else {
        TRY(jdoc_set_null(to, "lastSeq"));
        TRY(jdoc_set_null(to, "lastRecordId"));
    }
out:
    return rc;
}

enum err writer_change_write(const struct writer_change *from, struct jdoc **out)
{
    struct jdoc *to = NULL;
    enum err rc;

    TRY(jdoc_object(&to));
    if (from->is_revocation)
        TRY(write_revocation(from, to));
    else
        TRY(write_enrolment(from, to));
    *out = to;
    to = NULL; /* the caller's now */
out:
    jdoc_free(to);
    return rc;
}
