#include "snapshot/read/path_list.h"

#include <stdio.h>

#include "core/base/mem.h"
#include "tests/unit/helpers.h"

static void what_was_added_is_found_and_nothing_else(void **state)
{
    static const char *const in[] = {"a", "a/b", "a-b", "b"};
    static const char *const out[] = {"", "a/a", "a/b/c", "a-", "b0", "0"};
    struct path_list l = {.count = 0};

    (void)state;
    for (size_t count = 0; count <= 4; count++) {
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(path_list_has(&l, bytes_of_text(in[i])), i < count);
        for (size_t i = 0; i < sizeof out / sizeof out[0]; i++)
            assert_false(path_list_has(&l, bytes_of_text(out[i])));
        if (count < 4)
            assert_done(path_list_add(&l, bytes_of_text(in[count])));
    }
    assert_string_equal(path_list_at(&l, 2), "a-b");
    path_list_clear(&l);
    assert_int_equal(l.count, 0);
}

static void what_lies_below_or_above_is_told(void **state)
{
    static const char *const paths[] = {"a/b", "a-b", "c"};
    static const struct {
        const char *path;
        bool covered, reached;
    } rows[] = {
        {"a", false, true},     {"a/b", true, false},  {"a/b/c/d", true, false},
        {"a/bc", false, false}, {"a/a", false, false}, {"a-b/x", true, false},
        {"c", true, false},     {"c/d", true, false},  {"cc", false, false},
        {"", false, true},      {"b", false, false},
    };
    struct path_list l = {.count = 0};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_done(path_list_add(&l, bytes_of_text(paths[i])));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes path = bytes_of_text(rows[i].path);

        if (path_list_covers(&l, path) != rows[i].covered ||
            path_list_reaches(&l, path) != rows[i].reached)
            fail_msg("%s", rows[i].path);
    }
    path_list_clear(&l);
}

static enum err add_many(void *arg)
{
    struct path_list l = {.count = 0};
    char path[16];
    enum err rc = ERR_OK;

    (void)arg;
    for (unsigned i = 0; i < 100; i++) {
        snprintf(path, sizeof path, "f%04u", i);
        TRY(path_list_add(&l, bytes_of_text(path)));
    }
    assert_true(path_list_has(&l, bytes_of_text("f0099")));
out:
    path_list_clear(&l);
    return rc;
}

static void no_memory_is_said(void **state)
{
    (void)state;
    assert_true(sweep_allocations(add_many, NULL) > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_found_and_nothing_else),
        cmocka_unit_test(what_lies_below_or_above_is_told),
        cmocka_unit_test(no_memory_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
