#include "core/base/jdoc.h"

#include <string.h>

#include "tests/unit/helpers.h"

static enum err parse(const char *text, struct jdoc **out)
{
    return jdoc_parse(bytes_of_text(text), out);
}

static struct jdoc *parsed(const char *text)
{
    struct jdoc *doc = NULL;

    assert_done(parse(text, &doc));
    return doc;
}

static void assert_written(const struct jdoc *doc, const char *due)
{
    struct buf out = {.max = MIB};

    assert_done(jdoc_write(doc, &out));
    assert_done(buf_add_u(&out, 0, 1));
    assert_string_equal((const char *)out.data, due);
    buf_clear(&out);
}

/* ---- reading ---- */

static void what_is_not_one_json_object_is_refused(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } texts[] = {
        {"", "not a JSON document: 0 bytes"},
        {"[1]", "not a JSON object"},
        {"null", NULL},
        {"7 ", "not a JSON object"},
        {"\"x\"", "not a JSON object"},
        {"{\"a\":1", "not JSON: ends early"},
        {"{\"a\":1}{}", NULL},
        {"{\"a\":1}x", NULL},
        {"{\"a\":1,}", NULL},
        {"{\"a\":[1,]}", NULL},
        {"{\"a\":truely}", NULL},
        {"{\"a\":TRUE}", "not JSON: unexpected character at byte 5"},
        {"{\"a\" 1}", NULL},
        {"{\"a\":1;}", NULL},
        {"{\"a\":\"\\x\"}", NULL},
        {"{\"a\":\"\xff\"}", NULL},
        {"{\"\xc3\":1}", NULL},
    };
    struct jdoc *doc = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_refused(parse(texts[i].text, &doc), ERR_CORRUPT, texts[i].message);
    assert_refused(jdoc_parse(bytes_of("{}\0", 3), &doc), ERR_CORRUPT, NULL);
    assert_null(doc);
}

static void a_document_cut_anywhere_is_refused(void **state)
{
    static const char text[] = "{\"a\":[{\"b\":\"\\u00e4\"},1.5,true],\"!c\":null}";
    struct jdoc *doc = NULL;

    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++)
        assert_refused(jdoc_parse(bytes_of(text, len), &doc), ERR_CORRUPT, NULL);
    jdoc_free(parsed(text));
}

static void a_member_that_occurs_twice_is_refused(void **state)
{
    static const char *const texts[] = {
        "{\"a\":1,\"a\":1}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"x\":[0,{\"y\":{\"a\":1,\"b\":2,\"a\":3}}]}",
        "{\"a\":{\"b\":1},\"a\":null}",
        "{\"\":1,\"\":2}",
    };
    struct jdoc *doc = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_refused(parse(texts[i], &doc), ERR_CORRUPT,
                       "a member name occurs twice in one object");
    jdoc_free(parsed("{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":2}],\"c\":\"a:b\"}"));
}

static void nesting_has_a_limit(void **state)
{
    struct jdoc *doc = NULL;

    (void)state;
    for (size_t depth = 1; depth <= 20; depth++) {
        struct buf text = {.max = KIB};

        for (size_t i = 0; i < depth; i++)
            assert_done(buf_add_text(&text, "{\"a\":"));
        assert_done(buf_add_text(&text, "1"));
        for (size_t i = 0; i < depth; i++)
            assert_done(buf_add_text(&text, "}"));
        if (depth < JDOC_DEPTH_MAX) {
            assert_done(jdoc_parse(buf_bytes(&text), &doc));
            jdoc_free(doc);
            doc = NULL;
        } else {
            assert_refused(jdoc_parse(buf_bytes(&text), &doc), ERR_CORRUPT, NULL);
        }
        buf_clear(&text);
    }
}

/* One member of each kind. */
static const char all_kinds[] =
    "{\"text\":\"ä b\",\"number\":7,\"yes\":true,\"none\":null,\"hex\":\"00ff\","
    "\"base64\":\"Zm9v\",\"time\":\"2026-11-24T06:10:00.000Z\",\"child\":{\"x\":1},"
    "\"list\":[{\"y\":2},\"z\"],\"negative\":-1,\"real\":1.0}";

