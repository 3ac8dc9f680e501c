#include "core/ledger/writer_change.h"

#include "tests/unit/core/ledger/forge.h"

static struct record *of_body(void **state, struct jdoc *body)
{
    struct signer *root = forge_key(state, "root", ROOT_KEY_FILE);
    struct record_place place = {.created_ms = 0};
    struct record *r = NULL;

    assert_done(record_make(RECORD_WRITER, &place, body, root, &r));
    signer_free(root);
    return r;
}

static struct record *of_text(void **state, const char *text)
{
    struct jdoc *body = NULL;
    struct record *r;

    assert_done(jdoc_parse(bytes_of_text(text), &body));
    r = of_body(state, body);
    jdoc_free(body);
    return r;
}

static void what_is_written_is_read_back(void **state)
{
    struct signer *other = forge_key(state, "other", OTHER_KEY_FILE);
    struct writer_change changes[3] = {
        {.roles = ROLE_BIT(ROLE_BACKUP) | ROLE_BIT(ROLE_KEYS)},
        {.is_revocation = true, .has_last = true, .last_seq = 7, .last_id = {1, 2, 3}},
        {.is_revocation = true},
    };

    memcpy(changes[0].key, signer_public(other), SIGNER_PUBLIC_LEN);
    for (size_t i = 0; i < 3; i++) {
        struct writer_change again;
        struct jdoc *body = NULL;
        struct record *r;

        assert_done(signer_id(signer_public(other), changes[i].subject));
        assert_done(writer_change_write(&changes[i], &body));
        r = of_body(state, body);
        assert_done(writer_change_read(r, &again));
        assert_memory_equal(again.subject, changes[i].subject, SIGNER_ID_LEN);
        assert_memory_equal(again.key, changes[i].key, SIGNER_PUBLIC_LEN);
        assert_int_equal(again.roles, changes[i].roles);
        assert_int_equal(again.is_revocation, changes[i].is_revocation);
        assert_int_equal(again.has_last, changes[i].has_last);
        assert_int_equal(again.last_seq, changes[i].last_seq);
        assert_memory_equal(again.last_id, changes[i].last_id, RECORD_ID_LEN);
        record_free(r);
        jdoc_free(body);
    }
    signer_free(other);
}

#define REVOKE "{\"action\":\"revoke\",\"subject\":\"" OTHER_ID "\""

static void what_is_malformed_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum err code;
        const char *why;
    } rows[] = {
        {"{}", ERR_CORRUPT, "member \"action\" is missing"},
        {"{\"action\":\"promote\"}", ERR_UNSUPPORTED,
         "a writer record with action \"promote\" is not known to this release"},
        {ENROL_OTHER_AS("\"backup\""), ERR_CORRUPT, NULL},
        {REVOKE "}", ERR_CORRUPT, "a revocation without \"lastSeq\" and \"lastRecordId\""},
        {REVOKE ",\"lastSeq\":1}", ERR_CORRUPT,
         "a revocation without \"lastSeq\" and \"lastRecordId\""},
        {REVOKE ",\"lastSeq\":null,\"lastRecordId\":\"" OTHER_ID "\"}", ERR_CORRUPT,
         "a revocation has \"lastSeq\" and \"lastRecordId\", or neither"},
        {REVOKE ",\"lastSeq\":1,\"lastRecordId\":\"" OTHER_ID "\"}", ERR_CORRUPT, NULL},
        {REVOKE ",\"lastSeq\":-1,\"lastRecordId\":\"" OTHER_ID "\"}", ERR_CORRUPT, NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct writer_change change;
        struct record *r = of_text(state, rows[i].text);

        assert_refused(writer_change_read(r, &change), rows[i].code, rows[i].why);
        record_free(r);
    }
}

/* Who has one signs only what is not known here. */
static void roles_that_are_not_known_mean_nothing(void **state)
{
    struct writer_change change;
    struct record *r = of_text(state, ENROL_OTHER_AS("[\"auditor\",\"root\",\"retention\"]"));

    assert_done(writer_change_read(r, &change));
    assert_int_equal(change.roles, ROLE_BIT(ROLE_RETENTION));
    assert_string_equal(err_text(), "");
    record_free(r);
}

static void a_role_is_found_by_its_name(void **state)
{
    enum record_role role = ROLE_ROOT;

    (void)state;
    assert_done(writer_role_find("keys", &role));
    assert_int_equal(role, ROLE_KEYS);
    assert_refused(writer_role_find("root", &role), ERR_USAGE,
                   "\"root\" is no role: there are backup, retention and keys");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(what_is_written_is_read_back),
        IN_DIRECTORY(what_is_malformed_is_refused),
        IN_DIRECTORY(roles_that_are_not_known_mean_nothing),
        IN_DIRECTORY(a_role_is_found_by_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
