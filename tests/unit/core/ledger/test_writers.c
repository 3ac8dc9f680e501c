#include "core/ledger/writers.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "core/ledger/signer.h"
#include "tests/unit/helpers.h"

static const uint8_t repository[SEAL_ID_LEN] = "repository";

static struct record *make(const struct signer *signer, enum record_type type, uint64_t seq,
                           int64_t created_ms, const char *body)
{
    static const uint8_t before[RECORD_ID_LEN] = {1};
    struct record_place place = {
        .seq = seq, .prev = seq > 0 ? before : NULL, .created_ms = created_ms};
    struct jdoc *doc = NULL;
    struct record *r = NULL;

    memcpy(place.repository, repository, SEAL_ID_LEN);
    assert_done(jdoc_parse(bytes_of_text(body), &doc));
    assert_done(record_make(type, &place, doc, signer, &r));
    jdoc_free(doc);
    return r;
}

static struct record *make_genesis(const struct signer *root, uint64_t seq)
{
    char key[TEXT_BASE64_LEN(SIGNER_PUBLIC_LEN) + 1];
    char body[256];

    text_base64(bytes_of(signer_public(root), SIGNER_PUBLIC_LEN), key);
    snprintf(body, sizeof body, "{\"rootKey\":\"%s\",\"suites\":[1]}", key);
    return make(root, RECORD_GENESIS, seq, 0, body);
}

static void name_of(const struct signer *signer, char out[2 * SIGNER_ID_LEN + 1])
{
    uint8_t id[SIGNER_ID_LEN];

    assert_done(signer_id(signer_public(signer), id));
    text_hex(bytes_of(id, sizeof id), out);
}

/* Enrols `writer`, or revokes it; `more` is put behind: ",\"lastSeq\":1". */
static enum err change(struct writers *r, const struct signer *root, const struct signer *writer,
                       const char *action, int64_t time_ms, const char *more)
{
    char key[TEXT_BASE64_LEN(SIGNER_PUBLIC_LEN) + 1];
    char name[2 * SIGNER_ID_LEN + 1];
    struct record *record;
    char body[512];
    enum err rc;

    name_of(writer, name);
    text_base64(bytes_of(signer_public(writer), SIGNER_PUBLIC_LEN), key);
    snprintf(body, sizeof body,
             "{\"action\":\"%s\",\"subject\":\"%s\",\"publicKey\":\"%s\",\"roles\":[\"writer\"]%s}",
             action, name, key, more);
    record = make(root, RECORD_WRITER, 1, time_ms, body);
    TRY(writers_check(r, record, false));
    TRY(writers_apply(r, record));
out:
    record_free(record);
    return rc;
}

static enum err check(const struct writers *r, const struct signer *by, uint64_t seq,
                      int64_t time_ms)
{
    struct record *record = make(by, RECORD_SNAPSHOT, seq, time_ms, "{}");
    enum err rc = writers_check(r, record, false);

    record_free(record);
    return rc;
}

struct court {
    struct signer *root;
    struct signer *writer;
    struct writers writers;
};

static void open_court(struct court *c)
{
    struct record *genesis;

    *c = (struct court){.root = NULL};
    assert_done(signer_new(&c->root));
    assert_done(signer_new(&c->writer));
    genesis = make_genesis(c->root, 0);
    assert_done(writers_found(&c->writers, genesis));
    record_free(genesis);
}

static void close_court(struct court *c)
{
    writers_clear(&c->writers);
    signer_free(c->writer);
    signer_free(c->root);
}

static void a_genesis_that_is_not_the_first_of_its_chain_is_refused(void **state)
{
    struct signer *root = NULL;
    struct writers r = {.founded = false};
    struct record *genesis;

    (void)state;
    assert_done(signer_new(&root));
    genesis = make_genesis(root, 1);
    assert_refused(writers_found(&r, genesis), ERR_CORRUPT,
                   "a genesis record must be the first of its chain");
    assert_false(r.founded);
    record_free(genesis);
    signer_free(root);
}

