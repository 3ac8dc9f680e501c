#include "cli/config/yaml_tree.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/unit/helpers.h"

static struct yaml_tree *parse(const char *yaml)
{
    struct yaml_tree *t = NULL;

    assert_done(yaml_tree_parse(bytes_of_text(yaml), &t));
    return t;
}

static void check_failure(const char *yaml, const char *message)
{
    struct yaml_tree *t = NULL;

    assert_refused(yaml_tree_parse(bytes_of_text(yaml), &t), ERR_USAGE, message);
    assert_null(t);
}

static void check_value(const struct tree_item *item, const char *key, const char *text,
                        size_t line)
{
    assert_int_equal(item->kind, TREE_VALUE);
    assert_string_equal(item->text, text);
    assert_int_equal(item->line, line);
    if (key == NULL)
        assert_null(item->key);
    else
        assert_string_equal(item->key, key);
}

static void groups_lists_and_values_keep_their_order_and_lines(void **state)
{
    struct yaml_tree *t = parse("# mine\n"
                                "name: rs0\n"
                                "before: [lvm, freeze,\n"
                                "  now]\n"
                                "items:\n"
                                "- kind: daily\n"
                                "  keep:\n"
                                "    - {days: '7'}\n"
                                "-\n"
                                "  kind: weekly\n");
    const struct tree_item *root = yaml_tree_root(t);
    const struct tree_item *items;

    (void)state;
    assert_int_equal(root->kind, TREE_GROUP);
    assert_int_equal(root->count, 3);
    check_value(&root->items[0], "name", "rs0", 2);
    assert_int_equal(root->items[1].kind, TREE_LIST);
    assert_int_equal(root->items[1].count, 3);
    assert_int_equal(root->items[1].line, 3);
    check_value(&root->items[1].items[1], NULL, "freeze", 3);
    check_value(&root->items[1].items[2], NULL, "now", 4);
    items = &root->items[2];
    assert_int_equal(items->count, 2);
    assert_int_equal(items->items[0].line, 6);
    check_value(&items->items[0].items[0], "kind", "daily", 6);
    check_value(&items->items[0].items[1].items[0].items[0], "days", "7", 8);
    assert_int_equal(items->items[1].line, 10);
    check_value(&items->items[1].items[0], "kind", "weekly", 10);
    yaml_tree_free(t);
}

/* A key on one line, its value on the next: it is the key that is looked for. */
static void a_member_is_where_its_key_is(void **state)
{
    struct yaml_tree *t = parse("a:\n\n  text\nb: >\n  folded\n  lines\n");
    const struct tree_item *root = yaml_tree_root(t);

    (void)state;
    check_value(&root->items[0], "a", "text", 1);
    check_value(&root->items[1], "b", "folded lines\n", 4);
    yaml_tree_free(t);
}

static void nothing_is_told_from_a_value(void **state)
{
    static const char *const nothing[] = {"a:", "a: ~", "a: null", "a: Null", "a: NULL", "a: ''"};
    static const char *const something[] = {"a: \"~\"", "a: 'null'", "a: nulls", "a: 0", "a: no"};

    (void)state;
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        struct yaml_tree *t = parse(nothing[i]);

        assert_int_equal(yaml_tree_root(t)->items[0].kind, TREE_NOTHING);
        yaml_tree_free(t);
    }
    for (size_t i = 0; i < sizeof something / sizeof something[0]; i++) {
        struct yaml_tree *t = parse(something[i]);

        assert_int_equal(yaml_tree_root(t)->items[0].kind, TREE_VALUE);
        yaml_tree_free(t);
    }
}

static void an_empty_document_has_no_root(void **state)
{
    static const char *const empty[] = {"", "\n\n", "# a comment\n", "%YAML 1.1\n---\n"};

    (void)state;
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        struct yaml_tree *t = parse(empty[i]);

        assert_true(yaml_tree_root(t) == NULL || yaml_tree_root(t)->kind == TREE_NOTHING);
        yaml_tree_free(t);
    }
}

static void what_is_not_yaml_is_named_with_its_line(void **state)
{
    (void)state;
    check_failure("a: b: c\n",
                  "line 1: this is not YAML: mapping values are not allowed in this context");
    check_failure("a: 1\nb: \"c\nd\n",
                  "line 4: this is not YAML: found unexpected end of stream (while scanning a "
                  "quoted scalar, which begins on line 2)");
    check_failure("a: 1\n  b: 2\n- c\n",
                  "line 2: this is not YAML: mapping values are not allowed in this context");
    check_failure("a: [1,\n2\nb: 3\n",
                  "line 3: this is not YAML: did not find expected ',' or ']' (while parsing a "
                  "flow sequence, which begins on line 1)");
    check_failure("a: 1\n}\n", "line 2: this is not YAML: did not find expected key (while parsing "
                               "a block mapping, which begins on line 1)");
    check_failure("a: 1\nb: \xff\n", "line 2: this is not YAML: invalid leading UTF-8 octet");
    check_failure("a: 1\n\nb: \x01\n", "line 3: this is not YAML: control characters are not "
                                       "allowed");
}