static void members_are_read_by_their_kind(void **state)
{
    struct jdoc *doc = parsed(all_kinds);
    struct jdoc *child = NULL;
    struct jdoc *list = NULL;
    const char *text = NULL;
    uint64_t number = 0;
    uint8_t bytes[4] = {0};
    size_t len = 0;
    int64_t ms = 0;

    (void)state;
    assert_done(jdoc_text(doc, "text", 5, &text));
    assert_string_equal(text, "ä b");
    assert_done(jdoc_number(doc, "number", 7, &number));
    assert_int_equal(number, 7);
    assert_done(jdoc_hex(doc, "hex", bytes, 2));
    assert_memory_equal(bytes, "\x00\xff", 2);
    assert_done(jdoc_base64(doc, "base64", bytes, sizeof bytes, &len));
    assert_int_equal(len, 3);
    assert_memory_equal(bytes, "foo", 3);
    assert_done(jdoc_time(doc, "time", &ms));
    assert_int_equal(ms, INT64_C(1795500600000));
    assert_done(jdoc_child(doc, "child", &child));
    assert_done(jdoc_number(child, "x", 1, &number));
    assert_done(jdoc_list(doc, "list", 2, &list, &len));
    assert_int_equal(len, 2);
    assert_done(jdoc_item(list, 0, &child));
    assert_done(jdoc_number(child, "y", 2, &number));
    assert_done(jdoc_item_text(list, 1, 1, &text));
    assert_string_equal(text, "z");
    assert_true(jdoc_has(doc, "text"));
    assert_false(jdoc_has(doc, "none"));
    assert_false(jdoc_has(doc, "absent"));
    jdoc_free(doc);
}

static void a_member_that_is_missing_or_of_another_kind_is_named(void **state)
{
    struct jdoc *doc = parsed(all_kinds);
    struct jdoc *part = NULL;
    const char *text = NULL;
    uint64_t number = 0;
    uint8_t bytes[2];
    size_t len = 0;
    int64_t ms = 0;

    (void)state;
    assert_refused(jdoc_text(doc, "absent", 9, &text), ERR_CORRUPT, "member \"absent\" is missing");
    assert_refused(jdoc_text(doc, "number", 9, &text), ERR_CORRUPT,
                   "member \"number\" is not string");
    assert_refused(jdoc_text(doc, "none", 9, &text), ERR_CORRUPT, "member \"none\" is not string");
    assert_refused(jdoc_number(doc, "text", 9, &number), ERR_CORRUPT, "member \"text\" is not int");
    assert_refused(jdoc_number(doc, "real", 9, &number), ERR_CORRUPT, "member \"real\" is not int");
    assert_refused(jdoc_number(doc, "negative", 9, &number), ERR_CORRUPT,
                   "member \"negative\" is negative");
    assert_refused(jdoc_hex(doc, "text", bytes, 2), ERR_CORRUPT,
                   "member \"text\": \"ä b\" is not lower-case hex");
    assert_refused(jdoc_base64(doc, "hex", bytes, 2, &len), ERR_CORRUPT,
                   "member \"hex\": not base64, or longer than 2 bytes");
    assert_refused(jdoc_time(doc, "base64", &ms), ERR_CORRUPT, NULL);
    assert_refused(jdoc_child(doc, "list", &part), ERR_CORRUPT, "member \"list\" is not object");
    assert_refused(jdoc_list(doc, "child", 9, &part, &len), ERR_CORRUPT,
                   "member \"child\" is not array");
    jdoc_free(doc);
}

static void what_is_over_its_cap_is_refused(void **state)
{
    struct jdoc *doc = parsed(all_kinds);
    struct jdoc *list = NULL;
    const char *text = NULL;
    uint64_t number = 0;
    uint8_t bytes[8];
    size_t len = 0;

    (void)state;
    assert_refused(jdoc_text(doc, "text", 3, &text), ERR_CORRUPT,
                   "member \"text\" is longer than 3 bytes");
    assert_refused(jdoc_number(doc, "number", 6, &number), ERR_CORRUPT,
                   "member \"number\" is over 6");
    assert_refused(jdoc_hex(doc, "hex", bytes, 1), ERR_CORRUPT,
                   "member \"hex\": \"00ff\" is not 2 hex digits");
    assert_refused(jdoc_base64(doc, "base64", bytes, 2, &len), ERR_CORRUPT, NULL);
    assert_refused(jdoc_list(doc, "list", 1, &list, &len), ERR_CORRUPT,
                   "list \"list\" has more than 1 items");
    jdoc_free(doc);
}

