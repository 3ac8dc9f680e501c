#include "keyring/catalogue/record_key.h"

#include "tests/unit/keyring/samples.h"

/* The key that is shown, counted and checked is the key that is needed. */
static void a_record_that_names_another_key_than_its_envelope_is_refused(void **state)
{
    struct data_key d = sample_key();
    struct data_key back = {.envelope_count = 0};
    struct record r = {.seq = 0};

    (void)state;
    memcpy(r.repository, test_repository, SEAL_ID_LEN);
    for (int other = 0; other < 4; other++) {
        struct key_name said = d.envelopes[0].key;

        if (other > 0)
            *(other == 1 ? said.provider : other == 2 ? said.key_id : said.version) = 'x';
        assert_done(jdoc_object(&r.payload));
        assert_done(record_key_write(&d, r.payload));
        assert_done(record_key_write_name(&said, "masterKey", r.payload));
        if (other == 0)
            assert_done(record_key_read(&r, &back));
        else
            assert_refused(record_key_read(&r, &back), ERR_CORRUPT,
                           "\"masterKey\" is not the key of the first envelope");
        jdoc_free(r.payload);
    }
    data_key_clear(&back);
    data_key_clear(&d);
}

/* A snapshot in another repository's ledger names a key of its own. */
static void a_data_key_is_the_records_repositorys(void **state)
{
    struct data_key d = sample_key();
    struct data_key back = {.envelope_count = 0};
    struct record r = {.seq = 0};

    (void)state;
    assert_done(jdoc_object(&r.payload));
    assert_done(record_key_write(&d, r.payload));
    assert_refused(record_key_read(&r, &back), ERR_CORRUPT,
                   "envelope 0: the envelope belongs to another repository");
    assert_null(back.envelopes);
    jdoc_free(r.payload);
    data_key_clear(&d);
}

static void name_and_scope_are_read_alone(void **state)
{
    struct data_key d = sample_key();
    struct key_name name = {.provider = ""};
    struct record r = {.seq = 0};
    uint8_t scope[SEAL_ID_LEN] = {0};

    (void)state;
    assert_done(jdoc_object(&r.payload));
    assert_refused(record_key_read_name(&r, &name), ERR_CORRUPT, "member \"masterKey\" is missing");
    assert_refused(record_key_read_scope(&r, scope), ERR_CORRUPT, "member \"dataKey\" is missing");
    assert_done(record_key_write_name(&d.envelopes[1].key, "masterKey", r.payload));
    assert_done(record_key_write(&d, r.payload));
    assert_done(record_key_read_name(&r, &name));
    assert_true(key_name_equal(&name, &d.envelopes[1].key));
    assert_done(record_key_read_scope(&r, scope));
    assert_memory_equal(scope, d.context.scope, sizeof scope);
    jdoc_free(r.payload);
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
