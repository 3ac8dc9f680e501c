#include "snapshot/format/acl.h"

#include <string.h>

#include "tests/unit/helpers.h"

#define BASE "user::rwx\ngroup::r-x\nother::---\n"
#define WHOLE "user::rwx\nuser:alice:rw-:1000\ngroup::r-x\nmask::rwx\nother::---\n"

static enum err check(const char *text, bool is_directory)
{
    return acl_check(bytes_of_text(text), is_directory);
}

static void what_is_an_acl(void **state)
{
    static const char *const good[] = {
        "",
        BASE,
        WHOLE,
        "user::rwx\nuser:alice:rw-\nuser::r--:7\ngroup::r-x\ngroup:a b:--x:0\nmask::rwx\n"
        "other::---\n",
        "default:user::rwx\ndefault:group::r-x\ndefault:other::---\n",
        WHOLE "default:user::rwx\ndefault:user:bob:rw-\ndefault:group::r-x\ndefault:mask::rwx\n"
              "default:other::---\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_done(check(good[i], true));
}

static void what_is_none(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        {"user::rwx", "a row of an ACL ends early"},
        {"user\n", "a row of an ACL ends early"},
        {"user::rw\n", "has ended 1 bytes too early"},
        {"user::rwX\n", "a row of an ACL has odd permissions"},
        {"user::xrw\n", "a row of an ACL has odd permissions"},
        {"user:alice:rwx1\n", "a row of an ACL has an odd number"},
        {"user:alice:rwx:\n", "a row of an ACL has an odd number"},
        {"user:alice:rwx:01\n", "a row of an ACL has an odd number"},
        {"user:alice:rwx:+1\n", "a row of an ACL has an odd number"},
        {"user:alice:rwx:4294967295\n", "a row of an ACL has an odd number"},
        {"user:alice:rwx:99999999999\n", "a row of an ACL has an odd number"},
        {"u::rwx\n", "a row of an ACL is of no known kind"},
        {"mask:alice:rwx\n", "a row of an ACL is of no known kind"},
        {"other::rwx:1\n", "a row of an ACL is of no known kind"},
        {"default:default:user::rwx\n", "a row of an ACL has odd permissions"},
        {"user::rwx,group::r-x,other::---\n", "a row of an ACL has an odd number"},
        {"group::r-x\nuser::rwx\nother::---\n", "the rows of an ACL are out of order"},
        {"default:user::rwx\n" BASE, "the rows of an ACL are out of order"},
        {"user::rwx\ngroup::r-x\n", "an ACL lacks owner, group or others, or has them twice"},
        {"user::rwx\n" BASE, "an ACL lacks owner, group or others, or has them twice"},
        {"user::rwx\ndefault:user::rwx\ndefault:group::r-x\ndefault:other::---\n",
         "an ACL lacks owner, group or others, or has them twice"},
        {"user::rwx\nuser::r--:7\ngroup::r-x\nother::---\n",
         "an ACL lacks its mask, or has it twice"},
        {"user::rwx\ngroup::r-x\nmask::r--\nmask::r--\nother::---\n",
         "an ACL lacks its mask, or has it twice"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum err rc = check(rows[i].text, true);

        if (rc != ERR_CORRUPT || strcmp(err_text(), rows[i].why) != 0)
            print_error("%s gave: %s\n", rows[i].text, err_text());
        assert_int_equal(rc, ERR_CORRUPT);
        if (i != 2)
            assert_string_equal(err_text(), rows[i].why);
        err_clear();
    }
    assert_refused(check("default:user::rwx\ndefault:group::r-x\ndefault:other::---\n", false),
                   ERR_CORRUPT, "a default ACL that is no directory's");
}

static void what_is_read_is_written_as_it_was(void **state)
{
    static const char text[] = WHOLE "default:user::r--\ndefault:group:x:-w-\ndefault:mask::--x\n";
    struct cursor c = cursor_of(bytes_of_text(text));
    struct buf again = {.max = KIB};
    struct acl_row row;

    (void)state;
    while (c.left > 0) {
        assert_done(acl_take(&c, &row));
        assert_done(acl_add(&row, &again));
    }
    assert_true(bytes_equal(buf_bytes(&again), bytes_of_text(text)));
    buf_clear(&again);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_an_acl),
    cmocka_unit_test(what_is_none),
    cmocka_unit_test(what_is_read_is_written_as_it_was),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
