#include "core/base/bytes.h"

#include <string.h>

#include "core/base/mem.h"
#include "tests/unit/helpers.h"

static void bytes_are_equal_when_length_and_content_are(void **state)
{
    (void)state;
    assert_true(bytes_equal(bytes_of_text("abc"), bytes_of("abcd", 3)));
    assert_false(bytes_equal(bytes_of_text("abc"), bytes_of_text("abcd")));
    assert_false(bytes_equal(bytes_of_text("abc"), bytes_of_text("abd")));
    assert_true(bytes_equal(bytes_of(NULL, 0), bytes_of("x", 0)));
}

static void one_byte_that_is_not_zero_is_found_anywhere(void **state)
{
    uint8_t data[100] = {0};

    (void)state;
    assert_true(bytes_are_zero(bytes_of(NULL, 0)));
    for (size_t len = 1; len <= sizeof data; len++) {
        assert_true(bytes_are_zero(bytes_of(data, len)));
        for (size_t i = 0; i < len; i++) {
            data[i] = 1;
            assert_false(bytes_are_zero(bytes_of(data, len)));
            data[i] = 0;
        }
    }
}

static void a_buffer_grows_and_keeps_what_it_has(void **state)
{
    struct buf b = {.max = 100 * KIB};

    (void)state;
    for (unsigned i = 0; i < 10000; i++)
        assert_done(buf_add_u(&b, i, 4));
    assert_int_equal(b.len, 40000);
    for (unsigned i = 0; i < 10000; i++)
        assert_int_equal(be_get(b.data + 4 * i, 4), i);
    buf_clear(&b);
    assert_null(b.data);
    assert_int_equal(b.len, 0);
    assert_int_equal(b.max, 100 * KIB);
}

static void a_buffer_never_grows_past_its_limit(void **state)
{
    struct buf b = {.max = 10};

    (void)state;
    assert_done(buf_add_text(&b, "1234567890"));
    assert_refused(buf_add_u(&b, 0, 1), ERR_FAILED,
                   "a buffer would grow past its limit of 10 bytes");
    assert_refused(buf_reserve(&b, SIZE_MAX), ERR_FAILED, NULL);
    assert_done(buf_add(&b, bytes_of(NULL, 0)));
    assert_memory_equal(b.data, "1234567890", 10);
    assert_int_equal(b.len, 10);
    assert_true(b.cap <= 10);
    buf_clear(&b);
}

static void a_giant_limit_does_not_make_growing_endless(void **state)
{
    struct buf b = {.max = SIZE_MAX};

    (void)state;
    assert_refused(buf_reserve(&b, SIZE_MAX / 2 + 2), ERR_FAILED, NULL);
    assert_refused(buf_reserve(&b, SIZE_MAX), ERR_FAILED, NULL);
    assert_null(b.data);
}

static void formatted_text_is_added_without_its_nul(void **state)
{
    struct buf b = {.max = 1000};

    (void)state;
    assert_done(buf_add_format(&b, "%d-", 12));
    assert_done(buf_add_format(&b, "%s", "x"));
    assert_true(bytes_equal(buf_bytes(&b), bytes_of_text("12-x")));
    buf_clear(&b);
}

static void a_failed_growth_leaves_the_buffer_as_it_was(void **state)
{
    struct buf b = {.max = 1000};

    (void)state;
    assert_done(buf_add_text(&b, "kept"));
    mem_fail_at(1);
    assert_refused(buf_reserve(&b, 900), ERR_FAILED, "out of memory");
    mem_fail_at(0);
    assert_true(bytes_equal(buf_bytes(&b), bytes_of_text("kept")));
    buf_clear(&b);
}

static void integers_are_big_endian_at_every_width(void **state)
{
    static const uint8_t all[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    uint8_t data[8];

    (void)state;
    for (unsigned width = 1; width <= 8; width++) {
        uint64_t value = UINT64_C(0x0123456789abcdef) >> (64 - 8 * width);

        assert_int_equal(be_get(all, width), value);
        be_put(data, value, width);
        assert_memory_equal(data, all, width);
    }
}

static void a_cursor_reads_to_the_end_and_not_beyond(void **state)
{
    static const uint8_t data[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xaa, 0xbb, 0xcc};
    struct cursor c = cursor_of(bytes_of(data, sizeof data));
    struct bytes part = {NULL, 0};
    uint8_t u8 = 0;
    uint16_t u16 = 0;
    uint32_t u32 = 0;
    uint64_t u64 = 0;

    (void)state;
    assert_done(cursor_u8(&c, &u8));
    assert_done(cursor_u16(&c, &u16));
    assert_done(cursor_u32(&c, &u32));
    assert_int_equal(u8, 0x01);
    assert_int_equal(u16, 0x0203);
    assert_int_equal(u32, 0x04050607);
    assert_refused(cursor_end(&c), ERR_CORRUPT, "3 bytes are left over at the end");
    assert_refused(cursor_u(&c, 8, &u64), ERR_CORRUPT, "ends early: 8 bytes wanted, 3 are left");
    assert_refused(cursor_u32(&c, &u32), ERR_CORRUPT, "ends early: 4 bytes wanted, 3 are left");
    assert_refused(cursor_take(&c, SIZE_MAX, &part), ERR_CORRUPT, NULL);
    assert_done(cursor_take(&c, 3, &part));
    assert_memory_equal(part.data, data + 7, 3);
    assert_done(cursor_end(&c));
    assert_done(cursor_take(&c, 0, &part));
    assert_refused(cursor_u8(&c, &u8), ERR_CORRUPT, "ends early: 1 bytes wanted, 0 are left");
    assert_refused(cursor_u16(&c, &u16), ERR_CORRUPT, NULL);
    assert_int_equal(u8, 0x01); /* what failed changed nothing */
    assert_int_equal(u16, 0x0203);
    assert_int_equal(u32, 0x04050607);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_equal_when_length_and_content_are),
        cmocka_unit_test(one_byte_that_is_not_zero_is_found_anywhere),
        cmocka_unit_test(a_buffer_grows_and_keeps_what_it_has),
        cmocka_unit_test(a_buffer_never_grows_past_its_limit),
        cmocka_unit_test(a_giant_limit_does_not_make_growing_endless),
        cmocka_unit_test(formatted_text_is_added_without_its_nul),
        cmocka_unit_test(a_failed_growth_leaves_the_buffer_as_it_was),
        cmocka_unit_test(integers_are_big_endian_at_every_width),
        cmocka_unit_test(a_cursor_reads_to_the_end_and_not_beyond),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
