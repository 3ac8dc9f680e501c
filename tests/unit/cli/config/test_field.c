#include "cli/config/field.h"

#include <string.h>

#include "tests/unit/helpers.h"

/* Everything a table can say: values, nested groups, lists of texts, lists of groups with all that
 * in them. */
struct item {
    char *kind;
    char *keep_value;
    char *keep_unit;
    char **hooks;
    size_t hook_count;
};

struct sample {
    char *name;
    char *deep;
    char *file;
    char **hosts;
    size_t host_count;
    struct item *items;
    size_t item_count;
};

static enum err check_word(const void *arg, const char *value)
{
    if (strcmp(value, "bad") == 0)
        return err_set(ERR_USAGE, "\"%s\" is not %s", value, (const char *)arg);
    return ERR_OK;
}

static const struct field item_fields[] = {
    {.key = "kind", .required = true, .offset = offsetof(struct item, kind)},
    {.key = "keep.value",
     .check = check_word,
     .check_arg = "good",
     .offset = offsetof(struct item, keep_value)},
    {.key = "keep.unit", .offset = offsetof(struct item, keep_unit)},
    {.key = "hooks",
     .kind = FIELD_TEXTS,
     .is_path = true,
     .offset = offsetof(struct item, hooks),
     .count_offset = offsetof(struct item, hook_count),
     .max = 2},
};
static const struct field_table item_table = {
    item_fields, sizeof item_fields / sizeof item_fields[0], sizeof(struct item)};

static const struct field sample_fields[] = {
    {.key = "name", .offset = offsetof(struct sample, name)},
    {.key = "one.two.three", .offset = offsetof(struct sample, deep)},
    {.key = "file", .is_path = true, .offset = offsetof(struct sample, file)},
    {.key = "hosts",
     .kind = FIELD_TEXTS,
     .check = check_word,
     .check_arg = "a host",
     .offset = offsetof(struct sample, hosts),
     .count_offset = offsetof(struct sample, host_count),
     .max = 3},
    {.key = "policy.items",
     .kind = FIELD_GROUPS,
     .offset = offsetof(struct sample, items),
     .count_offset = offsetof(struct sample, item_count),
     .max = 3,
     .items = &item_table},
};
static const struct field_table sample_table = {
    sample_fields, sizeof sample_fields / sizeof sample_fields[0], sizeof(struct sample)};

static enum err read_sample(const char *yaml, struct sample *to)
{
    struct yaml_tree *tree = NULL;
    enum err rc;

    TRY(yaml_tree_parse(bytes_of_text(yaml), &tree));
    TRY(field_read(&sample_table, yaml_tree_root(tree), "/etc/", to));
out:
    yaml_tree_free(tree);
    return rc;
}

static void check_failure(const char *yaml, const char *message)
{
    struct sample s = {.name = NULL};

    assert_refused(read_sample(yaml, &s), ERR_USAGE, message);
    field_clear(&sample_table, &s);
    assert_null(s.name);
    assert_null(s.items);
    assert_int_equal(s.item_count, 0);
}

static const char whole[] = "name: a\n"
                            "one: {two: {three: b}}\n"
                            "file: c\n"
                            "hosts: [d, e]\n"
                            "policy:\n"
                            "  items:\n"
                            "  - kind: daily\n"
                            "    keep: {value: 7, unit: days}\n"
                            "    hooks:\n"
                            "    - lvm\n"
                            "    - /bin/true\n"
                            "  - kind: weekly\n";

static void all_kinds_of_rows_are_read(void **state)
{
    struct sample s = {.name = NULL};
    struct yaml_tree *tree = NULL;

    (void)state;
    assert_done(yaml_tree_parse(bytes_of_text(whole), &tree));
    assert_done(field_read(&sample_table, yaml_tree_root(tree), "/etc/", &s));
    yaml_tree_free(tree); /* what was read needs it no more */
    assert_string_equal(s.name, "a");
    assert_string_equal(s.deep, "b");
    assert_string_equal(s.file, "/etc/c");
    assert_int_equal(s.host_count, 2);
    assert_string_equal(s.hosts[1], "e");
    assert_int_equal(s.item_count, 2);
    assert_string_equal(s.items[0].kind, "daily");
    assert_string_equal(s.items[0].keep_value, "7");
    assert_string_equal(s.items[0].keep_unit, "days");
    assert_int_equal(s.items[0].hook_count, 2);
    assert_string_equal(s.items[0].hooks[0], "/etc/lvm");
    assert_string_equal(s.items[0].hooks[1], "/bin/true");
    assert_string_equal(s.items[1].kind, "weekly");
    assert_null(s.items[1].hooks);
    field_clear(&sample_table, &s);
}