static void there_are_at_most_256_writers(void **state)
{
    struct court c;

    (void)state;
    open_court(&c);
    for (int i = 0; i < WRITERS_MAX; i++) {
        struct signer *next = NULL;

        assert_done(signer_new(&next));
        assert_done(change(&c.writers, c.root, next, "enrol", 10, ""));
        signer_free(next);
    }
    assert_refused(change(&c.writers, c.root, c.writer, "enrol", 10, ""), ERR_CORRUPT,
                   "more than 256 writers");
    assert_int_equal(c.writers.count, WRITERS_MAX);
    close_court(&c);
}

static void the_last_good_record_of_a_revoked_writer_is_the_last(void **state)
{
    struct court c;

    (void)state;
    open_court(&c);
    assert_done(change(&c.writers, c.root, c.writer, "enrol", 10, ""));
    assert_done(change(&c.writers, c.root, c.writer, "revoke", 20, ",\"lastSeq\":5"));
    assert_done(check(&c.writers, c.writer, 5, 1000)); /* whatever its time */
    assert_refused(check(&c.writers, c.writer, 6, 0), ERR_CORRUPT,
                   "its writer had been revoked by then");
    close_court(&c);
}

static void without_a_last_record_the_time_of_the_revocation_counts(void **state)
{
    struct court c;

    (void)state;
    open_court(&c);
    assert_done(change(&c.writers, c.root, c.writer, "enrol", 10, ""));
    assert_done(change(&c.writers, c.root, c.writer, "revoke", 20, ""));
    assert_done(check(&c.writers, c.writer, 7, 20));
    assert_refused(check(&c.writers, c.writer, 7, 21), ERR_CORRUPT,
                   "its writer had been revoked by then");
    close_court(&c);
}

/* A later one, which says more, does not bring back what the first took away. */
static void of_two_revocations_the_first_counts(void **state)
{
    struct court c;

    (void)state;
    open_court(&c);
    assert_done(change(&c.writers, c.root, c.writer, "enrol", 10, ""));
    assert_done(change(&c.writers, c.root, c.writer, "revoke", 20, ",\"lastSeq\":0"));
    assert_done(change(&c.writers, c.root, c.writer, "revoke", 30, ",\"lastSeq\":9"));
    assert_refused(check(&c.writers, c.writer, 1, 15), ERR_CORRUPT,
                   "its writer had been revoked by then");
    assert_done(change(&c.writers, c.root, c.writer, "revoke", 40, ""));
    assert_refused(check(&c.writers, c.writer, 1, 15), ERR_CORRUPT,
                   "its writer had been revoked by then");
    close_court(&c);
}

static void what_a_key_may_sign_is_what_it_may_append(void **state)
{
    uint8_t root_id[SIGNER_ID_LEN];
    uint8_t id[SIGNER_ID_LEN];
    struct court c;

    (void)state;
    open_court(&c);
    assert_done(signer_id(signer_public(c.root), root_id));
    assert_done(signer_id(signer_public(c.writer), id));
    assert_true(writers_allow(&c.writers, root_id, RECORD_TOMBSTONE));
    assert_false(writers_allow(&c.writers, root_id, RECORD_SNAPSHOT)); /* it is no writer yet */
    assert_false(writers_allow(&c.writers, id, RECORD_SNAPSHOT));
    assert_done(change(&c.writers, c.root, c.writer, "enrol", 10, ""));
    assert_true(writers_allow(&c.writers, id, RECORD_SNAPSHOT));
    assert_false(writers_allow(&c.writers, id, RECORD_TOMBSTONE));
    assert_false(writers_allow(&c.writers, id, RECORD_REWRAP));
    assert_done(change(&c.writers, c.root, c.writer, "revoke", 20, ""));
    assert_false(writers_allow(&c.writers, id, RECORD_SNAPSHOT));
    close_court(&c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_genesis_that_is_not_the_first_of_its_chain_is_refused),
    cmocka_unit_test(there_are_at_most_256_writers),
    cmocka_unit_test(the_last_good_record_of_a_revoked_writer_is_the_last),
    cmocka_unit_test(without_a_last_record_the_time_of_the_revocation_counts),
    cmocka_unit_test(of_two_revocations_the_first_counts),
    cmocka_unit_test(what_a_key_may_sign_is_what_it_may_append),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