static void items_of_another_kind_or_none_are_refused(void **state)
{
    struct jdoc *doc = parsed(all_kinds);
    struct jdoc *list = NULL;
    struct jdoc *item = NULL;
    const char *text = NULL;
    size_t len = 0;

    (void)state;
    assert_done(jdoc_list(doc, "list", 9, &list, &len));
    assert_refused(jdoc_item(list, 1, &item), ERR_CORRUPT, "item 1 of a list is not an object");
    assert_refused(jdoc_item(list, 2, &item), ERR_CORRUPT, "item 2 of a list is not an object");
    assert_refused(jdoc_item_text(list, 0, 9, &text), ERR_CORRUPT,
                   "item 0 of a list is not a text");
    assert_refused(jdoc_item_text(list, 1, 0, &text), ERR_CORRUPT,
                   "member \"item of a list\" is longer than 0 bytes");
    jdoc_free(doc);
}

static void text_that_would_harm_a_terminal_is_refused(void **state)
{
    static const char *const texts[] = {"{\"a\":\"\\u001b[1m\"}", "{\"a\":\"x\\n\"}",
                                        "{\"a\":\"\\u007f\"}", "{\"a\":\"\\u0080\"}"};
    const char *text = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct jdoc *doc = parsed(texts[i]);

        assert_refused(jdoc_text(doc, "a", 99, &text), ERR_CORRUPT,
                       "member \"a\" has control characters");
        jdoc_free(doc);
    }
}

static void a_critical_member_that_is_not_known_is_refused_at_any_depth(void **state)
{
    static const char *const known[] = {"!pad", NULL};
    static const char *const good[] = {"{\"a\":1}", "{\"!pad\":1,\"x\":[{\"!pad\":{}}]}",
                                       "{\"a!b\":\"!x\"}"};
    static const char *const bad[] = {"{\"!new\":null}", "{\"x\":{\"!new\":1}}",
                                      "{\"x\":[1,[{\"!new\":1}]]}", "{\"!pad\":{\"!new\":1}}"};
    struct jdoc *doc;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        doc = parsed(good[i]);
        assert_done(jdoc_check_critical(doc, known));
        jdoc_free(doc);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        doc = parsed(bad[i]);
        assert_refused(jdoc_check_critical(doc, known), ERR_UNSUPPORTED,
                       "member \"!new\" must be understood, and this release does not know it");
        jdoc_free(doc);
    }
    doc = parsed("{\"!\\u001b[1m\":1}");
    assert_refused(jdoc_check_critical(doc, known), ERR_UNSUPPORTED,
                   "member \"!\\x1b[1m\" must be understood, and this release does not know it");
    jdoc_free(doc);
}

/* ---- writing ---- */

static enum err build(void *out)
{
    struct jdoc *doc = NULL;
    struct jdoc *child = NULL;
    struct jdoc *list = NULL;
    enum err rc;

    TRY(jdoc_object(&doc));
    TRY(jdoc_set_text(doc, "text", "a/\"\\€"));
    TRY(jdoc_set_text(doc, "nothing", NULL));
    TRY(jdoc_set_null(doc, "null"));
    TRY(jdoc_set_number(doc, "number", UINT64_C(9007199254740992)));
    TRY(jdoc_set_bool(doc, "yes", true));
    TRY(jdoc_set_hex(doc, "hex", bytes_of("\x01\xfe", 2)));
    TRY(jdoc_set_base64(doc, "base64", bytes_of_text("fo")));
    TRY(jdoc_set_time(doc, "time", 0));
    TRY(jdoc_object(&child));
    TRY(jdoc_set_bool(child, "no", false));
    TRY(jdoc_set_copy(doc, "copy", child));
    TRY(jdoc_array(&list));
    TRY(jdoc_push(list, &child));
    TRY(jdoc_push_text(list, "last"));
    TRY(jdoc_set(doc, "list", &list));
    *(struct jdoc **)out = doc;
    doc = NULL;
out:
    jdoc_free(child);
    jdoc_free(list);
    jdoc_free(doc);
    return rc;
}

