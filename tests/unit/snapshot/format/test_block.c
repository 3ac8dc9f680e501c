#include "snapshot/format/block.h"

#include <string.h>

#include "tests/unit/helpers.h"

static void a_row_round_trips(void **state)
{
    static const struct block rows[] = {
        {.sha256 = {1}, .object = 0, .offset = 0, .stored_len = 1, .codec = BLOCK_RAW},
        {.sha256 = {0xff, 2},
         .object = UINT32_MAX,
         .offset = UINT64_MAX,
         .stored_len = BLOCK_LEN_MAX,
         .codec = BLOCK_ZSTD},
        {.codec = BLOCK_ZERO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t row[BLOCK_ROW_LEN];
        struct block b = {0};

        block_encode(&rows[i], row);
        assert_done(block_decode(row, &b));
        assert_memory_equal(b.sha256, rows[i].sha256, HASH_LEN);
        assert_int_equal(b.object, rows[i].object);
        assert_true(b.offset == rows[i].offset);
        assert_int_equal(b.stored_len, rows[i].stored_len);
        assert_int_equal(b.codec, rows[i].codec);
    }
}

static void a_row_is_laid_out_as_the_format_says(void **state)
{
    struct block b = {.object = 0x01020304,
                      .offset = UINT64_C(0x05060708090a0b0c),
                      .stored_len = 0x0d0e0f,
                      .codec = BLOCK_ZSTD};
    uint8_t want[BLOCK_ROW_LEN];
    uint8_t row[BLOCK_ROW_LEN];

    (void)state;
    memset(b.sha256, 0xee, HASH_LEN);
    memset(want, 0xee, HASH_LEN);
    for (uint8_t i = 0; i < 15; i++)
        want[HASH_LEN + i] = (uint8_t)(i + 1);
    want[47] = 1;
    block_encode(&b, row);
    assert_memory_equal(row, want, sizeof row);
}

static void every_codec_but_three_is_unknown(void **state)
{
    (void)state;
    for (unsigned codec = 0; codec <= UINT8_MAX; codec++) {
        uint8_t row[BLOCK_ROW_LEN] = {[46] = (uint8_t)(codec != BLOCK_ZERO), [47] = (uint8_t)codec};
        struct block b = {0};

        if (codec <= BLOCK_ZERO)
            assert_done(block_decode(row, &b));
        else
            assert_refused(block_decode(row, &b), ERR_UNSUPPORTED, NULL);
    }
}

static void zeros_that_name_a_place_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < BLOCK_ROW_LEN - 1; i++) {
        uint8_t row[BLOCK_ROW_LEN] = {[47] = BLOCK_ZERO};
        struct block b = {0};

        row[i] = 1;
        assert_refused(block_decode(row, &b), ERR_CORRUPT, "a block of zeros names a place");
    }
}

static void a_stored_length_that_cannot_be_is_refused(void **state)
{
    static const uint32_t lengths[] = {0, BLOCK_LEN_MAX + 1, 0xffffff};

    (void)state;
    for (unsigned codec = 0; codec < BLOCK_ZERO; codec++)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            uint8_t row[BLOCK_ROW_LEN] = {[47] = (uint8_t)codec};
            struct block b = {0};

            be_put(row + 44, lengths[i], 3);
            assert_refused(block_decode(row, &b), ERR_CORRUPT, NULL);
        }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_row_round_trips),
    cmocka_unit_test(a_row_is_laid_out_as_the_format_says),
    cmocka_unit_test(every_codec_but_three_is_unknown),
    cmocka_unit_test(zeros_that_name_a_place_are_refused),
    cmocka_unit_test(a_stored_length_that_cannot_be_is_refused),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
