#include "core/seal/object_header.h"

#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "tests/unit/core/seal/sealed.h"

/* Where the format says they are. */
#define AT_TYPE 4
#define AT_FLAGS 5
#define AT_SUITE 6
#define AT_ORDINAL 56
#define AT_HEDGE 64
#define AT_RESERVED 80

static void the_header_is_that_of_the_format(void **state)
{
    static const char before_the_hedge[] = "53504f31" /* SPO1 */
                                           "01000001" /* type, zero, suite */
                                           "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1" /* repository */
                                           "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2" /* scope */
                                           "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3" /* object */
                                           "0000000000000007";                /* ordinal */
    struct object_identity identity = sealed_identity();
    uint8_t header[OBJECT_HEADER_LEN];
    char hex[2 * AT_HEDGE + 1];

    (void)state;
    object_header_make(&identity, header);
    text_hex(bytes_of(header, AT_HEDGE), hex);
    assert_string_equal(hex, before_the_hedge);
    assert_true(bytes_are_zero(bytes_of(header + AT_RESERVED, OBJECT_HEADER_LEN - AT_RESERVED)));
    assert_done(object_header_check(&identity, header));
}

static void no_two_headers_have_the_same_hedge(void **state)
{
    struct object_identity identity = sealed_identity();
    uint8_t one[OBJECT_HEADER_LEN], two[OBJECT_HEADER_LEN];

    (void)state;
    object_header_make(&identity, one);
    object_header_make(&identity, two);
    assert_memory_not_equal(one + AT_HEDGE + 12, two + AT_HEDGE + 12, 4);
    memset(two + AT_HEDGE, 0xee, 16);
    assert_done(object_header_check(&identity, two)); /* and it is not looked at */
}

static void a_field_that_is_not_due_is_named(void **state)
{
    static const struct {
        size_t offset;
        const char *message;
    } changes[] = {
        {0, "magic is 52504f31, not 53504f31 (another object's bytes, or damaged)"},
        {AT_TYPE, "type is 0, not 1 (another object's bytes, or damaged)"},
        {AT_FLAGS, "flags is 1, not 0 (another object's bytes, or damaged)"},
        {AT_SUITE, "suite is 257, not 1 (another object's bytes, or damaged)"},
        {AT_SUITE + 1, "suite is 0, not 1 (another object's bytes, or damaged)"},
        {AT_ORDINAL + 7, "ordinal is 6, not 7 (another object's bytes, or damaged)"},
        {AT_RESERVED, "reserved part is 01000000000000000000000000000000, not "
                      "00000000000000000000000000000000 (another object's bytes, or damaged)"},
        {OBJECT_HEADER_LEN - 1,
         "reserved part is 00000000000000000000000000000001, not "
         "00000000000000000000000000000000 (another object's bytes, or damaged)"},
    };
    struct object_identity identity = sealed_identity();
    uint8_t header[OBJECT_HEADER_LEN];

    (void)state;
    object_header_make(&identity, header);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        header[changes[i].offset] ^= 1;
        assert_refused(object_header_check(&identity, header), ERR_CORRUPT, changes[i].message);
        header[changes[i].offset] ^= 1;
    }
}

static void an_identity_that_differs_in_one_field_is_refused(void **state)
{
    static const char *const messages[] = {
        "type is 1, not 2 (another object's bytes, or damaged)",
        "repository id is a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1, not "
        "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a100 (another object's bytes, or damaged)",
        "scope id is b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2, not "
        "00b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2 (another object's bytes, or damaged)",
        "object id is c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3, not "
        "c300c3c3c3c3c3c3c3c3c3c3c3c3c3c3 (another object's bytes, or damaged)",
        "ordinal is 7, not 72057594037927943 (another object's bytes, or damaged)",
    };
    const struct object_identity right = sealed_identity();
    uint8_t header[OBJECT_HEADER_LEN];

    (void)state;
    object_header_make(&right, header);
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct object_identity wrong = right;

        if (i == 0)
            wrong.type = OBJECT_INDEX;
        if (i == 1)
            wrong.context.repository[SEAL_ID_LEN - 1] = 0;
        if (i == 2)
            wrong.context.scope[0] = 0;
        if (i == 3)
            wrong.id[1] = 0;
        if (i == 4)
            wrong.ordinal = (UINT64_C(1) << 56) + 7;
        assert_refused(object_header_check(&wrong, header), ERR_CORRUPT, messages[i]);
    }
}

static void every_byte_but_the_hedge_is_compared(void **state)
{
    struct object_identity identity = sealed_identity();
    uint8_t header[OBJECT_HEADER_LEN];

    (void)state;
    object_header_make(&identity, header);
    for (size_t i = 0; i < sizeof header; i++) {
        enum err due = i >= AT_HEDGE && i < AT_RESERVED ? ERR_OK : ERR_CORRUPT;

        header[i] ^= 0x80;
        assert_int_equal(object_header_check(&identity, header), due);
        header[i] ^= 0x80;
    }
}

static void the_hedge_says_when_and_in_which_process(void **state)
{
    struct object_identity identity = sealed_identity();
    uint8_t header[OBJECT_HEADER_LEN];
    int64_t before = clock_now_ns();
    uint64_t when;

    (void)state;
    object_header_make(&identity, header);
    when = be_get(header + AT_HEDGE, 8);
    assert_true(when >= (uint64_t)before && when <= (uint64_t)clock_now_ns());
    assert_int_equal(be_get(header + AT_HEDGE + 8, 4), getpid());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_is_that_of_the_format),
        cmocka_unit_test(no_two_headers_have_the_same_hedge),
        cmocka_unit_test(a_field_that_is_not_due_is_named),
        cmocka_unit_test(an_identity_that_differs_in_one_field_is_refused),
        cmocka_unit_test(every_byte_but_the_hedge_is_compared),
        cmocka_unit_test(the_hedge_says_when_and_in_which_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
