#include "keyring/catalogue/snapshot_attention.h"

#include "tests/unit/helpers.h"

static void the_words_count(void **state)
{
    const struct snapshot_attention one = {1, 1, 1, 1};
    const struct snapshot_attention many = {2, 3, 4, 5};
    const struct snapshot_attention none = {0};
    char text[SNAPSHOT_ATTENTION_TEXT_MAX];

    (void)state;
    snapshot_attention_text(&one, text);
    assert_string_equal(text,
                        "1 file changed while it was read, 1 file vanished before it was read, "
                        "1 device was left out, 1 warning was given of the source");
    snapshot_attention_text(&many, text);
    assert_string_equal(text, "2 files changed while they were read, 3 files vanished before they "
                              "were read, 4 devices were left out, 5 warnings were given of the "
                              "source");
    snapshot_attention_text(&none, text);
    assert_string_equal(text, "");
    assert_int_equal(snapshot_attention_count(&many), 14);
}

static void only_what_changed_or_vanished_tears(void **state)
{
    struct snapshot_attention a = {.left_out = 1, .warnings = 1};

    (void)state;
    assert_false(snapshot_attention_is_torn(&a));
    a.changed = 1;
    assert_true(snapshot_attention_is_torn(&a));
    a = (struct snapshot_attention){.vanished = 1};
    assert_true(snapshot_attention_is_torn(&a));
}

static enum err read_text(const char *json, struct snapshot_attention *a)
{
    struct jdoc *from = NULL;
    enum err rc;

    TRY(jdoc_parse(bytes_of_text(json), &from));
    TRY(snapshot_attention_read(from, a));
out:
    jdoc_free(from);
    return rc;
}

static void what_is_not_as_the_format_has_it_is_refused(void **state)
{
    static const char *const bad[] = {
        "{\"attention\":1}",
        "{\"attention\":{}}",
        "{\"attention\":{\"changed\":1,\"vanished\":1,\"leftOut\":1}}",
        "{\"attention\":{\"changed\":0,\"vanished\":0,\"leftOut\":0,\"warnings\":0}}",
        "{\"attention\":{\"changed\":1,\"vanished\":-1,\"leftOut\":0,\"warnings\":0}}",
    };
    struct snapshot_attention a = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(read_text(bad[i], &a), ERR_CORRUPT, NULL);
    assert_done(read_text("{\"attention\":null}", &a));
    assert_done(read_text("{}", &a));
    assert_int_equal(snapshot_attention_count(&a), 0);
    assert_done(read_text(
        "{\"attention\":{\"changed\":1,\"vanished\":2,\"leftOut\":3,\"warnings\":4}}", &a));
    assert_int_equal(a.changed, 1);
    assert_int_equal(a.vanished, 2);
    assert_int_equal(a.left_out, 3);
    assert_int_equal(a.warnings, 4);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_words_count),
    cmocka_unit_test(only_what_changed_or_vanished_tears),
    cmocka_unit_test(what_is_not_as_the_format_has_it_is_refused),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
