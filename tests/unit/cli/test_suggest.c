#include "cli/suggest.h"

#include <string.h>

#include "core/base/err.h"
#include "tests/unit/helpers.h"

static const char *nearest(const char *word)
{
    static const char *const known[] = {"backup", "restore", "snapshots", "key", "ls"};
    struct suggest s = suggest_for(word);

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        suggest_offer(&s, known[i]);
    return s.best;
}

static void a_slip_of_the_finger_is_understood(void **state)
{
    (void)state;
    assert_string_equal(nearest("bakcup"), "backup");    /* swapped */
    assert_string_equal(nearest("backu"), "backup");     /* one missing */
    assert_string_equal(nearest("resttore"), "restore"); /* one too many */
    assert_string_equal(nearest("snapshot"), "snapshots");
    assert_string_equal(nearest("kez"), "key");
    assert_string_equal(nearest("key"), "key");
}

static void a_word_that_is_like_none_gets_no_suggestion(void **state)
{
    (void)state;
    assert_null(nearest("delete"));
    assert_null(nearest("zzz"));
    assert_null(nearest("0123456789012345678901234567890123456789x"));
}

static void the_hint_is_added_to_the_message(void **state)
{
    struct suggest s = suggest_for("bakcup");

    (void)state;
    (void)err_set(ERR_USAGE, "unknown");
    suggest_hint(&s, "--");
    assert_string_equal(told(), "unknown");
    suggest_offer(&s, "backup");
    suggest_hint(&s, "--");
    assert_string_equal(told(), "unknown\n  did you mean --backup?");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slip_of_the_finger_is_understood),
        cmocka_unit_test(a_word_that_is_like_none_gets_no_suggestion),
        cmocka_unit_test(the_hint_is_added_to_the_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
