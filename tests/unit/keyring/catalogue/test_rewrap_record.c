#include "keyring/catalogue/rewrap_record.h"

#include "tests/unit/keyring/samples.h"

#define BODY                                                                                       \
    "{\"dataKey\":" SAMPLE_DATA_KEY ",\"masterKey\":" SAMPLE_FIRST_NAME                            \
    ",\"replaces\":{\"provider\":\"file\",\"keyId\":\"abcd\",\"keyVersion\":\"0\"}}"

static void the_text_is_that_of_the_format_page(void **state)
{
    struct data_key fresh = sample_key();
    struct data_key old = sample_key();
    struct jdoc *body = NULL;

    (void)state;
    old.envelopes[0].key.version[0] = '0';
    assert_done(rewrap_record_write(&fresh, &old, &body));
    assert_text(body, BODY);
    jdoc_free(body);
    data_key_clear(&fresh);
    data_key_clear(&old);
}

static void the_fresh_envelopes_are_read_back(void **state)
{
    struct record r = record_of(BODY);
    struct data_key d = {.envelope_count = 0};

    (void)state;
    assert_done(rewrap_record_read(&r, &d));
    assert_int_equal(d.envelope_count, 2);
    assert_string_equal(d.envelopes[0].key.version, "1");
    data_key_clear(&d);
    buf_clear(&r.raw);
}

static enum err write_once(void *arg)
{
    struct jdoc *body = NULL;
    enum err rc = rewrap_record_write(arg, arg, &body);

    jdoc_free(body);
    return rc;
}

static void no_allocation_that_fails_leaks_or_crashes(void **state)
{
    struct data_key d = sample_key();

    (void)state;
    (void)sweep_allocations(write_once, &d);
    data_key_clear(&d);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_that_of_the_format_page),
        cmocka_unit_test(the_fresh_envelopes_are_read_back),
        cmocka_unit_test(no_allocation_that_fails_leaks_or_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
