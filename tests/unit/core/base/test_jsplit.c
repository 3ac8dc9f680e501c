#include "core/base/jsplit.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/helpers.h"

/* The items that came, one behind the other. */
static enum err collect(void *arg, const struct jdoc *item)
{
    struct buf *to = arg;
    enum err rc;

    TRY(jdoc_write(item, to));
    TRY(buf_add_text(to, ";"));
out:
    return rc;
}

static enum err split(struct bytes from, struct buf *items, struct jdoc **rest)
{
    const struct jsplit_list lists[] = {
        {"a", 3, collect, items}, {"b", 100000, collect, items}, {.name = NULL}};

    return jsplit_parse_bytes(from, lists, rest);
}

static void assert_buf(struct buf *b, const char *due)
{
    assert_done(buf_add_u(b, 0, 1));
    assert_string_equal((const char *)b->data, due);
    buf_clear(b);
}

static void lists_come_item_by_item_and_the_rest_is_a_document(void **state)
{
    static const struct {
        const char *text, *items, *rest;
    } rows[] = {
        {"{}\n", "", "{}"},
        {"{\"a\":[]}\n", "", "{\"a\":[]}"},
        {"{\"a\":[{}]}\n", "{};", "{\"a\":[]}"},
        {"{\"x\":1,\"a\":[{\"k\":[1,{\"a\":2}]},{\"s\":\"]},\\\"\\\\\"}],\"y\":[{}]}\n",
         "{\"k\":[1,{\"a\":2}]};{\"s\":\"]},\\\"\\\\\"};", "{\"x\":1,\"a\":[],\"y\":[{}]}"},
        {"{ \"b\" : [ { } , {\"c\":null} ] , \"a\" : [ ] }\n", "{};{\"c\":null};",
         "{\"b\":[],\"a\":[]}"},
        {"{\"\\u0061\":[{}]}\n", "{};", "{\"a\":[]}"},
        {"{\"n\":{\"a\":[7]}}\n", "", "{\"n\":{\"a\":[7]}}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf items = {.max = MIB};
        struct buf rest = {.max = MIB};
        struct jdoc *doc = NULL;

        assert_done(split(bytes_of_text(rows[i].text), &items, &doc));
        assert_done(jdoc_write(doc, &rest));
        assert_buf(&items, rows[i].items);
        assert_buf(&rest, rows[i].rest);
        jdoc_free(doc);
    }
}

static void what_is_no_such_object_is_refused(void **state)
{
    static const struct {
        const char *text, *message; /* NULL: any */
    } rows[] = {
        {"", "not JSON: ends early"},
        {"{}", "not JSON: ends early"},
        {"{} \n", "no newline behind the JSON object"},
        {"{}\n ", "bytes are left over after the JSON object"},
        {"{}\n{}\n", "bytes are left over after the JSON object"},
        {" {}\n", "not JSON: it does not begin with an object"},
        {"[]\n", "not JSON: it does not begin with an object"},
        {"{\"a\":{}}\n", "member \"a\" is not array"},
        {"{\"a\":null}\n", "member \"a\" is not array"},
        {"{\"a\":[1]}\n", "item 0 of list \"a\" is not an object"},
        {"{\"a\":[{},[]]}\n", "item 1 of list \"a\" is not an object"},
        {"{\"a\":[,{}]}\n", "item 0 of list \"a\" is not an object"},
        {"{\"a\":[{},]}\n", "not JSON: a comma behind the last item of list \"a\""},
        {"{\"a\":[{}{}]}\n", "not JSON: no comma between two items of list \"a\""},
        {"{\"a\":[{}:{}]}\n", "not JSON: no comma between two items of list \"a\""},
        {"{\"a\":[{},{},{},{}]}\n", "list \"a\" has more than 3 items"},
        {"{\"a\":[{\"x\":1]}]}\n", NULL},
        {"{\"a\":[{\"x\":\"\xff\"}]}\n", NULL},
        {"{\"a\":[{\"x\":1,\"x\":1}]}\n", "a member name occurs twice in one object"},
        {"{\"a\":[],\"a\":[{}]}\n", "a member name occurs twice in one object"},
        {"{\"a\":[],\"\\u0061\":[]}\n", "a member name occurs twice in one object"},
        {"{\"x\":1,\"x\":2}\n", "a member name occurs twice in one object"},
        {"{\"x\":1,}\n", NULL},
        {"{\"x\":1 \"y\":2}\n", NULL},
        {"{\"x\" 1}\n", "not JSON: no colon behind a member name"},
        {"{\"x\":}\n", NULL},
        {"{\"x\":1}}\n", "no newline behind the JSON object"},
        {"{\"x\":[1}\n", NULL},
        {"{\"x\":1]\n", NULL},
        {"{x:1}\n", NULL},
        {"{\"\xff\":1}\n", NULL},
        {"{\"a\":[{\"1\":[[[[[[[[[]]]]]]]]]}]}\n", "not JSON: nesting too deep"},
        {"{\"x\":[[[[[[[[[[[]]]]]]]]]]]}\n", "not JSON: nesting too deep at byte 15"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf items = {.max = MIB};
        struct jdoc *doc = NULL;
        enum err rc = split(bytes_of_text(rows[i].text), &items, &doc);

        if (rc != ERR_CORRUPT ||
            (rows[i].message != NULL && strcmp(err_text(), rows[i].message) != 0))
            fail_msg("%s gave %d: %s", rows[i].text, (int)rc, rc == ERR_OK ? "" : err_text());
        assert_null(doc);
        buf_clear(&items);
    }
}

/* As deep as any reader goes, and no deeper: the list and the object around it count. */
static void the_depth_is_that_of_the_whole(void **state)
{
    static const char deep[] = "{\"a\":[{\"1\":[[[[[[[[]]]]]]]]}]}\n";
    struct buf items = {.max = MIB};
    struct jdoc *doc = NULL;

    (void)state;
    assert_done(split(bytes_of_text(deep), &items, &doc));
    jdoc_free(doc);
    doc = NULL;
    assert_done(jdoc_parse(bytes_of(deep, sizeof deep - 1), &doc));
    jdoc_free(doc);
    buf_clear(&items);
}

/* Items of all lengths around the pieces in which a text is read. */
static void a_long_list_is_never_in_memory(void **state)
{
    struct buf text = {.max = 32 * MIB};
    struct buf pad = {.max = MIB};
    struct buf items = {.max = 32 * MIB};
    struct jdoc *doc = NULL;

    (void)state;
    assert_done(buf_add_text(&text, "{\"b\":["));
    for (int i = 0; i < 3000; i++) {
        assert_done(buf_add_text(&text, i == 0 ? "{\"p\":\"" : ",{\"p\":\""));
        assert_done(buf_add(&text, buf_bytes(&pad)));
        assert_done(buf_add_text(&text, "\"}"));
        assert_done(buf_add_text(&pad, "x"));
    }
    assert_done(buf_add_text(&text, "]}\n"));
    assert_done(split(buf_bytes(&text), &items, &doc));
    assert_int_equal(items.len, text.len - 8); /* the frame; semicolons for commas, and one more */
    jdoc_free(doc);
    buf_clear(&text);
    buf_clear(&pad);
    buf_clear(&items);
}

static void a_part_that_is_too_long_is_refused(void **state)
{
    static const char *const fronts[] = {"{\"a\":[{\"p\":\"", "{\"p\":\"", "{\"",
                                         "{\"p\":", "{\"p\":1"};
    static const char *const backs[] = {"\"}]}\n", "\"}\n", "\":1}\n", "1}\n", "}\n"};
    static const char *const fills[] = {"x", "x", "x", " ", " "};
    struct buf items = {.max = MIB};

    (void)state;
    for (size_t i = 0; i < sizeof fronts / sizeof fronts[0]; i++) {
        struct buf text = {.max = MIB};
        struct jdoc *doc = NULL;

        assert_done(buf_add_text(&text, fronts[i]));
        for (size_t n = 0; n < JSPLIT_PART_MAX; n++)
            assert_done(buf_add_text(&text, fills[i]));
        assert_done(buf_add_text(&text, backs[i]));
        assert_refused(split(buf_bytes(&text), &items, &doc), ERR_CORRUPT,
                       "a part of the JSON object is longer than 65536 bytes");
        buf_clear(&text);
    }
    buf_clear(&items);
}

static enum err refuse_item(void *arg, const struct jdoc *item)
{
    (void)arg;
    (void)item;
    return err_set(ERR_STORAGE, "full");
}

static enum err refuse_read(void *arg, uint64_t offset, void *to, size_t len)
{
    (void)arg;
    (void)offset;
    (void)to;
    (void)len;
    return err_set(ERR_STORAGE, "gone");
}

static void failures_are_passed_on(void **state)
{
    const struct jsplit_list lists[] = {{"a", 1, refuse_item, NULL}, {.name = NULL}};
    const struct jsplit_source nothing = {refuse_read, NULL, 100};
    struct jdoc *doc = NULL;

    (void)state;
    assert_refused(jsplit_parse_bytes(bytes_of_text("{\"a\":[{}]}\n"), lists, &doc), ERR_STORAGE,
                   "full");
    assert_refused(jsplit_parse(&nothing, lists, &doc), ERR_STORAGE, "gone");
    assert_null(doc);
}

static void items_that_nobody_wants_are_passed_over(void **state)
{
    static const char *const texts[] = {"{\"a\":[{who knows}]}\n", "{\"a\":[\"]\",[7]]}\n",
                                        "{\"a\":null}\n"};
    const struct jsplit_list lists[] = {{"a", 10, NULL, NULL}, {.name = NULL}};
    struct buf text = {.max = MIB};
    struct jdoc *doc = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_done(jsplit_parse_bytes(bytes_of_text(texts[i]), lists, &doc));
        jdoc_free(doc);
        doc = NULL;
    }
    assert_done(buf_add_text(&text, "{\"a\":[\""));
    for (size_t i = 0; i <= JSPLIT_PART_MAX; i++)
        assert_done(buf_add_text(&text, "x"));
    assert_done(buf_add_text(&text, "\"]}\n"));
    assert_done(jsplit_parse_bytes(buf_bytes(&text), lists, &doc));
    jdoc_free(doc);
    buf_clear(&text);
}

static enum err split_once(void *arg)
{
    struct buf items = {.max = MIB};
    struct jdoc *doc = NULL;
    enum err rc = split(*(struct bytes *)arg, &items, &doc);

    jdoc_free(doc);
    buf_clear(&items);
    return rc;
}

static enum err split_changed(void *arg, struct bytes changed)
{
    (void)arg;
    return split_once(&changed);
}

static void no_memory_is_said_and_no_cut_is_taken(void **state)
{
    struct bytes text = bytes_of_text("{\"x\":\"y\",\"a\":[{\"k\":1},{\"l\":\"m\"}]}\n");

    (void)state;
    assert_true(sweep_allocations(split_once, &text) >= 3);
    sweep_cuts(text, split_changed, NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_come_item_by_item_and_the_rest_is_a_document),
        cmocka_unit_test(what_is_no_such_object_is_refused),
        cmocka_unit_test(the_depth_is_that_of_the_whole),
        cmocka_unit_test(a_long_list_is_never_in_memory),
        cmocka_unit_test(a_part_that_is_too_long_is_refused),
        cmocka_unit_test(failures_are_passed_on),
        cmocka_unit_test(items_that_nobody_wants_are_passed_over),
        cmocka_unit_test(no_memory_is_said_and_no_cut_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
