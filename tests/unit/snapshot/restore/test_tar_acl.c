#include "snapshot/restore/tar_acl.h"

#include "tests/unit/snapshot/index_samples.h"

static struct buf access_acl = {.max = KIB};
static struct buf default_acl = {.max = KIB};

static enum err encode(const char *text)
{
    struct entry e = entry_at(ENTRY_DIR, "d");
    enum err rc;

    e.mode = 0750;
    assert_done(buf_add(&e.acl, bytes_of(text, strlen(text) + 1)));
    e.acl.len--;
    rc = tar_acl_encode(&e, &access_acl, &default_acl);
    entry_clear(&e);
    return rc;
}

/* As the kernel has it: linux/posix_acl_xattr.h. */
static void rows_are_in_the_kernels_order_whatever_that_of_the_text(void **state)
{
    static const uint8_t want[] = {
        2,    0, 0, 0,                         /* version */
        1,    0, 7, 0, 0xff, 0xff, 0xff, 0xff, /* user:: */
        2,    0, 6, 0, 0xd2, 4,    0,    0,    /* user:1234 */
        4,    0, 5, 0, 0xff, 0xff, 0xff, 0xff, /* group:: */
        8,    0, 4, 0, 0x2e, 0x16, 0,    0,    /* group:5678 */
        0x10, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, /* mask:: */
        0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, /* other:: */
    };

    (void)state;
    assert_done(encode("mask::rw-\nother::---\ngroup:five:r--:5678\nuser:someone:rw-:1234\n"
                       "group::r-x\nuser::rwx\n"));
    assert_int_equal(access_acl.len, sizeof want);
    assert_memory_equal(access_acl.data, want, sizeof want);
    assert_int_equal(default_acl.len, 0);
}

static void a_default_acl_is_apart(void **state)
{
    (void)state;
    assert_done(encode("default:user::rwx\ndefault:user:someone:r-x:1234\ndefault:group::r-x\n"
                       "default:mask::r-x\ndefault:other::---\n"));
    assert_int_equal(access_acl.len, 0);
    assert_int_equal(default_acl.len, 4 + 5 * 8);
}

static void no_text_is_no_acl_and_nonsense_is_refused(void **state)
{
    (void)state;
    assert_done(encode(""));
    assert_int_equal(access_acl.len + default_acl.len, 0);
    assert_refused(encode("nonsense"), ERR_CORRUPT, "d: an ACL cannot be read");
    assert_refused(encode("user:someone:rw-"), ERR_CORRUPT,
                   "d: an ACL names a user or group without a number");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(rows_are_in_the_kernels_order_whatever_that_of_the_text),
    cmocka_unit_test(a_default_acl_is_apart),
    cmocka_unit_test(no_text_is_no_acl_and_nonsense_is_refused),
};

static int clear(void **state)
{
    (void)state;
    buf_clear(&access_acl);
    buf_clear(&default_acl);
    return 0;
}

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, clear);
}
