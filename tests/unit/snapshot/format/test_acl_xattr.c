#include "snapshot/format/acl_xattr.h"

#include <string.h>

#include "tests/unit/helpers.h"

/* As the kernel has it: linux/posix_acl_xattr.h. */
static const uint8_t value[] = {
    2,    0, 0, 0,                         /* version */
    1,    0, 7, 0, 0xff, 0xff, 0xff, 0xff, /* user:: */
    2,    0, 6, 0, 0xd2, 4,    0,    0,    /* user:1234 */
    4,    0, 5, 0, 0xff, 0xff, 0xff, 0xff, /* group:: */
    8,    0, 4, 0, 0x2e, 0x16, 0,    0,    /* group:5678 */
    0x10, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, /* mask:: */
    0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, /* other:: */
};
static const char text[] = "user::rwx\nuser::rw-:1234\ngroup::r-x\ngroup::r--:5678\nmask::rw-\n"
                           "other::---\n";

static void the_kernels_form_and_ours_say_the_same(void **state)
{
    struct buf to_text = {.max = KIB};
    struct buf to_value = {.max = KIB};
    struct acl_row row;
    struct cursor c;

    (void)state;
    assert_done(acl_xattr_begin(bytes_of(value, sizeof value), &c));
    while (c.left > 0) {
        assert_done(acl_xattr_take(&c, &row));
        assert_done(acl_add(&row, &to_text));
        assert_done(acl_xattr_add(&row, &to_value));
    }
    assert_true(bytes_equal(buf_bytes(&to_text), bytes_of_text(text)));
    assert_true(bytes_equal(buf_bytes(&to_value), bytes_of(value, sizeof value)));
    buf_clear(&to_text);
    buf_clear(&to_value);
}

static void nonsense_is_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t byte;
    } rows[] = {{4, 3}, {6, 8}, {5, 1}, {12, 0}};
    uint8_t changed[sizeof value];
    struct acl_row row;
    struct cursor c;

    (void)state;
    assert_refused(acl_xattr_begin(bytes_of(value + 4, 8), &c), ERR_CORRUPT,
                   "an ACL of an unknown version");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum err rc = ERR_OK;

        memcpy(changed, value, sizeof value);
        changed[rows[i].at] = rows[i].byte;
        assert_done(acl_xattr_begin(bytes_of(changed, sizeof changed), &c));
        while (rc == ERR_OK && c.left > 0)
            rc = acl_xattr_take(&c, &row);
        assert_int_equal(rc, ERR_CORRUPT);
        err_clear();
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_kernels_form_and_ours_say_the_same),
    cmocka_unit_test(nonsense_is_refused),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
