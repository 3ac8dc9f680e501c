#include "core/fs/path.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/helpers.h"

#define ODD_PART "a path is absolute, or has an empty, \".\" or \"..\" part"

static enum err check(const char *text)
{
    return path_check(bytes_of_text(text));
}

static void ordinary_paths_are_taken(void **state)
{
    (void)state;
    assert_done(check("WiredTiger"));
    assert_done(check("journal/WiredTigerLog.0000000001"));
    assert_done(check("..a/...b/c..")); /* dots that mean nothing */
    assert_done(check("\xff\xfe/not UTF-8"));
    assert_done(check("back\\slash\n"));
}

static void paths_that_lead_out_are_refused(void **state)
{
    static const char *const bad[] = {"/",     "/etc/passwd", "..",   "../a", "a/..", "a/../b",
                                      "a/./b", ".",           "a//b", "a/",   "./a",  "//"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(check(bad[i]), ERR_CORRUPT, ODD_PART);
    assert_refused(check(""), ERR_CORRUPT, "a path is empty");
}

static void a_nul_byte_is_refused(void **state)
{
    (void)state;
    assert_refused(path_check(bytes_of("a\0b", 3)), ERR_CORRUPT, "a path has a NUL byte");
    assert_refused(path_check(bytes_of("\0", 1)), ERR_CORRUPT, "a path has a NUL byte");
}

static void the_longest_path_is_taken_and_one_byte_more_is_not(void **state)
{
    char *path = malloc(PATH_LEN_MAX + 1);

    (void)state;
    assert_non_null(path);
    memset(path, 'a', PATH_LEN_MAX + 1);
    for (size_t i = 100; i < PATH_LEN_MAX; i += 100)
        path[i] = '/';
    assert_done(path_check(bytes_of(path, PATH_LEN_MAX)));
    assert_refused(path_check(bytes_of(path, PATH_LEN_MAX + 1)), ERR_CORRUPT,
                   "a path of 4096 bytes is over the limit of 4095");
    free(path);
}

static void the_longest_name_is_taken_and_one_byte_more_is_not(void **state)
{
    char path[2 + PATH_PART_MAX + 1];

    (void)state;
    memset(path, 'n', sizeof path);
    memcpy(path, "d/", 2);
    assert_done(path_check(bytes_of(path, 2 + PATH_PART_MAX)));
    assert_refused(path_check(bytes_of(path, 2 + PATH_PART_MAX + 1)), ERR_CORRUPT,
                   "a path has a name of 256 bytes, over the limit of 255");
}

static int sign(int of)
{
    return (of > 0) - (of < 0);
}

static void a_directory_comes_right_before_what_lies_in_it(void **state)
{
    static const char *const sorted[] = {"a", "a/b", "a/b/c", "a/c", "a\x01", "a-b", "a.b", "b"};
    size_t count = sizeof sorted / sizeof sorted[0];

    (void)state;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++)
            assert_int_equal(sign(path_compare(bytes_of_text(sorted[i]), bytes_of_text(sorted[k]))),
                             (i > k) - (i < k));
}

static bool within(const char *path, const char *dir)
{
    return path_is_within(bytes_of_text(path), bytes_of_text(dir));
}

static void a_longer_name_does_not_lie_in_a_directory(void **state)
{
    (void)state;
    assert_true(within("a/b", "a"));
    assert_true(within("a", "a"));
    assert_true(within("a", ""));
    assert_false(within("ab", "a"));
    assert_false(within("a", "a/b"));
    assert_false(within("b/a", "a"));
}

static void a_dot_beside_another_character_is_an_ordinary_name(void **state)
{
    (void)state;
    assert_done(check("x"));
    assert_done(check(".a"));
    assert_done(check("a./x"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_paths_are_taken),
        cmocka_unit_test(paths_that_lead_out_are_refused),
        cmocka_unit_test(a_nul_byte_is_refused),
        cmocka_unit_test(the_longest_path_is_taken_and_one_byte_more_is_not),
        cmocka_unit_test(the_longest_name_is_taken_and_one_byte_more_is_not),
        cmocka_unit_test(a_directory_comes_right_before_what_lies_in_it),
        cmocka_unit_test(a_longer_name_does_not_lie_in_a_directory),
        cmocka_unit_test(a_dot_beside_another_character_is_an_ordinary_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