static void messages_have_the_whole_path(void **state)
{
    (void)state;
    check_failure("one: {two: {three: [1]}}\n",
                  "line 1: one.two.three: a list stands where one value should");
    check_failure("one:\n  two: 3\n",
                  "line 2: one.two: one value stands where a group of keys should");
    check_failure("one:\n  two: {thre: 3}\n",
                  "line 2: unknown key \"one.two.thre\"\n  did you mean three?");
    check_failure("one:\n  tow: {three: 3}\n",
                  "line 2: unknown key \"one.tow\"\n  did you mean two?");
    check_failure("hosts: [a, bad]\n", "line 1: hosts[1]: \"bad\" is not a host");
    check_failure("hosts:\n- a\n- b\n- c\n- d\n", "line 1: hosts: more than 3 items");
    check_failure("hosts:\n- a\n-\n", "line 3: hosts[1]: nothing stands where one value should");
    check_failure("hosts: a\n", "line 1: hosts: one value stands where a list should");
    check_failure("policy:\n  items:\n  - kind: a\n  - kind: b\n    keep:\n      value: bad\n",
                  "line 6: policy.items[1].keep.value: \"bad\" is not good");
    check_failure("policy:\n  items:\n  - kind: a\n  - kind: b\n    keep:\n      unti: x\n",
                  "line 6: unknown key \"policy.items[1].keep.unti\"\n  did you mean unit?");
    check_failure("policy:\n  items:\n  - kind: a\n    kind: b\n",
                  "line 4: the key \"policy.items[0].kind\" is there twice");
    check_failure("policy:\n  items:\n  - kind: a\n  - keep: {unit: x}\n",
                  "line 4: the key \"policy.items[1].kind\" is missing");
    check_failure("policy:\n  items:\n  - kind: a\n    hooks: [a, {b: c}]\n",
                  "line 4: policy.items[0].hooks[1]: a group of keys stands where one value "
                  "should");
    check_failure("policy:\n  items:\n  - [a]\n",
                  "line 3: policy.items[0]: a list stands where a group of keys should");
}

/* A row's dots part groups; in the file a dot is a letter as others are. */
static void a_dotted_key_is_not_the_nested_one(void **state)
{
    (void)state;
    check_failure("one.two.three: a\n", "line 1: unknown key \"one.two.three\"");
    check_failure("one.two: {three: a}\n", "line 1: unknown key \"one.two\"");
    check_failure("\"\": a\n", "line 1: unknown key \"\"");
}

static void texts_have_a_limit(void **state)
{
    struct buf yaml = {.max = 2 * FIELD_TEXT_MAX};
    struct sample s = {.name = NULL};

    (void)state;
    assert_done(buf_add_text(&yaml, "name: "));
    for (size_t i = 0; i <= FIELD_TEXT_MAX; i++)
        assert_done(buf_add_text(&yaml, "x"));
    assert_done(buf_add_u(&yaml, 0, 1));
    check_failure((const char *)yaml.data, "line 1: name: longer than 4095 bytes");
    yaml.data[yaml.len - 2] = '\0';
    assert_done(read_sample((const char *)yaml.data, &s));
    assert_int_equal(strlen(s.name), FIELD_TEXT_MAX);
    field_clear(&sample_table, &s);
    buf_clear(&yaml);
}

/* A long unknown key is cut in the message, whatever the groups before it. */
static void a_long_key_is_cut(void **state)
{
    struct buf yaml = {.max = KIB};
    struct sample s = {.name = NULL};

    (void)state;
    for (size_t i = 0; i < 600; i++)
        assert_done(buf_add_text(&yaml, "k"));
    assert_done(buf_add_text(&yaml, ": v"));
    assert_done(buf_add_u(&yaml, 0, 1));
    assert_refused(read_sample((const char *)yaml.data, &s), ERR_USAGE, NULL);
    assert_true(strlen(err_text()) < 300);
    buf_clear(&yaml);
}

static enum err read_whole(void *arg)
{
    struct sample s = {.name = NULL};
    enum err rc = read_sample(whole, &s);

    (void)arg;
    field_clear(&sample_table, &s);
    return rc;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(sweep_allocations(read_whole, NULL) >= 15);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_kinds_of_rows_are_read),
        cmocka_unit_test(messages_have_the_whole_path),
        cmocka_unit_test(a_dotted_key_is_not_the_nested_one),
        cmocka_unit_test(texts_have_a_limit),
        cmocka_unit_test(a_long_key_is_cut),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