static void a_document_is_written_on_one_line_in_the_order_it_was_made(void **state)
{
    struct jdoc *doc = NULL;

    (void)state;
    assert_done(build(&doc));
    assert_written(doc, "{\"text\":\"a/\\\"\\\\€\",\"nothing\":null,\"null\":null,"
                        "\"number\":9007199254740992,\"yes\":true,\"hex\":\"01fe\","
                        "\"base64\":\"Zm8=\",\"time\":\"1970-01-01T00:00:00.000Z\","
                        "\"copy\":{\"no\":false},\"list\":[{\"no\":false},\"last\"]}");
    jdoc_free(doc);
}

static void what_is_written_is_read_as_it_was(void **state)
{
    struct jdoc *doc = NULL;
    struct jdoc *back = NULL;
    struct buf plain = {.max = MIB};
    struct buf pretty = {.max = MIB};
    struct buf again = {.max = MIB};

    (void)state;
    assert_done(build(&doc));
    assert_done(jdoc_write(doc, &plain));
    assert_done(jdoc_write_pretty(doc, &pretty));
    assert_true(pretty.len > plain.len);
    assert_done(jdoc_parse(buf_bytes(&pretty), &back));
    assert_done(jdoc_write(back, &again));
    assert_true(bytes_equal(buf_bytes(&plain), buf_bytes(&again)));
    buf_clear(&plain);
    buf_clear(&pretty);
    buf_clear(&again);
    jdoc_free(back);
    jdoc_free(doc);
}

static void text_that_no_reader_would_take_is_not_written(void **state)
{
    struct jdoc *doc = NULL;
    struct jdoc *list = NULL;

    (void)state;
    assert_done(jdoc_object(&doc));
    assert_done(jdoc_array(&list));
    assert_refused(jdoc_set_text(doc, "description", "two\nlines"), ERR_USAGE,
                   "\"description\" has control characters or is not UTF-8");
    assert_refused(jdoc_set_text(doc, "description", "\xff"), ERR_USAGE, NULL);
    assert_refused(jdoc_push_text(list, "\x1b"), ERR_USAGE,
                   "a text has control characters or is not UTF-8");
    assert_written(doc, "{}");
    assert_written(list, "[]");
    jdoc_free(list);
    jdoc_free(doc);
}

static void hex_has_a_limit(void **state)
{
    static const uint8_t zeros[129];
    struct jdoc *doc = NULL;

    (void)state;
    assert_done(jdoc_object(&doc));
    assert_done(jdoc_set_hex(doc, "a", bytes_of(zeros, 128)));
    assert_refused(jdoc_set_hex(doc, "b", bytes_of(zeros, 129)), ERR_FAILED,
                   "129 bytes are too many for hex");
    jdoc_free(doc);
}

static void a_child_that_was_set_is_the_document_s(void **state)
{
    struct jdoc *doc = NULL;
    struct jdoc *child = NULL;

    (void)state;
    assert_done(jdoc_object(&doc));
    assert_done(jdoc_object(&child));
    assert_done(jdoc_set(doc, "child", &child));
    assert_null(child);
    jdoc_free(doc);
    jdoc_free(NULL);
}

static enum err build_and_drop(void *arg)
{
    struct jdoc *doc = NULL;
    enum err rc = build(&doc);

    (void)arg;
    jdoc_free(doc);
    return rc;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(sweep_allocations(build_and_drop, NULL) >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_one_json_object_is_refused),
        cmocka_unit_test(a_document_cut_anywhere_is_refused),
        cmocka_unit_test(a_member_that_occurs_twice_is_refused),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(members_are_read_by_their_kind),
        cmocka_unit_test(a_member_that_is_missing_or_of_another_kind_is_named),
        cmocka_unit_test(what_is_over_its_cap_is_refused),
        cmocka_unit_test(items_of_another_kind_or_none_are_refused),
        cmocka_unit_test(text_that_would_harm_a_terminal_is_refused),
        cmocka_unit_test(a_critical_member_that_is_not_known_is_refused_at_any_depth),
        cmocka_unit_test(a_document_is_written_on_one_line_in_the_order_it_was_made),
        cmocka_unit_test(what_is_written_is_read_as_it_was),
        cmocka_unit_test(text_that_no_reader_would_take_is_not_written),
        cmocka_unit_test(hex_has_a_limit),
        cmocka_unit_test(a_child_that_was_set_is_the_document_s),
        cmocka_unit_test(any_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
