#include "keyring/catalogue/record_key.h"

#include "tests/unit/keyring/samples.h"

/* The key that is shown, counted and checked is the key that is needed. */
static void a_record_that_names_another_key_than_its_envelope_is_refused(void **state)
{
    struct data_key d = sample_key();
    struct data_key back = {.envelope_count = 0};

    (void)state;
    for (int other = 0; other < 4; other++) {
        struct key_name said = d.envelopes[0].key;
        struct jdoc *doc = NULL;
        struct record r;

        if (other > 0)
            *(other == 1 ? said.provider : other == 2 ? said.key_id : said.version) = 'x';
        assert_done(jdoc_object(&doc));
        assert_done(record_key_write(&d, doc));
        assert_done(record_key_write_name(&said, "masterKey", doc));
        r = record_of_doc(doc);
        if (other == 0)
            assert_done(record_key_read(&r, &back));
        else
            assert_refused(record_key_read(&r, &back), ERR_CORRUPT,
                           "\"masterKey\" is not the key of the first envelope");
        buf_clear(&r.raw);
    }
    data_key_clear(&back);
    data_key_clear(&d);
}

/* A snapshot in another repository's ledger names a key of its own. */
static void a_data_key_is_the_records_repositorys(void **state)
{
    struct data_key d = sample_key();
    struct data_key back = {.envelope_count = 0};
    struct jdoc *doc = NULL;
    struct record r;

    (void)state;
    assert_done(jdoc_object(&doc));
    assert_done(record_key_write(&d, doc));
    r = record_of_doc(doc);
    memset(r.repository, 0, SEAL_ID_LEN);
    assert_refused(record_key_read(&r, &back), ERR_CORRUPT,
                   "envelope 0: the envelope belongs to another repository");
    assert_null(back.envelopes);
    buf_clear(&r.raw);
    data_key_clear(&d);
}

static void name_and_scope_are_read_alone(void **state)
{
    struct data_key d = sample_key();
    struct key_name name = {.provider = ""};
    struct record none = record_of("{}");
    struct jdoc *doc = NULL;
    struct record r;
    uint8_t scope[SEAL_ID_LEN] = {0};

    (void)state;
    assert_refused(record_key_read_name(&none, &name), ERR_CORRUPT,
                   "member \"masterKey\" is missing");
    assert_refused(record_key_read_scope(&none, scope), ERR_CORRUPT,
                   "a record without \"dataKey\", or without its \"scope\"");
    assert_done(jdoc_object(&doc));
    assert_done(record_key_write_name(&d.envelopes[1].key, "masterKey", doc));
    assert_done(record_key_write(&d, doc));
    r = record_of_doc(doc);
    assert_done(record_key_read_name(&r, &name));
    assert_true(key_name_equal(&name, &d.envelopes[1].key));
    assert_done(record_key_read_scope(&r, scope));
    assert_memory_equal(scope, d.context.scope, sizeof scope);
    buf_clear(&r.raw);
    buf_clear(&none.raw);
    data_key_clear(&d);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_that_names_another_key_than_its_envelope_is_refused),
        cmocka_unit_test(a_data_key_is_the_records_repositorys),
        cmocka_unit_test(name_and_scope_are_read_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
