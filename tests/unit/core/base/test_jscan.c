#include "core/base/jscan.h"

#include "tests/unit/helpers.h"

static void members_are_counted_outside_of_strings(void **state)
{
    static const struct {
        const char *text;
        size_t members;
    } texts[] = {
        {"", 0},
        {"{}", 0},
        {"{\"a\":1}", 1},
        {"{\"a:b\":\"c:d\",\"\\\"\":{\"x\":[{\"y\":null}]}}", 4},
        {"{\"a\\\\\":\":\"}", 1},
    };
    size_t members = 9;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_done(jscan_check(bytes_of_text(texts[i].text), &members));
        assert_int_equal(members, texts[i].members);
    }
}

static void numbers_of_the_json_grammar_pass(void **state)
{
    static const char *const numbers[] = {"0",   "-0",  "7",     "10",       "9999999999999999999",
                                          "0.5", "1e5", "1E+05", "-1.25e-3", "0.0"};
    size_t members = 0;

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        assert_done(jscan_check(bytes_of_text(numbers[i]), &members));
}

static void what_readers_read_differently_is_refused(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } texts[] = {
        {"{'a':1}", "not JSON: unexpected character at byte 1"},
        {"[NaN]", "not JSON: unexpected character at byte 1"},
        {"[-Infinity]", "not JSON: a bad number, or one too long, at byte 1"},
        {"[Infinity]", "not JSON: unexpected character at byte 1"},
        {"[/**/1]", "not JSON: unexpected character at byte 1"},
        {"[\xef\xbb\xbf]", "not JSON: unexpected character at byte 1"},
        {"[01]", "not JSON: a bad number, or one too long, at byte 1"},
        {"[-]", "not JSON: a bad number, or one too long, at byte 1"},
        {"[1.]", "not JSON: a bad number, or one too long, at byte 1"},
        {"[.5]", "not JSON: unexpected character at byte 1"},
        {"[+1]", "not JSON: unexpected character at byte 1"},
        {"[1e]", "not JSON: a bad number, or one too long, at byte 1"},
        {"[1e+]", "not JSON: a bad number, or one too long, at byte 1"},
        {"[18446744073709551616]", "not JSON: a bad number, or one too long, at byte 1"},
        {"[\"a\nb\"]", "not JSON: a control character at byte 3"},
        {"[\"\xff\"]", "not JSON: no UTF-8 at byte 2"},
        {"[\"\x80\"]", "not JSON: no UTF-8 at byte 2"},
        {"[\"\xc0\xaf\"]", "not JSON: no UTF-8 at byte 2"},         /* overlong */
        {"[\"\xe0\x9f\xbf\"]", "not JSON: no UTF-8 at byte 2"},     /* overlong */
        {"[\"\xed\xa0\x80\"]", "not JSON: no UTF-8 at byte 2"},     /* a surrogate */
        {"[\"\xf0\x8f\xbf\xbf\"]", "not JSON: no UTF-8 at byte 2"}, /* overlong */
        {"[\"\xf4\x90\x80\x80\"]", "not JSON: no UTF-8 at byte 2"}, /* above U+10FFFF */
        {"[\"\xf5\x80\x80\x80\"]", "not JSON: no UTF-8 at byte 2"},
        {"[\"\xe2\x82\"]", "not JSON: no UTF-8 at byte 2"},
        {"[\"\xe2\x82", "not JSON: no UTF-8 at byte 2"},
        {"[\"\\u0000\"]", "not JSON: a NUL within a string at byte 2"},
        {"[\"\\ud800\"]", "not JSON: half a surrogate pair before byte 8"},
        {"[\"\\ud800\\u0041\"]", "not JSON: half a surrogate pair before byte 8"},
        {"[\"\\ud800", "not JSON: half a surrogate pair before byte 8"},
        {"[\"\\udc00\"]", "not JSON: a bad escape at byte 2"},
        {"[\"\\u00g0\"]", "not JSON: a bad escape at byte 2"},
        {"[\"\\u00", "not JSON: a bad escape at byte 2"},
        {"[\"\\", "not JSON: a bad escape at byte 2"},
        {"[\"a", "not JSON: ends within a string"},
        {"[\"a\\\"", "not JSON: ends within a string"},
    };
    size_t members = 9;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_refused(jscan_check(bytes_of_text(texts[i].text), &members), ERR_CORRUPT,
                       texts[i].message);
    assert_refused(jscan_check(bytes_of("[\0]", 3), &members), ERR_CORRUPT,
                   "not JSON: unexpected character at byte 1");
    assert_int_equal(members, 9);
}

static void escapes_and_pairs_pass(void **state)
{
    size_t members = 0;

    (void)state;
    assert_done(jscan_check(bytes_of_text("[\"\\u00e4\\uD83D\\uDE00\\n\\\"\\/\\\\\"]"), &members));
}

/* 64 KiB of "[]," would be a tree of 20 MB. */
static void what_costs_too_much_is_refused(void **state)
{
    static const struct {
        const char *part;
        size_t most; /* of them; the list around them counts 8 */
    } rows[] = {{"[]", (JSCAN_COST_MAX - 8 + 1) / 9},
                {"{}", (JSCAN_COST_MAX - 8 + 1) / 9},
                {"1", JSCAN_COST_MAX - 8 + 1}};
    size_t members = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t more = 0; more < 2; more++) {
            struct buf text = {.max = MIB};

            assert_done(buf_add_text(&text, "["));
            for (size_t n = 0; n < rows[i].most + more; n++) {
                assert_done(buf_add_text(&text, n > 0 ? "," : ""));
                assert_done(buf_add_text(&text, rows[i].part));
            }
            assert_done(buf_add_text(&text, "]"));
            if (more == 0)
                assert_done(jscan_check(buf_bytes(&text), &members));
            else
                assert_refused(jscan_check(buf_bytes(&text), &members), ERR_CORRUPT,
                               "not a JSON document of ours: it has too many parts");
            buf_clear(&text);
        }
}

static void an_empty_list_too_deep_is_refused(void **state)
{
    size_t members = 0;

    (void)state;
    assert_done(jscan_check(bytes_of_text("[[[[[[[[[[[]]]]]]]]]]]"), &members));
    assert_refused(jscan_check(bytes_of_text("[[[[[[[[[[[[]]]]]]]]]]]]"), &members), ERR_CORRUPT,
                   "not JSON: nesting too deep at byte 11");
    assert_done(jscan_check(bytes_of_text("[[[[[[[[[[[\"[\"]]]]]]]]]]]"), &members));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_counted_outside_of_strings),
        cmocka_unit_test(numbers_of_the_json_grammar_pass),
        cmocka_unit_test(what_readers_read_differently_is_refused),
        cmocka_unit_test(escapes_and_pairs_pass),
        cmocka_unit_test(what_costs_too_much_is_refused),
        cmocka_unit_test(an_empty_list_too_deep_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
