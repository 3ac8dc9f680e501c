#include "keyring/catalogue/key_state_record.h"

#include "tests/unit/keyring/samples.h"

static const struct key_name sample_name = {"file", "abcd", "1", ""};

static void the_text_is_that_of_the_format_page(void **state)
{
    struct key_state valid = {.verdict = KEY_VALID};
    struct key_state disabled = {
        .verdict = KEY_INVALID, .reason = "disabled", .detail = "for people", .since_ms = 1000};
    struct jdoc *body = NULL;

    (void)state;
    assert_done(key_state_record_write(&sample_name, &valid, 2000, &body));
    assert_text(body, "{\"masterKey\":" SAMPLE_FIRST_NAME ",\"verdict\":\"VALID\",\"reason\":null,"
                      "\"stateChangedAt\":null,\"checkedAt\":\"1970-01-01T00:00:02.000Z\"}");
    jdoc_free(body);
    body = NULL;
    assert_done(key_state_record_write(&sample_name, &disabled, 2000, &body));
    assert_text(body, "{\"masterKey\":" SAMPLE_FIRST_NAME
                      ",\"verdict\":\"INVALID\",\"reason\":\"disabled\","
                      "\"stateChangedAt\":\"1970-01-01T00:00:01.000Z\","
                      "\"checkedAt\":\"1970-01-01T00:00:02.000Z\"}");
    jdoc_free(body);
}

static void each_verdict_is_read_as_it_was_written(void **state)
{
    static const enum verdict verdicts[] = {KEY_VALID, KEY_INVALID, KEY_UNREACHABLE};

    (void)state;
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        struct key_state s = {.verdict = verdicts[i]};
        struct key_state_record back = {.reason = "x"};
        struct jdoc *doc = NULL;
        struct record r;

        if (i > 0)
            memset(s.reason, 'r', sizeof s.reason - 1); /* the longest */
        assert_done(key_state_record_write(&sample_name, &s, 0, &doc));
        r = record_of_doc(doc);
        assert_done(key_state_record_read(&r, &back));
        assert_int_equal(back.verdict, s.verdict);
        assert_string_equal(back.reason, s.reason);
        buf_clear(&r.raw);
    }
}

static void what_is_no_finding_is_refused(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"{}", "member \"verdict\" is missing"},
        {"{\"verdict\":\"valid\"}", "\"valid\" is no verdict on a key"},
        {"{\"verdict\":\"\"}", "\"\" is no verdict on a key"},
        {"{\"verdict\":\"UNREACHABLE!\"}", "member \"verdict\" is longer than 11 bytes"},
        {"{\"verdict\":\"VALID\",\"reason\":7}", "member \"reason\" is not string"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct record r = record_of(rows[i].text);
        struct key_state_record back;

        assert_refused(key_state_record_read(&r, &back), ERR_CORRUPT, rows[i].message);
        buf_clear(&r.raw);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_that_of_the_format_page),
        cmocka_unit_test(each_verdict_is_read_as_it_was_written),
        cmocka_unit_test(what_is_no_finding_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
