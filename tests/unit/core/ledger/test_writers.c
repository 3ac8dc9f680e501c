#include "core/ledger/writers.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "core/ledger/repository_id.h"
#include "core/ledger/signer.h"
#include "core/ledger/writer_change.h"
#include "tests/unit/helpers.h"

#define REVOKED                                                                                    \
    "its writer had been revoked by then\n  it does not count: look at it, then remove it, and "   \
    "what "                                                                                        \
    "follows it in that directory, from the repository"

static const uint8_t nonce[REPOSITORY_NONCE_LEN] = "nonce";
static uint8_t repository[SEAL_ID_LEN]; /* of the last genesis */

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
    char nonce_text[2 * REPOSITORY_NONCE_LEN + 1];
    char body[256];

    assert_done(repository_id_derive(signer_public(root), nonce, repository));
    text_hex(bytes_of(nonce, sizeof nonce), nonce_text);
    text_base64(bytes_of(signer_public(root), SIGNER_PUBLIC_LEN), key);
    snprintf(body, sizeof body,
             "{\"rootKey\":\"%s\",\"suites\":[1],\"algorithms\":[\"ed25519\"],\"nonce\":\"%s\"}",
             key, nonce_text);
    return make(root, RECORD_GENESIS, seq, 0, body);
}

static enum err apply(struct writers *r, const struct signer *root,
                      const struct writer_change *change, int64_t time_ms)
{
    struct record *record = NULL;
    struct jdoc *body = NULL;
    struct buf text = {.max = MIB};
    enum err rc;

    assert_done(writer_change_write(change, &body));
    assert_done(jdoc_write(body, &text));
    assert_done(buf_add(&text, bytes_of("", 1)));
    record = make(root, RECORD_WRITER, 1, time_ms, (const char *)text.data);
    TRY(writers_check(r, record, false));
    TRY(writers_apply(r, record));
out:
    record_free(record);
    jdoc_free(body);
    buf_clear(&text);
    return rc;
}

static enum err enrol(struct writers *r, const struct signer *root, const struct signer *writer,
                      unsigned roles)
{
    struct writer_change change = {.roles = roles};

    memcpy(change.key, signer_public(writer), SIGNER_PUBLIC_LEN);
    return apply(r, root, &change, 10);
}

/* `last` NULL: none of its records counts. */
static enum err revoke(struct writers *r, const struct signer *root, const struct signer *writer,
                       const struct record *last)
{
    struct writer_change change = {.is_revocation = true, .has_last = last != NULL};

    assert_done(signer_id(signer_public(writer), change.subject));
    if (last != NULL) {
        change.last_seq = last->seq;
        memcpy(change.last_id, last->id, RECORD_ID_LEN);
    }
    return apply(r, root, &change, 20);
}

static enum err check(const struct writers *r, const struct signer *by, uint64_t seq,
                      const char *body)
{
    struct record *record = make(by, RECORD_SNAPSHOT, seq, 1000, body);
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
        assert_done(enrol(&c.writers, c.root, next, ROLES_ALL));
        signer_free(next);
    }
    assert_refused(enrol(&c.writers, c.root, c.writer, ROLES_ALL), ERR_CORRUPT,
                   "more than 256 writers");
    assert_int_equal(c.writers.count, WRITERS_MAX);
    close_court(&c);
}

static void the_last_good_record_of_a_revoked_writer_is_the_last(void **state)
{
    struct record *last;
    struct court c;

    (void)state;
    open_court(&c);
    assert_done(enrol(&c.writers, c.root, c.writer, ROLES_ALL));
    last = make(c.writer, RECORD_SNAPSHOT, 5, 1000, "{}");
    assert_done(revoke(&c.writers, c.root, c.writer, last));
    assert_done(check(&c.writers, c.writer, 5, "{}"));
    assert_done(check(&c.writers, c.writer, 4, "{\"any\":1}"));
    assert_refused(check(&c.writers, c.writer, 5, "{\"another\":1}"), ERR_CORRUPT,
                   "it is not the record that was its writer's last when that was revoked: the "
                   "chain was forked");
    assert_refused(check(&c.writers, c.writer, 6, "{}"), ERR_CORRUPT, REVOKED);
    record_free(last);
    close_court(&c);
}

static void without_a_last_record_nothing_counts(void **state)
{
    struct court c;

    (void)state;
    open_court(&c);
    assert_done(enrol(&c.writers, c.root, c.writer, ROLES_ALL));
    assert_done(check(&c.writers, c.writer, 7, "{}"));
    assert_done(revoke(&c.writers, c.root, c.writer, NULL));
    assert_refused(check(&c.writers, c.writer, 0, "{}"), ERR_CORRUPT, REVOKED);
    close_court(&c);
}

/* A later one, which says more, does not bring back what the first took away. */
static void of_two_revocations_the_first_counts(void **state)
{
    struct record *first;
    struct record *later;
    struct court c;

    (void)state;
    open_court(&c);
    assert_done(enrol(&c.writers, c.root, c.writer, ROLES_ALL));
    first = make(c.writer, RECORD_SNAPSHOT, 1, 1000, "{}");
    later = make(c.writer, RECORD_SNAPSHOT, 9, 1000, "{}");
    assert_done(revoke(&c.writers, c.root, c.writer, first));
    assert_done(revoke(&c.writers, c.root, c.writer, later));
    assert_refused(check(&c.writers, c.writer, 2, "{}"), ERR_CORRUPT, REVOKED);
    assert_true(writers_count_place(&c.writers, c.writers.items[0].id, 1));
    assert_false(writers_count_place(&c.writers, c.writers.items[0].id, 2));
    record_free(later);
    record_free(first);
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
    assert_true(writers_allow(&c.writers, root_id, RECORD_WRITER));
    assert_false(writers_allow(&c.writers, root_id, RECORD_SNAPSHOT));
    assert_false(writers_allow(&c.writers, root_id, RECORD_CHECKPOINT));
    assert_false(writers_allow(&c.writers, id, RECORD_SNAPSHOT));
    assert_done(enrol(&c.writers, c.root, c.writer, ROLE_BIT(ROLE_BACKUP) | ROLE_BIT(ROLE_KEYS)));
    assert_true(writers_allow(&c.writers, id, RECORD_SNAPSHOT));
    assert_true(writers_allow(&c.writers, id, RECORD_REWRAP));
    assert_false(writers_allow(&c.writers, id, RECORD_TOMBSTONE));
    assert_false(writers_allow(&c.writers, id, RECORD_WRITER));
    assert_done(revoke(&c.writers, c.root, c.writer, NULL));
    assert_false(writers_allow(&c.writers, id, RECORD_SNAPSHOT));
    close_court(&c);
}

static void root_is_no_writer(void **state)
{
    struct court c;

    (void)state;
    open_court(&c);
    assert_refused(enrol(&c.writers, c.root, c.root, ROLES_ALL), ERR_CORRUPT,
                   "the root key is enrolled as a writer");
    close_court(&c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_genesis_that_is_not_the_first_of_its_chain_is_refused),
    cmocka_unit_test(there_are_at_most_256_writers),
    cmocka_unit_test(the_last_good_record_of_a_revoked_writer_is_the_last),
    cmocka_unit_test(without_a_last_record_nothing_counts),
    cmocka_unit_test(of_two_revocations_the_first_counts),
    cmocka_unit_test(what_a_key_may_sign_is_what_it_may_append),
    cmocka_unit_test(root_is_no_writer),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