static void a_tab_is_explained(void **state)
{
    (void)state;
    check_failure("\ta: b\n",
                  "line 1: this is not YAML: found character that cannot start any token\n"
                  "  YAML is indented with spaces, never with tabs");
    check_failure("a:\n  b: 1\n  \tc: 2\n",
                  "line 3: this is not YAML: found a tab character that violates indentation "
                  "(while scanning a plain scalar, which begins on line 2)\n"
                  "  YAML is indented with spaces, never with tabs");
    check_failure("a: @b\n",
                  "line 1: this is not YAML: found character that cannot start any token");
}

static void anchors_and_aliases_are_refused(void **state)
{
    (void)state;
    check_failure("a: &x /a\n", "line 1: the YAML anchor &x is not supported\n"
                                "  a value that begins with & needs quotes");
    check_failure("a: /a\nb:\n- *x\n", "line 3: the YAML alias *x is not supported\n"
                                       "  a value that begins with * needs quotes");
    check_failure("&a [*a]\n", "line 1: the YAML anchor &a is not supported\n"
                               "  a value that begins with & needs quotes");
}

static void a_second_document_is_refused(void **state)
{
    (void)state;
    check_failure("a: 1\n---\nb: 2\n", "line 2: a second document begins");
    check_failure("---\na: 1\n...\n---\nb: 2\n", "line 4: a second document begins");
    check_failure("a: 1\n---\n", "line 2: a second document begins");
    check_failure("a: 1\n...\n}\n",
                  "line 3: this is not YAML: did not find expected <document start>");
}

static void keys_are_text(void **state)
{
    static const char zero[] = "a: 1\0";
    struct yaml_tree *t = NULL;

    (void)state;
    check_failure("a: 1\n? [b]\n: c\n",
                  "line 2: a list or a group of keys stands where a key should");
    check_failure("{a: 1}: c\n", "line 1: a list or a group of keys stands where a key should");
    check_failure("x: y\n\"a\\0b\": c\n", "line 2: this is not text: it has a zero byte");
    check_failure("x: y\na: \"b\\0c\"\n", "line 2: this is not text: it has a zero byte");
    assert_refused(yaml_tree_parse(bytes_of(zero, sizeof zero), &t), ERR_USAGE,
                   "is not text: it has a zero byte");
}

/* `count` times `what`, then `end`. */
static void check_many(const char *what, size_t count, const char *end, const char *message)
{
    struct buf yaml = {.max = YAML_TREE_LEN_MAX + 100};
    struct yaml_tree *t = NULL;

    for (size_t i = 0; i < count; i++)
        assert_done(buf_add_text(&yaml, what));
    assert_done(buf_add_text(&yaml, end));
    if (message == NULL)
        assert_done(yaml_tree_parse(buf_bytes(&yaml), &t));
    else
        assert_refused(yaml_tree_parse(buf_bytes(&yaml), &t), ERR_USAGE, message);
    yaml_tree_free(t);
    buf_clear(&yaml);
}

static void limits_are_kept(void **state)
{
    const char *deep = "line 1: lists and groups are nested more than 12 deep";

    (void)state;
    check_many("[", YAML_TREE_DEPTH_MAX, "]]]]]]]]]]]]", NULL);
    check_many("[", YAML_TREE_DEPTH_MAX + 1, "]]]]]]]]]]]]]", deep);
    check_many("[", YAML_TREE_LEN_MAX, "", deep);
    check_many("{a: ", YAML_TREE_LEN_MAX / 4, "", deep);
    check_many("- ", YAML_TREE_DEPTH_MAX + 1, "a", deep);
    check_many("[], ", 20, "", "line 1: this is not YAML: did not find expected <document start>");
    /* The list itself is one of them. */
    check_many("- a\n", YAML_TREE_NODES_MAX - 1, "", NULL);
    check_many("- a\n", YAML_TREE_NODES_MAX, "", "more than 10000 keys and values");
    check_many("#", YAML_TREE_LEN_MAX, "", NULL);
    check_many("#", YAML_TREE_LEN_MAX, "#", "longer than 262144 bytes");
}

static enum err parse_some(void *arg)
{
    struct yaml_tree *t = NULL;
    enum err rc = yaml_tree_parse(bytes_of_text("a: [1, {b: c}]\n"), &t);

    (void)arg;
    yaml_tree_free(t);
    return rc;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    assert_int_equal(sweep_allocations(parse_some, NULL), 3);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_lists_and_values_keep_their_order_and_lines),
        cmocka_unit_test(a_member_is_where_its_key_is),
        cmocka_unit_test(nothing_is_told_from_a_value),
        cmocka_unit_test(an_empty_document_has_no_root),
        cmocka_unit_test(what_is_not_yaml_is_named_with_its_line),
        cmocka_unit_test(a_tab_is_explained),
        cmocka_unit_test(anchors_and_aliases_are_refused),
        cmocka_unit_test(a_second_document_is_refused),
        cmocka_unit_test(keys_are_text),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
