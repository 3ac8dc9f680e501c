#include "core/base/jmember.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/helpers.h"

static void the_members_of_an_object_are_found_in_order(void **state)
{
    const struct bytes text = bytes_of_text(
        "{\"a\":1, \"b\" : {\"x\":[1,{\"y\":\"}\"}]} ,\"c\":\"q\\\"\",\"d\":null,\"e\":[\"]\",2]}");
    static const char *const due[][2] = {{"a", "1"},
                                         {"b", "{\"x\":[1,{\"y\":\"}\"}]}"},
                                         {"c", "\"q\\\"\""},
                                         {"d", "null"},
                                         {"e", "[\"]\",2]"}};
    struct jmember m;
    size_t at = 0;

    (void)state;
    for (size_t i = 0; i < sizeof due / sizeof due[0]; i++) {
        assert_true(jmember_next(text, &at, &m));
        assert_true(jmember_is(&m, due[i][0]));
        assert_true(bytes_equal(m.value, bytes_of_text(due[i][1])));
    }
    assert_false(jmember_next(text, &at, &m));
}

static void a_value_is_of_its_kind_or_it_is_none(void **state)
{
    char text[4];
    uint64_t n = 0;

    (void)state;
    assert_true(jmember_text(bytes_of_text("\"abc\""), 3, text));
    assert_string_equal(text, "abc");
    assert_false(jmember_text(bytes_of_text("\"abcd\""), 3, text));
    assert_false(jmember_text(bytes_of_text("\"a\\n\""), 3, text));
    assert_false(jmember_text(bytes_of_text("abc"), 3, text));
    assert_false(jmember_text(bytes_of_text("\""), 3, text));
    assert_false(jmember_text(bytes_of_text(""), 3, text));
    assert_true(jmember_number(bytes_of_text("42"), 42, &n));
    assert_int_equal(n, 42);
    assert_false(jmember_number(bytes_of_text("43"), 42, &n));
    assert_false(jmember_number(bytes_of_text("-1"), 42, &n));
    assert_false(jmember_number(bytes_of_text("1.0"), 42, &n));
    assert_false(jmember_number(bytes_of_text("99999999999999999999"), UINT64_MAX, &n));
    assert_true(jmember_is_null(bytes_of_text("null")));
    assert_false(jmember_is_null(bytes_of_text("\"null\"")));
}

/* A cached line may be damaged anywhere: walking over it ends, and within it. */
static void every_cut_of_an_object_is_walked_to_its_end(void **state)
{
    const char *whole = "{\"a\":{\"b\":\"\\\\\"},\"c\":[1,2],\"d\":\"x\"}";

    (void)state;
    for (size_t len = 0; len < strlen(whole); len++) {
        uint8_t *copy = malloc(len + 1); /* so that a sanitizer sees a step over its end */
        struct jmember m;
        size_t at = 0;

        assert_non_null(copy);
        memcpy(copy, whole, len);
        copy = realloc(copy, len > 0 ? len : 1);
        for (size_t steps = 0; jmember_next(bytes_of(copy, len), &at, &m); steps++)
            assert_true(steps < 4);
        free(copy);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_members_of_an_object_are_found_in_order),
        cmocka_unit_test(a_value_is_of_its_kind_or_it_is_none),
        cmocka_unit_test(every_cut_of_an_object_is_walked_to_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
