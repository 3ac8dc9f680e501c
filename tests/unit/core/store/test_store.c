#include "core/store/store.h"

#include <string.h>

#include "core/store/driver.h"
#include "tests/unit/faulty.h"
#include "tests/unit/helpers.h"

static const char *long_name(size_t len)
{
    static char name[STORE_NAME_MAX + 3];

    memset(name, 'a', len);
    name[len] = '\0';
    return name;
}

static void names_of_the_format_are_legal(void **state)
{
    (void)state;
    assert_true(store_name_is_legal("ledger/00c0ffee00c0ffee/0000000000000001.json"));
    assert_true(store_name_is_legal("data/ab/0123456789abcdef0123456789abcdef"));
    assert_true(store_name_is_legal("a"));
    assert_true(store_name_is_legal("tmpx/a"));
    assert_true(store_name_is_legal("a/tmp"));
    assert_true(store_name_is_legal("..."));
    assert_true(store_name_is_legal(long_name(STORE_NAME_MAX)));
}

static void names_that_lead_elsewhere_are_not(void **state)
{
    static const char *const bad[] = {"",    "/",    "/a",    "a/",    "a//b", ".",
                                      "..",  "../a", "a/..",  "a/./b", "A",    "a b",
                                      "a\n", "tmp",  "tmp/a", "a\\b",  "a:b",  "\xc3\xa9"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(store_name_is_legal(bad[i]));
    assert_false(store_name_is_legal(long_name(STORE_NAME_MAX + 1)));
}

static enum err no_object(void *arg, const char *name, uint64_t size)
{
    (void)arg;
    (void)size;
    fail_msg("%s is listed", name);
    return ERR_FAILED;
}

static void no_call_lets_an_illegal_name_through(void **state)
{
    static const char due[] = "\"../\\x1b[2J\" is not a valid object name";
    const char *bad = "../\033[2J";
    struct store *s = NULL;
    struct store_put *p = NULL;
    struct store_blob *b = NULL;
    struct buf got = {.max = 10};
    uint64_t size;

    assert_done(store_open(in(state, ""), false, &s));
    assert_refused(store_put(s, bad, bytes_of_text("")), ERR_CORRUPT, due);
    assert_refused(store_put_begin(s, bad, &p), ERR_CORRUPT, due);
    assert_refused(store_blob_open(s, bad, &b), ERR_CORRUPT, due);
    assert_refused(store_get(s, bad, &got), ERR_CORRUPT, due);
    assert_refused(store_head(s, bad, &size), ERR_CORRUPT, due);
    assert_refused(store_remove(s, bad), ERR_CORRUPT, due);
    assert_refused(store_list(s, bad, no_object, NULL), ERR_CORRUPT, due);
    store_free(s);
}

static void an_address_is_not_taken_for_a_directory(void **state)
{
    struct store *s = NULL;

    (void)state;
    assert_refused(store_open("://x", true, &s), ERR_USAGE, NULL);
    assert_refused(store_open("s3://bucket/x", true, &s), ERR_USAGE,
                   "s3://bucket/x: this release keeps a repository in a directory only; object "
                   "stores are not there yet\n  give the path of a directory, of a mounted file "
                   "system for example");
}

static void ranges_are_read_and_what_is_past_the_end_is_not(void **state)
{
    struct store *s = NULL;
    struct store_blob *b = NULL;
    char got[8] = "";

    assert_done(store_open(in(state, ""), false, &s));
    assert_done(store_put(s, "a", bytes_of_text("0123456")));
    assert_done(store_blob_open(s, "a", &b));
    assert_int_equal(store_blob_size(b), 7);
    assert_done(store_blob_read(b, 2, got, 3));
    assert_string_equal(got, "234");
    assert_done(store_blob_read(b, 7, got, 0));
    assert_refused(store_blob_read(b, 5, got, 3), ERR_CORRUPT,
                   "a: 3 bytes from 5 on were wanted, but it has only 7");
    assert_refused(store_blob_read(b, UINT64_MAX, got, 2), ERR_CORRUPT,
                   "a: 2 bytes from 18446744073709551615 on were wanted, but it has only 7");
    store_blob_free(b);
    store_free(s);
}

static void an_object_over_the_cap_is_not_read(void **state)
{
    struct store *s = NULL;
    struct buf got = {.max = 6};

    assert_done(store_open(in(state, ""), false, &s));
    assert_done(store_put(s, "a", bytes_of_text("0123456")));
    assert_refused(store_get(s, "a", &got), ERR_CORRUPT, "a: 7 bytes, over the limit of 6");
    got.max = 7;
    assert_done(store_get(s, "a", &got));
    assert_true(bytes_equal(buf_bytes(&got), bytes_of_text("0123456")));
    buf_clear(&got);
    store_free(s);
}

static void nothing_is_freed_safely(void **state)
{
    (void)state;
    store_free(NULL);
    store_put_free(NULL);
    store_blob_free(NULL);
}

static void a_dot_beside_another_character_leads_nowhere_else(void **state)
{
    (void)state;
    assert_true(store_name_is_legal("a."));
    assert_true(store_name_is_legal(".a"));
}

static void the_alphabet_of_names_ends_where_the_format_says(void **state)
{
    (void)state;
    assert_true(store_name_is_legal("az09._-"));
    assert_false(store_name_is_legal("a{"));
    assert_false(store_name_is_legal("a`"));
}

static void a_store_is_empty_until_it_has_an_object(void **state)
{
    struct store *s = NULL;
    bool is_empty = false;

    assert_done(store_open(in(state, "here"), true, &s));
    assert_done(store_is_empty(s, &is_empty));
    assert_true(is_empty);
    assert_done(store_put(s, "a/b", bytes_of_text("")));
    assert_done(store_is_empty(s, &is_empty));
    assert_false(is_empty);
    assert_done(store_remove(s, "a/b"));
    assert_done(store_is_empty(s, &is_empty));
    assert_true(is_empty);
    store_free(s);
}

static void a_store_that_cannot_be_listed_is_not_called_empty(void **state)
{
    struct faulty f = {.fault = FAULT_FAIL, .fail_at = 1, .ops = FAULTY_LIST};
    struct store *real = NULL;
    struct store *s = NULL;
    bool is_empty = false;

    assert_done(store_open(in(state, "here"), true, &real));
    f.inner = real;
    assert_done(faulty_open(&f, &s));
    assert_refused(store_is_empty(s, &is_empty), ERR_STORAGE, NULL);
    assert_false(is_empty);
    store_free(s);
    faulty_clear(&f);
    store_free(real);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_the_format_are_legal),
        cmocka_unit_test(names_that_lead_elsewhere_are_not),
        IN_DIRECTORY(no_call_lets_an_illegal_name_through),
        cmocka_unit_test(an_address_is_not_taken_for_a_directory),
        IN_DIRECTORY(ranges_are_read_and_what_is_past_the_end_is_not),
        IN_DIRECTORY(an_object_over_the_cap_is_not_read),
        IN_DIRECTORY(a_store_is_empty_until_it_has_an_object),
        IN_DIRECTORY(a_store_that_cannot_be_listed_is_not_called_empty),
        cmocka_unit_test(nothing_is_freed_safely),
        cmocka_unit_test(a_dot_beside_another_character_leads_nowhere_else),
        cmocka_unit_test(the_alphabet_of_names_ends_where_the_format_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
